"""Connection health for people: what works, what is missing, what was left aside and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import clock
from opendental import away, features, freshness, learn
from opendental.models import Connection, QuarantinedRow
from practices.models import PaymentSettings, Practice

# A pull runs every 20 seconds; three missed ones and more are worth saying.
BEHIND = timedelta(minutes=2)
SHOWN_ROWS = 50
_RIGOROUS = {"0": "Fully enforced", "1": "Auto-split only", "2": "Not enforced"}
# Preference → label and the words of its values; those that change what KasperPay does.
_PREFERENCES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("RigorousAccounting", "Payment splits (Enforce valid paysplits)", _RIGOROUS),
    ("PayPlansVersion", "Payment plan logic (version)", {}),
    ("ApiPaymentType", "Payment type for the API (DefNum)", {}),
    ("DynamicPayPlanPrepaymentUnearnedType", "Prepayments on plans (DefNum)", {}),
    ("RecurringChargesAutomatedEnabled", "Open Dental's own recurring charges", {"0": "Off", "1": "On"}),
)


@dataclass(frozen=True)
class Sync:
    """The chip in the top bar: tone, words, and the moment the words refer to."""

    tone: str
    word: str
    at: datetime | None = None


def sync_state(practice: Practice, now: datetime) -> Sync:
    connection = Connection.objects.filter(practice=practice).first()
    if connection is None:
        return Sync("warn", "Open Dental not connected")
    if connection.problem:
        return Sync("bad", "Open Dental has a problem since", connection.problem_since)
    if connection.last_pull_at is None:
        return Sync("info", "Open Dental: first sync is running")
    if now - connection.last_pull_at > BEHIND:
        return Sync("warn", "Open Dental last synced", connection.last_pull_at)
    return Sync("good", "Open Dental synced", connection.last_pull_at)


def health(practice: Practice) -> dict[str, Any]:
    """The whole page; `connection` is None before one is made."""
    connection = Connection.objects.filter(practice=practice).first()
    if connection is None:
        return {"connection": None, "slug": practice.slug}
    settings = PaymentSettings.objects.filter(practice=practice).first() or PaymentSettings()
    aside = QuarantinedRow.objects.filter(practice=practice, resolved_at=None).order_by("-last_seen_at", "pk")
    return {
        "connection": connection,
        "missing": learn.missing(connection) if connection.learned_at else [],
        "abilities": _abilities(connection),
        "preferences": _preferences(connection),
        "away": away.of(connection),
        "cycle": connection.last_cycle,
        "sync": freshness.of(connection, clock.now()),
        "quarantined": list(aside[:SHOWN_ROWS]),
        "settings": settings,
        "run_time": features.run_time(connection),
        "needs_attest": not features.can_query(connection),
    }


def _abilities(connection: Connection) -> list[tuple[bool, str]]:
    return [
        (features.can_query(connection), "Find changes at once (permission Queries)"),
        (features.can_post(connection), "Post payments (permission Payments)"),
        (features.can_read_charges(connection), "Read the charges of a plan"),
        (features.can_read_splits(connection), "Read what was paid on a plan"),
        (features.at_least(connection, "25.2.45"), "Post to exactly one charge of a plan (25.2.45 or later)"),
        (features.splits_enforced(connection), "Payment splits are enforced"),
    ]


def _preferences(connection: Connection) -> list[tuple[str, str, str]]:
    known = connection.preferences
    return [(label, words.get(known[name], known[name]), name) for name, label, words in _PREFERENCES if name in known]
