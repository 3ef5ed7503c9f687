"""Plan drift: what Open Dental changed on a plan since its payer agreed, before and after (ADR 14). Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cards.models import Consent
from core.calendar import local_date
from payplans.models import Installment, PayPlan
from payplans.shares import Shares


@dataclass(frozen=True)
class Change:
    """One payment as it was agreed to and as it is. Days are practice-local; None: there was or is none."""

    before_day: date | None
    before_cents: int | None
    after_day: date | None
    after_cents: int | None
    is_above: bool

    @property
    def day(self) -> date:
        return self.after_day or self.before_day or date.min


@dataclass(frozen=True)
class Drift:
    """Falsy: nothing changed. `rates`: agreed and current, in percent, when they differ."""

    changes: list[Change]
    rates: tuple[str, str] | None
    max_charge_cents: int

    def __bool__(self) -> bool:
        return bool(self.changes or self.rates)

    @property
    def is_above(self) -> bool:
        """Some payment is more than one charge may be: held until there is a new consent."""
        return any(one.is_above for one in self.changes)

    @property
    def first_above(self) -> Change | None:
        return next((one for one in self.changes if one.is_above), None)


def of(plan: PayPlan, consent: Consent, owed: Mapping[Installment, int]) -> Drift:
    """`owed`: what is to be collected from the one who gave the consent, in cents, of every installment of the plan."""
    agreed = {line["installment"]: line for line in consent.schedule if "installment" in line}
    knows = bool(agreed) or not consent.schedule
    since = local_date(consent.given_at, plan.practice.zone)
    changes = [
        change
        for one, cents in owed.items()
        if not one.is_down_payment and (change := _change(one, cents, agreed.get(one.pk), consent, since, knows))
    ]
    return Drift(sorted(changes, key=lambda one: one.day), _rates(plan, consent), consent.max_charge_cents)


def _change(
    one: Installment, cents: int, line: Mapping[str, Any] | None, consent: Consent, since: date, knows: bool
) -> Change | None:
    is_above = one.is_open and cents > consent.max_charge_cents
    if line is None:
        # Overdue before the consent, or of a consent that is older than the ids in it: only what is held is news.
        is_new = knows and one.is_open and cents > 0 and one.due_date >= since
        return Change(None, None, one.due_date, cents, is_above) if is_above or is_new else None
    day, was = date.fromisoformat(line["due_date"]), int(line["amount_cents"])
    if one.status == Installment.Status.CANCELED:
        return Change(day, was, None, None, is_above=False)
    if not one.is_open or (one.due_date == day and _is_as_agreed(one, cents, was)):
        return None
    return Change(day, was, one.due_date, cents, is_above)


def _is_as_agreed(one: Installment, cents: int, was: int) -> bool:
    """Money paid on it makes it less: no change of the plan."""
    is_paid_on = one.collected_cents + one.office_paid_cents + one.forgiven_cents > 0
    return cents == was or (cents < was and is_paid_on)


def _rates(plan: PayPlan, consent: Consent) -> tuple[str, str] | None:
    before, after = str(consent.terms.get("apr", "")), f"{plan.apr.normalize():f}"
    return (before, after) if before and before != after else None


def of_payer(
    plan: PayPlan, consent: Consent, installments: Iterable[Installment], shared: Shares, payer_id: int
) -> Drift:
    """Of this payer's own part. A share that was set or ended since counts as a change, as it is one for them."""
    return of(plan, consent, {one: shared.owed_by(one, payer_id) for one in installments})
