"""Sends what waits in the outbox: claim (committed), send with no transaction open, record. Never the same event twice.

A text whose answer was lost is looked up at the carrier, twice with a gap, before the one resend. An e-mail can't be
looked up anywhere, so after a lost answer it is never sent again: it becomes a task for staff.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from core import trace
from core.tokens import link_token
from notifications import numbers, outbox, pace, texting, ways
from notifications.channels import mail, sms
from notifications.channels.port import Accepted, Outgoing, Refused, SendResult, Unclear
from notifications.models import Channel, Message, MessagingAccount
from notifications.templates import link_address
from practices.models import Event

# Real time: a worker that holds a message longer was killed (the carrier is given ten seconds).
LEASE = timedelta(minutes=2)
# Business time between two looks at the carrier, and before the first after a lost answer.
LOOK_GAP = timedelta(minutes=1)
MAX_SENDS = 8
MAYBE_MAILED = "The mail server's answer was lost: it may have arrived. Not sent again."
State = Message.State
log = logging.getLogger(__name__)
steps = structlog.stdlib.get_logger(__name__)


def send_due(practice_id: int, now: datetime) -> int:
    """Send everything whose time has come; how many the carrier took. Needs the practice's scope."""
    give_up_leases(practice_id, now)
    taken = 0
    while (message := _claim(practice_id, now)) is not None:
        if message.state == State.SENDING:
            taken += _deliver(message, now)
    return taken


def give_up_leases(practice_id: int, now: datetime) -> None:
    """Messages of killed workers: a text is looked up at the carrier, an e-mail is left to staff."""
    lost = Message.objects.filter(practice_id=practice_id, state=State.SENDING, claimed_at__lt=Now() - LEASE)
    lost.filter(channel=Channel.SMS).update(state=State.UNKNOWN, state_reason="Sending was interrupted", not_before=now)
    lost.filter(channel=Channel.EMAIL).update(state=State.BLOCKED, state_reason=MAYBE_MAILED)


@transaction.atomic(durable=True)
def _claim(practice_id: int, now: datetime) -> Message | None:
    """The next message that is due, SENDING; or blocked or put off, when that is what the rules say. None: no more."""
    due = Message.objects.filter(practice_id=practice_id, state=State.QUEUED, not_before__lte=now)
    locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("patient", "practice")
    message = locked.order_by("not_before", "pk").first()
    if message is None:
        return None
    # Since it was queued the person may have opted out, changed the number, or the window may have closed.
    allowed_from = ways.allowed_from(message.patient, now)
    if allowed_from > now:
        message.not_before = allowed_from
        message.save(update_fields=["not_before"])
        return message
    _readdress(message, _way(message, now), now)
    if message.state == State.QUEUED and not _has_had_enough(message, now):
        _start(message)
    return message


def _way(message: Message, now: datetime) -> ways.Way:
    """What went by text in vain goes by e-mail or not at all: no second text tells the same event."""
    if message.prefers == Channel.EMAIL and message.sends:
        return ways.by_mail(message.patient, "not delivered by text")
    return ways.choose(message.patient, message.kind, now, message.prefers)


def _has_had_enough(message: Message, now: datetime) -> bool:
    """The person got as many texts within a day as the practice allows: this one waits."""
    later = pace.may_go_at(message, now)
    if later is None:
        return False
    message.not_before, message.state_reason = later, pace.WAITS
    message.save(update_fields=["not_before", "state_reason"])
    return True


def _start(message: Message) -> None:
    """Guarded: should the row lock ever be lost, the update still lets one worker through."""
    mine = Message.objects.filter(pk=message.pk, state=State.QUEUED)
    if mine.update(state=State.SENDING, claimed_at=Now(), sends=F("sends") + 1):
        message.state, message.sends = State.SENDING, message.sends + 1


def _readdress(message: Message, way: ways.Way, now: datetime) -> None:
    if (way.channel, way.to) == (message.channel, message.to):
        return
    outbox.address(message, way)
    message.save(update_fields=["channel", "to", "subject", "body", "state", "state_reason"])
    if message.state == State.BLOCKED:
        _note(message, "message_blocked", f"not sent: {message.state_reason}", now)


def _deliver(message: Message, now: datetime) -> bool:
    with trace.bound(message.trace, message=message.pk):
        result = _hand_over(message)
        with transaction.atomic(durable=True):
            _record(message, result, now)
        steps.info("message_handed_over", channel=message.channel, answer=type(result).__name__)
    return isinstance(result, Accepted)


def outgoing(message: Message) -> Outgoing:
    """What leaves the house: the link is put in here, so that no token is stored."""
    link = link_address(message.practice.slug, link_token(message.link_nonce)) if message.link_nonce else ""
    key = f"kasperpay-{message.practice_id}-{message.pk}"
    return Outgoing(message.pk, key, message.to, message.subject, message.outgoing_body(link))


