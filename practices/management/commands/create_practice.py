"""Make a practice with its payment settings: manage.py create_practice --slug S --name N --timezone America/Denver."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core import clock
from practices import tenancy
from practices.models import Event, PaymentSettings, Practice


class Command(BaseCommand):
    help = "Make a practice. Connect it afterwards with connect_opendental, connect_processor, connect_messaging."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", required=True, help="short name in addresses and commands, like maple-grove")
        parser.add_argument("--name", required=True)
        parser.add_argument("--timezone", required=True, help="like America/New_York or Pacific/Honolulu")
        parser.add_argument("--phone", default="")
        parser.add_argument("--state", default="", help="two letters, like OR")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        practice = Practice(**{name: options[name] for name in ("slug", "name", "timezone", "phone", "state")})
        _refuse_unless_sound(practice)
        with transaction.atomic():
            practice.save(force_insert=True)
            with tenancy.scope(practice.pk):
                PaymentSettings.objects.create(practice=practice)
                Event.record(practice.pk, kind="practice_created", actor="operator", now=clock.now(), about={})
        if options["json"]:
            self.stdout.write(json.dumps({"practice": practice.slug, "id": practice.pk}))
        else:
            self.stdout.write(f"{practice.name} is there: use --practice {practice.slug} to connect it.")


def _refuse_unless_sound(practice: Practice) -> None:
    try:
        ZoneInfo(practice.timezone)
        practice.full_clean()
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
        raise CommandError(f"{practice.timezone!r} is not a time zone, like America/New_York.") from error
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
