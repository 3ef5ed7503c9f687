"""Card numbers in what people write: found and taken out, so that none is kept (PCI-1). Pure."""

from __future__ import annotations

import re

REMOVED = "[card number removed]"
_GROUP = re.compile(r"[0-9]+")
# Between the groups of one number: nothing longer.
_JOINT = re.compile(r"[ .\-\u00a0]?")
_SHORTEST, _LONGEST = 13, 19


def hidden(text: str) -> str:
    """The text with every card number taken out."""
    shown, done = "", 0
    groups = [found.span() for found in _GROUP.finditer(text)]
    for place, (start, _) in enumerate(groups):
        end = _end(text, groups[place:]) if start >= done else 0
        if end:
            shown, done = f"{shown}{text[done:start]}{REMOVED}", end
    return shown + text[done:]


def has_one(text: str) -> bool:
    return hidden(text) != text


def _end(text: str, groups: list[tuple[int, int]]) -> int:
    """Where a card number ends that begins with the first group; 0 = none does."""
    start, reached = groups[0]
    for begin, end in groups:
        if begin != start and not _JOINT.fullmatch(text[reached:begin]):
            return 0
        digits, reached = "".join(_GROUP.findall(text[start:end])), end
        if len(digits) > _LONGEST:
            return 0
        if len(digits) >= _SHORTEST and _is_valid(digits):
            return end
    return 0


def _is_valid(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    numbers = [int(digit) for digit in digits]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0
