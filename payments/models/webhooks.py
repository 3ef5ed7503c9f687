"""The webhook inbox: stored first, answered 200, processed in a task."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from practices.models.rows import PracticeRow


class WebhookEvent(PracticeRow):
    """One event of the processor. Only names the object that changed; the object itself is fetched anew."""

    class State(models.TextChoices):
        NEW = "NEW", "New"
        DONE = "DONE", "Done"
        IGNORED = "IGNORED", "Not ours"
        FAILED = "FAILED", "Failed"

    event_id = models.CharField(max_length=80)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=80, blank=True)
    api_version = models.CharField(max_length=40, blank=True)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    note = models.CharField(max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "event_id"], name="webhook_event_once")]
        indexes = [
            models.Index(fields=["practice", "received_at"], condition=Q(state="NEW"), name="webhook_events_new")
        ]
