"""What follows from a settled attempt, inside settle()'s transaction: rows only, nobody outside is asked."""

from __future__ import annotations

from datetime import datetime

from cards.models import Card
from core.money import format_cents
from core.tokens import reference_of
from payments import backup_cards, budget, due_parts, notices, sale_aftermath
from payments.claim import about
from payments.models import Alarm, Allocation, Attempt, AttemptState, DuePart, LedgerPosting, Payment
from payplans import shares
from payplans.models import Installment, PayPlan
from payplans.retry import Verdict, VerdictKind
from practices.models import Event
from processors.port import CARD_GONE, NotTaken, Succeeded


def of_success(attempt: Attempt, outcome: Succeeded, now: datetime, actor: str) -> None:
    """Payment, allocation, posting, receipt; the installment is paid when nothing is left."""
    part = attempt.due_part
    payment = Payment.objects.create(
        practice_id=attempt.practice_id, attempt=attempt, payer_id=part.payer_id, amount_cents=outcome.amount_cents,
        paid_at=now, processor_reference=outcome.reference,
    )  # fmt: skip
    is_partial = part.sale is not None and outcome.amount_cents < attempt.amount_cents
    if is_partial:
        # What the card did not give is still to be paid, in another way.
        part.amount_cents = max(1, part.amount_cents - (attempt.amount_cents - outcome.amount_cents))
    part.state, part.hold, part.hold_reason = DuePart.State.PAID, "", ""
    part.save(update_fields=["state", "hold", "hold_reason", "amount_cents"])
    plan = _pay_installment(part.installment, payment, now) if part.installment is not None else None
    if part.sale is not None:
        sale_aftermath.of_success(part.sale, payment, now)
    if outcome.amount_cents != attempt.amount_cents:
        _alarm_amount(attempt, outcome, now)
    if is_partial:
        # `create_params` keep what was asked.
        attempt.amount_cents = outcome.amount_cents
        attempt.save(update_fields=["amount_cents"])
    Event.record(
        attempt.practice_id, kind="payment_succeeded", actor=actor, now=now,
        about=about(attempt) | {"payment": payment.pk},
        text=f"{format_cents(payment.amount_cents)} {_taken(attempt)}",
    )  # fmt: skip
    if attempt.channel != Attempt.Channel.RECORDED:
        notices.success(attempt, now)
    if plan is not None:
        notices.plan_completed(plan, now)


def _taken(attempt: Attempt) -> str:
    return f"charged to {attempt.card}" if attempt.card else f"taken: {attempt.paid_with}"


def _pay_installment(installment: Installment, payment: Payment, now: datetime) -> PayPlan:
    Allocation.objects.create(
        practice_id=payment.practice_id, payment=payment, installment=installment, amount_cents=payment.amount_cents
    )
    plan = installment.plan
    installment.collected_cents += payment.amount_cents
    shares.count(plan, installment, payment.payer_id, payment.amount_cents)
    if installment.owed_cents == 0:
        installment.status, installment.paid_at, installment.status_note = Installment.Status.PAID, now, ""
    elif installment.status == Installment.Status.FAILED and not _other_has_failed(installment, payment):
        # A part is paid; the rest is taken on its day (payments/dividing.py) and has not failed.
        installment.status, installment.status_note = Installment.Status.PENDING, ""
    installment.save(update_fields=["collected_cents", "shared_cents", "status", "paid_at", "status_note"])
    movement, is_recovered = LedgerPosting.Movement.PAYMENT, payment.attempt.recovered_at is not None
    LedgerPosting.objects.create(
        practice_id=payment.practice_id, payment=payment, patient_id=plan.patient_id, plan=plan,
        amount_cents=payment.amount_cents, next_at=now, created_at=now, movement=movement,
        reference=reference_of(payment.attempt.uuid, movement),
        # Found after a restore: it may have been posted before, so it is searched for as after a lost answer.
        state=LedgerPosting.State.UNCLEAR if is_recovered else LedgerPosting.State.QUEUED, sends=int(is_recovered),
    )  # fmt: skip
    due_parts.refresh(plan, now=now)
    return plan


