"""What a practice decided about fees, row after row, and the fee of a tender as it was shown (ADR 8)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from payments.models.due import DuePart
from practices.models.rows import PracticeRow


class FeeSettings(PracticeRow):
    """One decision. The newest whose day has come is in force; none means that the practice absorbs. Append-only.

    Rates are hundredths of a percent.
    """

    class Mode(models.TextChoices):
        ABSORB = "ABSORB", "Absorb"
        DISCOUNT = "DISCOUNT", "Cash discount"
        SURCHARGE = "SURCHARGE", "Surcharge"

    mode = models.CharField(max_length=9, choices=Mode.choices)
    effective_on = models.DateField(help_text="Practice-local day")
    discount_rate = models.PositiveSmallIntegerField(default=0)
    # Payment types of Open Dental (DefNum) that count as cash or check.
    cash_types = models.JSONField(default=list, blank=True)
    # Open Dental's adjustment type (DefNum) of the discount; 0: none.
    adj_type_num = models.BigIntegerField(default=0)
    surcharge_rate = models.PositiveSmallIntegerField(default=0)
    # What accepting a card costs the practice.
    cost_rate = models.PositiveSmallIntegerField(default=0)
    # Of the practice when it decided.
    state = models.CharField(max_length=2, blank=True)
    # Surcharge: when the acquirer was told, and the words that were typed.
    notice_on = models.DateField(null=True, blank=True)
    acknowledgement = models.CharField(max_length=80, blank=True)
    actor = models.CharField(max_length=80)
    decided_at = models.DateTimeField(help_text="Business time, UTC")

    objects: ClassVar[models.Manager[FeeSettings]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(mode="SURCHARGE") | Q(surcharge_rate__gt=0, surcharge_rate__lte=300, cost_rate__gt=0),
                name="surcharge_within_the_networks_cap",
            ),
            models.CheckConstraint(
                condition=~Q(mode="DISCOUNT") | Q(discount_rate__gt=0, discount_rate__lt=10_000, adj_type_num__gt=0),
                name="discount_has_a_rate_and_a_type",
            ),
        ]
        indexes = [models.Index(fields=["practice", "-id"], name="fee_decisions")]


class TenderFee(PracticeRow):
    """The fee of one tender: what was shown is what is charged, posted and printed. Append-only."""

    class Kind(models.TextChoices):
        DISCOUNT = "DISCOUNT", "Cash discount"
        SURCHARGE = "SURCHARGE", "Surcharge"

    due_part = models.OneToOneField(DuePart, on_delete=models.PROTECT, related_name="tender_fee")
    settings = models.ForeignKey(FeeSettings, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    # What of the account is settled, the fee, and the money that settles it.
    base_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()
    total_cents = models.BigIntegerField()
    rate = models.PositiveSmallIntegerField()
    sentence = models.CharField(max_length=300)

    objects: ClassVar[models.Manager[TenderFee]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(fee_cents__gt=0, base_cents__gt=0, total_cents__gt=0), name="tender_fee_has_amounts"
            ),
            models.CheckConstraint(
                condition=Q(kind="DISCOUNT", total_cents=F("base_cents") - F("fee_cents"))
                | Q(kind="SURCHARGE", total_cents=F("base_cents") + F("fee_cents")),
                name="tender_fee_adds_up",
            ),
        ]
