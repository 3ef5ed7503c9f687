"""Messages before a charge: upcoming (settings: days before), and the card that will have expired by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from cards import autopay
from cards.models import Card
from core import calendar
from payments import notices, self_service, wishes
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
    soon = DuePart.objects.filter(
        Q(installment__due_date__gt=today, installment__due_date__lte=last)
        | Q(installment__in=moved.values("installment")),
        installment__status=Installment.Status.PENDING, installment__is_down_payment=False,
        installment__plan__is_closed=False,
        # What is held (a new card is needed, skipped, paused) will not be charged by itself.
        state=DuePart.State.OPEN, hold=DuePart.Hold.NONE,
    )  # fmt: skip
    parts = soon.select_related("installment__plan__guarantor", "installment__practice").order_by("pk")
    found = [charge for one in parts if (charge := _Charge.of(one)) is not None]
    coming = [one for one in found if today < one.day <= last]
    for charge in coming:
        charge.announce(now)
    return len(coming)


@dataclass(frozen=True)
class _Charge:
    """What will be charged of whom, on which day (practice-local), to which card."""

    part: DuePart
    installment: Installment
    day: date
    card: Card

    @classmethod
    def of(cls, part: DuePart) -> _Charge | None:
        """None where the payer has no autopay."""
        installment = part.installment
        running = autopay.of_payer(installment.plan, part.payer_id) if installment else None
        if installment is None or running is None or not running.is_on:
            return None
        wished = wishes.of_plan(installment.plan_id)
        return cls(part, installment, wished.charge_day(installment), wished.paying(installment, running).card)

    def announce(self, now: datetime) -> None:
        if self.installment.owed_cents == 0:
            return
        with transaction.atomic():
            if self.card.expires_before(self.day):
                notices.card_expiring(self.part, self.installment, self.card, self.day, now)
            else:
                # By text nothing can be moved that two pay.
                is_shared = self.installment.plan.is_shared
                offered = None if is_shared else self_service.days(self.installment, now)
                last_day = offered.last if offered else None
                notices.upcoming(self.part, self.installment, self.card, self.day, now, last_day=last_day)
