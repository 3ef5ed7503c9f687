"""What follows for a desk sale when one of its tenders is settled, inside that transaction: rows only."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.db.models import Sum

from core.tokens import reference_of
from payments import fees, sale_spread, upward
from payments.models import (
    Allocation,
    DuePart,
    LedgerAdjustment,
    LedgerPosting,
    Payment,
    Sale,
    SaleLine,
    TenderFee,
)


def of_success(sale: Sale, payment: Payment, now: datetime) -> None:
    """What it pays for, its discount and its posting, and the end of the sale when nothing is left."""
    fee = payment.attempt.due_part.fee
    surcharge = fee.fee_cents if fee is not None and fee.kind == TenderFee.Kind.SURCHARGE else 0
    _allocate(sale, payment, payment.amount_cents - surcharge, fee if not surcharge else None, now)
    movement, is_recovered = LedgerPosting.Movement.PAYMENT, payment.attempt.recovered_at is not None
    LedgerPosting.objects.create(
        practice_id=payment.practice_id, payment=payment, patient_id=sale.patient_id,
        # A surcharge stays out of the ledger (ADR 8).
        amount_cents=payment.amount_cents - surcharge,
        next_at=now, created_at=now, movement=movement, reference=reference_of(payment.attempt.uuid, movement),
        state=LedgerPosting.State.UNCLEAR if is_recovered else LedgerPosting.State.QUEUED, sends=int(is_recovered),
    )  # fmt: skip
    paid = sale.due_parts.filter(state=DuePart.State.PAID).aggregate(cents=Sum("amount_cents"))["cents"] or 0
    if paid >= sale.amount_cents and sale.state == Sale.State.OPEN:
        sale.state, sale.ended_at = Sale.State.PAID, now
        sale.save(update_fields=["state", "ended_at"])
    upward.handlers.sale_paid(sale.pk, now)


def _allocate(sale: Sale, payment: Payment, cents: int, discount: TenderFee | None, now: datetime) -> None:
    """`cents` of money on the lines, and beside them what a discount settles, with its adjustments."""
    off = discount.fee_cents if discount is not None else 0
    parts = sale_spread.spread(sale, cents + off)
    named = [place for place, (line, _) in enumerate(parts) if line.proc_num]
    taken_off = dict(zip(named, fees.spread_discount(off, [parts[place][1] for place in named]), strict=True))
    rows = Allocation.objects.bulk_create(
        Allocation(
            practice_id=payment.practice_id, payment=payment, line=line, amount_cents=part - taken_off.get(place, 0),
            discount_cents=taken_off.get(place, 0),
        )
        for place, (line, part) in enumerate(parts)
    )  # fmt: skip
    if discount is not None:
        LedgerAdjustment.objects.bulk_create(
            _adjustment(row, payment, discount, now) for row in rows if row.discount_cents
        )


def _adjustment(row: Allocation, payment: Payment, discount: TenderFee, now: datetime) -> LedgerAdjustment:
    line = cast("SaleLine", row.line)
    return LedgerAdjustment(
        practice_id=payment.practice_id, payment=payment, allocation=row, patient_id=line.patient_id,
        proc_num=line.proc_num, adj_type_num=discount.settings.adj_type_num, amount_cents=-row.discount_cents,
        reference=reference_of(payment.attempt.uuid, f"ADJUSTMENT {line.proc_num}"), next_at=now, created_at=now,
    )  # fmt: skip


def of_nothing_taken(part: DuePart) -> None:
    """The person is at the desk: another card or cash is a new tender."""
    part.state = DuePart.State.CLOSED
    part.save(update_fields=["state"])
