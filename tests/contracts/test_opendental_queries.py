"""ShortQuery of the Open Dental sandbox: real SQL on real names, MySQL's functions, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.opendental_office import Office, new_office


def filled() -> tuple[Office, int, int]:
    office = new_office("2024-06-10", "10:30:00")
    patient = office.patient()
    terms = {"PayAmt": 100, "DatePayPlanStart": "2024-06-10"}
    plan = office.plan(patient, [office.procedure(patient, 300)], **terms)
    office.post("/payments", {"PatNum": patient, "PayAmt": "60", "payPlanNum": plan, "CheckNum": "XP-9F3K2M7Q"})
    return office, patient, plan


def test_plans_are_enumerated_with_database_values() -> None:
    office, patient, plan = filled()

    rows = office.sql(
        """SELECT PayPlanNum,PatNum,Guarantor,PayPlanDate,APR,CompletedAmt,PayAmt,DownPayment,IsClosed,PlanCategory,
       ChargeFrequency,DatePayPlanStart,IsLocked,DateInterestStart,DynamicPayPlanTPOption,PlanNum,InsSubNum
FROM payplan WHERE IsDynamic=1 AND PayPlanNum>0 ORDER BY PayPlanNum LIMIT 100"""
    )

    assert rows == [
        {
            "PayPlanNum": plan,
            "PatNum": patient,
            "Guarantor": patient,
            "PayPlanDate": "2024-06-10T00:00:00",
            "APR": 0.0,
            "CompletedAmt": 300.0,
            "PayAmt": 100.0,
            "DownPayment": 0.0,
            "IsClosed": 0,
            "PlanCategory": 0,
            "ChargeFrequency": 3,
            "DatePayPlanStart": "2024-06-10T00:00:00",
            "IsLocked": 0,
            "DateInterestStart": "0001-01-01T00:00:00",
            "DynamicPayPlanTPOption": 1,
            "PlanNum": 0,
            "InsSubNum": 0,
        }
    ]


CHANGED = """SELECT PayPlanNum FROM payplancharge WHERE SecDateTEdit >= '{0}'
UNION SELECT PayPlanNum FROM paysplit    WHERE PayPlanNum>0 AND SecDateTEdit >= '{0}'
UNION SELECT PayPlanNum FROM payplanlink WHERE SecDateTEntry >= '{0}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN procedurelog p ON l.LinkType=2 AND l.FKey=p.ProcNum WHERE p.DateTStamp >= '{0}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN adjustment a ON l.LinkType=1 AND l.FKey=a.AdjNum  WHERE a.SecDateTEdit >= '{0}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN adjustment a ON l.LinkType=2 AND l.FKey=a.ProcNum WHERE a.SecDateTEdit >= '{0}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN claimproc c ON l.LinkType=2 AND l.FKey=c.ProcNum WHERE c.SecDateTEdit >= '{0}'
ORDER BY PayPlanNum"""  # noqa: E501 -- one branch of the union per line


@pytest.mark.parametrize("change", ["procedure", "adjustment", "insurance", "payment", "link", "charge"])
def test_every_kind_of_change_is_found_by_its_stamp(change: str) -> None:
    office, patient, plan = filled()
    work = office.get("/payplanlinks")[0]["FKey"]
    office.go_to("2024-06-11")
    assert office.sql(CHANGED.format("2024-06-11 00:00:00")) == []

    if change == "procedure":
        office.put(f"/procedurelogs/{work}", {"ProcFee": "310"})
    elif change == "adjustment":
        office.desk("adjustments", PatNum=patient, AdjAmt=5, ProcNum=work)
    elif change == "insurance":
        office.desk("insurance", ProcNum=work, paid_cents=500)
    elif change == "payment":
        office.desk("cash", PayPlanNum=plan, amount_cents=500)
    elif change == "link":
        body = {"PayPlanNum": plan, "LinkType": "Procedure", "FKey": office.procedure(patient, 20)}
        office.post("/payplanlinks", body)
    else:
        row = office.get("/payplancharges", PayPlanNum=plan)[0]["PayPlanChargeNum"]
        office.desk("edit_charge", PayPlanChargeNum=row, principal_cents=5000)

    assert office.sql(CHANGED.format("2024-06-11 00:00:00")) == [{"PayPlanNum": plan}]


FINGERPRINT = """SELECT FLOOR(PayPlanNum/100) AS b, COUNT(*) AS n,
 SUM(CRC32(CONCAT_WS('|',PayPlanNum,PatNum,Guarantor,APR,PayAmt,DownPayment,CompletedAmt,IsClosed,IsLocked,ChargeFrequency,
 DatePayPlanStart,DateInterestStart,DynamicPayPlanTPOption,PlanCategory))) AS h
