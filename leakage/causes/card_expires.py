"""The card behind a plan is no longer valid when its next installment is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cards.models import Autopay, Card
from leakage.causes import coming
from leakage.models import Leak
from leakage.shape import Around, Back, Button, Cause, Found, Group
from payplans.models import Installment


def _find(around: Around) -> Iterable[Found]:
    on = Autopay.objects.filter(practice=around.practice, is_on=True, card__state=Card.State.ACTIVE)
    cards = {one.plan_id: one.card for one in on.select_related("card")}
    late = {row.plan_id for row in around.owed}
    for row in coming.owing(coming.next_of_plans(around).filter(plan__in=list(cards))):
        card = cards[row.plan_id]
        if row.plan_id not in late and card.expires_before(row.due_date):
            yield _found(row, card, around)


def _found(row: Installment, card: Card, around: Around) -> Found:
    return Found(
        key=f"{Leak.Cause.CARD_EXPIRES}:plan:{row.plan_id}:card:{card.pk}",
        cents=row.owed_cents,
        since=around.now,
        words=f"plan {row.plan.pay_plan_num} · {card} ends {card.exp_month:02d}/{card.exp_year % 100:02d}, "
        f"next charge {row.due_date:%b %-d}",
        about={"plan": row.plan_id, "card": card.pk, "patient": row.plan.patient_id},
        patient_id=row.plan.patient_id,
    )


def _came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    """Another card pays now, or this one was renewed."""
    on = Autopay.objects.filter(plan__in=[leak.about["plan"] for leak in leaks], is_on=True)
    plans = {one.plan_id: one.card_id for one in on}
    return {
        leak.pk: Back(
            Leak.Outcome.PUT_RIGHT,
            leak.most_cents,
            "The card was renewed" if plans[leak.about["plan"]] == leak.about["card"] else "Another card was attached",
        )
        for leak in leaks
        if leak.about["plan"] in plans
    }


CAUSE = Cause(
    name=Leak.Cause.CARD_EXPIRES,
    group=Group.CARDS,
    tone="warn",
    button=Button("Change the card", "attach_card", "plan"),
    closes="It closes when another card is attached, or the network renews this one.",
    find=_find,
    came_back=_came_back,
)
