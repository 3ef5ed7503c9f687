"""Reads payment plan vectors (Open Dental's own expectations) into the product's schedule types."""

from __future__ import annotations

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from payplans.schedule import (
    DebitType,
    Frequency,
    Issued,
    LinkKind,
    PaidSplit,
    Production,
    ProjectedRow,
    Terms,
    TreatmentPlanned,
    link_value_cents,
    pay_amount_cents,
)

Vector = dict[str, Any]
STORED = Path(__file__).parent / "data" / "payplan_vectors.json"


def load() -> dict[str, Any]:
    """The file PAYPLAN_VECTORS names, else the copy in the repository."""
    loaded: dict[str, Any] = json.loads(Path(os.environ.get("PAYPLAN_VECTORS") or STORED).read_text())
    return loaded


def cents(dollars: Any) -> int:
    exact = Decimal(str(dollars)) * 100
    if exact != exact.to_integral_value():
        raise ValueError(f"{dollars} is not whole cents")
    return int(exact)


def day(text: str) -> date:
    return date.fromisoformat(text)


def terms(vector: Vector) -> Terms:
    plan = vector["plan"]
    return Terms(
        frequency=Frequency(plan["ChargeFrequency"]),
        start=day(plan.get("DatePayPlanStart") or vector["today"]),
        pay_amount_cents=cents(plan["PayAmt"]) if plan.get("PayAmt") is not None else computed_pay_amount(vector),
        apr_percent=float(plan.get("APR", 0)),
        down_payment_cents=cents(plan.get("DownPayment", 0)),
        interest_start=day(plan.get("DateInterestStart", "0001-01-01")),
        treatment_planned=TreatmentPlanned(plan.get("DynamicPayPlanTPOption", "TreatAsComplete")),
    )


def total_cents(vector: Vector) -> int:
    if "total" in vector["plan"]:
        return cents(vector["plan"]["total"])
    return sum(value(item) for item in vector["production"])


def computed_pay_amount(vector: Vector) -> int:
    plan = vector["plan"]
    return pay_amount_cents(
        total_cents(vector),
        plan["NumberOfPayments_input"],
        down_cents=cents(plan.get("DownPayment", 0)),
        apr_percent=plan.get("APR", 0),
        frequency=Frequency(plan["ChargeFrequency"]),
    )


def value(item: dict[str, Any]) -> int:
    """Value of a production item: from its fee and what changes it when the vector says so, else its amount."""
    fee = item.get("ProcFee", item.get("amount", 0))
    return link_value_cents(
        cents(fee),
        attached_adjustments_cents=cents(item.get("attached_adjustment", 0)) if "ProcFee" in item else 0,
        paid_before_cents=cents(item.get("paid_before_plan", 0)) + cents(item.get("hidden_prepayment_on_proc", 0)),
        override_cents=cents(item.get("AmountOverride", 0)),
    )


def production(vector: Vector, *, completed: int | None = None) -> list[Production]:
    """The linked work; `completed` says how many of the first items count as done, None what the vector says."""
    return [
        Production(
            value(item),
            complete=index < completed if completed is not None else "TP" not in (item.get("ProcStatus") or "C"),
            key=str(index),
            kind=LinkKind(item.get("LinkType", "Procedure")),
            number=index,
        )
        for index, item in enumerate(vector["production"])
    ]


def issued(vector: Vector) -> list[Issued]:
    return [
        Issued(day(row["date"]), cents(row["principal"]), cents(row.get("interest", 0)))
        for row in vector.get("db_charges", [])
    ]


def splits(vector: Vector) -> list[PaidSplit]:
    return [
        PaidSplit(
            cents(row["amount"]), DebitType(row.get("PayPlanDebitType", "Unknown")), bool(row.get("UnearnedType"))
        )
        for row in vector.get("splits", [])
    ]


def rows(listed: list[dict[str, Any]]) -> list[ProjectedRow]:
    return [ProjectedRow(day(row["date"]), cents(row["principal"]), cents(row.get("interest", 0))) for row in listed]
