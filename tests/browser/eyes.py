"""What a person at the screen would notice: console errors, refused scripts, sideways scrolling, axe's findings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

SERIOUS = {"serious", "critical"}
# Parts that load by themselves have replaced their placeholders, no request of htmx is under way, nothing moves.
_SETTLED = """() => document.readyState === 'complete'
  && !document.querySelector('[hx-trigger="load"], .htmx-request, .htmx-swapping')
  && document.getAnimations().every((one) =>
    one.playState !== 'running' || one.effect.getComputedTiming().iterations === Infinity)"""
_OVERLAY = "dialog[open], [popover]:popover-open, [role=menu]:not([hidden]), [aria-expanded=true]"
_RUN_AXE = "() => axe.run(document, {resultTypes: ['violations']})"


@dataclass
class Eyes:
    """Watches every page of one browser context; `trouble` holds what was wrong so far."""

    context: BrowserContext
    # In front of the names of screenshots: the width.
    label: str
    trouble: list[str] = field(default_factory=list)
    # Addresses that answer 404 and the like on purpose; a browser writes those to the console as well.
    expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("console", self._hear)
        self.context.on("weberror", self._fail)

    def _hear(self, said: ConsoleMessage) -> None:
        where = said.location.get("url", "")
        is_expected = said.text.startswith("Failed to load resource") and any(part in where for part in self.expected)
        if said.type in {"error", "warning"} and not is_expected:
            self.trouble.append(f"{where}: {said.text}")

    def _fail(self, error: WebError) -> None:
        self.trouble.append(f"{error.page.url if error.page else ''}: {error.error}")

    def look(self, page: Page, name: str) -> None:
        """A settled screen: whatever is wrong with it goes to `trouble`, and its picture to the folder."""
        page.wait_for_function(_SETTLED)
        save(page, f"{name}-{self.label}")
        self.trouble += [f"{name} at {self.label}: {one}" for one in (*axe(page), *overflow(page))]

    def are_content(self) -> None:
        """Nothing was wrong since the last time."""
        found, self.trouble = self.trouble, []
        assert not found, "\n".join(found)


def overflow(page: Page) -> list[str]:
    """The elements that reach beyond the right edge, when the page scrolls sideways."""
    return [
        f"wider than the screen: {one}"
        for one in page.evaluate(
            """() => {
              const edge = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= edge) return [];
              const wide = [...document.querySelectorAll("body *")];
              return wide.filter((one) => one.getBoundingClientRect().right > edge + 1)
                .slice(0, 5).map((one) => one.outerHTML.slice(0, 120));
            }"""
        )
    ]


def axe(page: Page) -> list[str]:
    """Axe's findings of impact serious or critical, one line each with the first elements."""
    page.evaluate(AXE_SCRIPT)
    answer: dict[str, Any] = page.evaluate(_RUN_AXE)
    return [_line(one) for one in answer["violations"] if one["impact"] in SERIOUS]


def _line(finding: dict[str, Any]) -> str:
    nodes = [f"{node['target']} {node['html'][:160]}" for node in finding["nodes"][:3]]
    return f"axe {finding['id']} ({finding['impact']}): {finding['help']}: {'; '.join(nodes)}"


def weigh(page: Page, address: str) -> tuple[int, list[str]]:
    """Bytes over the wire for the first visit of an address, and the scripts among what came."""
    came: list[Request] = []
    page.on("requestfinished", lambda request: came.append(request))
    page.goto(address)
    sizes = [request.sizes() for request in came]
    scripts = [request.url for request in came if request.resource_type == "script"]
    inline = [one.inner_text()[:80] for one in page.locator("script").all()]
    return sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes), [*scripts, *inline]


def save(page: Page, name: str) -> None:
    """A picture in the folder that SCREENSHOTS names, if any: the whole page, unless something lies over it."""
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=not page.locator(_OVERLAY).count())
