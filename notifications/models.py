"""Message templates with versions, the outbox, and who may be texted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.encryption import EncryptedTextField
from notifications.codes import spaced, spoken_code
from patients.models import Patient
from practices.models.rows import PracticeRow


class Kind(models.TextChoices):
    PAYMENT_SUCCESSFUL = "PAYMENT_SUCCESSFUL", "Successful payments"
    PAYMENT_FAILED = "PAYMENT_FAILED", "Failed payments"
    REFUND = "REFUND", "Refunds"
    UPCOMING_CHARGE = "UPCOMING_CHARGE", "Upcoming charge"
    CARD_EXPIRING = "CARD_EXPIRING", "Card expiring"
    PLAN_CHANGED = "PLAN_CHANGED", "Plan changed"
    PLAN_COMPLETED = "PLAN_COMPLETED", "Plan completed"
    CONSENT_COPY = "CONSENT_COPY", "Consent copy"
    CONSENT_ASKED = "CONSENT_ASKED", "Asking for consent"
    RECEIPT = "RECEIPT", "Receipts"
    REQUEST = "REQUEST", "Payment requests"
    REQUEST_REMINDER = "REQUEST_REMINDER", "Reminders of requests"
    MY_PLAN = "MY_PLAN", "Link to My plan"
    CARD_UPDATED = "CARD_UPDATED", "Card updated"
    # Words of staff, not of a template (notifications/writing.py).
    WRITTEN = "WRITTEN", "Written by staff"


class Channel(models.TextChoices):
    SMS = "SMS", "Text message"
    EMAIL = "EMAIL", "E-mail"


class Template(PracticeRow):
    """One saved version. The newest version of (kind, channel, language) is in force; none = the default text."""

    kind = models.CharField(max_length=24, choices=Kind.choices)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    language = models.CharField(max_length=5, default="en")
    version = models.PositiveIntegerField()
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    saved_by = models.ForeignKey("practices.User", null=True, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "kind", "channel", "language", "version"], name="template_version_once"
            )
        ]

    @property
    def label(self) -> str:
        """ "Failed payments, text message, en", for the trail."""
        return f"{Kind(self.kind).label}, {Channel(self.channel).label.lower()}, {self.language}"


class Message(PracticeRow):
    """The outbox: one row per event and person, sent at most once."""

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Waiting"
        SENDING = "SENDING", "Sending"
        # The carrier's answer was lost; it is asked before anything is sent again.
        UNKNOWN = "UNKNOWN", "Checking with the carrier"
        SENT = "SENT", "Sent"
        DELIVERED = "DELIVERED", "Delivered"
        UNDELIVERED = "UNDELIVERED", "Undelivered"
        # Nobody could be reached this way (no number, no consent, opted out): a task for staff.
        BLOCKED = "BLOCKED", "Could not be sent"
        # What it says is no longer true; it had not been sent.
        CALLED_OFF = "CALLED_OFF", "Not needed any more"

    kind = models.CharField(max_length=24, choices=Kind.choices)
    # What happened, for example "PAYMENT_FAILED:<attempt uuid>": the same event never makes a second message.
    dedupe_key = models.CharField(max_length=120)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=6, choices=Channel.choices, blank=True)
    to = models.CharField(max_length=254, blank=True)
    # The channel that staff chose; '' = the usual order (notifications/ways.py).
    prefers = models.CharField(max_length=6, choices=Channel.choices, blank=True, default="", db_default="")
    subject = models.CharField(max_length=200, blank=True)
    # The text; a link stands in it as LINK_MARK and is put in when it is sent, so no token is stored.
    body = models.TextField()
    language = models.CharField(max_length=5, default="en")
    # What stands for the variables, by label: the e-mail text is made from them when a number turns out opted out.
    values = models.JSONField(default=dict, blank=True)
    link_nonce = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    state_reason = models.CharField(max_length=200, blank=True)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    # Real time by the database's clock: a lease of the worker that sends, not business time.
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    carrier_reference = models.CharField(max_length=64, blank=True)
    # Six digits by which patient and staff tell that it is from the practice (notifications/codes.py).
    code = models.CharField(max_length=6, blank=True, default="", db_default="")
    written_by = models.ForeignKey("practices.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # It reached nobody, and somebody has seen to that.
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.CharField(max_length=80, blank=True, default="", db_default="")
    looked_up = models.PositiveSmallIntegerField(default=0)
    sends = models.PositiveSmallIntegerField(default=0)
    # Ids for the timeline: plan, installment, attempt.
    about = models.JSONField(default=dict)
    # The id of the charge it tells of in the logs (core/trace.py).
    trace = models.CharField(max_length=32, blank=True, default="", db_default="")

    LINK_MARK: ClassVar[str] = "[[link]]"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "dedupe_key"], name="message_once_per_event")]
        indexes = [
            # Read by the sender (notifications/send.py).
            models.Index(
                fields=["practice", "not_before"],
                condition=Q(state__in=["QUEUED", "SENDING", "UNKNOWN"]),
                name="messages_to_send",
            ),
            models.Index(fields=["practice", "carrier_reference"], name="messages_by_carrier_ref"),
            models.Index(fields=["practice", "code"], condition=~Q(code=""), name="messages_by_code"),
            # Read by the list of what reached nobody (notifications/inbox.py).
            models.Index(
                fields=["practice", "-created_at"],
                condition=Q(state__in=["BLOCKED", "UNDELIVERED"], handled_at=None),
                name="messages_for_staff",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def spoken_code(self) -> str:
        """What the patient reads out and the front desk compares, "483 201"; '' on one of an earlier release."""
        if self.code:
            return spaced(self.code)
        return spoken_code(self.link_nonce) if self.link_nonce else ""

    @property
    def is_for_staff(self) -> bool:
        """It reached nobody: somebody has to see to it."""
        return self.state in (self.State.BLOCKED, self.State.UNDELIVERED) and self.handled_at is None

    @property
    def label(self) -> str:
        """ "Failed payments, text message", for the timeline."""
        ways = {Channel.SMS.value: "text message", Channel.EMAIL.value: "e-mail"}
        return f"{self.get_kind_display()}, {ways.get(self.channel, 'message')}"

    def block(self, reason: str) -> None:
        """Make it a task for staff (unsaved)."""
        self.state, self.state_reason = self.State.BLOCKED, reason[:200]

    def outgoing_body(self, link: str) -> str:
        """The text as it goes out, with the patient's link in place of the mark."""
        return self.body.replace(self.LINK_MARK, link)


