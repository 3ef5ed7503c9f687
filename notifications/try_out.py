"""Sends a template with sample values to a member of staff. Not the outbox: nothing happened, nobody is told twice."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notifications import lint, templates
from notifications.channels import mail, sms
from notifications.channels.port import Accepted, Outgoing, Refused, SendResult
from notifications.defaults import TemplateText
from notifications.lint import Finding, Level
from notifications.models import Channel, MessagingAccount
from patients.mirror import e164
from practices.models import Practice


def send(practice: Practice, kind: str, channel: str, language: str, text: TemplateText, *, to: str) -> Finding:
    """Send it to this number or address now. The finding says what became of it, for the person who asked."""
    shown = templates.preview(practice, kind, channel, language, text)
    if lint.is_blocked(shown.findings):
        return Finding(Level.BLOCK, "Not sent: correct what the preview says first.")
    address = _address(channel, to)
    if not address:
        wanted = "a mobile number" if channel == Channel.SMS else "an e-mail address"
        return Finding(Level.BLOCK, f"Not sent: “{to.strip()[:60]}” is not {wanted}.")
    outgoing = Outgoing(0, f"test-{uuid.uuid4().hex}", address, shown.subject, shown.body)
    return _told(_hand_over(practice, channel, outgoing), address)


def _address(channel: str, typed: str) -> str:
    if channel == Channel.SMS:
        return e164(typed)
    try:
        validate_email(typed.strip())
    except ValidationError:
        return ""
    return typed.strip()


def _hand_over(practice: Practice, channel: str, outgoing: Outgoing) -> SendResult:
    if channel == Channel.EMAIL:
        return mail.send(practice, outgoing)
    account = MessagingAccount.objects.filter(practice=practice).first()
    return sms.send(account, practice.slug, outgoing) if account else Refused("texting is not connected")


def _told(result: SendResult, address: str) -> Finding:
    if isinstance(result, Accepted):
        return Finding(Level.OK, f"Sent to {address}, with sample values.")
    if isinstance(result, Refused):
        return Finding(Level.BLOCK, f"Not sent: {result.reason}.")
    return Finding(Level.WARN, f"It may have been sent: {result.reason}.")
