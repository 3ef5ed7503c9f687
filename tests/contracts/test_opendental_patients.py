"""Patients of the Open Dental sandbox: the three ways to read them, creating, editing, families."""

from __future__ import annotations

import pytest

from tests.contracts.opendental_office import Office, new_office, same_shape

LISTED = {
    "PatNum": 16,
    "LName": "Sample",
    "FName": "Jane",
    "MiddleI": "",
    "Preferred": "",
    "PatStatus": "Patient",
    "Birthdate": "1976-05-24",
    "SSN": "",
    "Address": "12 Sandbox Lane",
    "Address2": "",
    "City": "San Jose",
    "State": "CA",
    "Zip": 90011,
    "HmPhone": "(555)555-0187",
    "WkPhone": "(555)555-0188",
    "WirelessPhone": "",
    "Email": "jane.sample@example.com",
    "priProvAbbr": "DOC1",
    "secProvAbbr": "",
    "BillingType": "Standard Account",
    "ChartNumber": "",
    "ClinicNum": 0,
    "clinicAbbr": "",
    "siteDesc": "",
    "TxtMsgOk": "Unknown",
}
SIMPLE = {
    "serverDateTime": "2021-08-05 09:05:42",
    "PatNum": 1,
    "LName": "Sample",
    "FName": "John",
    "MiddleI": "",
    "Preferred": "",
    "PatStatus": "Patient",
    "Gender": "Male",
    "Position": "Single",
    "Birthdate": "1976-05-24",
    "SSN": "",
    "Address": "34 Sandbox Lane",
    "Address2": "",
    "City": "Salem",
    "State": "OR",
    "Zip": "97301",
    "HmPhone": "",
    "WkPhone": "(555)555-0189",
    "WirelessPhone": "",
    "Guarantor": 1,
    "Email": "john.sample@example.com",
    "EstBalance": 40.11,
    "PriProv": 1,
    "priProvAbbr": "DOC1",
    "SecProv": 0,
    "secProvAbbr": "",
    "FeeSched": 0,
    "BillingType": "Standard Account",
    "ImageFolder": "SampleJohn1",
    "FamFinUrgNote": "",
    "ChartNumber": "",
    "MedicaidID": "000000000",
    "BalTotal": 40.11,
    "EmployerNum": 1,
    "DateFirstVisit": "2021-08-19",
    "ClinicNum": 1,
    "clinicAbbr": "Southside",
    "Premed": "false",
    "Ward": "",
    "PreferConfirmMethod": "None",
    "PreferContactMethod": "None",
    "PreferRecallMethod": "None",
    "Language": "",
    "AdmitDate": "0001-01-01",
    "siteDesc": "",
    "DateTStamp": "2021-07-26 14:22:55",
    "SuperFamily": 0,
    "TxtMsgOk": "Yes",
    "SecDateEntry": "2021-01-04",
}
ANN = {
    "LName": "Applewood",
    "FName": "Ann",
    "Birthdate": "1980-02-29",
    "Zip": "97301",
    "WirelessPhone": "(555)555-0123",
    "Email": "ann.applewood@example.com",
    "TxtMsgOk": "Yes",
}


def numbers(rows: list[dict[str, int]]) -> list[int]:
    return [row["PatNum"] for row in rows]


def test_a_patient_looks_as_documented() -> None:
    office = new_office()

    made = office.post(
        "/patients", {**ANN, "PreferContactMethod": "TextMessage", "Position": "Married", "Language": "spa"}
    )

    single = {name: value for name, value in SIMPLE.items() if name != "serverDateTime"}
    same_shape(single, made)
    same_shape([SIMPLE], office.get("/patients/Simple"))
    same_shape([LISTED], office.get("/patients"))
    assert office.get(f"/patients/{made['PatNum']}") == made
    assert (made["Guarantor"], made["PreferContactMethod"]) == (made["PatNum"], "TextMessage")
    assert "Guarantor" not in office.get("/patients")[0]


