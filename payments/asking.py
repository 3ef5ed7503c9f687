"""Somebody at the desk asks for a charge or refund; a worker does it. (The patient's own way: paylinks/charges.py.)"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from kombu.exceptions import OperationalError

from payments import progress, refunds, sales, upward
from payments.models import Attempt, DuePart, Payment, Refund
from payments.sales import UnableToSell
from payments.tasks import collect_one, open_page_one, refund_one

logger = logging.getLogger(__name__)


def newest_try(part: DuePart) -> int:
    """The newest attempt the person could see when they asked; 0 = there was none."""
    return part.attempts.order_by("-pk").values_list("pk", flat=True).first() or 0


def pay_now(part: DuePart, *, card_id: int, actor: str) -> str:
    """Hand an unpaid part to a worker at once; returns the request under which payments/progress.py tells."""
    request = uuid.uuid4().hex
    collect_one.delay(
        practice_id=part.practice_id,
        due_part_id=part.pk,
        channel=Attempt.Channel.PAY_NOW,
        actor=actor,
        request=request,
        card_id=card_id,
        newest=newest_try(part),
    )
    return request


def sale_card(part: DuePart, *, card_id: int, actor: str) -> None:
    """Hand a tender of a desk sale to a worker at once. Raises UnableToSell when there is no queue to hand it to."""
    with _or_drop(part):
        collect_one.delay(
            practice_id=part.practice_id, due_part_id=part.pk, channel=Attempt.Channel.ON_FILE, actor=actor,
            request=progress.sale_request(part.pk), card_id=card_id, newest=0,
        )  # fmt: skip


def part_page(part: DuePart, *, newest: int, actor: str, back: str) -> str:
    """Have a worker open the hosted card page for an installment; returns the request under which it is told."""
    request = uuid.uuid4().hex
    open_page_one.delay(
        practice_id=part.practice_id, due_part_id=part.pk, actor=actor, back=back, cancel=back, request=request,
        newest=newest,
    )  # fmt: skip
    return request


def part_reader(part: DuePart, *, reader_id: int, newest: int, actor: str, now: datetime) -> str:
    """Have an installment paid at a terminal; the address of its live screen. Raises upward.UnableToTakeThere."""
    return upward.handlers.take_at_reader(upward.ReaderWish(part, reader_id, "", actor, now, newest))


def sale_page(part: DuePart, *, actor: str, back: str, cancel: str) -> None:
    """Have a worker open the hosted card page for a tender; it leads to `back` or `cancel`. Raises UnableToSell."""
    with _or_drop(part):
        open_page_one.delay(practice_id=part.practice_id, due_part_id=part.pk, actor=actor, back=back, cancel=cancel)


def sale_reader(part: DuePart, *, reader_id: int, consent: str, actor: str, now: datetime) -> str:
    """Have a tender paid at a terminal; returns the address of its live screen. Raises UnableToSell."""
    try:
        return upward.handlers.take_at_reader(upward.ReaderWish(part, reader_id, consent, actor, now))
    except upward.UnableToTakeThere as error:
        progress.refuse(progress.sale_request(part.pk), str(error))
        sales.drop(part.pk)
        raise UnableToSell(str(error)) from error


@contextmanager
def _or_drop(part: DuePart) -> Iterator[None]:
    """The tender is nobody's when there is no queue to hand it to."""
    try:
        yield
    except OperationalError as error:
        sales.drop(part.pk)
        raise UnableToSell("The queue of KasperPay is away, so nothing was charged. Try again in a minute") from error


def refund(payment: Payment, wish: refunds.Wish, *, now: datetime) -> Refund:
    """Reserve it at once, so that a refusal is known at once; a worker asks the processor. Raises UnableToRefund.

    `wish.giver` is the person at the desk. What stands committed is not lost with the message: the reconciler finds it.
    """
    if wish.giver is None:
        raise ValueError("a person at the desk has a role, and its limit holds")
    ordered = refunds.order(payment.pk, wish, now=now)
    try:
        refund_one.delay(practice_id=ordered.practice_id, refund_id=ordered.pk)
    except OperationalError:
        logger.warning("Refund %s waits for the reconciler: the queue is away", ordered.pk)
    return ordered
