"""Void: the whole of a payment of today goes back, and what Open Dental has not been told, it is not told any more."""

from __future__ import annotations

from datetime import datetime

from core import calendar
from payments.models import Alarm, LedgerPosting, Payment, Refund, RefundState
from practices.models import Event

State, Movement = LedgerPosting.State, LedgerPosting.Movement
_REASON = "Voided before it was posted"


def refusal(payment: Payment, cents: int, now: datetime) -> str:
    """Why this payment can't be voided; '' = it can. Under the payment's lock when something is decided by it."""
    zone = payment.practice.zone
    if calendar.local_date(payment.paid_at, zone) != calendar.local_date(now, zone):
        return "Only a payment of today can be voided: refund it instead"
    if payment.adjustments.exists():
        return "A payment with a cash discount can't be voided: refund it instead"
    held = [one for one in Refund.objects.filter(payment=payment) if one.state in RefundState.holding()]
    if held or cents != payment.amount_cents:
        return "Only a whole payment can be voided: refund the rest instead"
    return ""


def is_untold(posting: LedgerPosting | None) -> bool:
    """Open Dental certainly has nothing of it and nobody has begun to tell it."""
    return posting is not None and posting.state in _UNTOLD and not posting.sends and posting.pay_num is None


_UNTOLD = (State.QUEUED, State.REFUSED)


def withdraw(posting: LedgerPosting, now: datetime) -> bool:
    """Take a payment's posting back if nobody has begun with it. The poster's claim of it decides who was first."""
    untold = LedgerPosting.objects.filter(pk=posting.pk, state__in=_UNTOLD, pay_num=None, sends=0)
    if not untold.update(state=State.WITHDRAWN, state_reason=_REASON):
        return False
    Alarm.close(posting.practice_id, f"posting-late:{posting.pk}", key=f"posting:{posting.pk}", now=now, actor="void")
    _record(posting, "posting_withdrawn", now)
    return True


def post_after_all(posting: LedgerPosting, now: datetime) -> bool:
    """The refund failed afterwards, so the practice has the money: what was withdrawn is told to Open Dental."""
    withdrawn = LedgerPosting.objects.filter(pk=posting.pk, state=State.WITHDRAWN, movement=Movement.PAYMENT)
    if not withdrawn.update(state=State.QUEUED, state_reason="", next_at=now, created_at=now):
        return False
    _record(posting, "posting_queued", now)
    return True


def _record(posting: LedgerPosting, kind: str, now: datetime) -> None:
    about = {"posting": posting.pk, "payment": posting.payment_id, "patient": posting.patient_id}
    Event.record(posting.practice_id, kind=kind, actor="refund", now=now, about=about, text=posting.reference)
