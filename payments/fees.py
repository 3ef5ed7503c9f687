"""What a fee comes to: less for cash and checks (dual price), or a surcharge on credit cards. Pure, in cents (ADR 8).

A discount is rounded half up, a surcharge down, so that it is never above its cap. Rates are hundredths of a percent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from core.money import allocate, format_cents
from payments.models import Attempt, FeeSettings, TenderFee

Mode, Kind = FeeSettings.Mode, TenderFee.Kind
WHOLE = 10_000
# The lower of the card networks' own limits; the practice's cost of acceptance and its state may lower it further.
NETWORK_CAP = 300
STATE_CAPS = {"CO": 200}
BARRED = {"CT": "Connecticut", "ME": "Maine", "MA": "Massachusetts"}


class Means(StrEnum):
    """What pays, as far as fees ask. Cards are told by their funding; what nobody knows is never surcharged."""

    CASH = "cash"
    CREDIT = "credit"
    DEBIT = "debit"
    PREPAID = "prepaid"
    OTHER = "other"

    @classmethod
    def of_card(cls, funding: str) -> Means:
        return cls(funding) if funding in (cls.CREDIT, cls.DEBIT, cls.PREPAID) else cls.OTHER


@dataclass(frozen=True)
class Terms:
    """What a practice decided. `cost` is what accepting a card costs it."""

    mode: str = Mode.ABSORB
    discount: int = 0
    surcharge: int = 0
    cost: int = 0


@dataclass(frozen=True)
class Quote:
    """`base_cents` of the account are settled by `total_cents` of money; the fee is the difference, never below 0."""

    base_cents: int
    fee_cents: int = 0
    kind: str = ""
    rate: int = 0

    @property
    def total_cents(self) -> int:
        return self.base_cents - self.fee_cents if self.kind == Kind.DISCOUNT else self.base_cents + self.fee_cents

    @property
    def sentence(self) -> str:
        """What the patient is told before paying."""
        base, fee, total = (format_cents(one) for one in (self.base_cents, self.fee_cents, self.total_cents))
        if not self.fee_cents:
            return f"{base}."
        if self.kind == Kind.DISCOUNT:
            return f"Card price {base}, with cash or check {total}: {fee} less."
        return (
            f"{base} and a surcharge of {percent(self.rate)} for paying with a credit card, {fee}: {total}. "
            "No surcharge on debit cards, cash and checks: you may choose another way to pay."
        )


def quote(terms: Terms, *, cents: int, means: str, state: str, lines: Sequence[int] | None = None) -> Quote:
    """What settling `cents` costs by these means. `lines`: the cents of them that name procedures; None: all in one.

    `state` is the practice's, two letters. Never a fee on anything the rules don't name.
    """
    if terms.mode == Mode.DISCOUNT and means == Means.CASH:
        named = [cents] if lines is None else lines
        off = min(half_up(sum(named), terms.discount), room_for_discount(named))
        return Quote(cents, off, Kind.DISCOUNT, terms.discount) if off > 0 else Quote(cents)
    if terms.mode == Mode.SURCHARGE and means == Means.CREDIT:
        rate = surcharge_rate(terms, state)
        fee = cents * rate // WHOLE
        return Quote(cents, fee, Kind.SURCHARGE, rate) if fee > 0 else Quote(cents)
    return Quote(cents)


def half_up(cents: int, rate: int) -> int:
    return (cents * rate + WHOLE // 2) // WHOLE


def surcharge_rate(terms: Terms, state: str) -> int:
    """The lowest of what was decided, the cost of acceptance and the caps; 0 where none may be taken."""
    return 0 if state_refusal(state) else min(terms.surcharge, terms.cost, cap(state))


def cap(state: str) -> int:
    return min(NETWORK_CAP, STATE_CAPS.get(state, NETWORK_CAP))


def state_refusal(state: str) -> str:
    """Why no surcharge may be taken there, in a sentence; '' = it may."""
    if not state:
        return "Choose the practice's state first: some states bar surcharges or cap them."
    if state in BARRED:
        return f"{BARRED[state]} does not permit surcharges on cards. A cash discount is permitted."
    return ""


def percent(rate: int) -> str:
    """250 -> "2.5 %"."""
    return f"{f'{rate / 100:.2f}'.rstrip('0').rstrip('.')} %"


def spread_discount(off_cents: int, lines: Sequence[int]) -> list[int]:
    """The discount of each line (cents): largest remainder, summing to it exactly, each less than its line.

    Raises ValueError when the lines have no room for it.
    """
    if off_cents > room_for_discount(lines):
        raise ValueError("the lines have no room for this discount")
    found = allocate(off_cents, lines) if off_cents else [0] * len(lines)
    for place, line in enumerate(lines):
        while found[place] and found[place] >= line:
            roomiest = max(range(len(lines)), key=lambda one: lines[one] - found[one])
            found[place] -= 1
            found[roomiest] += 1
    return found


def room_for_discount(lines: Sequence[int]) -> int:
    """The most that can come off these lines: each keeps a cent of money."""
    return sum(max(0, line - 1) for line in lines)


def refund_share(*, surcharge: int, total: int, back: int, held: int, borne: int) -> int:
    """What of a refund of `back` cents is surcharge. `held` cents of the `total` are given back already, of which
    `borne` were surcharge. All shares sum to the surcharge exactly when all is given back.
    """
    due = min(surcharge, surcharge * (held + back) // total) - borne
    return max(0, min(back, due))


def receipt_lines(attempt: Attempt) -> list[tuple[str, int]]:
    """What a receipt says beside the work at its posted price: [(label, cents)], a discount below zero; [] without a
    fee. In the language in force.
    """
    fee = attempt.due_part.fee
    if fee is None:
        return []
    if fee.kind == Kind.DISCOUNT:
        return [(_("Cash discount"), -fee.fee_cents)]
    return [(_("Surcharge for paying with a credit card (%(rate)s)") % {"rate": percent(fee.rate)}, fee.fee_cents)]
