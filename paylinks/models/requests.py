"""Requests for money by text or e-mail (docs/adr/0012): what is asked, its lines, and each press of Pay."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Case, F, Q, Value, When

from cards.models import Card
from notifications.codes import spoken_code
from notifications.models import Channel, Message
from patients.models import Patient
from payments.models import Attempt, Sale, SaleLine
from practices.models.rows import PracticeRow


class PaymentRequestQuerySet(models.QuerySet["PaymentRequest"]):
    def with_shown_state(self, now: datetime) -> Self:
        """Each row with `shown_state`: what people are told, from the row, its newest message and the clock."""
        said, sent = PaymentRequest.Shown, Message.State
        return self.annotate(
            shown_state=Case(
                When(~Q(state=PaymentRequest.State.OPEN), then=F("state")),
                When(expires_at__lte=now, then=Value(said.EXPIRED.value)),
                When(opened_at__isnull=False, then=Value(said.OPENED.value)),
                When(message__state=sent.DELIVERED, then=Value(said.DELIVERED.value)),
                When(message__state=sent.SENT, then=Value(said.SENT.value)),
                When(message__state__in=[sent.UNDELIVERED, sent.BLOCKED], then=Value(said.UNDELIVERABLE.value)),
                default=Value(said.QUEUED.value),
                output_field=models.CharField(),
            )
        )


class PaymentRequest(PracticeRow):
    class State(models.TextChoices):
        OPEN = "OPEN", "Open"
        PAID = "PAID", "Paid"
        # Nothing is owed of it any more, and it was not paid on its link.
        SETTLED = "SETTLED", "Settled in the office"
        CANCELED = "CANCELED", "Canceled"

    class Shown(models.TextChoices):
        QUEUED = "QUEUED", "Waiting"
        SENT = "SENT", "Sent"
        DELIVERED = "DELIVERED", "Delivered"
        OPENED = "OPENED", "Opened"
        PAID = "PAID", "Paid"
        SETTLED = "SETTLED", "Settled in the office"
        EXPIRED = "EXPIRED", "Expired"
        CANCELED = "CANCELED", "Canceled"
        UNDELIVERABLE = "UNDELIVERABLE", "Undeliverable"

    # The token is derived from the nonce and the secret key (core/tokens.py).
    nonce = models.UUIDField(default=uuid.uuid4, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    # The order to send it, made with the form: a double click is one request and one message.
    click = models.UUIDField()
    # Whose account it is, and who is asked, pays with their own cards and knows their birth date.
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="requests")
    payer = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    basis = models.CharField(max_length=10, choices=Sale.Basis.choices)
    # What staff ask for; never more than its lines. It falls when the payer agrees to less that is still owed.
    amount_cents = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    prefers = models.CharField(max_length=6, choices=Channel.choices)
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    # The newest sending by staff: reminders count from it.
    sent_at = models.DateTimeField()
    sendings = models.PositiveSmallIntegerField(default=1)
    reminders = models.PositiveSmallIntegerField(default=0)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    # The first button was pressed; merely reading the page changes nothing (previews of messengers read too).
    opened_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    wrong_tries = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar[models.Manager[PaymentRequest]] = models.Manager.from_queryset(PaymentRequestQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="request_has_an_amount"),
            models.UniqueConstraint(fields=["practice", "click"], name="request_once_per_click"),
        ]
        indexes = [
            models.Index(fields=["practice", "-created_at", "-id"], name="requests_recent"),
            # Read by paylinks/reminding.py.
            models.Index(fields=["practice", "sent_at"], condition=Q(state="OPEN"), name="requests_open"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    @property
    def spoken_code(self) -> str:
        return spoken_code(self.nonce)

    def is_usable(self, now: datetime) -> bool:
        """It can still be paid by its link."""
        return self.state == self.State.OPEN and now < self.expires_at


class RequestLine(PracticeRow):
    """As a sale's line: cents for one procedure, or for what no line can name. They sum to what is asked at most."""

    request = models.ForeignKey(PaymentRequest, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=10, choices=SaleLine.Kind.choices)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    amount_cents = models.BigIntegerField()
    # As Open Dental showed it when the request was made. 0, '' and null where nothing is named.
    proc_num = models.BigIntegerField(default=0)
    service_date = models.DateField(null=True, blank=True)
    code = models.CharField(max_length=20, blank=True)
    description = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="request_line_has_an_amount"),
            models.CheckConstraint(
                condition=Q(kind="PROCEDURE", proc_num__gt=0) | (~Q(kind="PROCEDURE") & Q(proc_num=0)),
                name="request_line_of_a_procedure_names_it",
            ),
        ]


class Refusal(models.TextChoices):
    """Why nothing was asked of the processor; '' = it was."""

    NONE = "", ""
    CHANGED = "CHANGED", "Another amount is owed now"
    SETTLED = "SETTLED", "Nothing is owed any more"
    BUSY = "BUSY", "Other money is in flight"
    AWAY = "AWAY", "Open Dental or the processor can't be asked"
    REFUSED = "REFUSED", "The claim was refused"
    LOST = "LOST", "Its worker died"


class RequestTry(PracticeRow):
    """One press of Pay. It leads to at most one sale with one tender, however often anything is repeated."""

    class State(models.TextChoices):
        READY = "READY", "Waiting for a worker"
        RUNNING = "RUNNING", "Asking"
        DONE = "DONE", "Done"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    request = models.ForeignKey(PaymentRequest, on_delete=models.PROTECT, related_name="tries")
    # What stood above the button as asked, and how much of it the patient pays.
    shown_cents = models.BigIntegerField()
    amount_cents = models.BigIntegerField()
    # Null: on the processor's page.
    card = models.ForeignKey(Card, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=7, choices=State.choices, default=State.READY)
    language = models.CharField(max_length=5, default="en")
    ip = models.GenericIPAddressField(null=True, blank=True)
    agreed_at = models.DateTimeField()
    # Real time: what nobody works at is ended by it.
    made_at = models.DateTimeField(auto_now_add=True)
    sale = models.OneToOneField(Sale, null=True, blank=True, on_delete=models.PROTECT, related_name="request_try")
    attempt = models.OneToOneField(Attempt, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    refusal = models.CharField(max_length=8, choices=Refusal.choices, default=Refusal.NONE, blank=True)
    # For staff.
    refusal_words = models.CharField(max_length=200, blank=True)
    # The browser was led to the processor's page once; going back must not lead it there again.
    led_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, amount_cents__lte=F("shown_cents")), name="try_within_what_was_shown"
            ),
            # Two phones, two tabs, a double tap: one at a time.
            models.UniqueConstraint(
                fields=["request"], condition=Q(state__in=["READY", "RUNNING"]), name="one_try_under_way_per_request"
            ),
        ]
        indexes = [
            models.Index(
                fields=["practice", "made_at"], condition=Q(state__in=["READY", "RUNNING"]), name="tries_unfinished"
            ),
        ]
