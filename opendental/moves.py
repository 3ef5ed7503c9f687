"""Orders a move: what Open Dental shows now is compared, the target is held, and the steps are committed as rows."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from core.money import format_cents
from opendental import features, outbox, post_move, verify
from opendental.client import Office
from opendental.errors import OpenDentalError
from opendental.fields import Unreadable
from opendental.models import Connection
from patients.models import Patient
from payments import locks, sales
from payments.account import Account
from payments.models import (
    Attempt,
    AttemptState,
    Dispute,
    LedgerPosting,
    Move,
    Payment,
    Refund,
    RefundState,
    Sale,
    SaleLine,
)
from payments.sale_lines import Line, UnableToAllocate, lines
from payplans.models import Installment, PayPlan
from practices.models import Event

State, Movement, Kind = LedgerPosting.State, LedgerPosting.Movement, Move.Kind


class UnableToMove(Exception):
    """Nothing was changed. The text says why, for staff."""


@dataclass(frozen=True)
class Wish:
    """Where a payment is to go: procedures of the account by ProcNum, an installment of a plan, or (neither) a
    prepayment of the patient.
    """

    patient: Patient
    account: Account
    procedures: Sequence[int] = ()
    # Of a payment plan of the patient; then no procedures.
    installment: Installment | None = None

    @property
    def basis(self) -> str:
        if self.installment is not None:
            return Sale.Basis.CUSTOM
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
    # Open Dental lets no program take it off: staff do, with exact steps.
    is_by_hand: bool = False


def look(payment: Payment, wish: Wish) -> Plan:
    """Read Open Dental and say what the move will do. Raises UnableToMove."""
    posting = _movable(payment)
    try:
        found = _lines(payment, posting, wish)
    except UnableToAllocate as error:
        raise UnableToMove(str(error).rstrip(".")) from error
    if wish.procedures and (any(one.procedure is None for one in found) or wish.account.no_names):
        raise UnableToMove("Money can't be put on procedures by name in this office")
    connection = Connection.objects.filter(practice=payment.practice_id).first()
    if connection is None:
        raise UnableToMove("Open Dental is not connected")
    if wish.installment is not None:
        _refuse_unless_collected(connection, wish.installment)
    kind = _kind(connection, posting, wish)
    if kind != Kind.REROUTE:
        _refuse_unless_there(connection, posting)
    is_by_hand = kind == Kind.REPOST and (_is_on_plan(posting) or not features.at_least(connection, "24.4.28"))
    return Plan(kind, posting.pk, found, _before(payment), _after(wish, found), is_by_hand)


def _lines(payment: Payment, posting: LedgerPosting, wish: Wish) -> list[Line]:
    """Raises UnableToAllocate."""
    if wish.installment is None:
        return lines(wish.account, wish.basis, chosen=wish.procedures, cents=payment.amount_cents)
    row = wish.installment
    if payment.allocations.exclude(installment=None).exists():
        raise UnableToAllocate("It is on a payment plan: move it to the account first, from there onto another plan.")
    if LedgerPosting.objects.filter(payment=payment, plan=row.plan_id).exclude(pk=posting.pk).exists():
        raise UnableToAllocate("It was on this payment plan before: put it back in Open Dental by hand.")
    if not any(one == row for one in places(wish.patient, payment)):
        raise UnableToAllocate("This payment of the plan owes less than that, or is not due for it any more.")
    return [Line(SaleLine.Kind.REST, wish.patient.pat_num, payment.amount_cents)]


def places(patient: Patient, payment: Payment) -> list[Installment]:
    """Issued installments of the patient's plans that owe at least the payment, with nothing of them in flight."""
    rows = Installment.objects.filter(plan__patient=patient, plan__kind=PayPlan.Kind.DYNAMIC, is_issued=True)
    busy = Attempt.objects.filter(due_part__installment=OuterRef("pk"), state__in=AttemptState.open())
    coming = Move.objects.filter(installment=OuterRef("pk"), state=Move.State.ORDERED)
    free = rows.filter(~Exists(busy), ~Exists(coming)).select_related("plan__guarantor", "plan__patient")
    found = free.order_by("due_date", "pk")
    owing = [one for one in found if one.is_open and one.plan.is_collectable]
    return [one for one in owing if one.owed_cents >= payment.amount_cents]


def _refuse_unless_collected(connection: Connection, row: Installment) -> None:
    if features.route_of(connection, row.plan, is_issued=True) == LedgerPosting.Route.PATIENT:
        raise UnableToMove("This office's Open Dental takes no money onto a payment plan from a program")
    if LedgerPosting.in_doubt(row.plan).exists():
        raise UnableToMove("An earlier payment of that plan is still being looked for in Open Dental")


def order(payment: Payment, wish: Wish, *, reason: str, actor: str, now: datetime) -> Move:
    """Commit the move; the poster carries it out. Raises UnableToMove."""
    plan = look(payment, wish)
    note = "Move of a payment"
    target = sales.draft(
        wish.patient, basis=wish.basis, lines=plan.lines, note=note, actor=actor, now=wish.account.read_at
    )
    try:
        with transaction.atomic(durable=True):
            return _start(payment.pk, wish, plan, target, reason, actor, now)
    except IntegrityError as error:
        raise UnableToMove("Another payment of one of these procedures is under way: wait for it") from error


