"""What changed from one version of a text to the next, word by word. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORDS = re.compile(r"\{[^{}]*\}|\s+|[^\s{}]+|[{}]")


@dataclass(frozen=True)
class Piece:
    """`change` is "same", "new" or "gone"."""

    text: str
    change: str


def pieces(before: str, after: str) -> list[Piece]:
    """The new text with what is gone from the old one in between."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    found: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece("".join(new[c:d]), "same"))
            continue
        found += [Piece("".join(old[a:b]), "gone")] if b > a else []
        found += [Piece("".join(new[c:d]), "new")] if d > c else []
    return found
