"""A request for money never reached anybody."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from leakage.causes import requests
from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Found, Group
from paylinks.models import PaymentRequest


def _find(around: Around) -> Iterable[Found]:
    rows = PaymentRequest.objects.filter(practice=around.practice, state=PaymentRequest.State.OPEN)
    lost = rows.with_shown_state(around.now).filter(Q(shown_state=PaymentRequest.Shown.UNDELIVERABLE))
    return [
        requests.found(Leak.Cause.REQUEST_LOST, row, "the request could not be delivered: check number and e-mail")
        for row in lost.order_by("sent_at")
    ]


CAUSE = Cause(
    name=Leak.Cause.REQUEST_LOST,
    group=Group.REQUESTS,
    tone="warn",
    button=Button("Send again", "request", "request"),
    closes="It closes when the request is delivered, paid or canceled.",
    find=_find,
    came_back=requests.came_back,
)
