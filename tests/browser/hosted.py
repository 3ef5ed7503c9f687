"""The card processor's own page, typed into as a person would."""

from __future__ import annotations

from playwright.sync_api import Page

GOOD, DECLINES = "4242424242424242", "4000000000009995"


def enter_card(page: Page, number: str, name: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 39")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill(name)
    page.get_by_label("ZIP code").fill("10001")
    page.get_by_role("button", name="Save card").or_(page.get_by_role("button", name="Pay $")).click()
