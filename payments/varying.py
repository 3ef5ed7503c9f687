"""Amounts that differ from what a debit card's holder agreed to are announced 10 days ahead.

Source: Regulation E, 12 CFR 1005.10(d): notice of a preauthorized transfer that varies in amount, 10 days before it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cards.models import Autopay
from core import calendar
from core.money import format_cents
from notifications import outbox
from notifications.models import Kind
from payments.models import DuePart
from payplans.models import Installment
from practices.models import PaymentSettings

NOTICE = timedelta(days=10)
WAITING = "The amount changed: a debit card is charged 10 days after the notice"


def charge_from(
    part: DuePart, installment: Installment, autopay: Autopay, settings: PaymentSettings, now: datetime
) -> datetime | None:
    """None when the amount is one they agreed to; else the first charge hour 10 days after the notice.

    Queues the notice when it was not yet given for this amount. In the caller's transaction.
    """
    if autopay.card.funding != "debit" or part.amount_cents in _agreed_amounts(autopay):
        return None
    message = outbox.enqueue(
        practice=installment.practice, kind=Kind.PLAN_CHANGED, patient=autopay.card.patient,
        values={"Transaction Amount": format_cents(part.amount_cents), "Payment Due Date": installment.due_date},
        dedupe_key=f"{Kind.PLAN_CHANGED}:{installment.pk}:{part.amount_cents}", now=now,
        about={"patient": autopay.card.patient_id, "plan": installment.plan_id, "installment": installment.pk},
    )  # fmt: skip
    day = calendar.local_date(message.created_at + NOTICE, settings.practice.zone)
    return calendar.at_hour(day, settings.charge_hour, settings.practice.zone)


def _agreed_amounts(autopay: Autopay) -> set[int]:
    return {row["amount_cents"] for row in autopay.consent.schedule}
