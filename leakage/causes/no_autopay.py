"""A plan's next installment is near and no card will pay it by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cards.models import Autopay
from core.calendar import at_hour
from leakage.causes import coming
from leakage.models import Leak
from leakage.shape import Around, Back, Button, Cause, Found, Group
from payplans.models import Installment


def _find(around: Around) -> Iterable[Found]:
    """Not where something is overdue already: that is told by itself."""
    on = Autopay.objects.filter(practice=around.practice, is_on=True)
    late = {row.plan_id for row in around.owed}
    rows = coming.next_of_plans(around).exclude(plan__in=on.values("plan"))
    return [_found(row, around) for row in coming.owing(rows) if row.plan_id not in late]


def _found(row: Installment, around: Around) -> Found:
    begun = at_hour(row.due_date - coming.AHEAD, 0, around.practice.zone)
    return Found(
        key=f"{Leak.Cause.NO_AUTOPAY}:plan:{row.plan_id}",
        cents=row.owed_cents,
        since=min(begun, around.now),
        words=f"plan {row.plan.pay_plan_num} · next payment {row.due_date:%b %-d}, nobody pays it automatically",
        about={"plan": row.plan_id, "patient": row.plan.patient_id},
        patient_id=row.plan.patient_id,
    )


def _came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    on = set(Autopay.objects.filter(plan__in=[leak.about["plan"] for leak in leaks], is_on=True).values_list("plan"))
    return {
        leak.pk: Back(Leak.Outcome.PUT_RIGHT, leak.most_cents, "A card was attached")
        for leak in leaks
        if (leak.about["plan"],) in on
    }


CAUSE = Cause(
    name=Leak.Cause.NO_AUTOPAY,
    group=Group.CARDS,
    tone="info",
    button=Button("Attach a card", "attach_card", "plan"),
    closes="It closes when a card is attached with the patient's consent, or the plan is closed.",
    find=_find,
    came_back=_came_back,
)
