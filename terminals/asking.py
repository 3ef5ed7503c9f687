"""What Process Payment asks of the terminals: which there are, and to take a tender at one (kasperpay/wiring.py)."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from kombu.exceptions import OperationalError

from payments.models import AttemptState, DuePart
from payments.upward import ReaderWish, UnableToTakeThere
from terminals import keeping, taking
from terminals.models import DefaultReader, Reader, ReaderRun
from terminals.tasks import take_one


def choices(practice_id: int, user_id: int) -> list[tuple[str, str]]:
    """Terminals in use, the person's default first."""
    mine = DefaultReader.objects.filter(practice=practice_id, user=user_id).values_list("reader_id", flat=True).first()
    readers = Reader.objects.filter(practice=practice_id, state=Reader.State.ACTIVE).select_related("location")
    found = sorted(readers, key=lambda one: (one.pk != mine, one.label, one.pk))
    several = len({one.location_id for one in found}) > 1
    return [(str(one.pk), f"{one.label}, {one.location.name}" if several else one.label) for one in found]


def take(wish: ReaderWish) -> str:
    """Hand a tender to a terminal; returns the address of its live screen. Raises UnableToTakeThere."""
    try:
        with transaction.atomic():
            if wish.consent:
                keeping.wish(wish.part, wish.consent, actor=wish.actor, now=wish.now)
            run = taking.start(wish.part, reader_of(wish.part, wish.reader_id), actor=wish.actor, newest=wish.newest)
    except taking.UnableToTake as error:
        raise UnableToTakeThere(str(error)) from error
    _hand_over(run)
    return reverse("reader_payment", args=[wish.part.pk])


def again(part: DuePart, reader: Reader, *, actor: str) -> ReaderRun:
    """Another card, or another terminal, for a payment that still waits for one. Raises UnableToTakeThere."""
    attempt = taking.attempt_of(part)
    if attempt is None or attempt.state != AttemptState.PENDING:
        raise UnableToTakeThere("This payment no longer waits for a card")
    try:
        run = taking.start(part, reader, actor=actor)
    except taking.UnableToTake as error:
        raise UnableToTakeThere(str(error)) from error
    _hand_over(run)
    return run


def reader_of(part: DuePart, reader_id: int) -> Reader:
    """Raises UnableToTake."""
    reader = Reader.objects.filter(practice=part.practice_id, pk=reader_id).first()
    if reader is None:
        raise taking.UnableToTake("This terminal is gone")
    return reader


def _hand_over(run: ReaderRun) -> None:
    try:
        take_one.delay(practice_id=run.practice_id, run_id=run.pk)
    except OperationalError as error:
        taking.end(run, "refused")
        raise UnableToTakeThere("The queue of KasperPay is away, so nothing was asked. Try again soon") from error
