"""A payer pays a part of what failed and looks at the whole plan: on a phone, without JavaScript."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, until
from tests.browser.conftest import NARROW, Screen
from tests.browser.people import POOR, Maker
from tests.browser.phone import Phone


@NARROW
def test_a_part_is_paid_and_the_rest_stands_on_the_page_of_the_plan(screen: Screen, maker: Maker, books: Books) -> None:
    person = maker.person("Una")
    maker.attach(person, POOR["Jo"])
    phone = Phone(screen.eyes(), books, screen.stack)
    page = phone.tap_link(person)
    until("the other ways", lambda: _offers_a_part(page))

    page.get_by_text("Pay a part now").click()
    phone.eyes.look(page, "patient-page-other-ways")
    page.get_by_label("Amount, in dollars").fill("40")
    page.get_by_role("button", name="Go on with this amount").click()
    expect(page.get_by_text("of $100.00 that is due")).to_be_visible()
    page.get_by_role("button", name="Use another card: pay $40.00").click()
    hosted.enter_card(page, hosted.GOOD, "Una Sample")
    expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible(timeout=30_000)
    expect(page.locator(".amount")).to_have_text("$40.00")
    page.get_by_role("button", name="See my whole plan").click()
    expect(page.get_by_role("heading", name="My plan")).to_be_visible()
    phone.eyes.look(page, "patient-page-my-plan")
    page.get_by_role("link", name="Stop automatic payments").click()
    expect(page.get_by_role("heading", name="Stop automatic payments?")).to_be_visible()
    phone.eyes.look(page, "patient-page-stop")

    phone.eyes.are_content()
    until("the posting", lambda: books.posted_cents(person) == [4_000])
    assert books.tries(maker.id_of(person)) == [("failed", 10_000), ("succeeded", 4_000)]


def _offers_a_part(page: Page) -> bool:
    """Not while a try is under way."""
    if page.get_by_text("Pay a part now").count():
        return True
    page.reload()
    return False
