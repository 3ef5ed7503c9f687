"""What staff decided about a plan's charges, as the due parts and the claim read it (ADR 11). Reads only.

Days are practice-local. A charge day is Open Dental's due date, or the later day that staff gave it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cards.models import AnyAutopay, Card, Consent
from core import calendar
from payments.models import DuePart, PlanChange
from payplans.models import Installment
from practices.models import PaymentSettings

Kind = PlanChange.Kind
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Paying:
    """Which card a charge is to be taken from, and under which consent. `is_own`: for this charge alone."""

    card: Card
    consent: Consent
    is_own: bool


class Wishes:
    """Of one plan. A move or a card for a date that Open Dental changed since no longer counts; a skip still holds."""

    def __init__(self, changes: Iterable[PlanChange]) -> None:
        self.pauses: list[PlanChange] = []
        self.backup: PlanChange | None = None
        self._of: dict[int, dict[str, PlanChange]] = {}
        for change in changes:
            if change.kind == Kind.BACKUP:
                self.backup = change
            elif change.installment_id is None:
                self.pauses.append(change)
            else:
                self._of.setdefault(change.installment_id, {})[change.kind] = change

    def of(self, installment: Installment, kind: str) -> PlanChange | None:
        """In force for the date that Open Dental has now."""
        found = self._of.get(installment.pk, {}).get(kind)
        return found if found is not None and (kind == Kind.SKIP or found.fits(installment)) else None

    def voided(self, installments: Iterable[Installment]) -> list[tuple[PlanChange, Installment]]:
        """Moves and cards for a date that Open Dental no longer has."""
        return [
            (change, one)
            for one in installments
            for kind, change in self._of.get(one.pk, {}).items()
            if kind in (Kind.MOVE, Kind.CARD) and not change.fits(one)
        ]

    def charge_day(self, installment: Installment) -> date:
        move = self.of(installment, Kind.MOVE)
        return max(installment.due_date, move.from_date) if move and move.from_date else installment.due_date

    def pause_on(self, day: date) -> PlanChange | None:
        """The pause that covers this day; of several the one that lasts longest."""
        found = [one for one in self.pauses if one.covers(day)]
        return max(found, key=lambda one: one.until_date or date.min, default=None)

    def after_pauses(self, at: datetime, settings: PaymentSettings) -> datetime:
        """This try, put off to the charge hour after the pauses that it falls into."""
        zone = settings.practice.zone
        while (pause := self.pause_on(calendar.local_date(at, zone))) and pause.until_date:
            at = calendar.at_hour(pause.until_date + DAY, settings.charge_hour, zone)
        return at

    def paying(self, installment: Installment, autopay: AnyAutopay) -> Paying:
        """A card for this charge alone is of its owner's part only."""
        own = self.of(installment, Kind.CARD)
        if own is None or own.card is None or own.consent is None or own.card.patient_id != autopay.card.patient_id:
            return Paying(autopay.card, autopay.consent, is_own=False)
        return Paying(own.card, own.consent, is_own=True)

    def hold(self, installment: Installment) -> tuple[str, str]:
        """(hold, words for staff) that follow from a skip or a pause; ("", "") = none."""
        skip = self.of(installment, Kind.SKIP)
        if skip is not None:
            moved = "" if skip.fits(installment) else ", then Open Dental moved it: decide anew"
            return DuePart.Hold.SKIPPED, _words(f"Skipped{moved}", skip)
        pause = self.pause_on(self.charge_day(installment))
        if pause is not None:
            return DuePart.Hold.PAUSED, _words(f"Falls due in the pause {_span(pause)}", pause)
        return "", ""

    def refusal(self, installment: Installment, today: date) -> str:
        """Why autopay must not charge it today; '' = it may. For the claim: asks nothing of the due part."""
        hold, words = self.hold(installment)
        if hold:
            return words
        pause = self.pause_on(today)
        if pause is not None:
            return f"The plan is paused {_span(pause)}"
        day = self.charge_day(installment)
        return f"Staff moved this charge to {day:%b} {day.day}" if day > max(today, installment.due_date) else ""


def of_plan(plan_id: int) -> Wishes:
    """One query, whatever was decided."""
    changes = PlanChange.objects.in_force().filter(plan=plan_id)
    return Wishes(changes.select_related("card", "consent").order_by("pk"))


def _words(what: str, change: PlanChange) -> str:
    return f"{what}: {change.reason}"[:200]


def _span(pause: PlanChange) -> str:
    first, last = pause.from_date, pause.until_date
    if first is None or last is None:
        raise ValueError(f"pause {pause.pk} has no days")
    return f"{first:%b} {first.day} to {last:%b} {last.day}"
