"""Two payers of one plan: their parts sum to what is owed, to the cent, whatever was paid by whom."""

from __future__ import annotations

from datetime import date

import pytest

from payplans.models import Installment, PlanShare
from payplans.shares import Shares

ANA, BEN, CORA = 1, 2, 3


def share(
    pk: int, payer: int | None, *, bp: int | None = None, cents: int | None = None, day: str = "2026-04-01"
) -> PlanShare:
    return PlanShare(pk=pk, payer_id=payer, percent_bp=bp, cents=cents, from_date=date.fromisoformat(day))


def due(day: str = "2026-04-10", cents: int = 128_61, **facts: int) -> Installment:
    when = date.fromisoformat(day)
    return Installment(pk=7, due_date=when, first_due_date=when, principal_cents=cents, **facts)


@pytest.mark.parametrize(
    ("rows", "one", "owed"),
    [
        ([], due(), {ANA: 128_61}),
        ([share(1, BEN, bp=50_00)], due(), {ANA: 64_30, BEN: 64_31}),
        ([share(1, BEN, bp=33_33)], due(cents=100_00), {ANA: 66_67, BEN: 33_33}),
        ([share(1, BEN, cents=40_00)], due(), {ANA: 88_61, BEN: 40_00}),
        # Each has paid; the other still owes all of their own.
        ([share(1, BEN, bp=50_00)], due(collected_cents=64_31, shared_cents=64_31), {ANA: 64_30}),
        ([share(1, BEN, bp=50_00)], due(collected_cents=64_30), {BEN: 64_31}),
        # What the office takes counts for the guarantor first.
        ([share(1, BEN, bp=50_00)], due(office_paid_cents=30_00), {ANA: 34_30, BEN: 64_31}),
        ([share(1, BEN, bp=50_00)], due(office_paid_cents=100_00), {BEN: 28_61}),
        # Not before the first day, and by the day that the schedule first gave it.
        ([share(1, BEN, bp=50_00)], due("2026-03-31"), {ANA: 128_61}),
        ([share(1, BEN, bp=50_00), share(2, CORA, bp=10_00, day="2026-05-01")], due(), {ANA: 64_30, BEN: 64_31}),
        ([share(1, BEN, bp=50_00), share(2, CORA, cents=10_00)], due(), {ANA: 118_61, CORA: 10_00}),
        ([share(1, BEN, bp=50_00), share(2, None)], due(), {ANA: 128_61}),
        # Too small for a card; a guarantor is no second payer.
        ([share(1, BEN, bp=10)], due(), {ANA: 128_61}),
        ([share(1, BEN, bp=50_00)], due(cents=99), {ANA: 99}),
        ([share(1, ANA, bp=50_00)], due(), {ANA: 128_61}),
        ([share(1, BEN, bp=50_00)], due(is_down_payment=True), {ANA: 128_61}),
    ],
)  # fmt: skip
def test_the_parts_of_the_payers_sum_to_what_is_owed(
    rows: list[PlanShare], one: Installment, owed: dict[int, int]
) -> None:
    found = Shares(ANA, rows).owed(one)

    assert found == owed
    assert sum(found.values()) == one.owed_cents
