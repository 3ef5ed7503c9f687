"""The question before each charge: is this still owed, and may it be taken?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opendental import discover, store
from opendental.errors import NotFoundInOffice
from opendental.pull import pull
from opendental.recheck import recheck
from payments.models import Alarm, DueCheck, DuePart, LedgerPosting
from payments.upward import UnableToRecheck
from payplans.models import PayPlan
from tests.opendental.desk import Desk, collect, installments, plan_of


@pytest.fixture
def part(desk: Desk) -> DuePart:
    """The due part of a first installment of $100, issued today."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-07-01 10:00")
    desk.wait(seconds=10)
    desk.pull()
    found: DuePart = installments(number)[0].due_parts.get()
    return found


def asked(desk: Desk, part: DuePart) -> tuple[int, str]:
    now = desk.wait(minutes=1)
    recheck(part.pk, now=now)
    check = DueCheck.objects.get(due_part=part)
    assert check.checked_at == now
    return check.owed_cents, check.obstacle


def number_of(part: DuePart) -> int:
    assert part.installment is not None
    return part.installment.plan.pay_plan_num


def test_what_is_owed_is_stamped_with_the_time(desk: Desk, part: DuePart) -> None:
    assert asked(desk, part) == (100_00, "")


def test_the_stamp_replaces_the_one_before_in_one_statement(desk: Desk, part: DuePart) -> None:
    asked(desk, part)
    desk.act("cash", PayPlanNum=number_of(part), amount_cents=30_00)
    now = desk.wait(minutes=1)
    with CaptureQueriesContext(connection) as made:
        recheck(part.pk, now=now)
    assert len([one for one in made.captured_queries if "payments_duecheck" in one["sql"]]) == 1
    assert list(DueCheck.objects.values_list("checked_at", "owed_cents")) == [(now, 70_00)]


def test_what_was_paid_in_the_office_a_minute_ago_is_not_owed(desk: Desk, part: DuePart) -> None:
    desk.act("cash", PayPlanNum=number_of(part), amount_cents=100_00)
    assert asked(desk, part)[0] == 0


def test_what_was_paid_in_part_lowers_what_is_owed(desk: Desk, part: DuePart) -> None:
    desk.act("cash", PayPlanNum=number_of(part), amount_cents=30_00)
    assert asked(desk, part)[0] == 70_00


def test_an_edited_plan_is_read_anew_before_the_charge(desk: Desk, part: DuePart) -> None:
    assert part.installment is not None
    charge = part.installment.charge_rows.get().pay_plan_charge_num
    desk.act("edit_charge", PayPlanChargeNum=charge, principal_cents=60_00)
    assert asked(desk, part) == (60_00, "")


def test_a_closed_plan_must_not_be_charged(desk: Desk, part: DuePart) -> None:
    desk.act("close_plan", PayPlanNum=number_of(part))
    assert asked(desk, part)[1] == "The plan is closed in Open Dental"


def test_a_deleted_plan_must_not_be_charged(desk: Desk, part: DuePart) -> None:
    desk.act("delete_plan", PayPlanNum=number_of(part))
    assert asked(desk, part) == (0, "Open Dental no longer has this plan")


def test_a_deleted_patient_must_not_be_charged(desk: Desk, part: DuePart) -> None:
    desk.act("delete_patient", PatNum=plan_of(number_of(part)).patient.pat_num)
    assert asked(desk, part)[1] == "Open Dental no longer has this patient"


def test_the_offices_own_card_charge_stops_ours(desk: Desk, part: DuePart) -> None:
    desk.act("recurring_card", PayPlanNum=number_of(part), amount_cents=100_00)
    assert asked(desk, part)[1].startswith("The office's own recurring card charge is active")


def test_a_card_of_the_family_in_the_offices_tool_stops_ours_too(desk: Desk, part: DuePart) -> None:
    desk.act("recurring_card", PatNum=plan_of(number_of(part)).patient.pat_num, amount_cents=100_00)
    assert asked(desk, part)[1].startswith("The office's own recurring card charge is active")


def test_a_posting_under_search_stops_the_next_charge_of_the_plan(desk: Desk, part: DuePart) -> None:
    desk.at("2022-08-01 10:00")
    desk.pull()
    first, second = installments(number_of(part))[:2]
    collect(first, now=desk.now())
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    assert asked(desk, second.due_parts.get())[1] == (
        "An earlier payment of this plan is still being looked for in Open Dental"
    )
    desk.wait(minutes=2)
    desk.post()
    assert asked(desk, second.due_parts.get()) == (100_00, "")


