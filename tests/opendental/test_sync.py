"""Sync with the permission Queries: what the office does shows in the next cycle, three calls an idle one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from opendental import people, walks
from opendental.errors import UnableToReachOffice
from opendental.models import Connection, PlanToRead
from patients.models import Patient
from payments.models import Alarm
from payplans.models import Installment, PayPlan, PlanSplit
from practices.models import Event
from tests.opendental.desk import Desk, installments, plan_of, schedule


@pytest.fixture
def plan(desk: Desk) -> int:
    """$500 at $100 a month from July 24, synced."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.wait(seconds=10)
    desk.pull()
    return number


def test_an_idle_cycle_costs_three_calls_and_changes_nothing(desk: Desk, plan: int) -> None:
    desk.wait(minutes=1)
    for _ in range(5):
        result = desk.pull()
        assert (result.calls, result.changed, result.problems) == (3, 0, 0)
    assert Event.objects.filter(kind__startswith="installment").count() == 0
    assert Connection.objects.get().last_cycle["calls"] == 3


def test_a_new_plan_is_there_after_the_next_cycle(desk: Desk, plan: int) -> None:
    desk.wait(minutes=1)
    other = desk.plan(desk.patient(FName="Quinn"), dollars=200)
    assert desk.pull().plans == [other]
    assert [row[1] for row in schedule(other)] == [100_00, 100_00]


def test_an_edited_term_shows_in_the_next_cycle_before_and_after(desk: Desk, plan: int) -> None:
    desk.wait(minutes=1)
    before = [row.pk for row in installments(plan)]
    desk.act("edit_plan", PayPlanNum=plan, PayAmt=125)
    assert desk.pull().problem == ""
    assert [row[1] for row in schedule(plan)] == [125_00] * 4
    rows = installments(plan)
    assert [row.pk for row in rows] == before
    assert (rows[4].status, rows[4].status_note) == ("CANCELED", "No longer in Open Dental's schedule")
    assert plan_of(plan).revision == 2
    event = Event.objects.get(kind="plan_changed")
    assert (event.before, event.after) == ({"pay_amount_cents": 100_00}, {"pay_amount_cents": 125_00})
    assert event.about == {"patient": plan_of(plan).patient_id, "plan": plan_of(plan).pk}
    assert Event.objects.filter(kind="installment_changed").count() == 4
    assert Event.objects.filter(kind="installment_canceled").count() == 1


def test_a_changed_first_date_moves_installments_and_keeps_them(desk: Desk, plan: int) -> None:
    desk.wait(minutes=1)
    before = [row.pk for row in installments(plan)]
    desk.act("edit_plan", PayPlanNum=plan, DatePayPlanStart="2022-07-28")
    desk.pull()
    rows = installments(plan)
    assert [row.pk for row in rows] == before
    assert [row.due_date.day for row in rows] == [28] * 5
    assert [row.first_due_date.day for row in rows] == [24] * 5


def test_issuing_keeps_identity_and_says_so(desk: Desk, plan: int) -> None:
    first = installments(plan)[0]
    desk.at("2022-07-24 09:01")
    assert desk.pull().plans == [plan]
    issued = installments(plan)[0]
    assert (issued.pk, issued.is_issued, issued.due_date) == (first.pk, True, date(2022, 7, 24))
    assert issued.charge_rows.get().principal_cents == 100_00
    event = Event.objects.get(kind="installment_changed")
    assert (event.before, event.after) == ({"is_issued": False}, {"is_issued": True})
    assert len(schedule(plan)) == 5


def test_a_missed_run_moves_the_dates_on_and_keeps_identity(desk: Desk, plan: int) -> None:
    before = [row.pk for row in installments(plan)]
    desk.act("service", on=False)
    desk.at("2022-07-25 10:00")
    desk.act("service", on=True)
    # Nothing changed in the books; that the day passed without a charge is what tells.
    Connection.objects.update(fully_pulled_at=desk.now())
    assert desk.pull().plans == [plan]
    assert desk.pull().plans == []
    rows = installments(plan)
    assert [row.pk for row in rows] == before
    assert [str(row.due_date) for row in rows] == [f"2022-{month:02}-24" for month in (8, 9, 10, 11, 12)]
    assert str(rows[0].first_due_date) == "2022-07-24"
    moved = Event.objects.filter(kind="installment_changed", about__installment=rows[0].pk).get()
    assert (moved.before, moved.after) == ({"due_date": "2022-07-24"}, {"due_date": "2022-08-24"})
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.key) == ("CHARGE_RUN_MISSED", "run-missed:2022-07-24")
    desk.at("2022-08-24 09:30")
    desk.pull()
    assert [row.pk for row in installments(plan) if row.is_issued] == [before[0]]


