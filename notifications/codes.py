"""The code that stands in each text: who doubts it compares it with the front desk or on the practice's check page."""

from __future__ import annotations

import hashlib
import hmac
import uuid

from django.conf import settings


def spoken_code(nonce: uuid.UUID) -> str:
    """Six digits, "483 201": the same on the patient's page and on the staff's Messages tab. Opens nothing."""
    return spaced(_digits(b"spoken-code:" + nonce.bytes))


def of_message(practice_id: int, dedupe_key: str, nonce: uuid.UUID | None) -> str:
    """Six digits for one event, "483201"; with a link, those of the page behind it."""
    if nonce is not None:
        return spoken_code(nonce).replace(" ", "")
    return _digits(f"message-code:{practice_id}:{dedupe_key}".encode())


def spaced(digits: str) -> str:
    """ "483201" -> "483 201"."""
    return f"{digits[:3]} {digits[3:]}"


def typed(text: str) -> str:
    """The six digits of what somebody typed ("483-201", "Code 483 201"), else ''."""
    digits = "".join(letter for letter in text if letter in "0123456789")
    return digits if len(digits) == 6 else ""


def _digits(what: bytes) -> str:
    digest = hmac.new(settings.SECRET_KEY.encode(), what, hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"
