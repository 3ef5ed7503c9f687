"""Fills an office with very many plans at once, straight into its tables, and changes many of them: for measurements.

Each plan is one invented patient's: $1,200 over twelve months, some months issued, half of those paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.opendental import enums
from sandbox.opendental.errors import ApiError
from sandbox.opendental.office import Office
from sandbox.opendental.periods import MONTHLY, add_months
from sandbox.opendental.records import stamp
from sandbox.opendental.schema import NO_DATE

TOTAL, MONTHLY_AMOUNT, MONTHS = 1200.0, 100.0, 12
CASH = 70
_TABLES = ("patient", "procedurelog", "payplan", "payplanlink", "payplancharge", "payment", "paysplit")
_KEYS = ("PatNum", "ProcNum", "PayPlanNum", "PayPlanLinkNum", "PayPlanChargeNum", "PayNum", "SplitNum")


def fill(office: Office, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """`plans` more plans (default 10,000) with `issued` charge rows each (default 4); every `closed`-th is closed.

    Everything is dated 30 days back. Returns the first and last PayPlanNum.
    """
    count, issued = int(body.get("plans", 10_000)), int(body.get("issued", 4))
    closed = int(body.get("closed", 0))
    if not 0 <= issued <= MONTHS or count < 1:
        raise ApiError(400, "plans must be positive and issued between 0 and 12.")
    made = now - timedelta(days=30)
    first = dict(zip(_TABLES, (_next(office, *pair) for pair in zip(_TABLES, _KEYS, strict=True)), strict=True))
    start = add_months(now.date(), -issued) + timedelta(days=1)
    dues = [add_months(start, month) for month in range(issued)]
    paid = issued // 2
    _many(office, "patient", _patients(first["patient"], count, made))
    _many(office, "procedurelog", _procedures(first, count, made))
    _many(office, "payplan", _plans(first, count, start, closed))
    _many(office, "payplanlink", _links(first, count, made))
    _many(office, "payplancharge", _charges(first, count, dues, made))
    _many(office, "payment", _payments(first, count, dues[:paid], made))
    _many(office, "paysplit", _splits(first, count, issued, dues[:paid], made))
    return {"first": first["payplan"], "last": first["payplan"] + count - 1}


def _next(office: Office, table: str, key: str) -> int:
    row = office.books.one(
        f"SELECT MAX(COALESCE((SELECT MAX({key}) FROM {table}), 0), "
        f"COALESCE((SELECT seq FROM sqlite_sequence WHERE name='{table}'), 0)) AS highest"
    )
    return int(row["highest"] if row else 0) + 1


def _many(office: Office, table: str, rows: Iterator[dict[str, Any]]) -> None:
    head = next(rows, None)
    if head is None:
        return
    names, marks = ", ".join(head), ", ".join("?" * len(head))
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    connection = office.books.connection()
    connection.execute(sql, tuple(head.values()))
    connection.executemany(sql, (tuple(row.values()) for row in rows))


def _patients(first: int, count: int, made: datetime) -> Iterator[dict[str, Any]]:
    for number in range(first, first + count):
        yield {
            "PatNum": number,
            "Guarantor": number,
            "LName": f"Bulkwright{number}",
            "FName": "Alba" if number % 2 else "Bruno",
            "Birthdate": f"{1950 + number % 50}-0{1 + number % 9}-1{number % 10}",
            "WirelessPhone": f"(555)555-0{100 + number % 100}",
            "Email": f"bulk{number}@example.com",
            "TxtMsgOk": 1,
            "PriProv": 1,
            "BillingType": 40,
            "DateTStamp": stamp(made),
            "SecDateEntry": made.date().isoformat(),
        }


def _procedures(first: dict[str, int], count: int, made: datetime) -> Iterator[dict[str, Any]]:
    day = made.date().isoformat()
    for place in range(count):
        yield {
            "ProcNum": first["procedurelog"] + place,
            "PatNum": first["patient"] + place,
            "ProcFee": TOTAL,
            "ProcStatus": enums.COMPLETE,
            "ProcDate": day,
            "DateTP": day,
            "DateEntryC": day,
            "ProvNum": 1,
            "CodeNum": 1,
            "UnitQty": 1,
            "DateTStamp": stamp(made),
            "SecDateEntry": stamp(made),
        }


def _plans(first: dict[str, int], count: int, start: date, closed: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        yield {
            "PayPlanNum": first["payplan"] + place,
            "PatNum": first["patient"] + place,
            "Guarantor": first["patient"] + place,
            "PayPlanDate": start.isoformat(),
            "PayAmt": MONTHLY_AMOUNT,
            "CompletedAmt": TOTAL,
            "IsDynamic": 1,
            "IsClosed": int(bool(closed) and place % closed == 0),
            "ChargeFrequency": MONTHLY,
            "DatePayPlanStart": start.isoformat(),
            "DateInterestStart": NO_DATE,
            "DynamicPayPlanTPOption": enums.AWAIT_COMPLETE,
        }


def _links(first: dict[str, int], count: int, made: datetime) -> Iterator[dict[str, Any]]:
    for place in range(count):
        yield {
            "PayPlanLinkNum": first["payplanlink"] + place,
            "PayPlanNum": first["payplan"] + place,
            "LinkType": enums.PROCEDURE,
            "FKey": first["procedurelog"] + place,
            "SecDateTEntry": stamp(made),
        }


def _charges(first: dict[str, int], count: int, dues: list[date], made: datetime) -> Iterator[dict[str, Any]]:
    for place in range(count):
        for month, due in enumerate(dues):
            yield {
                "PayPlanChargeNum": first["payplancharge"] + place * len(dues) + month,
                "PayPlanNum": first["payplan"] + place,
                "PatNum": first["patient"] + place,
                "Guarantor": first["patient"] + place,
                "ProvNum": 1,
                "ChargeDate": due.isoformat(),
                "Principal": MONTHLY_AMOUNT,
                "FKey": first["procedurelog"] + place,
                "LinkType": enums.PROCEDURE,
                "SecDateTEntry": stamp(made),
                "SecDateTEdit": stamp(made),
            }


def _payments(first: dict[str, int], count: int, dues: list[date], made: datetime) -> Iterator[dict[str, Any]]:
    for place in range(count):
        for month, due in enumerate(dues):
            yield {
                "PayNum": first["payment"] + place * len(dues) + month,
                "PatNum": first["patient"] + place,
                "PayType": CASH,
                "PayDate": due.isoformat(),
                "PayAmt": MONTHLY_AMOUNT,
                "DateEntry": due.isoformat(),
                "SecDateTEdit": stamp(made),
            }


def _splits(
    first: dict[str, int], count: int, issued: int, dues: list[date], made: datetime
) -> Iterator[dict[str, Any]]:
    for place in range(count):
        for month, due in enumerate(dues):
            yield {
                "SplitNum": first["paysplit"] + place * len(dues) + month,
                "PayNum": first["payment"] + place * len(dues) + month,
                "PayPlanNum": first["payplan"] + place,
                "PayPlanChargeNum": first["payplancharge"] + place * issued + month,
                "PayPlanDebitType": enums.PRINCIPAL,
                "PatNum": first["patient"] + place,
                "ProcNum": first["procedurelog"] + place,
                "ProvNum": 1,
                "SplitAmt": MONTHLY_AMOUNT,
                "DatePay": due.isoformat(),
                "DateEntry": due.isoformat(),
                "SecDateTEdit": stamp(made),
            }


def change(office: Office, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Change `plans` open plans, spread evenly over all (or just `numbers`); `kind` says how. Returns those changed.

    terms: the monthly amount goes up by a dollar (no timestamp). deletions: the last charge row goes (no timestamp).
    payments: the last charge row is paid in cash (timestamps).
    """
    kinds = {"terms": _raise_amount, "deletions": _delete_charge, "payments": _pay_charge}
    if body.get("kind") not in kinds:
        raise ApiError(400, f"kind must be one of {', '.join(kinds)}.")
    chosen = [int(number) for number in body.get("numbers", [])] or _spread(office, int(body.get("plans", 10)))
    for number in chosen:
        kinds[str(body["kind"])](office, number, now)
    return {"changed": chosen}


