"""What a failed payment's page offers besides another card, and the words for what can't be done. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from payments import calls, dividing, self_service, wishes
from payments.models import Attempt, AttemptState, DuePart, PlanChange
from payments.self_service import Days, Why
from payplans.models import Installment

# Less is not worth a fee, and is what somebody asks for who tries out cards.
LEAST_PART_CENTS = 5_00


@dataclass(frozen=True)
class Choices:
    """`days`: when it may be charged instead (None: not). `most_part_cents` 0: it can't be paid in parts.

    `halves`: its open parts, where it is divided. `moved`: somebody has chosen its day.
    """

    days: Days | None
    can_split: bool
    most_part_cents: int
    halves: list[DuePart]
    moved: PlanChange | None
    is_called: bool
    # A part of it was paid after it had failed.
    is_rest: bool = False

    @property
    def least_part_cents(self) -> int:
        return LEAST_PART_CENTS

    @property
    def is_put_off(self) -> bool:
        """Its day is still to come because somebody wanted it so."""
        return self.moved is not None or len(self.halves) > 1


def of(part: DuePart, now: datetime) -> Choices:
    one = part.installment
    if one is None:
        return Choices(None, False, 0, [], None, calls.is_open(part.payer_id, part.practice_id))
    parts = list(DuePart.objects.filter(installment=one, payer=part.payer_id, state="OPEN").order_by("slot", "pk"))
    days = self_service.days(one, now)
    return Choices(
        days=days if len(parts) == 1 else None,
        can_split=days is not None and days.last > days.first and self_service.can_split(one, parts),
        most_part_cents=_most(part),
        halves=parts if len(parts) > 1 else [],
        moved=wishes.of_plan(one.plan_id).of(one, PlanChange.Kind.MOVE),
        is_called=calls.is_open(part.payer_id, part.practice_id),
        is_rest=_newest(one, part.payer_id) == AttemptState.SUCCEEDED,
    )


def _newest(one: Installment, payer_id: int) -> str:
    """The state of this payer's newest try of it that came to something."""
    mine = Attempt.objects.filter(due_part__installment=one, due_part__payer=payer_id)
    tries = mine.exclude(state=AttemptState.NOT_TAKEN)
    return tries.order_by("-pk").values_list("state", flat=True).first() or ""


def _most(part: DuePart) -> int:
    most = part.amount_cents - LEAST_PART_CENTS
    is_possible = most >= LEAST_PART_CENTS and not dividing.refusal(part, most)
    return most if is_possible else 0


def may_pay(part: DuePart, cents: int) -> bool:
    """All of it, or as much as can be paid apart."""
    return cents == part.amount_cents or LEAST_PART_CENTS <= cents <= _most(part)


def words(why: Why, days: Days | None) -> str:
    """In the language in force."""
    match why:
        case Why.TOO_EARLY if days is not None:
            return _("Choose a day from %(first)s on; the second day must be later than the first.") % _days(days)
        case Why.TOO_LATE if days is not None:
            return _("The latest day is %(last)s. For a later one please call us.") % _days(days)
        case Why.AMOUNT:
            return _("Each of the two parts must be an amount in dollars, and both together make the payment.")
        case Why.CHANGED:
            return _("The amount or the card has changed since this page was opened. Please look again.")
        case Why.USED_UP:
            return _("This payment can't be put off any further. Please pay it now or call us.")
        case _:
            return _("This payment can't be put off at the moment. Please pay it now or call us.")


def _days(days: Days) -> dict[str, str]:
    return {"first": date_format(days.first), "last": date_format(days.last)}
