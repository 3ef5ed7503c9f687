"""Writes refunds into the ledger: by Open Dental's own refund, by a negative payment, or by staff with exact steps.

Open Dental refuses to refund what is attached to a payment plan, and a negative payment would land beside the plan
(opendental-api, 3.5): such a refund is handed to staff (opendental/refund_by_hand.py).
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from core.calendar import local_date
from core.money import format_cents
from opendental import features, outbox, post_move, refund_by_hand, verify
from opendental.errors import NotFoundInOffice, OpenDentalError, Refused, TooOldVersion
from opendental.fields import Fields, Unreadable
from payments.models import LedgerPosting, Move, Refund, RefundState

if TYPE_CHECKING:
    from opendental.post import Poster

State, Route, Movement = LedgerPosting.State, LedgerPosting.Route, LedgerPosting.Movement
_PROVEN_ABSENT = 2
_FIRST = "The payment itself is not in Open Dental yet."
_MOVING = "The payment is being moved: this is taken off at its new place."
_STAFF_FIRST = "The payment itself does not stand right in Open Dental: that waits for staff, and this for it."


def work(poster: Poster, posting: LedgerPosting) -> None:
    """One step of a refund's posting, from its state."""
    match posting.state:
        case State.QUEUED:
            if not _is_over(poster, posting):
                _send(poster, posting)
        case State.UNCLEAR:
            if _payment_is_there(poster, posting):
                _search(poster, posting)
        case State.POSTED:
            _read_back(poster, posting)
        case State.BY_HAND:
            if not _is_over(poster, posting):
                _look(poster, posting)


def _is_over(poster: Poster, posting: LedgerPosting) -> bool:
    """The refund failed while this was under way and is not in the books: it must not get there any more."""
    has_failed = Refund.objects.filter(posting=posting, state=RefundState.FAILED).exists()
    return has_failed and refund_by_hand.drop(posting, now=poster.now)


def _payment_is_there(poster: Poster, posting: LedgerPosting) -> bool:
    """Only then it is known on which account a refund is looked for, and what may be sent.

    Of a payment that staff marked as posted nothing may be sent; they enter its refunds, too.
    """
    paid = refund_by_hand.paid_of(posting)
    moving = Move.objects.filter(payment=posting.payment_id, state=Move.State.ORDERED)
    is_moving = posting.movement == Movement.REFUND and moving.exists()
    if paid.state in (State.MATCHED, State.MARKED) and not is_moving:
        return True
    reason = _STAFF_FIRST if paid.state in (State.MISMATCH, State.REFUSED) else _FIRST
    if is_moving:
        # A dispute, or a refund at the processor: taken off where it stands now, it would be taken off twice.
        reason = _MOVING
    outbox.wait(posting, now=poster.now, reason=reason)
    outbox.tell_if_late(posting, reason, now=poster.now)
    return False


# Sending


def _send(poster: Poster, posting: LedgerPosting) -> None:
    if not _payment_is_there(poster, posting):
        return
    paid = refund_by_hand.paid_of(posting)
    try:
        route = _route(poster, posting, paid)
    except OpenDentalError as error:
        poster.note(posting, error)
        outbox.put_back(posting, error.reason, now=poster.now)
        outbox.tell_if_late(posting, error.reason, now=poster.now)
        return
    if route == Route.BY_HAND:
        refund_by_hand.hand_over(posting, now=poster.now)
        return
    _ask(poster, posting, paid, route)


def _route(poster: Poster, posting: LedgerPosting, paid: LedgerPosting) -> str:
    """Only what was never attached to a plan can be given back by a program, and only where it reverses exactly."""
    if posting.movement == Movement.MOVE_OUT and not features.at_least(poster.connection, "24.4.28"):
        return Route.BY_HAND
    if paid.pay_num is None or paid.state == State.MARKED:
        return Route.BY_HAND
    if paid.plan_id is not None and paid.route != Route.PATIENT:
        return Route.BY_HAND
    is_whole = posting.amount_cents == -paid.amount_cents
    if is_whole and features.at_least(poster.connection, "24.4.28"):
        return Route.REFUND
    splits = verify.splits_of(poster.office, poster.connection, paid.pay_num) or []
    loose = sum(split.amount_cents for split in splits if split.unearned_type and not split.pay_plan_num)
    # A negative payment is one negative unearned split: right only where the money lies there.
    return Route.NEGATIVE if loose >= -posting.amount_cents else Route.BY_HAND


