"""What must run upward through the layers is registered here, and only here (decisions 2)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.module_loading import import_string

from cards import pages as card_pages
from core.calendar import local_date
from notifications import upward as message_upward
from notifications.models import Reply
from opendental import features
from opendental.models import Connection
from patients import search
from patients.models import Patient
from payments import upward
from payments.account import Account
from payments.models import DuePart
from payplans.models import PayPlan
from practices import rounds
from practices.models import PaymentSettings


def connect() -> None:
    """Give the lower apps the functions of higher ones that they call."""
    search.add_last4_finder(card_pages.patients_by_last4)
    upward.handlers.recheck = _recheck
    upward.handlers.fix_link = _fix_link
    upward.handlers.nudge = _nudge
    upward.handlers.autopay_refusal = _autopay_refusal
    upward.handlers.account = _account
    upward.handlers.payment_types = _payment_types
    upward.handlers.readers = _readers
    upward.handlers.reader_words = _reader_words
    upward.handlers.take_at_reader = _take_at_reader
    upward.handlers.reader_news = _reader_news
    upward.handlers.sale_paid = _sale_paid
    upward.handlers.adjustment_types = _adjustment_types
    upward.handlers.pay_off = _pay_off
    message_upward.handlers.any_other_text = _any_other_text


def _recheck(due_part_id: int, now: datetime) -> None:
    import_string("opendental.recheck.recheck")(due_part_id, now=now)


def _fix_link(due_part: DuePart, now: datetime) -> UUID:
    nonce: UUID = import_string("paylinks.links.open_fix_link")(due_part=due_part, now=now)
    return nonce


def _autopay_refusal(plan: PayPlan) -> str:
    connection = Connection.objects.filter(practice_id=plan.practice_id).first()
    if connection is None:
        return "Open Dental is not connected."
    return features.autopay_refusal(connection, plan, PaymentSettings.objects.get(practice_id=plan.practice_id))


def _account(practice_id: int, pat_num: int, now: datetime) -> Account:
    found: Account = import_string("opendental.account.read")(practice_id, pat_num, now)
    return found


def _payment_types(practice_id: int) -> dict[int, str]:
    connection = Connection.objects.filter(practice_id=practice_id).first()
    return {int(number): name for number, name in connection.payment_types.items()} if connection else {}


def _readers(practice_id: int, user_id: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = import_string("terminals.asking.choices")(practice_id, user_id)
    return found


def _reader_words(payer: Patient) -> str:
    text: str = import_string("terminals.keeping.words")(payer)
    return text


def _take_at_reader(wish: upward.ReaderWish) -> str:
    address: str = import_string("terminals.asking.take")(wish)
    return address


def _reader_news(practice_id: int, reader: str, now: datetime) -> bool:
    return bool(import_string("terminals.sweeping.heard")(practice_id, reader, now=now))


def _sale_paid(sale_id: int, now: datetime) -> None:
    import_string("paylinks.requests.sale_paid")(sale_id, now=now)


def _adjustment_types(practice_id: int) -> upward.AdjustmentTypes:
    connection = Connection.objects.filter(practice_id=practice_id).first()
    if connection is None:
        return upward.AdjustmentTypes({}, "Open Dental is not connected.")
    return upward.AdjustmentTypes(
        {int(number): name for number, name in connection.adjustment_types.items()},
        features.adjustment_refusal(connection),
    )


def _pay_off(plan: PayPlan, now: datetime) -> upward.PayOff | None:
    if plan.kind != PayPlan.Kind.DYNAMIC:
        return None
    quote = import_string("opendental.plan_quote.of")(plan, local_date(now, plan.practice.zone))
    return upward.PayOff(quote.pay_off_cents, quote.interest_saved_cents, plan.synced_at)


def _any_other_text(reply: Reply, now: datetime) -> str:
    said: str = import_string("paylinks.text_orders.answer")(reply, now)
    return said


def _nudge(practice_id: int) -> None:
    rounds.wake(import_string("opendental.tasks.post_one"), practice_id)
    rounds.wake(import_string("notifications.tasks.send_one"), practice_id)
