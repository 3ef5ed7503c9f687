"""How many segments a text message takes: carriers bill and cut by segment (3GPP TS 23.038, TS 23.040). Pure."""

from __future__ import annotations

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Written with an escape before them: two places each.
_EXTENDED = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True)
class Segments:
    """`units` are septets (GSM-7) or UTF-16 code units (UCS-2); `odd` are the characters that force UCS-2."""

    encoding: str
    units: int
    count: int
    odd: str


def count(text: str) -> Segments:
    """Segments of the final text, links and values included."""
    odd = "".join(dict.fromkeys(letter for letter in text if letter not in _BASIC and letter not in _EXTENDED))
    if odd:
        sizes = [len(letter.encode("utf-16-be")) // 2 for letter in text]
        return Segments("UCS-2", sum(sizes), _parts(sizes, whole=70, each=67), odd)
    sizes = [2 if letter in _EXTENDED else 1 for letter in text]
    return Segments("GSM-7", sum(sizes), _parts(sizes, whole=160, each=153), "")


def _parts(sizes: list[int], *, whole: int, each: int) -> int:
    """One segment holds `whole`; several hold `each`, and no character is cut in two."""
    if sum(sizes) <= whole:
        return 1
    parts, room = 1, each
    for size in sizes:
        if size > room:
            parts, room = parts + 1, each
        room -= size
    return parts
