"""One office: its settings, its books, its clock in its own zone. And the registry of this process's offices."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.common.clock import Clock
from sandbox.common.store import Store
from sandbox.opendental.records import insert, stamp
from sandbox.opendental.schema import ddl

PERMISSIONS = (
    "ApiReadAll",
    "ApiAllOthers",
    "ApiComm",
    "ApiDocuments",
    "ApiQueries",
    "ApiPatients",
    "ApiPayments",
    "ApiPayPlans",
    "ApiProcedureLogs",
    "ApiSetup",
    "ApiEnterprise",
)
# The open questions of the API (its reference, section 9): where the office stands unless a test moves it.
SWITCHES: dict[str, Any] = {
    "partial_interest_first": True,  # (a) Partial fills a charge's interest first; off: principal first
    "partial_over_amount": False,  # (a) Partial accepts more than a charge still owes
    "partial_negative": False,  # (a) Partial accepts negative amounts
    "partial_repeat": True,  # (a) Partial may be called again on the same payment
    "dont_enforce_plan": False,  # (b) a DontEnforce office still honors payPlanNum
    "refund_check": "PayPlanNum",  # (c) column the Refund refusal looks at: PayPlanNum or PayPlanChargeNum
    "locked_default": True,  # (d) IsLocked when POST Dynamic leaves it out and APR is 0
    "ordinal_defect": False,  # (e) ordinal weekday plans past the first weekday are not issued
    "projected_charges": False,  # (f) GET /payplancharges takes includeProjected
    "throttle_queue": 10,  # (g) requests that may wait for one key before 429
    "throttle_429": True,  # (g) off: requests past the queue just wait
    "close_permission": "ApiAllOthers",  # (h) permission PUT Close needs
    "refund_twice": True,  # (i) the same PayNum may be refunded again
}


@dataclass
class Settings:
    key: str
    version: str = "25.4.48.0"
    permissions: list[str] = field(default_factory=lambda: list(PERMISSIONS[:-1]))
    timezone: str = "America/Los_Angeles"
    throttle: bool = False
    enabled: bool = True
    offline: bool = False
    service: bool = True
    switches: dict[str, Any] = field(default_factory=dict)
    malformed: list[dict[str, Any]] = field(default_factory=list)
    file: str = ""
    checked_to: str = ""  # how far the daily service has been caught up, office-local


class Office:
    """Settings are kept in the registry's file; `books` is the office's own database."""

    def __init__(self, settings: Settings, books: Store, clock: Clock) -> None:
        self.settings = settings
        self.books = books
        self.clock = clock
        self.service_lock = threading.RLock()
        self.save: Callable[[], None] = lambda: None

    def mark_checked(self, now: datetime) -> None:
        self.settings.checked_to = stamp(now)
        self.save()

    def now(self) -> datetime:
        """Office-local time without a zone, whole seconds, as Open Dental writes it."""
        zone = ZoneInfo(self.settings.timezone)
        return self.clock.now().astimezone(zone).replace(tzinfo=None, microsecond=0)

    def today(self) -> date:
        return self.now().date()

    def switch(self, name: str) -> Any:
        return self.settings.switches.get(name, SWITCHES[name])

    def pref(self, name: str) -> str:
        row = self.books.one("SELECT ValueString FROM preference WHERE PrefName=?", name)
        return str(row["ValueString"]) if row else ""

    def set_pref(self, name: str, value: str) -> None:
        if self.books.one("SELECT 1 FROM preference WHERE PrefName=?", name) is None:
            insert(self.books, "preference", PrefName=name)
        self.books.run("UPDATE preference SET ValueString=? WHERE PrefName=?", value, name)

    def at_least(self, version: str) -> bool:
        return numbers(self.settings.version) >= numbers(version)

    def log(self, permission: str, text: str, patient: int, now: datetime, key: int = 0) -> None:
        """One line of the office's audit trail, as written through the API."""
        values = {"PermType": _perm_number(permission), "LogText": text, "PatNum": patient, "FKey": key}
        insert(self.books, "securitylog", LogDateTime=stamp(now), LogSource=1, CompName="SANDBOX", **values)


LOGGED = (
    "PatientCreate",
    "PatientEdit",
    "PaymentCreate",
    "PaymentEdit",
    "PayPlanCreate",
    "PayPlanEdit",
    "CommlogCreate",
    "CommandQuery",
)


def _perm_number(permission: str) -> int:
    return LOGGED.index(permission)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class Registry:
    """All offices of this process, loaded from and saved to `state`/offices.sqlite."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.state = state
        self.clock = clock
        self.lock = threading.RLock()
        self.store = Store(
            state / "offices.sqlite", "CREATE TABLE IF NOT EXISTS office (name TEXT PRIMARY KEY, body TEXT NOT NULL)"
        )
        self.offices: dict[str, Office] = {}
        known = {item.name for item in fields(Settings)}
        (state / "blank.sqlite").unlink(missing_ok=True)
        for row in self.store.all("SELECT body FROM office"):
            stored = {name: value for name, value in json.loads(row["body"]).items() if name in known}
            self._open(Settings(**stored))

    def _blank(self) -> Path:
        """A file with empty tables, made once: copying it is much quicker than creating forty indexes anew."""
        path = self.state / "blank.sqlite"
        if not path.exists():
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(ddl())
            connection.close()
        return path

    def _open(self, settings: Settings) -> Office:
        if not (self.state / settings.file).exists():
            shutil.copyfile(self._blank(), self.state / settings.file)
        office = Office(settings, Store(self.state / settings.file, ddl()), self.clock)
        office.save = lambda: self.save(office)
        self.offices[settings.key] = office
        return office

    def create(self, settings: Settings) -> Office:
        """A new office with empty books; ValueError when the key is taken."""
        with self.lock:
            if settings.key in self.offices:
                raise ValueError(f"office {settings.key} exists")
            settings.file = f"office_{re.sub(r'[^A-Za-z0-9_-]', '_', settings.key)}.sqlite"
            used = (self.state / settings.file).exists()
            office = self._open(settings)
            if used:
                office.books.wipe()
            self.save(office)
            return office

    def save(self, office: Office) -> None:
        with self.lock:
            body = json.dumps(asdict(office.settings))
            self.store.run("INSERT OR REPLACE INTO office (name, body) VALUES (?, ?)", office.settings.file, body)

    def rename(self, office: Office, key: str) -> None:
        with self.lock:
            del self.offices[office.settings.key]
            office.settings.key = key
            self.offices[key] = office
            self.save(office)

    def forget_all(self) -> None:
        """Drop every office and empty its books."""
        with self.lock:
            for office in self.offices.values():
                office.books.wipe()
            self.offices.clear()
            self.store.run("DELETE FROM office")