def test_an_office_that_is_away_gives_no_stamp(desk: Desk, part: DuePart) -> None:
    desk.act("offline", offline=True)
    with pytest.raises(UnableToRecheck) as caught:
        asked(desk, part)
    assert str(caught.value).startswith("The office's Open Dental can't be reached")
    assert DueCheck.objects.count() == 0


def test_an_old_stamp_is_not_refreshed_by_a_failed_question(desk: Desk, part: DuePart) -> None:
    asked(desk, part)
    before = DueCheck.objects.get().checked_at
    desk.act("offline", offline=True)
    with pytest.raises(UnableToRecheck):
        asked(desk, part)
    assert DueCheck.objects.get().checked_at == before


def test_a_plan_row_that_makes_no_sense_gives_no_stamp(desk: Desk, part: DuePart) -> None:
    desk.act("malform", resource="payplans", pk=number_of(part), field="PayAmt", value="much")
    with pytest.raises(UnableToRecheck) as caught:
        asked(desk, part)
    assert str(caught.value) == "Open Dental's answer about this plan can't be understood: PayAmt is not a number."


def test_a_charge_that_makes_no_sense_stops_the_charge(desk: Desk, part: DuePart) -> None:
    assert part.installment is not None
    charge = part.installment.charge_rows.get().pay_plan_charge_num
    desk.act("malform", resource="payplancharges", pk=charge, field="Principal", value="much")
    assert asked(desk, part)[1].startswith("A row of this plan can't be understood")


def test_a_poll_that_read_earlier_does_not_undo_what_the_recheck_stored(desk: Desk, part: DuePart) -> None:
    started = desk.now()
    desk.act("cash", PayPlanNum=number_of(part), amount_cents=100_00)
    assert asked(desk, part)[0] == 0
    synced = plan_of(number_of(part)).synced_at
    assert synced > started
    result = pull(desk.practice.pk, started)
    assert result.problem == ""
    assert plan_of(number_of(part)).synced_at == synced
    assert synced - started >= timedelta(minutes=1)


def test_a_prepayment_open_dental_put_on_another_charge_is_shown_to_a_person(desk: Desk) -> None:
    """We took the second installment early; the office's service spends it on the first."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.wait(seconds=10)
    desk.pull()
    first, second = installments(number)[:2]
    collect(second, now=desk.now())
    desk.post()
    desk.at("2022-07-24 10:00")
    desk.pull()
    owed, obstacle = asked(desk, first.due_parts.get(state="OPEN"))
    assert owed == 100_00
    assert obstacle.startswith("Open Dental shows less open on this charge than KasperPay")


def test_a_404_about_a_plan_that_is_there_gives_no_stamp(
    desk: Desk, part: DuePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's 404, or a plan deleted between two questions: not known, so not charged."""

    def missing(*_: object, **__: object) -> None:
        raise NotFoundInOffice("GET /payplancharges", explanation="PayPlan not found.")

    now = desk.wait(minutes=1)
    monkeypatch.setattr("opendental.plans.read.details", missing)

    with pytest.raises(UnableToRecheck, match="Open Dental no longer has it"):
        recheck(part.pk, now=now)

    assert DueCheck.objects.filter(due_part=part, checked_at=now).count() == 0


def test_never_more_is_taken_than_open_dental_calls_due_now(desk: Desk, part: DuePart) -> None:
    """The desk put two payments on the first charge: the second is open, but the plan owes nothing now."""
    row = installments(number_of(part))[0].charge_rows.get().pay_plan_charge_num
    for _ in range(2):
        desk.act("cash", PayPlanChargeNum=row, amount_cents=100_00)
    desk.at("2022-08-01 10:00")
    desk.pull()
    second = installments(number_of(part))[1]

    assert asked(desk, second.due_parts.get()) == (100_00, "Open Dental shows only $0.00 due on this plan now")
    assert Alarm.objects.filter(kind="PAID_TWICE", closed_at=None).count() == 1


def test_money_of_ours_on_its_way_to_the_office_is_counted(desk: Desk, part: DuePart) -> None:
    desk.at("2022-08-01 10:00")
    desk.pull()
    first, second = installments(number_of(part))[:2]
    collect(first, now=desk.now())

    assert asked(desk, second.due_parts.get()) == (100_00, "")


