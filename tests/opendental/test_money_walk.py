"""Random charges, cash at the desk, broken wires: in the end every payment is in the books once, or a person knows."""

from __future__ import annotations

import random

import pytest

from opendental.recheck import recheck
from payments.models import Alarm, DueCheck, LedgerPosting
from payments.upward import UnableToRecheck
from payplans.models import Installment
from tests.opendental.desk import Desk, collect, installments

State = LedgerPosting.State
STEPS = 14
WIRES = ("POST /api/v1/payments", "PUT /api/v1/payments/*", "GET /api/v1/paysplits", "PUT /api/v1/queries/*")
KINDS = ("drop_before", "drop_after", "error_before", "error_after", "throttle")


class Walk:
    """Two plans of one family, charged in turn while staff take cash and wires break."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.dice = random.Random(seed)
        patient = desk.patient()
        self.plans = [desk.plan(patient, DatePayPlanStart="2022-07-01") for _ in range(2)]
        desk.at("2022-08-01 10:00")
        desk.pull(cycles=2)

    def step(self) -> str:
        move = self.dice.choice([self.charge, self.charge, self.cash, self.days, self.post, self.post])
        move()
        self.desk.wait(seconds=self.dice.choice([5, 61, 130]))
        self.desk.pull()
        return move.__name__

    def charge(self) -> None:
        """Only what the product would charge: asked for anew, still owed, no obstacle."""
        number = self.dice.choice(self.plans)
        open_ones = [row for row in installments(number) if row.is_open and row.owed_cents >= 50]
        if not open_ones:
            return
        one = self.dice.choice(open_ones[:2])
        part = one.due_parts.get(state="OPEN")
        try:
            recheck(part.pk, now=self.desk.now())
        except UnableToRecheck:
            return
        check = DueCheck.objects.get(due_part=part)
        one.refresh_from_db()
        if not check.obstacle and one.is_open and check.owed_cents == one.owed_cents == part.amount_cents:
            collect(one, now=self.desk.now(), cents=one.owed_cents)

    def cash(self) -> None:
        number = self.dice.choice(self.plans)
        self.desk.act("cash", PayPlanNum=number, amount_cents=self.dice.choice([40_00, 100_00]))

    def days(self) -> None:
        self.desk.wait(days=self.dice.choice([3, 31]))

    def post(self) -> None:
        if self.dice.random() < 0.7:
            self.desk.outside.fault(self.dice.choice(WIRES), self.dice.choice(KINDS), times=self.dice.choice([1, 2]))
        self.desk.post()

    def heal(self) -> None:
        self.desk.outside.http.delete("/_sandbox/faults")
        for _ in range(6):
            self.desk.wait(minutes=16)
            self.desk.post()
        self.desk.pull(cycles=4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_payment_is_in_the_books_once_or_a_person_knows(desk: Desk, seed: int) -> None:
    walk = Walk(desk, seed)
    path = [walk.step() for _ in range(STEPS)]
    walk.heal()
    postings = list(LedgerPosting.objects.order_by("pk"))
    assert {posting.state for posting in postings} <= {State.MATCHED, State.MISMATCH}, path
    ours = sorted((row["CheckNum"], row["PayNum"]) for row in desk.books("payments") if row["CheckNum"][:3] == "KP-")
    assert ours == sorted((posting.reference, posting.pay_num) for posting in postings), path
    for posting in postings:
        told = Alarm.objects.filter(key=f"posting:{posting.pk}", closed_at=None).exists()
        assert told is (posting.state == State.MISMATCH), (path, posting.state_reason)
    if "cash" not in path:
        # Nobody else touched the plan, so nothing may be out of place.
        assert {posting.state for posting in postings} <= {State.MATCHED}, path
    collected = sum(row.collected_cents for row in Installment.objects.all())
    assert collected == sum(posting.amount_cents for posting in postings), path
