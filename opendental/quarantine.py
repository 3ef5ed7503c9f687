"""Rows that can't be understood: kept with a reason until they are readable again; they never stop a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from opendental.models import QuarantinedRow


@dataclass(frozen=True)
class Spoiled:
    """One row of a resource that could not be read. `reason` names the field, never its value.

    `key` is the row's number; rows of a plan have its number in front: "1001/42".
    """

    resource: str
    key: str
    reason: str


def key_of(row: dict[str, object], name: str) -> str:
    return str(row.get(name))[:40]


def keep(practice_id: int, spoiled: Iterable[Spoiled], *, now: datetime) -> None:
    """Open or update quarantine."""
    for row in spoiled:
        facts = {"reason": row.reason[:300], "last_seen_at": now, "resolved_at": None}
        QuarantinedRow.objects.update_or_create(
            practice_id=practice_id,
            resource=row.resource,
            row_key=row.key,
            defaults=facts,
            create_defaults={**facts, "first_seen_at": now},
        )


def release_plan(practice_id: int, plan: int, *, but: Iterable[Spoiled], now: datetime) -> None:
    """The plan and all its rows were read, but for these. A row that is there no more needs nobody either."""
    rows = QuarantinedRow.objects.filter(practice_id=practice_id, resolved_at=None).filter(
        Q(resource="payplans", row_key=str(plan))
        | Q(resource__in=["payplancharges", "paysplits"], row_key__startswith=f"{plan}/")
    )
    rows.exclude(row_key__in=[row.key for row in but]).update(resolved_at=now)


def release(practice_id: int, resource: str, keys: Iterable[object], *, now: datetime) -> None:
    """These rows were read well."""
    QuarantinedRow.objects.filter(
        practice_id=practice_id, resource=resource, row_key__in=[str(key) for key in keys], resolved_at=None
    ).update(resolved_at=now)
