"""Plans whose next installment comes within a month: what it is, and whether a card will pay it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import QuerySet

from leakage.owed import OUR_PLANS
from leakage.shape import Around
from payplans.models import Installment

AHEAD = timedelta(days=30)


def next_of_plans(around: Around) -> QuerySet[Installment]:
    """The first unpaid installment of each plan from today on, where it is due within a month."""
    rows = Installment.objects.unpaid().filter(OUR_PLANS, practice=around.practice)
    near = rows.filter(due_date__gte=around.today, due_date__lte=around.today + AHEAD)
    return near.order_by("plan", "due_date", "pk").distinct("plan").select_related("plan")


def owing(rows: Iterable[Installment]) -> list[Installment]:
    return [row for row in rows if row.owed_cents > 0]
