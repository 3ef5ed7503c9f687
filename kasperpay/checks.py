"""Misconfiguration that must stop the start, as Django system checks."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


class KasperPayConfig(AppConfig):
    name = "kasperpay"

    def ready(self) -> None:
        # The handlers need the models, which are loaded by now but not when this module is.
        from kasperpay import wiring

        wiring.connect()


@register(Tags.security)
def secret_key_is_long(app_configs: Any, **_: Any) -> list[CheckMessage]:
    if len(settings.SECRET_KEY) >= 32:
        return []
    return [Error("SECRET_KEY is shorter than 32 characters.", hint="Make a random one.", id="kasperpay.E001")]


@register(Tags.security)
def email_has_a_sender(app_configs: Any, **_: Any) -> list[CheckMessage]:
    if "@" in parseaddr(settings.DEFAULT_FROM_EMAIL)[1]:
        return []
    return [
        Error(
            "DEFAULT_FROM_EMAIL is no e-mail address: no e-mail would go out.",
            hint='Set it to one, for example "KasperPay <payments@example.com>".',
            id="kasperpay.E003",
        )
    ]


@register(Tags.security)
def email_goes_out(app_configs: Any, **_: Any) -> list[CheckMessage]:
    if settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend" or settings.DEBUG:
        return []
    return [
        Error(
            "E-mails would be printed to the log, with names and links, and count as sent.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@host:587.",
            id="kasperpay.E002",
        )
    ]
