"""What stands in the log: JSON lines with ids, never a name, a number, an address, a key or an exception's words."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from pathlib import Path
from typing import Any

import structlog
from celery.signals import before_task_publish
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict, Processor

from core import trace

ROOT = Path(__file__).resolve().parent.parent
# Each of these messages hands one charge to a worker: from here on every line of it carries one id.
HANDED_OVER = {
    "payments.tasks.autopay_one",
    "payments.tasks.collect_one",
    "paylinks.tasks.charge_one",
    "terminals.tasks.take_one",
}
_NAMES = {"due_part_id": "due_part", "charge_id": "link_charge"}
FRAMES = 15
_REMOVED = "[removed]"
_PERSONAL = re.compile(
    r"(?<![\w-])(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?![\w-])"  # phones
    r"|(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"  # cards
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mails
    r"|\b(?:sk|rk|pk|whsec)_\w{6,}|\bODFHIR\s+\S+|\b\w+://[^\s/@]+@"  # keys, and passwords in addresses
    r"|(?<=/p/)[\w-]+/(?:back/)?[\w-]{20,}"  # links of patients
)
# Made by us or by the libraries, and random or a time: nothing personal can stand in them.
_OURS = {"timestamp", "trace", "task_id", "request_id", "parent_task_id", "logger", "level"}
_log = structlog.stdlib.get_logger(__name__)


class Requests(RequestMiddleware):
    """One line per request, under an id: the pattern of its address, never the address (names are searched for)."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        match = request.resolver_match
        return f"{request.method} /{match.route}" if match else f"{request.method} (no such page)"


def without_words(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """An exception by its type and where it came from: its words may hold a row of a patient."""
    error = line.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error[1] if isinstance(error, tuple) else error
    if line.get("event") == "task_failed":
        line.pop("error", None)
        error = line.pop("exception", error)
    if isinstance(error, BaseException):
        line["exception"] = _chain(error)
    return line


def _chain(error: BaseException) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cause: BaseException | None = error
    while cause is not None and len(found) < 5:
        frames = traceback.extract_tb(cause.__traceback__)[-FRAMES:]
        places = [f"{frame.filename.removeprefix(f'{ROOT}/')}:{frame.lineno} {frame.name}" for frame in frames]
        found.append({"type": type(cause).__qualname__, "at": places})
        cause = cause.__cause__ or cause.__context__
    return found


def without_people(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """The last net: what looks like a phone, card, e-mail or key is cut out of every value."""
    return {key: value if key in _OURS else _cleaned(value) for key, value in line.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _PERSONAL.sub(_REMOVED, value)
    if isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def formatter() -> logging.Formatter:
    """For LOGGING: the lines of the libraries' loggers become JSON in the same form."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            without_words,
            without_people,
            structlog.processors.JSONRenderer(serializer=json.dumps, default=str),
        ],
    )


def configure() -> None:
    """For structlog's own loggers. Called once, by the settings."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_COMMON,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@before_task_publish.connect(dispatch_uid="kasperpay-trace")
def _hand_over(sender: str, headers: dict[str, Any], body: Any, **_: Any) -> None:
    """A sweep or a person hands a due part to a worker: its id is made here and travels in the message."""
    if sender in HANDED_OVER:
        headers["trace"] = trace.new()
        given = body[1] if isinstance(body, tuple | list) else {}
        ids = {
            name: given[key]
            for name, key in (("due_part", "due_part_id"), ("link_charge", "charge_id"))
            if key in given
        }
        _log.info("handed_over", trace=headers["trace"], task=sender, **ids)


@receiver(bind_extra_task_metadata, dispatch_uid="kasperpay-trace")
def _begin(task: Any, **_: Any) -> None:
    """Into every line of a task: which practice it is about and, if it has one, the charge's id.

    A worker that wakes the poster lends it none of its ids: it works on other charges too.
    """
    structlog.contextvars.unbind_contextvars("trace", "attempt", "reference", "message", "practice")
    ids = {"trace": getattr(task.request, "trace", None), "practice": (task.request.kwargs or {}).get("practice_id")}
    structlog.contextvars.bind_contextvars(**{name: found for name, found in ids.items() if found})
