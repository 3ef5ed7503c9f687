"""Refunds in the ledger: each by its route, found again when the answer is lost, and by staff with what to enter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opendental import errors, refund_by_hand
from payments import refund_outcomes, refunds
from payments.models import Alarm, LedgerPosting, Refund
from payplans.models import Installment
from processors.port import Failed, Succeeded
from tests.opendental.desk import Desk, alarms, collect, installments, row_of, state

State = LedgerPosting.State


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.upward.handlers.nudge", lambda _practice: None)


def posted(desk: Desk, posting: LedgerPosting) -> LedgerPosting:
    desk.post()
    assert state(posting) == State.MATCHED
    return posting


def give_back(desk: Desk, posting: LedgerPosting, cents: int) -> LedgerPosting:
    """The card has its money back; what waits for the ledger."""
    wish = refunds.Wish(cents=cents, reason="OTHER", actor="user:1")
    refund = refunds.claim(posting.payment_id, wish, now=desk.now())
    news = Succeeded(f"re_{refund.pk}", cents)
    refund_outcomes.settle_refund(refund.pk, news, now=desk.now(), actor="user:1")
    return LedgerPosting.objects.get(refund=refund)


def enter(desk: Desk, posting: LedgerPosting, back: LedgerPosting, *, check: str = "") -> int:
    """What the alarm asks staff for."""
    made = desk.act("cash", PayPlanChargeNum=row_of(posting), amount_cents=back.amount_cents, check=check)
    return int(made["PayNum"])


def test_a_plan_payment_given_back_waits_for_staff_with_exact_steps(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)

    desk.post()

    assert (state(back), back.route, back.sends) == (State.BY_HAND, "BY_HAND", 0)
    assert alarms() == ["REFUND_BY_HAND"]
    text = Alarm.objects.get().text
    assert due.plan is not None
    for part in (
        "$40.00",
        "$100.00",
        due.reference,
        back.reference,
        f"payment {due.pay_num}",
        str(due.plan.pay_plan_num),
    ):
        assert part in text
    assert len(desk.books("payments")) == 1


def test_what_a_lost_dispute_took_is_entered_like_a_refund_and_says_so(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    loss = Refund.objects.create(
        practice=desk.practice, payment=due.payment, amount_cents=100_00, origin="ELSEWHERE", reason="DISPUTE",
        reference="du_1", actor="processor", started_at=desk.now(),
    )  # fmt: skip
    refund_outcomes.settle_refund(loss.pk, Succeeded("du_1", 100_00), now=desk.now(), actor="webhook")
    back = LedgerPosting.objects.get(refund=loss)

    desk.post()

    assert state(back) == State.BY_HAND
    assert Alarm.objects.get().text.startswith(
        "$100.00 was taken back by the bank: a dispute was lost. In Open Dental,"
    )
    enter(desk, due, back, check=back.reference)
    desk.pull()
    desk.post()
    assert (state(back), alarms()) == (State.MATCHED, [])


@pytest.mark.parametrize("check", ["", "ours"])
def test_what_staff_entered_on_the_plan_is_recognized_by_the_next_sync_and_everything_closes(
    desk: Desk, due: LedgerPosting, check: str
) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)
    desk.post()
    number = enter(desk, due, back, check=back.reference if check else "")

    desk.wait(seconds=70)
    desk.pull(cycles=2)

    assert (state(back), back.pay_num, alarms()) == (State.POSTED, number, [])
    desk.post()
    assert (state(back), alarms()) == (State.MATCHED, [])
    desk.pull(cycles=2)
    installment = Installment.objects.get(allocations__payment=due.payment)
    assert (installment.collected_cents, installment.office_paid_cents, installment.status) == (60_00, 0, "PENDING")
    assert (alarms(), {row.office_paid_cents for row in Installment.objects.all()}) == ([], {0})


def test_another_negative_payment_of_the_office_is_not_taken_for_the_refund(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)
    desk.post()
    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=-39_99)

    desk.wait(minutes=16)
    desk.pull(cycles=2)
    desk.post()

    assert (state(back), back.pay_num) == (State.BY_HAND, None)
    assert "REFUND_BY_HAND" in alarms()


def test_what_staff_entered_beside_the_plan_is_found_by_its_number_and_told(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)
    desk.post()
    desk.act("cash", PatNum=due.sent_body["PatNum"], amount_cents=-40_00, check=back.reference)

    assert desk.post() == 0
    desk.wait(minutes=16)
    desk.post()

    assert (state(back), alarms()) == (State.MISMATCH, ["POSTING_MISMATCH"])
    assert "not on payment plan" in Alarm.objects.get(closed_at=None).text


def test_two_refunds_of_one_payment_take_two_entries(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    both = [give_back(desk, due, 30_00) for _ in range(2)]
    desk.post()
    first = enter(desk, due, both[0])
    desk.wait(seconds=70)
    desk.pull(cycles=2)
    desk.post()
    assert sorted(state(back) for back in both) == [State.BY_HAND, State.MATCHED]

    second = enter(desk, due, both[1])
    desk.wait(seconds=70)
    desk.pull(cycles=2)
    desk.post()

    assert [state(back) for back in both] == [State.MATCHED] * 2
    assert {back.pay_num for back in both} == {first, second}


def test_a_refund_that_fails_afterwards_asks_nothing_of_staff_any_more(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)
    desk.post()
    assert back.refund_id is not None

    refund_outcomes.settle_refund(back.refund_id, Failed("re_x", "declined"), now=desk.now(), actor="webhook")

    assert (state(back), alarms()) == (State.WITHDRAWN, ["REFUND_FAILED"])
    desk.wait(minutes=16)
    assert (desk.post(), state(back)) == (0, State.WITHDRAWN)


def test_a_refund_waits_for_its_payment_to_be_in_the_ledger(desk: Desk, due: LedgerPosting) -> None:
    back = give_back(desk, due, 40_00)
    desk.outside.fault("POST /api/v1/payments", "drop_before")

    desk.post()

    assert (state(due), state(back)) == (State.UNCLEAR, State.QUEUED)


def forget(back: LedgerPosting) -> None:
    """As a restore leaves it: nobody knows whether it was sent."""
    LedgerPosting.objects.filter(pk=back.pk).update(state=State.UNCLEAR, sends=1)


def test_a_refund_on_a_plan_that_a_restore_left_in_doubt_goes_to_staff_and_never_beside_the_plan(
    desk: Desk, due: LedgerPosting
) -> None:
    back = give_back(desk, posted(desk, due), 40_00)
    forget(back)

    for _ in range(4):
        desk.post()
        desk.wait(seconds=61)

    assert (state(back), back.route, alarms()) == (State.BY_HAND, "BY_HAND", ["REFUND_BY_HAND"])
    assert [row["amount_cents"] for row in desk.books("payments")] == [100_00]


def test_what_staff_had_entered_on_the_plan_before_a_restore_is_found(desk: Desk, due: LedgerPosting) -> None:
    back = give_back(desk, posted(desk, due), 40_00)
    forget(back)
    number = enter(desk, due, back)
    desk.wait(seconds=70)
    desk.pull(cycles=2)

    desk.post()

    assert (state(back), back.pay_num) == (State.MATCHED, number)
    assert "REFUND_BY_HAND" not in Alarm.objects.values_list("kind", flat=True)


def test_a_refund_in_doubt_waits_for_its_payment_to_be_in_the_ledger(desk: Desk, due: LedgerPosting) -> None:
    back = give_back(desk, due, 40_00)
    forget(back)
    desk.outside.fault("POST /api/v1/payments", "drop_before")

    desk.post()

    assert (state(due), state(back), back.searches) == (State.UNCLEAR, State.UNCLEAR, 0)


def account_desk(open_desk: Callable[..., Desk]) -> tuple[Desk, LedgerPosting]:
    """$100 posted to the patient's account, in an office that does not enforce splits."""
    desk = open_desk(preferences={"RigorousAccounting": "2"}, version="24.4.30.0")
    desk.connect()
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 10:00")
    desk.pull()
    return desk, posted(desk, collect(installments(number)[0], now=desk.now()))


