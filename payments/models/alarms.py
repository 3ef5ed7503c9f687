"""Things a person must look at: contradicting news (M10), refusals, stuck work. Closed, never deleted."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from practices.models import Event
from practices.models.rows import PracticeRow


class Alarm(PracticeRow):
    kind = models.CharField(max_length=40)
    # The same cause raises one open alarm, however often it is seen.
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=400)
    about = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=80, blank=True)

    objects: ClassVar[models.Manager[Alarm]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "key"], condition=Q(closed_at__isnull=True), name="one_open_alarm_per_cause"
            )
        ]

    @classmethod
    def raise_once(
        cls, practice_id: int, *, kind: str, key: str, text: str, about: dict[str, int], now: datetime
    ) -> None:
        """Open an alarm unless the same one is open."""
        cls.objects.bulk_create(
            [cls(practice_id=practice_id, kind=kind, key=key, text=text[:400], about=about, opened_at=now)],
            ignore_conflicts=True,
        )

    @classmethod
    def close(cls, practice_id: int, *more: str, key: str, now: datetime, actor: str) -> None:
        """The cause is gone (of `more` keys as well). Quiet when nothing is open."""
        opened = cls.objects.filter(practice_id=practice_id, key__in=(key, *more), closed_at=None)
        opened.update(closed_at=now, closed_by=actor)

    def close_by_hand(self, *, actor: str, now: datetime) -> None:
        """A person has dealt with it. Quiet when it is closed already."""
        closed = Alarm.objects.filter(pk=self.pk, closed_at=None).update(closed_at=now, closed_by=actor)
        if closed:
            Event.record(self.practice_id, kind="alarm_closed", actor=actor, now=now, about=self.about, text=self.text)
