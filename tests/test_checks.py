"""Misconfiguration stops the start, with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks


def ids() -> list[str | None]:
    return [message.id for message in run_checks(include_deployment_checks=False) if "kasperpay" in str(message.id)]


def test_a_sound_configuration_passes() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("SECRET_KEY", "short", ["kasperpay.E001"]),
        ("DEFAULT_FROM_EMAIL", "KasperPay", ["kasperpay.E003"]),
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", ["kasperpay.E002"]),
    ],
)
def test_each_mistake_is_named(settings: Any, name: str, value: str, found: list[str]) -> None:
    setattr(settings, name, value)

    assert ids() == found