def test_a_whole_payment_on_the_account_is_given_back_by_open_dentals_own_refund(
    open_desk: Callable[..., Desk],
) -> None:
    desk, paid = account_desk(open_desk)
    assert paid.route == "PATIENT"
    back = give_back(desk, paid, 100_00)

    desk.post()

    assert (state(back), back.route) == (State.MATCHED, "REFUND")
    assert [row["amount_cents"] for row in desk.books("payments")] == [100_00, -100_00]
    assert alarms() == []


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "drop_before"])
def test_a_lost_answer_to_a_refund_is_searched_and_never_makes_two(open_desk: Callable[..., Desk], fault: str) -> None:
    desk, paid = account_desk(open_desk)
    back = give_back(desk, paid, 100_00)
    desk.outside.fault("POST /api/v1/payments/Refund", fault)

    for _ in range(4):
        desk.post()
        desk.wait(seconds=61)

    assert (state(back), back.sends) == (State.MATCHED, 2 if fault == "drop_before" else 1)
    assert [row["amount_cents"] for row in desk.books("payments")] == [100_00, -100_00]


def test_a_part_of_a_payment_on_the_account_goes_where_its_money_lies_or_to_staff(
    open_desk: Callable[..., Desk],
) -> None:
    desk, paid = account_desk(open_desk)
    unearned = [split for split in desk.books("paysplits") if split["UnearnedType"]]
    back = give_back(desk, paid, 25_00)

    desk.post()

    expected = (State.MATCHED, "NEGATIVE") if unearned else (State.BY_HAND, "BY_HAND")
    assert (state(back), back.route) == expected
    assert len(desk.books("payments")) == (2 if unearned else 1)


