"""Texts whose answer was lost: the carrier is asked what it has, twice with a gap, before the one resend."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from notifications import send
from notifications.channels import sms
from notifications.channels.port import UnableToAskCarrier
from notifications.models import Channel, Message, MessagingAccount

LOOKS_BEFORE_RESEND = 2
GIVEN_UP = "The carrier's answer was lost twice: it may have arrived. Not sent again."
log = logging.getLogger(__name__)


def look_up_due(practice_id: int, now: datetime) -> int:
    """Ask about every text in doubt whose time has come; how many were found. Needs the practice's scope."""
    account = MessagingAccount.objects.filter(practice_id=practice_id).first()
    if account is None:
        return 0
    doubtful = Message.objects.filter(
        practice_id=practice_id, state=Message.State.UNKNOWN, channel=Channel.SMS, not_before__lte=now
    )
    return sum(_look(message, account, now) for message in doubtful.select_related("practice", "patient"))


def _look(message: Message, account: MessagingAccount, now: datetime) -> bool:
    if not _take_turn(message, now):
        return False
    try:
        references = sms.references_of(account, send.outgoing(message))
    except UnableToAskCarrier as error:
        log.warning("Unable to ask the carrier about message %s: %s", message.pk, error)
        return False
    # A text with the same words may be another event's: its reference is known already.
    known = set(Message.objects.filter(carrier_reference__in=references).values_list("carrier_reference", flat=True))
    found = [reference for reference in references if reference not in known]
    with transaction.atomic(durable=True):
        _conclude(message, found, now)
    return bool(found)


def _take_turn(message: Message, now: datetime) -> bool:
    """Two workers don't ask about the same text at once."""
    mine = Message.objects.filter(pk=message.pk, state=Message.State.UNKNOWN, not_before=message.not_before)
    return bool(mine.update(not_before=now + send.LOOK_GAP))


def _conclude(message: Message, found: list[str], now: datetime) -> None:
    if found:
        send.accepted(message, found[0], now)
        return
    looks = message.looked_up + 1
    doubtful = Message.objects.filter(pk=message.pk, state=Message.State.UNKNOWN)
    if not doubtful.update(looked_up=looks):
        return
    if looks == LOOKS_BEFORE_RESEND:
        doubtful.update(state=Message.State.QUEUED, state_reason="Not at the carrier: sending again", not_before=now)
    elif looks >= 2 * LOOKS_BEFORE_RESEND:
        send.block(message, GIVEN_UP, now)
