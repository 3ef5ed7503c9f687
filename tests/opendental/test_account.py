"""What a family owes outside plans is read the same way with and without the permission Queries, to the cent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opendental import account
from payments.account import Account
from payments.upward import UnableToReadAccount
from tests.opendental.desk import Desk

WITHOUT_QUERIES = ["ApiReadAll", "ApiPayments", "ApiPayPlans"]


@pytest.fixture(params=["queries", "resources"])
def office(request: pytest.FixtureRequest, open_desk: Callable[..., Desk]) -> Desk:
    """One office that may be asked by SQL, one that may not."""
    desk = open_desk() if request.param == "queries" else open_desk(permissions=WITHOUT_QUERIES)
    desk.connect()
    return desk


def read(desk: Desk, patient: int) -> Account:
    return account.read(desk.practice.pk, patient, desk.now())


def work(desk: Desk, patient: int, fee: float, **more: Any) -> int:
    return int(desk.act("procedures", PatNum=patient, ProcFee=fee, **more)["ProcNum"])


def open_cents(found: Account) -> list[tuple[int, int]]:
    return [(one.proc_num, one.open_cents) for one in found.procedures]


def test_a_finished_procedure_is_owed_and_a_planned_one_is_not(office: Desk) -> None:
    patient = office.patient()
    done = work(office, patient, 130.10)
    work(office, patient, 99, ProcStatus="TP")

    found = read(office, patient)

    assert open_cents(found) == [(done, 130_10)]
    [one] = found.procedures
    assert (one.pat_num, one.code != "", one.description != "", one.service_date) == (
        patient, True, True, office.now().astimezone(office.zone).date(),
    )  # fmt: skip
    assert found.owed_cents(patient) == 130_10


def test_insurance_lessens_what_is_owed_and_what_it_is_expected_to_pay_is_told_apart(office: Desk) -> None:
    patient = office.patient()
    paid, expected = work(office, patient, 200), work(office, patient, 100)
    office.act("insurance", ProcNum=paid, paid_cents=120_00, write_off_cents=30_00)
    office.act("insurance", ProcNum=expected, estimate_cents=60_00)

    found = read(office, patient)

    assert open_cents(found) == [(paid, 50_00), (expected, 40_00)]
    assert [one.pending_cents for one in found.procedures] == [0, 60_00]


def test_adjustments_and_payments_on_a_procedure_count_and_a_paid_one_is_gone(office: Desk) -> None:
    patient = office.patient()
    kept, gone = work(office, patient, 80), work(office, patient, 40)
    office.act("adjustments", PatNum=patient, ProcNum=kept, AdjAmt=-5.5)
    office.act("prepay_procedure", ProcNum=kept, amount_cents=20_00)
    office.act("prepay_procedure", ProcNum=gone, amount_cents=40_00)

    assert open_cents(read(office, patient)) == [(kept, 54_50)]


def test_what_a_payment_plan_collects_is_not_owed_a_second_time(office: Desk) -> None:
    patient = office.patient()
    office.plan(patient)
    office.pull(cycles=2)
    loose = work(office, patient, 25)

    found = read(office, patient)

    assert (open_cents(found), found.no_names) == ([(loose, 25_00)], "")


def test_unearned_money_and_loose_adjustments_change_what_is_owed(office: Desk) -> None:
    patient = office.patient()
    work(office, patient, 100)
    office.act("adjustments", PatNum=patient, AdjAmt=15)
    office.act("cash", PatNum=patient, amount_cents=30_00, prepayment=True)

    found = read(office, patient)

    assert (found.members[0].loose_cents, found.members[0].unearned_cents) == (15_00, 30_00)
    assert found.owed_cents(patient) == 85_00


def test_the_family_is_read_with_its_members_the_patient_first(office: Desk) -> None:
    head = office.patient()
    child = office.patient(FName="Kim", Guarantor=head)
    mine, theirs = work(office, head, 10), work(office, child, 20)

    found = read(office, child)

    assert (found.pat_num, sorted(found.family)) == (child, sorted([head, child]))
    assert open_cents(found) == sorted([(mine, 10_00), (theirs, 20_00)])
    assert (found.owed_cents(child), found.owed_cents(*found.family)) == (20_00, 30_00)


def test_an_office_that_tells_no_procedures_of_plans_gets_no_names(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(version="24.2.30.0", permissions=WITHOUT_QUERIES)
    desk.connect()
    patient = desk.patient()
    desk.plan(patient)
    desk.pull(cycles=2)

    assert "does not tell which procedures" in read(desk, patient).no_names


def test_an_office_that_is_away_is_told_in_a_sentence(desk: Desk) -> None:
    patient = desk.patient()
    desk.act("settings", offline=True)
    with pytest.raises(UnableToReadAccount, match="eConnector"):
        read(desk, patient)
