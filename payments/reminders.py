"""Messages before a charge: upcoming (settings: days before), and the card that will have expired by then."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from cards.models import Autopay
from core import calendar
from payments import notices
from payments.models import DuePart
from payplans.models import Installment
from practices.models import PaymentSettings


def queue_due(*, now: datetime) -> int:
    """Queue today's reminders of the practice in scope, each once. Returns how many installments were looked at."""
    settings = PaymentSettings.objects.select_related("practice").first()
    if settings is None:
        return 0
    today = calendar.local_date(now, settings.practice.zone)
    soon = Installment.objects.filter(
        status=Installment.Status.PENDING, is_down_payment=False, plan__autopay__is_on=True, plan__is_closed=False,
        due_date__gt=today, due_date__lte=today + timedelta(days=settings.upcoming_days),
        # What is held (a new card is needed, above the maximum) will not be charged by itself.
        due_parts__state=DuePart.State.OPEN, due_parts__hold=DuePart.Hold.NONE,
    )  # fmt: skip
    for installment in soon.select_related("plan__autopay__card__patient", "practice"):
        _remind(installment, installment.plan.autopay, now)
    return len(soon)


def _remind(installment: Installment, autopay: Autopay, now: datetime) -> None:
    if installment.owed_cents == 0:
        return
    with transaction.atomic():
        if autopay.card.expires_before(installment.due_date):
            notices.card_expiring(installment, autopay, now)
        else:
            notices.upcoming(installment, autopay, now)