def _spread(office: Office, wanted: int) -> list[int]:
    every = [row["PayPlanNum"] for row in office.books.all("SELECT PayPlanNum FROM payplan WHERE IsClosed=0")]
    wanted = min(wanted, len(every))
    return [every[place * len(every) // wanted] for place in range(wanted)]


def _raise_amount(office: Office, number: int, now: datetime) -> None:
    office.books.run("UPDATE payplan SET PayAmt=PayAmt+1 WHERE PayPlanNum=?", number)


def _delete_charge(office: Office, number: int, now: datetime) -> None:
    last = "SELECT MAX(PayPlanChargeNum) FROM payplancharge WHERE PayPlanNum=?"
    office.books.run(f"DELETE FROM payplancharge WHERE PayPlanChargeNum=({last})", number)


def _pay_charge(office: Office, number: int, now: datetime) -> None:
    row = office.books.one(
        "SELECT * FROM payplancharge WHERE PayPlanNum=? ORDER BY PayPlanChargeNum DESC LIMIT 1", number
    )
    if row is None:
        return
    day = now.date().isoformat()
    payment = {"PatNum": row["PatNum"], "PayType": CASH, "PayDate": day, "PayAmt": row["Principal"], "DateEntry": day}
    number_of = _next(office, "payment", "PayNum")
    _many(office, "payment", iter([{"PayNum": number_of, **payment, "SecDateTEdit": stamp(now)}]))
    split = {
        "PayNum": number_of, "PayPlanNum": number, "PayPlanChargeNum": row["PayPlanChargeNum"],
        "PayPlanDebitType": enums.PRINCIPAL, "PatNum": row["PatNum"], "ProcNum": row["FKey"], "ProvNum": 1,
        "SplitAmt": row["Principal"], "DatePay": day, "DateEntry": day, "SecDateTEdit": stamp(now),
    }  # fmt: skip
    _many(office, "paysplit", iter([split]))