def test_a_created_row_says_where_it_is() -> None:
    office = new_office()

    answer = office.call("POST", "/patients", ANN)

    assert answer.headers["Location"] == f"/api/v1/patients/{answer.json()['PatNum']}"


def test_what_was_not_given_has_open_dentals_empty_values() -> None:
    office = new_office()

    made = office.post("/patients", {"LName": "Bare", "FName": "Bob"})

    names = ("Birthdate", "AdmitDate", "DateFirstVisit", "TxtMsgOk", "PreferContactMethod", "Email", "EstBalance")
    assert [made[name] for name in names] == ["0001-01-01", "0001-01-01", "0001-01-01", "Unknown", "None", "", 0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"FName": "Ann"}, "LName is required."),
        ({"LName": "Applewood"}, "FName is required."),
        ({**ANN, "Birthdate": "02/29/1980"}, "Birthdate format must be yyyy-MM-dd"),
        ({**ANN, "Birthdate": "1981-02-29"}, "Birthdate format must be yyyy-MM-dd"),
        ({**ANN, "TxtMsgOk": "Maybe"}, "TxtMsgOk is invalid."),
        ({**ANN, "ChartNumber": "1234567890123456"}, "ChartNumber must be 15 characters or less."),
        ({**ANN, "Guarantor": "x"}, "Guarantor is invalid."),
        ({**ANN, "BillingType": "Barter"}, "BillingType is invalid."),
    ],
)
def test_bad_fields_are_explained_and_nobody_is_added(body: dict[str, str], told: str) -> None:
    office = new_office()

    assert office.refused(400, "POST", "/patients", body) == told
    assert office.get("/patients") == []


def test_the_same_person_is_not_added_twice() -> None:
    office = new_office()
    office.post("/patients", ANN)

    assert office.refused(400, "POST", "/patients", ANN) == "Patient already exists."
    assert office.refused(400, "POST", "/patients", {**ANN, "Email": ""}) == "Patient already exists."
    office.post("/patients", {**ANN, "Birthdate": "1990-01-01"})
    assert len(office.get("/patients")) == 2


def test_edits_are_sparse_and_empty_text_clears() -> None:
    office = new_office()
    number = office.post("/patients", ANN)["PatNum"]

    edited = office.put(f"/patients/{number}", {"Email": "", "City": "Salem"})

    assert (edited["Email"], edited["City"], edited["WirelessPhone"]) == ("", "Salem", ANN["WirelessPhone"])
    assert office.refused(400, "PUT", f"/patients/{number}", {"LName": ""}) == "LName and FName cannot be blank."
    assert office.refused(404, "PUT", "/patients/999999", {"City": "x"}) == "Patient not found."
    assert office.refused(404, "GET", "/patients/999999") == "Patient not found."


def test_only_the_guarantor_can_hand_over_the_family() -> None:
    office = new_office()
    head = office.post("/patients", ANN)["PatNum"]
    child = office.post("/patients", {"LName": "Applewood", "FName": "Cy", "Guarantor": head})["PatNum"]

    told = office.refused(400, "PUT", f"/patients/{child}", {"Guarantor": child})
    office.put(f"/patients/{head}", {"Guarantor": child})

    assert told == "Guarantor can only be changed if the patient is the current guarantor."
    assert numbers(office.get("/patients/Simple", Guarantor=child)) == [head, child]
    assert office.get("/patients/Simple", Guarantor=head) == []


def family(office: Office) -> tuple[int, int, int]:
    ann = office.post("/patients", {**ANN, "Gender": "Female", "Position": "Married", "State": "OR", "City": "Salem"})
    kid = office.post(
        "/patients", {"LName": "Applewood", "FName": "Kit", "Guarantor": ann["PatNum"], "Position": "Child"}
    )
    other = office.post("/patients", {"LName": "Brindle", "FName": "Bo", "PatStatus": "Archived", "PriProv": 2})
    return ann["PatNum"], kid["PatNum"], other["PatNum"]


