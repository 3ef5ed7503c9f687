"""The control page: offices, patients, plans with their charges and splits, and buttons for what staff would do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.common.faults import Fault, Faults
from sandbox.common.store import Row
from sandbox.opendental import books, control, enums, plans, service
from sandbox.opendental.errors import ApiError
from sandbox.opendental.money import cents, text
from sandbox.opendental.office import SWITCHES, Office, Registry
from sandbox.opendental.records import find, where

SHOWN = 60
LISTS = ("procNums", "adjNums")
FLAGS = ("on", "offline", "throttle", "enabled", *(name for name, value in SWITCHES.items() if isinstance(value, bool)))


# What a visitor may spoil, in words.
PLACES = {
    "Posting a payment": "POST /api/v1/payments",
    "Putting a payment on exact rows": "PUT /api/v1/payments/*/Partial",
    "Refunding": "POST /api/v1/payments/Refund",
    "Queries": "PUT /api/v1/queries/ShortQuery",
    "Reading plans": "GET /api/v1/payplan*",
    "Everything": "* /api/v1/*",
}
FAULT_WORDS = {
    "drop_after": "done, but the answer is lost",
    "drop_before": "lost on the way there",
    "error_after": "error 500, yet done",
    "error_before": "error 500, not done",
    "throttle": "too many requests (429)",
    "slow": "slow",
    "slow_after": "done at once, answered late",
    "conflict": "the same request is under way (409)",
}


def blueprint(registry: Registry, faults: Faults) -> Blueprint:
    """GET / and /offices/…; forms post to /offices/<key>/<action> and come back with what happened."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def front() -> str:
        listed = [_summary(office) for office in registry.offices.values()]
        told = {"places": PLACES, "kinds": FAULT_WORDS, "faults": faults.rules}
        return render_template("offices.html", offices=listed, **told, **_said())

    @pages.post("/faults")
    def spoil() -> Response:
        return _spoil(faults)

    @pages.get("/offices/<key>")
    def one(key: str) -> str:
        return render_template("office.html", **_office(control.office_of(registry, key)), **_said())

    @pages.get("/offices/<key>/plans/<int:number>")
    def plan(key: str, number: int) -> str:
        return render_template("plan.html", **_plan(control.office_of(registry, key), number), **_said())

    @pages.post("/offices/<key>/<action>")
    def act(key: str, action: str) -> Response:
        return _act(registry, key, action)

    @pages.errorhandler(ApiError)
    def refused(error: ApiError) -> tuple[str, int]:
        return render_template("frame.html", said=error.explanation, went=False), error.status

    return pages


def _spoil(faults: Faults) -> Response:
    wish = request.form
    if wish.get("kind") in FAULT_WORDS and wish.get("match") in PLACES.values():
        times = int(wish.get("times") or 1)
        faults.rules.append(Fault(wish["match"], wish["kind"], times, 10.0 if wish["kind"].startswith("slow") else 0.0))
        return redirect(f"/?{urlencode({'said': 'The next requests will be spoiled.'})}")
    faults.rules.clear()
    return redirect(f"/?{urlencode({'said': 'Nothing is spoiled any more.'})}")


def _said() -> dict[str, Any]:
    return {"said": request.args.get("said", ""), "went": request.args.get("went") != "0"}


def _summary(office: Office) -> dict[str, Any]:
    counts = [office.books.one(f"SELECT COUNT(*) AS n FROM {table}") for table in ("patient", "payplan")]
    patients, made = (row["n"] if row else 0 for row in counts)
    permissions = ", ".join(name.removeprefix("Api") for name in office.settings.permissions)
    return {"office": office, "patients": patients, "plans": made, "permissions": permissions}


