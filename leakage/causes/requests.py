"""What causes about requests share: who was asked for what, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from leakage.models import Leak
from leakage.shape import Back, Found
from paylinks.models import PaymentRequest


def found(cause: Leak.Cause, row: PaymentRequest, words: str) -> Found:
    return Found(
        key=f"{cause}:request:{row.pk}",
        cents=row.amount_cents,
        since=row.sent_at,
        words=words,
        about={"request": row.pk, "patient": row.patient_id},
        patient_id=row.patient_id,
    )


def came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    """Paid by the link or in the office; canceled ones are gone."""
    by = {PaymentRequest.State.PAID: "Text to pay", PaymentRequest.State.SETTLED: "Paid in the office"}
    rows = PaymentRequest.objects.filter(pk__in=[leak.about["request"] for leak in leaks], state__in=list(by))
    states = dict(rows.values_list("pk", "state"))
    return {
        leak.pk: Back(Leak.Outcome.RECOVERED, leak.most_cents, by[PaymentRequest.State(states[leak.about["request"]])])
        for leak in leaks
        if leak.about["request"] in states
    }
