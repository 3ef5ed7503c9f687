"""The code a patient reads out on the phone to hear whether a link is really from the practice."""

from __future__ import annotations

import hashlib
import hmac
import uuid

from django.conf import settings


def spoken_code(nonce: uuid.UUID) -> str:
    """Six digits, "483 201": the same on the patient's page and on the staff's Messages tab. Opens nothing."""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"spoken-code:" + nonce.bytes, hashlib.sha256).digest()
    digits = f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"
    return f"{digits[:3]} {digits[3:]}"