def _start(payment_id: int, wish: Wish, plan: Plan, target: Sale, reason: str, actor: str, now: datetime) -> Move:
    onto = wish.installment
    plan_id = onto.plan_id if onto is not None else None
    payment = locks.payment_to_move(payment_id, target_id=target.pk, plan_id=plan_id)
    posting = _movable(payment)
    if onto is not None and onto not in places(wish.patient, payment):
        raise UnableToMove("This payment of the plan was paid or is being paid meanwhile: look at it again")
    if posting.pk != plan.posting_id:
        raise UnableToMove("It was moved meanwhile: look at it again")
    target.lines.update(is_held=True)
    Sale.objects.filter(pk=target.pk).update(state=Sale.State.TARGET, ended_at=now)
    move = _again(payment, wish, plan, target, reason, actor, now) or Move.objects.create(
        practice_id=payment.practice_id, payment=payment, target=target, kind=plan.kind, installment=onto,
        reason=reason[:200], actor=actor, before=plan.before, after=plan.after, started_at=now, next_at=now,
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


def _again(
    payment: Payment, wish: Wish, plan: Plan, target: Sale, reason: str, actor: str, now: datetime
) -> Move | None:
    """A move whose posting Open Dental refused gets another target; None where none is under way."""
    move = Move.objects.filter(payment=payment, state=Move.State.ORDERED).select_related("target").first()
    if move is None:
        return None
    SaleLine.objects.filter(sale=move.target).update(is_held=False)
    move.target, move.after, move.reason, move.actor, move.next_at = target, plan.after, reason[:200], actor, now
    move.installment = wish.installment
    move.save(update_fields=["target", "installment", "after", "reason", "actor", "next_at"])
    return move


def _reroute(posting: LedgerPosting, move: Move, now: datetime) -> None:
    """It goes there when it is sent. A worker that is about to send it elsewhere loses its claim (`claimed_at`)."""
    unsent = LedgerPosting.objects.filter(pk=posting.pk, state=posting.state, sends=posting.sends, pay_num=None)
    there = {"patient": move.target.patient, "plan": _plan_of(move)}
    if not unsent.update(move=move, claimed_at=now, next_at=now, **there):
        raise UnableToMove("It is being posted right now: look at it again")
    posting.refresh_from_db()
    if posting.state == State.REFUSED:
        outbox.look_again(posting, now=now)


def _take_off_and_post(posting: LedgerPosting, move: Move, now: datetime) -> None:
    base = {"practice_id": move.practice_id, "payment_id": move.payment_id, "move": move, "next_at": now}
    cents = posting.amount_cents
    LedgerPosting.objects.create(
        **base, movement=Movement.MOVE_OUT, patient_id=posting.patient_id, plan_id=posting.plan_id,
        amount_cents=-cents, created_at=now,
    )  # fmt: skip
    LedgerPosting.objects.create(
        **base, movement=Movement.MOVE_IN, patient=move.target.patient, plan=_plan_of(move), amount_cents=cents,
        created_at=now,
    )  # fmt: skip


def _plan_of(move: Move) -> PayPlan | None:
    return move.installment.plan if move.installment is not None else None


def _is_on_plan(posting: LedgerPosting) -> bool:
    """Attached to a plan, not beside it on the account."""
    return posting.plan_id is not None and posting.route != LedgerPosting.Route.PATIENT


def _movable(payment: Payment) -> LedgerPosting:
    """Where it stands, if it may be moved from there. Raises UnableToMove."""
    if payment.practice.recover_since is not None:
        raise UnableToMove("The database was restored: what was lost is looked for first")
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
    is_near = wish.procedures and account in wish.account.family and posting.plan_id is None
    return Kind.SPLITS if is_near and features.at_least(connection, "25.1.11") else Kind.REPOST


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
    number = posting.plan.pay_plan_num if posting.plan is not None and _is_on_plan(posting) else 0
    if any(split.pay_plan_num != number for split in splits):
        where = f"not on payment plan {number}" if number else "on a payment plan"
        raise UnableToMove(f"Open Dental has put it {where}: put it right there first")


def _before(payment: Payment) -> str:
    rows = payment.allocations.select_related("line__patient", "installment__plan__patient").order_by("pk")
    said = [_words(row.line, row.amount_cents) for row in rows if row.line is not None]
    said += [_plan_words(row.installment, row.amount_cents) for row in rows if row.installment is not None]
    return "; ".join(said)[:300]


def _plan_words(row: Installment, cents: int) -> str:
    day = f"{row.due_date:%b} {row.due_date.day}"
    return f"{format_cents(cents)} on payment plan {row.plan.pay_plan_num} of {row.plan.patient.full_name}, due {day}"


def _words(line: SaleLine, cents: int) -> str:
    what = line.code or ("prepayment" if line.kind == SaleLine.Kind.PREPAYMENT else "account")
    return f"{format_cents(cents)} on {what} of {line.patient.full_name}"


def _after(wish: Wish, found: Sequence[Line]) -> str:
    if wish.installment is not None:
        return _plan_words(wish.installment, sum(one.cents for one in found))[:300]
    people = Patient.objects.filter(practice=wish.patient.practice_id, pat_num__in={one.pat_num for one in found})
    names = {one.pat_num: one.full_name for one in people}
    said = [
        f"{format_cents(one.cents)} on {one.procedure.code if one.procedure else 'prepayment'} of "
        f"{names.get(one.pat_num, wish.patient.full_name)}"
        for one in found
    ]
    return "; ".join(said)[:300]
