"""How a message reaches a person: by text, by e-mail, or not at all with the reason staff read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notifications import texting, zones
from notifications.models import Channel, Kind, MessagingAccount
from patients.models import Patient

# A copy of a consent holds its exact words, which no text message does.
_MAIL_FIRST = frozenset({Kind.CONSENT_COPY})


@dataclass(frozen=True)
class Way:
    """`problem` is '' when the person can be reached."""

    channel: str
    to: str
    problem: str = ""


def choose(patient: Patient, kind: str, now: datetime, prefers: str = "") -> Way:
    """Text if the number may be texted, else e-mail, else a Way with the problem. May write an imported consent.

    Who `prefers` e-mail gets one where there is an address.
    """
    address = mail_address(patient)
    if address and (kind in _MAIL_FIRST or prefers == Channel.EMAIL):
        return Way(Channel.EMAIL, address)
    why_not = _why_no_text(patient, now)
    if not why_not:
        return Way(Channel.SMS, patient.mobile_phone)
    return by_mail(patient, why_not)


def by_mail(patient: Patient, why_not_text: str) -> Way:
    """The way left when texting is out."""
    address = mail_address(patient)
    if address:
        return Way(Channel.EMAIL, address)
    return Way("", "", f"{why_not_text[:1].upper()}{why_not_text[1:]}, and no e-mail address")


def offers(patient: Patient) -> list[Way]:
    """Both ways with their problems, for staff who choose. Writes nothing."""
    why = "texting is not connected" if not _is_connected(patient) else texting.obstacle(patient)
    address = mail_address(patient)
    return [
        Way(Channel.SMS, patient.mobile_phone, why),
        Way(Channel.EMAIL, address, "" if address else "no e-mail address"),
    ]


def _is_connected(patient: Patient) -> bool:
    return MessagingAccount.objects.filter(practice_id=patient.practice_id).exists()


def _why_no_text(patient: Patient, now: datetime) -> str:
    if not _is_connected(patient):
        return "texting is not connected"
    return texting.refusal(patient, now)


def mail_address(patient: Patient) -> str:
    """The e-mail address, '' when it can't be one."""
    address = patient.email.strip()
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address


def allowed_from(patient: Patient, now: datetime) -> datetime:
    """The first instant from `now` on (UTC) outside the practice's quiet hours, by the clock where the person lives."""
    hours = patient.practice.payment_settings
    where = zones.zones_of(patient.zip_code, patient.practice.zone)
    return zones.allowed_from(now, where, hours.quiet_from_hour, hours.quiet_until_hour)
