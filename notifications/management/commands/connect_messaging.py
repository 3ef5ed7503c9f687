"""manage.py connect_messaging --practice SLUG --base-url URL --sid AC… --token … --from +1…"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from notifications.channels.sms import PUBLIC_ADDRESS
from notifications.connect import UnableToConnect, connect
from practices import tenancy
from practices.models import Practice


class Command(BaseCommand):
    help = "Connect a practice to its Twilio account, after testing it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", required=True, metavar="SLUG")
        parser.add_argument("--base-url", default=PUBLIC_ADDRESS)
        parser.add_argument("--sid", required=True, help="account SID (AC…)")
        parser.add_argument("--token", required=True, help="auth token")
        parser.add_argument("--from", required=True, dest="from_number", help="number in E.164, or MG… of a service")

    def handle(self, *_: Any, **options: Any) -> None:
        practice = Practice.objects.filter(slug=options["practice"]).first()
        if practice is None:
            raise CommandError(f"There is no practice {options['practice']}.")
        names = ("base_url", "sid", "token", "from_number")
        try:
            with tenancy.scope(practice.pk):
                to_do = connect(practice, now=clock.now(), **{name: options[name] for name in names})
        except UnableToConnect as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{practice.name}: texts go out from {options['from_number']}.")
        for line in to_do:
            self.stdout.write(f"To do: {line}")
