"""When a declined card is tried again. Pure: codes, history and policy in, a verdict out (docs/money.md).

Rules and sources (decision 14): soft declines daily; vague ones on days 1, 4, 8, then weekly; Mastercard advice 24-30
its own delay; never after a "never" code (declines.py); at most 15 declined tries in any 30 days per card (Visa Core
Rules, category 2-4; newer readings say 20, Mastercard 35); once a day per due part. No policy loosens them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from core.calendar import at_hour, local_date
from payplans.declines import NETWORK_DELAY_HOURS, Decline, Meaning, meaning, patient_words, words

__all__ = [
    "BUDGET",
    "BUDGET_DAYS",
    "EVERY_DAY",
    "Decline",
    "Policy",
    "Verdict",
    "VerdictKind",
    "after_decline",
    "budget_used",
    "may_pay_now",
]
BUDGET = 15
BUDGET_DAYS = 30
EVERY_DAY = frozenset(range(1, 8))
# Days from the first, second and third vague decline to the next try (days 1, 4 and 8); a week from then on.
VAGUE_GAPS = (1, 3, 4)
WEEK = 7
# A delay that ends shortly after the charge hour is waited out that day instead of losing a day.
PATIENCE = timedelta(hours=1)


class VerdictKind(Enum):
    RETRY = "RETRY"
    NEW_CARD = "NEW_CARD"
    STAFF = "STAFF"
    RECONCILE = "RECONCILE"
    WAIT_BUDGET = "WAIT_BUDGET"


@dataclass(frozen=True)
class Policy:
    """A practice's settings; it may only be gentler. `weekdays` are ISO (1 Monday), none meaning every day.

    `max_tries` bounds the declined tries of one due part in any 30 days.
    """

    zone: ZoneInfo
    charge_hour: int = 10
    weekdays: frozenset[int] = EVERY_DAY
    max_tries: int = BUDGET

    def __post_init__(self) -> None:
        if not self.weekdays <= EVERY_DAY:
            raise ValueError("weekdays are 1 (Monday) to 7 (Sunday)")
        if not 1 <= self.max_tries <= BUDGET:
            raise ValueError(f"max_tries is 1 to {BUDGET}")


@dataclass(frozen=True)
class Verdict:
    """`next_try_at` (UTC) is set for RETRY and WAIT_BUDGET only.

    `never_again`: the network forbids this card; otherwise NEW_CARD may also end by the patient confirming the card.
    `budget_used` of `budget` are declined tries in 30 days: the card's, or the due part's if closer.
    """

    kind: VerdictKind
    next_try_at: datetime | None
    reason: str
    patient_reason: str
    budget_used: int
    budget: int = BUDGET
    never_again: bool = False

    def on_another_card(self, at: datetime) -> Verdict:
        """What follows where another card takes over at that time (UTC); `never_again` is still of the first."""
        return replace(self, kind=VerdictKind.RETRY, next_try_at=at)


_ENDINGS = {
    Meaning.NEVER: (VerdictKind.NEW_CARD, "a new card is needed"),
    Meaning.PATIENT: (VerdictKind.NEW_CARD, "the patient must confirm or replace the card"),
    Meaning.RECONCILE: (VerdictKind.RECONCILE, "look for that payment before any other try"),
    Meaning.UNKNOWN: (VerdictKind.STAFF, "not tried again by itself, staff must decide"),
}


def after_decline(
    decline: Decline,
    *,
    due_part_declines: Sequence[datetime],
    card_declines: Sequence[datetime],
    policy: Policy,
    now: datetime,
) -> Verdict:
    """What follows from a decline that both histories already hold.

    `due_part_declines`: declined tries of the due part with this card, ever. `card_declines`: those of the card's
    fingerprint for anything, at least of the last 30 days. All aware datetimes of business time.
    """
    found = meaning(decline)
    limits = ((list(card_declines), BUDGET), (list(due_part_declines), policy.max_tries))
    used, budget = min(
        ((budget_used(tries, now), limit) for tries, limit in limits), key=lambda pair: pair[1] - pair[0]
    )
    told = patient_words(decline)
    patient_reason = f"The card was declined: {told}" if told else "The card was declined"
    if found in _ENDINGS:
        kind, ending = _ENDINGS[found]
        reason = f"Declined: {words(decline)}; {ending}"
        return Verdict(kind, None, reason, patient_reason, used, budget, never_again=found is Meaning.NEVER)
    wanted = _wanted(decline, found, len(due_part_declines), policy, now)
    allowed = _slot(local_date(wanted, policy.zone), max(wanted, _rested(limits, wanted)), policy)
    kind = VerdictKind.RETRY if allowed == wanted else VerdictKind.WAIT_BUDGET
    reason = f"Declined: {words(decline)}"
    if kind is VerdictKind.WAIT_BUDGET:
        reason += f"; {used} of {budget} tries in {BUDGET_DAYS} days are used, so it rests"
    return Verdict(kind, allowed, reason, patient_reason, used, budget)


def _wanted(decline: Decline, found: Meaning, declines: int, policy: Policy, now: datetime) -> datetime:
    """The next charge hour by the kind of decline alone: tomorrow at the earliest, on an allowed weekday."""
    today = local_date(now, policy.zone)
    hours = NETWORK_DELAY_HOURS.get(decline.network_advice_code)
    if hours is not None:
        not_before = now + timedelta(hours=hours)
        return _slot(max(today + timedelta(days=1), local_date(not_before, policy.zone)), not_before, policy)
    gap = _vague_gap(declines) if found is Meaning.VAGUE else 1
    return _slot(today + timedelta(days=gap), now, policy)


def _vague_gap(declines: int) -> int:
    place = max(1, declines) - 1
    return VAGUE_GAPS[place] if place < len(VAGUE_GAPS) else WEEK


def _slot(first_day: date, not_before: datetime, policy: Policy) -> datetime:
    """The first charge hour from `first_day` on, on an allowed weekday and not before an instant (UTC)."""
    day = first_day
    while True:
        hour = at_hour(day, policy.charge_hour, policy.zone)
        if day.isoweekday() in (policy.weekdays or EVERY_DAY):
            if hour >= not_before:
                return hour
            if not_before - hour <= PATIENCE and local_date(not_before, policy.zone) == day:
                return not_before
        day += timedelta(days=1)


def budget_used(declines: Sequence[datetime], at: datetime) -> int:
    """Declined tries in the 30 days before `at`."""
    return sum(declined > at - timedelta(days=BUDGET_DAYS) for declined in declines)


def _rested(limits: Sequence[tuple[list[datetime], int]], wanted: datetime) -> datetime:
    """The first instant from `wanted` on at which every limit has a try left."""
    instants = [wanted]
    for declines, limit in limits:
        counting = sorted(declines, reverse=True)[:limit]
        if len(counting) == limit:
            instants.append(counting[-1] + timedelta(days=BUDGET_DAYS))
    return max(instants)


def may_pay_now(
    *,
    never_again: bool,
    due_part_declines: Sequence[datetime],
    card_declines: Sequence[datetime],
    zone: ZoneInfo,
    now: datetime,
) -> str | None:
    """Why staff or the patient may not try this card for this due part right now; None when they may.

    A try by hand counts like any other: at most one more the same day, none without budget or after a "never" code.
    Histories as for `after_decline`; the practice's own gentler limit does not bind a person.
    """
    if never_again:
        return "The bank or network said never to try this card again: use another card"
    if budget_used(card_declines, now) >= BUDGET:
        return f"This card was declined {BUDGET} times in {BUDGET_DAYS} days: let it rest or use another card"
    today = local_date(now, zone)
    if sum(local_date(at, zone) == today for at in due_part_declines) > 1:
        return "This card was already tried twice today: try tomorrow or use another card"
    return None
