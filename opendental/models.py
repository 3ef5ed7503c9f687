"""The connection to a practice's Open Dental office and what the sync remembers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.encryption import EncryptedTextField
from patients.models import Patient
from payments.models import LedgerPosting
from payplans.models import PayPlan
from practices.models.rows import PracticeRow

# States of a PlanOrder that go on by themselves.
_ORDERED = ["QUEUED", "SENDING", "UNCLEAR", "READING"]


class Connection(PracticeRow):
    class Mode(models.TextChoices):
        """How the API is reached; decides the pace (opendental-api.md §1.1, 1.3)."""

        REMOTE = "REMOTE", "Through Open Dental's servers"
        SERVICE = "SERVICE", "API service in the office"

    base_url = models.CharField(max_length=200)
    developer_key = EncryptedTextField()
    customer_key = EncryptedTextField()
    mode = models.CharField(max_length=8, choices=Mode.choices)
    connected_at = models.DateTimeField()
    # Learned at connection time and daily.
    version = models.CharField(max_length=20, blank=True)
    permissions = models.JSONField(default=list, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    pay_type_num = models.BigIntegerField(default=0, help_text="DefNum of the payment type we post with")
    # {"70": "Cash"}: what staff choose from for money that no card moved.
    payment_types = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    # {"1": "Cash discount"}: adjustment types that take off, for discounts.
    adjustment_types = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    learned_at = models.DateTimeField(null=True, blank=True)
    # Health.
    last_answer_at = models.DateTimeField(null=True, blank=True)
    last_pull_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    problem_since = models.DateTimeField(null=True, blank=True)
    # The breaker (opendental/breaker.py): jobs in a row that couldn't reach the office, since when it is left alone,
    # and before when no job asks it. Business time.
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    away_since = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)
    # Change cursors: the office's own clock, as text in Open Dental's format; moved only with what they found.
    cursor = models.CharField(max_length=19, blank=True)
    patients_cursor = models.CharField(max_length=19, blank=True)
    fully_pulled_at = models.DateTimeField(null=True, blank=True)
    # Counts cycles: what is compared in turn is chosen by it.
    turn = models.PositiveIntegerField(default=0)
    # Last cycle: {"calls": 3, "changed": 1, "problems": 0, "seconds": 0.4}
    last_cycle = models.JSONField(default=dict, blank=True)
    # When the last cycle began that ended without a problem: nothing older than this is unknown to us.
    in_step_at = models.DateTimeField(null=True, blank=True)
    # How far long walks over the office's tables have come, by name (opendental/walks.py).
    walks = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice"], name="one_opendental_connection_per_practice")]


class PlanToRead(PracticeRow):
    """A plan that was found changed and waits to be read. Stands from discovery until its facts are stored."""

    class Urgency(models.IntegerChoices):
        """What is read first when many plans wait."""

        CHANGED = 0, "found changed"
        LISTED = 1, "open, listed to be read"
        CLOSED = 2, "closed, listed to be read"

    pay_plan_num = models.BigIntegerField()
    pat_num = models.BigIntegerField(default=0, help_text="0 = not known yet")
    found_at = models.DateTimeField()
    # Reading failed for this plan alone: when it is tried again.
    next_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    urgency = models.PositiveSmallIntegerField(
        choices=Urgency.choices, default=Urgency.CHANGED, db_default=Urgency.CHANGED
    )
    # New with every finding: who began to read before it must leave the row.
    token = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "pay_plan_num"], name="plan_to_read_once")]
        indexes = [models.Index(fields=["practice", "urgency", "found_at"], name="plans_to_read_in_order")]


class PlanFingerprint(PracticeRow):
    """What a plan's rows looked like in SQL when they were last found: tells edits and deletions without timestamps."""

    class Of(models.TextChoices):
        PLAN = "PLAN", "payplan"
        CHARGES = "CHARGES", "payplancharge"
        SPLITS = "SPLITS", "paysplit"
        LINKS = "LINKS", "payplanlink"
        # Fees, adjustments and insurance behind a plan's links, looked at once a night.
        WORK = "WORK", "production"

    of = models.CharField(max_length=8, choices=Of.choices)
    pay_plan_num = models.BigIntegerField()
    rows = models.BigIntegerField()
    # Sum of the CRC32 of its rows.
    checksum = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "of", "pay_plan_num"], name="plan_fingerprint_once")]