def test_simple_filters() -> None:
    office = new_office()
    ann, kid, other = family(office)

    def found(**params: object) -> list[int]:
        return numbers(office.get("/patients/Simple", **params))

    assert found() == [ann, kid, other]
    assert found(LName="apple") == [ann, kid]
    assert found(FName="kit") == [kid]
    assert found(Birthdate="1980-02-29") == [ann]
    assert found(PatStatus="Archived") == [other]
    assert found(Position="Child") == [kid]
    assert found(Gender="Female") == [ann]
    assert found(PriProv=2) == [other]
    assert found(Guarantor=ann) == [ann, kid]
    assert found(SuperFamily=7) == []
    assert found(EmployerNum=3) == []
    assert found(FeeSched=3) == []
    assert found(ClinicNum=4) == []


def test_simple_filters_of_later_versions_are_ignored_by_older_offices() -> None:
    office = new_office(version="22.4.18")
    ann, kid, other = family(office)

    assert numbers(office.get("/patients/Simple", Guarantor=ann)) == [ann, kid, other]
    office.desk("settings", version="22.4.19")
    assert numbers(office.get("/patients/Simple", Guarantor=ann)) == [ann, kid]


def test_changes_are_polled_from_a_moment_on_including_it() -> None:
    office = new_office("2024-06-10", "10:00:00")
    ann, kid, other = family(office)
    office.go_to("2024-06-10", "11:00:00")
    office.put(f"/patients/{kid}", {"City": "Eugene"})
    (row,) = office.get("/patients/Simple", DateTStamp="2024-06-10 11:00:00")

    assert row["PatNum"] == kid
    assert row["serverDateTime"] >= row["DateTStamp"] >= "2024-06-10 11:00:00"
    told = office.refused(400, "GET", "/patients/Simple?DateTStamp=2024-06-10")
    assert told == "DateTStamp format must be yyyy-MM-dd HH:mm:ss"
    shown = office.get("/patients/Simple", DateTimeFormatString="MM/dd/yyyy HH:mm", DateFormatString="MM/dd/yyyy")[0]
    assert shown["DateTStamp"].startswith("06/10/2024 10:00")
    assert shown["Birthdate"] == "02/29/1980"


def test_search_filters() -> None:
    office = new_office()
    ann, kid, other = family(office)

    def found(**params: object) -> list[int]:
        return numbers(office.get("/patients", **params))

    assert found() == [ann, kid]
    assert found(showArchived="true") == [ann, kid, other]
    assert found(LName="wood", FName="an") == [ann]
    assert found(Phone="555-0123") == [ann]
    assert found(Email="ANN.APPLE") == [ann]
    assert found(City="salem", State="or") == [ann]
    assert found(Birthdate="1980-02-29") == [ann]
    assert found(guarOnly="true") == [ann]
    assert found(clinicNums="3,4") == []
    assert found(LName="nobody") == []


def test_deleted_patients_leave_the_lists_and_cannot_be_changed() -> None:
    office = new_office()
    number = office.post("/patients", ANN)["PatNum"]

    office.desk("delete_patient", PatNum=number)

    assert office.get("/patients") == []
    assert office.get("/patients/Simple") == []
    assert office.get(f"/patients/{number}")["PatStatus"] == "Deleted"
    assert office.refused(400, "PUT", f"/patients/{number}", {"City": "x"}) == "Deleted patients cannot be modified."
    assert office.refused(404, "GET", f"/payplans?PatNum={number}") == "Patient not found."


def test_a_merged_patient_is_archived_and_everything_moves() -> None:
    office = new_office()
    ann, kid, other = family(office)
    plan = office.plan(kid, [office.procedure(kid, 100)], PayAmt=50)

    office.desk("merge_patients", **{"from": kid, "into": other})

    assert office.get(f"/patients/{kid}")["PatStatus"] == "Archived"
    assert [row["PayPlanNum"] for row in office.get("/payplans", PatNum=other)] == [plan]
    assert office.get("/payplans", PatNum=kid) == []
    assert office.get(f"/payplans/{plan}")["Guarantor"] == other
    assert office.sql("SELECT PatNumFrom, PatNumTo FROM patientlink") == [{"PatNumFrom": kid, "PatNumTo": other}]
