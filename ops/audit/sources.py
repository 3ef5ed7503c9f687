"""Reads the sandbox's books: SQLite files, without asking the processes that own them. Amounts in cents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
OFFICE_TABLES = (
    "payment", "paysplit", "payplan", "payplancharge", "procedurelog", "adjustment", "claimproc", "commlog",
)  # fmt: skip
MONEY = {"PayAmt", "SplitAmt", "Principal", "Interest", "ProcFee", "AdjAmt", "InsPayAmt", "WriteOff"}


def rows(file: Path, sql: str) -> list[Row]:
    """Every row of one query; [] for a file that was never made."""
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as books:
        books.row_factory = sqlite3.Row
        return [dict(row) for row in books.execute(sql)]


def cents(dollars: object) -> int:
    return int((Decimal(str(dollars)) * 100).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True)
class Processor:
    """All accounts' objects, oldest first, each with its `account`; and the requests that were made."""

    intents: list[Row]
    charges: list[Row]
    refunds: list[Row]
    requests: list[Row]
    # Ids of the intents that were made under a key of ours.
    ours: set[str]
    payouts: list[Row]
    # Lines of the balance.
    entries: list[Row]
    # Each with `changed`: when the last news of it was sent (Unix seconds).
    disputes: list[Row]
    # Hosted pages.
    pages: list[Row]

    @classmethod
    def read(cls, state: Path) -> Processor:
        file = state / "stripe.sqlite3"
        kinds = (
            "payment_intent", "charge", "refund", "event", "payout", "balance_transaction", "dispute",
            "checkout.session",
        )  # fmt: skip
        found: dict[str, list[Row]] = {kind: [] for kind in kinds}
        for row in rows(file, "SELECT account, object, body FROM objects ORDER BY seq"):
            if row["object"] in found:
                found[row["object"]].append({"account": row["account"], **json.loads(row["body"])})
        asked = rows(file, "SELECT account, method, path, body, idempotency_key FROM requests ORDER BY id")
        return cls(
            found["payment_intent"], found["charge"], found["refund"], asked, _made_by_us(found["event"]),
            found["payout"], found["balance_transaction"], _with_last_news(found["dispute"], found["event"]),
            found["checkout.session"],
        )  # fmt: skip

    @property
    def captured(self) -> list[Row]:
        return [charge for charge in self.charges if charge["status"] == "succeeded" and charge["amount_captured"] > 0]

    @property
    def declined(self) -> list[Row]:
        """Tries that reached the network and were refused there."""
        failed = [charge for charge in self.charges if charge["status"] == "failed"]
        return [charge for charge in failed if charge["outcome"]["network_status"] != "not_sent_to_network"]


def _with_last_news(disputes: list[Row], events: list[Row]) -> list[Row]:
    told = {event["data"]["object"]["id"]: event["created"] for event in events if ".dispute." in event["type"]}
    return [{**dispute, "changed": told.get(dispute["id"], dispute["created"])} for dispute in disputes]


def _made_by_us(events: list[Row]) -> set[str]:
    made = [event for event in events if event["type"] == "payment_intent.created"]
    keyed = [event for event in made if str((event["request"] or {}).get("idempotency_key") or "").startswith("kp-")]
    return {event["data"]["object"]["id"] for event in keyed}


def moment(unix: int) -> datetime:
    return datetime.fromtimestamp(unix, UTC)


@dataclass(frozen=True)
class Office:
    """One Open Dental database; money columns are replaced by cents."""

    key: str
    settings: Row
    tables: dict[str, list[Row]] = field(repr=False)

    @classmethod
    def read_all(cls, state: Path) -> list[Office]:
        return list(_offices(state))

    def moment(self, local: str) -> datetime:
        """A date-time of the office's own clock, UTC."""
        return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(self.settings["timezone"])).astimezone(UTC)

    @property
    def is_away(self) -> bool:
        return bool(self.settings["offline"]) or not self.settings["enabled"]

    @property
    def can_be_posted_to(self) -> bool:
        return not self.is_away and "ApiPayments" in self.settings["permissions"]


def _offices(state: Path) -> Iterator[Office]:
    for row in rows(state / "offices.sqlite", "SELECT body FROM office ORDER BY name"):
        settings = json.loads(row["body"])
        tables = {name: _in_cents(rows(state / settings["file"], f"SELECT * FROM {name}")) for name in OFFICE_TABLES}  # noqa: S608
        yield Office(settings["key"], settings, tables)


def _in_cents(found: list[Row]) -> list[Row]:
    return [{name: cents(value) if name in MONEY else value for name, value in row.items()} for row in found]


def read_inbox(state: Path) -> list[Row]:
    """Texts and e-mails that were sent to patients, oldest first."""
    return rows(
        state / "messaging.sqlite3",
        "SELECT id, sid, channel, recipient, subject, body, status, callback_url, created FROM messages "
        "WHERE direction LIKE 'outbound%' ORDER BY id",
    )
