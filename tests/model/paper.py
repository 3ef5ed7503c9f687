"""Reads the state tables of docs/money.md. A table is named by its first heading cell. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.outside import ROOT

PAGE = ROOT / "docs" / "money.md"


@dataclass(frozen=True)
class Cell:
    """What paper says: the next state (None = it stays) and what is written with it."""

    state: str | None
    effects: frozenset[str]


Table = dict[tuple[str, str], Cell]


def table(name: str, page: str | None = None) -> Table:
    """(state, news) → cell. Raises KeyError when the page has no such table."""
    text = PAGE.read_text() if page is None else page
    lines = [_cells(line) for line in text.splitlines() if line.startswith("|")]
    start = next((at for at, cells in enumerate(lines) if cells[0] == name), None)
    if start is None:
        raise KeyError(name)
    news = lines[start][1:]
    found: Table = {}
    for state, *cells in lines[start + 2 :]:
        if len(cells) != len(news) or state in ("killed after", "case"):
            break
        found |= {(state, heading): _cell(cell) for heading, cell in zip(news, cells, strict=True)}
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _cell(text: str) -> Cell:
    state, _, effects = text.partition("·")
    words = frozenset(word.strip() for word in effects.split(",") if word.strip())
    return Cell(None if state.strip() == "—" else state.strip(), words)


def states(found: Table) -> set[str]:
    return {state for state, _ in found}


def news(found: Table) -> list[str]:
    return list(dict.fromkeys(heading for _, heading in found))