class SyncCycle(PracticeRow):
    """What one cycle of the sync cost and found. The newest few hundred of a practice are kept."""

    began_at = models.DateTimeField()
    seconds = models.FloatField()
    calls = models.PositiveIntegerField()
    rows = models.PositiveIntegerField(help_text="Rows Open Dental sent")
    changed = models.PositiveIntegerField(help_text="Plans read and stored")
    problems = models.PositiveIntegerField(default=0, help_text="Plans that could not be read")
    waiting = models.PositiveIntegerField(default=0, help_text="Plans still to be read")
    # The oldest a change can have been before this cycle saw it; null = never in step yet.
    age_seconds = models.FloatField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["practice", "-began_at"], name="cycles_of_a_practice")]


class GuarantorTurn(PracticeRow):
    """Without SQL the plans of each guarantor are read in turn: when was this one read?"""

    guarantor_num = models.BigIntegerField()
    checked_at = models.DateTimeField(null=True, blank=True)
    # Guarantors with open plans come round more often.
    has_plans = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "guarantor_num"], name="guarantor_turn_once")]


class QuarantinedRow(PracticeRow):
    """A row of Open Dental that couldn't be understood: kept with a readable reason, never stops a run."""

    resource = models.CharField(max_length=30)
    row_key = models.CharField(max_length=40)
    reason = models.CharField(max_length=300)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "resource", "row_key"], name="quarantined_row_once")]


class OfficeNote(PracticeRow):
    """A note in a patient's Commlog about a posting that staff enter by hand (opendental/office_notes.py)."""

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Waiting"
        SENDING = "SENDING", "Being written"
        UNCLEAR = "UNCLEAR", "Looking for it in the Commlog"
        WRITTEN = "WRITTEN", "In the Commlog"
        REFUSED = "REFUSED", "Not written"
        DROPPED = "DROPPED", "No longer needed"

    posting = models.OneToOneField(LedgerPosting, on_delete=models.PROTECT, related_name="office_note")
    pat_num = models.BigIntegerField()
    # Begins with the posting's reference, by which it is found again.
    text = models.CharField(max_length=600)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    state_reason = models.CharField(max_length=300, blank=True)
    commlog_num = models.BigIntegerField(null=True, blank=True)
    next_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["practice", "next_at"],
                condition=models.Q(state__in=["QUEUED", "SENDING", "UNCLEAR"]),
                name="office_notes_to_write",
            )
        ]


class PlanOrder(PracticeRow):
    """What staff want done to a plan in Open Dental; committed with exactly what is sent before it is sent (ADR 11)."""

    class Kind(models.TextChoices):
        CREATE = "CREATE", "New plan"
        TERMS = "TERMS", "Change of terms"
        CLOSE = "CLOSE", "Closing"

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Waits to be sent"
        SENDING = "SENDING", "Being sent"
        # It may have been done: Open Dental is looked at before anybody sends it again.
        UNCLEAR = "UNCLEAR", "Looking in Open Dental"
        # Done; the plan is being read.
        READING = "READING", "Reading it back"
        DONE = "DONE", "Done, read back"
        # Done, but Open Dental shows another schedule than the preview.
        DIFFERENT = "DIFFERENT", "Done, Open Dental differs"
        REFUSED = "REFUSED", "Refused by Open Dental"
        NOT_DONE = "NOT_DONE", "Not done"

    # From the form: pressed twice, it is the same order.
    uuid = models.UUIDField(unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="plan_orders")
    # Of a new plan once it is read.
    plan = models.ForeignKey(PayPlan, null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    state_reason = models.CharField(max_length=300, blank=True)
    # The form's field that a refusal is about; '' = none of them.
    wrong_field = models.CharField(max_length=20, blank=True)
    # In the Note of a new plan, by which it is found again.
    reference = models.CharField(max_length=25)
    body = models.JSONField(default=dict)
    # What stood in the form, to correct it; the schedule that was shown; how Open Dental's differs.
    form = models.JSONField(default=dict)
    expected = models.JSONField(default=list)
    differences = models.JSONField(default=list)
    pay_plan_num = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    made_at = models.DateTimeField(help_text="Business time, UTC")
    sent_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField()
    # Looks that did not find it done.
    searches = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar[models.Manager[PlanOrder]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(kind="CREATE", state__in=_ORDERED),
                name="one_open_new_plan_per_patient",
            ),
            models.UniqueConstraint(
                fields=["plan"],
                condition=models.Q(kind__in=["TERMS", "CLOSE"], state__in=_ORDERED),
                name="one_open_order_per_plan",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["practice", "next_at"], condition=models.Q(state__in=_ORDERED),
                name="plan_orders_open",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in _ORDERED