def _hand_over(message: Message) -> SendResult:
    """The boundary of one row: whatever a library throws at one message, the others go out."""
    try:
        return _ask_carrier(message)
    except Exception as error:
        log.exception("Unable to send message %s", message.pk)
        return Unclear(f"Sending broke off: {type(error).__name__}")


def _ask_carrier(message: Message) -> SendResult:
    if message.channel == Channel.EMAIL:
        return mail.send(message.practice, outgoing(message))
    account = MessagingAccount.objects.filter(practice_id=message.practice_id).first()
    if account is None:
        return Refused("Texting is not connected", account_problem=True)
    return sms.send(account, message.practice.slug, outgoing(message))


def _record(message: Message, result: SendResult, now: datetime) -> None:
    match result:
        case Accepted(reference):
            accepted(message, reference, now)
        case Refused():
            _refused(message, result, now)
        case Unclear(reason):
            _unclear(message, reason, now)
        case _:
            assert_never(result)


def accepted(message: Message, reference: str, now: datetime) -> None:
    """The carrier has it. A status that came before this answer stays; a resend that waited is called off."""
    mine = Message.objects.filter(pk=message.pk)
    # What was told to be undeliverable meanwhile waits as an e-mail, which this answer is not about.
    waiting = mine.filter(state__in=[State.SENDING, State.UNKNOWN, State.QUEUED], channel=message.channel)
    news = {"carrier_reference": reference[:64], "sent_at": now}
    is_news = waiting.update(state=State.SENT, state_reason="", **news)
    if is_news:
        _note(message, "message_sent", "sent", now)
    else:
        mine.filter(carrier_reference="").update(**news)
    if message.channel == Channel.SMS:
        MessagingAccount.objects.filter(practice_id=message.practice_id).exclude(problem="").update(problem="")


def _refused(message: Message, refused: Refused, now: datetime) -> None:
    if refused.account_problem and message.channel == Channel.SMS:
        MessagingAccount.objects.filter(practice_id=message.practice_id).update(problem=refused.reason[:200])
    if message.channel == Channel.SMS and refused.permanent:
        _refused_for_good(message, refused, now)
    elif refused.permanent or (message.sends >= MAX_SENDS and not refused.account_problem):
        block(message, refused.reason, now)
    else:
        wait = timedelta(minutes=min(2 ** min(message.sends, 6), 60))
        _move(message, State.QUEUED, refused.reason, now + wait)


def _refused_for_good(message: Message, refused: Refused, now: datetime) -> None:
    """Learn what the carrier knows of the number, and write by e-mail if there is an address."""
    why = refused.reason
    if refused.opted_out:
        # It knows of a STOP that never reached us: believe it.
        texting.record(message.practice_id, message.to, allowed=False, source="carrier (error 21610)", now=now)
        why = "opted out of texts"
    numbers.learn(message.practice_id, message.to, refused.error_code, now)
    locked = Message.objects.select_for_update(of=("self",)).select_related("patient", "practice").get(pk=message.pk)
    if locked.state == State.SENDING:
        by_mail_instead(locked, why, now)


def by_mail_instead(locked: Message, why: str, now: datetime) -> None:
    """Queue a text that did not arrive as an e-mail, in the same row: one event is told once. BLOCKED without one.

    The caller holds the row's lock and has seen that the text is over.
    """
    locked.state, locked.state_reason, locked.not_before = State.QUEUED, f"{why[:1].upper()}{why[1:]}"[:200], now
    locked.prefers = Channel.EMAIL
    locked.save(update_fields=["state", "state_reason", "not_before", "prefers"])
    _readdress(locked, ways.by_mail(locked.patient, why), now)


def _unclear(message: Message, reason: str, now: datetime) -> None:
    if message.channel == Channel.EMAIL:
        block(message, MAYBE_MAILED, now)
    else:
        _move(message, State.UNKNOWN, reason, now + LOOK_GAP)


def block(message: Message, reason: str, now: datetime) -> None:
    """Hand it to staff."""
    if _move(message, State.BLOCKED, reason, now):
        _note(message, "message_blocked", f"not sent: {reason}", now)


def _move(message: Message, state: str, reason: str, not_before: datetime) -> bool:
    """Guarded: only from SENDING or UNKNOWN, so that late news never undoes what a status report told."""
    mine = Message.objects.filter(pk=message.pk, state__in=[State.SENDING, State.UNKNOWN])
    return bool(mine.update(state=state, state_reason=reason[:200], not_before=not_before))


def _note(message: Message, kind: str, text: str, now: datetime) -> None:
    about = {**message.about, "patient": message.patient_id, "message": message.pk}
    text = f"{message.label} {text}"
    Event.record(message.practice_id, kind=kind, actor="sender", now=now, about=about, text=text)
