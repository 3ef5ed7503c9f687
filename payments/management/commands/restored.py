"""After a restore (bin/restore): manage.py restored --since TIME marks what may have happened since the backup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core import clock
from payments import recover
from practices.models import Practice
from practices.passes import PassCommand


class Command(PassCommand):
    # One that sleeps now was awake in the lost hours, or will be.
    only_active = False
    help = "Mark a restored database: nothing is charged, posted or sent again before it was looked for outside."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--since", required=True, type=datetime.fromisoformat, help="when the backup was begun, UTC"
        )

    def handle(self, *arguments: Any, **options: Any) -> None:
        since: datetime = options["since"]
        if since.tzinfo is None:
            raise CommandError("--since needs a time zone, for example 2026-03-10T02:00+00:00.")
        # Given in real time; the processor of a demo dates its charges in business time.
        self.since = since.astimezone(UTC) + clock.offset()
        super().handle(*arguments, **options)

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        recover.mark_restored(practice.pk, since=self.since, now=now)
        return {"recovers since": f"{self.since:%Y-%m-%d %H:%M:%S} UTC"}
