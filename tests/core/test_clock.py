"""Business time is real time, unless a clock file moves it; every move is seen at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import clock
from sandbox.common.clock import Clock


def ahead() -> timedelta:
    """How far business time is from real time, to the nearest minute."""
    return timedelta(minutes=round((clock.now() - datetime.now(UTC)).total_seconds() / 60))


def test_without_a_clock_file_time_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOCK_FILE", raising=False)
    assert (clock.is_movable(), ahead(), clock.now().tzinfo) == (False, timedelta(0), UTC)


def test_a_clock_never_moved_shows_real_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOCK_FILE", str(tmp_path / "clock.json"))
    assert (clock.is_movable(), ahead()) == (True, timedelta(0))


def test_each_move_of_the_sandboxs_clock_is_seen_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sandbox = Clock(tmp_path / "clock.json")
    monkeypatch.setenv("CLOCK_FILE", str(sandbox.path))
    seen = []
    for _ in range(50):
        sandbox.advance(timedelta(days=1))
        seen.append(ahead())
    assert seen == [timedelta(days=day) for day in range(1, 51)]
    sandbox.path.unlink()
    assert ahead() == timedelta(0)


def test_two_clock_files_are_not_mistaken_for_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for days in (3, 5):
        moved = Clock(tmp_path / f"{days}.json")
        moved.advance(timedelta(days=days))
        monkeypatch.setenv("CLOCK_FILE", str(moved.path))
        assert ahead() == timedelta(days=days)


def test_an_unmoved_clock_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sandbox = Clock(tmp_path / "clock.json")
    sandbox.advance(timedelta(days=2))
    monkeypatch.setenv("CLOCK_FILE", str(sandbox.path))
    reads = []
    monkeypatch.setattr(clock.json, "load", lambda file: reads.append(file) or {"offset_seconds": 172800})  # type: ignore[attr-defined, func-returns-value]
    assert [ahead() for _ in range(5)] == [timedelta(days=2)] * 5
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("address", "forbidden"),
    [
        ("http://127.0.0.1:8002/api/v1", False),
        ("http://localhost:8002", False),
        ("http://[::1]:8002", False),
        ("https://api.opendental.com/api/v1", True),
        ("http://192.0.2.7:30223/api/v1", True),
        ("https://127.0.0.1.example.com", True),
    ],
)
def test_beside_a_movable_clock_only_this_machine_may_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, forbidden: bool
) -> None:
    assert clock.forbids(address) == ""

    monkeypatch.setenv("CLOCK_FILE", str(tmp_path / "clock.json"))

    assert ("only a sandbox on this machine" in clock.forbids(address)) is forbidden
