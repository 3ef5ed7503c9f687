"""Connecting a practice to its Open Dental office: test the keys first, then keep them encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from opendental import learn
from opendental.errors import OpenDentalError
from opendental.models import Connection
from practices.models import Event, Practice

_PROGRESS = (
    "cursor", "patients_cursor", "fully_pulled_at", "turn", "last_pull_at", "last_cycle", "in_step_at", "walks",
)  # fmt: skip
REMOTE_HOST = "api.opendental.com"


class UnableToConnect(Exception):
    """The office can't be used; the text says what is missing in plain words."""


@dataclass(frozen=True)
class Connected:
    """`missing`: sentences about what this office can't do."""

    connection: Connection
    missing: list[str]


def connect(
    practice: Practice, *, base_url: str, developer_key: str, customer_key: str, mode: str = "", now: datetime
) -> Connected:
    """Test and store the connection of the practice in scope. Raises UnableToConnect; then nothing was changed."""
    found = Connection.objects.filter(practice=practice).first()
    _refuse_bad_address(base_url)
    trial = Connection(
        practice=practice,
        base_url=base_url.rstrip("/"),
        developer_key=developer_key.strip(),
        customer_key=customer_key.strip(),
        mode=mode or _mode_of(base_url),
        connected_at=now,
        pay_type_num=found.pay_type_num if found else 0,
    )
    if not trial.developer_key or not trial.customer_key:
        raise UnableToConnect("Both keys are needed: the developer key and the customer key of this office.")
    try:
        learn.ask(trial)
    except OpenDentalError as error:
        raise UnableToConnect(f"{learn.explain(error)} Nothing was changed.") from error
    trial.learned_at = trial.last_answer_at = now
    if found is not None:
        _keep_progress(trial, found)
    trial.save()
    Event.record(
        practice.pk, kind="opendental_connected", actor="operator", now=now, about={},
        text=f"Open Dental {trial.version}, {trial.get_mode_display()}",
    )  # fmt: skip
    return Connected(trial, learn.missing(trial))


def _keep_progress(trial: Connection, found: Connection) -> None:
    """The same office goes on where it was; another one is read from the start."""
    trial.pk = found.pk
    if (found.base_url, found.customer_key) == (trial.base_url, trial.customer_key):
        for name in _PROGRESS:
            setattr(trial, name, getattr(found, name))


def _mode_of(base_url: str) -> str:
    is_remote = urlsplit(base_url).hostname == REMOTE_HOST
    return Connection.Mode.REMOTE if is_remote else Connection.Mode.SERVICE


def _refuse_bad_address(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnableToConnect(f"The address must look like https://{REMOTE_HOST}/api/v1.")
    if parts.hostname == REMOTE_HOST and parts.scheme != "https":
        raise UnableToConnect("Open Dental's servers are only ever asked over https.")
