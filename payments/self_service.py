"""What a payer decides about one charge without calling: another day, or two parts on two days (ADR 13).

The rules of the desk (payments/plan_changes.py) hold, and narrower ones of the practice. Days are practice-local.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from cards import wording
from cards.autopay import Witness
from cards.models import Autopay, Card, Consent
from core.calendar import local_date
from core.money import format_cents
from payments import dividing, locks, plan_changes, wishes
from payments.models import Attempt, AttemptState, DuePart, PlanChange
from payments.plan_changes import By, Kind, Locked, UnableToChange
from payplans import shares
from payplans.models import Installment
from practices.models import PaymentSettings

_DAY = timedelta(days=1)
OWN = (Kind.MOVE, Kind.SPLIT)


class Why(StrEnum):
    """Why not, for pages and texts to say in the payer's language."""

    NOT_NOW = "not now"  # Held, in flight, paid, autopay off: nothing that a day could change.
    USED_UP = "used up"
    TOO_EARLY = "too early"
    TOO_LATE = "too late"
    AMOUNT = "amount"
    CHANGED = "changed"


class Refused(Exception):
    def __init__(self, why: Why, days: Days | None = None) -> None:
        super().__init__(str(why))
        self.why, self.days = why, days


@dataclass(frozen=True)
class Days:
    """From when to when a charge may be put off, and how many times it may still be."""

    first: date
    last: date
    left: int
    card: Card

    def check(self, day: date) -> None:
        """Raises Refused."""
        if day < self.first:
            raise Refused(Why.TOO_EARLY, self)
        if day > self.last:
            raise Refused(Why.TOO_LATE, self)


@dataclass(frozen=True)
class Halves:
    """What is taken first, and the days of both parts."""

    cents: int
    first: date
    second: date


def days(one: Installment, now: datetime) -> Days | None:
    """The days to choose from; None where nothing can be put off by the payer. Reads only."""
    try:
        return _days(one, _open_parts(one), now)
    except Refused:
        return None


def _days(one: Installment, parts: list[DuePart], now: datetime) -> Days:
    plan, today = one.plan, local_date(now, one.plan.practice.zone)
    settings = PaymentSettings.objects.filter(practice_id=plan.practice_id).first() or PaymentSettings()
    autopay = Autopay.objects.filter(plan=plan, is_on=True).select_related("card", "consent").first()
    wished = wishes.of_plan(plan.pk)
    # A day or parts of one payment that two people pay would be the other's too: staff decide (ADR 14).
    if shares.of_plan(plan).of(one) is not None:
        raise Refused(Why.NOT_NOW)
    if autopay is None or not _is_free(one, parts) or wished.hold(one)[0] or wished.pause_on(today):
        raise Refused(Why.NOT_NOW)
    left = settings.patient_moves - PlanChange.objects.filter(_own(), installment=one, kind__in=OWN).count()
    most = min(settings.patient_move_days, settings.move_days)
    last = plan_changes.last_day(one, list(plan.installments.all()), today=today, most_days=most)
    first = max(one.due_date, today) + _DAY
    if left <= 0 or last < first:
        raise Refused(Why.USED_UP)
    return Days(first, last, left, wished.paying(one, autopay).card)


def _own() -> Q:
    return Q(actor__startswith="patient:")


def _is_free(one: Installment, parts: list[DuePart]) -> bool:
    """Owed, charged by itself, in nobody's hands and in no flight."""
    if not one.is_open or not one.owed_cents or one.is_down_payment or not one.plan.is_collectable:
        return False
    if not parts or any(part.hold or not part.is_automatic for part in parts):
        return False
    return not Attempt.objects.filter(due_part__installment=one, state__in=AttemptState.open()).exists()


def _open_parts(one: Installment) -> list[DuePart]:
    return list(DuePart.objects.filter(installment=one, state=DuePart.State.OPEN).order_by("pk"))


def can_split(one: Installment, parts: list[DuePart] | None = None) -> bool:
    """It is in one part, issued, and large enough for two."""
    parts = _open_parts(one) if parts is None else parts
    return len(parts) == 1 and one.is_issued and dividing.most_now_cents(parts[0].amount_cents) > 0


