"""Receipts sent by a link: ordering one, finding it, proving by a birth date that it is one's own, ending it.

The message names no service. The page does, so an address alone does not open it: five wrong dates end the link, and
each stands in the trail.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core import signing
from django.db import transaction

from core.tokens import link_token, token_hash
from notifications import outbox
from notifications.models import Channel, Kind, Message
from patients.models import Patient
from paylinks import consent_links, links, plan_links, requests
from paylinks.consent_links import FoundConsent
from paylinks.links import Found
from paylinks.models import ReceiptLink
from paylinks.plan_links import FoundPlan
from paylinks.requests import FoundRequest
from payments import upward
from payments.models import Payment
from practices.models import Event

# Business time.
VALID_FOR = timedelta(days=30)
MOST_TRIES = 5
# Real time: how long whoever gave the right date may take the PDF from the page.
PASS_FOR = timedelta(minutes=30)
_SALT = "receipt-link"


class UnableToSend(Exception):
    """No message was made. The text says why, for staff."""


@dataclass(frozen=True)
class FoundReceipt:
    """A link to a receipt that exists."""

    link: ReceiptLink
    is_dead: bool

    @property
    def patient(self) -> Patient:
        return self.link.patient


def send(payment: Payment, *, channel: str, click: uuid.UUID, actor: str, now: datetime) -> Message:
    """Queue the message to the payer; the same `click` again returns the one that is there. Raises UnableToSend.

    Where the rules of consent forbid the channel the message goes the other way or stands as BLOCKED with the reason.
    """
    payer = payment.payer
    if payer.birth_date is None:
        raise UnableToSend("Open Dental has no birth date of the payer, so nobody could open the link")
    with transaction.atomic():
        link, is_new = ReceiptLink.objects.get_or_create(
            practice_id=payment.practice_id, click=click, defaults=_fresh(payment, now)
        )
        if link.payment_id != payment.pk:
            raise UnableToSend("This page was open for another payment: open it again")
        message = outbox.enqueue(
            practice=payment.practice, kind=Kind.RECEIPT, patient=payer, values={}, link_nonce=link.nonce, now=now,
            dedupe_key=f"{Kind.RECEIPT}:{click}", about=_about(link), prefers=channel,
        )  # fmt: skip
        if is_new:
            _note(link, "receipt_sent", actor, now, f"Receipt by {Channel(channel).label.lower()}")
        practice_id = payment.practice_id
        transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    return message


def _fresh(payment: Payment, now: datetime) -> dict[str, object]:
    nonce = uuid.uuid4()
    return {
        "nonce": nonce, "token_hash": token_hash(link_token(nonce)), "payment": payment, "patient_id": payment.payer_id,
        "created_at": now, "expires_at": now + VALID_FOR,
    }  # fmt: skip


def find(token: str, now: datetime) -> FoundReceipt | None:
    """The link of this token in the practice in scope; None for a token that is wrong or of another kind."""
    rows = ReceiptLink.objects.select_related("patient", "practice", "payment")
    link = rows.filter(token_hash=token_hash(token)).first()
    return None if link is None else FoundReceipt(link, not link.is_usable(now))


def find_any(token: str, now: datetime) -> Found | FoundReceipt | FoundRequest | FoundPlan | FoundConsent | None:
    """A link of any kind: their addresses look alike."""
    found = links.find(token, now) or requests.find(token, now) or plan_links.find(token, now)
    return found or consent_links.find(token, now) or find(token, now)


def link_of(payment: Payment, *, click: uuid.UUID, now: datetime) -> ReceiptLink:
    """The link on which whoever has just paid can see what it was for; made when it is asked for the first time."""
    fresh = _fresh(payment, now)
    return ReceiptLink.objects.get_or_create(practice_id=payment.practice_id, click=click, defaults=fresh)[0]


def proves(link: ReceiptLink, born: date, *, now: datetime) -> bool:
    """Whether this is the payer's birth date; a wrong one counts, and the last one that is allowed ends the link."""
    with transaction.atomic():
        locked = ReceiptLink.objects.select_for_update(of=("self",)).select_related("patient").get(pk=link.pk)
        if not locked.is_usable(now):
            return False
        if born == locked.patient.birth_date:
            _opened(locked, now)
            return True
        locked.wrong_tries += 1
        locked.save(update_fields=["wrong_tries"])
        _note(locked, "receipt_birth_date_wrong", "visitor", now, "Wrong birth date for a receipt's link")
        if locked.wrong_tries >= MOST_TRIES:
            revoke(locked, actor="visitor", now=now)
    link.wrong_tries = locked.wrong_tries
    return False


def tries_left(link: ReceiptLink) -> int:
    return max(0, MOST_TRIES - link.wrong_tries)


def _opened(link: ReceiptLink, now: datetime) -> None:
    _note(link, "receipt_opened", f"patient:{link.patient_id}", now, "Receipt opened by its link")
    if link.opened_at is None:
        link.opened_at = now
        link.save(update_fields=["opened_at"])


def make_pass(link: ReceiptLink) -> str:
    """What the page of an opened receipt hands back for its PDF: phones that keep no cookies must get it too."""
    return signing.TimestampSigner(salt=_SALT).sign(str(link.nonce))


def is_pass(link: ReceiptLink, given: str) -> bool:
    try:
        return signing.TimestampSigner(salt=_SALT).unsign(given, max_age=PASS_FOR) == str(link.nonce)
    except signing.BadSignature:
        return False


def taken(link: ReceiptLink, now: datetime) -> None:
    """The patient took the PDF."""
    _note(link, "receipt_downloaded", f"patient:{link.patient_id}", now, "Receipt as PDF")


def revoke(link: ReceiptLink, *, actor: str, now: datetime) -> None:
    """Make the address useless at once. Quiet when it is already."""
    if ReceiptLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now):
        _note(link, "receipt_link_revoked", actor, now, "Link to a receipt revoked")


def _about(link: ReceiptLink) -> dict[str, int]:
    return {"patient": link.patient_id, "payment": link.payment_id, "receipt_link": link.pk}


def _note(link: ReceiptLink, kind: str, actor: str, now: datetime, text: str) -> None:
    Event.record(link.practice_id, kind=kind, actor=actor, now=now, about=_about(link), text=text)
