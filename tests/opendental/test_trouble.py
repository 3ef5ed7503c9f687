"""Offices in trouble: away, slow, wrong key, too old, talking nonsense. Each has a clear state and heals by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from opendental import client, connecting, errors, features, read
from opendental.discover import put_down
from opendental.models import Connection, PlanToRead, QuarantinedRow
from opendental.plans import pull_plan
from payplans.models import Installment, PayPlan
from practices.models import PaymentSettings
from tests.opendental.desk import Desk, installments, plan_of, schedule

READ_ONLY = ["ApiReadAll"]


def connection() -> Connection:
    return Connection.objects.get()


def test_an_office_that_is_offline_is_shown_with_its_words_and_heals(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.act("offline", offline=True)
    began = desk.now()
    result = desk.pull()
    reason = "The office's Open Dental can't be reached: The office's eConnector is not running or cannot be reached."
    assert (result.problem, result.changed) == (reason, 0)
    assert connection().problem == reason
    first = connection().problem_since
    assert first is not None
    assert abs((first - began).total_seconds()) < 1
    desk.wait(minutes=10)
    desk.pull()
    assert connection().problem_since == first
    desk.act("offline", offline=False)
    assert desk.pull().plans == [number]
    assert (connection().problem, connection().problem_since) == ("", None)


def test_a_wrong_key_says_what_to_check(desk: Desk) -> None:
    desk.act("settings", enabled=False)
    assert desk.pull().problem.startswith("Open Dental does not accept the key, or the key lacks a permission")
    desk.act("settings", enabled=True)
    assert desk.pull().problem == ""


def test_a_key_that_lost_its_permission_to_query_is_noticed(desk: Desk) -> None:
    desk.act("settings", permissions=["ApiReadAll", "ApiPayments"])
    result = desk.pull()
    assert "permission ApiQueries" in result.problem
    desk.connect()
    number = desk.plan(desk.patient())
    assert desk.pull().plans == [number]


def test_being_slowed_down_ends_the_cycle_and_is_no_problem(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.outside.fault("PUT /api/v1/queries/*", "throttle")
    assert desk.pull().problem.startswith("Open Dental asks us to slow down")
    assert connection().problem == ""
    assert desk.pull().plans == [number]


def test_a_cycle_cut_short_loses_no_change(desk: Desk) -> None:
    """The cursor has moved, but what it found stays listed until it is read."""
    desk.pull()
    desk.wait(minutes=1)
    numbers = [desk.plan(desk.patient(FName=name)) for name in ("Quinn", "Robin")]
    desk.wait(seconds=10)
    desk.outside.fault("GET /api/v1/payplans/*", "drop_before")
    assert desk.pull().changed == 0
    desk.wait(minutes=1)
    assert sorted(desk.pull().plans) == numbers


def test_a_server_error_is_not_taken_for_an_empty_office(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.pull()
    desk.outside.fault("*", "error_before")
    assert desk.pull().problem != ""
    assert len(schedule(number)) == 5


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("PayAmt", -100, "PayAmt is negative"),
        ("PayAmt", 9e12, "PayAmt is absurdly large"),
        ("PayAmt", "a lot", "PayAmt is not a number"),
        ("PayAmt", None, "PayAmt is missing"),
        ("PayPlanDate", "2022-13-45", "PayPlanDate is not a date"),
        ("PayPlanDate", "9022-01-01", "PayPlanDate is not a likely date"),
        ("ChargeFrequency", "Hourly", "ChargeFrequency has a value that is not known"),
        ("IsClosed", "perhaps", "IsClosed is neither true nor false"),
        ("Guarantor", 0, "Guarantor is not a row number"),
        ("APR", 1000, "APR is not between 0 and 100"),
    ],
)
def test_a_plan_that_makes_no_sense_is_kept_aside_and_the_others_come_through(
    desk: Desk, field: str, value: Any, reason: str
) -> None:
    bad, good = desk.plan(desk.patient()), desk.plan(desk.patient(FName="Quinn"))
    desk.act("malform", resource="payplans", pk=bad, field=field, value=value)
    desk.wait(seconds=10)
    result = desk.pull()
    assert (result.plans, result.problems, result.problem) == ([good], 1, "")
    row = QuarantinedRow.objects.get()
    assert (row.resource, row.row_key, row.reason, row.resolved_at) == ("payplans", str(bad), reason, None)
    assert not PayPlan.objects.filter(pay_plan_num=bad).exists()
    desk.act("malform")
    desk.wait(minutes=11)
    assert desk.pull().plans == [bad]
    row.refresh_from_db()
    assert row.resolved_at is not None
    assert len(schedule(bad)) == 5


def test_a_charge_that_makes_no_sense_stops_collecting_that_plan_only(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.wait(seconds=10)
    desk.pull()
    before = schedule(number)
    charge = installments(number)[0].charge_rows.get().pay_plan_charge_num
    desk.act("malform", resource="payplancharges", pk=charge, field="Principal", value="1,2,3")
    desk.wait(hours=25)
    desk.pull()
    assert plan_of(number).schedule_problem == (
        "A row of this plan can't be understood (payplancharges: Principal is not a number)"
    )
    assert schedule(number) == before
    assert features.autopay_refusal(connection(), plan_of(number), PaymentSettings.objects.get()) != ""
    desk.act("malform")
    desk.wait(minutes=11)
    desk.pull()
    assert plan_of(number).schedule_problem == ""
    assert QuarantinedRow.objects.filter(resolved_at=None).count() == 0


def test_a_split_that_makes_no_sense_changes_no_standing(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.act("cash", PayPlanNum=number, amount_cents=100_00)
    desk.pull()
    assert installments(number)[0].status == "PAID"
    split = desk.books("paysplits")[0]["SplitNum"]
    desk.act("malform", resource="paysplits", pk=split, field="SplitAmt", value="NaN")
    desk.wait(hours=25)
    desk.pull()
    assert installments(number)[0].status == "PAID"
    assert QuarantinedRow.objects.get().reason == "SplitAmt is not a number"


def test_a_patient_that_makes_no_sense_is_kept_aside(desk: Desk) -> None:
    bad, good = desk.patient(), desk.patient(FName="Quinn")
    desk.act("malform", resource="patients", pk=bad, field="Birthdate", value="yesterday")
    number = desk.plan(good)
    assert desk.pull().plans == [number]
    assert QuarantinedRow.objects.get().row_key == str(bad)


# Without Queries


@pytest.fixture
def plain(open_desk: Callable[..., Desk]) -> Desk:
    """Version 24.2 without Queries."""
    desk = open_desk(version="24.2.30.0", permissions=["ApiReadAll", "ApiPayments", "ApiPayPlans", "ApiAllOthers"])
    desk.connect()
    return desk


def test_without_queries_the_example_plans_are_found_in_turn(plain: Desk) -> None:
    plain.act("examples")
    assert sorted(plain.pull().plans) == [150, 167, 169]
    assert [row[1] for row in schedule(169)] == [128_60] * 5
    assert (schedule(150), schedule(167)) == ([], [])


def test_without_queries_changes_come_round(plain: Desk) -> None:
    number = plain.plan(plain.patient(), DatePayPlanStart="2022-07-24")
    plain.pull()
    plain.act("edit_plan", PayPlanNum=number, PayAmt=125)
    other = plain.plan(plain.patient(FName="Quinn"))
    plain.act("cash", PayPlanNum=other, amount_cents=100_00)
    plain.wait(minutes=1)
    plain.pull()
    assert [row[1] for row in schedule(number)] == [125_00] * 4
    assert [row[2] for row in schedule(other)][0] == "PAID"


def test_without_queries_a_deleted_plan_is_gone(plain: Desk) -> None:
    number = plain.plan(plain.patient())
    plain.pull()
    plain.act("delete_plan", PayPlanNum=number)
    plain.wait(minutes=1)
    plain.pull()
    assert plan_of(number).gone_at is not None
    assert schedule(number) == []


def test_without_queries_a_deleted_patients_plan_is_held(plain: Desk) -> None:
    number = plain.plan(plain.patient())
    plain.pull()
    plain.act("delete_patient", PatNum=plan_of(number).patient.pat_num)
    plain.wait(minutes=1)
    plain.pull()
    assert plan_of(number).patient.gone_at is not None
    assert plan_of(number).gone_at is None
    assert len(schedule(number)) == 5


def test_without_queries_a_merged_patients_plan_is_found_again(plain: Desk) -> None:
    number = plain.plan(plain.patient())
    other = plain.patient(FName="Quinn")
    plain.pull()
    before = [row.pk for row in installments(number)]
    plain.act("merge_patients", **{"from": plan_of(number).patient.pat_num, "into": other})
    plain.wait(minutes=1)
    plain.pull(cycles=2)
    assert (plan_of(number).patient.pat_num, plan_of(number).gone_at) == (other, None)
    assert [row.pk for row in installments(number)] == before
    assert len(schedule(number)) == 5


def test_without_queries_the_card_tool_must_be_attested(plain: Desk) -> None:
    number = plain.plan(plain.patient())
    plain.pull()
    refusal = features.autopay_refusal(connection(), plan_of(number), PaymentSettings.objects.get())
    assert refusal.startswith("Without the permission Queries the office's own recurring card charges can't be seen.")


def test_a_read_only_office_of_version_22_4_shows_plans_with_the_reason(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(version="22.4.47.0", permissions=READ_ONLY)
    desk.connect()
    desk.act("examples")
    assert sorted(desk.pull().plans) == [150, 167, 169]
    plan = plan_of(169)
    assert plan.schedule_problem == (
        "This version of Open Dental does not show a plan's charges (23.2.28 or later does)."
    )
    assert Installment.objects.count() == 0
    assert features.autopay_refusal(connection(), plan, PaymentSettings.objects.get()) == plan.schedule_problem


def test_an_old_version_with_queries_shows_charges_through_sql(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(version="22.4.47.0", permissions=["ApiReadAll", "ApiQueries"])
    desk.connect()
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.act("cash", PayPlanNum=number, amount_cents=100_00)
    assert desk.pull().plans == [number]
    assert [row[2] for row in schedule(number)] == ["PAID", "PENDING", "PENDING", "PENDING", "PENDING"]
    assert installments(number)[0].is_issued


def test_a_spoiled_plan_that_is_deleted_is_not_asked_for_again(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.act("malform", resource="payplans", pk=number, field="PayAmt", value="much")
    desk.wait(seconds=10)
    desk.pull()
    desk.act("delete_plan", PayPlanNum=number)
    desk.wait(minutes=11)
    desk.pull()
    assert QuarantinedRow.objects.get().resolved_at is not None
    desk.wait(minutes=11)
    assert desk.pull(cycles=2).calls == 3


# Errors told apart


@pytest.mark.parametrize(
    ("status", "text", "kind", "not_done"),
    [
        (400, "PatNum is required.", errors.Refused, True),
        (400, "AdjAmt must be negative for this AdjType.", errors.Refused, True),
        (400, "The office's eConnector is not running.", errors.UnableToReachOffice, False),
        (400, "The request timed out.", errors.UnableToReachOffice, False),
        (400, "This method requires Open Dental version 25.2.45 or later.", errors.TooOldVersion, True),
        (400, "claimprocs DELETE  is not a valid method.", errors.TooOldVersion, True),
        (404, "claimpayment is not a valid resource.", errors.TooOldVersion, True),
        (404, "ClaimProc not found.", errors.NotFoundInOffice, True),
        (401, "Invalid developer or customer key.", errors.NotAllowed, True),
        (410, "This method is deprecated as of version 23.3.1.", errors.TooOldVersion, True),
        (429, "Too many requests.", errors.Throttled, True),
        (500, "HTTP 500", errors.UnableToReachOffice, False),
        (504, "Gateway Time-out", errors.UnableToReachOffice, False),
        (302, "HTTP 302", errors.UnableToReachOffice, False),
    ],
)
def test_answers_are_told_apart_by_their_text(
    status: int, text: str, kind: type[errors.OpenDentalError], not_done: bool
) -> None:
    error = errors.from_answer("POST /payments", status, text, retry_after=7)
    assert (type(error), error.certainly_not_done) == (kind, not_done)
    assert str(error) == f"{kind.__name__}: POST /payments"


@pytest.mark.parametrize(
    ("raised", "not_done"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.ReadTimeout("slow"), False),
        (httpx.RemoteProtocolError("gone"), False),
        (httpx.WriteError("gone"), False),
    ],
)
def test_only_a_connection_that_never_stood_is_certainly_not_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, raised: httpx.TransportError, not_done: bool
) -> None:
    def fail(*_: Any, **__: Any) -> httpx.Response:
        raise raised

    office = client.Office(connection())
    with monkeypatch.context() as patch:
        patch.setattr(httpx.Client, "request", fail)
        with pytest.raises(errors.UnableToReachOffice) as caught:
            office.post("/payments", {"PayNote": "for Pat Exampleton"})
    assert caught.value.certainly_not_done is not_done
    assert "Exampleton" not in f"{caught.value}{caught.value.reason}"


# Connecting


def test_connecting_learns_version_permissions_and_payment_type(desk: Desk) -> None:
    found = connection()
    assert (found.version, found.pay_type_num, found.problem) == ("25.4.48.0", 383, "")
    assert "ApiQueries" in found.permissions
    assert features.run_time(found).hour == 9


def test_a_wrong_key_is_refused_and_nothing_is_kept(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.key = "nobody"
    with pytest.raises(connecting.UnableToConnect) as caught:
        desk.connect()
    assert "Check both keys, and that API is enabled in Open Dental" in str(caught.value)
    assert Connection.objects.count() == 0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"permissions": READ_ONLY}, "The key lacks the permission Payments"),
        ({"version": "22.1.0.0", "permissions": READ_ONLY}, "securityperms"),
        ({"version": "24.2.30.0"}, "Payments can't be put on exact charges"),
        ({"version": "24.2.30.0", "preferences": {"RigorousAccounting": "2"}}, "does not enforce payment splits"),
        ({"preferences": {"ApiPaymentType": "0"}}, ""),
    ],
)
def test_connecting_says_in_words_what_is_missing(
    open_desk: Callable[..., Desk], settings: dict[str, Any], sentence: str
) -> None:
    desk = open_desk(**settings)
    try:
        found = connecting.connect(
            desk.practice,
            base_url=f"{desk.outside.url}/api/v1",
            developer_key="dev-sandbox",
            customer_key=desk.key,
            now=desk.now(),
        )
    except connecting.UnableToConnect as error:
        assert "can't do this" in str(error)  # noqa: PT017
        assert settings["version"] == "22.1.0.0"
        return
    assert sentence in " ".join(found.missing)


def test_a_foreign_address_in_plain_http_is_refused(desk: Desk) -> None:
    for address in ("ftp://office", "api.opendental.com", "http://api.opendental.com/api/v1"):
        with pytest.raises(connecting.UnableToConnect):
            connecting.connect(desk.practice, base_url=address, developer_key="a", customer_key="b", now=desk.now())


def test_a_plan_found_changed_while_it_is_being_read_is_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recheck began to read before the change was found: what it stores doesn't answer that finding."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.wait(seconds=10)
    desk.pull()
    details = read.details

    def found_meanwhile(*args: Any, **more: Any) -> Any:
        reading = details(*args, **more)
        put_down(desk.practice.pk, [number], now=desk.now())
        return reading

    monkeypatch.setattr(read, "details", found_meanwhile)
    pull_plan(Connection.objects.get(), number, desk.now())
    monkeypatch.undo()
    assert PlanToRead.objects.get().pay_plan_num == number
    desk.wait(minutes=1)
    assert desk.pull().plans == [number]
    assert PlanToRead.objects.count() == 0