def move(one: Installment, day: date, *, by: By) -> Card:
    """Charge it on this day; the card it will be charged to. The same day again changes nothing. Raises Refused."""
    try:
        with plan_changes.locked(one.plan_id, by) as found:
            row, parts = _row(found, one.pk)
            wished = wishes.of_plan(one.plan_id)
            if wished.of(row, Kind.MOVE) and wished.charge_day(row) == day:
                return wished.paying(row, found.autopay).card
            offered = _days(row, parts, by.now)
            offered.check(day)
            if len(parts) > 1 or wished.pause_on(day):
                raise Refused(Why.NOT_NOW)
            found.move(row, day)
            return offered.card
    except UnableToChange as error:
        raise Refused(Why.NOT_NOW) from error


def split_text(one: Installment, card: Card, halves: Halves, language: str) -> str:
    """The words above the button, and kept."""
    practice, rest = one.plan.practice, one.owed_cents - halves.cents
    told = [(halves.cents, halves.first), (rest, halves.second)]
    between, on = (" y ", "el") if language == "es" else (" and ", "on")
    terms = wording.Terms(
        practice=practice.name, phone=practice.phone, card=str(card), maximum="", amount=format_cents(one.owed_cents),
        schedule=between.join(f"{format_cents(cents)} {on} {day:%m/%d/%Y}" for cents, day in told),
    )  # fmt: skip
    return wording.text("SPLIT", language, terms)


def check_split(one: Installment, halves: Halves, now: datetime) -> Days:
    """The card and days it would be; for the page that asks once more. Raises Refused."""
    return _check_halves(one, _open_parts(one), halves, now)


def _check_halves(one: Installment, parts: list[DuePart], halves: Halves, now: datetime) -> Days:
    offered = _days(one, parts, now)
    if not can_split(one, parts):
        raise Refused(Why.NOT_NOW, offered)
    if dividing.refusal(parts[0], halves.cents):
        raise Refused(Why.AMOUNT, offered)
    offered.check(halves.first)
    offered.check(halves.second)
    if halves.second <= halves.first:
        raise Refused(Why.TOO_EARLY, offered)
    return offered


def split(one: Installment, halves: Halves, *, shown: str, witness: Witness, by: By) -> None:
    """Two due parts that sum to what is owed. Raises Refused; CHANGED when the words are not those that were shown."""
    try:
        with plan_changes.locked(one.plan_id, by) as found:
            row, parts = _row(found, one.pk)
            offered = _check_halves(row, parts, halves, by.now)
            if split_text(row, offered.card, halves, witness.language) != shown:
                raise Refused(Why.CHANGED, offered)
            _divide(parts[0], halves)
            found.end(row, Kind.MOVE, Kind.SPLIT)
            consent = _consent(row, offered.card, halves, shown, witness, by.now)
            on = f"{halves.first:%m/%d/%Y} and {halves.second:%m/%d/%Y}"
            found.record("installment_split", f"Payment due {row.due_date:%m/%d/%Y} in two parts, {on}", row)
            found.add(Kind.SPLIT, row, from_date=halves.first, until_date=halves.second, consent=consent)
    except UnableToChange as error:
        raise Refused(Why.NOT_NOW) from error


def _row(found: Locked, installment_id: int) -> tuple[Installment, list[DuePart]]:
    one = found.one(installment_id)
    one.plan = found.plan
    parts = [part for part in locks.open_parts(found.plan.pk) if part.installment_id == installment_id]
    return one, parts


def _divide(part: DuePart, halves: Halves) -> None:
    dividing.close(part)
    dividing.replica(part, halves.cents, slot=0, charge_from=halves.first)
    dividing.replica(part, part.amount_cents - halves.cents, slot=1, charge_from=halves.second)


def _consent(one: Installment, card: Card, halves: Halves, text: str, witness: Witness, now: datetime) -> Consent:
    rest = one.owed_cents - halves.cents
    return Consent.objects.create(
        practice_id=one.practice_id, kind=Consent.Kind.ONE_CHARGE, patient_id=card.patient_id, card=card,
        plan_id=one.plan_id, text=text, text_version=wording.VERSION, language=witness.language,
        card_last4=card.last4, max_charge_cents=max(halves.cents, rest), channel=witness.channel,
        given_by=witness.given_by, given_at=now, ip=witness.ip, schedule=agreed_rows(one, halves.cents, rest),
    )  # fmt: skip


def agreed_rows(one: Installment, *amounts: int) -> list[dict[str, object]]:
    """So that these amounts of it are no surprise (payments/varying.py)."""
    return [{"installment": one.pk, "due_date": one.due_date.isoformat(), "amount_cents": cents} for cents in amounts]
