"""A try whose outcome nobody knows yet: it is looked for at the processor, and never simply tried again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from leakage.models import Leak
from leakage.shape import Around, Back, Button, Cause, Found, Group
from payments.models import Attempt, AttemptState

LATE = timedelta(minutes=10)
# A person may take their time at a reader or on a page; those are ended by themselves after 40 minutes (ADR 7).
_PRESENTED = [Attempt.Channel.TERMINAL, Attempt.Channel.HOSTED, Attempt.Channel.LINK_PAGE]


def _find(around: Around) -> Iterable[Found]:
    rows = Attempt.objects.filter(practice=around.practice, state__in=AttemptState.open())
    late = rows.filter(started_at__lte=around.now - LATE).exclude(state=AttemptState.PENDING, channel__in=_PRESENTED)
    return [
        Found(
            key=f"{Leak.Cause.UNKNOWN}:attempt:{row.pk}",
            cents=row.amount_cents,
            since=row.started_at,
            words=f"{row.means} · {row.get_channel_display()}, the processor is asked again by itself",
            about={"attempt": row.pk, "patient": row.due_part.payer_id},
            patient_id=row.due_part.payer_id,
        )
        for row in late.select_related("due_part", "card").order_by("started_at", "pk")
    ]


def _came_back(leaks: Sequence[Leak]) -> dict[int, Back]:
    """It was taken after all: nothing was lost. What was not taken leaks on under its own name."""
    ids = [leak.about["attempt"] for leak in leaks]
    paid = set(Attempt.objects.filter(pk__in=ids, state=AttemptState.SUCCEEDED).values_list("pk", flat=True))
    return {
        leak.pk: Back(Leak.Outcome.PUT_RIGHT, leak.most_cents, "Found paid at the processor")
        for leak in leaks
        if leak.about["attempt"] in paid
    }


CAUSE = Cause(
    name=Leak.Cause.UNKNOWN,
    group=Group.BANK,
    tone="bad",
    button=Button("Show it", "attempt", "attempt"),
    closes="It closes when the processor has said whether the money was taken.",
    find=_find,
    came_back=_came_back,
)
