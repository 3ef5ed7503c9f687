"""bin/check's own rules catch what is planted and leave good code alone."""

from __future__ import annotations

from pathlib import Path

from ops import hygiene, sizes

FINE = "def add(a: int, b: int) -> int:\n    return a + b\n"


def _plant(folder: Path, name: str, text: str) -> list[str]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return [name]


def _function(lines: int) -> str:
    return "def long() -> None:\n" + "    print()\n" * (lines - 1)


def _branching(ways: int) -> str:
    return "def choose(x: int) -> None:\n" + "    if x:\n        print()\n" * (ways - 1)


def test_code_within_the_limits_passes(tmp_path: Path) -> None:
    assert sizes.violations(tmp_path, _plant(tmp_path, "a.py", FINE + _function(60) + _branching(8))) == []


def test_a_function_of_61_lines_is_caught(tmp_path: Path) -> None:
    found = sizes.violations(tmp_path, _plant(tmp_path, "a.py", _function(61)))

    assert found == ["a.py:1: long has 61 lines (at most 60)"]


def test_a_function_branching_nine_ways_is_caught(tmp_path: Path) -> None:
    found = sizes.violations(tmp_path, _plant(tmp_path, "a.py", _branching(9)))

    assert found == ["a.py:1: choose branches 9 ways (at most 8)"]


def test_a_module_of_401_lines_is_caught_but_not_a_migration(tmp_path: Path) -> None:
    long = "x = 1\n" * 401

    assert sizes.violations(tmp_path, _plant(tmp_path, "app/migrations/0001.py", long)) == []
    assert sizes.violations(tmp_path, _plant(tmp_path, "app/a.py", long)) == [
        "app/a.py: module of 401 lines (at most 400)"
    ]


def test_a_card_number_outside_of_its_places_is_caught_by_its_last_digits_only(tmp_path: Path) -> None:
    number = "4242 4242 4242 4242"

    assert hygiene.violations(tmp_path, _plant(tmp_path, "cards/a.py", f"x = '{number}'\n")) == [
        "cards/a.py:1: card number ending in 4242"
    ]
    assert hygiene.violations(tmp_path, _plant(tmp_path, "tests/a.py", f"x = '{number}'\n")) == []
    assert hygiene.violations(tmp_path, _plant(tmp_path, "cards/b.py", "x = 4242424242424241\n")) == []


def test_the_address_of_a_package_index_is_caught(tmp_path: Path) -> None:
    address = "https://" + "pypi" + ".org/simple"

    assert hygiene.violations(tmp_path, _plant(tmp_path, "a.txt", address)) == ["a.txt:1: address of a package index"]
