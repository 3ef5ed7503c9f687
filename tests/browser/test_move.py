"""At the desk: work of one patient paid, moved to another one, and a payment of today voided. The books decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, until
from tests.browser.desk import Desk
from tests.browser.people import Maker


def test_a_payment_is_moved_to_another_patient_and_one_of_today_is_voided(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    payer, other = maker.person("Mona"), maker.person("Nell")
    maker.attach(payer, hosted.GOOD)
    for person in (payer, other):
        books.desk("procedures", PatNum=person.pat_num, ProcFee=85, ProcStatus="C", CodeNum=2)
    patient_id, other_id = maker.id_of(payer), maker.id_of(other)
    maker.until_says(f"/communication/{patient_id}/plans/", "read back")
    staff = desk("admin")
    page = staff.page

    _pay_by_card(staff, patient_id)
    until("the sale in Open Dental", lambda: _paid(books, payer.pat_num, "85"))
    _newest_payment(staff, patient_id)
    page.get_by_role("link", name="Move…").click()
    page.get_by_role("searchbox").last.fill(str(other.pat_num))
    page.get_by_role("button", name="Search").last.click()
    page.get_by_role("dialog").get_by_role("link", name="Nell").first.click()
    page.get_by_role("dialog").get_by_role("checkbox").first.check()
    page.get_by_label("Reason").fill("Paid for her sister")
    staff.eyes.look(page, "move-form")
    page.get_by_role("button", name="Show before and after").click()
    expect(page.get_by_role("button", name="Move $85.00")).to_be_visible()
    staff.eyes.look(page, "move-before-after")
    page.get_by_role("button", name="Move $85.00").dblclick(no_wait_after=True)
    until("the payment at its new place", lambda: _paid(books, other.pat_num, "85"))
    until("it is said", lambda: _says(staff, patient_id, "Moved"))
    staff.eyes.look(page, "move-done")
    assert other_id != patient_id

    _newest_payment(staff, patient_id)
    page.get_by_role("link", name="Void", exact=True).click()
    expect(page.get_by_role("button", name="Void $85.00")).to_be_visible()
    staff.eyes.look(page, "void-form")
    page.get_by_role("button", name="Void $85.00").dblclick(no_wait_after=True)
    until("the void at the processor", lambda: ("succeeded", 8_500) in books.given_back(patient_id))
    expect(page.get_by_role("dialog").get_by_text("Voided: gave $85.00 back")).to_be_visible()
    staff.eyes.look(page, "void-done")
    until("the void in Open Dental", lambda: _paid(books, other.pat_num, "-85"))
    staff.eyes.trouble = [one for one in staff.eyes.trouble if "422" not in one]
    staff.eyes.are_content()


def _paid(books: Books, pat_num: int, dollars: str) -> bool:
    """Open Dental has a payment of ours with this amount on the account."""
    rows: list[Any] = books.office(f"/payments?PatNum={pat_num}")
    ours = [row for row in rows if str(row["CheckNum"]).startswith("KP-")]
    return any(float(row["PayAmt"]) == float(dollars) for row in ours)


def _pay_by_card(staff: Desk, patient_id: int) -> None:
    page: Page = staff.page
    staff.go(f"/communication/{patient_id}/process-payment/account/")
    page.get_by_role("radio", name="Patient balance").check()
    page.get_by_role("button", name="Show how it is allocated").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Take $85.00").click()
    expect(page.get_by_text("$85.00 taken: Visa 4242")).to_be_visible(timeout=40_000)


def _newest_payment(staff: Desk, patient_id: int) -> None:
    until("the newest payment with its verbs", lambda: _is_open(staff, patient_id))


def _is_open(staff: Desk, patient_id: int) -> bool:
    """A click may meet the list while it is replaced by a newer one, and while it is moved it offers no verbs."""
    staff.go(f"/communication/{patient_id}/payments/")
    staff.page.locator("tbody tr").first.get_by_role("link").first.click()
    try:
        void = staff.page.get_by_role("dialog").get_by_role("link", name="Void", exact=True)
        expect(void).to_be_visible(timeout=5_000)
    except AssertionError:
        return False
    return True


def _says(staff: Desk, patient_id: int, words: str) -> bool:
    _newest_payment(staff, patient_id)
    return words in staff.page.get_by_role("dialog").inner_text()
