"""One pass of the outbox now: manage.py send_messages [--practice SLUG] [--json]."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from notifications import tasks
from practices.models import Practice


class Command(BaseCommand):
    help = "Send what waits in the outbox, and ask the carrier about texts whose answer was lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", metavar="SLUG", help="only this practice")
        parser.add_argument("--json", action="store_true", help="one JSON object per practice")

    def handle(self, *_: Any, **options: Any) -> None:
        for practice in _chosen(options["practice"]):
            done = tasks.run(practice.pk, clock.now())
            if options["json"]:
                self.stdout.write(json.dumps({"practice": practice.slug, **done}))
            else:
                self.stdout.write(f"{practice.slug}: {done['sent']} sent, {done['found']} found at the carrier")


def _chosen(slug: str | None) -> list[Practice]:
    practices = Practice.objects.filter(is_active=True).order_by("slug")
    if slug:
        practices = practices.filter(slug=slug)
        if not practices:
            raise CommandError(f"There is no practice {slug}.")
    return list(practices)
