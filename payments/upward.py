"""What the money path needs from higher apps, registered by the composition root (kasperpay/wiring.py)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from patients.models import Patient
from payments.account import Account
from payments.models import DuePart
from payplans.models import PayPlan


class UnableToRecheck(Exception):
    """Open Dental could not be asked whether the money is still owed. The text is for staff."""


class UnableToReadAccount(Exception):
    """Open Dental could not be asked what a patient owes. The text is for staff."""


class UnableToTakeThere(Exception):
    """No terminal can take it now; nothing was begun. The text is for staff."""


@dataclass(frozen=True)
class ReaderWish:
    """A tender or an installment that is to be paid at a terminal.

    `consent`: the words under which its card is kept; '' = it is not. `newest`: the newest try that the person has
    seen; 0: there was none.
    """

    part: DuePart
    reader_id: int
    consent: str
    actor: str
    now: datetime
    newest: int = 0


@dataclass(frozen=True)
class AdjustmentTypes:
    """What a discount can be posted with: names by DefNum, of types that take off. `refusal`: why none; '' = fine."""

    names: dict[int, str]
    refusal: str = ""


@dataclass(frozen=True)
class PayOff:
    """What pays a plan off, as Open Dental counts it at its last reading; and the interest that then never comes."""

    cents: int
    saved_cents: int
    as_of: datetime


@dataclass
class Handlers:
    # Ask Open Dental anew and stamp a DueCheck. (due_part_id, now); raises UnableToRecheck.
    recheck: Callable[[int, datetime], None]
    # The nonce of a link on which the payer can repair this due part. Called inside settle's transaction.
    fix_link: Callable[[DuePart, datetime], uuid.UUID]
    # Why Open Dental gives this plan no proven way to post to it, so that autopay must be refused; '' = it does.
    autopay_refusal: Callable[[PayPlan], str]
    # Wake the poster and the sender of a practice; losing the call only costs time.
    nudge: Callable[[int], None]
    # What a patient's family owes outside plans. (practice_id, PatNum, now); raises UnableToReadAccount.
    account: Callable[[int, int, datetime], Account]
    # Terminals to choose from, the person's default first: (id, name). (practice_id, user_id)
    readers: Callable[[int, int], list[tuple[str, str]]]
    # The words under which a card used at a terminal is kept, in the language of the person. (payer)
    reader_words: Callable[[Patient], str]
    # Hand a tender to a terminal; returns the address of its live screen. Raises UnableToTakeThere.
    take_at_reader: Callable[[ReaderWish], str]
    # News of a reader, by webhook. (practice_id, the processor's id of it, now); False: nothing of ours is on it.
    reader_news: Callable[[int, str, datetime], bool]
    # Money of a sale has come. Called inside settle's transaction, rows only. (sale_id, now)
    sale_paid: Callable[[int, datetime], None]
    # Open Dental's payment types by DefNum, as last learned. (practice_id)
    payment_types: Callable[[int], dict[int, str]]
    # Open Dental's adjustment types for discounts, as last learned. (practice_id)
    adjustment_types: Callable[[int], AdjustmentTypes]
    # The quote for paying a plan off early; None for a plan of which Open Dental gives none. (plan, now)
    pay_off: Callable[[PayPlan, datetime], PayOff | None]


def _unwired(*_: object) -> None:
    raise RuntimeError("kasperpay/wiring.py did not register the handlers of the money path")


handlers = Handlers(
    recheck=_unwired, fix_link=_unwired, nudge=_unwired, autopay_refusal=_unwired,  # type: ignore[arg-type]
    account=_unwired, payment_types=_unwired, sale_paid=_unwired, adjustment_types=_unwired,  # type: ignore[arg-type]
    pay_off=_unwired,
    readers=_unwired, reader_words=_unwired, take_at_reader=_unwired, reader_news=_unwired,  # type: ignore[arg-type]
)  # fmt: skip
