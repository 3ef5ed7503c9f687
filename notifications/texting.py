"""May this person be texted? Consent stands per number; whoever opted out stays out until they say START."""

from __future__ import annotations

from datetime import datetime

from notifications import numbers
from notifications.models import TextingConsent
from patients.models import Patient

OFFICE_SAYS_YES = "Open Dental TxtMsgOk"


def refusal(patient: Patient, now: datetime) -> str:
    """Why this person may not be texted, in words for staff; '' when they may.

    TxtMsgOk Yes becomes a dated consent of the number the first time it is needed. A later No in Open Dental counts,
    a later Yes doesn't undo the patient's own STOP (TCPA, compliance.md SMS-1, SMS-2).
    """
    newest = _newest(patient.practice_id, patient.mobile_phone)
    why = _why_not(patient, newest)
    if not why and newest is None:
        record(patient.practice_id, patient.mobile_phone, allowed=True, source=OFFICE_SAYS_YES, now=now)
    return why


def obstacle(patient: Patient) -> str:
    """As `refusal`, for a page that only shows it: writes nothing."""
    return _why_not(patient, _newest(patient.practice_id, patient.mobile_phone))


def _why_not(patient: Patient, newest: TextingConsent | None) -> str:
    if not patient.mobile_phone:
        return "no mobile number"
    if newest is not None and not newest.allowed:
        return "opted out of texts"
    if bad := numbers.problem(patient.practice_id, patient.mobile_phone):
        return bad
    if patient.texting_wish == Patient.TextingWish.NO:
        return "Open Dental says no texts"
    if newest is None and patient.texting_wish != Patient.TextingWish.YES:
        return "no consent to texts"
    return ""


def _newest(practice_id: int, phone: str) -> TextingConsent | None:
    return TextingConsent.objects.filter(practice_id=practice_id, phone=phone).order_by("-at", "-pk").first()


def record(practice_id: int, phone: str, *, allowed: bool, source: str, now: datetime) -> None:
    """Note a wish. `source` says where it came from ("reply", "Open Dental TxtMsgOk", "carrier")."""
    TextingConsent.objects.create(practice_id=practice_id, phone=phone, allowed=allowed, source=source[:120], at=now)


def is_opted_out(practice_id: int, phone: str) -> bool:
    """For staff: the newest wish of this number is to get no texts."""
    newest = _newest(practice_id, phone)
    return newest is not None and not newest.allowed
