"""Beside a movable clock no real office is ever asked or told anything."""

from __future__ import annotations

from datetime import datetime

import pytest

from opendental import connecting
from opendental.client import Office
from opendental.errors import NotAllowed
from opendental.models import Connection
from practices.models import Practice


def test_a_real_office_is_refused_before_anything_is_sent(
    practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCK_FILE", "/nowhere/clock.json")
    connection = Connection(
        practice=practice, base_url="https://api.opendental.com/api/v1", mode="REMOTE", connected_at=now
    )
    office = Office(connection)

    with pytest.raises(NotAllowed, match="GET /preferences") as refused:
        office.get("/preferences")

    assert "only a sandbox on this machine" in refused.value.reason
    assert refused.value.certainly_not_done
    assert office.calls == 0


def test_connecting_to_a_real_office_says_why_not(
    practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCK_FILE", "/nowhere/clock.json")

    with pytest.raises(connecting.UnableToConnect, match="only a sandbox on this machine"):
        connecting.connect(
            practice, base_url="https://api.opendental.com/api/v1", developer_key="d", customer_key="c", now=now
        )

    assert Connection.objects.count() == 0
