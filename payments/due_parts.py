"""Keeps due parts in step with their installments: what is owed, when autopay tries, and what holds it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from cards.models import AnyAutopay, Autopay, Card, PayerAutopay
from core import calendar
from payments import arrears, budget, locks, varying, void_wishes, wishes
from payments.models import Attempt, AttemptState, DuePart, Move, Refund, RefundState
from payments.wishes import Wishes
from payplans.models import Installment, PayPlan
from payplans.shares import Shares
from practices.models import PaymentSettings

# Holds that this module sets and lifts by itself; the others are lifted by a new card or by staff.
OWN_HOLDS = {
    DuePart.Hold.ARREARS, DuePart.Hold.NOT_ISSUED, DuePart.Hold.ABOVE_CONSENT, DuePart.Hold.PAUSED,
    DuePart.Hold.SKIPPED,
}  # fmt: skip
_PLANNED = ("next_try_at", "hold", "hold_reason", "wait_reason", "is_automatic")
REFUNDED = "Refunded: staff decide whether it is collected again"
MOVED_AWAY = "What paid it was moved to another place: staff decide whether it is collected again"
LOST = "Taken back by the bank in a dispute: staff decide whether it is collected again"


def refresh(plan: PayPlan, *, now: datetime) -> None:
    """Bring the due parts of a plan up to date. Call in the transaction that changed plan, installments or autopay.

    A number of statements that does not grow with the installments; rows that stay as they are are not written.
    """
    settings = plan.practice.payment_settings
    installments = locks.installments(plan.pk)
    parts = _open_parts(installments)
    tries = budget.tries_by_part([part.pk for some in parts.values() for part in some])
    refunded, wished = _refunded(plan), wishes.of_plan(plan.pk)
    void_wishes.end(wished, installments, now=now)
    # Not by the flag of `plan`, which may be older than the lock.
    shared = Shares(plan.guarantor_id, plan.shares.order_by("pk"))
    rules = _Rules(_autopays(plan, shared), settings, wished)
    changes = _Changes()
    for installment in installments:
        mine = parts.get(installment.pk, [])
        if any(attempt.state in AttemptState.open() for part in mine for attempt in tries[part.pk]):
            # Money is in flight: the amount must not change under the attempt. settle() comes here again.
            continue
        fitting = _fitting_parts(installment, plan, mine, shared, now)
        changes.close(one for one in mine if one not in fitting)
        for part in fitting:
            before = _planned(part)
            _schedule(part, installment, rules, tries.get(part.pk, []), now)
            if installment.pk in refunded and not part.hold:
                part.hold, part.hold_reason = DuePart.Hold.STAFF, refunded[installment.pk]
            changes.keep(part, is_changed=_planned(part) != before)
    changes.write()


@dataclass(frozen=True)
class _Rules:
    """What decides when a plan's parts are charged."""

    # By payer; those that are on.
    autopays: dict[int, AnyAutopay]
    settings: PaymentSettings
    wished: Wishes

    def autopay(self, part: DuePart) -> AnyAutopay | None:
        return self.autopays.get(part.payer_id)


def _autopays(plan: PayPlan, shared: Shares) -> dict[int, AnyAutopay]:
    found: dict[int, AnyAutopay] = {}
    second = PayerAutopay.objects.filter(plan=plan, is_on=True).select_related("consent", "card")
    for one in second if shared.rows else []:
        found[one.payer_id] = one
    own = Autopay.objects.filter(plan=plan, is_on=True).select_related("consent", "card").first()
    return {**found, plan.guarantor_id: own} if own is not None else found


@dataclass
class _Changes:
    """What a refresh writes: first the parts it closes, since a new one may take the place of a closed one."""

    closed: list[int] = field(default_factory=list)
    new: list[DuePart] = field(default_factory=list)
    changed: list[DuePart] = field(default_factory=list)

    def close(self, parts: Iterable[DuePart]) -> None:
        self.closed += [part.pk for part in parts]

    def keep(self, part: DuePart, *, is_changed: bool) -> None:
        if part._state.adding:
            self.new.append(part)
        elif is_changed:
            self.changed.append(part)

    def write(self) -> None:
        if self.closed:
            DuePart.objects.filter(pk__in=self.closed).update(state=DuePart.State.CLOSED)
        DuePart.objects.bulk_create(self.new)
        for part in self.changed:
            part.save(update_fields=_PLANNED)


def _open_parts(installments: list[Installment]) -> dict[int, list[DuePart]]:
    """The open parts, locked, by installment."""
    found: dict[int, list[DuePart]] = {}
    parts = DuePart.objects.select_for_update().filter(installment__in=installments, state=DuePart.State.OPEN)
    for part in parts.order_by("pk"):
        found.setdefault(part.installment_id or 0, []).append(part)
    return found


def _refunded(plan: PayPlan) -> dict[int, str]:
    """Installments of which money went back, with why they wait: never taken again by itself, whatever lifts a hold."""
    back = Refund.objects.filter(state=RefundState.SUCCEEDED, payment__allocations__installment__plan=plan)
    rows = back.order_by("pk").values_list("payment__allocations__installment", "reason")
    found = {pk: LOST if reason == Refund.Reason.DISPUTE else REFUNDED for pk, reason in rows}
    moved = Move.objects.filter(
        state=Move.State.DONE, installment=None, payment__attempt__due_part__installment__plan=plan
    ).values_list("payment__attempt__due_part__installment", flat=True)
    return {**dict.fromkeys(moved, MOVED_AWAY), **found}


def _planned(part: DuePart) -> tuple[object, ...]:
    return tuple(getattr(part, name) for name in _PLANNED)


