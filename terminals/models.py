"""Where readers stand, the readers, whose default is which, and each time a payment was handed to one."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from payments.models import Attempt, DuePart
from practices.models import Clinic, User
from practices.models.rows import PracticeRow
from processors.terminal_port import Place


class Location(PracticeRow):
    """A place with readers: one clinic, or the whole practice where `clinic` is null. US address."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    clinic = models.ForeignKey(Clinic, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    line1 = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    state = models.CharField(max_length=2)
    postal_code = models.CharField(max_length=10)
    # The processor's id.
    reference = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "reference"], name="location_once_per_practice"),
            models.UniqueConstraint(
                fields=["practice", "clinic"], condition=Q(removed_at=None), name="one_location_per_clinic"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Place:
        return Place(self.name, self.line1, self.city, self.state, self.postal_code)


class Reader(PracticeRow):
    class State(models.TextChoices):
        ACTIVE = "ACTIVE", "In use"
        RETIRED = "RETIRED", "Retired"

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="readers")
    label = models.CharField(max_length=60)
    # As the processor names it: bbpos_wisepos_e, stripe_s700, simulated_…
    device_type = models.CharField(max_length=40)
    serial_end = models.CharField(max_length=6, blank=True)
    reference = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    # As last heard; only shown: the processor advises against deciding by it.
    is_online = models.BooleanField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "reference"], name="reader_once_per_practice"),
            models.UniqueConstraint(
                fields=["practice", "label"], condition=Q(state="ACTIVE"), name="reader_names_differ"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def model_name(self) -> str:
        """What stands on the box."""
        kind = self.device_type.removeprefix("simulated_")
        name = MODELS.get(kind, kind.replace("_", " "))
        return f"{name}, simulated" if kind != self.device_type else name


MODELS = {
    "bbpos_wisepos_e": "WisePOS E (countertop)",
    "wisepos_e": "WisePOS E (countertop)",
    "stripe_s700": "Reader S700 (portable)",
    "stripe_s710": "Reader S710 (portable)",
    "stripe_t600": "Reader T600 (countertop)",
    "verifone_p400": "Verifone P400 (countertop)",
}


class DefaultReader(PracticeRow):
    """The reader that stands chosen when this person takes a payment."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reader = models.ForeignKey(Reader, on_delete=models.PROTECT, related_name="defaults")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "user"], name="one_default_reader_per_person")]


class ReaderRun(PracticeRow):
    """One hand-over of a payment to a reader. Another card, or the same once more, is another row with another key.

    What becomes of the money stands in the attempt alone; this says what the reader does.
    """

    class State(models.TextChoices):
        READY = "READY", "Waiting for a worker"
        SENDING = "SENDING", "Waking the reader"
        WAITING = "WAITING", "Waiting for a card"
        # The bank is being asked, or the reader is done and the payment is being settled.
        PROCESSING = "PROCESSING", "Processing"
        ENDED = "ENDED", "Over"

    LIVE: ClassVar[list[str]] = ["READY", "SENDING", "WAITING", "PROCESSING"]

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    due_part = models.ForeignKey(DuePart, on_delete=models.PROTECT, related_name="reader_runs")
    # Null until the money is claimed.
    attempt = models.ForeignKey(Attempt, null=True, blank=True, on_delete=models.PROTECT, related_name="reader_runs")
    reader = models.ForeignKey(Reader, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    actor = models.CharField(max_length=80)
    # Real time: by it commands age.
    made_at = models.DateTimeField(auto_now_add=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why it is over (terminals/words.py): '' = the payment was taken. `decline` is the bank's code.
    code = models.CharField(max_length=60, blank=True)
    decline = models.CharField(max_length=60, blank=True)
    # The newest try of the payment that the person had seen: a later one refuses this (payments/guards.py).
    newest_try = models.BigIntegerField(default=0, db_default=0)
    # Staff want it stopped; whoever comes next does it, if this worker dies.
    is_stopping = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # Two desks can't wake one reader, and one payment is not at two readers.
            models.UniqueConstraint(
                fields=["reader"], condition=~Q(state="ENDED"), name="one_payment_at_a_time_per_reader"
            ),
            models.UniqueConstraint(
                fields=["due_part"], condition=~Q(state="ENDED"), name="one_reader_at_a_time_per_payment"
            ),
            models.CheckConstraint(
                condition=Q(state="ENDED", ended_at__isnull=False) | ~Q(state="ENDED") & Q(ended_at=None),
                name="reader_run_ends_once",
            ),
        ]
        indexes = [
            # Read by the sweeper (terminals/sweeping.py).
            models.Index(fields=["practice", "made_at"], condition=~Q(state="ENDED"), name="reader_runs_live"),
        ]

    @property
    def key(self) -> str:
        # Never change this format: a repeated command after a deployment must carry the same key.
        return f"kp-reader-{self.uuid}"

    @property
    def is_live(self) -> bool:
        return self.state != self.State.ENDED


class CardWish(PracticeRow):
    """The person agreed, in these words, that the card they present is kept. It becomes a Consent with the card."""

    class State(models.TextChoices):
        OPEN = "OPEN", "Waiting for the payment"
        KEPT = "KEPT", "Card saved"
        # A phone's wallet leaves no card, or nothing was paid.
        NOT_KEPT = "NOT_KEPT", "Card not saved"

    due_part = models.OneToOneField(DuePart, on_delete=models.PROTECT, related_name="card_wish")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    text = models.TextField()
    text_version = models.CharField(max_length=20)
    language = models.CharField(max_length=5, default="en", db_default="en")
    given_by = models.CharField(max_length=80)
    given_at = models.DateTimeField()
    card = models.ForeignKey("cards.Card", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["practice", "given_at"], condition=Q(state="OPEN"), name="card_wishes_open")]
