"""What was overdue before a card came is charged only with a consent of its own (decisions 11)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cards import copies, wording
from cards.autopay import Witness
from cards.models import AnyAutopay, Card, Consent
from core.calendar import local_date
from core.money import format_cents
from payments.models import AttemptState, DuePart
from payplans.models import Installment, PayPlan

# Holds that the consent lifts; what waits for staff is not asked for.
_LIFTED = ["", DuePart.Hold.ARREARS, DuePart.Hold.NEW_CARD]


def overdue_parts(plan: PayPlan, now: datetime, payer_id: int | None = None) -> list[DuePart]:
    """Open parts of this payer (the guarantor unless named) whose day has passed, oldest first.

    Nothing is in flight and no person must look first.
    """
    today = local_date(now, plan.practice.zone)
    parts = DuePart.objects.filter(
        installment__plan=plan,
        state=DuePart.State.OPEN,
        installment__due_date__lt=today,
        payer=payer_id or plan.guarantor_id,
        hold__in=_LIFTED,
    ).exclude(attempts__state__in=AttemptState.open_or_paid())
    return list(parts.select_related("installment").order_by("installment__due_date", "pk"))


def text(plan: PayPlan, card: str, cents: int, language: str) -> str:
    """The words shown beside the tick, and kept."""
    practice = plan.practice
    terms = wording.Terms(
        practice=practice.name, phone=practice.phone, card=card, maximum="", amount=format_cents(cents)
    )
    return wording.text("OVERDUE", language, terms)


def agree(plan: PayPlan, card: Card, *, witness: Witness, now: datetime) -> int:
    """Record the consent and let the next sweep charge what is overdue now. In the caller's transaction.

    Returns the cents agreed to; 0 when nothing is overdue.
    """
    parts = overdue_parts(plan, now, card.patient_id)
    cents = sum(part.amount_cents for part in parts)
    if not cents:
        return 0
    consent = Consent.objects.create(
        practice_id=plan.practice_id, kind=Consent.Kind.ONE_CHARGE, patient_id=card.patient_id, card=card, plan=plan,
        text=text(plan, str(card), cents, witness.language), text_version=wording.VERSION, language=witness.language,
        card_last4=card.last4, max_charge_cents=cents, channel=witness.channel, given_by=witness.given_by,
        given_at=now, ip=witness.ip,
        schedule=[
            {
                "installment": part.installment_id,
                "due_date": part.installment.due_date.isoformat() if part.installment else "",
                "amount_cents": part.amount_cents,
            }
            for part in parts
        ],
    )  # fmt: skip
    copies.send(consent, now=now)
    DuePart.objects.filter(pk__in=[part.pk for part in parts], hold__in=_LIFTED).update(
        next_try_at=now, hold="", hold_reason="", leased_until=None
    )
    return cents


def is_left_out(installment: Installment, autopay: AnyAutopay, zone: ZoneInfo) -> bool:
    """Overdue before the card came, and nobody has agreed since to charge it (decisions 11).

    A Pay Now that failed is no such word: it was for one charge.
    """
    return installment.due_date < local_date(autopay.since, zone) and not agreed_cents(installment, autopay)


def agreed_cents(installment: Installment, autopay: AnyAutopay) -> set[int]:
    """The amounts the payer agreed to, since autopay came on, for this overdue installment; empty: nobody did."""
    agreed = Consent.objects.filter(
        plan_id=installment.plan_id, kind=Consent.Kind.ONE_CHARGE, given_at__gte=autopay.since, revoked_at=None,
        patient=autopay.card.patient_id, schedule__contains=[{"installment": installment.pk}],
    )  # fmt: skip
    rows = [row for schedule in agreed.values_list("schedule", flat=True) for row in schedule]
    return {row["amount_cents"] for row in rows if row["installment"] == installment.pk}
