"""Payment Plans of the whole practice: filters with counts, next charge, what is overdue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar

from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from core.calendar import local_date
from patients import search
from payments.models import DuePart
from payments.plan_pages import CHARGEABLE, autopay_of
from payplans.models import Installment, PayPlan
from practices import listing
from practices.models import Practice

T = TypeVar("T", bound=Model)
PAGE_SIZE = 50
OWED = F("principal_cents") + F("interest_cents") - F("collected_cents") - F("office_paid_cents")
OWED -= F("forgiven_cents")
LABELS = {
    "all": "All open",
    "autopay": "Autopay on",
    "no_card": "No card",
    "overdue": "Overdue",
    "failed": "Failed",
    "held": "Held",
    "approval": "Needs approval",
    "closed": "Closed",
    "insurance": "Insurance",
}
_ABOVE = DuePart.Hold.ABOVE_CONSENT
_OPEN = Q(is_closed=False, gone_at=None)
_NO_AUTOPAY = Q(autopay=None) | Q(autopay__is_on=False)
_OURS = _OPEN & ~Q(kind=PayPlan.Kind.INSURANCE)
# Address value → columns; the id makes the order of equals stable over pages.
SORTS = {
    "name": ("patient__last_name", "patient__first_name", "pk"),
    "next": (F("next_date").asc(nulls_last=True), "pk"),
    "overdue": ("-overdue_cents", "pk"),
}


def listed(practice: Practice, *, chosen: str, text: str, sort: str, page: str, now: datetime) -> dict[str, Any]:
    """The page's context. An unknown filter or order falls back to the first."""
    chosen, sort = chosen if chosen in LABELS else "all", sort if sort in SORTS else "name"
    today = local_date(now, practice.zone)
    ids = _found(practice, text)
    plans, conditions = _among(PayPlan.objects.filter(practice=practice), "pk", ids), _conditions(practice, today, ids)
    counts = _counts(practice, plans, conditions, few=ids is not None)
    order = _in_order(plans.filter(conditions[chosen]), sort, today).values_list("pk", flat=True)
    found = listing.Counted(order, PAGE_SIZE, counts[chosen]).get_page(page)
    return {
        "page": found,
        "rows": [(plan, autopay_of(plan)) for plan in _shown(list(found), today)],
        "filters": listing.filters(LABELS, counts, chosen, text),
        "chosen": chosen,
        "q": text,
        "sort": sort,
        "query": listing.query(filter=chosen, q=text, sort=sort),
        "sort_query": listing.query(filter=chosen, q=text),
        "is_new": not any(counts.values()) and not text,
    }


def _counts(practice: Practice, plans: QuerySet[PayPlan], conditions: dict[str, Q], *, few: bool) -> dict[str, int]:
    """How many plans each filter shows. `few`: these plans were searched for."""
    if few:
        # A count must not take the name of a relation that a later condition asks for ("autopay").
        side_by_side = {f"n_{name}": Count("pk", filter=condition) for name, condition in conditions.items()}
        found = plans.aggregate(**side_by_side)
        return {name: found[f"n_{name}"] for name in conditions}
    key = f"plan-counts:{practice.pk}"
    return listing.kept(key, lambda: _apart(plans, conditions), lambda counts: counts["all"] >= listing.MANY)


def _apart(plans: QuerySet[PayPlan], conditions: dict[str, Q]) -> dict[str, int]:
    """Each filter counted by itself, in one question, so that sets meet as sets.

    Side by side over one pass, PostgreSQL took minutes with 100,000 plans.
    """
    each = [
        plans.filter(condition).order_by().values(name=Value(name)).annotate(n=Count("pk")).values_list("name", "n")
        for name, condition in conditions.items()
    ]
    return dict.fromkeys(conditions, 0) | dict(each[0].union(*each[1:], all=True))


