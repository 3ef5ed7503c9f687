"""Amounts that differ from what a debit card's holder agreed to are announced 10 days ahead.

Source: Regulation E, 12 CFR 1005.10(d): notice of a preauthorized transfer that varies in amount, 10 days before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cards.models import AnyAutopay
from core import calendar
from core.money import format_cents
from notifications import outbox
from notifications.models import Kind, Message
from payments import arrears
from payments.models import DuePart
from payplans.models import Installment
from practices.models import PaymentSettings

NOTICE = timedelta(days=10)
WAITING = "The amount changed: a debit card is charged 10 days after the notice"
UNDELIVERABLE = "The changed amount could not be announced, which a debit card needs 10 days ahead"


@dataclass(frozen=True)
class Announced:
    """The notice of a changed amount: the first charge hour after it, or that it reached nobody."""

    charge_from: datetime
    is_undeliverable: bool


def announced(
    part: DuePart, installment: Installment, autopay: AnyAutopay, settings: PaymentSettings, now: datetime
) -> Announced | None:
    """None when the amount is one they agreed to, or may not be charged at all. In the caller's transaction.

    Queues the notice, one for each new amount of the plan.
    """
    if autopay.card.funding != "debit" or part.amount_cents in _agreed_amounts(installment, autopay):
        return None
    zone = settings.practice.zone
    if part.amount_cents > autopay.consent.max_charge_cents or arrears.is_left_out(installment, autopay, zone):
        return None
    # Half of it each: both are told.
    whose = "" if part.payer_id == installment.plan.guarantor_id else f":{part.payer_id}"
    message = outbox.enqueue(
        practice=installment.practice, kind=Kind.PLAN_CHANGED, patient=autopay.card.patient,
        values={"Transaction Amount": format_cents(part.amount_cents), "Payment Due Date": installment.due_date},
        dedupe_key=f"{Kind.PLAN_CHANGED}:{installment.plan_id}:{part.amount_cents}{whose}", now=now,
        about={"patient": autopay.card.patient_id, "plan": installment.plan_id, "installment": installment.pk},
    )  # fmt: skip
    day = calendar.local_date((message.sent_at or message.not_before) + NOTICE, zone)
    return Announced(
        charge_from=calendar.at_hour(day, settings.charge_hour, zone),
        is_undeliverable=message.state in (Message.State.BLOCKED, Message.State.UNDELIVERED),
    )


def _agreed_amounts(installment: Installment, autopay: AnyAutopay) -> set[int]:
    planned = {row["amount_cents"] for row in autopay.consent.schedule}
    return planned | arrears.agreed_cents(installment, autopay)