FROM payplan WHERE IsDynamic=1 GROUP BY b ORDER BY b LIMIT 100"""


@pytest.mark.parametrize("change", ["terms", "close", "delete", "malformed"])
def test_changes_without_a_stamp_move_the_fingerprint(change: str) -> None:
    office, _, plan = filled()
    before = office.sql(FINGERPRINT)
    assert (before[0]["b"], before[0]["n"]) == (plan // 100, 1)
    assert office.sql(FINGERPRINT) == before

    if change == "terms":
        office.desk("edit_plan", PayPlanNum=plan, PayAmt=90)
    elif change == "close":
        office.desk("close_plan", PayPlanNum=plan)
    elif change == "delete":
        office.desk("delete_plan", PayPlanNum=plan)
    else:
        office.desk("malform", resource="payplans", pk=plan, field="ChargeFrequency", value="Fortnightly")

    assert office.sql(FINGERPRINT) != before


def test_what_is_due_now_comes_in_one_request() -> None:
    office, _, plan = filled()

    rows = office.sql(
        """SELECT pp.PayPlanNum,
 COALESCE((SELECT SUM(c.Principal+c.Interest) FROM payplancharge c
   WHERE c.PayPlanNum=pp.PayPlanNum AND c.ChargeType=0 AND c.ChargeDate<=CURDATE()),0) AS charged,
 COALESCE((SELECT SUM(s.SplitAmt) FROM paysplit s WHERE s.PayPlanNum=pp.PayPlanNum),0) AS paid