def _ask(poster: Poster, posting: LedgerPosting, paid: LedgerPosting, route: str) -> None:
    body = {"PayNum": paid.pay_num} if route == Route.REFUND else _negative(poster, posting, paid)
    today = local_date(poster.now, posting.practice.zone)
    if not outbox.claim(posting, route=route, body=body, now=poster.now, office_date=today):
        return
    path = "/payments/Refund" if route == Route.REFUND else "/payments"
    try:
        number = Fields(poster.office.post(path, body)).key("PayNum")
    except (Refused, TooOldVersion, NotFoundInOffice) as error:
        # It says no to this one: attached to a plan after all, or changed since. Staff can do it.
        if posting.movement == Movement.MOVE_OUT:
            post_move.not_taken_off(posting, error.reason, now=poster.now)
        else:
            refund_by_hand.hand_over(posting, now=poster.now, why=error.reason)
    except OpenDentalError as error:
        poster.send_failed(posting, error)
    except Unreadable:
        outbox.unclear(posting, "Open Dental's answer can't be understood.", now=poster.now)
    else:
        if outbox.posted(posting, number, now=poster.now):
            _read_back(poster, posting)


def _negative(poster: Poster, posting: LedgerPosting, paid: LedgerPosting) -> dict[str, Any]:
    body = {
        "PatNum": refund_by_hand.account_of(paid),
        "PayAmt": f"{posting.amount_cents / 100:.2f}",
        "PayDate": local_date(posting.created_at, posting.practice.zone).isoformat(),
        "CheckNum": posting.reference,
        "PayNote": f"{posting.reference} KasperPay refund of {paid.reference}",
    }
    if features.at_least(poster.connection, "23.1.27"):
        body["PayType"] = posting.payment.attempt.pay_type_num or poster.connection.pay_type_num
    return body


# Looking for it


def _search(poster: Poster, posting: LedgerPosting) -> None:
    try:
        # Without a route it comes out of a restore: staff may have entered it on the plan.
        found = (not posting.route and refund_by_hand.on_plan(posting)) or _in_books(poster, posting)
    except OpenDentalError as error:
        poster.note(posting, error)
        outbox.put_back(posting, error.reason, now=poster.now)
        outbox.tell_if_late(posting, error.reason, now=poster.now)
        return
    if found:
        if outbox.posted(posting, found[0], now=poster.now):
            _read_back(poster, posting)
    elif posting.searches == 0:
        gap = poster.now + outbox.SEARCH_GAP
        outbox.move(posting, when=[State.UNCLEAR], now=poster.now, searches=1, next_at=gap)
    elif _is_over(poster, posting):
        return
    elif posting.sends < _PROVEN_ABSENT:
        if outbox.move(posting, when=[State.UNCLEAR], now=poster.now, searches=_PROVEN_ABSENT):
            _send(poster, posting)
    else:
        reason = "Open Dental did not confirm this refund twice and does not show it: check the ledger by hand."
        outbox.stuck(posting, State.REFUSED, reason, now=poster.now)


def _in_books(poster: Poster, posting: LedgerPosting) -> list[int]:
    """PayNums of negative payments of exactly this amount under our reference or, as Open Dental's refund copies it,
    under the payment's. Those that write down another refund are left out.
    """
    paid, found = refund_by_hand.paid_of(posting), set[int]()
    for reference in (posting.reference, paid.reference):
        twin = copy(posting)
        twin.reference, twin.sent_body = reference, {"PatNum": refund_by_hand.account_of(paid)}
        found |= set(verify.find(poster.office, poster.connection, twin))
    return sorted(found - refund_by_hand.held(found, posting))


def _look(poster: Poster, posting: LedgerPosting) -> None:
    try:
        found = refund_by_hand.on_plan(posting) or _in_books(poster, posting)
    except OpenDentalError as error:
        poster.note(posting, error)
        found = []
    if not found:
        refund_by_hand.look_later(posting, now=poster.now)
    elif refund_by_hand.entered(posting, found[0], poster.now):
        _read_back(poster, posting)


# Reading back


def _read_back(poster: Poster, posting: LedgerPosting) -> None:
    try:
        reason = _difference(poster, posting)
    except OpenDentalError as error:
        poster.note(posting, error)
        outbox.put_back(posting, error.reason, now=poster.now)
        outbox.tell_if_late(posting, error.reason, now=poster.now)
        return
    except Unreadable as error:
        reason = f"Open Dental's splits can't be understood: {error}."
    if reason:
        outbox.stuck(posting, State.MISMATCH, reason, now=poster.now)
    else:
        outbox.matched(posting, now=poster.now)


def _difference(poster: Poster, posting: LedgerPosting) -> str:
    """What is wrong with it in Open Dental; '' = nothing."""
    splits = verify.splits_of(poster.office, poster.connection, posting.pay_num or 0)
    if splits is None:
        return ""
    total = sum(split.amount_cents for split in splits)
    if total != posting.amount_cents:
        return f"Open Dental shows {format_cents(total)} for this refund of {format_cents(-posting.amount_cents)}."
    plan = (
        posting.plan.pay_plan_num if posting.plan and refund_by_hand.paid_of(posting).route != Route.PATIENT else None
    )
    if plan is not None and any(split.pay_plan_num != plan for split in splits):
        return f"The refund is in Open Dental, but not on payment plan {plan}: attach it there."
    return ""
