"""Keeps the tokens of patient links out of the log: Django writes the address of every refused or broken request."""

from __future__ import annotations

import logging
import re

from django.apps import AppConfig

_TOKEN = re.compile(r"(/p/[\w-]+/)(?:back/)?[\w-]{20,}")


class HideTokens(logging.Filter):
    """Cuts the secret part out of the addresses of patient pages."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(hidden(value) if isinstance(value, str) else value for value in record.args)
        record.msg = hidden(str(record.msg))
        return True


def hidden(text: str) -> str:
    """ "/p/maple/<26 letters>/done" -> "/p/maple/[link]/done"."""
    return _TOKEN.sub(r"\1[link]", text)


class PaylinksConfig(AppConfig):
    name = "paylinks"

    def ready(self) -> None:
        logging.getLogger("django.request").addFilter(HideTokens())
