"""Orders a move: what Open Dental shows now is compared, the target is held, and the steps are committed as rows."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from core.money import format_cents
from opendental import features, outbox, post_move, verify
from opendental.client import Office
from opendental.errors import OpenDentalError
from opendental.fields import Unreadable
from opendental.models import Connection
from patients.models import Patient
from payments import locks, sales
from payments.account import Account
from payments.models import Dispute, LedgerPosting, Move, Payment, Refund, RefundState, Sale, SaleLine
from payments.sale_lines import Line, UnableToAllocate, lines
from practices.models import Event

State, Movement, Kind = LedgerPosting.State, LedgerPosting.Movement, Move.Kind


class UnableToMove(Exception):
    """Nothing was changed. The text says why, for staff."""


@dataclass(frozen=True)
class Wish:
    """Where a payment is to go: procedures of the account by ProcNum, or (none chosen) a prepayment of the patient."""

    patient: Patient
    account: Account
    procedures: Sequence[int] = ()

    @property
    def basis(self) -> str:
        return Sale.Basis.PROCEDURES if self.procedures else Sale.Basis.PREPAYMENT


@dataclass(frozen=True)
class Plan:
    """What will happen, before anything does."""

    kind: str
    # The posting it was worked out for.
    posting_id: int
    lines: list[Line]
    before: str
    after: str


def look(payment: Payment, wish: Wish) -> Plan:
    """Read Open Dental and say what the move will do. Raises UnableToMove."""
    posting = _movable(payment)
    try:
        found = lines(wish.account, wish.basis, chosen=wish.procedures, cents=payment.amount_cents)
    except UnableToAllocate as error:
        raise UnableToMove(str(error).rstrip(".")) from error
    if wish.procedures and (any(one.procedure is None for one in found) or wish.account.no_names):
        raise UnableToMove("Money can't be put on procedures by name in this office")
    connection = Connection.objects.filter(practice=payment.practice_id).first()
    if connection is None:
        raise UnableToMove("Open Dental is not connected")
    kind = _kind(connection, posting, wish)
    if kind != Kind.REROUTE:
        _refuse_unless_there(connection, posting)
    return Plan(kind, posting.pk, found, _before(payment), _after(wish, found))


def order(payment: Payment, wish: Wish, *, reason: str, actor: str, now: datetime) -> Move:
    """Commit the move; the poster carries it out. Raises UnableToMove."""
    plan = look(payment, wish)
    note = "Move of a payment"
    target = sales.draft(
        wish.patient, basis=wish.basis, lines=plan.lines, note=note, actor=actor, now=wish.account.read_at
    )
    try:
        with transaction.atomic(durable=True):
            return _start(payment.pk, plan, target, reason, actor, now)
    except IntegrityError as error:
        raise UnableToMove("Another payment of one of these procedures is under way: wait for it") from error


def _start(payment_id: int, plan: Plan, target: Sale, reason: str, actor: str, now: datetime) -> Move:
    payment = locks.payment(payment_id)
    posting = _movable(payment)
    if posting.pk != plan.posting_id:
        raise UnableToMove("It was moved meanwhile: look at it again")
    target.lines.update(is_held=True)
    Sale.objects.filter(pk=target.pk).update(state=Sale.State.TARGET, ended_at=now)
    move = _again(payment, plan, target, reason, actor, now) or Move.objects.create(
        practice_id=payment.practice_id, payment=payment, target=target, kind=plan.kind, reason=reason[:200],
        actor=actor, before=plan.before, after=plan.after, started_at=now, next_at=now,
    )  # fmt: skip
    if plan.kind == Kind.REROUTE:
        _reroute(posting, move, now)
    elif plan.kind == Kind.REPOST:
        _take_off_and_post(posting, move, now)
    Event.record(
        payment.practice_id, kind="move_ordered", actor=actor, now=now, about=post_move.about(move), text=reason,
        before={"stands": plan.before}, after={"stands": plan.after},
    )  # fmt: skip
    return move


def _again(payment: Payment, plan: Plan, target: Sale, reason: str, actor: str, now: datetime) -> Move | None:
    """A move whose posting Open Dental refused gets another target; None where none is under way."""
    move = Move.objects.filter(payment=payment, state=Move.State.ORDERED).select_related("target").first()
    if move is None:
        return None
    SaleLine.objects.filter(sale=move.target).update(is_held=False)
    move.target, move.after, move.reason, move.actor, move.next_at = target, plan.after, reason[:200], actor, now
    move.save(update_fields=["target", "after", "reason", "actor", "next_at"])
    return move


def _reroute(posting: LedgerPosting, move: Move, now: datetime) -> None:
    """It goes there when it is sent. A worker that is about to send it elsewhere loses its claim (`claimed_at`)."""
    unsent = LedgerPosting.objects.filter(pk=posting.pk, state=posting.state, sends=posting.sends, pay_num=None)
    if not unsent.update(move=move, patient=move.target.patient, claimed_at=now, next_at=now):
        raise UnableToMove("It is being posted right now: look at it again")
    posting.refresh_from_db()
    if posting.state == State.REFUSED:
        outbox.look_again(posting, now=now)


def _take_off_and_post(posting: LedgerPosting, move: Move, now: datetime) -> None:
    base = {"practice_id": move.practice_id, "payment_id": move.payment_id, "move": move, "next_at": now}
    cents = posting.amount_cents
    LedgerPosting.objects.create(
        **base, movement=Movement.MOVE_OUT, patient_id=posting.patient_id, amount_cents=-cents, created_at=now
    )
    LedgerPosting.objects.create(
        **base, movement=Movement.MOVE_IN, patient=move.target.patient, amount_cents=cents, created_at=now
    )


def _movable(payment: Payment) -> LedgerPosting:
    """Where it stands, if it may be moved from there. Raises UnableToMove."""
    if payment.practice.recover_since is not None:
        raise UnableToMove("The database was restored: what was lost is looked for first")
    if payment.allocations.exclude(installment=None).exists():
        raise UnableToMove("It pays an installment and stays on its plan: give it back, or take it anew elsewhere")
    if payment.attempt.due_part.fee is not None:
        raise UnableToMove("A fee or discount belongs to it: give it back and take it anew")
    if Refund.objects.filter(payment=payment, state__in=RefundState.holding()).exists():
        raise UnableToMove("Some of it is given back or about to be")
    if Dispute.barring_refunds(payment) is not None:
        raise UnableToMove("It is disputed: wait for the bank's decision")
    moving = Move.objects.filter(payment=payment, state=Move.State.ORDERED).first()
    posting = _posting_of(moving) if moving else LedgerPosting.standing(payment.pk)
    if posting is None or (moving is not None and posting.state != State.REFUSED):
        raise UnableToMove("It is being moved already: wait for the result")
    is_there = posting.state == State.MATCHED and posting.pay_num is not None
    if not is_there and not _is_unsent(posting):
        raise UnableToMove(f"Its posting must be settled first: {posting.get_state_display().lower()}")
    return posting


def _posting_of(move: Move) -> LedgerPosting | None:
    return move.postings.filter(movement__in=[Movement.MOVE_IN, Movement.PAYMENT]).first()


def _is_unsent(posting: LedgerPosting) -> bool:
    """Open Dental has nothing of it: never sent, or refused (and searched for before it is sent again)."""
    is_new = posting.state == State.QUEUED and not posting.sends
    return posting.pay_num is None and (is_new or posting.state == State.REFUSED)


def _kind(connection: Connection, posting: LedgerPosting, wish: Wish) -> str:
    if _is_unsent(posting):
        return Kind.REROUTE
    account = int(posting.sent_body.get("PatNum") or posting.patient.pat_num)
    if wish.procedures and account in wish.account.family and features.at_least(connection, "25.1.11"):
        return Kind.SPLITS
    if features.at_least(connection, "24.4.28"):
        return Kind.REPOST
    raise UnableToMove("This version of Open Dental lets no program take a payment off: move it there by hand")


def _refuse_unless_there(connection: Connection, posting: LedgerPosting) -> None:
    """The payment stands there whole, on no plan, and was not taken off before."""
    office, taken_off = Office(connection, urgent=True), copy(posting)
    taken_off.amount_cents = -posting.amount_cents
    try:
        splits = verify.splits_of(office, connection, posting.pay_num or 0)
        is_off = bool(verify.find(office, connection, taken_off))
    except OpenDentalError as error:
        raise UnableToMove(error.reason.rstrip(".")) from error
    except Unreadable as error:
        raise UnableToMove(f"Open Dental's splits can't be understood: {error}") from error
    if is_off:
        raise UnableToMove("Open Dental shows that it was taken back there already")
    total = sum(split.amount_cents for split in splits or [])
    if splits is None or total != posting.amount_cents:
        raise UnableToMove(f"Open Dental shows {format_cents(total)} of this payment: put it right there first")
    if any(split.pay_plan_num for split in splits):
        raise UnableToMove("Open Dental has put it on a payment plan, and lets no program take it off there")


def _before(payment: Payment) -> str:
    rows = payment.allocations.select_related("line__patient").order_by("pk")
    return "; ".join(_words(row.line, row.amount_cents) for row in rows if row.line is not None)[:300]


def _words(line: SaleLine, cents: int) -> str:
    what = line.code or ("prepayment" if line.kind == SaleLine.Kind.PREPAYMENT else "account")
    return f"{format_cents(cents)} on {what} of {line.patient.full_name}"


def _after(wish: Wish, found: Sequence[Line]) -> str:
    people = Patient.objects.filter(practice=wish.patient.practice_id, pat_num__in={one.pat_num for one in found})
    names = {one.pat_num: one.full_name for one in people}
    said = [
        f"{format_cents(one.cents)} on {one.procedure.code if one.procedure else 'prepayment'} of "
        f"{names.get(one.pat_num, wish.patient.full_name)}"
        for one in found
    ]
    return "; ".join(said)[:300]
