"""Reading payment plans for people: a plan's card with its rows, of one patient or one plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet, prefetch_related_objects
from django.shortcuts import get_object_or_404

from cards.models import AnyAutopay, Autopay, Card, PayerAutopay
from core.calendar import local_date
from core.money import format_cents
from patients.models import Patient
from payments import budget, drift, plan_changes, telling
from payments.drift import Drift
from payments.models import Attempt, AttemptState, Dispute, DuePart, LedgerPosting, Payment, PlanChange
from payments.telling import Facts, Told
from payments.wishes import Paying, Wishes
from payplans import shares
from payplans.models import Installment, PayPlan, PlanShare
from payplans.shares import Shares
from practices.models import PaymentSettings, Practice

CHARGEABLE = (Installment.Status.PENDING, Installment.Status.FAILED)


@dataclass(frozen=True)
class Row:
    installment: Installment
    told: Told
    attempt: Attempt | None
    payment: Payment | None
    can_pay_now: bool
    is_overdue: bool
    # Autopay would charge it, so that staff may skip or move it.
    can_change: bool
    is_skipped: bool
    has_own_card: bool
    # Of another payer, beside the guarantor's.
    others: list[Other]


@dataclass(frozen=True)
class Other:
    """A second payer's part of one installment."""

    payer: Patient
    cents: int
    told: Told
    payment: Payment | None
    can_pay_now: bool


@dataclass(frozen=True)
class Second:
    """Who else pays the plan, how much, and their autopay that is on."""

    payer: Patient
    share: PlanShare
    autopay: PayerAutopay | None
    drift: Drift | None


@dataclass(frozen=True)
class PlanCard:
    """One plan as a card on the screen. Cents; dates are practice-local."""

    plan: PayPlan
    autopay: Autopay | None
    rows: list[Row]
    paid_cents: int
    overdue_cents: int
    coming_cents: int
    ends: date | None
    # Running or to come.
    pause: PlanChange | None
    # Its autopay waits for a dispute of the card's number.
    is_frozen: bool
    # What Open Dental changed since the consent of the autopay that is on.
    drift: Drift | None = None
    second: Second | None = None

    @property
    def total_cents(self) -> int:
        return self.paid_cents + self.overdue_cents + self.coming_cents

    @property
    def is_moving(self) -> bool:
        """Money is in flight: the screen looks again by itself."""
        return any(row.attempt for row in self.rows)

    @property
    def state(self) -> str:
        if self.plan.gone_at:
            return "gone"
        return "closed" if self.plan.is_closed else "open"


def plan_or_404(practice: Practice, plan_id: int) -> PayPlan:
    return get_object_or_404(with_rows(PayPlan.objects.filter(practice=practice)), pk=plan_id)


def with_rows(plans: QuerySet[PayPlan]) -> QuerySet[PayPlan]:
    """Everything a PlanCard needs, in a number of queries that does not grow with the plans."""
    postings = Prefetch("payment__postings", LedgerPosting.objects.order_by("pk"))
    attempts = Attempt.objects.select_related("card", "payment").prefetch_related(postings).order_by("pk")
    parts = DuePart.objects.order_by("pk").prefetch_related(Prefetch("attempts", attempts))
    installments = Installment.objects.order_by("due_date", "pk").prefetch_related(Prefetch("due_parts", parts))
    changes = PlanChange.objects.in_force().select_related("card", "consent").order_by("pk")
    return plans.select_related("patient", "guarantor", "autopay__card", "autopay__consent").prefetch_related(
        Prefetch("installments", installments), Prefetch("changes", changes)
    )


def plans_of(patient: Patient) -> list[PayPlan]:
    """Plans for this patient or paid by them, open ones first, the newest first."""
    shared = PlanShare.objects.filter(payer=patient).values("plan")
    mine = PayPlan.objects.filter(
        Q(patient=patient) | Q(guarantor=patient) | Q(pk__in=shared), practice=patient.practice_id
    )
    return list(with_rows(mine).order_by("is_closed", "-agreed_date", "-pk"))


def cards_of(practice: Practice, plans: Iterable[PayPlan], now: datetime) -> list[PlanCard]:
    """The plans as cards, with the decline budget of each card looked up once."""
    shown = list(plans)
    _fetch_shares([plan for plan in shown if plan.is_shared])
    settings = PaymentSettings.objects.filter(practice=practice).first() or PaymentSettings()
    own = {change.card.fingerprint for plan in shown for change in plan.changes.all() if change.card}
    own |= {one.card.fingerprint for plan in shown if plan.is_shared for one in plan.payer_autopays.all()}
    used = declines(practice, own | {card.fingerprint for plan in shown if (card := _card(plan))}, now)
    frozen = Dispute.frozen_numbers(practice.pk)
    return [_plan_card(plan, practice, settings, used, frozen, now) for plan in shown]


