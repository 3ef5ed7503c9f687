"""Which fee terms of a practice are in force, why one is not taken now, and what a tender of a sale costs (ADR 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.calendar import local_date
from payments import fees, sale_spread, upward
from payments.fees import Means, Mode, Quote, Terms
from payments.models import FeeSettings, Sale
from practices.models import Practice


@dataclass(frozen=True)
class Offer:
    """What holds for a tender now. `refusal`: why the fee that was decided is not taken, in a sentence; '' = it is."""

    settings: FeeSettings | None
    state: str
    refusal: str = ""

    @property
    def terms(self) -> Terms:
        return Terms() if self.settings is None or self.refusal else terms_of(self.settings)

    @property
    def is_on(self) -> bool:
        return self.terms.mode != Mode.ABSORB

    def means_of_type(self, pay_type_num: int) -> Means:
        """Of money that is recorded with this payment type of Open Dental."""
        is_cash = self.settings is not None and pay_type_num in self.settings.cash_types
        return Means.CASH if is_cash else Means.OTHER

    def quote(self, sale: Sale, *, cents: int, means: str) -> Quote:
        """What settling `cents` of the sale costs. Under the sale's lock when something is decided by it."""
        if self.terms.mode != Mode.DISCOUNT or means != Means.CASH:
            return fees.quote(self.terms, cents=cents, means=means, state=self.state)
        named = [part for line, part in sale_spread.spread(sale, cents) if line.proc_num]
        return fees.quote(self.terms, cents=cents, means=means, state=self.state, lines=named)


def offer(practice: Practice, now: datetime) -> Offer:
    found = in_force(practice.pk, local_date(now, practice.zone))
    return Offer(found, practice.state, refusal(practice, found) if found else "")


def in_force(practice_id: int, today: date) -> FeeSettings | None:
    """The newest decision whose day has come."""
    return FeeSettings.objects.filter(practice=practice_id, effective_on__lte=today).order_by("-pk").first()


def terms_of(settings: FeeSettings) -> Terms:
    return Terms(settings.mode, settings.discount_rate, settings.surcharge_rate, settings.cost_rate)


def refusal(practice: Practice, settings: FeeSettings) -> str:
    """Why what was decided can't be done now: the state bars it, or the office takes no such adjustment any more."""
    if settings.mode == Mode.SURCHARGE:
        return fees.state_refusal(practice.state)
    if settings.mode == Mode.DISCOUNT:
        types = upward.handlers.adjustment_types(practice.pk)
        if types.refusal or settings.adj_type_num in types.names:
            return types.refusal
        return "The adjustment type of the discount is gone from Open Dental: choose another one."
    return ""
