"""Truth in Lending: which credit must be disclosed, and that the numbers add up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cards import lending_words
from payplans import lending
from payplans.lending import Payment

# $500 in five payments at 12 %, the last one smaller.
FIVE = [Payment(date(2026, month, 24), cents, interest) for month, cents, interest in (
    (1, 98_00, 5_00), (2, 98_98, 4_02), (3, 99_97, 3_03), (4, 100_97, 2_03), (5, 102_08, 1_02),
)]  # fmt: skip


def plain(count: int) -> list[Payment]:
    return [Payment(date(2026, 1, day + 1), 100_00, 0) for day in range(count)]


@pytest.mark.parametrize(
    ("count", "apr", "is_needed"), [(4, "0", False), (5, "0", True), (1, "0.5", True), (0, "9", False)]
)
def test_interest_or_more_than_four_payments_need_a_disclosure(count: int, apr: str, is_needed: bool) -> None:
    assert (lending.of(plain(count), Decimal(apr)) is not None) is is_needed


def test_the_disclosed_numbers_sum_to_the_cent() -> None:
    told = lending.of(FIVE, Decimal("12.0000"))

    assert told is not None
    assert (told.amount_financed_cents, told.finance_charge_cents, told.total_cents) == (500_00, 15_10, 515_10)
    assert [(run.count, run.cents) for run in told.runs()] == [(4, 103_00), (1, 103_10)]
    assert told.as_json()["apr"] == "12"
    assert sum(line["amount_cents"] for line in told.as_json()["payments"]) == 515_10


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Finance charge, what the credit costs me: $15.10"),
        ("en", "Payments: 4 of $103.00, 01/24/2026 to 04/24/2026; 1 of $103.10, 05/24/2026"),
        ("es", "Tasa de porcentaje anual (APR): 12 %"),
        ("es", "Pagos: 4 de $103.00, 01/24/2026 a 04/24/2026; 1 de $103.10, 05/24/2026"),
        ("fr", "Total of payments, when all are made as scheduled: $515.10"),
    ],
)
def test_the_disclosure_is_said_in_the_language_of_the_consent(language: str, words: str) -> None:
    told = lending.of(FIVE, Decimal(12))

    assert told is not None
    assert words in lending_words.text(told, "Maple Grove Dental", language)
