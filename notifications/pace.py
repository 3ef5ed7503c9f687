"""How many texts one person gets within a day (setting texts_per_day); what is too many waits, nothing is dropped."""

from __future__ import annotations

from datetime import datetime, timedelta

from notifications.models import Channel, Kind, Message

DAY = timedelta(days=1)
WAITS = "Waits: this person got as many texts in a day as your settings allow"
# Asked for a moment ago, or part of a conversation.
_AT_ONCE = frozenset({Kind.RECEIPT, Kind.WRITTEN})


def may_go_at(message: Message, now: datetime) -> datetime | None:
    """When a text that is due has room (UTC), the quiet hours not looked at; None = now. E-mail always has."""
    if message.channel != Channel.SMS or message.kind in _AT_ONCE:
        return None
    most = message.practice.payment_settings.texts_per_day
    texts = Message.objects.filter(practice=message.practice_id, patient=message.patient_id, channel=Channel.SMS)
    sent = texts.filter(sent_at__gt=now - DAY, sent_at__lte=now).exclude(pk=message.pk)
    newest = [at for at in sent.order_by("-sent_at").values_list("sent_at", flat=True)[:most] if at]
    return newest[-1] + DAY if len(newest) == most else None
