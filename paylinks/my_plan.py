"""What My plan shows: schedule, paid, next, receipts, years, consent, cards, the quote. Reading changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from cards import autopay as turning
from cards.models import Autopay, Card
from core.calendar import local_date
from payments import backup_cards, calls, upward
from payments.models import Allocation, Attempt, AttemptState, DuePart, Payment, Refund, RefundState
from payments.upward import PayOff
from payplans import shares
from payplans.models import Installment, PayPlan
from payplans.shares import Shares


@dataclass(frozen=True)
class Row:
    """One installment. `tone` and `icon` go with `word`; `note` says more."""

    due: date
    cents: int
    word: str
    tone: str
    icon: str
    note: str = ""


@dataclass(frozen=True)
class Paid:
    """A payment of this plan, less what was given back."""

    payment: Payment
    cents: int
    day: date


@dataclass(frozen=True)
class Next:
    cents: int
    day: date
    card: Card


@dataclass(frozen=True)
class MyPlan:
    """`failed`: what waits to be repaired; `moving`: money in flight."""

    plan: PayPlan
    rows: list[Row]
    paid_cents: int
    left_cents: int
    next: Next | None
    failed: DuePart | None
    moving: Attempt | None
    payments: list[Paid]
    years: list[tuple[int, int]]
    autopay: Autopay | None
    stopped_at: datetime | None
    cards: list[tuple[Card, str]]
    backup: Card | None
    backups: list[tuple[Card, str]]
    quote: PayOff | None
    is_payoff_asked: bool

    @property
    def share(self) -> int:
        """How much of it is paid, of 100."""
        whole = self.paid_cents + self.left_cents
        return 100 * self.paid_cents // whole if whole else 0


def of(plan: PayPlan, now: datetime, language: str) -> MyPlan:
    today = local_date(now, plan.practice.zone)
    installments = [one for one in _installments(plan) if one.status != Installment.Status.CANCELED]
    autopay = Autopay.objects.filter(plan=plan).select_related("card", "consent").first()
    on = autopay if autopay is not None and autopay.is_on else None
    parts = _open_parts(plan)
    payments, cards = _payments(plan), other_cards(plan, on)
    spare, shared = backup_cards.current(plan), shares.of_plan(plan)
    own = {one.pk: _own(shared, one) for one in installments}
    return MyPlan(
        plan=plan,
        rows=[_row(one, own[one.pk], parts, today) for one in installments],
        paid_cents=sum(one.paid_cents for one in own.values()),
        left_cents=sum(own[one.pk].owed_cents for one in installments if one.is_open),
        next=_next(parts, on, plan),
        failed=next((part for part in parts if part.installment_id and own[part.installment_id].is_failed), None),
        moving=Attempt.objects.filter(
            due_part__installment__plan=plan, due_part__payer=plan.guarantor_id, state__in=AttemptState.open()
        ).first(),
        payments=payments,
        years=sorted(_years(payments).items(), reverse=True),
        autopay=on,
        stopped_at=autopay.stopped_at if autopay and not on else None,
        cards=[(card, card_text(plan, card, language, now)) for card in cards] if plan.is_collectable else [],
        backup=spare.card if spare else None,
        backups=[(card, backup_cards.text(plan, card, on, language)) for card in _spares(cards, on)] if on else [],
        quote=quote(plan, now),
        is_payoff_asked=calls.is_payoff_open(plan),
    )


def _installments(plan: PayPlan) -> list[Installment]:
    return list(plan.installments.order_by("due_date", "pk"))


def _open_parts(plan: PayPlan) -> list[DuePart]:
    rows = DuePart.objects.filter(installment__plan=plan, payer=plan.guarantor_id, state=DuePart.State.OPEN)
    return list(rows.select_related("installment").order_by("installment__due_date", "slot", "pk"))


@dataclass(frozen=True)
class _Own:
    """The guarantor's part of an installment in cents: all of it unless a second person pays too (ADR 14)."""

    cents: int
    paid_cents: int
    owed_cents: int
    is_failed: bool