def test_rows_of_several_procedures_are_one_installment(desk: Desk) -> None:
    patient = desk.patient()
    work = [desk.act("procedures", PatNum=patient, ProcFee=fee)["ProcNum"] for fee in (60, 100, 140)]
    terms = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": "2022-07-01", "IsLocked": "false"}
    number = desk.act("plans", procNums=work, **terms)["PayPlanNum"]
    desk.pull()
    assert schedule(number) == [(f"2022-{month:02}-01", 100_00, "PENDING") for month in (7, 8, 9)]
    rows = installments(number)[0].charge_rows.order_by("pay_plan_charge_num")
    assert [row.principal_cents for row in rows] == [60_00, 40_00]


def test_a_down_payment_is_its_own_installment_and_counts_in_the_rest(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DownPayment=80, DatePayPlanStart="2022-07-24")
    desk.pull()
    first, *rest = installments(number)
    assert (first.is_down_payment, first.amount_cents, first.is_issued) == (True, 80_00, True)
    assert [row.amount_cents for row in rest] == [100_00] * 4 + [20_00]


def test_interest_is_projected_as_the_office_projects_it(desk: Desk) -> None:
    number = desk.plan(desk.patient(), dollars=1000, APR=12, IsLocked="true", DatePayPlanStart="2022-07-24")
    desk.pull()
    theirs = desk.outside.http.get(f"/_sandbox/offices/{desk.key}/plans/{number}/projection").json()
    expected = [(row["date"], row["principal_cents"], row["interest_cents"]) for row in theirs]
    assert len(expected) == 11
    assert [(str(row.due_date), row.principal_cents, row.interest_cents) for row in installments(number)] == expected


def test_terms_that_never_pay_off_are_shown_with_the_reason_and_no_schedule(desk: Desk) -> None:
    number = desk.plan(desk.patient(), dollars=10_000, DatePayPlanStart="2022-07-24")
    desk.act("edit_plan", PayPlanNum=number, PayAmt=20, APR=36)
    assert desk.pull().problems == 0
    assert schedule(number) == []
    assert plan_of(number).schedule_problem == "The terms never pay the plan off: interest is higher than the payment."


def test_completing_planned_work_extends_the_schedule(desk: Desk) -> None:
    patient = desk.patient()
    done = desk.act("procedures", PatNum=patient, ProcFee=100)["ProcNum"]
    planned = desk.act("procedures", PatNum=patient, ProcFee=200, ProcStatus="TP")["ProcNum"]
    terms = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": "2022-07-24", "IsLocked": "false"}
    number = desk.act("plans", procNums=[done, planned], **terms)["PayPlanNum"]
    desk.pull()
    assert len(schedule(number)) == 1
    desk.wait(minutes=1)
    desk.act("procedure", ProcNum=planned, ProcStatus="C")
    desk.pull()
    assert len(schedule(number)) == 3


def test_an_insurance_payment_lowers_the_schedule_of_an_unlocked_plan(desk: Desk) -> None:
    patient = desk.patient()
    work = desk.act("procedures", PatNum=patient, ProcFee=500)["ProcNum"]
    terms = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": "2022-07-24", "IsLocked": "false"}
    number = desk.act("plans", procNums=[work], **terms)["PayPlanNum"]
    desk.pull()
    desk.wait(minutes=1)
    desk.act("insurance", ProcNum=work, paid_cents=250_00)
    desk.pull()
    assert [row[1] for row in schedule(number)] == [100_00, 100_00, 50_00]


