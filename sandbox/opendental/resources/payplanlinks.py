"""PayPlanLinks: the production of plans. Without a filter the list shows every plan of the office."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, plans, terms, wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.records import change, find, insert, remove, stamp, where

SINCE = "25.3.29"


def link_json(row: Row) -> dict[str, Any]:
    return {
        "PayPlanLinkNum": row["PayPlanLinkNum"],
        "PayPlanNum": row["PayPlanNum"],
        "LinkType": enums.name(enums.LINK_TYPE, row["LinkType"]),
        "FKey": row["FKey"],
        "AmountOverride": row["AmountOverride"],
        "SecDateTEntry": row["SecDateTEntry"],
    }


def _link(call: Call, number: int) -> Row:
    row = find(call.office.books, "payplanlink", number)
    if row is None:
        raise not_found("PayPlanLink not found.")
    return row


def _open_plan(call: Call, number: int) -> Row:
    plan = find(call.office.books, "payplan", number)
    if plan is None:
        raise not_found("PayPlan not found.")
    if not plan["IsDynamic"]:
        raise bad("PayPlan is not a dynamic payment plan.")
    if plan["IsLocked"] or plan["IsClosed"]:
        raise bad("PayPlan is locked or closed.")
    return plan


@endpoint("GET", "/payplanlinks/<int:number>", since=SINCE)
def single(call: Call, number: int) -> dict[str, Any]:
    return link_json(_link(call, number))


@endpoint("GET", "/payplanlinks", since=SINCE)
def multiple(call: Call) -> list[dict[str, Any]]:
    number = call.number("PayPlanNum")
    wanted: dict[str, Any] = {} if number is None else {"PayPlanNum": number}
    rows = where(call.office.books, "payplanlink", **wanted)
    return [link_json(row) for row in rows]


@endpoint("POST", "/payplanlinks", since=SINCE, permission="ApiPayPlans")
def create(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PayPlanNum", "LinkType", "FKey")
    plan = _open_plan(call, wire.integer(call.body, "PayPlanNum"))
    kind = wire.choice(call.body, "LinkType", ("", "Adjustment", "Procedure"), "")
    key = wire.integer(call.body, "FKey")
    terms.check_production(call.office, ((kind, key),))
    values = {"PayPlanNum": plan["PayPlanNum"], "LinkType": kind, "FKey": key}
    override = dollars(wire.amount(call.body, "AmountOverride"))
    number = insert(call.office.books, "payplanlink", **values, AmountOverride=override, SecDateTEntry=stamp(call.now))
    plans.refresh_completed(call.office.books, plan["PayPlanNum"])
    return link_json(_link(call, number))


@endpoint("PUT", "/payplanlinks/<int:number>", since=SINCE, permission="ApiPayPlans")
def edit(call: Call, number: int) -> dict[str, Any]:
    plan = _open_plan(call, _link(call, number)["PayPlanNum"])
    if "AmountOverride" in call.body:
        override = wire.amount(call.body, "AmountOverride")
        if override < 0:
            raise bad("AmountOverride is invalid.")
        change(call.office.books, "payplanlink", number, AmountOverride=dollars(override))
    plans.refresh_completed(call.office.books, plan["PayPlanNum"])
    return link_json(_link(call, number))


@endpoint("DELETE", "/payplanlinks/<int:number>", since=SINCE, permission="ApiPayPlans")
def delete(call: Call, number: int) -> None:
    row = _link(call, number)
    plan = _open_plan(call, row["PayPlanNum"])
    issued = plans.issued_of(call.office.books, plan["PayPlanNum"])
    if any((charge.kind, charge.key) == (row["LinkType"], row["FKey"]) for charge in issued):
        raise bad("PayPlanLink has charges and cannot be deleted.")
    remove(call.office.books, "payplanlink", number)
    plans.refresh_completed(call.office.books, plan["PayPlanNum"])
