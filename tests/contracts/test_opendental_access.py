"""Who may ask the Open Dental sandbox what: keys, headers, permissions, versions, pages, pace, broken connections."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.opendental.throttle import pause
from tests.contracts.opendental_office import Office, new_office, sandbox
from tests.outside import start

FULL = [
    "ApiReadAll",
    "ApiAllOthers",
    "ApiComm",
    "ApiDocuments",
    "ApiQueries",
    "ApiPatients",
    "ApiPayments",
    "ApiPayPlans",
    "ApiProcedureLogs",
    "ApiSetup",
]


def offices() -> dict[str, Any]:
    found = sandbox().http.get("/_sandbox/offices").json()
    return {office["key"]: office for office in found if not office["key"].startswith("test-")}


def test_three_offices_stand_ready() -> None:
    listed = offices()

    assert {key: office["version"] for key, office in listed.items()} == {
        "office-254": "25.4.48.0",
        "office-242": "24.2.30.0",
        "office-224": "22.4.47.0",
    }
    assert listed["office-254"]["permissions"] == FULL
    assert listed["office-242"]["permissions"] == [name for name in FULL if name != "ApiQueries"]
    assert listed["office-224"]["permissions"] == ["ApiReadAll"]
    assert [office["throttle"] for office in listed.values()] == [False, False, False]


@pytest.mark.parametrize(
    "header",
    ["", "ODFHIR dev-sandbox/nobody", "ODFHIR wrong/{key}", "Bearer dev-sandbox/{key}", "ODFHIR {key}", "ODFHIR /"],
)
def test_a_wrong_key_is_refused(header: str) -> None:
    office = new_office()

    told = office.refused(401, "GET", "/clinics", headers={"Authorization": header.format(key=office.key)})

    assert told == "Invalid developer or customer key."


def test_a_disabled_key_is_refused_until_enabled() -> None:
    office = new_office()

    office.desk("settings", enabled=False)
    assert office.refused(401, "GET", "/clinics") == "The customer key is disabled."
    office.desk("settings", enabled=True)
    assert office.get("/clinics") == []


def test_a_changed_key_leaves_the_old_one_wrong() -> None:
    office = new_office()
    patient = office.patient()

    office.desk("settings", key=f"{office.key}-new")

    assert office.refused(401, "GET", "/clinics") == "Invalid developer or customer key."
    assert Office(f"{office.key}-new", office.timezone).get(f"/patients/{patient}")["PatNum"] == patient


def test_get_too_needs_the_content_type() -> None:
    office = new_office()

    for content_type in ("", "text/plain"):
        told = office.refused(400, "GET", "/clinics", headers={"Content-Type": content_type})
        assert told == "Content-Type header must be application/json."
    assert office.call("GET", "/clinics", headers={"Content-Type": "application/json; charset=utf-8"}).json() == []


def test_an_offline_office_answers_400_and_names_the_connector() -> None:
    office = new_office()
    patient = office.patient()

    office.desk("offline", offline=True)
    told = office.refused(400, "POST", "/payments", {"PatNum": patient, "PayAmt": "5"})
    office.desk("offline", offline=False)

    assert "eConnector" in told
    assert office.get("/payments") == []


def test_a_malformed_body_is_refused() -> None:
    office = new_office()
    headers = {"Authorization": f"ODFHIR dev-sandbox/{office.key}", "Content-Type": "application/json"}

    for body, told in (
        (b"{", "The request body is not valid JSON."),
        (b"[1]", "The request body must be a JSON object."),
    ):
        answer = office.http.post("/api/v1/payments", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (400, told)


def test_unknown_resources_are_404_and_unknown_methods_400_before_any_row_is_looked_for() -> None:
    office = new_office()

    assert office.refused(404, "GET", "/claimpayment") == "claimpayment is not a valid resource."
    assert office.refused(400, "DELETE", "/claimprocs/999999") == "claimprocs DELETE  is not a valid method."
    assert office.refused(400, "DELETE", "/payments/1") == "payments DELETE  is not a valid method."
    assert office.refused(400, "GET", "/payments/1") == "payments GET  is not a valid method."
    assert office.refused(400, "PUT", "/payplans/1/Reopen") == "payplans PUT Reopen is not a valid method."


# Method, path, the permission it needs.
WRITES = [
    ("POST", "/patients", "ApiPatients"),
    ("PUT", "/patients/1", "ApiPatients"),
    ("POST", "/payments", "ApiPayments"),
    ("POST", "/payments/Refund", "ApiPayments"),
    ("PUT", "/payments/1", "ApiPayments"),
    ("PUT", "/payments/1/Partial", "ApiPayments"),
    ("PUT", "/paysplits/1", "ApiPayments"),
    ("POST", "/payplans/Dynamic", "ApiPayPlans"),
    ("PUT", "/payplans/1/Dynamic", "ApiPayPlans"),
    ("PUT", "/payplans/1/Close", "ApiAllOthers"),
    ("POST", "/payplanlinks", "ApiPayPlans"),
    ("PUT", "/payplanlinks/1", "ApiPayPlans"),
    ("DELETE", "/payplanlinks/1", "ApiPayPlans"),
    ("POST", "/procedurelogs", "ApiProcedureLogs"),
    ("PUT", "/procedurelogs/1", "ApiProcedureLogs"),
    ("DELETE", "/procedurelogs/1", "ApiProcedureLogs"),
    ("POST", "/adjustments", "ApiAllOthers"),
    ("PUT", "/adjustments/1", "ApiAllOthers"),
    ("POST", "/commlogs", "ApiComm"),
    ("POST", "/popups", "ApiComm"),
    ("POST", "/documents/Upload", "ApiDocuments"),
    ("POST", "/definitions", "ApiSetup"),
    ("PUT", "/queries/ShortQuery", "ApiQueries"),
]


def test_every_write_needs_its_own_permission() -> None:
    office = new_office()

    for method, path, permission in WRITES:
        office.desk("settings", permissions=[name for name in FULL if name != permission])
        told = office.refused(401, method, path, {})
        assert told == f"The customer key does not have the permission {permission}.", f"{method} {path}"


def test_a_read_only_key_reads_everything() -> None:
    office = new_office(permissions=["ApiReadAll"])

    for path in (
        "/clinics",
        "/payments",
        "/paysplits",
        "/payplanlinks",
        "/patients",
        "/patients/Simple",
        "/securitylogs",
    ):
        assert office.get(path) == [], path


def test_the_permission_to_close_is_an_open_question() -> None:
    office = new_office(permissions=[name for name in FULL if name != "ApiPayPlans"])
    assert office.refused(404, "PUT", "/payplans/1/Close") == "PayPlan not found."

    office.desk("switches", close_permission="ApiPayPlans")

    assert "ApiPayPlans" in office.refused(401, "PUT", "/payplans/1/Close")


# Method, path, the version it came with, the one just before.
GATES = [
    ("GET", "/securityperms", "22.2", "22.1.99"),
    ("GET", "/payplans?PatNum=1", "22.2.16", "22.2.15"),
    ("POST", "/payplans/Dynamic", "22.2.22", "22.2.21"),
    ("POST", "/payplans", "22.4.39", "22.4.38"),
    ("PUT", "/payplans/1/Close", "22.4.39", "22.4.38"),
    ("PUT", "/payplans/1/Dynamic", "25.3.31", "25.3.30"),
    ("GET", "/payplans/1", "24.4.30", "24.4.29"),
    ("GET", "/payplancharges?PayPlanNum=1", "23.2.28", "23.2.27"),
    ("GET", "/payplanlinks", "25.3.29", "25.3.28"),
    ("POST", "/payplanlinks", "25.3.29", "25.3.28"),
    ("GET", "/payments?PatNum=1", "22.2.32", "22.2.31"),
    ("POST", "/payments", "21.2", "21.1.9"),
    ("POST", "/payments/Refund", "24.4.28", "24.4.27"),
    ("PUT", "/payments/1", "23.3.11", "23.3.10"),
    ("PUT", "/payments/1/Partial", "25.1.11", "25.1.10"),
    ("GET", "/paysplits?PatNum=1", "22.4.16", "22.4.15"),
    ("PUT", "/paysplits/1", "25.2.9", "25.2.8"),
    ("GET", "/procedurelogs/1", "23.3.13", "23.3.12"),
    ("GET", "/adjustments?PatNum=1", "22.2.21", "22.2.20"),
    ("POST", "/adjustments", "22.2.22", "22.2.21"),
    ("PUT", "/adjustments/1", "22.2.23", "22.2.22"),
    ("GET", "/claimprocs", "22.2.33", "22.2.32"),
    ("GET", "/accountmodules/1/Aging", "22.3.6", "22.3.5"),
    ("GET", "/accountmodules/1/PatientBalances", "22.1", "21.4.9"),
    ("GET", "/accountmodules/1/ServiceDateView", "22.3.32", "22.3.31"),
    ("PUT", "/queries/ShortQuery", "21.2", "21.1.9"),
    ("GET", "/patients/Simple", "21.2", "21.1.9"),
    ("GET", "/commlogs/1", "25.1.13", "25.1.12"),
    ("PUT", "/commlogs/1", "25.2.21", "25.2.20"),
    ("GET", "/documents/1", "24.2.32", "24.2.31"),
    ("GET", "/securitylogs", "23.1.33", "23.1.32"),
    ("GET", "/providers/1", "24.4.17", "24.4.16"),
]


def test_a_method_is_400_one_version_before_it_came() -> None:
    office = new_office()

    for method, path, since, before in GATES:
        office.desk("settings", version=before)
        told = office.refused(400, method, path, {})
        assert told == f"This method requires Open Dental {since} or later; the office has {before}.", path
        office.desk("settings", version=since)
        answer = office.call(method, path, {})
        assert "This method requires" not in answer.text, path


def test_the_old_plan_method_is_gone_from_23_3_1_on() -> None:
    office = new_office(version="23.2.99")
    patient = office.patient()
    body = {"PatNum": patient, "principalAmount": 500, "PayAmt": 100}
    assert office.post("/payplans", body).startswith("6/10/2024 - Date of Agreement: 6/10/2024, Total Amount: 500.00")

    office.desk("settings", version="23.3.1")

    assert office.refused(410, "POST", "/payplans", body) == "This method is deprecated as of version 23.3.1."
    assert len(office.get("/payplans", PatNum=patient)) == 1


def test_pages_hold_at_most_100_rows_and_offset_reaches_the_rest() -> None:
    office = new_office()
    office.desk("seed", patients=130, seed=5)

    first = office.get("/patients/Simple")
    rest = office.get("/patients/Simple", Offset=100)

    assert [len(first), len(rest)] == [100, 30]
    assert [row["PatNum"] for row in first + rest] == sorted(row["PatNum"] for row in first + rest)
    assert len(office.get("/patients/Simple", Offset=10, Limit=7)) == 7
    assert len(office.get("/patients/Simple", Limit=5000)) == 100
    assert office.get("/patients/Simple", Offset=130) == []
    assert office.refused(400, "GET", "/patients/Simple?Offset=x") == "Offset is invalid."


def test_unknown_parameters_are_ignored() -> None:
    office = new_office()
    patient = office.patient()

    rows = office.get("/patients/Simple", Phone="5555550199", WhatEver="1")

    assert [row["PatNum"] for row in rows] == [patient]


def test_the_throttle_paces_one_key_and_counts_every_request() -> None:
    office, free = new_office(), new_office()
    office.desk("settings", throttle=True)
    office.desk("settings", permissions=[*FULL, "ApiEnterprise"])

    begun = time.monotonic()
    for _ in range(3):
        office.get("/clinics")
    took = time.monotonic() - begun
    begun = time.monotonic()
    free.get("/clinics")

    assert 1.0 <= took < 1.6
    assert time.monotonic() - begun < 0.4


@pytest.mark.parametrize(
    ("permissions", "seconds"),
    [(["ApiReadAll"], 5.0), (["ApiReadAll", "ApiQueries"], 1.0), (["ApiReadAll", "ApiEnterprise"], 0.5)],
)
def test_the_pause_depends_on_the_permissions(permissions: list[str], seconds: float) -> None:
    assert pause(permissions) == seconds


def test_a_full_queue_answers_429_with_retry_after() -> None:
    office = new_office()
    office.desk("switches", throttle_queue=2)
    office.desk("settings", throttle=True, permissions=[*FULL, "ApiEnterprise"])
    office.get("/clinics")
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(office.call("GET", "/clinics"))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.headers["Retry-After"] for answer in refused] == ["1", "1"]


def test_a_payment_whose_answer_is_lost_is_in_the_books_and_a_resend_makes_a_second() -> None:
    office = new_office()
    patient = office.patient()
    body = {"PatNum": patient, "PayAmt": "12.50", "CheckNum": "KP-LOST"}
    sandbox().fault("POST /api/v1/payments", "drop_after")

    with pytest.raises(httpx.TransportError):
        office.post("/payments", body)
    assert [row["CheckNum"] for row in office.get("/payments", PatNum=patient)] == ["KP-LOST"]
    office.post("/payments", body)

    assert [row["PayAmt"] for row in office.get("/payments", PatNum=patient)] == ["12.5", "12.5"]


def test_a_request_lost_on_the_way_changes_nothing() -> None:
    office = new_office()
    patient = office.patient()
    sandbox().fault("POST /api/v1/payments", "drop_before")

    with pytest.raises(httpx.TransportError):
        office.post("/payments", {"PatNum": patient, "PayAmt": "12.50"})

    assert office.get("/payments", PatNum=patient) == []


def test_state_survives_a_restart(tmp_path: Path) -> None:
    outside = start("sandbox.opendental", tmp_path)
    outside.http.post(
        "/_sandbox/offices/office-254/patients", json={"LName": "Kept", "FName": "Kim"}
    ).raise_for_status()
    outside.http.post("/_sandbox/offices/office-254/offline", json={"offline": True}).raise_for_status()
    outside.stop()

    again = start("sandbox.opendental", tmp_path)
    described = again.http.get("/_sandbox/offices/office-254").json()
    listed = again.http.get("/_sandbox/offices").json()
    again.stop()

    assert described["offline"] is True
    assert len(listed) == 3
