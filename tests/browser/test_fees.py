"""A cash discount from choosing it to the ledger: both prices on the screen, what was shown is taken and adjusted."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.books import Books, Person, until
from tests.browser.desk import Desk
from tests.browser.people import Maker


def test_cash_pays_the_lower_of_two_prices_and_the_account_comes_to_zero(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Flora", days=9)
    number = books.desk("procedures", PatNum=person.pat_num, ProcFee=85, ProcStatus="C", CodeNum=2)["ProcNum"]
    maker.id_of(person)
    staff = desk("admin")
    # A decision without an adjustment type, and a price that was not shown, are answered with 422.
    staff.eyes.expected += ["/settings/payments/fees/", "/pay/"]
    page = staff.page
    try:
        _decide(staff)
        _pay(staff, person)
        until("the discount on the procedure", lambda: _adjusted(books, person, number) == -2_55)
        until("the money on the procedure", lambda: _paid_on(books, person, number) == 82_45)
        page.reload()
        expect(page.get_by_text("With a cash discount of $2.55 it pays $85.00.")).to_be_visible()
        staff.eyes.look(page, "fees-paid")
        page.get_by_role("link", name="Receipt").last.click()
        expect(page.get_by_text("Cash discount")).to_be_visible()
        staff.eyes.look(page, "fees-receipt")
    finally:
        staff.go("/settings/payments/fees/")
        page.get_by_role("radio", name="Absorb").check()
        # The example has answered: a page that is left asks for nothing any more.
        expect(page.locator("#fee-preview")).not_to_contain_text("less")
        page.get_by_role("button", name="Save fees").click()
        expect(page.get_by_text("Now: Absorb")).to_be_visible()
    staff.eyes.are_content()


def _decide(staff: Desk) -> None:
    page = staff.page
    staff.go("/settings/payments/fees/")
    expect(page.get_by_text("Now: Absorb")).to_be_visible()
    staff.eyes.look(page, "fees-absorb")
    page.get_by_role("radio", name="Cash discount").check()
    page.get_by_label("Discount for cash and check, in percent").fill("3")
    expect(page.locator("#fee-preview")).to_contain_text("$97.00")
    page.get_by_label("Adjustment type in Open Dental").select_option(label="Choose")
    staff.eyes.look(page, "fees-typed")
    page.get_by_role("button", name="Save fees").click()
    expect(page.get_by_text("Choose the adjustment type of the discount.").first).to_be_visible()
    staff.eyes.look(page, "fees-wrong")
    with page.expect_response("**/fees/preview/"):
        page.get_by_label("Adjustment type in Open Dental").select_option(label="Misc Neg Adjustment")
    page.get_by_role("button", name="Save fees").click()
    expect(page.get_by_text("Now: Cash discount of 3 %")).to_be_visible()
    staff.eyes.look(page, "fees-discount")


def _pay(staff: Desk, person: Person) -> None:
    page = staff.page
    staff.go("/communication/")
    until(f"{person.first} in the search", lambda: staff._typed(person))
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_role("radio", name="Patient balance")).to_be_checked()
    page.get_by_role("button", name="Show how it is allocated").click()
    expect(page.get_by_text("$82.45")).to_be_visible()
    staff.eyes.look(page, "fees-prices")
    page.get_by_role("radio", name="Cash, check or other").check()
    staff.eyes.look(page, "fees-other")
    page.get_by_label("Payment type in Open Dental").select_option(label="Cash")
    _see(page, "Card price $85.00, with cash or check $82.45: $2.55 less.")
    staff.eyes.look(page, "fees-cash")
    page.get_by_role("button", name="Take $82.45").click()
    expect(page.get_by_text("$82.45 taken: Cash")).to_be_visible()


def _see(page: Page, words: str) -> None:
    expect(page.locator("#sale-price")).to_contain_text(words)


def _adjusted(books: Books, person: Person, number: int) -> int:
    rows = books.office(f"/adjustments?PatNum={person.pat_num}")
    return sum(round(one["AdjAmt"] * 100) for one in rows if one["ProcNum"] == number)


def _paid_on(books: Books, person: Person, number: int) -> int:
    splits = books.office(f"/paysplits?PatNum={person.pat_num}")
    return sum(round(one["SplitAmt"] * 100) for one in splits if one["ProcNum"] == number)
