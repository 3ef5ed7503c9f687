"""Ask the processor about open attempts and work through webhooks: manage.py reconcile [--practice SLUG] [--json].

With --since TIME also about charges that the database has lost (docs/money.md, "After a restore").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cards import picking_up
from payments import inbox, reconcile, recover, refund_news
from practices.models import Practice
from practices.passes import PassCommand
from processors.port import UnableToReachProcessor


class Command(PassCommand):
    help = "Find out what became of attempts whose answer never came, and work through stored webhooks."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--since", type=datetime.fromisoformat, metavar="TIME",
            help="also bring back what the processor knows since then and we have lost (2026-03-10T02:00+00:00)",
        )  # fmt: skip

    def handle(self, *arguments: Any, **options: Any) -> None:
        since: datetime | None = options["since"]
        if since is not None and since.tzinfo is None:
            raise CommandError("--since needs a time zone, for example 2026-03-10T02:00+00:00.")
        self.since = since
        super().handle(*arguments, **options)

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        try:
            since = self.since or practice.recover_since
            recovered = recover.recover(practice.pk, since=since, now=now) if since else 0
            webhooks = inbox.work_through(practice.pk, now=now)
        except UnableToReachProcessor as error:
            return {"problem": str(error)}
        return {
            "recovered": recovered,
            "webhooks": webhooks,
            "settled": reconcile.reconcile(practice.pk, now=now),
            "refunds": refund_news.reconcile_refunds(practice.pk, now=now),
            "cards": picking_up.pick_up(now=now),
        }
