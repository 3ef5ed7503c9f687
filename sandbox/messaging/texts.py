"""Small text rules of carriers: number form, segments of a message, links in a text, opt-out words."""

from __future__ import annotations

import re
from typing import Any

E164 = re.compile(r"\+[1-9]\d{6,14}")
LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
# GSM 03.38: the basic alphabet costs one unit a character, the extension two; anything else makes it UCS-2.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})


def e164(text: str) -> str | None:
    """`text` in E.164 form, a bare US number completed; None when it cannot be a phone number."""
    digits = re.sub(r"[\s().-]", "", text)
    if re.fullmatch(r"1?[2-9]\d{9}", digits):
        digits = "+1" + digits[-10:]
    if not E164.fullmatch(digits):
        return None
    if digits.startswith("+1") and not re.fullmatch(r"\+1[2-9]\d{9}", digits):
        return None
    return digits


def segments(body: str) -> int:
    """How many messages a carrier bills for `body`."""
    if all(character in GSM_BASIC or character in GSM_EXTENDED for character in body):
        units, single, joined = len(body) + sum(character in GSM_EXTENDED for character in body), 160, 153
    else:
        units, single, joined = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= single else -(-units // joined)


def links(body: str) -> list[str]:
    return LINK.findall(body)


def pretty_number(number: str) -> str:
    """+12125550101 as (212) 555-0101; anything else as it is."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else number


def pieces(body: str) -> list[dict[str, Any]]:
    """`body` cut into plain text and links, for a page that makes links tappable."""
    cut: list[dict[str, Any]] = []
    at = 0
    for found in LINK.finditer(body):
        cut += [{"text": body[at : found.start()], "link": False}, {"text": found[0], "link": True}]
        at = found.end()
    return [piece for piece in [*cut, {"text": body[at:], "link": False}] if piece["text"]]