def _other_has_failed(installment: Installment, payment: Payment) -> bool:
    """A part of the other payer was declined and is still open: its tries keep their days."""
    others = DuePart.objects.filter(installment=installment, state=DuePart.State.OPEN).exclude(payer=payment.payer_id)
    return Attempt.objects.filter(due_part__in=others, state=AttemptState.DECLINED).exists()


def _alarm_amount(attempt: Attempt, outcome: Succeeded, now: datetime) -> None:
    taken, asked = format_cents(outcome.amount_cents), format_cents(attempt.amount_cents)
    Alarm.raise_once(
        attempt.practice_id, kind="AMOUNT_DIFFERS", key=f"amount:{attempt.pk}", about=about(attempt), now=now,
        text=f"The processor took {taken}, we asked for {asked}",
    )  # fmt: skip
    # Whatever is left is not charged by itself before somebody has looked.
    rest = DuePart.objects.filter(installment=attempt.due_part.installment, state=DuePart.State.OPEN)
    rest.exclude(installment=None).update(hold=DuePart.Hold.STAFF, hold_reason="The processor took another amount")


def of_decline(attempt: Attempt, now: datetime, actor: str) -> None:
    """The installment has failed; the verdict says when the next try comes, or who must act.

    Nobody is told where Open Dental closed the plan or the installment while the charge was in flight.
    """
    part = attempt.due_part
    verdict = backup_cards.take_over(attempt, budget.verdict(attempt, now), now)
    if part.sale is None:
        _apply_verdict(part, verdict)
    if verdict.never_again or attempt.decline_code == CARD_GONE:
        Card.objects.filter(pk=attempt.saved_card.pk, state=Card.State.ACTIVE).update(
            state=Card.State.BLOCKED, never_again=verdict.never_again, state_reason=verdict.reason[:200]
        )
    if part.installment is not None and part.installment.is_open:
        part.installment.status, part.installment.status_note = Installment.Status.FAILED, verdict.reason[:200]
        part.installment.save(update_fields=["status", "status_note"])
    attempt.reason = verdict.reason[:200]
    attempt.save(update_fields=["reason"])
    Event.record(
        attempt.practice_id, kind="payment_declined", actor=actor, now=now, about=about(attempt), text=verdict.reason,
        after={"code": attempt.decline_code, "budget_used": verdict.budget_used},
    )  # fmt: skip
    if _keep_in_step(part, now):
        notices.failure(attempt, verdict, now)


def _keep_in_step(part: DuePart, now: datetime) -> bool:
    """While the charge was in flight its part was left alone: catch up. True when somebody has to be told."""
    if part.sale is not None:
        sale_aftermath.of_nothing_taken(part)
    if part.installment is None:
        return False
    plan = part.installment.plan
    due_parts.refresh(plan, now=now)
    part.refresh_from_db(fields=["state", "next_try_at", "hold", "hold_reason"])
    return plan.is_collectable and part.installment.is_open


_HOLDS = {
    VerdictKind.NEW_CARD: DuePart.Hold.NEW_CARD,
    VerdictKind.STAFF: DuePart.Hold.STAFF,
    VerdictKind.RECONCILE: DuePart.Hold.RECONCILE,
}


def _apply_verdict(part: DuePart, verdict: Verdict) -> None:
    part.next_try_at = verdict.next_try_at
    part.hold = _HOLDS.get(verdict.kind, DuePart.Hold.NONE)
    part.hold_reason = verdict.reason[:200] if part.hold else ""
    part.save(update_fields=["next_try_at", "hold", "hold_reason"])


def of_not_taken(attempt: Attempt, outcome: NotTaken, now: datetime, actor: str) -> None:
    """Still due as before. The sweep tries again after a pause; an operator hears of what does not heal."""
    _keep_in_step(attempt.due_part, now)
    Event.record(
        attempt.practice_id, kind="payment_not_taken", actor=actor, now=now, about=about(attempt), text=outcome.reason
    )
    if outcome.needs_operator:
        Alarm.raise_once(
            attempt.practice_id, kind="PROCESSOR_REFUSES", key="processor", about=about(attempt), now=now,
            text=f"Charges are not taken: {outcome.reason}",
        )  # fmt: skip