def _office(office: Office) -> dict[str, Any]:
    service.catch_up(office)
    wanted = request.args.get("find", "")
    patients = office.books.all(
        "SELECT * FROM patient WHERE LName || ' ' || FName || ' ' || LName || ' ' || PatNum LIKE ? "
        "ORDER BY LName, FName LIMIT ?",
        f"%{wanted}%",
        SHOWN,
    )
    listed = office.books.all("SELECT * FROM payplan ORDER BY IsClosed, PayPlanNum DESC LIMIT ?", SHOWN)
    return {
        "office": office,
        "find": wanted,
        "patients": [dict(row) for row in patients],
        "plans": [_plan_line(office, row) for row in listed],
        "statuses": enums.PAT_STATUS,
        "frequencies": enums.FREQUENCY,
        "switches": {name: office.switch(name) for name in SWITCHES},
    }


def _name(office: Office, patient: int) -> str:
    row = find(office.books, "patient", patient)
    return f"{row['FName']} {row['LName']} ({patient})" if row else f"patient {patient}, gone"


def _plan_line(office: Office, row: Row) -> dict[str, Any]:
    kind = "dynamic" if row["IsDynamic"] else "insurance" if row["PlanNum"] else "old"
    return {
        "number": row["PayPlanNum"],
        "name": _name(office, row["PatNum"]),
        "kind": kind,
        "start": row["DatePayPlanStart"],
        "frequency": enums.name(enums.FREQUENCY, row["ChargeFrequency"]),
        "pay": text(cents(row["PayAmt"])),
        "principal": text(plans.principal_cents(office.books, row)),
        "closed": row["IsClosed"],
        "locked": row["IsLocked"],
    }


def _plan(office: Office, number: int) -> dict[str, Any]:
    service.catch_up(office)
    row = find(office.books, "payplan", number)
    if row is None:
        raise ApiError(404, f"Plan {number} is not there.")
    charges = where(office.books, "payplancharge", "ChargeDate, PayPlanChargeNum", PayPlanNum=number)
    splits = where(office.books, "paysplit", "DatePay, SplitNum", PayPlanNum=number)
    going = row["IsDynamic"] and not row["IsClosed"]
    return {
        "office": office,
        "plan": books.plan(office, row),
        "name": _name(office, row["PatNum"]),
        "charges": [books.charge(charge) for charge in charges],
        "coming": books.projection(office, row, next_only=False) if going else [],
        "splits": [{**books.split(office, split), "check": _check(office, split["PayNum"])} for split in splits],
        "frequencies": enums.FREQUENCY,
    }


def _check(office: Office, payment: int) -> str:
    row = find(office.books, "payment", payment)
    return (row["CheckNum"] or row["PayNote"]) if row else ""


def _act(registry: Registry, key: str, action: str) -> Response:
    office = control.office_of(registry, key)
    wish = _wish()
    back = f"/offices/{key}"
    if "PayPlanNum" in wish and action != "delete_plan":
        back = f"{back}/plans/{wish['PayPlanNum']}"
    try:
        done = control.perform(registry, office, action, wish)
    except (ApiError, ValueError) as error:
        return redirect(f"{back}?{urlencode({'said': f'Not done: {error}', 'went': 0})}")
    if action in control.SETTING_ACTIONS:
        return redirect(f"/offices/{office.settings.key}?{urlencode({'said': f'Done: {action}.'})}")
    told = ", ".join(f"{name} {value}" for name, value in done.items())
    return redirect(f"{back}?{urlencode({'said': f'Done: {told}.'})}")


def _wish() -> dict[str, Any]:
    """Form fields as an action's body: empty ones left out, dollars to cents, lists and switches read."""
    wish: dict[str, Any] = {name: value for name, value in request.form.items() if value != ""}
    if "amount" in wish:
        wish["amount_cents"] = cents(wish.pop("amount"))
    for name in LISTS:
        if name in wish:
            wish[name] = [part.strip() for part in wish[name].split(",")]
    if "permissions" in wish:
        wish["permissions"] = [part.strip() for part in wish["permissions"].split(",")]
    for name in FLAGS:
        if name in wish:
            wish[name] = wish[name] == "true"
    if "pk" in wish:
        wish["pk"] = int(wish["pk"])
    return wish
