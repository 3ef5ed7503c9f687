"""What causes about ledger postings share: which of them, told how, and when they are put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from django.db.models import Q

from leakage.models import Leak
from leakage.shape import Around, Back, Found
from payments.models import LedgerPosting

State = LedgerPosting.State
# Posting takes seconds (payments/needs_posting.py). What takes longer may stay away.
LATE = timedelta(minutes=10)
OF_REFUNDS = Q(movement=LedgerPosting.Movement.REFUND)


def finder(cause: Leak.Cause, which: Callable[[Around], Q]) -> Callable[[Around], Iterable[Found]]:
    def find(around: Around) -> Iterable[Found]:
        rows = LedgerPosting.objects.filter(which(around), practice=around.practice).select_related("payment")
        return [_found(cause, row) for row in rows.order_by("created_at", "pk")]

    return find


def _found(cause: Leak.Cause, row: LedgerPosting) -> Found:
    why = row.state_reason or row.get_state_display()
    return Found(
        key=f"{cause}:posting:{row.pk}",
        cents=abs(row.amount_cents),
        since=row.created_at,
        words=f"{row.get_movement_display()} {row.reference} · {why}"[:300],
        about={"posting": row.pk, "attempt": row.payment.attempt_id, "patient": row.patient_id},
        patient_id=row.patient_id,
    )


def came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    """Only what was read back is put right. What somebody marked by hand is gone from here, on their word."""
    ids = [leak.about["posting"] for leak in leaks]
    matched = set(LedgerPosting.objects.filter(pk__in=ids, state=State.MATCHED).values_list("pk", flat=True))
    return {
        leak.pk: Back(Leak.Outcome.PUT_RIGHT, leak.most_cents, "Posted and read back")
        for leak in leaks
        if leak.about["posting"] in matched
    }
