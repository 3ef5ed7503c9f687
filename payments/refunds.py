"""Giving money back: claim (reserve under the locks) → ask → settle. Between the steps nothing is locked or open."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from core import trace
from core.money import format_cents
from payments import locks, refund_outcomes
from payments.models import AttemptState, Dispute, Payment, Refund, RefundState
from payments.refund_outcomes import about
from practices.models import Event
from processors import accounts
from processors.port import Processor, RefundOrder, RefundOutcome, Succeeded, UnableToReachProcessor

# What the processor is told. Never "fraudulent": it would block the card and the person's e-mail there.
_REASONS = {Refund.Reason.REQUESTED: "requested_by_customer", Refund.Reason.DUPLICATE: "duplicate"}


class UnableToRefund(Exception):
    """Nothing was given back and nothing was asked. The text says why, for staff."""


def refund(
    payment_id: int, *, cents: int, reason: str, actor: str, now: datetime, note: str = "", newest: int | None = None
) -> Refund:
    """Give `cents` of a payment back to its card. Returns the refund as it stands afterwards. Raises UnableToRefund.

    `newest`: the newest refund of the payment that the one who asks has seen (0: none); a newer one means that a
    second click asks again. None: don't ask. Role limits are the caller's (product page, section 8).
    """
    reserved = order(payment_id, cents=cents, reason=reason, actor=actor, now=now, note=note, newest=newest)
    return carry_out(reserved.pk, now=now)


def order(
    payment_id: int, *, cents: int, reason: str, actor: str, now: datetime, note: str = "", newest: int | None = None
) -> Refund:
    """The first half of refund(): reserve, if there is a processor; `carry_out` follows. Raises UnableToRefund."""
    try:
        payment = Payment.objects.get(pk=payment_id)
        if payment.processor_reference:
            accounts.for_practice(payment.practice_id)
    except (Payment.DoesNotExist, UnableToReachProcessor) as error:
        raise UnableToRefund(str(error)) from error
    return claim(payment_id, cents=cents, reason=reason, actor=actor, now=now, note=note, newest=newest)


def carry_out(refund_id: int, *, now: datetime) -> Refund:
    """Ask the processor for a STARTED refund and settle it; any other is left as it is. Returns how it stands.

    One that can't be asked for stays STARTED: the reconciler goes on with it (payments/refund_news.py). So does one of
    a restored practice, which is looked up first.
    """
    reserved = Refund.objects.select_related("practice", "payment").get(pk=refund_id)
    if reserved.state != RefundState.STARTED or reserved.practice.recover_since is not None:
        return reserved
    try:
        outcome = outcome_of(reserved) or ask(accounts.for_practice(reserved.practice_id), reserved)
    except UnableToReachProcessor:
        return reserved
    refund_outcomes.settle_refund(reserved.pk, outcome, now=now, actor=reserved.actor)
    reserved.refresh_from_db()
    return reserved


def claim(
    payment_id: int, *, cents: int, reason: str, actor: str, now: datetime, note: str = "", newest: int | None = None
) -> Refund:
    """Commit a STARTED refund: its cents are reserved from then on. Raises UnableToRefund.

    Durable: raises RuntimeError inside another transaction, because the processor is asked right after (M4).
    """
    try:
        with transaction.atomic(durable=True):
            payment = locks.payment(payment_id)
            _refuse_unless_refundable(payment, cents, newest)
            return _start(payment, cents, reason, note, actor, now)
    except IntegrityError as error:
        # The trigger is the second guard: it holds even where a lock was forgotten.
        raise UnableToRefund("Another refund of this payment is under way") from error


def _refuse_unless_refundable(payment: Payment, cents: int, newest: int | None) -> None:
    if payment.practice.recover_since is not None:
        raise UnableToRefund("The database was restored: refunds made since the backup are looked for first")
    if payment.attempt.state != AttemptState.SUCCEEDED:
        raise UnableToRefund("This payment did not go through")
    if cents < 1:
        raise UnableToRefund("A refund is at least $0.01")
    if newest is not None and Refund.objects.filter(payment=payment, pk__gt=newest).exists():
        raise UnableToRefund("It was refunded meanwhile: look at the result first")
    if Dispute.barring_refunds(payment) is not None:
        raise UnableToRefund("It is disputed: the bank has taken it back to decide, so nothing can be given back now")
    left = Refund.refundable_cents(payment)
    if cents > left:
        raise UnableToRefund(f"Only {format_cents(max(0, left))} of this payment can still be given back")


def _start(payment: Payment, cents: int, reason: str, note: str, actor: str, now: datetime) -> Refund:
    found = Refund(
        practice_id=payment.practice_id, payment=payment, amount_cents=cents, reason=reason, note=note[:200],
        actor=actor, started_at=now, trace=trace.current() or payment.attempt.trace or trace.new(),
    )  # fmt: skip
    found.params = {
        "payment_intent": payment.processor_reference,
        "amount": cents,
        "metadata": {"refund": str(found.uuid)},
    }
    if reason in _REASONS:
        found.params["reason"] = _REASONS[Refund.Reason(reason)]
    found.save(force_insert=True)
    Event.record(
        payment.practice_id, kind="refund_started", actor=actor, now=now, about=about(found),
        text=f"{format_cents(cents)} to be given back: {found.get_reason_display()}",
    )  # fmt: skip
    return found


def outcome_of(reserved: Refund) -> RefundOutcome | None:
    """Of what no processor is asked for, else None: cash and checks, which staff give back from the drawer, and lost
    disputes, of which the bank has taken the money.
    """
    is_done = reserved.is_lost_dispute or not reserved.payment.processor_reference
    return Succeeded(reserved.reference, reserved.amount_cents) if is_done else None


def ask(processor: Processor, reserved: Refund) -> RefundOutcome:
    """Ask the processor exactly what the committed refund says, under its key."""
    return processor.refund(RefundOrder(reserved.params, reserved.key))