def test_a_future_charge_does_not_count_as_due_now(desk: Desk, part: DuePart) -> None:
    row = installments(number_of(part))[0].charge_rows.get().pay_plan_charge_num
    for _ in range(2):
        desk.act("cash", PayPlanChargeNum=row, amount_cents=100_00)
    desk.at("2022-09-01 10:00")
    desk.pull()
    second, third = installments(number_of(part))[1:3]
    later = third.charge_rows.get().pay_plan_charge_num
    desk.act("edit_charge", PayPlanChargeNum=later, ChargeDate="2022-09-20")

    assert asked(desk, second.due_parts.get())[1] == "Open Dental shows only $0.00 due on this plan now"
    # Whoever pays the future charge itself wants it counted.
    assert asked(desk, third.due_parts.get(state="OPEN")) == (100_00, "")


def test_a_posting_found_while_the_plan_is_read_does_not_hide_the_offices_cash(
    desk: Desk, part: DuePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading was stored while it was looked for, so what the office took was not counted."""
    desk.at("2022-08-01 10:00")
    desk.pull()
    first, second = installments(number_of(part))[:2]
    posting = collect(first, now=desk.now())
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.act("cash", PayPlanChargeNum=second.charge_rows.get().pay_plan_charge_num, amount_cents=100_00)
    store_it = store.store

    def stored(*given: Any, **more: Any) -> PayPlan:
        plan = store_it(*given, **more)
        desk.post()
        return plan

    monkeypatch.setattr("opendental.plans.store.store", stored)
    waiting = second.due_parts.get()
    # It is read once more, and then the cash is seen.
    assert asked(desk, waiting)[0] == 0
    posting.refresh_from_db()
    assert posting.state == "MATCHED"


@pytest.mark.parametrize(("times", "readings"), [(1, 2), (2, 3), (9, 3)])
def test_a_plan_that_is_found_changed_while_it_is_read_is_read_again_up_to_three_times(
    desk: Desk, part: DuePart, monkeypatch: pytest.MonkeyPatch, times: int, readings: int
) -> None:
    """The sync's look at the same moment lists it; only one that never comes to rest must wait for the next sweep."""
    desk.at("2022-08-01 10:00")
    desk.pull()
    store_it, stored = store.store, []

    def found_changed(*given: Any, **more: Any) -> PayPlan:
        plan = store_it(*given, **more)
        stored.append(plan)
        if len(stored) <= times:
            discover.put_down(plan.practice_id, [plan.pay_plan_num], now=desk.now())
        return plan

    monkeypatch.setattr("opendental.plans.store.store", found_changed)
    waiting = installments(number_of(part))[0].due_parts.get()
    if times < 3:
        assert asked(desk, waiting)[1] == ""
    else:
        with pytest.raises(UnableToRecheck, match="changing in Open Dental just now"):
            asked(desk, waiting)
        assert DueCheck.objects.count() == 0
    assert len(stored) == readings


def test_a_posting_that_was_refused_explains_no_prepayment_on_another_charge(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.wait(seconds=10)
    desk.pull()
    first, second, third = installments(number)[:3]
    collect(second, now=desk.now())
    desk.post()
    LedgerPosting.objects.filter(pk=collect(third, now=desk.now()).pk).update(state="REFUSED")
    desk.at("2022-07-24 10:00")
    desk.pull()
    _, obstacle = asked(desk, first.due_parts.get(state="OPEN"))
    assert obstacle.startswith("Open Dental shows less open on this charge than KasperPay")


def test_what_was_recorded_and_deleted_between_two_readings_never_was(desk: Desk, part: DuePart) -> None:
    desk.wait(minutes=1)
    desk.pull()
    number = desk.act("cash", PayPlanNum=number_of(part), amount_cents=100_00)["PayNum"]
    desk.act("delete_payment", PayNum=number)
    desk.wait(minutes=1)
    desk.pull(cycles=4)
    part.refresh_from_db()
    first = installments(number_of(part))[0]
    assert (first.status, first.office_paid_cents, part.state, part.hold) == ("PENDING", 0, "OPEN", "")
    assert Alarm.objects.count() == 0
    assert asked(desk, part) == (100_00, "")
