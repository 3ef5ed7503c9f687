"""Commlogs and popups: what the portal leaves for the office's staff to read."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.records import change, find, insert, stamp, where
from sandbox.opendental.resources.payplans import patient_of


def commlog_json(call: Call, row: Row) -> dict[str, Any]:
    kind = find(call.office.books, "definition", row["CommType"])
    return {
        "CommlogNum": row["CommlogNum"],
        "PatNum": row["PatNum"],
        "CommDateTime": row["CommDateTime"],
        "CommType": str(row["CommType"]),
        "commType": kind["ItemName"] if kind else "",
        "Note": row["Note"],
        "Mode_": enums.name(enums.COMM_MODE, row["Mode_"]),
        "SentOrReceived": enums.name(enums.SENT_OR_RECEIVED, row["SentOrReceived"]),
        "UserNum": row["UserNum"],
        "DateTStamp": row["DateTStamp"],
        "CommSource": "User",
        "ProgramNum": row["ProgramNum"],
        "DateTEntry": row["DateTEntry"],
        "ReferralNum": row["ReferralNum"],
    }


def _commlog(call: Call, number: int) -> Row:
    row = find(call.office.books, "commlog", number)
    if row is None:
        raise not_found("Commlog not found.")
    return row


@endpoint("GET", "/commlogs/<int:number>", since="25.1.13")
def single(call: Call, number: int) -> dict[str, Any]:
    return commlog_json(call, _commlog(call, number))


@endpoint("GET", "/commlogs")
def multiple(call: Call) -> list[dict[str, Any]]:
    patient = call.number("PatNum")
    if patient is None and not call.office.at_least("25.1.13"):
        raise bad("PatNum is required.")
    changed = wire.moment_of(dict(call.query), "DateTStamp", "0001-01-01 00:00:00")
    wanted: dict[str, Any] = {} if patient is None else {"PatNum": patient_of(call, patient)["PatNum"]}
    rows = where(call.office.books, "commlog", **wanted)
    return [commlog_json(call, row) for row in rows if row["DateTStamp"] >= changed]


def _comm_type(call: Call) -> int:
    """By name (which wins), by number, or Misc."""
    rows = where(call.office.books, "definition", Category=27)
    if call.body.get("commType"):
        found = [row for row in rows if row["ItemName"] == call.body["commType"]]
    elif call.body.get("CommType"):
        found = [row for row in rows if row["DefNum"] == wire.integer(call.body, "CommType")]
    else:
        found = [row for row in rows if row["ItemValue"] == "MISC"]
    if not found:
        raise not_found("CommType not found.")
    return int(found[0]["DefNum"])


@endpoint("POST", "/commlogs", permission="ApiComm")
def create(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PatNum", "Note")
    patient = patient_of(call, wire.integer(call.body, "PatNum"))
    now = stamp(call.now)
    number = insert(
        call.office.books,
        "commlog",
        PatNum=patient["PatNum"],
        Note=wire.text(call.body, "Note"),
        CommDateTime=wire.moment_of(call.body, "CommDateTime", now),
        CommType=_comm_type(call),
        Mode_=wire.choice(call.body, "Mode_", enums.COMM_MODE, "Phone"),
        SentOrReceived=wire.choice(call.body, "SentOrReceived", enums.SENT_OR_RECEIVED, "Sent"),
        DateTStamp=now,
        DateTEntry=now,
    )
    return commlog_json(call, _commlog(call, number)) if call.office.at_least("23.3.7") else {}


@endpoint("PUT", "/commlogs/<int:number>", since="25.2.21", permission="ApiComm")
def edit(call: Call, number: int) -> dict[str, Any]:
    _commlog(call, number)
    if "Note" in call.body:
        values = {"Note": wire.text(call.body, "Note"), "DateTStamp": stamp(call.now)}
        change(call.office.books, "commlog", number, **values)
    return commlog_json(call, _commlog(call, number))


def popup_json(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("PopupNum", "PatNum", "Description")},
        "PopupLevel": enums.name(enums.POPUP_LEVEL, row["PopupLevel"]),
        "UserNum": row["UserNum"],
        "DateTimeEntry": row["DateTimeEntry"],
        "DateTimeDisabled": row["DateTimeDisabled"],
    }


@endpoint("GET", "/popups", since="21.4")
def popups(call: Call) -> list[dict[str, Any]]:
    patient = call.number("PatNum")
    if patient is None:
        raise bad("PatNum is required.")
    return [popup_json(row) for row in where(call.office.books, "popup", PatNum=patient_of(call, patient)["PatNum"])]


@endpoint("POST", "/popups", permission="ApiComm")
def create_popup(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PatNum", "Description")
    patient = patient_of(call, wire.integer(call.body, "PatNum"))
    level = wire.choice(call.body, "PopupLevel", enums.POPUP_LEVEL, "Patient")
    values = {"PatNum": patient["PatNum"], "Description": wire.text(call.body, "Description"), "PopupLevel": level}
    number = insert(call.office.books, "popup", **values, DateTimeEntry=stamp(call.now))
    row = find(call.office.books, "popup", number)
    return popup_json(row) if row else {}
