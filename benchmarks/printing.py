"""How a measurement speaks: tables for people, and as the last line one JSON object."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence


def options(about: str, arguments: list[str]) -> argparse.Namespace:
    """--json: only the JSON object; --tiny: the smallest size, to see that it runs."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=about)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--tiny", action="store_true", help="the smallest size: shows that it runs, measures nothing")
    return parser.parse_args(arguments)


class Report:
    """Collects what is printed; `say` and `table` are silent under --json."""

    def __init__(self, *, only_json: bool) -> None:
        self._only_json = only_json

    def say(self, text: str = "") -> None:
        if not self._only_json:
            print(text, flush=True)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        lines = [[str(cell) for cell in row] for row in (head, *rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
        for line in lines:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        self.say()

    def end(self, **values: object) -> int:
        """The last line. Returns the exit code."""
        print(json.dumps(values), flush=True)
        return 0
