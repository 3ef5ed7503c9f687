"""Records what each cycle of the sync cost and found, and keeps the newest few hundred of a practice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opendental.client import Office, Row
from opendental.models import Connection, PlanToRead, SyncCycle
from opendental.plans import PullResult
from opendental.walks import Budget

# Nearly three hours of them at a cycle every 20 seconds. Older ones go, every so many cycles.
KEPT, _SWEEP_EVERY = 500, 50


class CountingOffice(Office):
    """Also counts the rows that came."""

    rows_read = 0

    def query(self, sql: str) -> list[Row]:
        found = super().query(sql)
        self.rows_read += len(found)
        return found

    def get(self, path: str, **params: Any) -> Any:
        answer = super().get(path, **params)
        self.rows_read += len(answer) if isinstance(answer, list) else 1
        return answer


def record(
    connection: Connection, office: CountingOffice, result: PullResult, budget: Budget, in_step_before: datetime | None
) -> None:
    """Keep the numbers of a cycle that has ended. `in_step_before`: since when nothing was unknown when it began."""
    SyncCycle.objects.create(
        practice_id=connection.practice_id,
        began_at=budget.began,
        seconds=result.seconds,
        calls=result.calls,
        rows=office.rows_read,
        changed=result.changed,
        problems=result.problems,
        waiting=PlanToRead.objects.filter(practice_id=connection.practice_id).count(),
        age_seconds=(budget.now - in_step_before).total_seconds() if in_step_before else None,
        problem=result.problem[:300],
    )
    if connection.turn % _SWEEP_EVERY == 0:
        forget_old(connection.practice_id)


def forget_old(practice_id: int) -> None:
    """Leave the newest `KEPT` of a practice."""
    mine = SyncCycle.objects.filter(practice_id=practice_id)
    oldest = mine.order_by("-pk").values_list("pk", flat=True)[KEPT - 1 : KEPT].first()
    if oldest is not None:
        mine.filter(pk__lt=oldest).delete()