def _own(shared: Shares, one: Installment) -> _Own:
    has_failed, share = one.status == Installment.Status.FAILED, shared.of(one)
    if share is None:
        paid = min(one.amount_cents, one.collected_cents + one.office_paid_cents)
        return _Own(one.amount_cents, paid, one.owed_cents, has_failed)
    cents, owed = one.amount_cents - share.of_cents(one.amount_cents), shared.owed_by(one, shared.guarantor_id)
    tries = Attempt.objects.filter(due_part__installment=one, due_part__payer=shared.guarantor_id)
    mine = has_failed and owed > 0 and tries.filter(state=AttemptState.DECLINED).exists()
    return _Own(cents, max(0, cents - owed), owed, mine)


def _next(parts: list[DuePart], on: Autopay | None, plan: PayPlan) -> Next | None:
    """What autopay takes next."""
    coming = [part for part in parts if not part.hold and part.is_automatic and part.next_try_at]
    first = min(coming, key=lambda part: (part.next_try_at, part.pk), default=None)
    if on is None or first is None or first.next_try_at is None or not plan.is_collectable:
        return None
    return Next(first.amount_cents, local_date(first.next_try_at, plan.practice.zone), on.card)


def _row(one: Installment, own: _Own, parts: list[DuePart], today: date) -> Row:
    mine = [part for part in parts if part.installment_id == one.pk]
    if one.status == Installment.Status.PAID or (own.paid_cents and not own.owed_cents):
        return Row(one.due_date, own.cents, _("Paid"), "good", "check")
    note = _("Two parts") if len(mine) > 1 else _("Partly paid") if own.owed_cents < own.cents else ""
    if own.is_failed:
        return Row(one.due_date, own.owed_cents, _("Not paid"), "bad", "error", note)
    if one.due_date < today:
        return Row(one.due_date, own.owed_cents, _("Overdue"), "warn", "alert", note)
    if one.is_down_payment:
        note = _("Down payment, at the office")
    return Row(one.due_date, own.owed_cents, _("To come"), "calm", "clock", note)


def _payments(plan: PayPlan) -> list[Paid]:
    """Newest first; what went back is taken off."""
    rows = Allocation.objects.filter(installment__plan=plan, payment__payer=plan.guarantor_id)
    found = rows.select_related("payment__attempt__card", "payment__practice").order_by("-payment__paid_at", "-pk")
    ids = [one.payment_id for one in found]
    back: Counter[int] = Counter()
    for payment, cents in Refund.objects.filter(payment__in=ids, state=RefundState.SUCCEEDED).values_list(
        "payment", "amount_cents"
    ):
        back[payment] += cents
    zone = plan.practice.zone
    paid = [Paid(one.payment, one.amount_cents, local_date(one.payment.paid_at, zone)) for one in found]
    return [Paid(one.payment, max(0, one.cents - back[one.payment.pk]), one.day) for one in paid]


def _years(payments: list[Paid]) -> Counter[int]:
    years: Counter[int] = Counter()
    for one in payments:
        years[one.day.year] += one.cents
    return years


def other_cards(plan: PayPlan, on: Autopay | None) -> list[Card]:
    """The payer's saved cards that don't pay the plan, the primary one first."""
    mine = Card.objects.filter(patient=plan.guarantor_id, state=Card.State.ACTIVE)
    return list(mine.exclude(pk=on.card_id if on else 0).order_by("-is_primary", "-pk"))


def _spares(cards: list[Card], on: Autopay) -> list[Card]:
    """Other numbers than the plan's card."""
    return [card for card in cards if card.fingerprint != on.card.fingerprint]


def card_text(plan: PayPlan, card: Card, language: str, now: datetime) -> str:
    """The words under which this card would pay the plan, as they would be kept."""
    maximum = turning.proposed_maximum_cents(plan)
    return turning.consent_text(plan, card, max_charge_cents=maximum, language=language, now=now)


def quote(plan: PayPlan, now: datetime) -> PayOff | None:
    """None where Open Dental gives none, or nothing is left."""
    found = upward.handlers.pay_off(plan, now) if plan.is_collectable else None
    return found if found is not None and found.cents > 0 else None
