"""Opens a page again when it could not be fed, as people do: the office was held up, or is being left alone."""

from __future__ import annotations

import time

from ops.browser import Browser, Page, UnableToWalk

_LOOKS, _PAUSE_SECONDS = 3, 1.0


def page_with(browser: Browser, address: str, having: str) -> Page:
    """The page once it has such a form. Raises UnableToWalk when it has none in the end."""
    for _ in range(_LOOKS):
        page = browser.get(address)
        try:
            page.form(having)
        except UnableToWalk:
            time.sleep(_PAUSE_SECONDS)
        else:
            return page
    raise UnableToWalk(f"{address} never had a form with {having!r}: {page.text[-300:]}")
