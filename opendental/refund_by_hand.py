"""Refunds that Open Dental lets no program enter: staff get exact steps, and both end when the books show it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum

from core.calendar import local_date
from core.money import format_cents
from opendental import office_notes, outbox
from payments import locks
from payments.models import Alarm, LedgerPosting
from payplans.models import PayPlan, PlanSplit

State, Route, Movement = LedgerPosting.State, LedgerPosting.Route, LedgerPosting.Movement
# How often the books are searched for it; every sync looks at the plan's splits besides.
LOOK_EVERY, _LOOK_LATER = timedelta(minutes=15), timedelta(hours=6)
_NEW = timedelta(days=1)


def waiting_for_staff(practice_id: int, now: datetime) -> list[LedgerPosting]:
    """Refunds that staff enter, whose next look has come."""
    due = LedgerPosting.objects.filter(practice_id=practice_id, state=State.BY_HAND, next_at__lte=now)
    return list(due.select_related("plan__patient", "plan__guarantor", "patient", "payment__attempt").order_by("pk"))


def recognize(plan: PayPlan, *, now: datetime) -> None:
    """In the sync's transaction: what staff entered on the plan is ours, not money that the office took back."""
    for posting in locks.by_hand(plan.pk):
        for number in on_plan(posting):
            entered(posting, number, now)
            break


def hand_over(posting: LedgerPosting, *, now: datetime, why: str = "") -> bool:
    """Open Dental lets no program do it: an alarm and a note in the Commlog tell staff exactly what to enter."""
    with transaction.atomic():
        moved = outbox.move(
            posting, when=[State.QUEUED, State.SENDING, State.UNCLEAR], now=now, text=why, state=State.BY_HAND,
            route=Route.BY_HAND, state_reason=why[:300], sends=0, next_at=now + LOOK_EVERY,
        )  # fmt: skip
        if moved:
            _tell(posting, now)
    return moved


def wait_again(posting: LedgerPosting, *, now: datetime) -> bool:
    """Staff took back that they had entered it (opendental/marking.py)."""
    moved = outbox.move(
        posting, when=[State.MARKED], now=now, state=State.BY_HAND, route=Route.BY_HAND, state_reason="", sends=0,
        next_at=now,
    )  # fmt: skip
    if moved:
        _tell(posting, now)
    return moved


def is_by_hand(posting: LedgerPosting) -> bool:
    is_back = posting.movement in (Movement.REFUND, Movement.MOVE_OUT)
    return is_back and posting.route == Route.BY_HAND and posting.pay_num is None


def _tell(posting: LedgerPosting, now: datetime) -> None:
    steps = _steps(posting)
    kind = "MOVE_BY_HAND" if posting.move is not None else "REFUND_BY_HAND"
    outbox.alarm(posting, kind, steps, now=now, key=_key(posting))
    office_notes.leave(posting, account_of(paid_of(posting)), steps, now=now)


def close_alarm(posting: LedgerPosting, now: datetime) -> None:
    """The steps are done, or not needed any more."""
    Alarm.close(posting.practice_id, key=_key(posting), now=now, actor="poster")


def _steps(posting: LedgerPosting) -> str:
    paid = paid_of(posting)
    cents, whole = format_cents(-posting.amount_cents), format_cents(paid.amount_cents)
    # Without a number staff entered the payment in a way of their own (opendental/marking.py).
    which = f"payment {paid.pay_num}" if paid.pay_num else "the payment that was entered by hand"
    where = f", attached to payment plan {posting.plan.pay_plan_num} and the same charge" if posting.plan else ""
    return (
        f"{cents} {_what(posting)}. In Open Dental, account of patient {account_of(paid)}: open {which} "
        f"({whole}, check number {paid.reference}) and enter a payment of -{cents} with check number "
        f"{posting.reference}{where}. This closes by itself when it is there."
    )


def _what(posting: LedgerPosting) -> str:
    if posting.move is not None:
        return f"belongs elsewhere and is moved ({posting.move.after}); KasperPay posts it there afterwards"
    is_lost = posting.refund is not None and posting.refund.is_lost_dispute
    return "was taken back by the bank: a dispute was lost" if is_lost else "went back to the card"


def look_later(posting: LedgerPosting, *, now: datetime) -> None:
    """It is not there yet."""
    pause = LOOK_EVERY if now - posting.created_at < _NEW else _LOOK_LATER
    outbox.move(posting, when=[State.BY_HAND], now=now, next_at=now + pause)


def entered(posting: LedgerPosting, number: int, now: datetime) -> bool:
    """Staff have entered it: under this number, read back like any other."""
    moved = outbox.move(
        posting, when=[State.BY_HAND], now=now, text=f"PayNum {number}", state=State.POSTED, pay_num=number, next_at=now
    )
    if moved:
        close_alarm(posting, now)
    return moved


def drop(posting: LedgerPosting, *, now: datetime) -> bool:
    """The refund failed: what is not in the books is not to be entered any more, by nobody."""
    moved = outbox.move(
        posting, when=[State.QUEUED, State.UNCLEAR, State.BY_HAND], now=now, text="The refund failed afterwards",
        state=State.WITHDRAWN, state_reason="The refund failed afterwards",
    )  # fmt: skip
    if moved:
        close_alarm(posting, now)
    return moved


def on_plan(posting: LedgerPosting) -> list[int]:
    """The same from our mirror of the plan's splits: a payment that takes exactly this off the plan since then."""
    since = local_date(posting.created_at, posting.practice.zone) - timedelta(days=1)
    splits = PlanSplit.objects.filter(plan_id=posting.plan_id, paid_date__gte=since).values("pay_num")
    same = splits.annotate(cents=Sum("amount_cents")).filter(cents=posting.amount_cents)
    found = set(same.values_list("pay_num", flat=True))
    return sorted(found - held(found, posting))


def held(numbers: set[int], posting: LedgerPosting) -> set[int]:
    others = LedgerPosting.objects.filter(practice_id=posting.practice_id, pay_num__in=numbers).exclude(pk=posting.pk)
    return {number for number in others.values_list("pay_num", flat=True) if number is not None}


def paid_of(posting: LedgerPosting) -> LedgerPosting:
    """What is given back, or taken off by a move: the payment as it stands."""
    found = LedgerPosting.standing(posting.payment_id)
    if found is None:
        raise LedgerPosting.DoesNotExist
    return found


def account_of(paid: LedgerPosting) -> int:
    """PatNum of the account the payment is on."""
    return int(paid.sent_body.get("PatNum") or paid.patient.pat_num)


def _key(posting: LedgerPosting) -> str:
    """As payments/refund_aftermath.py closes it when the refund fails afterwards."""
    return posting.move.alarm_key if posting.move is not None else f"refund-by-hand:{posting.refund_id}"
