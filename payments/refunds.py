"""Giving money back: claim (reserve under the locks) → ask → settle. Between the steps nothing is locked or open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Sum

from core import calendar, trace
from core.money import format_cents
from payments import circuit, locks, refund_fee, refund_outcomes, voids
from payments.models import AttemptState, Dispute, Move, Payment, Refund, RefundState
from payments.refund_outcomes import about
from practices import refund_limits
from practices.models import Event, Membership
from processors import accounts
from processors.port import Processor, RefundOrder, RefundOutcome, Succeeded, UnableToReachProcessor

# What the processor is told. Never "fraudulent": it would block the card and the person's e-mail there.
_REASONS = {Refund.Reason.REQUESTED: "requested_by_customer", Refund.Reason.DUPLICATE: "duplicate"}


class UnableToRefund(Exception):
    """Nothing was given back and nothing was asked. The text says why, for staff."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants to give back: `cents` of a payment, and why.

    `newest`: the newest refund of the payment that the one who asks has seen (0: none); a newer one means that a
    second click asks again. None: don't ask.
    """

    cents: int
    reason: str
    actor: str
    note: str = ""
    newest: int | None = None
    # Whose role sets a limit (product page, section 8); None where no person asks.
    giver: Membership | None = None
    # The installment is not opened again: KasperPay never collects it.
    closes: bool = False


def refund(payment_id: int, wish: Wish, *, now: datetime) -> Refund:
    """Give money back to its card. Returns the refund as it stands afterwards. Raises UnableToRefund."""
    return carry_out(order(payment_id, wish, now=now).pk, now=now)


def order(payment_id: int, wish: Wish, *, now: datetime) -> Refund:
    """The first half of refund(): reserve, if there is a processor; `carry_out` follows. Raises UnableToRefund."""
    try:
        payment = Payment.objects.get(pk=payment_id)
        if payment.processor_reference:
            accounts.for_practice(payment.practice_id)
    except (Payment.DoesNotExist, UnableToReachProcessor) as error:
        raise UnableToRefund(str(error)) from error
    return claim(payment_id, wish, now=now)


def carry_out(refund_id: int, *, now: datetime) -> Refund:
    """Ask the processor for a STARTED refund and settle it; any other is left as it is. Returns how it stands.

    One that can't be asked for stays STARTED, also while the account takes nothing (payments/circuit.py): the
    reconciler goes on with it (payments/refund_news.py). So does one of a restored practice, which is looked up first.
    """
    reserved = Refund.objects.select_related("practice", "payment").get(pk=refund_id)
    if reserved.state != RefundState.STARTED or reserved.practice.recover_since is not None:
        return reserved
    try:
        outcome = outcome_of(reserved) or ask_unless_away(accounts.for_practice(reserved.practice_id), reserved, now)
    except UnableToReachProcessor:
        return reserved
    if outcome is not None:
        refund_outcomes.settle_refund(reserved.pk, outcome, now=now, actor=reserved.actor)
    reserved.refresh_from_db()
    return reserved


def claim(payment_id: int, wish: Wish, *, now: datetime) -> Refund:
    """Commit a STARTED refund: its cents are reserved from then on. Raises UnableToRefund.

    Durable: raises RuntimeError inside another transaction, because the processor is asked right after (M4).
    """
    try:
        with transaction.atomic(durable=True):
            payment = locks.payment(payment_id)
            _refuse_unless_refundable(payment, wish)
            _refuse_beyond_limit(payment, wish, now)
            if wish.reason == Refund.Reason.VOID and (why := voids.refusal(payment, wish.cents, now)):
                raise UnableToRefund(why)
            return _start(payment, wish, now)
    except IntegrityError as error:
        # The trigger is the second guard: it holds even where a lock was forgotten.
        raise UnableToRefund("Another refund of this payment is under way") from error


def _refuse_unless_refundable(payment: Payment, wish: Wish) -> None:
    if payment.practice.recover_since is not None:
        raise UnableToRefund("The database was restored: refunds made since the backup are looked for first")
    if payment.attempt.state != AttemptState.SUCCEEDED:
        raise UnableToRefund("This payment did not go through")
    if wish.cents < 1:
        raise UnableToRefund("A refund is at least $0.01")
    if wish.newest is not None and Refund.objects.filter(payment=payment, pk__gt=wish.newest).exists():
        raise UnableToRefund("It was refunded meanwhile: look at the result first")
    if Dispute.barring_refunds(payment) is not None:
        raise UnableToRefund("It is disputed: the bank has taken it back to decide, so nothing can be given back now")
    if Move.objects.filter(payment=payment, state=Move.State.ORDERED).exists():
        raise UnableToRefund("It is being moved to another place in Open Dental: wait for the result")
    left = Refund.refundable_cents(payment)
    if wish.cents > left:
        raise UnableToRefund(f"Only {format_cents(max(0, left))} of this payment can still be given back")


def _refuse_beyond_limit(payment: Payment, wish: Wish, now: datetime) -> None:
    """Under a lock of the person's role, so that two refunds of different payments are added up in turn."""
    if wish.giver is None:
        return
    giver = locks.membership(wish.giver.pk)
    if giver.practice_id != payment.practice_id or not giver.is_active:
        raise UnableToRefund("You are not a member of this practice any more")
    limit = refund_limits.of(giver)
    if limit.is_barred:
        raise UnableToRefund("Your role may not give money back")
    if why := limit.refusal(wish.cents, given_today(giver, now)):
        raise UnableToRefund(why)