def test_a_refund_whose_way_can_not_be_told_for_an_hour_is_told(
    open_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, paid = account_desk(open_desk)
    back = give_back(desk, paid, 25_00)

    def busy(*_: object) -> None:
        raise errors.Throttled("GET /paysplits", retry_after=5)

    monkeypatch.setattr("opendental.verify.splits_of", busy)
    desk.post()
    assert (state(back), alarms()) == (State.QUEUED, [])

    desk.wait(minutes=61)
    desk.post()

    assert (state(back), alarms()) == (State.QUEUED, ["POSTING_STUCK"])


def test_a_refund_that_open_dental_refuses_goes_to_staff(open_desk: Callable[..., Desk]) -> None:
    desk, paid = account_desk(open_desk)
    desk.act("cash", PatNum=paid.sent_body["PatNum"], amount_cents=1_00)
    LedgerPosting.objects.filter(pk=paid.pk).update(pay_num=987654)
    back = give_back(desk, paid, 100_00)

    desk.post()

    assert (state(back), alarms()) == (State.BY_HAND, ["REFUND_BY_HAND"])


def fail(desk: Desk, back: LedgerPosting) -> None:
    assert back.refund_id is not None
    refund_outcomes.settle_refund(back.refund_id, Failed("re_x", "declined"), now=desk.now(), actor="webhook")


@pytest.mark.parametrize("fault", ["throttle", "drop_before"])
def test_a_refund_that_fails_while_its_posting_is_under_way_is_not_posted_afterwards(
    open_desk: Callable[..., Desk], fault: str
) -> None:
    desk, paid = account_desk(open_desk)
    back = give_back(desk, paid, 100_00)
    desk.outside.fault("POST /api/v1/payments/Refund", fault)
    desk.post()
    # As the settlement meets it while the request is on the wire.
    LedgerPosting.objects.filter(pk=back.pk, state=State.QUEUED).update(state=State.SENDING)
    fail(desk, back)
    LedgerPosting.objects.filter(pk=back.pk, state=State.SENDING).update(state=State.QUEUED)

    for _ in range(4):
        desk.wait(seconds=61)
        desk.post()

    assert state(back) == State.WITHDRAWN
    assert [row["amount_cents"] for row in desk.books("payments")] == [100_00]
    assert alarms() == ["REFUND_FAILED"]
    assert "may show it as given back" in Alarm.objects.get().text


def test_staff_are_not_asked_to_enter_a_refund_that_failed_while_open_dental_refused_it(
    open_desk: Callable[..., Desk],
) -> None:
    desk, paid = account_desk(open_desk)
    back = give_back(desk, paid, 100_00)
    LedgerPosting.objects.filter(pk=back.pk).update(state=State.SENDING)
    fail(desk, back)
    back.refresh_from_db()
    refund_by_hand.hand_over(back, now=desk.now(), why="Attached to a plan.")

    desk.wait(minutes=16)
    desk.post()

    assert (state(back), alarms()) == (State.WITHDRAWN, ["REFUND_FAILED"])
