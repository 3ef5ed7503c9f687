"""Messages before a charge: upcoming (settings: days before), and the card that will have expired by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from cards.models import Card
from core import calendar
from payments import notices, wishes
from payments.models import DuePart, PlanChange
from payplans.models import Installment
from practices.models import PaymentSettings


def queue_due(*, now: datetime) -> int:
    """Queue today's reminders of the practice in scope, each once. Returns how many installments were looked at."""
    settings = PaymentSettings.objects.select_related("practice").first()
    if settings is None:
        return 0
    today = calendar.local_date(now, settings.practice.zone)
    last = today + timedelta(days=settings.upcoming_days)
    moved = PlanChange.objects.filter(
        kind=PlanChange.Kind.MOVE, ended_at=None, from_date__gt=today, from_date__lte=last
    )
    soon = Installment.objects.filter(
        Q(due_date__gt=today, due_date__lte=last) | Q(pk__in=moved.values("installment")),
        status=Installment.Status.PENDING, is_down_payment=False, plan__autopay__is_on=True, plan__is_closed=False,
        # What is held (a new card is needed, skipped, paused) will not be charged by itself.
        due_parts__state=DuePart.State.OPEN, due_parts__hold=DuePart.Hold.NONE,
    )  # fmt: skip
    found = [_Charge.of(one) for one in soon.select_related("plan__autopay__card__patient", "practice")]
    coming = [one for one in found if today < one.day <= last]
    for charge in coming:
        charge.announce(now)
    return len(coming)


@dataclass(frozen=True)
class _Charge:
    """What will be charged, on which day (practice-local), to which card."""

    installment: Installment
    day: date
    card: Card

    @classmethod
    def of(cls, installment: Installment) -> _Charge:
        wished, autopay = wishes.of_plan(installment.plan_id), installment.plan.autopay
        return cls(installment, wished.charge_day(installment), wished.paying(installment, autopay).card)

    def announce(self, now: datetime) -> None:
        if self.installment.owed_cents == 0:
            return
        with transaction.atomic():
            if self.card.expires_before(self.day):
                notices.card_expiring(self.installment, self.card, self.day, now)
            else:
                notices.upcoming(self.installment, self.card, self.day, now)