def test_closing_cancels_what_is_not_issued_and_shows_the_residual_as_due(desk: Desk, plan: int) -> None:
    desk.at("2022-07-24 09:01")
    desk.pull()
    desk.wait(hours=1)
    desk.act("close_plan", PayPlanNum=plan)
    desk.pull()
    assert (plan_of(plan).is_closed, plan_of(plan).is_collectable) == (True, False)
    canceled = Installment.objects.filter(plan__pay_plan_num=plan, status="CANCELED")
    assert {row.status_note for row in canceled} == {"Plan closed in Open Dental"}
    assert canceled.count() == 4
    assert schedule(plan) == [("2022-07-24", 100_00, "PENDING"), ("2022-07-24", 400_00, "PENDING")]
    closing = Installment.objects.get(plan__pay_plan_num=plan, principal_cents=400_00)
    assert (closing.is_issued, closing.status_note) == (True, "Close Out Charge")


def test_a_reopened_plan_wakes_its_installments(desk: Desk, plan: int) -> None:
    before = [row.pk for row in installments(plan)]
    desk.wait(minutes=1)
    desk.act("edit_plan", PayPlanNum=plan, IsClosed="true")
    desk.pull()
    assert schedule(plan) == []
    desk.act("edit_plan", PayPlanNum=plan, IsClosed="false")
    desk.pull()
    assert len(schedule(plan)) == 5
    assert [row.pk for row in installments(plan)] == before


def test_a_deleted_plan_is_gone_and_its_installments_are_canceled(desk: Desk, plan: int) -> None:
    desk.wait(minutes=1)
    desk.act("delete_plan", PayPlanNum=plan)
    desk.pull()
    assert plan_of(plan).gone_at is not None
    assert {row.status_note for row in installments(plan)} == {"Plan deleted in Open Dental"}
    assert {row.status for row in installments(plan)} == {"CANCELED"}
    assert Event.objects.filter(kind="plan_gone").count() == 1
    assert PlanToRead.objects.count() == 0


def test_a_deleted_patient_is_gone_and_the_plan_stays(desk: Desk, plan: int) -> None:
    patient = plan_of(plan).patient
    desk.wait(minutes=1)
    desk.act("delete_patient", PatNum=patient.pat_num)
    desk.pull()
    patient.refresh_from_db()
    assert patient.gone_at is not None
    assert plan_of(plan).gone_at is None
    assert len(schedule(plan)) == 5


def test_a_merged_patients_plan_moves_to_the_other_one(desk: Desk, plan: int) -> None:
    other = desk.patient(FName="Quinn")
    desk.wait(minutes=1)
    desk.act("merge_patients", **{"from": plan_of(plan).patient.pat_num, "into": other})
    desk.pull()
    assert (plan_of(plan).patient.pat_num, plan_of(plan).guarantor.pat_num) == (other, other)
    assert len(schedule(plan)) == 5


def test_patients_are_kept_in_step(desk: Desk) -> None:
    number = desk.patient(Email="pat@example.com", TxtMsgOk="Yes", Zip="97301")
    desk.pull()
    patient = Patient.objects.get(pat_num=number)
    assert (patient.mobile_phone, patient.email, patient.texting_wish) == ("+15555550172", "pat@example.com", "Yes")
    assert (patient.birth_date, patient.is_guarantor) == (date(1980, 4, 15), True)
    assert patient.search_text == f"pat exampleton 5555550172 {number}"


