"""A browser without a screen for the smoke walk: cookies, forms with their hidden fields, links. No JavaScript."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

_WRONG = re.compile(r'role="alert"[^>]*>(.*?)</div>|class="error"[^>]*>(?:<svg.*?</svg>)?([^<]+)', re.DOTALL)
_TYPES_NOT_SENT = {"submit", "button", "image", "reset", "file"}


class UnableToWalk(Exception):  # noqa: N818 (house style: errors read as sentences)
    """The page does not hold what a person would click next; the text names the page and what was there."""


@dataclass
class Form:
    """One form as it would be sent unchanged; `buttons` are the texts one can press."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    # Each choice's values, in the order of the page, so that a walk can pick "the first card".
    choices: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Page:
    """One answer, read the way a person would: status, text, links, forms."""

    url: str
    status: int
    html: str
    text: str
    links: dict[str, str]
    forms: list[Form]

    def form(self, having: str) -> Form:
        """The first form with a field, button or action containing `having`. Raises UnableToWalk."""
        for form in self.forms:
            if any(having in name for name in (*form.fields, *form.choices, *form.buttons, form.action)):
                return form
        raise UnableToWalk(f"{self.url} has no form with {having!r}; it has {[form.action for form in self.forms]}")

    def link(self, having: str) -> str:
        """The absolute address of the first link whose text or address contains `having`. Raises UnableToWalk."""
        for text, address in self.links.items():
            if having in text or having in address:
                return address
        raise UnableToWalk(f"{self.url} has no link {having!r}; it has {list(self.links)}")


class Browser:
    """Use as a context manager. Redirects are followed, errors raise UnableToWalk with the end of the page's text."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=base_url, follow_redirects=True, trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def get(self, address: str) -> Page:
        return _read(self.http.get(address))

    def press(self, page: Page, having: str, **values: str) -> Page:
        """Fill and send the form found by `having`; its hidden fields (CSRF too) go along unchanged.

        When `having` is part of a button's text, that button's name and value are sent as well.
        """
        form = page.form(having)
        pressed = next((pair for text, pair in form.buttons.items() if having in text and pair[0]), None)
        data = {**form.fields, **(dict([pressed]) if pressed else {}), **values}
        return self.send(page, form, data)

    def send(self, page: Page, form: Form, data: Mapping[str, str]) -> Page:
        # The Referer is what a browser would send; Django asks for it on https.
        headers = {"Referer": page.url}
        if form.method == "get":
            return _read(self.http.get(form.action, params=dict(data), headers=headers))
        return _read(self.http.post(form.action, data=dict(data), headers=headers))


def _read(answer: httpx.Response) -> Page:
    reader = _Reader(str(answer.url))
    reader.feed(answer.text)
    text = " ".join(" ".join(reader.words).split())
    if answer.status_code >= 400:
        said = f"{answer.request.method} {answer.url} answered {answer.status_code}"
        raise UnableToWalk(f"{said}: {_said_first(answer.text) or text[-400:]}")
    return Page(str(answer.url), answer.status_code, answer.text, text, reader.links, reader.forms)


def _said_first(html: str) -> str:
    """What the page says went wrong, as far as it marks that."""
    found = [re.sub(r"<[^>]+>", " ", " ".join(parts)) for parts in _WRONG.findall(html)]
    return " ".join(" ".join(found).split())[:400]


class _Reader(HTMLParser):
    """Collects visible words, links and forms."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.words: list[str] = []
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self._hidden = 0
        self._inside: Form | None = None
        self._select = ""
        self._textarea = ""
        # Words since the link or button that is open, if one is.
        self._open: tuple[dict[str, str], int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        opener = getattr(self, f"_open_{tag}", None)
        if opener is not None:
            opener(have)

    def handle_endtag(self, tag: str) -> None:
        closer = getattr(self, f"_close_{tag}", None)
        if closer is not None:
            closer()

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.words.append(data)
        if self._textarea and self._inside is not None:
            self._inside.fields[self._textarea] += data

    def _open_form(self, have: dict[str, str]) -> None:
        action = urljoin(self.url, have.get("action") or self.url)
        self._inside = Form(action, have.get("method", "get").lower())
        self.forms.append(self._inside)

    def _close_form(self) -> None:
        self._inside = None

    def _open_input(self, have: dict[str, str]) -> None:
        form, name, kind = self._inside, have.get("name", ""), have.get("type", "text").lower()
        if form is None:
            return
        if kind == "submit":
            form.buttons[have.get("value", "")] = (name, have.get("value", ""))
        elif name and kind in {"radio", "checkbox"}:
            value = have.get("value", "on")
            form.choices.setdefault(name, []).append(value)
            if "checked" in have:
                form.fields[name] = value
        elif name and kind not in _TYPES_NOT_SENT:
            form.fields[name] = have.get("value", "")

    def _open_select(self, have: dict[str, str]) -> None:
        self._select = have.get("name", "")
        if self._inside is not None and self._select:
            self._inside.choices.setdefault(self._select, [])

    def _close_select(self) -> None:
        self._select = ""

    def _open_option(self, have: dict[str, str]) -> None:
        if self._inside is None or not self._select:
            return
        value = have.get("value", "")
        self._inside.choices[self._select].append(value)
        # Without a `selected` a browser sends the first option.
        if "selected" in have or self._select not in self._inside.fields:
            self._inside.fields[self._select] = value

    def _open_textarea(self, have: dict[str, str]) -> None:
        self._textarea = have.get("name", "")
        if self._inside is not None and self._textarea:
            self._inside.fields[self._textarea] = ""

    def _close_textarea(self) -> None:
        self._textarea = ""

    def _open_a(self, have: dict[str, str]) -> None:
        self._open = (have, len(self.words))

    def _close_a(self) -> None:
        have, text = self._closed()
        if have.get("href"):
            self.links[text or have.get("aria-label", "") or have["href"]] = urljoin(self.url, have["href"])

    def _open_button(self, have: dict[str, str]) -> None:
        self._open = (have, len(self.words))

    def _close_button(self) -> None:
        have, text = self._closed()
        if self._inside is not None and have.get("type", "submit") == "submit":
            self._inside.buttons[text or have.get("aria-label", "")] = (have.get("name", ""), have.get("value", ""))

    def _closed(self) -> tuple[dict[str, str], str]:
        have, start = self._open or ({}, len(self.words))
        self._open = None
        return have, " ".join(" ".join(self.words[start:]).split())

    def _open_script(self, _have: dict[str, str]) -> None:
        self._hidden += 1

    def _close_script(self) -> None:
        self._hidden -= 1

    def _open_style(self, _have: dict[str, str]) -> None:
        self._hidden += 1

    def _close_style(self) -> None:
        self._hidden -= 1
