"""python -m ops.audit on the books of a folder, and where nothing can be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ops.audit import Books
from ops.audit.__main__ import main
from ops.audit.books import offset
from ops.places import Places, hold_lock


@pytest.fixture
def place(settled: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like one of bin/run while it runs, with the settled world in it."""
    for name in ("stripe", "opendental", "messaging"):
        shutil.copytree(getattr(settled, name), tmp_path / "sandbox" / name)
    shutil.copy(settled.stripe.parent / "clock.json", tmp_path / "clock.json")
    (tmp_path / "ports.json").write_text(json.dumps({"postgres": urlsplit(settled.database).port}))
    monkeypatch.setenv("DATABASE_OWNER_URL", settled.database)
    return tmp_path


def test_a_running_place_in_which_everything_is_right_ends_with_zero(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_lock(place):
        assert main(["--place", str(place), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"violations": []}


def test_a_violation_is_printed_and_ends_with_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(place / "sandbox/messaging")
    with hold_lock(place):
        assert main(["--place", str(place)]) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert {line.split(":")[0] for line in lines} == {"sent_texts_are_at_the_carrier"}
    assert last == f"{len(lines)} violations"
    assert len(lines) == 6


def test_a_folder_that_is_no_place_ends_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--place", str(tmp_path)]) == 2
    assert "is no folder of bin/run" in capsys.readouterr().err


def test_books_that_can_not_be_read_end_with_two(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgres://kasperpay_owner@127.0.0.1:1/none")
    with hold_lock(place):
        assert main(["--place", str(place)]) == 2
    assert capsys.readouterr().err.startswith("The books can't be read: ")


def test_business_time_of_a_place_is_its_clocks(place: Path) -> None:
    books = Books.of_place(place)
    assert offset(Places(place)).days < -365
    assert books.now.year == 2022
