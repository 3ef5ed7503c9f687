"""Icons of the pages: our names for pictures of the heroicons package, and the inline sprite they are drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from xml.etree import ElementTree
from zipfile import ZipFile

from django.utils.html import format_html
from django.utils.safestring import SafeString

# The "mini" style: solid, drawn on a 20 px grid, so that it stays sharp in tables and chips.
STYLE = "mini"
NAMES = {
    "activity": "queue-list",
    "add": "plus",
    "alert": "exclamation-triangle",
    "ask": "question-mark-circle",
    "back": "chevron-left",
    "bank": "building-library",
    "card": "credit-card",
    "chat": "chat-bubble-left-right",
    "check": "check",
    "clock": "clock",
    "close": "x-mark",
    "desk": "building-storefront",
    "done": "check-circle",
    "down": "chevron-down",
    "download": "arrow-down-tray",
    "error": "exclamation-circle",
    "held": "hand-raised",
    "home": "home",
    "info": "information-circle",
    "key": "key",
    "link": "link",
    "list": "list-bullet",
    "lock": "lock-closed",
    "mail": "envelope",
    "menu": "bars-3",
    "money": "banknotes",
    "more": "ellipsis-horizontal",
    "next": "chevron-right",
    "no": "no-symbol",
    "pause": "pause-circle",
    "people": "user-group",
    "person": "user-circle",
    "phone": "phone",
    "plan": "calendar-days",
    "receipt": "document-text",
    "repeat": "arrow-path",
    "report": "chart-bar",
    "search": "magnifying-glass",
    "send": "paper-airplane",
    "settings": "cog-6-tooth",
    "shield": "shield-check",
    "sign_out": "arrow-right-start-on-rectangle",
    "star": "star",
    "sync": "arrows-right-left",
    "template": "pencil-square",
    "terminal": "device-tablet",
    "text": "device-phone-mobile",
    "trash": "trash",
    "undo": "arrow-uturn-left",
    "up": "chevron-up",
    "wait": "ellipsis-horizontal-circle",
    "x": "x-circle",
}
_SVG = "{http://www.w3.org/2000/svg}"


@lru_cache(maxsize=4)
def sprite(names: tuple[str, ...] = tuple(NAMES)) -> SafeString:
    """One hidden <svg> with a symbol per icon. KeyError for a name that is not in NAMES."""
    with (files("heroicons") / "heroicons.zip").open("rb") as packed, ZipFile(packed) as pictures:
        symbols = [_symbol(name, pictures.read(f"{STYLE}/{NAMES[name]}.svg")) for name in names]
    return SafeString(f'<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0" hidden>{"".join(symbols)}</svg>')


def _symbol(name: str, svg: bytes) -> str:
    # The package's own files, not input from anybody.
    root = ElementTree.fromstring(svg)  # noqa: S314
    return f'<symbol id="i-{name}" viewBox="{root.attrib["viewBox"]}">{"".join(_shapes(root))}</symbol>'


def _shapes(root: ElementTree.Element) -> Iterable[str]:
    for node in root:
        keep = {key: value for key, value in node.attrib.items() if not key.startswith("fill") or key == "fill-rule"}
        bare = ElementTree.Element(node.tag.removeprefix(_SVG), keep)
        yield ElementTree.tostring(bare, encoding="unicode")


def use(name: str, extra: str = "") -> SafeString:
    """The <svg> that shows one icon of the sprite. KeyError for an unknown name."""
    if name not in NAMES:
        raise KeyError(name)
    shape = '<svg class="{}" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>'
    return format_html(shape, f"icon {extra}".strip(), name)
