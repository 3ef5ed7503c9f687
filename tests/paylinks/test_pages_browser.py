"""Patient pages in a real Chromium: the repair with taps and without JavaScript, and nothing for axe to find."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as configured
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from cards.models import Autopay
from paylinks.models import LinkCharge
from practices import tenancy
from practices.models import Practice
from tests.outside import ROOT
from tests.paylinks.conftest import Phone, Workers
from tests.plugins.stripe import DEBIT, Shop

pytestmark = pytest.mark.browser
T = TypeVar("T")
SIZES = [{"width": 390, "height": 844}, {"width": 1280, "height": 900}]


@dataclass
class Window:
    """A browser on our server; `without_scripts` is how the patient walks, axe itself needs scripts."""

    browser: Browser
    url: str

    def open(self, address: str, size: dict[str, int], *, scripts: bool, language: str = "en-US") -> Page:
        context = self.browser.new_context(viewport=size, java_script_enabled=scripts, locale=language)  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(self.url + address)
        return page

    def faults(self, address: str, size: dict[str, int], language: str = "en-US") -> list[str]:
        """What axe finds, and whether the page has to be scrolled sideways."""
        page = self.open(address, size, scripts=True, language=language)
        found = [fault["id"] for fault in Axe().run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append("scrolls sideways")
        page.context.close()
        return found


@pytest.fixture
def window(phone: Phone, shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    # Playwright keeps an event loop in this thread; the server answers in threads of its own.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    policy = copy.deepcopy(configured.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"].append(shop.process.url)
    settings.CONTENT_SECURITY_POLICY = policy
    settings.STATIC_ROOT = ROOT / "static"
    server = LiveServer("localhost")
    settings.BASE_URL = server.url
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield Window(browser, server.url)
        browser.close()
    server.stop()


def _apart(practice: Practice, work: Callable[[], T]) -> T:
    """Use the database in a thread of its own: in this one Playwright's event loop hides Django's connection."""

    def in_scope() -> T:
        try:
            with tenancy.scope(practice.pk):
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(in_scope).result()


@pytest.mark.parametrize("size", SIZES, ids=["390 px", "1280 px"])
def test_a_card_is_replaced_with_taps_and_without_scripts_and_every_page_is_clean(
    window: Window, phone: Phone, workers: Workers, shop: Shop, practice: Practice, size: dict[str, int]
) -> None:
    assert window.faults(phone.address, size) == []
    page = window.open(phone.address, size, scripts=False)

    page.get_by_role("button", name="Use another card: pay $128.60").click()
    card = {"number": DEBIT, "expiry": "12 / 34", "code": "123", "name": "Ana", "zip_code": "10001"}
    for name, typed in card.items():
        page.locator(f"[name={name}]").fill(typed)
    page.locator("[name=zip_code]").press("Enter")
    page.get_by_role("heading", name="Charging…").wait_for()
    assert window.faults(page.url.removeprefix(window.url), size) == []
    _apart(practice, workers.work)
    page.get_by_role("heading", name="Paid. Thank you!").wait_for()

    assert shop.taken() == [12860]
    assert _apart(practice, lambda: LinkCharge.objects.get().state) == "DONE"
    assert window.faults(phone.address, size) == []


def test_the_same_card_is_behind_one_tap_more_and_dead_links_are_clean_too(
    window: Window, phone: Phone, workers: Workers, shop: Shop, practice: Practice
) -> None:
    page = window.open(phone.address, SIZES[0], scripts=False)
    page.get_by_text("Try Visa 4242 again").click()
    page.get_by_role("button", name="Charge $128.60 to Visa 4242 now").click()
    page.get_by_role("heading", name="Charging…").wait_for()
    _apart(practice, workers.work)
    page.get_by_role("heading", name="Paid. Thank you!").wait_for()

    assert shop.taken() == [12860]
    assert _apart(practice, lambda: Autopay.objects.get().card.last4) == "4242"
    assert window.faults(phone.address[:-1], SIZES[0]) == []
    assert window.faults(phone.address, SIZES[0], language="es-MX") == []