FROM payplan pp WHERE pp.IsDynamic=1 AND pp.IsClosed=0 AND pp.PayPlanNum>0 ORDER BY pp.PayPlanNum LIMIT 100"""
    )

    assert rows == [{"PayPlanNum": plan, "charged": 100.0, "paid": 60.0}]


def test_a_payment_is_found_by_its_reference_whatever_the_case() -> None:
    office, _, _ = filled()

    for written in ("XP-9F3K2M7Q", "xp-9f3k2m7q"):
        rows = office.sql(f"SELECT PayNum,PayAmt FROM payment WHERE CheckNum='{written}'")
        assert [row["PayAmt"] for row in rows] == [60.0]
    duplicates = (
        "SELECT CheckNum,COUNT(*) n FROM payment WHERE CheckNum LIKE 'XP-%' GROUP BY CheckNum HAVING COUNT(*)>1"
    )
    assert office.sql(duplicates) == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("CURDATE()", "2024-06-10T00:00:00"),
        ("DATE(NOW())", "2024-06-10T00:00:00"),
        ("DATE_ADD('2024-01-31', INTERVAL 1 MONTH)", "2024-02-29T00:00:00"),
        ("DATE_SUB(CURDATE(), INTERVAL 10 DAY)", "2024-05-31T00:00:00"),
        ("DATE_ADD('2024-01-31 23:30:00', INTERVAL 45 MINUTE)", "2024-02-01T00:15:00"),
        ("DATEDIFF('2024-06-10', '2024-06-01')", 9),
        ("DATE_FORMAT('2024-06-10 09:05:00', '%m/%d/%Y %H:%i')", "06/10/2024 09:05"),
        ("YEAR(CURDATE()) * 100 + MONTH(CURDATE())", 202406),
        ("CONCAT('a', 1, 2.50)", "a12.5"),
        ("CONCAT('a', NULL)", None),
        ("CONCAT_WS('|', 'a', NULL, 3)", "a|3"),
        ("CRC32('KasperPay')", 3645555650),
        ("MD5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("FLOOR(7.9)", 7),
        ("CEILING(7.1)", 8),
        ("MOD(7, 4)", 3),
        ("7 DIV 2", 3),
        ("NULL <=> NULL", 1),
        ("IF(1 > 2, 'yes', 'no')", "no"),
        ("IFNULL(NULL, 5)", 5),
        ("GREATEST(1, 3, 2)", 3),
        ("LEAST(1, 3, 2)", 1),
        ("LEFT('abcdef', 2)", "ab"),
        ("RIGHT('abcdef', 2)", "ef"),
        ("CAST('12' AS SIGNED)", 12),
        ("TRUE", 1),
        ("'2024-06-10 it was'", "2024-06-10 it was"),
    ],
)
def test_mysql_functions(expression: str, value: Any) -> None:
    office = new_office("2024-06-10", "10:30:00")

    assert office.sql(f"SELECT {expression} AS x") == [{"x": value}]


def test_aggregates_of_mysql() -> None:
    office = new_office()
    rows = "(SELECT 5 AS x UNION SELECT 3) AS t"

    assert office.sql(f"SELECT BIT_XOR(x) AS h FROM {rows}") == [{"h": 6}]
    assert office.sql(f"SELECT GROUP_CONCAT(x SEPARATOR '-') AS g FROM {rows}") == [{"g": "3-5"}]


def test_a_column_of_25_4_is_unknown_before() -> None:
    office, _, _ = filled()
    command = "SELECT PayPlanChargeNum, IsDownPayment FROM payplancharge"
    assert [row["IsDownPayment"] for row in office.sql(command)] == [0]

    office.desk("settings", version="25.3.99")

    assert "IsDownPayment" in office.refused(400, "PUT", "/queries/ShortQuery", {"SqlCommand": command})
    assert len(office.sql("SELECT * FROM payplancharge")) == 1


def test_now_is_the_offices_own_time() -> None:
    office = new_office("2024-06-10", "23:30:00", timezone="Pacific/Honolulu")

    (row,) = office.sql("SELECT NOW() AS t, CURDATE() AS d, UNIX_TIMESTAMP('2024-06-10 00:00:01') > 0 AS u")

    assert row["t"].startswith("2024-06-10T23:30:")
    assert (row["d"], row["u"]) == ("2024-06-10T00:00:00", 1)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("DELETE FROM payplan", 401),
        ("UPDATE patient SET LName='x'", 401),
        ("INSERT INTO payment (PayAmt) VALUES (1)", 401),
        ("REPLACE INTO payment (PayAmt) VALUES (1)", 401),
        ("DROP TABLE payment", 401),
        ("CREATE TABLE x (y int)", 401),
        ("SELECT 1; DELETE FROM payplan", 401),
        ("PRAGMA table_info(patient)", 401),
        ("ATTACH DATABASE 'x' AS y", 401),
        ("SELECT * FROM information_schema.tables", 401),
        ("WITH x AS (SELECT 1) SELECT * FROM x", 400),
        ("SELECT ROW_NUMBER() OVER (ORDER BY PatNum) FROM patient", 400),
        ("SELECT JSON_EXTRACT('{}', '$')", 400),
        ("SELECT NoSuchColumn FROM patient", 400),
        ("SELECT * FROM nosuchtable", 400),
        ("SELEC 1", 401),
    ],
)
def test_what_is_not_a_plain_read_is_refused(command: str, status: int) -> None:
    office, patient, plan = filled()

    told = office.refused(status, "PUT", "/queries/ShortQuery", {"SqlCommand": command})

    assert told
    assert [row["PayPlanNum"] for row in office.get("/payplans", PatNum=patient)] == [plan]


def test_words_inside_texts_are_not_mistaken_for_commands() -> None:
    office, _, _ = filled()

    assert office.sql("SELECT 'delete; update schema interval 1 day' AS x") == [
        {"x": "delete; update schema interval 1 day"}
    ]
    assert office.sql("SELECT COUNT(*) AS n FROM payment WHERE CheckNum='DROP'; ") == [{"n": 0}]


def test_an_empty_command_is_asked_for() -> None:
    office = new_office()

    assert office.refused(400, "PUT", "/queries/ShortQuery", {}) == "SqlCommand is required."


def test_100_rows_come_back_and_an_offset_brings_everything_after_it() -> None:
    office = new_office()
    office.desk("seed", patients=230, seed=2)
    command = "SELECT PatNum FROM patient ORDER BY PatNum"

    everything = [row["PatNum"] for row in office.sql(command, Offset=0)]
    first = [row["PatNum"] for row in office.sql(command)]

    assert (len(everything), len(first)) == (230, 100)
    assert [row["PatNum"] for row in office.sql(command, Offset=10)] == everything[10:]
    last = first[-1]
    keyset = office.sql(f"SELECT PatNum FROM patient WHERE PatNum > {last} ORDER BY PatNum LIMIT 100")
    assert [row["PatNum"] for row in keyset] == everything[100:200]


def test_every_query_is_in_the_audit_trail() -> None:
    office, _, _ = filled()

    office.sql("SELECT 1 AS x")
    office.refused(400, "PUT", "/queries/ShortQuery", {"SqlCommand": "SELECT nothing FROM nowhere"})

    assert len(office.get("/securitylogs", PermType="CommandQuery")) == 1
