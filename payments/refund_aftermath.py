"""What follows from a settled refund, inside settle_refund()'s transaction: rows only, nobody outside is asked."""

from __future__ import annotations

from datetime import datetime

from core.money import format_cents
from core.tokens import reference_of
from payments import discount_back, due_parts, notices, voids
from payments.models import Alarm, Allocation, LedgerPosting, Refund
from payments.reconciling import RECOVERY
from payplans import shares
from payplans.models import Installment, PayPlan
from processors.port import Succeeded


def of_success(refund: Refund, outcome: Succeeded, now: datetime) -> None:
    """The installment owes it again, held for staff, or is closed; its posting waits; the patient is told."""
    _take_in_step(refund, before=Refund.refunded_cents(refund.payment) - refund.amount_cents, now=now)
    _queue_posting(refund, now)
    discount_back.follow(refund.payment, now)
    notices.refunded(refund, now)
    if outcome.amount_cents != refund.amount_cents:
        given, asked = format_cents(outcome.amount_cents), format_cents(refund.amount_cents)
        _alarm(refund, "AMOUNT_DIFFERS", f"The processor gave back {given}, we asked for {asked}", now)


def of_failure(refund: Refund, *, had_succeeded: bool, now: datetime) -> None:
    """The money is back with the practice: somebody must give it in another way. Undoes what a success did."""
    text = _came_back(refund)
    if had_succeeded:
        _take_in_step(refund, before=Refund.refunded_cents(refund.payment) + refund.amount_cents, now=now)
        text += _undo_in_ledger(refund, now)
        discount_back.follow(refund.payment, now)
    what_now = "" if refund.is_lost_dispute else " Give the money back in another way, or leave it as paid."
    _alarm(refund, "REFUND_FAILED", f"{text}{what_now}", now)


def _came_back(refund: Refund) -> str:
    cents = format_cents(refund.amount_cents)
    if refund.is_lost_dispute:
        return f"A dispute that was lost is won after all: {cents} is back with the practice and counts as paid again."
    return f"A refund of {cents} did not reach the card ({refund.state_reason})."


def _take_in_step(refund: Refund, *, before: int, now: datetime) -> None:
    """Each installment owes what was given back of it: the payment's refunds are taken from its allocations in turn."""
    payment = refund.payment
    after = Refund.refunded_cents(payment)
    plans: dict[int, PayPlan] = {}
    # What a desk sale paid is owed again in Open Dental, once the refund is posted.
    allocations = list(Allocation.objects.filter(payment=payment, line=None).order_by("pk"))
    old, new = _spread(allocations, before), _spread(allocations, after)
    for allocation, then, here in zip(allocations, old, new, strict=True):
        installment = Installment.objects.select_related("plan").get(allocations=allocation)
        _owe(installment, here - then, now, refund)
        plans[installment.plan_id] = installment.plan
    for plan in plans.values():
        due_parts.refresh(plan, now=now)


def _spread(allocations: list[Allocation], cents: int) -> list[int]:
    found = []
    for allocation in allocations:
        part = min(cents, allocation.amount_cents)
        found.append(part)
        cents -= part
    return found


def _owe(installment: Installment, cents: int, now: datetime, refund: Refund) -> None:
    """Negative `cents`: a refund came back, so that much is paid again."""
    statuses = Installment.Status
    installment.collected_cents = max(0, installment.collected_cents - cents)
    # Closed: that much of a share is settled, nobody owes it.
    if not refund.closes:
        shares.count(installment.plan, installment, refund.payment.payer_id, -cents)
    if refund.closes:
        installment.forgiven_cents = max(0, installment.forgiven_cents + cents)
        installment.status_note = closed_note(installment)
    if installment.status == statuses.PAID and installment.owed_cents:
        installment.status, installment.paid_at = statuses.PENDING, None
        what = "Taken back by the bank:" if refund.is_lost_dispute else "Refunded"
        installment.status_note = f"{what} {format_cents(cents)}"
    elif installment.is_open and not installment.owed_cents:
        installment.status, installment.paid_at = statuses.PAID, now
        installment.status_note = closed_note(installment)
    installment.save(
        update_fields=["collected_cents", "shared_cents", "forgiven_cents", "status", "paid_at", "status_note"]
    )


def closed_note(installment: Installment) -> str:
    """What staff read on an installment that was closed by a refund; '' = it was not."""
    if not installment.forgiven_cents:
        return ""
    given = format_cents(installment.forgiven_cents)
    return f"{given} given back and not collected again; Open Dental still shows it owed"


def _queue_posting(refund: Refund, now: datetime) -> None:
    posted = LedgerPosting.standing(refund.payment_id)
    ledger_cents = refund.amount_cents - refund.fee_cents
    if posted is None or not ledger_cents:
        return  # It was never meant for the ledger, or is all surcharge.
    if posted.state == LedgerPosting.State.WITHDRAWN:
        return  # Voided before it was told, and disputed as well: nothing of it stands there to be taken off.
    movement, is_recovered = LedgerPosting.Movement.REFUND, refund.actor == RECOVERY
    # What was made elsewhere is heard of later: staff may have entered it on that day.
    made_at = refund.started_at if refund.origin == Refund.Origin.ELSEWHERE else now
    states = LedgerPosting.State
    # As in aftermath.py: what a restore forgot may be in Open Dental already.
    state = states.UNCLEAR if is_recovered else states.QUEUED
    if refund.is_void and not is_recovered and voids.withdraw(posted, now):
        state = states.WITHDRAWN
    LedgerPosting.objects.create(
        practice_id=refund.practice_id, payment_id=refund.payment_id, movement=movement,
        refund=refund, patient_id=posted.patient_id, plan_id=posted.plan_id, amount_cents=-ledger_cents,
        next_at=now, created_at=made_at, reference=reference_of(refund.uuid, movement),
        state=state, sends=int(is_recovered),
    )  # fmt: skip


def _undo_in_ledger(refund: Refund, now: datetime) -> str:
    """What staff must undo in Open Dental, as a sentence; '' where the posting could be taken back."""
    posting = LedgerPosting.objects.filter(refund=refund).first()
    if posting is None or withdraw(posting, now):
        return ""
    if posting.state == LedgerPosting.State.WITHDRAWN:
        # A void before it was posted: neither side is in the books, and the payment belongs there after all.
        paid = LedgerPosting.objects.filter(payment=refund.payment_id, movement=LedgerPosting.Movement.PAYMENT).first()
        if paid is not None:
            voids.post_after_all(paid, now)
        return ""
    if posting.is_in_doubt:
        return " Open Dental may show it as given back: take that out there if it does."
    return " Open Dental shows it as given back: take that out there."


def withdraw(posting: LedgerPosting, now: datetime) -> bool:
    """Take a refund's posting back if nobody has begun with it. Guarded like every move of a posting."""
    states = LedgerPosting.State
    untouched = LedgerPosting.objects.filter(
        pk=posting.pk, state__in=[states.QUEUED, states.BY_HAND], pay_num=None, sends=0
    )
    if not untouched.update(state=states.WITHDRAWN, state_reason="The refund failed afterwards"):
        return False
    Alarm.close(posting.practice_id, key=f"refund-by-hand:{posting.refund_id}", now=now, actor="refund")
    return True


def _alarm(refund: Refund, kind: str, text: str, now: datetime) -> None:
    Alarm.raise_once(
        refund.practice_id, kind=kind, key=f"{kind.lower()}:refund:{refund.pk}", now=now, text=text,
        about={"refund": refund.pk, "payment": refund.payment_id, "patient": refund.payment.payer_id},
    )  # fmt: skip