class TextingConsent(PracticeRow):
    """May this number be texted? The newest row counts. Source says where the wish came from."""

    phone = models.CharField(max_length=16)
    allowed = models.BooleanField()
    source = models.CharField(max_length=120)
    # The exact words and who witnessed them, where it was given in words (cards/texting.py).
    text = models.TextField(blank=True, default="", db_default="")
    text_version = models.CharField(max_length=20, blank=True, default="", db_default="")
    given_by = models.CharField(max_length=80, blank=True, default="", db_default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["practice", "phone", "-at"], name="texting_consent_newest")]


class Reply(PracticeRow):
    """A text that somebody sent to the practice, once per carrier id."""

    class Meaning(models.TextChoices):
        STOP = "STOP", "Wants no more texts"
        START = "START", "Wants texts again"
        HELP = "HELP", "Asked for help"
        OTHER = "OTHER", "For staff to read"

    carrier_reference = models.CharField(max_length=64)
    phone = models.CharField(max_length=16)
    # The person whose number it is, when exactly one or the one we texted last can be told.
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="replies")
    body = models.TextField()
    meaning = models.CharField(max_length=5, choices=Meaning.choices)
    received_at = models.DateTimeField()
    # What was answered at once, without a person.
    answer = models.TextField(blank=True, default="", db_default="")
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.CharField(max_length=80, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "carrier_reference"], name="reply_once")]
        indexes = [
            models.Index(fields=["practice", "-received_at"], name="replies_recent"),
            models.Index(fields=["practice"], condition=Q(read_at=None), name="replies_to_read"),
        ]


class BadNumber(PracticeRow):
    """A number that takes no texts, as the carrier told us; a text from it, or a word of staff, clears it."""

    phone = models.CharField(max_length=16)
    # For staff; '' = cleared.
    reason = models.CharField(max_length=120, blank=True)
    error_code = models.CharField(max_length=8)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "phone"], name="bad_number_once")]


class MessagingAccount(PracticeRow):
    """The practice's carrier account (Twilio)."""

    base_url = models.CharField(max_length=200)
    sid = models.CharField(max_length=64)
    token = EncryptedTextField()
    from_number = models.CharField(max_length=16)
    is_live = models.BooleanField(default=False)
    connected_at = models.DateTimeField()
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice"], name="one_messaging_account_per_practice")]
