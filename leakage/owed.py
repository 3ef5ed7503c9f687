"""Installments that are late, failed or held, with what holds them: read once for all causes that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Q, Subquery

from core.calendar import at_hour, local_date
from leakage.models import Leak
from payments.models import Allocation, Attempt, DuePart
from payplans.models import Installment, PayPlan
from practices.models import Practice

OUR_PLANS = Q(plan__is_closed=False, plan__gone_at=None) & ~Q(plan__kind=PayPlan.Kind.INSURANCE)
# Staff decided so: nothing leaks.
_DECIDED = [DuePart.Hold.SKIPPED, DuePart.Hold.PAUSED]


@dataclass(frozen=True)
class Owed:
    installment_id: int
    plan_id: int
    plan_num: int
    patient_id: int
    due_date: date
    since: datetime
    cents: int
    paid_cents: int
    has_failed: bool
    has_autopay: bool
    hold: str
    hold_reason: str
    last_reason: str
    next_try_at: datetime | None

    @property
    def about(self) -> dict[str, int]:
        return {"installment": self.installment_id, "plan": self.plan_id, "patient": self.patient_id}


def late(practice: Practice, now: datetime) -> list[Owed]:
    """Money is owed on each. What staff skipped or paused is left out."""
    today = local_date(now, practice.zone)
    # By sets of installments, each found by an index of its own.
    held = DuePart.objects.filter(practice=practice, state=DuePart.State.OPEN).exclude(hold="")
    rows = Installment.objects.unpaid().filter(OUR_PLANS, practice=practice)
    wanted = rows.filter(
        Q(status=Installment.Status.FAILED) | Q(due_date__lt=today) | Q(pk__in=held.values("installment"))
    )
    found = list(wanted.select_related("plan", "plan__autopay").order_by("due_date", "pk"))
    parts = _parts(found)
    shown = [_owed(one, parts.get(one.pk), practice) for one in found if one.owed_cents > 0]
    return [one for one in shown if one.hold not in _DECIDED]


def _parts(rows: Sequence[Installment]) -> dict[int, DuePart]:
    """The open part of each; of several the one that waits for a person."""
    last = Attempt.objects.filter(due_part=OuterRef("pk")).order_by("-number")
    parts = DuePart.objects.filter(installment__in=[row.pk for row in rows], state=DuePart.State.OPEN)
    found = parts.annotate(last_reason=Subquery(last.values("reason")[:1])).order_by("hold", "pk")
    return {part.installment_id: part for part in found if part.installment_id}


def _owed(row: Installment, part: DuePart | None, practice: Practice) -> Owed:
    autopay = getattr(row.plan, "autopay", None)
    return Owed(
        installment_id=row.pk,
        plan_id=row.plan_id,
        plan_num=row.plan.pay_plan_num,
        patient_id=row.plan.patient_id,
        due_date=row.due_date,
        since=at_hour(row.due_date, 0, practice.zone),
        cents=row.owed_cents,
        paid_cents=row.collected_cents + row.office_paid_cents,
        has_failed=row.status == Installment.Status.FAILED,
        has_autopay=autopay is not None and autopay.is_on,
        hold=part.hold if part else "",
        hold_reason=part.hold_reason if part else "",
        last_reason=getattr(part, "last_reason", None) or "",
        next_try_at=part.next_try_at if part else None,
    )


@dataclass(frozen=True)
class Paid:
    """What came in on an installment since a leak was found. `by` '' = it was paid in the office."""

    cents: int
    by: str


def paid_since(leaks: Sequence[Leak]) -> dict[int, Paid]:
    """By leak id, where more is paid now than when the leak was found; never more than it leaked at most."""
    ids = {leak.pk: leak.about["installment"] for leak in leaks}
    rows = {row.pk: row for row in Installment.objects.filter(pk__in=ids.values())}
    means = _means(leaks)
    found = dict[int, Paid]()
    for leak in leaks:
        row = rows[ids[leak.pk]]
        more = row.collected_cents + row.office_paid_cents - leak.paid_before_cents
        if more > 0:
            found[leak.pk] = Paid(min(more, leak.most_cents), means.get(row.pk, ""))
    return found


def _means(leaks: Sequence[Leak]) -> dict[int, str]:
    """By installment: the channel of the newest payment since the earliest of these leaks was found."""
    if not leaks:
        return {}
    rows = Allocation.objects.filter(
        installment__in=[leak.about["installment"] for leak in leaks],
        payment__paid_at__gte=min(leak.found_at for leak in leaks),
    ).select_related("payment__attempt")
    return {
        row.installment_id: row.payment.attempt.get_channel_display()
        for row in rows.order_by("payment__paid_at")
        if row.installment_id
    }
