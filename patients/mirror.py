"""Writes patients as Open Dental has them: new, changed, gone. The only code that writes their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime

import phonenumbers

from patients.models import Patient


@dataclass(frozen=True)
class PatientFacts:
    """One patient as read from Open Dental; phones as typed there, balances in cents."""

    pat_num: int
    guarantor_num: int
    first_name: str
    last_name: str
    preferred_name: str
    birth_date: date | None
    mobile_phone: str
    home_phone: str
    work_phone: str
    email: str
    zip_code: str
    language: str
    texting_wish: str
    status: str
    clinic_num: int
    balance_cents: int
    family_balance_cents: int


def e164(typed: str) -> str:
    """A US number as +1…, '' when the text is no number."""
    try:
        number = phonenumbers.parse(typed, "US")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return str(text) if len(text) <= 16 else ""


def upsert(practice_id: int, found: Iterable[PatientFacts], *, now: datetime) -> dict[int, Patient]:
    """Store these patients (one statement) and return them by PatNum. Who answers again is no longer gone."""
    rows = {facts.pat_num: _row(practice_id, facts, now) for facts in found}
    if not rows:
        return {}
    # In PatNum order, so that two pulls can't lock each other's rows crosswise.
    Patient.objects.bulk_create(
        [rows[number] for number in sorted(rows)],
        update_conflicts=True,
        unique_fields=["practice", "pat_num"],
        update_fields=[*_COLUMNS, "gone_at", "synced_at", "search_text"],
    )
    return {row.pat_num: row for row in Patient.objects.filter(practice_id=practice_id, pat_num__in=rows)}


_COLUMNS = [name for name in PatientFacts.__dataclass_fields__ if name != "pat_num"]


def _row(practice_id: int, facts: PatientFacts, now: datetime) -> Patient:
    values = asdict(facts)
    for name in ("mobile_phone", "home_phone", "work_phone"):
        values[name] = e164(values[name])
    for name, longest in (("first_name", 100), ("last_name", 100), ("preferred_name", 100), ("email", 254)):
        values[name] = values[name][:longest]
    row = Patient(practice_id=practice_id, synced_at=now, gone_at=None, **values)
    row.search_text = search_text(row)
    return row


def search_text(patient: Patient) -> str:
    """Lower-case names, digits of the phones and the PatNum, for search as you type."""
    names = (patient.first_name, patient.preferred_name, patient.last_name)
    phones = (patient.mobile_phone, patient.home_phone, patient.work_phone)
    digits = [re.sub(r"\D", "", phone).removeprefix("1") for phone in phones if phone]
    return " ".join(part for part in [*names, *digits, str(patient.pat_num)] if part).lower()


def placeholder(practice_id: int, pat_num: int, *, now: datetime) -> Patient:
    """A patient Open Dental does not show (deleted or merged), marked gone, so that plans can point at the row."""
    patient, _ = Patient.objects.get_or_create(
        practice_id=practice_id,
        pat_num=pat_num,
        defaults={"synced_at": now, "gone_at": now, "status": "Deleted", "search_text": str(pat_num)},
    )
    return patient


def mark_gone(practice_id: int, pat_nums: Iterable[int], *, now: datetime) -> int:
    """Patients Open Dental no longer answers for; how many were newly marked."""
    return Patient.objects.filter(practice_id=practice_id, pat_num__in=list(pat_nums), gone_at=None).update(gone_at=now)
