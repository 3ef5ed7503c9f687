"""Plays one payment plan vector on an office of the sandbox over HTTP: plan, payments, service runs, closing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.contracts.opendental_office import Office, new_office

Vector = dict[str, Any]
FIRST_ROWS = ("first_charge", "issued", "issued_on_creation")


def cents(dollars: Any) -> int:
    return int((Decimal(str(dollars)) * 100).to_integral_value())


@dataclass
class Scene:
    """One office with one patient and one plan; `items` are the vector's production as (link type, number)."""

    vector: Vector
    issue: bool = True
    office: Office = field(init=False)
    patient: int = field(init=False)
    plan: int = field(init=False)
    items: list[tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.office = new_office(first_day(self.vector), preferences={"FutureTransDatesAllowed": "1"})
        self.patient = self.office.patient(LName="Vector", FName=str(self.vector["id"])[:20])
        self.items = [self._item(item) for item in self.vector["production"]]
        self.plan = self._plan()

    def _item(self, item: dict[str, Any]) -> tuple[str, int]:
        amount = item.get("ProcFee", item.get("amount", 0))
        day = first_day(self.vector)
        if item.get("LinkType") == "Adjustment":
            adjustment = self.office.desk("adjustments", PatNum=self.patient, AdjAmt=amount, AdjDate=day)
            return "Adjustment", int(adjustment["AdjNum"])
        status = "TP" if "TP" in (item.get("ProcStatus") or "C") else "C"
        number = self.office.procedure(self.patient, amount, status, ProcDate=day)
        if item.get("attached_adjustment"):
            self.office.desk("adjustments", PatNum=self.patient, AdjAmt=item["attached_adjustment"], ProcNum=number)
        for name in ("hidden_prepayment_on_proc", "paid_before_plan"):
            if item.get(name):
                self.office.desk("prepay_procedure", ProcNum=number, amount_cents=cents(item[name]))
        return "Procedure", number

    def _plan(self) -> int:
        terms = dict(self.vector["plan"])
        count = terms.pop("NumberOfPayments_input", None)
        if count and "PayAmt" in terms:
            terms.pop("PayAmt")
        if count:
            terms["NumberOfPayments"] = count
        for name in ("total", "CompletedAmt"):
            terms.pop(name, None)
        overrides = [cents(item.get("AmountOverride", 0)) for item in self.vector["production"]]
        body = {
            **terms,
            "PatNum": self.patient,
            "IsLocked": str(terms.get("IsLocked", "false")).lower(),
            "procNums": [number for kind, number in self.items if kind == "Procedure"],
            "adjNums": [number for kind, number in self.items if kind == "Adjustment"],
            "overrides_cents": overrides if any(overrides) else [],
            "issue": self.issue,
        }
        return int(self.office.desk("plans", **body)["PayPlanNum"])

    @property
    def books(self) -> Any:
        return self.office.books()

    def plan_row(self) -> dict[str, Any]:
        return next(row for row in self.books["payplans"] if row["PayPlanNum"] == self.plan)

    def charges(self) -> list[dict[str, Any]]:
        return [row for row in self.books["payplancharges"] if row["PayPlanNum"] == self.plan]

    def splits(self) -> list[dict[str, Any]]:
        return list(self.books["paysplits"])

    def pay(self) -> None:
        """The vector's splits on the first row; without any, the due rows in full and the prepayment it starts from."""
        if self.vector.get("splits"):
            self._pay_splits(self.vector["splits"])
            return
        owed = sum(row["principal_cents"] + row["interest_cents"] for row in self.charges())
        if owed and "hidden_before" in self.vector["expected"]:
            self.office.desk("cash", PayPlanNum=self.plan, amount_cents=owed)
            hidden = self.vector["expected"]["hidden_before"]
            body = {"PatNum": self.patient, "PayAmt": hidden, "isPrepayment": "true", "payPlanNum": self.plan}
            self.office.post("/payments", body)

    def _pay_splits(self, splits: list[dict[str, Any]]) -> None:
        first = self.charges()[0]["PayPlanChargeNum"]
        hidden = sum(cents(split["amount"]) for split in splits if split.get("UnearnedType"))
        parts = [
            {
                "amount_cents": cents(split["amount"]),
                "PayPlanDebitType": split.get("PayPlanDebitType", "Unknown"),
                "PayPlanChargeNum": first,
            }
            for split in splits
            if not split.get("UnearnedType")
        ]
        total = sum(part["amount_cents"] for part in parts)
        if parts:
            self.office.desk("cash", PayPlanNum=self.plan, amount_cents=total, parts=parts)
        if hidden:
            self.office.desk("cash", PayPlanNum=self.plan, amount_cents=hidden, prepayment=True)

    def balance(self, how: str) -> None:
        self.office.desk("balance", PayPlanNum=self.plan, how=how)

    def next_due(self) -> None:
        """Move the clock to the next due date, past the service's run."""
        coming = self.office.projection(self.plan, next_only=True)
        assert coming, "nothing is left to issue"
        self.office.go_to(coming[0]["date"])

    def complete(self, count: int) -> None:
        """The first `count` planned procedures are done."""
        for kind, number in self.items[:count]:
            if kind == "Procedure":
                self.office.desk("procedure", ProcNum=number, ProcStatus="C")

    def hidden(self) -> list[int]:
        return [split["amount_cents"] for split in self.splits() if split["kind"] == "hidden"]

    def paid(self) -> int:
        """Cents of real payments on the plan."""
        mine = [split for split in self.splits() if split["PayPlanNum"] == self.plan and split["kind"] == "payment"]
        return sum(int(split["amount_cents"]) for split in mine)

    def unearned(self) -> int:
        return sum(int(split["amount_cents"]) for split in self.splits() if split["kind"] == "unearned")

    def due(self) -> int:
        """Cents of the rows due by today less what was really paid."""
        today = self.books["now"][:10]
        rows = [row for row in self.charges() if row["ChargeDate"] <= today]
        return sum(int(row["principal_cents"] + row["interest_cents"]) for row in rows) - self.paid()


def first_day(vector: Vector) -> str:
    """When the plan is made: the day its first rows carry, else the vector's today or, if earlier, its start."""
    for key in FIRST_ROWS:
        rows = vector["expected"].get(key)
        if rows:
            return str(rows[0]["date"])
    start = str(vector["plan"].get("DatePayPlanStart") or vector["today"])
    backdated = vector["mode"] in ("prepayment", "service_run", "balance_pay_on_principal", "close")
    return min(start, vector["today"]) if backdated else str(vector["today"])


def by_date(rows: list[dict[str, Any]], key: str = "ChargeDate") -> list[dict[str, Any]]:
    """Rows of one date added up, in dollars, as vectors print them."""
    dates = sorted({row[key] for row in rows})
    return [
        {
            "date": day,
            "principal": sum(row["principal_cents"] for row in rows if row[key] == day) / 100,
            "interest": sum(row["interest_cents"] for row in rows if row[key] == day) / 100,
        }
        for day in dates
    ]


def months_later(start: str, months: int) -> str:
    """Same day some months on; only for days every month has."""
    first = date.fromisoformat(start)
    assert first.day <= 28, "month ends are not this helper's business"
    month = first.replace(day=1)
    for _ in range(months):
        month = (month + timedelta(days=32)).replace(day=1)
    return month.replace(day=first.day).isoformat()
