"""The Open Dental sandbox's own controls: offices, staff actions, malformed rows, seeds, books and the control page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.opendental_office import expect, new_office, sandbox


def test_an_office_can_be_made_to_measure() -> None:
    office = new_office(
        version="24.4.30.0",
        permissions=["ApiReadAll"],
        timezone="Pacific/Honolulu",
        preferences={"RigorousAccounting": "2"},
        switches={"locked_default": False},
    )

    described = expect(200, sandbox().http.get(f"/_sandbox/offices/{office.key}"))

    assert (described["version"], described["timezone"]) == ("24.4.30.0", "Pacific/Honolulu")
    assert described["switches"]["locked_default"] is False
    assert described["now"].startswith("2024-06-10 10:00")
    assert office.get("/preferences", PrefName="ProgramVersion")[0]["ValueString"] == "24.4.30.0"
    assert office.get("/preferences", PrefName="RigorousAccounting")[0]["ValueString"] == "2"
    taken = sandbox().http.post("/_sandbox/offices", json={"key": office.key})
    assert (taken.status_code, taken.json()) == (400, {"error": f"office {office.key} exists"})


def test_unknown_offices_actions_and_switches_are_named() -> None:
    office = new_office()
    http = sandbox().http

    for path, body, status, told in (
        ("nobody/patients", {}, 404, "No office has the key nobody."),
        (f"{office.key}/dance", {}, 404, "dance is not an action."),
        (f"{office.key}/switches", {"gravity": False}, 400, "Unknown switches: gravity."),
        (f"{office.key}/cash", {"PayPlanNum": 9999, "amount_cents": 5}, 404, "payplan 9999 not found."),
        (f"{office.key}/patients", {"LName": "x"}, 400, "FName is required."),
        (f"{office.key}/malform", {"pk": 1}, 400, "resource, pk, field and value are required."),
    ):
        answer = http.post(f"/_sandbox/offices/{path}", json=body)
        assert (answer.status_code, answer.json()) == (status, {"error": told})


@pytest.mark.parametrize(
    ("resource", "field", "value"),
    [
        ("payplans", "PayAmt", "a lot"),
        ("payplans", "ChargeFrequency", "Fortnightly"),
        ("payplans", "DatePayPlanStart", "soon"),
        ("payplans", "PayAmt", -5),
        ("payplans", "PatNum", None),
    ],
)
def test_a_malformed_row_comes_out_malformed_by_every_road_and_heals(resource: str, field: str, value: Any) -> None:
    office = new_office()
    patient = office.patient()
    plan = office.plan(patient, [office.procedure(patient, 300)], PayAmt=100)
    sound = office.get(f"/payplans/{plan}")

    office.desk("malform", resource=resource, pk=plan, field=field, value=value)

    assert office.get(f"/payplans/{plan}")[field] == value
    assert office.get("/payplans", PatNum=patient)[0][field] == value
    assert office.sql(f"SELECT {field} AS x FROM payplan") == [{"x": value}]
    office.go_to("2024-07-10")
    assert len(office.charges(plan)) == 1, "the books stay sound"
    office.desk("malform")
    assert office.get(f"/payplans/{plan}") == {**sound}


def test_staff_edit_terms_and_rows() -> None:
    office = new_office()
    patient = office.patient()
    plan = office.plan(patient, [office.procedure(patient, 300)], PayAmt=100, DatePayPlanStart="2024-06-10")

    office.desk("edit_plan", PayPlanNum=plan, PayAmt=75, ChargeFrequency="Weekly", DatePayPlanStart="2024-06-14")
    row = office.get("/payplancharges", PayPlanNum=plan)[0]["PayPlanChargeNum"]
    office.desk("edit_charge", PayPlanChargeNum=row, principal_cents=5000)

    assert [(entry["date"], entry["principal_cents"]) for entry in office.projection(plan)] == [
        ("2024-06-14", 7500),
        ("2024-06-21", 7500),
        ("2024-06-28", 7500),
        ("2024-07-05", 2500),
    ]
    office.desk("edit_charge", PayPlanChargeNum=row, delete=True)
    assert office.charges(plan) == []


def test_the_offices_own_card_tool_leaves_an_active_row() -> None:
    office = new_office()
    patient = office.patient()
    plan = office.plan(patient, [office.procedure(patient, 300)], PayAmt=100)
    active = "SELECT PatNum,PayPlanNum,ChargeAmt FROM creditcard WHERE IsRecurringActive=1"

    office.desk("recurring_card", PayPlanNum=plan, amount_cents=10000)
    office.desk("recurring_card", PatNum=patient, amount_cents=2500)

    assert office.sql(active) == [
        {"PatNum": patient, "PayPlanNum": plan, "ChargeAmt": 100.0},
        {"PatNum": patient, "PayPlanNum": 0, "ChargeAmt": 25.0},
    ]
    office.desk("recurring_card", PayPlanNum=plan, active=False)
    assert [row["PayPlanNum"] for row in office.sql(active)] == [0]


def test_books_are_in_cents_and_add_up() -> None:
    office = new_office()
    patient = office.patient()
    plan = office.plan(patient, [office.procedure(patient, 300.10)], PayAmt=100, DatePayPlanStart="2024-06-10")
    office.post("/payments", {"PatNum": patient, "PayAmt": "130.05", "payPlanNum": plan, "CheckNum": "KP-1"})

    books = office.books()

    assert list(books) == ["creditcards", "now", "payments", "payplancharges", "payplans", "paysplits"]
    (row,) = books["payplans"]
    assert (row["principal_cents"], row["remaining_cents"], row["PayAmt_cents"]) == (30010, 20010, 10000)
    (charge,) = books["payplancharges"]
    assert (charge["principal_cents"], charge["interest_cents"], charge["ChargeDate"]) == (10000, 0, "2024-06-10")
    (payment,) = books["payments"]
    assert (payment["amount_cents"], payment["CheckNum"], payment["PaymentSource"]) == (13005, "KP-1", "API")
    assert [(split["kind"], split["amount_cents"]) for split in books["paysplits"]] == [
        ("payment", 10000),
        ("unearned", 3005),
    ]


def test_the_same_seed_makes_the_same_invented_people() -> None:
    offices = [new_office("2026-11-20") for _ in range(2)]

    made = [office.desk("seed", patients=120, seed=7) for office in offices]

    first, second = (office.books() for office in offices)
    assert made[0] == made[1]
    assert made[0]["patients"] == 120
    assert [first[name] for name in ("payplans", "payplancharges", "payments", "paysplits")] == [
        second[name] for name in ("payplans", "payplancharges", "payments", "paysplits")
    ]
    people = offices[0].sql("SELECT Email, WirelessPhone FROM patient WHERE Email<>''", Offset=0)
    assert {person["Email"].split("@")[1] for person in people} == {"example.com"}
    assert {person["WirelessPhone"][:11] for person in people} == {"(555)555-01"}


def test_seeded_plans_stand_in_assorted_states_and_their_money_adds_up() -> None:
    office = new_office("2026-11-20")
    office.desk("seed", patients=200, seed=1)
    books = office.books()

    dynamic = [plan for plan in books["payplans"] if plan["IsDynamic"]]
    assert {plan["ChargeFrequency"] for plan in dynamic} == {
        "Weekly",
        "EveryOtherWeek",
        "OrdinalWeekday",
        "Monthly",
        "Quarterly",
    }
    assert {plan["IsClosed"] for plan in dynamic} == {0, 1}
    assert {plan["IsDynamic"] for plan in books["payplans"]} == {0, 1}
    assert any(plan["hidden_cents"] > 0 for plan in dynamic)
    accounts = {row["PayPlanNum"]: row["Guarantor"] for row in books["payplancharges"]}
    assert any(accounts.get(plan["PayPlanNum"], plan["PatNum"]) != plan["PatNum"] for plan in dynamic)
    by_payment = {payment["PayNum"]: payment["amount_cents"] for payment in books["payments"]}
    for split in books["paysplits"]:
        by_payment[split["PayNum"]] -= split["amount_cents"]
    assert set(by_payment.values()) == {0}
    for plan in dynamic:
        rows = [row for row in books["payplancharges"] if row["PayPlanNum"] == plan["PayPlanNum"]]
        assert sum(row["principal_cents"] for row in rows) <= plan["principal_cents"]


def test_examples_can_be_added_to_a_seeded_office_and_only_once() -> None:
    office = new_office("2022-07-01")
    office.desk("seed", patients=100, seed=1)

    for _ in range(2):
        assert office.desk("examples") == {"PatNum": 72, "plans": [150, 167, 169]}
    assert [plan["PayPlanNum"] for plan in office.get("/payplans", PatNum=72)] == [150, 167, 169]


def test_the_control_page_shows_and_does_what_staff_would() -> None:
    office = new_office()
    http = sandbox().http
    patient = office.patient(LName="Pagefield")
    plan = office.plan(patient, [office.procedure(patient, 300)], PayAmt=100, DatePayPlanStart="2024-06-10")
    here = f"/offices/{office.key}"

    assert office.key in http.get("/").text
    page = http.get(here).text
    assert "Pagefield, Ann" in page
    assert f"{here}/plans/{plan}" in page
    assert "Pagefield" not in http.get(here, params={"find": "nobody"}).text.split("<h2>Patients</h2>")[1]
    paid = http.post(f"{here}/cash", data={"PayPlanNum": plan, "amount": "60.50", "check": "1042", "balance": ""})
    assert paid.status_code == 302
    shown = http.get(paid.headers["location"]).text
    assert "60.50" in shown
    assert "1042" in shown
    assert office.books()["payments"][0]["amount_cents"] == 6050


def test_the_front_page_spoils_the_next_requests_and_stops() -> None:
    office = new_office()
    http = sandbox().http
    wish = {"match": "POST /api/v1/payments", "kind": "throttle", "times": "2"}

    assert http.post("/faults", data=wish).status_code == 302
    assert "too many requests (429), 0 of 2 done" in http.get("/").text
    assert office.call("POST", "/payments", {}).status_code == 429
    assert http.post("/faults", data={}).status_code == 302
    assert office.call("POST", "/payments", {}).status_code == 400


def test_buttons_of_the_control_page_change_the_office() -> None:
    office = new_office()
    http = sandbox().http
    patient = office.patient()
    plan = office.plan(patient, [office.procedure(patient, 300)], PayAmt=100)
    here = f"/offices/{office.key}"

    http.post(f"{here}/edit_plan", data={"PayPlanNum": plan, "PayAmt": "150.00", "ChargeFrequency": "Weekly"})
    assert office.get(f"/payplans/{plan}")["PayAmt"] == 150
    http.post(f"{here}/offline", data={"offline": "true"})
    assert "eConnector" in office.refused(400, "GET", "/clinics")
    http.post(f"{here}/offline", data={"offline": "false"})
    http.post(f"{here}/service", data={"on": "false"})
    office.go_to("2024-07-10")
    assert office.charges(plan) == []
    http.post(f"{here}/run_service", data={})
    http.post(f"{here}/close_plan", data={"PayPlanNum": plan})
    assert office.get(f"/payplans/{plan}")["IsClosed"] == "true"
    refused = http.post(f"{here}/settings", data={"key": "office-254"})
    assert "taken" in http.get(refused.headers["location"]).text
    gone = http.post(f"{here}/delete_plan", data={"PayPlanNum": plan})
    assert http.get(gone.headers["location"]).status_code == 200
    assert office.get("/payplans", PatNum=patient) == []
