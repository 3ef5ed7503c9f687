"""One stack and one Chromium for all browser tests; the variable SCREENSHOTS names a folder to fill with pictures."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from ops import chromium
from ops.browser import Browser as FormBrowser
from tests.browser import people, running
from tests.browser.books import ZONE, Books
from tests.browser.desk import Desk
from tests.browser.eyes import Eyes
from tests.browser.people import Cast, Maker
from tests.browser.phone import Phone
from tests.browser.running import Stack

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {"1280": (1280, 800), "390": (390, 844)}
AT_BOTH_WIDTHS = pytest.mark.parametrize("screen", SIZES, indirect=True)
NARROW = pytest.mark.parametrize("screen", ["390"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share one stack; tests/plugins/spread.py keeps them in one process."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def program() -> str:
    """Path of a Chromium. Without one nothing here can be proven: that fails in CI and is said aloud elsewhere."""
    found = next(
        (path for name in (os.environ.get("CHROMIUM"), *chromium.NAMES) if name and (path := shutil.which(name))), None
    )
    if found:
        return found
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail("No Chromium here: the browser tests cannot run, and in CI nothing may be left out.")
    pytest.skip("No Chromium here: the browser tests WERE NOT RUN. Install it (apt-get install chromium).")


@pytest.fixture(scope="package")
def browser(program: str) -> Iterator[Browser]:
    """Ends with the last browser test, so that no event loop is left for the tests after them."""
    # A busy machine is slow, not wrong.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def stack(program: str) -> Iterator[Stack]:
    """On a morning in business hours, ten past ten at the practice: past the charge hour, texts may go out."""
    with tempfile.TemporaryDirectory(prefix="kasperpay-browser-", ignore_cleanup_errors=True) as folder:
        started = running.start(Path(folder))
        try:
            tomorrow = started.now().astimezone(ZONE).date() + timedelta(days=1)
            started.set_clock(set=datetime.combine(tomorrow, wall_time(10, 10), ZONE).isoformat())
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="package")
def books(stack: Stack) -> Books:
    return Books(stack)


@pytest.fixture(scope="package")
def maker(stack: Stack, books: Books) -> Iterator[Maker]:
    """The front desk without a browser, for what a test only needs to be there."""
    with FormBrowser(stack.urls["web"]) as staff:
        made = Maker(stack, books, staff)
        made.sign_in()
        yield made


@pytest.fixture(scope="package")
def cast(maker: Maker) -> Cast:
    return people.make(maker)


@dataclass(frozen=True)
class Screen:
    """A width to look at the product in; opens browsers of that width."""

    label: str
    browser: Browser
    stack: Stack
    opened: list[Eyes]

    def eyes(self, label: str = "", **how: Any) -> Eyes:
        """A fresh browser, as wide as this screen or as `label` says: no cookies, nothing cached."""
        label = label or self.label
        width, height = SIZES[label]
        context = self.browser.new_context(viewport={"width": width, "height": height}, **how)
        context.set_default_timeout(20_000)
        # The sandbox's pages have no icon; the product's must.
        iconless = [f"{url}/favicon.ico" for part, url in self.stack.urls.items() if part != "web"]
        self.opened.append(Eyes(context, label, expected=iconless))
        return self.opened[-1]


@pytest.fixture
def screen(request: pytest.FixtureRequest, browser: Browser, stack: Stack) -> Iterator[Screen]:
    """As wide as a desk's, unless a test is marked NARROW; what is looked at for its looks is AT_BOTH_WIDTHS."""
    opened: list[Eyes] = []
    yield Screen(getattr(request, "param", "1280"), browser, stack, opened)
    for eyes in opened:
        eyes.context.close()
    # Errors on the console, refused by the content security policy or thrown by a script, wherever the test went.
    for eyes in opened:
        eyes.are_content()


@pytest.fixture(scope="package")
def passes() -> dict[str, StorageState]:
    """Cookies of who has signed in already: signing in again and again is slow by design."""
    return {}


@pytest.fixture
def desk(screen: Screen, books: Books, passes: dict[str, StorageState]) -> Callable[[str], Desk]:
    """Somebody of the practice at their browser, signed in: desk("admin")."""

    def signed_in(who: str = "desk") -> Desk:
        eyes = screen.eyes(storage_state=passes.get(who))
        found = Desk(eyes, books, screen.stack)
        if who not in passes:
            found.sign_in(who)
            passes[who] = eyes.context.storage_state()
        return found

    return signed_in


@pytest.fixture
def phone(screen: Screen, books: Books) -> Phone:
    """A patient's own browser."""
    return Phone(screen.eyes("390"), books, screen.stack)
