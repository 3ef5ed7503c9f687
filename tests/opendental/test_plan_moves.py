"""A payment moved off a plan by staff's hands and KasperPay's posting, or onto one; both books agree afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from opendental import account, moves, post_move, post_refund
from opendental.moves import UnableToMove, Wish
from patients.models import Patient
from payments import due_parts, guards, refund_outcomes, refunds
from payments.guards import UnableToClaim
from payments.models import Alarm, Allocation, DuePart, LedgerPosting, Move, Payment, Refund
from payments.refunds import UnableToRefund
from payplans.models import Installment
from processors.port import Succeeded
from tests.opendental.desk import Desk, alarms, state
from tests.opendental.test_moves import counter, passes
from tests.opendental.test_refunds import enter, posted, stand_ins
from tests.opendental.test_sales import Counter

__all__ = ["counter", "stand_ins"]
State = LedgerPosting.State


def wish(desk: Desk, patient: Patient, *procedures: int, installment: Installment | None = None) -> Wish:
    return Wish(patient, account.read(desk.practice.pk, patient.pat_num, desk.now()), procedures, installment)


def order(desk: Desk, payment: Payment, wanted: Wish) -> Move:
    return moves.order(payment, wanted, reason="Wrong place", actor="user:1", now=desk.now())


def at(payment: Payment, movement: str) -> LedgerPosting:
    return LedgerPosting.objects.get(payment=payment, movement=movement)


def on_plan(desk: Desk, number: int) -> int:
    return sum(one["amount_cents"] for one in desk.books("paysplits") if one["PayPlanNum"] == number)


@pytest.fixture
def leaving(desk: Desk, due: LedgerPosting) -> tuple[Move, int]:
    """$100 of a plan on its way to a procedure of the patient; staff are told what to take off."""
    posted(desk, due)
    procedure = int(desk.act("procedures", PatNum=due.patient.pat_num, ProcFee=100)["ProcNum"])
    wanted = wish(desk, due.patient, procedure)
    assert (moves.look(due.payment, wanted).kind, moves.look(due.payment, wanted).is_by_hand) == ("REPOST", True)
    move = order(desk, due.payment, wanted)
    desk.post()
    return move, procedure


def test_staff_take_it_off_the_plan_and_it_is_posted_elsewhere_and_owed_again(
    desk: Desk, due: LedgerPosting, leaving: tuple[Move, int]
) -> None:
    (move, procedure), plan = leaving, due.plan
    out, coming = at(due.payment, "MOVE_OUT"), at(due.payment, "MOVE_IN")
    assert (out.state, coming.state, alarms()) == (State.BY_HAND, State.QUEUED, ["MOVE_BY_HAND"])
    text = Alarm.objects.get().text
    assert plan is not None
    for part in ("$100.00", out.reference, due.reference, f"payment plan {plan.pay_plan_num}", "posts it there"):
        assert part in text
    with pytest.raises(UnableToRefund, match="being moved"):
        refunds.claim(due.payment_id, refunds.Wish(cents=1_00, reason="OTHER", actor="user:1"), now=desk.now())

    number = enter(desk, due, out)
    desk.pull()
    assert (state(out), out.pay_num, alarms()) == (State.POSTED, number, [])
    passes(desk)

    move.refresh_from_db()
    assert (move.state, state(out), state(coming)) == ("DONE", State.MATCHED, State.MATCHED)
    assert [(one.line.proc_num, one.amount_cents) for one in Allocation.objects.all() if one.line] == [
        (procedure, 100_00)
    ]
    row = Installment.objects.get(due_parts__attempts__payment=due.payment)
    assert (row.status, row.collected_cents, row.owed_cents) == ("PENDING", 0, 100_00)
    owed = DuePart.objects.get(installment=row, state="OPEN")
    assert (owed.hold, owed.hold_reason) == ("STAFF", due_parts.MOVED_AWAY)
    desk.pull(cycles=2)
    assert (on_plan(desk, plan.pay_plan_num), alarms()) == (0, [])


def test_a_move_that_staff_leave_undone_is_called_off_and_nothing_has_changed(
    desk: Desk, due: LedgerPosting, leaving: tuple[Move, int]
) -> None:
    move, _ = leaving
    assert post_move.call_off(move, actor="user:1", now=desk.now())
    assert not post_move.call_off(move, actor="user:1", now=desk.now())
    passes(desk, 2)
    move.refresh_from_db()
    states = [row.state for row in LedgerPosting.objects.order_by("pk")]
    assert (move.state, states, alarms()) == ("REFUSED", ["MATCHED", "WITHDRAWN", "WITHDRAWN"], [])
    assert Allocation.objects.get().installment_id == due.payment.attempt.due_part.installment_id


def test_money_that_goes_back_elsewhere_during_a_move_waits_for_its_end(
    desk: Desk, due: LedgerPosting, leaving: tuple[Move, int]
) -> None:
    loss = Refund.objects.create(
        practice=desk.practice, payment=due.payment, amount_cents=40_00, origin="ELSEWHERE", reason="OTHER",
        reference="re_1", actor="processor", started_at=desk.now(),
    )  # fmt: skip
    refund_outcomes.settle_refund(loss.pk, Succeeded("re_1", 40_00), now=desk.now(), actor="webhook")
    back = LedgerPosting.objects.get(refund=loss)
    desk.post()
    assert (state(back), back.state_reason) == (State.QUEUED, post_refund._MOVING)
    enter(desk, due, at(due.payment, "MOVE_OUT"))
    desk.pull()
    passes(desk)
    row = Installment.objects.get(due_parts__attempts__payment=due.payment)
    assert (Move.objects.get().state, row.collected_cents, row.owed_cents) == ("DONE", 0, 100_00)
    assert state(back) == State.BY_HAND, "a part of what stands on a procedure: staff enter it there"


def onto(counter: Counter) -> tuple[Payment, Installment]:
    """$100 on a procedure, and a plan of the same patient that asks for $100."""
    third = counter.work(100)
    counter.charge(counter.draft("PROCEDURES", chosen=[third]), 100_00)
    counter.desk.post()
    counter.desk.plan(counter.number)
    counter.desk.pull(cycles=2)
    paid = Payment.objects.latest("pk")
    [row] = moves.places(counter.patient, paid)
    return paid, row


def test_a_payment_goes_onto_a_plan_and_nobody_collects_it_meanwhile(counter: Counter) -> None:
    paid, row = onto(counter)
    move = order(counter.desk, paid, wish(counter.desk, counter.patient, installment=row))
    with pytest.raises(UnableToClaim, match="being moved onto it"):
        guards.refuse_unless_open(DuePart.objects.get(installment=row, state="OPEN"))
    assert moves.places(counter.patient, paid) == []
    passes(counter.desk)

    move.refresh_from_db()
    row.refresh_from_db()
    assert (move.kind, move.state, row.status, row.owed_cents) == ("REPOST", "DONE", "PAID", 0)
    assert [(one.installment_id, one.amount_cents) for one in Allocation.objects.all()] == [(row.pk, 100_00)]
    assert not DuePart.objects.filter(installment=row, state="OPEN").exists()
    counter.desk.pull(cycles=2)
    assert (on_plan(counter.desk, row.plan.pay_plan_num), alarms(), counter.shop.taken()) == (100_00, [], [100_00])
    # What stands on a plan is given back by hand, as ever.
    refunds.refund(paid.pk, refunds.Wish(cents=100_00, reason="OTHER", actor="user:1"), now=counter.desk.now())
    counter.desk.post()
    assert (at(paid, "REFUND").state, alarms()) == (State.BY_HAND, ["REFUND_BY_HAND"])


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
def test_a_lost_answer_puts_it_on_the_plan_once(counter: Counter, fault: str) -> None:
    paid, row = onto(counter)
    counter.desk.outside.fault("POST /api/v1/payments", fault)
    order(counter.desk, paid, wish(counter.desk, counter.patient, installment=row))
    passes(counter.desk, 9)
    assert (Move.objects.get().state, on_plan(counter.desk, row.plan.pay_plan_num), alarms()) == ("DONE", 100_00, [])


def test_what_the_plan_does_not_owe_and_what_is_on_a_plan_does_not_go_there(
    counter: Counter, due: LedgerPosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid, row = onto(counter)
    wanted: Any = wish(counter.desk, counter.patient, installment=row)
    Installment.objects.filter(pk=row.pk).update(collected_cents=1)
    with pytest.raises(UnableToMove, match="owes less than that"):
        order(counter.desk, paid, wanted)
    posted(counter.desk, due)
    with pytest.raises(UnableToMove, match="move it to the account first"):
        order(counter.desk, due.payment, wanted)
    assert Move.objects.count() == 0
