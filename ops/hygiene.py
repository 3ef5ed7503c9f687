"""What may stand in no tracked file: a package index's address, and a card number outside of the test cards' places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# Card numbers may appear only where test cards are the subject: the sandbox's tables, tests, and what walks them.
CARD_PLACES = ("sandbox/", "tests/", "docs/", "kasperpay/demo", "ops/smoke", "ops/faults/", "README.md")
# Written with classes so that this file does not match itself.
_INDEX = re.compile(
    r"(?:pypi[.]org|pythonhosted[.]org|registry[.]npmjs|registry[.]yarnpkg"
    r"|--(?:extra-)?index-url[ =]|--find-links[ =])"
)
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])")
# First digits and lengths the networks issue: Visa, Mastercard, American Express, Discover, Diners, JCB.
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|6(?:011|5\d{2}|4[4-9]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}"
)


def violations(root: Path, files: list[str]) -> list[str]:
    """One line per finding; a card number is named by its last four digits only."""
    return [line for name in files for line in _in_file(root / name, name)]


def _in_file(path: Path, name: str) -> Iterator[str]:
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if _INDEX.search(line):
            yield f"{name}:{number}: address of a package index"
        if not name.startswith(CARD_PLACES):
            yield from (f"{name}:{number}: card number ending in {card[-4:]}" for card in _cards(line))


def _cards(line: str) -> Iterator[str]:
    for found in _DIGITS.findall(line):
        digits = re.sub(r"[ -]", "", found)
        if _NETWORKS.fullmatch(digits) and is_luhn(digits):
            yield digits


def is_luhn(digits: str) -> bool:
    """The check digit rule of ISO/IEC 7812-1."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
