"""One payment or refund followed: taken, posted, read back, in a payout, paid out. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from payments.models import LedgerPosting, Payment, Payout, PayoutLine, Refund
from payments.settlement import IN_LEDGER, Place, place_of
from practices.chips import BAD, CALM, GOOD, INFO, TONE_ICONS, WARN, chip


@dataclass(frozen=True)
class Step:
    """`at` a moment or `day` a bank's day, where there is one. `payout` is what to open for more."""

    words: str
    tone: str
    at: datetime | None = None
    day: date | None = None
    payout: Payout | None = None

    @property
    def icon(self) -> str:
        return TONE_ICONS[self.tone]


@dataclass(frozen=True)
class Followed:
    """A payment, or a refund of one, with what became of it. `cents` is below zero for a refund."""

    payment: Payment
    refund: Refund | None
    posting: LedgerPosting | None
    line: PayoutLine | None

    @property
    def cents(self) -> int:
        return self.refund.back_cents if self.refund else self.payment.amount_cents

    @property
    def at(self) -> datetime:
        if self.refund is None:
            return self.payment.paid_at
        return self.refund.settled_at or self.refund.started_at

    @property
    def reference(self) -> str:
        """The processor's id of it."""
        return self.refund.reference if self.refund else self.payment.processor_reference

    @property
    def payout(self) -> Payout | None:
        """The payout that carries its money now."""
        return self.line.carrier if self.line else None

    @property
    def place(self) -> Place:
        in_hand = not self.payment.processor_reference
        return place_of(self.payout.state if self.payout else None, None, in_hand=in_hand)

    @property
    def steps(self) -> list[Step]:
        taken = Step("Given back" if self.refund else "Taken", GOOD, at=self.at)
        return [taken, *_ledger_steps(self.posting), *self._payout_steps()]

    def _payout_steps(self) -> list[Step]:
        payout, place = self.payout, self.place
        if payout is None:
            return [Step(str(place), CALM)]
        inside = Step("In a payout", GOOD, at=payout.made_at, payout=payout)
        match place:
            case Place.PAID:
                return [inside, Step("Paid out to the bank", GOOD, day=payout.arrives_date)]
            case Place.RETURNED:
                return [inside, Step("The bank returned the payout", BAD)]
        return [inside, Step("Expected at the bank", INFO, day=payout.arrives_date)]


def _ledger_steps(posting: LedgerPosting | None) -> list[Step]:
    if posting is None:
        return [Step("Not posted to Open Dental", WARN)]
    if posting.state not in IN_LEDGER:
        shown = chip(f"posting:{posting.state}")
        return [Step(shown.word, shown.tone)]
    posted = Step("Posted to Open Dental", GOOD)
    if posting.state == LedgerPosting.State.MATCHED:
        return [posted, Step("Read back from Open Dental", GOOD, at=posting.matched_at)]
    if posting.state == LedgerPosting.State.MISMATCH:
        return [posted, Step("Open Dental shows something else", BAD)]
    return [posted, Step("Not read back yet", INFO)]


def follow_payments(payments: Sequence[Payment]) -> list[Followed]:
    """Payments with payer and postings fetched; one query."""
    lines = _lines(Q(payment__in=[one.pk for one in payments], kind=PayoutLine.Kind.PAYMENT))
    found = {line.payment_id: line for line in lines}
    return [Followed(one, None, one.posting, found.get(one.pk)) for one in payments]


def follow_refunds(refunds: Sequence[Refund]) -> list[Followed]:
    """Refunds with their payment and posting fetched; one query."""
    lines = _lines(Q(refund__in=[one.pk for one in refunds], kind=PayoutLine.Kind.REFUND))
    found = {line.refund_id: line for line in lines}
    return [Followed(one.payment, one, getattr(one, "posting", None), found.get(one.pk)) for one in refunds]


def _lines(of: Q) -> Iterable[PayoutLine]:
    return PayoutLine.objects.filter(of).select_related("payout__carried_by")
