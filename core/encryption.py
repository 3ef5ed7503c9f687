"""Encrypted model field: Fernet with key rotation by list (settings.FIELD_KEYS, newest first)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _box(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The plain text. Raises cryptography.fernet.InvalidToken when no key fits."""
    return _box(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that stands encrypted in the database; '' stays ''. It can't be searched."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        return decrypt(value) if value else value
