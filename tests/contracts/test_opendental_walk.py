"""A random walk of staff, the API and the calendar over one sandbox office: the books add up after every step."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.contracts.opendental_office import Office, new_office

FREQUENCIES = ("Weekly", "EveryOtherWeek", "Monthly", "OrdinalWeekday", "Quarterly")


class Walk:
    """Each step may be refused (4xx), but never fails; `plans` and `patients` are what was made so far."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.day = date(2024, 6, 10)
        self.office: Office = new_office(self.day.isoformat())
        self.patients = [self.office.patient(FName="Head")]
        self.patients += [self.office.patient(FName=name, Guarantor=self.patients[0]) for name in ("Kid", "Cousin")]
        self.plans: list[int] = []

    def ask(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        answer = self.office.call(method, path, body)
        assert answer.status_code < 500, f"{method} {path} {body}: {answer.text[:200]}"
        return answer

    def desk(self, action: str, **body: Any) -> None:
        answer = self.office.http.post(f"/_sandbox/offices/{self.office.key}/{action}", json=body)
        assert answer.status_code < 500, f"{action} {body}: {answer.text[:200]}"

    def make_plan(self) -> None:
        patient = self.chance.choice(self.patients)
        fees = [self.chance.choice((33.33, 100, 250.10, 799.99)) for _ in range(self.chance.randint(1, 3))]
        work = [self.office.procedure(patient, fee, self.chance.choice(("C", "C", "TP"))) for fee in fees]
        apr = self.chance.choice((0, 0, 12, 29.9))
        body = {
            "PatNum": patient,
            "procNums": work,
            "NumberOfPayments": self.chance.randint(1, 12),
            "APR": apr,
            "IsLocked": "true" if apr else self.chance.choice(("true", "false")),
            "DownPayment": self.chance.choice((0, 0, 20)),
            "ChargeFrequency": self.chance.choice(FREQUENCIES),
            "DatePayPlanStart": (self.day + timedelta(days=self.chance.randint(-40, 20))).isoformat(),
            "DynamicPayPlanTPOption": self.chance.choice(("AwaitComplete", "TreatAsComplete")),
        }
        answer = self.ask("POST", "/payplans/Dynamic", body)
        if answer.status_code == 201:
            self.plans.append(answer.json()["PayPlanNum"])

    def pay(self) -> None:
        amount = self.chance.choice(("10", "33.33", "250", "999.99", "-5"))
        body: dict[str, Any] = {"PatNum": self.chance.choice(self.patients), "PayAmt": amount}
        if self.plans and self.chance.random() < 0.7:
            body["payPlanNum"] = self.chance.choice(self.plans)
            body["isPrepayment"] = "false" if amount.startswith("-") else self.chance.choice(("true", "false", "false"))
        self.ask("POST", "/payments", body)

    def pay_exactly(self) -> None:
        rows = self.office.books()["payplancharges"]
        if not rows:
            return
        row = self.chance.choice(rows)
        amount = (row["principal_cents"] + row["interest_cents"]) / 100
        made = self.ask("POST", "/payments", {"PatNum": self.patients[0], "PayAmt": str(amount)})
        if made.status_code == 201:
            parts = {"payPlanChargeNumsAndAmounts": [{"PayPlanChargeNum": row["PayPlanChargeNum"], "Amount": amount}]}
            self.ask("PUT", f"/payments/{made.json()['PayNum']}/Partial", parts)

    def refund(self) -> None:
        payments = self.office.books()["payments"]
        if payments:
            self.ask("POST", "/payments/Refund", {"PayNum": self.chance.choice(payments)["PayNum"]})

    def at_the_desk(self) -> None:
        if not self.plans:
            return
        plan = {"PayPlanNum": self.chance.choice(self.plans)}
        how = self.chance.choice(("prepay", "principal"))
        wishes: list[Callable[[], None]] = [
            lambda: self.desk("balance", **plan, how=how),
            lambda: self.desk("cash", **plan, amount_cents=12345, balance=how),
            lambda: self.desk("edit_plan", **plan, PayAmt=self.chance.choice((25, 80, 400))),
            lambda: self.desk("run_service"),
            lambda: self.desk("close_plan", **plan) if self.chance.random() < 0.2 else None,
        ]
        self.chance.choice(wishes)()

    def finish_work(self) -> None:
        planned = self.office.get("/procedurelogs", ProcStatus="TP")
        if planned:
            self.ask("PUT", f"/procedurelogs/{self.chance.choice(planned)['ProcNum']}", {"ProcStatus": "C"})

    def sleep(self) -> None:
        self.day += timedelta(days=self.chance.randint(1, 45))
        self.office.go_to(self.day.isoformat())

    def step(self) -> None:
        steps = (
            self.make_plan,
            self.pay,
            self.pay_exactly,
            self.refund,
            self.at_the_desk,
            self.finish_work,
            self.sleep,
        )
        self.chance.choices(steps, weights=(2, 4, 2, 1, 3, 1, 4))[0]()


def check(books: dict[str, Any]) -> None:
    """Splits add up, no plan is charged beyond its work, no parked money below zero, no date issued twice."""
    sums = {payment["PayNum"]: payment["amount_cents"] for payment in books["payments"]}
    hidden: defaultdict[int, int] = defaultdict(int)
    for split in books["paysplits"]:
        sums[split["PayNum"]] -= split["amount_cents"]
        if split["kind"] == "hidden":
            hidden[split["PayPlanNum"]] += split["amount_cents"]
    assert set(sums.values()) <= {0}
    assert all(amount >= 0 for amount in hidden.values())
    charged: defaultdict[int, int] = defaultdict(int)
    issued: set[tuple[int, str, int, str]] = set()
    for row in books["payplancharges"]:
        charged[row["PayPlanNum"]] += row["principal_cents"]
        key = (row["PayPlanNum"], row["ChargeDate"], row["FKey"], row["Note"])
        assert row["Note"] or key not in issued, f"issued twice: {key}"
        issued.add(key)
    for plan in books["payplans"]:
        if plan["IsLocked"]:
            assert charged[plan["PayPlanNum"]] <= plan["principal_cents"]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_books_add_up_whatever_happens(seed: int) -> None:
    walk = Walk(seed)

    for _ in range(50):
        walk.step()
        check(walk.office.books())

    assert walk.plans
