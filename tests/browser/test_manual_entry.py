"""Manual entry in a browser: led to the processor's page, two cards, the back button, a second window, given up."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.desk import Desk


def test_a_typed_card_pays_once_whatever_windows_and_the_back_button_do(
    desk: Callable[[str], Desk], books: Books
) -> None:
    staff = desk("desk")
    phone = books.new_phone()
    number = staff.register("Nora", "Example", phone)
    person = Person("Nora", "Example", phone, number, 0, books.today())
    books.desk("procedures", PatNum=number, ProcFee=85, ProcStatus="C", CodeNum=2)
    # What was refused answers 422; a declined card on the processor's page 402.
    staff.eyes.expected += ["/pay/", "/c/pay/"]
    page = staff.page
    staff.go(f"/communication/{staff.find(person)}/process-payment/")
    page.get_by_role("button", name="Show how it is allocated").click()
    expect(page.get_by_role("heading", name="Take $85.00")).to_be_visible()
    second = staff.eyes.context.new_page()
    second.goto(page.url)

    _take(page, "Manual entry, on the card processor's page", "50")
    expect(page.get_by_label("Card number")).to_be_visible()
    card_page = page.url
    third = staff.eyes.context.new_page()
    third.goto(second.url)
    expect(third.get_by_text("The card page for $50.00 is open.")).to_be_visible()
    staff.eyes.look(third, "sale-card-page")
    hosted.enter_card(page, hosted.DECLINES, "Nora Example")
    expect(page.get_by_text("The card has insufficient funds.")).to_be_visible()
    hosted.enter_card(page, hosted.GOOD, "Nora Example")
    expect(page.get_by_text("$50.00 taken: Visa 4242.")).to_be_visible()
    # Back to the card page: it is done, and so is its address.
    page.goto(card_page)
    expect(page.get_by_role("button", name="Pay $")).to_have_count(0)

    _take(second, "Cash, check or other", "35")
    expect(
        second.get_by_text("This was paid at meanwhile, perhaps by a second click: look at it first.")
    ).to_be_visible()
    _take(second, "Manual entry, on the card processor's page", "35")
    expect(second.get_by_label("Card number")).to_be_visible()
    third.reload()
    third.get_by_role("button", name="Close it, take nothing").click()
    expect(third.get_by_text("The card page is closed. Nothing was charged.")).to_be_visible()
    hosted_is_over(second)
    until("the payment in the office", lambda: _paid(books, number) == [50_00])
    staff.eyes.are_content()


def _take(page: Page, method: str, dollars: str) -> None:
    page.get_by_role("radio", name=method).check()
    if method.startswith("Cash"):
        page.get_by_label("Payment type in Open Dental").select_option(label="Cash")
    page.get_by_label("Amount, in dollars").fill(dollars)
    page.get_by_role("button", name=re.compile(r"^Take \$")).click()


def hosted_is_over(page: Page) -> None:
    page.reload()
    expect(page.get_by_label("Card number")).to_have_count(0)


def _paid(books: Books, number: int) -> list[int]:
    return [round(float(one["PayAmt"]) * 100) for one in books.office(f"/payments?PatNum={number}")]
