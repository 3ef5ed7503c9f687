"""Daily settlement: what was taken on each practice-local day, and where that money is. Pure.

A day's movements are the payments taken and the refunds given back on it, and what else the processor booked. Each has
one place (Place), so that moved - paid out is explained to the cent: docs/money.md, "Payouts".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from payments.models import LedgerPosting, Payout

IN_LEDGER = (LedgerPosting.State.POSTED, LedgerPosting.State.MATCHED, LedgerPosting.State.MISMATCH)
_BACK = (Payout.State.FAILED, Payout.State.CANCELED)


class Place(StrEnum):
    """Where the money of a movement is."""

    PAID = "Paid out to the bank"
    ON_THE_WAY = "In a payout on its way to the bank"
    RETURNED = "In a payout that came back"
    NOT_YET = "Not in a payout yet"
    IN_HAND = "Cash, checks and other: not through the card processor"


class Source(StrEnum):
    PAYMENT = "Payments"
    REFUND = "Refunds"
    OTHER = "Other at the processor"


def place_of(state: str | None, carrier_state: str | None, *, in_hand: bool) -> Place:
    """`state` of the payout that holds it (None: none does), `carrier_state` of the one that carries it since."""
    if state in _BACK and carrier_state:
        state = carrier_state
    if state is None:
        return Place.IN_HAND if in_hand else Place.NOT_YET
    if state == Payout.State.PAID:
        return Place.PAID
    return Place.RETURNED if state in _BACK else Place.ON_THE_WAY


@dataclass
class Sums:
    """Signed cents. `moved` by our books, `counted` by the processor's, which less its `fee` is `net`."""

    n: int = 0
    moved: int = 0
    counted: int = 0
    fee: int = 0
    net: int = 0

    def add(self, other: Sums) -> None:
        self.n += other.n
        self.moved += other.moved
        self.counted += other.counted
        self.fee += other.fee
        self.net += other.net


@dataclass(frozen=True)
class Explained:
    """One line of the explanation of a difference; `n` movements."""

    words: str
    cents: int
    n: int
    tone: str = ""


@dataclass
class Day:
    """One practice-local day, or the sum of many (`day` None)."""

    day: date | None
    places: dict[tuple[Source, Place], Sums] = field(default_factory=dict)
    # By state of the posting; cents as they stand in our books.
    postings: dict[str, Sums] = field(default_factory=dict)

    def add(self, source: Source, place: Place, sums: Sums) -> None:
        self.places.setdefault((source, place), Sums()).add(sums)

    def add_posting(self, state: str, sums: Sums) -> None:
        self.postings.setdefault(state, Sums()).add(sums)

    def merge(self, other: Day) -> None:
        for (source, place), sums in other.places.items():
            self.add(source, place, sums)
        for state, sums in other.postings.items():
            self.add_posting(state, sums)

    def of(self, *wanted: Source | Place) -> Sums:
        """The sum over what is of one of the sources and in one of the places named; none named = all."""
        found = Sums()
        sources = [one for one in wanted if isinstance(one, Source)] or list(Source)
        places = [one for one in wanted if isinstance(one, Place)] or list(Place)
        for (source, place), sums in self.places.items():
            if source in sources and place in places:
                found.add(sums)
        return found

    @property
    def taken(self) -> Sums:
        return self.of(Source.PAYMENT)

    @property
    def refunds(self) -> Sums:
        """Below zero."""
        return self.of(Source.REFUND)

    @property
    def other(self) -> Sums:
        return self.of(Source.OTHER)

    @property
    def in_payout(self) -> Sums:
        return self.of(Place.PAID, Place.ON_THE_WAY, Place.RETURNED)

    @property
    def paid_out_cents(self) -> int:
        return self.of(Place.PAID).net

    @property
    def due_cents(self) -> int:
        """Still to come from the processor, before fees."""
        return self.of(Place.NOT_YET, Place.ON_THE_WAY, Place.RETURNED).moved

    @property
    def posted_cents(self) -> int:
        return sum(sums.moved for state, sums in self.postings.items() if state in IN_LEDGER)

    @property
    def read_back_cents(self) -> int:
        return self.postings.get(LedgerPosting.State.MATCHED, Sums()).moved

    @property
    def ledger_difference_cents(self) -> int:
        """Taken less given back, less what was read back from Open Dental."""
        return self.taken.moved + self.refunds.moved - self.read_back_cents

    @property
    def difference_cents(self) -> int:
        """What moved less what reached the bank."""
        return self.of().moved - self.paid_out_cents

    @property
    def explained(self) -> list[Explained]:
        """The difference line by line; the lines sum to it exactly."""
        paid = self.of(Place.PAID)
        lines = [Explained("Fees the card processor kept", paid.fee, paid.n)]
        for place, tone in ((Place.NOT_YET, ""), (Place.ON_THE_WAY, ""), (Place.RETURNED, "bad"), (Place.IN_HAND, "")):
            sums = self.of(place)
            lines.append(Explained(str(place), sums.moved, sums.n, tone))
        lines.append(Explained("The card processor counted another amount", paid.moved - paid.counted, 0, "bad"))
        return [line for line in lines if line.cents]

    @property
    def is_worrying(self) -> bool:
        return any(line.tone for line in self.explained)


def total(of: Iterable[Day]) -> Day:
    whole = Day(None)
    for one in of:
        whole.merge(one)
    return whole
