"""A person says which payment in Open Dental is ours: for one that staff entered by hand after it was refused."""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta

from django.db import IntegrityError

from core.money import format_cents
from opendental import features, outbox, post, refund_by_hand, verify, wire
from opendental.client import Office
from opendental.errors import OpenDentalError
from opendental.fields import Unreadable
from opendental.models import Connection
from opendental.outbox import State
from opendental.wire import PaymentFacts
from payments.models import LedgerPosting
from practices.models import Event

# The poster is done with these; a person is to look.
_ADOPTABLE = (State.REFUSED, State.MISMATCH, State.BY_HAND, State.MARKED, State.MATCHED)
Route, Movement = LedgerPosting.Route, LedgerPosting.Movement


class UnableToAdopt(Exception):
    """The payment can't be taken for ours. The text says why, for staff; nothing was changed."""


def adopt(connection: Connection, posting: LedgerPosting, pay_num: int, *, actor: str, now: datetime) -> None:
    """As `name`, and settled at once: MATCHED, or POSTED while the office can't be asked, or MISMATCH."""
    name(connection, posting, pay_num, actor=actor, now=now)
    post.post_due(posting.practice_id, now)
    posting.refresh_from_db()


def name(connection: Connection, posting: LedgerPosting, pay_num: int, *, actor: str, now: datetime) -> None:
    """Read the payment back and compare amount, patient and plan; the poster then settles the posting with it.

    Raises UnableToAdopt.
    """
    _refuse_unless_adoptable(posting, pay_num)
    try:
        _refuse_unless_ours(Office(connection, urgent=True), connection, posting, pay_num)
    except OpenDentalError as error:
        raise UnableToAdopt(error.reason) from error
    except Unreadable as error:
        raise UnableToAdopt(f"Open Dental's answer can't be understood: {error}.") from error
    try:
        adopted = _adopted(connection, posting, pay_num, now)
    except IntegrityError as error:
        raise UnableToAdopt(f"PayNum {pay_num} belongs to another posting.") from error
    if not adopted:
        raise UnableToAdopt("The posting was worked on meanwhile: look at it again.")
    Event.record(
        posting.practice_id, kind="posting_adopted", actor=actor, now=now, about=outbox.about(posting),
        text=f"{posting.reference}: PayNum {pay_num}",
    )  # fmt: skip


def _adopted(connection: Connection, posting: LedgerPosting, pay_num: int, now: datetime) -> bool:
    if posting.state == State.BY_HAND:
        return refund_by_hand.entered(posting, pay_num, now)
    is_refund = posting.movement == Movement.REFUND
    route = posting.route if is_refund else post.route_of(connection, posting)
    return outbox.adopted(posting, pay_num, route=route, now=now)


def _refuse_unless_adoptable(posting: LedgerPosting, pay_num: int) -> None:
    if posting.state not in _ADOPTABLE:
        raise UnableToAdopt(f"{posting.reference} does not wait for a person: {posting.get_state_display()}.")
    others = LedgerPosting.objects.filter(practice_id=posting.practice_id, pay_num=pay_num)
    if other := others.first():
        raise UnableToAdopt(f"PayNum {pay_num} belongs to {other.reference} already.")


def _refuse_unless_ours(office: Office, connection: Connection, posting: LedgerPosting, pay_num: int) -> None:
    arrived = verify.find(office, connection, _as_sent(posting))
    if arrived and pay_num not in arrived:
        raise UnableToAdopt(f"Open Dental has {posting.reference} as PayNum {arrived[0]}: look at the posting again.")
    found = _payment(office, connection, posting, pay_num)
    if found is None:
        raise UnableToAdopt(f"Open Dental has no PayNum {pay_num} of this patient or guarantor.")
    if found.amount_cents != posting.amount_cents:
        there, ours = format_cents(found.amount_cents), format_cents(posting.amount_cents)
        raise UnableToAdopt(f"PayNum {pay_num} is {there}, this posting {ours}.")
    reference = found.check_num.upper()
    if LedgerPosting.objects.filter(reference=reference).exclude(pk=posting.pk).exists():
        raise UnableToAdopt(f"PayNum {pay_num} carries the reference of {reference}.")
    _refuse_unless_on_plan(office, connection, posting, pay_num)


def _as_sent(posting: LedgerPosting) -> LedgerPosting:
    """With the account that `verify.find` looks on, also when it was never sent."""
    paid = posting if posting.movement == Movement.PAYMENT else refund_by_hand.paid_of(posting)
    twin = copy(posting)
    twin.sent_body = {"PatNum": posting.sent_body.get("PatNum") or refund_by_hand.account_of(paid)}
    return twin


def _patients(posting: LedgerPosting) -> set[int]:
    plan = posting.plan
    return {posting.patient.pat_num} | ({plan.patient.pat_num, plan.guarantor.pat_num} if plan is not None else set())


def _payment(office: Office, connection: Connection, posting: LedgerPosting, pay_num: int) -> PaymentFacts | None:
    """There is no GET of one payment: a query, or the lists of the people it may belong to."""
    if features.can_query(connection):
        rows = office.query(f"SELECT PayNum, PatNum, PayAmt, CheckNum FROM payment WHERE PayNum={pay_num}")  # noqa: S608
    else:
        since = (posting.created_at.date() - timedelta(days=1)).isoformat()
        rows = [
            row
            for pat in sorted(_patients(posting))
            for row in office.get_all("/payments", PatNum=pat, DateEntry=since)
        ]
    people = {str(pat) for pat in _patients(posting)}
    theirs = [row for row in rows if str(row.get("PayNum")) == str(pay_num) and str(row.get("PatNum")) in people]
    return wire.payment(theirs[0]) if theirs else None


def _refuse_unless_on_plan(office: Office, connection: Connection, posting: LedgerPosting, pay_num: int) -> None:
    if posting.plan is None or _is_beside_the_plan(connection, posting):
        return
    splits = verify.splits_of(office, connection, pay_num)
    if splits is None:
        raise UnableToAdopt("This version of Open Dental does not show what a payment was put on.")
    on_plan = sum(split.amount_cents for split in splits if split.pay_plan_num == posting.plan.pay_plan_num)
    if on_plan != posting.amount_cents:
        raise UnableToAdopt(f"Only {format_cents(on_plan)} of PayNum {pay_num} is on this plan in Open Dental.")


def _is_beside_the_plan(connection: Connection, posting: LedgerPosting) -> bool:
    """A payment as it would be posted now; a refund as its payment was."""
    if posting.movement == Movement.REFUND:
        return refund_by_hand.paid_of(posting).route == Route.PATIENT
    return post.route_of(connection, posting) == Route.PATIENT
