"""Money is read strictly from people, leniently from Open Dental, shown one way, and divided without losing a cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    Readable,
    UnableToReadMoney,
    allocate,
    format_cents,
    lenient_cents,
    parse_cents,
    split_evenly,
)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("128.60", 128_60),
        ("128.6", 128_60),
        ("128", 128_00),
        ("128.", 128_00),
        (".5", 50),
        ("$1,234.50", 1234_50),
        (" $ 1,000,000 ", 1_000_000_00),
        ("-5", -5_00),
        ("−$5.00", -5_00),
        ("$-5.00", -5_00),
        (7, 7_00),
        (128.6, 128_60),
        (0.07, 7),
        (Decimal("0.050"), 5),
        (-0.0, 0),
    ],
)
def test_an_amount_is_read_to_the_cent(amount: Readable, cents: int) -> None:
    assert parse_cents(amount) == cents


@pytest.mark.parametrize(
    "amount",
    ["", " ", ".", "$", "-", "--5", "-$-5", "1,23", "1,2345", "12,34.00", "1e3", "NaN", "five", "1.2.3", "5 USD", "٣",
     "1_000", True, float("nan"), float("inf"), Decimal("NaN"), 1e15],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: Readable) -> None:
    with pytest.raises(UnableToReadMoney, match="not an amount of money"):
        parse_cents(amount)
    with pytest.raises(UnableToReadMoney, match="not an amount of money"):
        lenient_cents(amount)


@pytest.mark.parametrize("amount", ["1.005", 0.1 + 0.2, Decimal("0.001"), "128.601"])
def test_fractions_of_a_cent_are_refused_from_people(amount: Readable) -> None:
    with pytest.raises(UnableToReadMoney, match="fractions of a cent"):
        parse_cents(amount)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [(0.1 + 0.2, 30), (81.4799999999, 81_48), ("1.005", 1_01), (-1.005, -1_01), ("339", 339_00), (140, 140_00), (0, 0)],
)
def test_doubles_of_open_dental_are_rounded_half_up(amount: Readable, cents: int) -> None:
    assert lenient_cents(amount) == cents


def test_money_is_shown_one_way() -> None:
    shown = [format_cents(cents) for cents in (0, 5, 128_60, 1234567_89, -5_00, -1)]
    assert shown == ["$0.00", "$0.05", "$128.60", "$1,234,567.89", "−$5.00", "−$0.01"]


def test_leftover_cents_go_to_the_largest_remainders() -> None:
    assert split_evenly(100_00, 3) == [33_34, 33_33, 33_33]
    assert split_evenly(-10, 4) == [-3, -3, -2, -2]
    assert allocate(100, [1, 0, 2]) == [33, 0, 67]
    assert allocate(5, [3, 3, 3]) == [2, 2, 1]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_without_a_proportion_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(100, weights)


@given(st.integers(-(10**9), 10**9))
def test_what_is_shown_reads_back_as_the_same_cents(cents: int) -> None:
    assert parse_cents(format_cents(cents)) == cents
    assert lenient_cents(cents / 100) == cents


@given(
    st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(lambda w: sum(w) > 0)
)
def test_parts_sum_to_the_whole_and_stray_less_than_a_cent(cents: int, weights: list[int]) -> None:
    parts = allocate(cents, weights)
    assert sum(parts) == cents
    assert all(
        abs(part * sum(weights) - cents * weight) < sum(weights) for part, weight in zip(parts, weights, strict=True)
    )
