"""A second payer of a plan: deciding their share under the plan's lock, so that due parts follow (ADR 14)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cards import shares
from cards.shares import UnableToShare, Wish
from payments import due_parts, locks
from payments.models import Attempt
from payplans.models import PayPlan, PlanShare

__all__ = ["UnableToShare", "Wish", "decide"]


def decide(plan_id: int, wish: Wish, *, actor: str, now: datetime) -> PlanShare:
    """From the first payment on that nobody was asked for yet. Raises UnableToShare."""
    with transaction.atomic(durable=True):
        rows = locks.installments(plan_id)
        plan = PayPlan.objects.select_related("practice").get(pk=plan_id)
        tries = Attempt.objects.filter(due_part__installment__in=rows)
        tried = {pk for pk in tries.values_list("due_part__installment", flat=True) if pk is not None}
        from_date = shares.first_day(plan, rows, tried, now)
        row = shares.decide(plan, wish, from_date=from_date, actor=actor, now=now)
        due_parts.refresh(plan, now=now)
    return row
