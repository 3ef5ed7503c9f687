"""Reading leaks for people: the Dashboard with its sums and filters, one leak with its trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Sum, Value, When
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse

from core.calendar import at_hour, local_date
from leakage import causes, trend
from leakage.models import Leak
from leakage.shape import Cause, Group
from practices import listing, timeline
from practices.models import Event, Practice, User

PAGE_SIZE = 50
LABELS = {
    "all": "All",
    Group.CARDS: "Cards",
    Group.POSTING: "Posting",
    Group.REQUESTS: "Requests",
    Group.BANK: "Bank",
    Group.SYNC: "Sync",
    "mine": "Mine",
    "snoozed": "Snoozed",
    "closed": "Closed this month",
}
_FIRST = Case(
    *(When(cause=cause.name, then=Value(place)) for place, cause in enumerate(causes.ALL)),
    default=Value(len(causes.ALL)),
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class Row:
    leak: Leak
    cause: Cause
    now: datetime

    @property
    def url(self) -> str:
        """Where its button leads; '' when it needs none any more."""
        button = self.cause.button
        if self.leak.closed_at:
            return ""
        return reverse(button.view, args=[self.leak.about[button.of]] if button.of else [])

    @property
    def age(self) -> str:
        return age_words(self.now - self.leak.since)

    @property
    def is_asleep(self) -> bool:
        return self.leak.snoozed_until is not None and self.leak.snoozed_until > self.now


def age_words(age: timedelta) -> str:
    """ "now", "13 min", "19 h", "3 days"."""
    minutes = int(age.total_seconds()) // 60
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def dashboard(practice: Practice, user: User, given: QueryDict, *, now: datetime) -> dict[str, Any]:
    """The page's context. An unknown filter shows all. Oldest first within the most urgent cause."""
    chosen = given.get("filter", "")
    chosen = chosen if chosen in LABELS else "all"
    conditions = _conditions(practice, user, now)
    sums = _sums(practice, conditions)
    counts = {name: sums[f"n_{name}"] for name in conditions}
    cents = {name: sums[f"cents_{name}"] or 0 for name in conditions}
    rows = Leak.objects.filter(conditions[chosen], practice=practice).select_related("patient", "owner")
    order = ("-closed_at", "-pk") if chosen == "closed" else (_FIRST, "since", "pk")
    found = listing.Counted(rows.order_by(*order), PAGE_SIZE, counts[chosen]).get_page(given.get("page", "1"))
    return {
        "page": found,
        "rows": [Row(leak, causes.of(leak), now) for leak in found],
        "filters": [one for one in listing.filters(LABELS, counts, chosen, "") if one.count or one.here],
        "chosen": chosen,
        "query": listing.query(filter=chosen),
        "cents": cents[chosen],
        "leaking": cents["all"],
        "leaks": counts["all"],
        "snoozed": counts["snoozed"],
        "snoozed_cents": cents["snoozed"],
        "recovered": sums["recovered"],
        "recovered_cents": sums["recovered_cents"] or 0,
        "put_right_cents": sums["put_right_cents"] or 0,
        "oldest": age_words(now - sums["oldest"]) if sums["oldest"] else "",
        **_trend(practice, local_date(now, practice.zone)),
    }


def _trend(practice: Practice, today: date) -> dict[str, Any]:
    weeks = trend.weeks(practice, today)
    return {
        "month": today.strftime("%B"),
        "weeks": weeks,
        "looked_at": weeks[-1].looked_at,
        "bars": trend.bars(weeks),
        "bar_width": trend.BAR,
        "drawing": f"0 0 {trend.WIDTH} {trend.HEIGHT}",
    }


def _conditions(practice: Practice, user: User, now: datetime) -> dict[str, Q]:
    awake = Q(closed_at=None) & (Q(snoozed_until=None) | Q(snoozed_until__lte=now))
    month = at_hour(local_date(now, practice.zone).replace(day=1), 0, practice.zone)
    groups: dict[str, Q] = {
        group: awake & Q(cause__in=[cause.name for cause in causes.ALL if cause.group == group]) for group in Group
    }
    return {
        "all": awake,
        **groups,
        "mine": awake & Q(owner=user.pk),
        "snoozed": Q(closed_at=None, snoozed_until__gt=now),
        "closed": Q(closed_at__gte=month),
    }


def _sums(practice: Practice, conditions: dict[str, Q]) -> dict[str, Any]:
    """Number and cents of each filter, of closed ones what came back; all in one question."""
    rows = Leak.objects.filter(conditions["closed"] | Q(closed_at=None), practice=practice)
    recovered, put_right = (
        conditions["closed"] & Q(outcome=outcome) for outcome in (Leak.Outcome.RECOVERED, Leak.Outcome.PUT_RIGHT)
    )
    asked: dict[str, Any] = {
        "recovered": Count("pk", filter=recovered),
        "recovered_cents": Sum("back_cents", filter=recovered),
        "put_right_cents": Sum("back_cents", filter=put_right),
        "oldest": Min("since", filter=conditions["all"]),
    }
    for name, condition in conditions.items():
        asked[f"n_{name}"] = Count("pk", filter=condition)
        asked[f"cents_{name}"] = Sum("back_cents" if name == "closed" else "amount_cents", filter=condition)
    return rows.aggregate(**asked)


def leak_or_404(practice: Practice, leak_id: int) -> Leak:
    return get_object_or_404(_rows(practice), pk=leak_id)


def _rows(practice: Practice) -> QuerySet[Leak]:
    return Leak.objects.filter(practice=practice).select_related("patient", "owner", "practice")


def one(leak: Leak, *, now: datetime) -> dict[str, Any]:
    """One leak: facts beside what people did about it."""
    events = Event.objects.filter(practice=leak.practice_id).about(leak=leak.pk).order_by("-at", "-pk")
    return {"row": Row(leak, causes.of(leak), now), "leak": leak, "lines": timeline.lines(events)}


def attention(practice: Practice, now: datetime) -> int:
    """How many leaks wait: the red number in the navigation."""
    return Leak.objects.awake(now).filter(practice=practice).count()
