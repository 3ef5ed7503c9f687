"""Procedures, adjustments, insurance, commlogs, popups and documents of the Open Dental sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.opendental_office import new_office, same_shape

PROCEDURE = {
    "ProcNum": 20,
    "PatNum": 12,
    "AptNum": 1341,
    "ProcDate": "2022-05-05",
    "ProcFee": "130.00",
    "Surf": "MODL",
    "ToothNum": "4",
    "ToothRange": "",
    "Priority": 0,
    "priority": "",
    "ProcStatus": "C",
    "ProvNum": 2,
    "provAbbr": "DOC2",
    "Dx": 0,
    "dxName": "",
    "PlannedAptNum": 0,
    "PlaceService": "Office",
    "Prosthesis": "",
    "DateOriginalProsth": "0001-01-01",
    "ClaimNote": "",
    "DateEntryC": "2022-04-17",
    "ClinicNum": 0,
    "CodeNum": 2,
    "procCode": "D0120",
    "descript": "periodic oral evaluation - established patient",
    "UnitQty": 1,
    "BaseUnits": 0,
    "DateTP": "2022-04-17",
    "SiteNum": 0,
    "HideGraphics": "false",
    "CanadianTypeCodes": "",
    "ProcTime": "00:00:00",
    "ProcTimeEnd": "00:00:00",
    "DateTStamp": "2022-05-05 07:00:34",
    "Prognosis": 0,
    "IsLocked": "false",
    "BillingNote": "",
    "Discount": 0.0,
    "IsDateProsthEst": "false",
    "SecDateEntry": "2022-04-17 09:38:21",
    "serverDateTime": "2025-06-17 09:00:34",
}
ADJUSTMENT = {
    "AdjNum": 1,
    "AdjDate": "2022-07-02",
    "AdjAmt": -25.0,
    "PatNum": 26,
    "AdjType": 1,
    "adjType": "Misc Neg Adjustment",
    "ProvNum": 1,
    "AdjNote": "Cash Discount",
    "ProcDate": "2022-07-02",
    "ProcNum": 0,
    "DateEntry": "2022-07-02",
    "ClinicNum": 0,
    "SecUserNumEntry": 0,
    "SecDateTEdit": "2022-07-02 11:45:48",
}
COMMLOG = {
    "CommlogNum": 14,
    "PatNum": 30,
    "CommDateTime": "2025-01-21 11:15:00",
    "CommType": "235",
    "commType": "ApptRelated",
    "Note": "Appointment confirmed for 9:15am.",
    "Mode_": "Text",
    "SentOrReceived": "Received",
    "UserNum": 0,
    "DateTStamp": "2025-01-21 11:23:27",
    "CommSource": "User",
    "ProgramNum": 0,
    "DateTEntry": "2025-01-21 11:20:34",
    "ReferralNum": 0,
}
DOCUMENT = {
    "DocNum": 93,
    "Description": "Extraoral",
    "DateCreated": "2022-03-15 14:30:00",
    "DocCategory": 47,
    "docCategory": "Patient Pictures",
    "PatNum": 101,
    "FileName": "x",
    "ImgType": "Photo",
    "ToothNumbers": "",
    "DateTStamp": "2024-09-24 11:18:57",
    "ProvNum": 0,
    "PrintHeading": "false",
}


def test_a_procedure_looks_as_documented() -> None:
    office = new_office("2022-05-05")
    patient = office.patient()
    body = {
        "PatNum": patient,
        "ProcDate": "2022-05-05",
        "ProcStatus": "C",
        "procCode": "D0120",
        "ProcFee": 130,
        "ProvNum": 2,
    }

    made = office.post("/procedurelogs", body)

    same_shape(PROCEDURE, made)
    assert (made["ProcFee"], made["ProcStatus"], made["provAbbr"], made["procCode"]) == ("130.00", "C", "DOC2", "D0120")
    assert office.get(f"/procedurelogs/{made['ProcNum']}")["descript"] == PROCEDURE["descript"]
    assert office.refused(404, "GET", "/procedurelogs/99999") == "ProcedureLog not found."


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"PatNum": None}, 400, "PatNum is required."),
        ({"ProcDate": None}, 400, "ProcDate is required."),
        ({"ProcStatus": None}, 400, "ProcStatus is required."),
        ({"procCode": None}, 400, "procCode is required."),
        ({"procCode": "D9999"}, 404, "procCode not found."),
        ({"ProcStatus": "Done"}, 400, "ProcStatus is invalid."),
        ({"PatNum": 99999}, 404, "Patient not found."),
    ],
)
def test_a_bad_procedure_is_refused(changes: dict[str, Any], status: int, told: str) -> None:
    office = new_office()
    body = {"PatNum": office.patient(), "ProcDate": "2024-06-01", "ProcStatus": "TP", "procCode": "D0120", **changes}

    assert office.refused(status, "POST", "/procedurelogs", body) == told
    assert office.get("/procedurelogs") == []


def test_procedures_come_newest_first_and_deleted_ones_stay_in_the_list() -> None:
    office = new_office()
    ann, bob = office.patient(), office.patient(FName="Bob")
    first, second = office.procedure(ann, 10), office.procedure(ann, 20, "TP")
    third = office.procedure(bob, 30)
    assert office.call("DELETE", f"/procedurelogs/{second}").status_code == 200

    rows = office.get("/procedurelogs", PatNum=ann)

    assert [(row["ProcNum"], row["ProcStatus"]) for row in rows] == [(second, "D"), (first, "C")]
    assert [row["ProcNum"] for row in office.get("/procedurelogs")] == [third, second, first]
    assert [row["ProcNum"] for row in office.get("/procedurelogs", ProcStatus="D")] == [second]
    assert office.get("/procedurelogs", DateTStamp="2024-06-11 00:00:00") == []
    office.desk("settings", version="25.2.20")
    assert len(office.get("/procedurelogs", ProcStatus="D")) == 3


def test_procedures_with_money_on_them_cannot_be_deleted() -> None:
    office = new_office()
    patient = office.patient()
    planned, paid, adjusted = (office.procedure(patient, fee) for fee in (10, 20, 30))
    office.plan(patient, [planned], PayAmt=5)
    office.post("/payments", {"PatNum": patient, "PayAmt": "20", "procNums": [paid]})
    office.desk("adjustments", PatNum=patient, AdjAmt=1, ProcNum=adjusted)

    for number, what in ((planned, "a payment plan"), (paid, "a payment"), (adjusted, "an adjustment")):
        told = office.refused(400, "DELETE", f"/procedurelogs/{number}")
        assert told == f"Not allowed to delete a procedure that is attached to {what}."
    assert {row["ProcStatus"] for row in office.get("/procedurelogs")} == {"C"}


def test_an_adjustment_looks_as_documented() -> None:
    office = new_office("2022-07-02", "11:45:48")
    patient = office.patient()
    body = {"PatNum": patient, "AdjType": 1, "AdjAmt": -25, "AdjDate": "2022-07-02", "AdjNote": "Cash Discount"}

    made = office.post("/adjustments", {**body, "ProcDate": "2022-07-02"})

    same_shape(ADJUSTMENT, made)
    assert {name: made[name] for name in body} == {**body, "AdjAmt": -25.0}
    assert office.get("/adjustments", PatNum=patient) == [made]
    assert office.put(f"/adjustments/{made['AdjNum']}", {"AdjAmt": -24.49})["AdjAmt"] == -24.49


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"AdjAmt": 25}, 400, "AdjAmt must be negative for this AdjType."),
        ({"AdjAmt": -25, "AdjType": 293}, 400, "AdjAmt must be positive for this AdjType."),
        ({"AdjType": 69}, 400, "AdjType is invalid."),
        ({"AdjDate": "2024-06-11"}, 400, "AdjDate cannot be in the future."),
        ({"AdjDate": None}, 400, "AdjDate is required."),
        ({"ProcNum": 99999}, 404, "Procedure not found."),
        ({"PatNum": 99999}, 404, "Patient not found."),
    ],
)
def test_a_bad_adjustment_is_refused(changes: dict[str, Any], status: int, told: str) -> None:
    office = new_office()
    patient = office.patient()
    body = {"PatNum": patient, "AdjType": 1, "AdjAmt": -25, "AdjDate": "2024-06-10", **changes}

    assert office.refused(status, "POST", "/adjustments", body) == told
    assert office.get("/adjustments", PatNum=patient) == []


def test_adjustments_are_listed_per_patient_type_and_procedure() -> None:
    office = new_office()
    patient = office.patient()
    work = office.procedure(patient, 50)
    late = office.desk("adjustments", PatNum=patient, AdjAmt=5, AdjDate="2024-06-02")["AdjNum"]
    early = office.desk("adjustments", PatNum=patient, AdjAmt=-5, AdjType=1, AdjDate="2024-06-01", ProcNum=work)[
        "AdjNum"
    ]

    def found(**params: object) -> list[int]:
        return [row["AdjNum"] for row in office.get("/adjustments", PatNum=patient, **params)]

    assert found() == [early, late]
    assert found(AdjType=294) == [late]
    assert found(ProcNum=work) == [early]
    assert office.refused(400, "GET", "/adjustments") == "PatNum is required."
    assert office.refused(404, "PUT", "/adjustments/99999", {}) == "Adjustment not found."


def test_insurance_rows_are_read_by_procedure_patient_and_status() -> None:
    office = new_office()
    patient = office.patient()
    paid, expected = office.procedure(patient, 100), office.procedure(patient, 100)
    office.desk("insurance", ProcNum=paid, paid_cents=6000, write_off_cents=500)
    office.desk("insurance", ProcNum=expected, estimate_cents=4000)

    first, second = office.get("/claimprocs", PatNum=patient)

    assert (first["Status"], first["InsPayAmt"], first["WriteOff"], first["WriteOffEst"]) == ("Received", 60, 5, -1)
    assert (second["Status"], second["InsPayEst"], second["InsPayAmt"]) == ("Estimate", 40, 0)
    assert office.get("/claimprocs", ProcNum=paid) == [first]
    assert office.get("/claimprocs", Status="Estimate") == [second]
    assert office.refused(400, "GET", "/claimprocs?Status=Lost") == "Status is invalid."
    assert office.get(f"/patients/{patient}")["EstBalance"] == 95
    assert office.get(f"/accountmodules/{patient}/Aging")["InsEst"] == 40


def test_a_commlog_looks_as_documented() -> None:
    office = new_office("2025-01-21", "11:20:34")
    patient = office.patient()
    body = {
        "PatNum": patient,
        "commType": "ApptRelated",
        "CommDateTime": "2025-01-21 11:15:00",
        "Mode_": "Text",
        "SentOrReceived": "Received",
        "Note": "Appointment confirmed for 9:15am.",
    }

    made = office.post("/commlogs", body)

    same_shape(COMMLOG, made)
    assert {name: made[name] for name in body} == body
    assert made["CommType"] == "235"
    assert office.get("/commlogs", PatNum=patient) == [made]
    assert office.get(f"/commlogs/{made['CommlogNum']}") == made
    assert office.put(f"/commlogs/{made['CommlogNum']}", {"Note": "Changed"})["Note"] == "Changed"


def test_commlog_defaults_and_refusals() -> None:
    office = new_office()
    patient = office.patient()

    made = office.post("/commlogs", {"PatNum": patient, "Note": "Card declined"})

    assert (made["commType"], made["Mode_"], made["SentOrReceived"]) == ("Misc", "Phone", "Sent")
    assert made["CommDateTime"] == made["DateTEntry"]
    assert office.refused(400, "POST", "/commlogs", {"PatNum": patient}) == "Note is required."
    assert office.refused(400, "POST", "/commlogs", {"Note": "x"}) == "PatNum is required."
    bad = {"PatNum": patient, "Note": "x"}
    assert office.refused(404, "POST", "/commlogs", {**bad, "commType": "Gossip"}) == "CommType not found."
    assert office.refused(400, "POST", "/commlogs", {**bad, "Mode_": "Smoke"}) == "Mode_ is invalid."
    told = office.refused(400, "POST", "/commlogs", {**bad, "CommDateTime": "2024-06-10"})
    assert told == "CommDateTime format must be yyyy-MM-dd HH:mm:ss"
    assert office.refused(404, "GET", "/commlogs/99999") == "Commlog not found."
    assert len(office.get("/commlogs")) == 1
    office.desk("settings", version="25.1.12")
    assert office.refused(400, "GET", "/commlogs") == "PatNum is required."
    office.desk("settings", version="23.3.6")
    assert office.post("/commlogs", bad) == {}


def test_line_ends_go_out_as_spaces() -> None:
    office = new_office()
    patient = office.patient()

    made = office.post("/commlogs", {"PatNum": patient, "Note": "one\r\ntwo"})

    assert made["Note"] == "one two"


def test_a_popup_waits_for_staff() -> None:
    office = new_office()
    patient = office.patient()

    made = office.post("/popups", {"PatNum": patient, "Description": "Refund needs a hand"})

    assert (made["PopupLevel"], made["DateTimeDisabled"]) == ("Patient", "0001-01-01 00:00:00")
    assert office.get("/popups", PatNum=patient) == [made]
    assert office.refused(400, "GET", "/popups") == "PatNum is required."
    assert office.refused(400, "POST", "/popups", {"PatNum": patient}) == "Description is required."


def test_a_document_can_be_uploaded() -> None:
    office = new_office()
    patient = office.patient()
    body = {"PatNum": patient, "rawBase64": "JVBERi0=", "extension": ".pdf", "DocCategory": 47, "ImgType": "Photo"}

    made = office.post("/documents/Upload", {**body, "DateCreated": "2022-03-15 14:30:00", "Description": "Extraoral"})

    same_shape(DOCUMENT, made)
    assert (made["docCategory"], made["ImgType"], made["DateCreated"]) == (
        "Patient Pictures",
        "Photo",
        "2022-03-15 14:30:00",
    )
    assert office.get("/documents", PatNum=patient) == [made]
    assert office.get(f"/documents/{made['DocNum']}") == made
    assert office.refused(400, "POST", "/documents/Upload", {"PatNum": patient}) == "rawBase64 is required."
    assert office.refused(404, "POST", "/documents/Upload", {**body, "DocCategory": 69}) == "DocCategory not found."
    assert office.refused(404, "GET", "/documents/999") == "Document not found."
