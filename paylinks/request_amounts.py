"""What a request asks at this moment: its lines, reduced to what Open Dental still shows as owed. In cents."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.core.cache import cache
from django.db.models import Sum
from redis.exceptions import RedisError

from paylinks.models import PaymentRequest, RequestLine
from payments import upward
from payments.account import Account
from payments.models import DuePart, Sale, SaleLine
from payments.sale_lines import Line
from payments.upward import UnableToReadAccount

# Real time: a page that is reloaded, or opened by a family's phones, asks the office once.
_ASK_AGAIN_AFTER_SECONDS = 120
# What names no procedure is taken because somebody wants to pay it, not because it is owed.
_WISHED = (Sale.Basis.CUSTOM, Sale.Basis.PREPAYMENT)
log = logging.getLogger(__name__)


def paid_cents(request: PaymentRequest) -> int:
    """What was paid on its link."""
    paid = DuePart.objects.filter(sale__request_try__request=request, state=DuePart.State.PAID)
    return int(paid.aggregate(cents=Sum("amount_cents"))["cents"] or 0)


def left_cents(request: PaymentRequest) -> int:
    """What of it was not paid on its link."""
    return max(0, request.amount_cents - paid_cents(request))


def lines_now(request: PaymentRequest, account: Account) -> list[Line]:
    """Its lines with what is still owed on each, summing to at most what is left of it; [] = nothing is owed."""
    found = list(_still_owed(request, account, request.lines.select_related("patient").order_by("pk")))
    return reduced(found, left_cents(request))


def _still_owed(request: PaymentRequest, account: Account, lines: Iterable[RequestLine]) -> Iterator[Line]:
    procedures = {one.proc_num: one for one in account.procedures}
    people = account.family if request.basis == Sale.Basis.FAMILY else [request.patient.pat_num]
    owed = account.owed_cents(*people)
    for line in lines:
        if line.kind == SaleLine.Kind.PROCEDURE:
            one = procedures.get(line.proc_num)
            cents = min(line.amount_cents, one.open_cents) if one else 0
        else:
            one = None
            cents = line.amount_cents if request.basis in _WISHED else min(line.amount_cents, max(0, owed))
        owed -= cents
        if cents > 0:
            yield Line(line.kind, line.patient.pat_num, cents, one)


def reduced(lines: Sequence[Line], cents: int) -> list[Line]:
    """The first `cents` of these lines."""
    found, left = list[Line](), cents
    for line in lines:
        part = min(line.cents, left)
        if part > 0:
            found.append(replace(line, cents=part))
            left -= part
    return found


def total(lines: Iterable[Line]) -> int:
    return sum(line.cents for line in lines)


def asked_lately(request: PaymentRequest, now: datetime) -> int:
    """What it asks as the office said within two minutes; as it was known before where it can't be asked.

    For the page only: nothing is taken on this word.
    """
    try:
        known: int | None = cache.get(_key(request))
        if known is not None:
            return known
        # Others see the old amount while this one asks.
        cache.set(_key(request), left_cents(request), _ASK_AGAIN_AFTER_SECONDS)
        asked = _asked_now(request, now)
        cache.set(_key(request), asked, _ASK_AGAIN_AFTER_SECONDS)
    except RedisError:
        log.exception("Unable to remember what request %s asks", request.pk)
        return left_cents(request)
    return asked


def _asked_now(request: PaymentRequest, now: datetime) -> int:
    try:
        return total(lines_now(request, read(request, now)))
    except UnableToReadAccount as error:
        log.info("request %s is shown as it was sent: %s", request.pk, error)
        return left_cents(request)


def read(request: PaymentRequest, now: datetime) -> Account:
    """The account behind it, read now. Raises UnableToReadAccount."""
    return upward.handlers.account(request.practice_id, request.patient.pat_num, now)


def forget(request: PaymentRequest) -> None:
    """What was read before is out of date: it was paid, changed or tried."""
    try:
        cache.delete(_key(request))
    except RedisError:
        log.exception("Unable to forget what request %s asks", request.pk)


def _key(request: PaymentRequest) -> str:
    return f"request-asks:{request.practice_id}:{request.pk}"
