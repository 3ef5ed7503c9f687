"""A patient with a phone: the texts on it, the link in them, the pages behind it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.eyes import Eyes
from tests.browser.running import Stack


@dataclass
class Phone:
    """The sandbox's inbox of one number in one browser."""

    eyes: Eyes
    books: Books
    stack: Stack

    def inbox(self, person: Person) -> Page:
        """From the list of phones to this one."""
        page = self.eyes.context.new_page()
        page.goto(self.stack.urls["messaging"])
        page.locator(f"a[href='/phone/+1{person.phone}']").click()
        return page

    def tap_link(self, person: Person) -> Page:
        """Open the newest text's link; the page it leads to."""
        until(f"a link on {person.first}'s phone", lambda: "/p/" in " ".join(self.books.texts(person.phone)))
        inbox = self.inbox(person)
        with self.eyes.context.expect_page() as opened:
            inbox.locator(".theirs a").last.click()
        inbox.close()
        return opened.value

    def repair(self, page: Page, person: Person) -> None:
        """Pay with another card on the page of the link, and see it said."""
        until("the offer of another card", lambda: self._offers(page))
        page.get_by_role("button", name="Use another card: pay $100.00").click()
        hosted.enter_card(page, hosted.GOOD, f"{person.first} {person.last}")
        expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible(timeout=30_000)
        expect(page.locator(".amount")).to_have_text("$100.00")

    def _offers(self, page: Page) -> bool:
        """Not while a try is under way."""
        if page.get_by_role("button", name="Use another card").count():
            return True
        page.reload()
        return False