def given_today(giver: Membership, now: datetime) -> int:
    """Cents that this person gave back on the practice-local day of `now`, or that are on their way."""
    zone = giver.practice.zone
    since = calendar.at_hour(calendar.local_date(now, zone), 0, zone)
    mine = Refund.objects.filter(practice=giver.practice_id, started_at__gte=since, actor=f"user:{giver.user_id}")
    return int(mine.filter(state__in=RefundState.holding()).aggregate(cents=Sum("amount_cents"))["cents"] or 0)


def _start(payment: Payment, wish: Wish, now: datetime) -> Refund:
    found = Refund(
        practice_id=payment.practice_id, payment=payment, amount_cents=wish.cents,
        fee_cents=refund_fee.share_of(payment, wish.cents), reason=wish.reason, note=wish.note[:200],
        closes=wish.closes, actor=wish.actor, started_at=now,
        trace=trace.current() or payment.attempt.trace or trace.new(),
    )  # fmt: skip
    found.params = {
        "payment_intent": payment.processor_reference,
        "amount": wish.cents,
        "metadata": {"refund": str(found.uuid)},
    }
    if wish.reason in _REASONS:
        found.params["reason"] = _REASONS[Refund.Reason(wish.reason)]
    found.save(force_insert=True)
    Event.record(
        payment.practice_id, kind="refund_started", actor=wish.actor, now=now, about=about(found),
        text=f"{format_cents(wish.cents)} to be given back: {found.get_reason_display()}",
    )  # fmt: skip
    return found


def outcome_of(reserved: Refund) -> RefundOutcome | None:
    """Of what no processor is asked for, else None: cash and checks, which staff give back from the drawer, and lost
    disputes, of which the bank has taken the money.
    """
    is_done = reserved.is_lost_dispute or not reserved.payment.processor_reference
    return Succeeded(reserved.reference, reserved.amount_cents) if is_done else None


def ask_unless_away(processor: Processor, reserved: Refund, now: datetime) -> RefundOutcome | None:
    """None, and nothing is asked, while the account takes nothing: the row says so, and it is asked for later."""
    if reason := circuit.refusal(reserved.practice_id, now):
        Refund.objects.filter(pk=reserved.pk, state=RefundState.STARTED).update(state_reason=reason[:200])
        return None
    outcome = ask(processor, reserved)
    circuit.learn_refund(reserved, outcome, now=now)
    return outcome


def ask(processor: Processor, reserved: Refund) -> RefundOutcome:
    """Ask the processor exactly what the committed refund says, under its key."""
    return processor.refund(RefundOrder(reserved.params, reserved.key))
