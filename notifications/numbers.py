"""Numbers that take no texts: learned from the carrier's answers, cleared when somebody texts us from one."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from notifications.models import BadNumber

# Twilio error dictionary: codes of the API (2xxxx) and of delivery reports (3xxxx) that speak of the number itself.
REASONS = {
    "21211": "the number is not valid",
    "21217": "the number is not valid",
    "21614": "the number can't receive texts",
    "21635": "the number is a landline",
    "30005": "the number is unknown",
    "30006": "the number is a landline",
}


def learn(practice_id: int, phone: str, error_code: str, now: datetime) -> bool:
    """Note the number when the code says that no text will ever reach it. True when it does."""
    reason = REASONS.get(error_code)
    if reason is None or not phone:
        return False
    row = BadNumber(practice_id=practice_id, phone=phone, reason=reason, error_code=error_code, at=now)
    BadNumber.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["practice", "phone"], update_fields=["reason", "error_code", "at"]
    )
    return True


def clear(practice_id: int, phone: str) -> bool:
    """It works after all. True when something was known against it."""
    return bool(_known(practice_id, phone).update(reason=""))


def problem(practice_id: int, phone: str) -> str:
    """Why this number can't be texted, in words for staff; '' when nothing is known against it."""
    found = _known(practice_id, phone).first()
    return f"{found.reason} (error {found.error_code})" if found else ""


def _known(practice_id: int, phone: str) -> QuerySet[BadNumber]:
    return BadNumber.objects.filter(practice_id=practice_id, phone=phone).exclude(reason="")
