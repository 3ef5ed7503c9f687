"""A payment at the desk in two keys from search: seen how it is allocated, taken once, read back from the office."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.conftest import NARROW
from tests.browser.desk import Desk
from tests.browser.people import Maker


@NARROW
def test_work_is_paid_in_cash_and_by_card_and_a_double_click_takes_it_once(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Dale", days=9)
    maker.attach(person, hosted.GOOD)
    number = books.desk("procedures", PatNum=person.pat_num, ProcFee=85, ProcStatus="C", CodeNum=2)["ProcNum"]
    staff = desk("desk")
    # The wish without an amount is answered with 422.
    staff.eyes.expected.append("/process-payment/")
    page = staff.page

    _open_by_keyboard(staff, person)
    _choose(staff)
    expect(page.get_by_role("heading", name="Take $85.00")).to_be_visible()
    staff.eyes.look(page, "sale-draft")

    _cash(page, "25")
    expect(page.get_by_text("$25.00 taken: Cash")).to_be_visible()
    staff.eyes.look(page, "sale-half")

    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Take $60.00").dblclick(no_wait_after=True)
    until("both payments on the procedure", lambda: _paid_on(books, person, number) == 85_00)
    page.reload()
    expect(page.get_by_text("$60.00 taken: Visa 4242")).to_be_visible()
    expect(page.get_by_role("heading", name="Paid", exact=True)).to_be_visible()
    staff.eyes.look(page, "sale-paid")
    page.get_by_role("link", name="Receipt").last.click()
    expect(page.get_by_role("heading", level=1, name="Receipt")).to_be_visible()
    staff.eyes.look(page, "sale-receipt")
    staff.eyes.are_content()


def _open_by_keyboard(staff: Desk, person: Person) -> None:
    staff.go("/communication/")
    until(f"{person.first} in the search", lambda: staff._typed(person))
    staff.page.keyboard.press("Shift+Enter")
    expect(staff.page.get_by_role("heading", name="Process Payment")).to_be_visible()


def _choose(staff: Desk) -> None:
    page = staff.page
    expect(page.get_by_role("radio", name="Patient balance")).to_be_checked()
    staff.eyes.look(page, "sale-account")
    page.get_by_role("radio", name="Custom amount").check()
    page.get_by_role("button", name="Show how it is allocated").click()
    expect(page.get_by_text("Enter an amount.")).to_be_visible()
    staff.eyes.look(page, "sale-wrong")
    page.get_by_role("radio", name="Patient balance").check()
    page.get_by_role("button", name="Show how it is allocated").click()


def _cash(page: Page, dollars: str) -> None:
    page.get_by_role("radio", name="Cash, check or other").check()
    page.get_by_label("Payment type in Open Dental").select_option(label="Cash")
    page.get_by_label("Amount, in dollars").fill(dollars)
    page.get_by_role("button", name=re.compile(r"^Take \$")).click()


def _paid_on(books: Books, person: Person, number: int) -> int:
    splits = books.office(f"/paysplits?PatNum={person.pat_num}")
    return sum(round(one["SplitAmt"] * 100) for one in splits if one["ProcNum"] == number)
