"""Connect a practice to Stripe: manage.py connect_processor --practice SLUG --base-url URL --secret-key sk_…"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from practices import passes, tenancy
from processors.connecting import STRIPE, UnableToConnect, connect, webhook_url


class Command(BaseCommand):
    help = "Test a Stripe account and connect the practice to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", required=True, metavar="SLUG")
        parser.add_argument("--base-url", default=STRIPE)
        parser.add_argument("--secret-key", required=True)
        parser.add_argument("--webhook-secret", default="", help="whsec_…; without it an endpoint is registered")
        parser.add_argument("--account", default="", help="acct_… of a connected account")
        parser.add_argument("--switch-account", action="store_true", help="leave the account in use for another one")

    def handle(self, *_: Any, **options: Any) -> None:
        practice = passes.one(options["practice"])
        names = ("base_url", "secret_key", "webhook_secret", "account")
        try:
            with tenancy.scope(practice.pk):
                given = {name: options[name] for name in names}
                account = connect(practice, now=clock.now(), switch=options["switch_account"], **given)
        except UnableToConnect as error:
            raise CommandError(str(error)) from error
        mode = "LIVE" if account.is_live else "test"
        self.stdout.write(
            f"{practice.name}: connected to Stripe in {mode} mode; webhooks go to {webhook_url(practice)}"
        )
