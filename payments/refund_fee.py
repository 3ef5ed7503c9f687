"""The share of a payment's surcharge that a refund gives back (ADR 8). Under the payment's lock: it is then fixed."""

from __future__ import annotations

from django.db.models import Sum

from payments import fees
from payments.models import Payment, Refund, RefundState, TenderFee


def surcharge_of(payment: Payment) -> int:
    """Cents of the payment that are no payment for work; 0 without a surcharge."""
    fee = payment.attempt.due_part.fee
    return fee.fee_cents if fee is not None and fee.kind == TenderFee.Kind.SURCHARGE else 0


def share_of(payment: Payment, cents: int) -> int:
    """What of a new refund of `cents` is surcharge; it is not among the payment's refunds yet."""
    surcharge = surcharge_of(payment)
    if not surcharge:
        return 0
    standing = Refund.objects.filter(payment=payment, state__in=RefundState.holding())
    sums = standing.aggregate(held=Sum("amount_cents"), borne=Sum("fee_cents"))
    return fees.refund_share(
        surcharge=surcharge, total=payment.amount_cents, back=cents, held=sums["held"] or 0, borne=sums["borne"] or 0
    )
