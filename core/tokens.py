"""Secrets in links: 128 bits from a row's nonce and the secret key, so that the database holds no token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

from django.conf import settings


def link_token(nonce: uuid.UUID) -> str:
    """The 26-character token of the link with this nonce. The same nonce always gives the same token."""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"patient-link:" + nonce.bytes, hashlib.sha256).digest()
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def token_hash(token: str) -> str:
    """What is stored and looked up. SHA-256 is enough: the token has 128 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def reference_of(attempt: uuid.UUID, movement: str) -> str:
    """The reference of one ledger movement of an attempt: always the same, so that it is found after a restore too."""
    digest = hashlib.sha256(f"{movement}:{attempt}".encode()).digest()
    return "KP-" + base64.b32encode(digest[:10]).decode()


def ledger_reference() -> str:
    """A new reference for one ledger movement: "KP-" and 16 base32 characters (CheckNum holds 25)."""
    return "KP-" + base64.b32encode(uuid.uuid4().bytes[:10]).decode()
