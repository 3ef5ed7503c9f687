"""Refunds as people see them on a screen: the refund, who asked for it, and how it gets into Open Dental."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from payments.models import Alarm, LedgerPosting, Payment, Refund, RefundState
from practices import timeline

# Postings of which nothing comes by itself any more.
_ENDS = ("MATCHED", "REFUSED", "MISMATCH", "BY_HAND", "MARKED", "WITHDRAWN")


@dataclass(frozen=True)
class RefundRow:
    """`steps` is what staff enter in Open Dental, while it waits for them; else ''."""

    refund: Refund
    posting: LedgerPosting | None
    by: str
    steps: str

    @property
    def is_moving(self) -> bool:
        """News is still to come by itself, from the processor or from Open Dental."""
        if self.refund.is_open or self.posting is None:
            return self.refund.is_open
        # The poster writes the steps right after it has handed the posting to staff.
        return self.posting.state not in _ENDS or (self.posting.state == LedgerPosting.State.BY_HAND and not self.steps)


def of_payments(payments: Iterable[Payment]) -> dict[int, list[RefundRow]]:
    """By payment, oldest first; payments without one are left out. At most two queries besides what is prefetched."""
    shown = list(payments)
    refunds = [refund for payment in shown for refund in payment.refunds.all()]
    postings = {one.refund_id: one for payment in shown for one in payment.postings.all() if one.refund_id}
    called = timeline.names({refund.actor for refund in refunds}) if refunds else {}
    steps = steps_of(pk for pk, posting in postings.items() if posting.state == LedgerPosting.State.BY_HAND)
    found: dict[int, list[RefundRow]] = {}
    for refund in sorted(refunds, key=lambda one: one.pk):
        row = RefundRow(refund, postings.get(refund.pk), called[refund.actor], steps.get(refund.pk, ""))
        found.setdefault(refund.payment_id, []).append(row)
    return found


def of_payment(payment: Payment) -> list[RefundRow]:
    return of_payments([payment]).get(payment.pk, [])


def given_back(rows: Iterable[RefundRow]) -> int:
    """Cents that have gone back for certain."""
    return sum(row.refund.amount_cents for row in rows if row.refund.state == RefundState.SUCCEEDED)


def left_of(payment: Payment, rows: Iterable[RefundRow]) -> int:
    """Cents that can still be given back, as the screen was read; the lock decides (payments/refunds.py)."""
    held = sum(row.refund.amount_cents for row in rows if row.refund.state in RefundState.holding())
    return max(0, payment.amount_cents - held)


def steps_of_moves(postings: Iterable[LedgerPosting]) -> dict[int, str]:
    """Posting → what staff were told to take off by hand, so that a payment can be moved."""
    keys = {one.move.alarm_key: one.pk for one in postings if one.move is not None}
    told = Alarm.objects.filter(key__in=keys).order_by("pk").values_list("key", "text") if keys else []
    return {keys[key]: text for key, text in told}


def steps_of(refund_ids: Iterable[int]) -> dict[int, str]:
    """Refund → what the poster told staff to enter (opendental/refund_by_hand.py), also when the alarm was put away."""
    keys = {f"refund-by-hand:{pk}": pk for pk in refund_ids}
    if not keys:
        return {}
    told = Alarm.objects.filter(key__in=keys).order_by("pk").values_list("key", "text")
    return {keys[key]: text for key, text in told}
