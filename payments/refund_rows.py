"""Refunds as people see them on a screen: the refund, who asked for it, and how it gets into Open Dental."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from payments.models import Alarm, LedgerPosting, Payment, Refund, RefundState
from practices import timeline

# Postings of which nothing comes by itself any more.
_ENDS = ("MATCHED", "REFUSED", "MISMATCH", "BY_HAND", "WITHDRAWN")


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
    steps = _steps([pk for pk, posting in postings.items() if posting.state == LedgerPosting.State.BY_HAND])
    found: dict[int, list[RefundRow]] = {}
    for refund in sorted(refunds, key=lambda one: one.pk):
        row = RefundRow(refund, postings.get(refund.pk), called[refund.actor], steps.get(_key(refund.pk), ""))
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


def _steps(refund_ids: list[int | None]) -> dict[str, str]:
    """What the poster told staff to enter (opendental/refund_by_hand.py), also when the alarm was put away."""
    if not refund_ids:
        return {}
    alarms = Alarm.objects.filter(key__in=[_key(pk) for pk in refund_ids]).order_by("pk")
    return dict(alarms.values_list("key", "text"))


def _key(refund_id: int | None) -> str:
    return f"refund-by-hand:{refund_id}"
