"""Text to pay: the desk asks, the patient taps the text, pays on the processor's page, and the desk sees it paid."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.desk import Desk
from tests.browser.people import Maker
from tests.browser.phone import Phone


def test_a_request_goes_from_the_desk_to_the_phone_and_comes_back_paid(
    desk: Callable[[str], Desk], phone: Phone, maker: Maker, books: Books
) -> None:
    person = maker.person("Tessa", days=9)
    maker.id_of(person)
    number = books.desk("procedures", PatNum=person.pat_num, ProcFee=85, ProcStatus="C", CodeNum=2)["ProcNum"]
    staff = desk("desk")
    patient_id = _ask(staff, person)

    # A wrong birth date is answered with 422.
    phone.eyes.expected.append("/services")
    page = phone.tap_link(person)
    _see_services(phone, page)
    page.get_by_role("button", name="Pay $85.00").dblclick(no_wait_after=True)
    expect(page.get_by_label("Card number")).to_be_visible(timeout=60_000)
    page.go_back()
    expect(page.get_by_role("link", name="Go on to the card page")).to_be_visible(timeout=60_000)
    phone.eyes.look(page, "request-at-page")
    page.get_by_role("link", name="Go on to the card page").click()
    hosted.enter_card(page, hosted.GOOD, f"{person.first} {person.last}")
    expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible(timeout=60_000)
    expect(page.locator(".amount")).to_have_text("$85.00")
    phone.eyes.look(page, "request-paid")
    page.get_by_role("button", name="Itemized receipt").click()
    expect(page.get_by_role("button", name="Show the receipt")).to_be_visible()

    until("the payment on the procedure", lambda: _paid_on(books, person, number) == 85_00)
    assert books.posted_cents(person) == [85_00]
    staff.go(f"/communication/{patient_id}/payments/")
    expect(staff.page.locator("#sent-requests")).to_contain_text("Paid")
    staff.eyes.look(staff.page, "requests-of-patient")
    staff.go("/payments/requests/?filter=paid")
    staff.eyes.look(staff.page, "requests")
    staff.page.locator("table a.name").first.click()
    expect(staff.page.get_by_role("heading", name="$85.00 asked of Tessa Example")).to_be_visible()
    staff.eyes.look(staff.page, "request")
    staff.eyes.are_content()


def _ask(staff: Desk, person: Person) -> int:
    """From the patient's payments to the message; the patient's id."""
    patient_id, page = staff.find(person), staff.page
    staff.go(f"/communication/{patient_id}/process-payment/")
    page.get_by_role("button", name="Show how it is allocated").click()
    page.get_by_role("link", name="Text to pay").click()
    staff.eyes.look(page, "request-ask")
    page.get_by_role("button", name="Send request of $85.00").click()
    expect(page.get_by_text("The request of $85.00 is on its way by text")).to_be_visible()
    return patient_id


def _see_services(phone: Phone, page: Page) -> None:
    expect(page.get_by_role("heading", name="To pay")).to_be_visible()
    phone.eyes.look(page, "request-pay")
    for year in ("1987", "1986"):
        if year == "1987":
            page.get_by_text("What is it for?").click()
        page.get_by_label("Month").fill("3")
        page.get_by_label("Day").fill("14")
        page.get_by_label("Year").fill(year)
        page.get_by_role("button", name="Show what it is for").click()
    expect(page.get_by_role("heading", name="What it is for")).to_be_visible()
    phone.eyes.look(page, "request-services")


def _paid_on(books: Books, person: Person, number: int) -> int:
    splits = books.office(f"/paysplits?PatNum={person.pat_num}")
    return sum(round(one["SplitAmt"] * 100) for one in splits if one["ProcNum"] == number)
