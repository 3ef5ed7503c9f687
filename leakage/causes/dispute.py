"""A cardholder's bank asks for the money back and has not decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leakage.models import Leak
from leakage.shape import Around, Back, Button, Cause, Found, Group
from payments.models import Dispute


def _find(around: Around) -> Iterable[Found]:
    rows = Dispute.objects.filter(practice=around.practice, over_at=None).select_related("payment")
    return [
        Found(
            key=f"{Leak.Cause.DISPUTE}:dispute:{row.pk}",
            cents=row.amount_cents,
            since=row.made_at,
            words=_words(row, around),
            about={"dispute": row.pk, "patient": row.payment.payer_id},
            patient_id=row.payment.payer_id,
        )
        for row in rows.order_by("made_at", "pk")
    ]


def _words(row: Dispute, around: Around) -> str:
    if row.reply_by is None:
        return row.get_state_display()
    return f"{row.get_state_display()} · reply by {row.reply_by.astimezone(around.practice.zone):%b %-d}"


def _came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    ids = [leak.about["dispute"] for leak in leaks]
    won = set(Dispute.objects.filter(pk__in=ids, state=Dispute.State.WON).values_list("pk", flat=True))
    return {
        leak.pk: Back(Leak.Outcome.RECOVERED, leak.most_cents, "Dispute won")
        for leak in leaks
        if leak.about["dispute"] in won
    }


CAUSE = Cause(
    name=Leak.Cause.DISPUTE,
    group=Group.BANK,
    tone="bad",
    button=Button("Reply", "dispute", "dispute", drawer=False),
    closes="It closes when the bank has decided.",
    find=_find,
    came_back=_came_back,
)