def _fitting_parts(
    installment: Installment, plan: PayPlan, parts: list[DuePart], shared: Shares, now: datetime
) -> list[DuePart]:
    """For each payer the open parts that sum to what they owe, else a new one in their place (not stored yet)."""
    owed = shared.owed(installment) if installment.is_open and plan.is_collectable else {}
    found: list[DuePart] = []
    for payer_id, cents in owed.items():
        mine = [part for part in parts if part.payer_id == payer_id]
        whole = _joined(mine)
        if sum(part.amount_cents for part in whole) == cents:
            found += whole
        else:
            # Another guarantor takes over what stood on the parts; a second payer begins anew.
            before = mine or (parts if payer_id == plan.guarantor_id else [])
            found.append(_in_place_of(installment, plan, before, payer_id, cents, now))
    return found


def _joined(parts: list[DuePart]) -> list[DuePart]:
    """What was made for one charge, which took nothing, is one with its rest again. The rest was stored after it."""
    once = next((part for part in parts if part.is_once), None)
    rest = next((part for part in parts if once and part.pk > once.pk and not part.is_once), None)
    if once is None or rest is None:
        return [part for part in parts if not part.is_once]
    whole = DuePart(
        practice_id=rest.practice_id, kind=rest.kind, installment=rest.installment, payer_id=rest.payer_id,
        amount_cents=once.amount_cents + rest.amount_cents, slot=rest.slot, charge_from=once.charge_from,
        # The verdict of its decline counts for the whole.
        next_try_at=once.next_try_at, hold=once.hold, hold_reason=once.hold_reason,
    )  # fmt: skip
    return [*(part for part in parts if part not in (once, rest)), whole]


def _in_place_of(
    installment: Installment, plan: PayPlan, parts: list[DuePart], payer_id: int, owed: int, now: datetime
) -> DuePart:
    """One part. Of several it has the latest day: nobody is charged earlier than they were told."""
    replaced = max(parts, key=lambda part: (part.charge_from or date.min, -part.pk), default=None)
    is_guarantor = payer_id == plan.guarantor_id
    return DuePart(
        practice_id=plan.practice_id,
        kind=DuePart.Kind.INSTALLMENT,
        installment=installment,
        payer_id=payer_id,
        amount_cents=owed,
        # A retry date and a wish for a new card outlive a change of the amount.
        next_try_at=replaced.next_try_at if replaced else None if is_guarantor else now,
        hold=replaced.hold if replaced else "",
        hold_reason=replaced.hold_reason if replaced else "",
        charge_from=replaced.charge_from if replaced else None,
    )


def _schedule(part: DuePart, installment: Installment, rules: _Rules, tries: list[Attempt], now: datetime) -> None:
    autopay, settings = rules.autopay(part), rules.settings
    part.is_automatic = autopay is not None
    day = rules.wished.charge_day(installment)
    first_try_at = _first_try_at(installment, max(day, part.charge_from or day), settings)
    is_announced = autopay is not None and not rules.wished.paying(installment, autopay).is_own
    notice = (
        varying.announced(part, installment, autopay, settings, now)
        if autopay and first_try_at and is_announced
        else None
    )
    if notice is not None and first_try_at is not None and notice.charge_from > first_try_at:
        first_try_at, part.wait_reason = notice.charge_from, varying.WAITING
    part.next_try_at = _next_try_at(part, installment, first_try_at, tries)
    if part.next_try_at is not None:
        part.next_try_at = rules.wished.after_pauses(part.next_try_at, settings)
    if part.hold in OWN_HOLDS or not part.hold:
        part.hold, part.hold_reason = _hold(part, installment, rules, now)
    if notice is not None and notice.is_undeliverable and not part.hold:
        part.hold, part.hold_reason = DuePart.Hold.STAFF, varying.UNDELIVERABLE


def _next_try_at(
    part: DuePart, installment: Installment, first_try_at: datetime | None, tries: list[Attempt]
) -> datetime | None:
    """Never before the due date: a Pay Now that failed early, or a date moved on, must not bring autopay forward."""
    if first_try_at is None:
        return None
    planned = first_try_at if installment.status == Installment.Status.PENDING else part.next_try_at
    if planned is None:
        return None
    return max(planned, first_try_at, budget.pause_until(tries) or first_try_at)


def _first_try_at(installment: Installment, day: date, settings: PaymentSettings) -> datetime | None:
    """That day at the charge hour. A down payment is due at once, often in cash: never by itself."""
    if installment.is_down_payment:
        return None
    return calendar.at_hour(day, settings.charge_hour, settings.practice.zone)


def _hold(part: DuePart, installment: Installment, rules: _Rules, now: datetime) -> tuple[str, str]:
    """(hold, words for staff). What staff decided comes first: no other hold that heals may let it through."""
    autopay = rules.autopay(part)
    if autopay is None:
        return DuePart.Hold.NONE, ""
    hold, words = rules.wished.hold(installment)
    return (hold, words) if hold else (_own_hold(part, installment, rules, autopay, now), "")


def _own_hold(part: DuePart, installment: Installment, rules: _Rules, autopay: AnyAutopay, now: datetime) -> str:
    paying = rules.wished.paying(installment, autopay)
    if paying.card.state != Card.State.ACTIVE:
        return DuePart.Hold.NEW_CARD
    if part.amount_cents > paying.consent.max_charge_cents:
        return DuePart.Hold.ABOVE_CONSENT
    if arrears.is_left_out(installment, autopay, rules.settings.practice.zone):
        return DuePart.Hold.ARREARS
    due_at = _first_try_at(installment, installment.due_date, rules.settings)
    if not installment.is_issued and due_at is not None and due_at <= now:
        return DuePart.Hold.NOT_ISSUED
    return DuePart.Hold.NONE
