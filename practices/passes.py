"""The frame of commands that do one pass now: pull, sweep, reconcile, post_ledger, send_messages."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from practices import tenancy
from practices.models import Practice

logger = logging.getLogger(__name__)


class PassCommand(BaseCommand):
    """Subclasses say what one pass is; a practice that fails is reported and the next one still gets its pass."""

    only_active = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", metavar="SLUG", help="only this practice")
        parser.add_argument("--json", action="store_true", help="one JSON object per practice")

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        """Do it, in the practice's scope; returns what to show, by name. A "problem" makes the command fail."""
        raise NotImplementedError

    def handle(self, *_: Any, **options: Any) -> None:
        failed = False
        for practice in chosen(options["practice"], only_active=self.only_active):
            seen = self._seen(practice)
            failed = failed or bool(seen.get("problem"))
            if options["json"]:
                self.stdout.write(json.dumps({"practice": practice.slug, **seen}, default=str))
            else:
                words = ", ".join(f"{name} {value}" for name, value in seen.items())
                self.stdout.write(f"{practice.slug}: {words or 'nothing to do'}")
        if failed:
            raise CommandError("Not every practice could be worked through; see above.")

    def _seen(self, practice: Practice) -> dict[str, Any]:
        try:
            with tenancy.scope(practice.pk):
                return dict(self.one_pass(practice, clock.now()))
        except CommandError:
            raise
        except Exception as error:
            logger.exception("Practice %s could not be worked through", practice.pk)
            return {"problem": f"{type(error).__name__}, see the log"}


def chosen(slug: str | None, *, only_active: bool = True) -> list[Practice]:
    """The active practices (or all), or the one named. Raises CommandError for an unknown one."""
    if slug is not None:
        return [one(slug)]
    practices = Practice.objects.order_by("slug")
    return list(practices.filter(is_active=True) if only_active else practices)


def one(slug: str) -> Practice:
    """The practice with this slug. Raises CommandError."""
    practice = Practice.objects.filter(slug=slug).first()
    if practice is None:
        raise CommandError(f"There is no practice {slug!r}.")
    return practice
