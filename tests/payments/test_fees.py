"""What fees come to: exact to the cent for every amount, never where the rules bar them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import fees
from payments.fees import Means, Mode, Terms

CENTS = st.integers(1, 99_999_99)
RATES = st.integers(1, 1000)
DISCOUNT, SURCHARGE = Terms(Mode.DISCOUNT, discount=300), Terms(Mode.SURCHARGE, surcharge=300, cost=275)


@pytest.mark.parametrize(
    ("terms", "means", "state", "total"),
    [
        (Terms(), Means.CASH, "TX", 100_00),
        (DISCOUNT, Means.CASH, "TX", 97_00),
        (DISCOUNT, Means.CREDIT, "TX", 100_00),
        (DISCOUNT, Means.OTHER, "TX", 100_00),
        (DISCOUNT, Means.CASH, "CT", 97_00),
        (SURCHARGE, Means.CREDIT, "TX", 102_75),
        (SURCHARGE, Means.CREDIT, "CO", 102_00),
        (SURCHARGE, Means.CREDIT, "CT", 100_00),
        (SURCHARGE, Means.CREDIT, "ME", 100_00),
        (SURCHARGE, Means.CREDIT, "MA", 100_00),
        (SURCHARGE, Means.CREDIT, "", 100_00),
        (SURCHARGE, Means.DEBIT, "TX", 100_00),
        (SURCHARGE, Means.PREPAID, "TX", 100_00),
        (SURCHARGE, Means.OTHER, "TX", 100_00),
        (SURCHARGE, Means.CASH, "TX", 100_00),
    ],
)
def test_a_hundred_dollars_cost_this(terms: Terms, means: str, state: str, total: int) -> None:
    assert fees.quote(terms, cents=100_00, means=means, state=state).total_cents == total


@pytest.mark.parametrize(
    ("funding", "means"),
    [("credit", Means.CREDIT), ("debit", Means.DEBIT), ("prepaid", Means.PREPAID), ("unknown", Means.OTHER),
     ("", Means.OTHER), ("cash", Means.OTHER)],
)  # fmt: skip
def test_a_card_is_what_its_funding_says_and_never_cash(funding: str, means: Means) -> None:
    assert Means.of_card(funding) is means


def test_the_sentence_names_every_amount_and_the_right_to_pay_otherwise() -> None:
    assert fees.quote(DISCOUNT, cents=85_00, means=Means.CASH, state="").sentence == (
        "Card price $85.00, with cash or check $82.45: $2.55 less."
    )
    assert fees.quote(SURCHARGE, cents=85_00, means=Means.CREDIT, state="TX").sentence == (
        "$85.00 and a surcharge of 2.75 % for paying with a credit card, $2.33: $87.33. "
        "No surcharge on debit cards, cash and checks: you may choose another way to pay."
    )


@given(CENTS, RATES)
def test_a_discount_rounds_half_up_and_leaves_a_cent(cents: int, rate: int) -> None:
    quote = fees.quote(Terms(Mode.DISCOUNT, discount=rate), cents=cents, means=Means.CASH, state="")
    assert quote.total_cents + quote.fee_cents == cents
    assert quote.total_cents >= 1
    assert quote.fee_cents == min((2 * cents * rate + 10_000) // 20_000, cents - 1)


@given(CENTS, RATES, RATES, st.sampled_from(["TX", "CO"]))
def test_a_surcharge_never_exceeds_its_caps(cents: int, rate: int, cost: int, state: str) -> None:
    terms = Terms(Mode.SURCHARGE, surcharge=rate, cost=cost)
    quote = fees.quote(terms, cents=cents, means=Means.CREDIT, state=state)
    lowest = min(rate, cost, 200 if state == "CO" else 300)
    assert quote.total_cents == cents + quote.fee_cents
    assert quote.fee_cents * 10_000 <= cents * lowest < (quote.fee_cents + 1) * 10_000


@given(st.lists(CENTS, min_size=1, max_size=8), RATES)
def test_a_discount_is_spread_to_the_cent_and_every_line_keeps_one(lines: list[int], rate: int) -> None:
    quote = fees.quote(Terms(Mode.DISCOUNT, discount=rate), cents=sum(lines), means=Means.CASH, state="", lines=lines)
    shares = fees.spread_discount(quote.fee_cents, lines)
    assert sum(shares) == quote.fee_cents
    assert all(0 <= share < line for share, line in zip(shares, lines, strict=True))


def test_lines_of_a_cent_leave_no_room() -> None:
    assert fees.spread_discount(2, [1, 1, 3]) == [0, 0, 2]
    with pytest.raises(ValueError, match="no room"):
        fees.spread_discount(3, [1, 1, 3])


@given(st.data(), CENTS, st.integers(1, 300))
def test_refunds_bear_the_surcharge_exactly_when_all_is_given_back(data: st.DataObject, base: int, rate: int) -> None:
    """In any parts, also when some of them fail afterwards and free their share."""
    surcharge = base * rate // 10_000
    total, standing = base + surcharge, list[tuple[int, int]]()
    for _ in range(data.draw(st.integers(0, 6))):
        held = sum(back for back, _ in standing)
        if held < total:
            back = data.draw(st.integers(1, total - held))
            standing.append((back, share(surcharge, total, back, standing)))
        fails = data.draw(st.booleans())
        if standing and fails:
            standing.pop(data.draw(st.integers(0, len(standing) - 1)))
    held = sum(back for back, _ in standing)
    if held < total:
        standing.append((total - held, share(surcharge, total, total - held, standing)))
    assert sum(borne for _, borne in standing) == surcharge
    assert all(0 <= borne <= back for back, borne in standing)


def share(surcharge: int, total: int, back: int, standing: list[tuple[int, int]]) -> int:
    held, borne = sum(one for one, _ in standing), sum(one for _, one in standing)
    return fees.refund_share(surcharge=surcharge, total=total, back=back, held=held, borne=borne)