def _fetch_shares(plans: list[PayPlan]) -> None:
    """Few plans have any, so the others cost no question."""
    decided = PlanShare.objects.select_related("payer").order_by("pk")
    paying = PayerAutopay.objects.select_related("card", "consent")
    prefetch_related_objects(plans, Prefetch("shares", decided), Prefetch("payer_autopays", paying))


def declines(practice: Practice, fingerprints: set[str], now: datetime) -> dict[str, int]:
    """Declined tries of the last 30 days by card fingerprint: the part of the networks' budget that is used."""
    recent = Attempt.objects.filter(
        practice=practice, state=AttemptState.DECLINED, started_at__gt=now - budget.BUDGET_WINDOW
    )
    counted = recent.filter(card__fingerprint__in=fingerprints).values_list("card__fingerprint").annotate(n=Count("pk"))
    return dict(counted)


def autopay_of(plan: PayPlan) -> Autopay | None:
    """The autopay that is on, or None."""
    autopay: Autopay | None = getattr(plan, "autopay", None)
    return autopay if autopay and autopay.is_on else None


def _card(plan: PayPlan) -> Card | None:
    autopay = autopay_of(plan)
    return autopay.card if autopay else None


def _plan_card(
    plan: PayPlan, practice: Practice, settings: PaymentSettings, used: dict[str, int], frozen: set[str], now: datetime
) -> PlanCard:
    today = local_date(now, practice.zone)
    installments: list[Installment] = list(plan.installments.all())
    shared = shares.of_plan(plan)
    known = _Known(plan, practice, settings, used, Wishes(plan.changes.all()), shared, today)
    rows = [known.row(one) for one in installments]
    wanted = [one for one in installments if one.status != Installment.Status.CANCELED]
    overdue = sum(one.owed_cents for one in wanted if one.is_open and one.due_date < today)
    owed = sum(one.owed_cents for one in wanted if one.is_open)
    card, autopay, plan.practice = _card(plan), autopay_of(plan), practice
    return PlanCard(
        plan=plan,
        autopay=autopay,
        rows=rows,
        paid_cents=sum(one.amount_cents for one in wanted) - owed,
        overdue_cents=overdue,
        coming_cents=owed - overdue,
        ends=max((one.due_date for one in wanted), default=None),
        pause=plan_changes.current_pause(known.wished, today),
        is_frozen=card is not None and card.fingerprint in frozen,
        drift=_drift(plan, autopay, installments, shared, plan.guarantor_id),
        second=_second(plan, installments, shared),
    )


def _drift(
    plan: PayPlan, autopay: AnyAutopay | None, rows: list[Installment], shared: Shares, payer_id: int
) -> Drift | None:
    if autopay is None or not plan.is_collectable:
        return None
    return drift.of_payer(plan, autopay.consent, rows, shared, payer_id)


def _second(plan: PayPlan, rows: list[Installment], shared: Shares) -> Second | None:
    """The newest decision, unless it was that nobody else pays."""
    newest: PlanShare | None = max(plan.shares.all() if plan.is_shared else [], key=lambda row: row.pk, default=None)
    if newest is None or newest.payer is None or newest.payer_id == plan.guarantor_id:
        return None
    autopay = _autopay_of_payer(plan, newest.payer.pk)
    return Second(newest.payer, newest, autopay, _drift(plan, autopay, rows, shared, newest.payer.pk))


def _autopay_of_payer(plan: PayPlan, payer_id: int) -> PayerAutopay | None:
    paying = plan.payer_autopays.all() if plan.is_shared else []
    return next((one for one in paying if one.payer_id == payer_id and one.is_on), None)


