"""Random work at the desk, followed by the sync: dates, amounts and what is paid agree with the office's own books."""

from __future__ import annotations

import random
from typing import Any

import pytest

from payplans.models import Installment
from tests.opendental.desk import Desk, installments, plan_of

STEPS = 12


class Walk:
    """A plan of $900 at $100 that staff keep changing."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.dice = random.Random(seed)
        patient = desk.patient()
        done = desk.act("procedures", PatNum=patient, ProcFee=500)["ProcNum"]
        self.planned = desk.act("procedures", PatNum=patient, ProcFee=400, ProcStatus="TP")["ProcNum"]
        terms = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": "2022-07-10", "IsLocked": "false"}
        interest = {"APR": 12, "IsLocked": "true"} if seed % 2 else {}
        self.number = desk.act("plans", procNums=[done, self.planned], **{**terms, **interest})["PayPlanNum"]

    def step(self) -> str:
        move = self.dice.choice([self.days, self.days, self.cash, self.cash_on_a_charge, self.prepay, self.amount,
                                 self.charge, self.service, self.complete])  # fmt: skip
        move()
        self.desk.wait(seconds=10)
        return move.__name__

    def days(self) -> None:
        self.desk.wait(days=self.dice.choice([1, 9, 31]))

    def cash(self) -> None:
        self.desk.act("cash", PayPlanNum=self.number, amount_cents=self.dice.choice([40_00, 100_00, 130_00]))

    def cash_on_a_charge(self) -> None:
        rows = self.charges()
        if rows:
            row = self.dice.choice(rows)
            self.desk.act("cash", PayPlanChargeNum=row["PayPlanChargeNum"], amount_cents=50_00)

    def prepay(self) -> None:
        self.desk.act("cash", PayPlanNum=self.number, amount_cents=70_00, prepayment=True)

    def amount(self) -> None:
        self.desk.act("edit_plan", PayPlanNum=self.number, PayAmt=self.dice.choice([80, 100, 125]))

    def charge(self) -> None:
        rows = self.charges()
        if rows:
            row = self.dice.choice(rows)
            cents = self.dice.choice([0, 30_00, row["principal_cents"]])
            self.desk.act("edit_charge", PayPlanChargeNum=row["PayPlanChargeNum"], principal_cents=cents)

    def service(self) -> None:
        self.desk.act("service", on=False)
        self.desk.wait(days=self.dice.choice([10, 32]))
        self.desk.act("service", on=True)

    def complete(self) -> None:
        self.desk.act("procedure", ProcNum=self.planned, ProcStatus="C")

    def charges(self) -> list[dict[str, Any]]:
        rows = self.desk.books("payplancharges")
        return [row for row in rows if row["PayPlanNum"] == self.number and row["ChargeType"] == "Debit"]

    def expected(self) -> list[tuple[str, int]]:
        """(date, cents) per installment: the office's rows by date, then what it says it will issue."""
        due: dict[str, int] = {}
        for row in self.charges():
            due[row["ChargeDate"]] = due.get(row["ChargeDate"], 0) + row["principal_cents"] + row["interest_cents"]
        coming = self.desk.outside.http.get(f"/_sandbox/offices/{self.desk.key}/plans/{self.number}/projection").json()
        for row in coming:
            due[row["date"]] = due.get(row["date"], 0) + row["principal_cents"] + row["interest_cents"]
        return sorted((day, cents) for day, cents in due.items() if cents)

    def paid(self) -> int:
        splits = self.desk.books("paysplits")
        return sum(split["amount_cents"] for split in splits if split["PayPlanNum"] == self.number)

    def expected_paid(self, live: list[Installment]) -> int:
        """Money that names a charge stays on it; the rest fills up what is open. Taking back comes out of overages."""
        issued = [row for row in live if row.is_issued]
        splits = [split for split in self.desk.books("paysplits") if split["PayPlanNum"] == self.number]
        named = []
        for row in issued:
            numbers = set(row.charge_rows.values_list("pay_plan_charge_num", flat=True))
            named.append(sum(split["amount_cents"] for split in splits if split["PayPlanChargeNum"] in numbers))
        kept = sum(min(row.amount_cents, max(0, cents)) for row, cents in zip(issued, named, strict=True))
        over = sum(max(0, cents - row.amount_cents) for row, cents in zip(issued, named, strict=True))
        loose = self.paid() - sum(named)
        loose = min(0, loose + over) if loose < 0 else loose
        expected: int = max(0, min(sum(row.amount_cents for row in issued), kept + loose))
        return expected


@pytest.mark.parametrize("seed", [1, 2, 20])
def test_whatever_staff_do_the_schedule_and_what_is_paid_agree_with_the_books(desk: Desk, seed: int) -> None:
    walk = Walk(desk, seed)
    desk.wait(seconds=10)
    desk.pull()
    path: list[str] = []
    seen: set[int] = set()
    for _ in range(STEPS):
        path.append(walk.step())
        result = desk.pull(cycles=4)
        assert (result.problem, result.problems) == ("", 0)
        rows = installments(walk.number)
        live = [row for row in rows if row.status != Installment.Status.CANCELED]
        ours = sorted((row.due_date.isoformat(), row.amount_cents) for row in live)
        assert ours == walk.expected(), path
        assert sum(row.office_paid_cents for row in live) == walk.expected_paid(live), path
        assert all((row.status == "PAID") == (row.owed_cents == 0) for row in live), path
        # Never deleted, and nobody's identity is lost.
        assert seen <= {row.pk for row in rows}, path
        seen = {row.pk for row in rows}
    assert plan_of(walk.number).schedule_problem == ""
