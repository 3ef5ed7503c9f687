"""Payment Plans of the whole practice: filters with counts, next charge, what is overdue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from cards.models import Autopay
from core.calendar import local_date
from patients import search
from payments.models import DuePart
from payments.plan_pages import CHARGEABLE, autopay_of
from payplans.models import Installment, PayPlan
from practices import listing
from practices.models import Practice

PAGE_SIZE = 50
LABELS = {
    "all": "All open",
    "autopay": "Autopay on",
    "no_card": "No card",
    "overdue": "Overdue",
    "failed": "Failed",
    "held": "Held",
    "closed": "Closed",
    "insurance": "Insurance",
}
_OPEN = Q(is_closed=False, gone_at=None)
_OURS = _OPEN & ~Q(kind=PayPlan.Kind.INSURANCE)
CONDITIONS = {
    "all": _OURS,
    "autopay": _OURS & Q(has_autopay=True),
    "no_card": _OURS & Q(has_autopay=False, next_date__isnull=False),
    "overdue": _OURS & Q(overdue_cents__gt=0),
    "failed": _OURS & Q(has_failed=True),
    "held": _OURS & Q(has_held=True),
    "closed": Q(is_closed=True) | Q(gone_at__isnull=False),
    "insurance": _OPEN & Q(kind=PayPlan.Kind.INSURANCE),
}
# Address value → columns; the id makes the order of equals stable over pages.
SORTS = {
    "name": ("patient__last_name", "patient__first_name", "pk"),
    "next": (F("next_date").asc(nulls_last=True), "pk"),
    "overdue": ("-overdue_cents", "pk"),
}


def listed(practice: Practice, *, chosen: str, text: str, sort: str, page: str, now: datetime) -> dict[str, Any]:
    """The page's context. An unknown filter or order falls back to the first."""
    chosen, sort = chosen if chosen in LABELS else "all", sort if sort in SORTS else "name"
    plans = _found(annotated(practice, local_date(now, practice.zone)), practice, text)
    counts = plans.aggregate(**{key: Count("pk", filter=condition) for key, condition in CONDITIONS.items()})
    shown = plans.filter(CONDITIONS[chosen]).select_related("patient", "guarantor", "autopay__card")
    found = Paginator(shown.order_by(*SORTS[sort]), PAGE_SIZE).get_page(page)
    return {
        "page": found,
        "rows": [(plan, autopay_of(plan)) for plan in found],
        "filters": listing.filters(LABELS, counts, chosen, text),
        "chosen": chosen,
        "q": text,
        "sort": sort,
        "query": listing.query(filter=chosen, q=text, sort=sort),
        "sort_query": listing.query(filter=chosen, q=text),
        "is_new": not any(counts.values()) and not text,
    }


def annotated(practice: Practice, today: date) -> QuerySet[PayPlan]:
    """Plans with has_autopay, has_failed, has_held, overdue_cents, next_date and next_cents."""
    mine = Installment.objects.filter(plan=OuterRef("pk"), status__in=CHARGEABLE)
    coming = mine.filter(due_date__gte=today).order_by("due_date", "pk")
    held = DuePart.objects.filter(installment__plan=OuterRef("pk"), state=DuePart.State.OPEN).exclude(hold="")
    owed = F("principal_cents") + F("interest_cents") - F("collected_cents") - F("office_paid_cents")
    late = mine.filter(due_date__lt=today).values("plan").annotate(cents=Sum(owed)).values("cents")
    return PayPlan.objects.filter(practice=practice).annotate(
        has_autopay=Exists(Autopay.objects.filter(plan=OuterRef("pk"), is_on=True)),
        has_failed=Exists(mine.filter(status=Installment.Status.FAILED)),
        has_held=Exists(held),
        overdue_cents=Coalesce(Subquery(late), Value(0)),
        next_date=Subquery(coming.values("due_date")[:1]),
        next_cents=Subquery(coming.values(cents=owed)[:1]),
    )


def attention(practice: Practice) -> int:
    """Plans with a failed payment: the red number in the navigation."""
    failed = Q(installments__status=Installment.Status.FAILED)
    return PayPlan.objects.filter(_OURS, failed, practice=practice).distinct().count()


def _found(plans: QuerySet[PayPlan], practice: Practice, text: str) -> QuerySet[PayPlan]:
    wanted = text.strip()
    if not wanted:
        return plans
    people = search.find(practice, wanted).order_by().values("pk")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else -1
    return plans.filter(Q(patient__in=people) | Q(guarantor__in=people) | Q(pay_plan_num=number))