@dataclass(frozen=True)
class _Known:
    """What the rows of one plan are told from."""

    plan: PayPlan
    practice: Practice
    settings: PaymentSettings
    used: dict[str, int]
    wished: Wishes
    shared: Shares
    today: date

    def row(self, one: Installment) -> Row:
        share = self.shared.of(one)
        autopay, guarantor = autopay_of(self.plan), self.plan.guarantor_id
        facts, every = self._facts(one, guarantor if share else None, autopay), self._facts(one, None, autopay)
        busy = bool(every.last and not every.last.is_final)
        is_owed = one.status in CHARGEABLE and self.plan.is_collectable and one.owed_cents > 0 and not busy
        can_pay = is_owed and _is_next(one, self.plan)
        return Row(
            installment=one,
            told=telling.tell_part(facts, self.today) if share else telling.tell(facts, self.today),
            attempt=every.last if busy else None,
            payment=_payment(facts.attempts),
            can_pay_now=can_pay and (not share or facts.part is not None),
            is_overdue=one.is_open and one.due_date < self.today,
            can_change=is_owed and autopay is not None and not one.is_down_payment,
            is_skipped=self.wished.of(one, PlanChange.Kind.SKIP) is not None,
            has_own_card=autopay is not None and self.wished.paying(one, autopay).is_own,
            others=[self._other(one, share, can_pay)] if share else [],
        )

    def _other(self, one: Installment, share: PlanShare, can_pay: bool) -> Other:
        if share.payer is None:
            raise ValueError(f"share {share.pk} has no payer")
        facts = self._facts(one, share.payer_id, _autopay_of_payer(self.plan, share.payer.pk))
        return Other(
            payer=share.payer,
            cents=share.of_cents(one.amount_cents),
            told=telling.tell_part(facts, self.today),
            payment=_payment(facts.attempts),
            can_pay_now=can_pay and facts.part is not None,
        )

    def _facts(self, one: Installment, payer_id: int | None, autopay: AnyAutopay | None) -> Facts:
        """Of one payer's parts; None: of all of them."""
        parts = [part for part in one.due_parts.all() if payer_id is None or part.payer_id == payer_id]
        attempts: list[Attempt] = sorted((a for part in parts for a in part.attempts.all()), key=lambda a: a.pk)
        payment = _payment(attempts)
        paying = self.wished.paying(one, autopay) if autopay else None
        return Facts(
            installment=one,
            part=next((part for part in parts if part.state == DuePart.State.OPEN), None),
            attempts=attempts,
            posting=payment.posting if payment else None,
            card=paying.card if paying else None,
            is_collectable=self.plan.is_collectable,
            charge_hour=self.settings.charge_hour,
            zone=self.practice.zone,
            tries_used=self.used.get(paying.card.fingerprint, 0) if paying else 0,
            max_tries=self.settings.max_tries,
            decided=self._decided(one, paying, parts),
        )

    def _decided(self, one: Installment, paying: Paying | None, parts: list[DuePart]) -> str:
        """What staff chose for this charge, in words."""
        move = self.wished.of(one, PlanChange.Kind.MOVE)
        own = "a card for this payment alone" if paying and paying.is_own else ""
        who = "the payer" if move and move.actor.startswith("patient:") else f"staff: {move.reason}" if move else ""
        moved = f"moved from {one.due_date:%b} {one.due_date.day} by {who}" if move else ""
        still = [part for part in parts if part.state == DuePart.State.OPEN]
        return " · ".join(filter(None, (own, moved, _in_parts(still))))


def _in_parts(parts: list[DuePart]) -> str:
    """ "in 2 parts: $60.00 Mar 15, $68.60 Mar 22"; '' when it is in one."""
    if len(parts) < 2:
        return ""
    told = [f"{format_cents(one.amount_cents)}{_on(one.charge_from)}" for one in parts]
    return f"in {len(parts)} parts: {', '.join(told)}"


def _on(day: date | None) -> str:
    return f" {day:%b} {day.day}" if day else ""


def _is_next(one: Installment, plan: PayPlan) -> bool:
    """Of those Open Dental has not issued only the next one can be paid early (payments/guards.py)."""
    waiting = [other.due_date for other in plan.installments.all() if other.is_open and not other.is_issued]
    return one.is_issued or one.due_date <= min(waiting, default=one.due_date)


def _payment(attempts: list[Attempt]) -> Payment | None:
    return next((found for a in reversed(attempts) if (found := getattr(a, "payment", None))), None)


def summary(patient: Patient) -> dict[str, Any]:
    """For the patient's Overview: one line a plan."""
    mine = PayPlan.objects.filter(Q(patient=patient) | Q(guarantor=patient), practice=patient.practice_id).open()
    open_rows = Q(installments__status__in=CHARGEABLE)
    plans = mine.select_related("autopay__card").annotate(left=Count("installments", filter=open_rows))
    return {"patient": patient, "plans": [(plan, autopay_of(plan)) for plan in plans.order_by("-agreed_date", "-pk")]}