def test_a_payment_in_the_office_on_a_charge_pays_that_installment(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 09:30")
    desk.pull()
    second = installments(number)[1]
    desk.act("cash", PayPlanChargeNum=second.charge_rows.get().pay_plan_charge_num, amount_cents=100_00)
    desk.pull()
    assert [row[2] for row in schedule(number)][:3] == ["PENDING", "PAID", "PENDING"]
    second.refresh_from_db()
    assert (second.office_paid_cents, second.status_note) == (100_00, "Paid in Open Dental Aug 1")
    assert second.charge_rows.get().paid_cents == 100_00


def test_a_payment_in_the_office_on_the_plan_pays_the_oldest_first(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 09:30")
    desk.act("cash", PayPlanNum=number, amount_cents=130_00)
    desk.pull()
    first, second = installments(number)[:2]
    assert (first.status, first.office_paid_cents) == ("PAID", 100_00)
    assert (second.status, second.office_paid_cents, second.owed_cents) == ("PENDING", 30_00, 70_00)
    assert second.status_note == "Paid in part in Open Dental Aug 1: $30.00"


def test_a_prepayment_in_the_office_pays_the_charge_it_is_moved_to(desk: Desk, plan: int) -> None:
    desk.wait(minutes=1)
    desk.act("cash", PayPlanNum=plan, amount_cents=100_00, prepayment=True)
    desk.pull()
    assert PlanSplit.objects.get().unearned_type == 291
    assert {row[2] for row in schedule(plan)} == {"PENDING"}
    desk.at("2022-07-24 09:01")
    desk.pull()
    assert [row[2] for row in schedule(plan)] == ["PAID", "PENDING", "PENDING", "PENDING", "PENDING"]
    assert sum(row.office_paid_cents for row in installments(plan)) == 100_00


def test_a_row_set_to_zero_cancels_and_moves_to_the_end(desk: Desk, plan: int) -> None:
    desk.at("2022-07-24 09:01")
    desk.pull()
    first = installments(plan)[0]
    desk.wait(minutes=1)
    desk.act("edit_charge", PayPlanChargeNum=first.charge_rows.get().pay_plan_charge_num, principal_cents=0)
    desk.pull()
    first.refresh_from_db()
    assert (first.status, first.status_note, first.amount_cents) == ("CANCELED", "Set to zero in Open Dental", 0)
    assert [row[0] for row in schedule(plan)] == [f"2022-{month:02}-24" for month in (8, 9, 10, 11, 12)]


def test_a_deleted_row_is_found_by_its_checksum(desk: Desk, plan: int) -> None:
    desk.at("2022-07-24 09:01")
    desk.pull()
    first = installments(plan)[0]
    desk.wait(minutes=1)
    desk.act("edit_charge", PayPlanChargeNum=first.charge_rows.get().pay_plan_charge_num, delete=True)
    desk.pull()
    first.refresh_from_db()
    assert (first.is_issued, first.charge_rows.count(), first.status) == (False, 0, "PENDING")
    assert len(schedule(plan)) == 5


def test_the_offices_own_card_tool_is_seen_at_night(desk: Desk, plan: int) -> None:
    assert plan_of(plan).office_card_active is False
    desk.act("recurring_card", PayPlanNum=plan, amount_cents=100_00)
    desk.at("2022-07-02 05:30")
    desk.pull()
    assert plan_of(plan).office_card_active is True
    desk.act("recurring_card", PayPlanNum=plan, active=False)
    desk.at("2022-07-03 05:30")
    desk.pull()
    assert plan_of(plan).office_card_active is False


def test_a_guarantor_of_another_family_is_known(desk: Desk) -> None:
    patient, payer = desk.patient(), desk.patient(FName="Quinn", LName="Payerson")
    number = desk.plan(patient, Guarantor=payer)
    desk.pull()
    found = plan_of(number)
    assert (found.patient.pat_num, found.guarantor.pat_num) == (patient, payer)


def test_many_plans_are_read_to_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 300)
    patient = desk.patient()
    numbers = [desk.plan(patient, dollars=100) for _ in range(103)]
    desk.wait(seconds=10)
    result = desk.pull()
    assert sorted(result.plans) == sorted(numbers)
    assert PayPlan.objects.count() == 103
    desk.wait(minutes=1)
    assert desk.pull().calls == 3


def test_what_a_look_found_is_read_before_any_long_walk_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.wait(seconds=10)
    desk.pull()
    desk.wait(minutes=1)
    row = installments(number)[0].charge_rows.get()
    desk.act("edit_charge", PayPlanChargeNum=row.pay_plan_charge_num, delete=True)
    Connection.objects.update(walks={"patients": {"after": 0}})

    def walk(*_: object) -> None:
        raise UnableToReachOffice("GET /patients/Simple")

    monkeypatch.setattr(people, "walk", walk)
    result = desk.pull()
    assert (result.plans, result.problem) == ([number], "The office's Open Dental can't be reached.")


def test_losing_queries_in_the_middle_of_the_patients_loses_no_patient(
    open_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place among patients by number is no place in a list."""
    desk = open_desk()
    desk.act("bulk", plans=102, issued=0)
    desk.connect()
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 0.0)
    desk.pull()
    assert Patient.objects.count() == 100
    Connection.objects.update(permissions=["ApiReadAll"])
    desk.act("settings", permissions=["ApiReadAll"])
    desk.pull(cycles=2)
    assert Patient.objects.count() == 102
