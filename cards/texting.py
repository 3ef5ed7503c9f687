"""A person agrees to text messages in exact words, witnessed by staff (compliance: consent per number)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cards import wording
from notifications import outbox, texting, ways
from notifications.models import Kind, TextingConsent
from notifications.templates import shown_phone
from patients.models import Patient
from practices.models import Event

SOURCE = "agreed at the desk"


class UnableToAgree(Exception):
    """Nothing was recorded. The text says why, for staff."""


def words(patient: Patient, language: str) -> str:
    """What is read to them, and kept."""
    practice = patient.practice
    terms = wording.Terms(
        practice=practice.name, phone=shown_phone(practice.phone), card="", maximum="",
        number=shown_phone(patient.mobile_phone),
    )  # fmt: skip
    return wording.text("TEXTS", language, terms)


def refusal(patient: Patient) -> str:
    """Why it can't be agreed to here; '' = it can. Whoever wrote STOP takes that back by START alone."""
    if not patient.mobile_phone:
        return "Open Dental has no mobile number"
    if texting.is_opted_out(patient.practice_id, patient.mobile_phone):
        return "They opted out by text: they must text START themselves"
    if patient.texting_wish == Patient.TextingWish.NO:
        return "Open Dental says no texts: change that there first"
    return ""


def agree(patient: Patient, *, shown: str, language: str, actor: str, now: datetime) -> TextingConsent:
    """Record it for the number they have now, and mail a copy where there is an address. Raises UnableToAgree."""
    if why := refusal(patient):
        raise UnableToAgree(why)
    text = words(patient, language)
    if text != shown:
        raise UnableToAgree("The text changed while this page was open. Read the new text, then agree again")
    with transaction.atomic():
        made = TextingConsent.objects.create(
            practice_id=patient.practice_id, phone=patient.mobile_phone, allowed=True, source=SOURCE, text=text,
            text_version=wording.VERSION, given_by=actor, at=now,
        )  # fmt: skip
        about = {"patient": patient.pk}
        Event.record(patient.practice_id, kind="texts_agreed", actor=actor, now=now, about=about, text=SOURCE)
        if ways.mail_address(patient):
            outbox.enqueue(
                practice=patient.practice, kind=Kind.CONSENT_COPY, patient=patient, values={"Consent Text": text},
                dedupe_key=f"{Kind.CONSENT_COPY}:texts:{made.pk}", now=now, about=about,
            )  # fmt: skip
    return made


def given(patient: Patient) -> list[TextingConsent]:
    """Every wish of the number they have now, newest first."""
    rows = TextingConsent.objects.filter(practice=patient.practice_id, phone=patient.mobile_phone)
    return list(rows.order_by("-at", "-pk")[:20]) if patient.mobile_phone else []
