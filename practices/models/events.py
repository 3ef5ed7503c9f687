"""The append-only log of everything that changed and who did it (M9). The database refuses updates and deletes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.expressions import RawSQL

from practices.models.rows import PracticeRow


class EventQuerySet(models.QuerySet["Event"]):
    def about(self, **ids: int) -> Self:
        """Events that carry these ids, for example about(patient=3)."""
        # A function of the database: behind row-level security `@>` could not use the index (migration 0004).
        return self.filter(pk__in=RawSQL("SELECT events_about(%s::jsonb)", [json.dumps(ids)]))  # noqa: S611


class Event(PracticeRow):
    """One fact. `about` holds ids only; `before`/`after` hold values that changed, never card data."""

    at = models.DateTimeField(help_text="Business time, UTC")
    recorded_at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=80, help_text='"user:3", "patient:9", "sweep", "webhook", "reconciler", "sync"')
    kind = models.CharField(max_length=60)
    text = models.CharField(max_length=400, blank=True)
    about = models.JSONField(default=dict)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)

    objects: ClassVar[models.Manager[Event]] = models.Manager.from_queryset(EventQuerySet)()

    class Meta:
        indexes = [
            GinIndex(fields=["about"], name="events_about"),
            models.Index(fields=["practice", "-at"], name="events_recent"),
        ]

    @classmethod
    def record(
        cls,
        practice_id: int,
        *,
        kind: str,
        actor: str,
        now: datetime,
        about: dict[str, int],
        text: str = "",
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> Event:
        """Write one event. `about` maps patient, plan, installment, attempt, payment, card … to row ids."""
        return cls.objects.create(
            practice_id=practice_id, kind=kind, actor=actor, at=now, about=about,
            text=text, before=before or {}, after=after or {},
        )  # fmt: skip
