"""Somebody was asked for money a week ago and has not paid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q

from leakage.causes import requests
from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Found, Group
from paylinks.models import PaymentRequest

# After both reminders (2 and 5 days).
PATIENCE = timedelta(days=7)


def _find(around: Around) -> Iterable[Found]:
    rows = PaymentRequest.objects.filter(
        practice=around.practice, state=PaymentRequest.State.OPEN, sent_at__lte=around.now - PATIENCE
    )
    shown = rows.with_shown_state(around.now).exclude(Q(shown_state=PaymentRequest.Shown.UNDELIVERABLE))
    return [requests.found(Leak.Cause.REQUEST_UNPAID, row, _words(row, around)) for row in shown.order_by("sent_at")]


def _words(row: PaymentRequest, around: Around) -> str:
    sent = f"asked {row.sent_at.astimezone(around.practice.zone):%b %-d}"
    if row.expires_at <= around.now:
        return f"{sent}, the link has expired"
    return f"{sent}, {'opened, not paid' if row.opened_at else 'not opened'}"


CAUSE = Cause(
    name=Leak.Cause.REQUEST_UNPAID,
    group=Group.REQUESTS,
    tone="info",
    button=Button("Ask again", "request", "request"),
    closes="It closes when the request is paid, settled in the office or canceled.",
    find=_find,
    came_back=requests.came_back,
)