def _conditions(practice: Practice, today: date, ids: list[int] | None) -> dict[str, Q]:
    """Which plans each filter shows. By sets of plans, each found by an index, not by a question per plan."""
    rows = _among(Installment.objects.filter(practice=practice), "plan", ids)
    unpaid = rows.filter(status__in=CHARGEABLE)
    late = unpaid.filter(due_date__lt=today).alias(cents=OWED).filter(cents__gt=0)
    parts = DuePart.objects.filter(practice=practice, state=DuePart.State.OPEN).exclude(hold="")
    held = _among(parts, "installment__plan", ids)
    return {
        "all": _OURS,
        "autopay": _OURS & Q(autopay__is_on=True),
        "no_card": _OURS & _NO_AUTOPAY & Q(pk__in=unpaid.filter(due_date__gte=today).values("plan")),
        "overdue": _OURS & Q(pk__in=late.values("plan")),
        "failed": _OURS & Q(pk__in=rows.filter(status=Installment.Status.FAILED).values("plan")),
        "held": _OURS & Q(pk__in=held.values("installment__plan")),
        "approval": _OURS & Q(pk__in=held.filter(hold=_ABOVE).values("installment__plan")),
        "closed": Q(is_closed=True) | Q(gone_at__isnull=False),
        "insurance": _OPEN & Q(kind=PayPlan.Kind.INSURANCE),
    }


def _in_order(plans: QuerySet[PayPlan], sort: str, today: date) -> QuerySet[PayPlan]:
    """Only what the order needs is worked out for every plan."""
    if sort == "next":
        plans = plans.alias(next_date=Subquery(_coming(today).values("due_date")[:1]))
    if sort == "overdue":
        plans = plans.alias(overdue_cents=_overdue(today))
    return plans.order_by(*SORTS[sort])


def _shown(ids: list[int], today: date) -> list[PayPlan]:
    """The rows of one page, in this order, with what is found out about each: see the annotations."""
    held = DuePart.objects.filter(installment__plan=OuterRef("pk"), state=DuePart.State.OPEN).exclude(hold="")
    plans = PayPlan.objects.filter(pk__in=ids).select_related("patient", "guarantor", "autopay__card")
    found = plans.annotate(
        has_failed=Exists(_mine().filter(status=Installment.Status.FAILED)),
        has_held=Exists(held),
        needs_approval=Exists(held.filter(hold=_ABOVE)),
        overdue_cents=_overdue(today),
        next_date=Subquery(_coming(today).values("due_date")[:1]),
        next_cents=Subquery(_coming(today).values(cents=OWED)[:1]),
    )
    return sorted(found, key=lambda plan: ids.index(plan.pk))


def _mine() -> QuerySet[Installment]:
    return Installment.objects.filter(plan=OuterRef("pk"), status__in=CHARGEABLE)


def _coming(today: date) -> QuerySet[Installment]:
    return _mine().filter(due_date__gte=today).order_by("due_date", "pk")


def _overdue(today: date) -> Coalesce:
    late = _mine().filter(due_date__lt=today).values("plan").annotate(cents=Sum(OWED)).values("cents")
    return Coalesce(Subquery(late), Value(0))


def attention(practice: Practice) -> int:
    """Plans with a failed payment: the red number in the navigation."""
    failed = Installment.objects.filter(practice=practice, status=Installment.Status.FAILED)
    return PayPlan.objects.filter(_OURS, pk__in=failed.values("plan"), practice=practice).count()


def _found(practice: Practice, text: str) -> list[int] | None:
    """Ids of the plans whose patient, guarantor or number was searched for; None: nothing was."""
    wanted = text.strip()
    if not wanted:
        return None
    people = list(search.find(practice, wanted).order_by().values_list("pk", flat=True))
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else -1
    plans = PayPlan.objects.filter(Q(patient__in=people) | Q(guarantor__in=people) | Q(pay_plan_num=number))
    return list(plans.filter(practice=practice).values_list("pk", flat=True))


def _among(rows: QuerySet[T], column: str, ids: list[int] | None) -> QuerySet[T]:
    return rows if ids is None else rows.filter(**{f"{column}__in": ids})
