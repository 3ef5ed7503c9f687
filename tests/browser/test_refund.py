"""Money is given back at the desk by keyboard, once however impatiently; what counts is the processor's books."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, until
from tests.browser.conftest import NARROW
from tests.browser.desk import Desk
from tests.browser.people import Maker


@NARROW
def test_a_part_is_given_back_by_keyboard_and_two_impatient_windows_give_back_once(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Rex")
    maker.attach(person, hosted.GOOD)
    patient_id = maker.id_of(person)
    maker.until_says(f"/communication/{patient_id}/plans/", "read back")
    staff = desk("admin")

    _give_back_by_keyboard(staff, patient_id, "40")

    expect(staff.page.get_by_role("dialog").get_by_text("Gave $40.00 back to Visa 4242.")).to_be_visible()
    steps = staff.page.get_by_role("dialog").get_by_text("enter a payment of -$40.00 with check number")
    expect(steps).to_be_visible(timeout=40_000)
    staff.eyes.look(staff.page, "refund-done")
    assert books.given_back(patient_id) == [("succeeded", 4_000)]

    windows = [_ready(staff, patient_id) for _ in range(2)]
    for window in windows:
        window.get_by_role("button", name="Refund $60.00").dblclick(no_wait_after=True)

    until("the second refund", lambda: len(books.given_back(patient_id)) == 2)
    expect(windows[0].get_by_role("dialog").get_by_text("$60.00").first).to_be_visible()
    _look_at_pages(staff, patient_id)
    assert books.given_back(patient_id) == [("succeeded", 4_000), ("succeeded", 6_000)]
    # One of the windows was told 422: that it was refunded meanwhile.
    staff.eyes.trouble = [one for one in staff.eyes.trouble if "422" not in one]
    staff.eyes.are_content()


def _open_payment(staff: Desk, page: Page, patient_id: int) -> None:
    page.goto(f"{staff.web}/communication/{patient_id}/payments/")
    # The payment stands above its refunds.
    page.locator("tbody tr").first.get_by_role("link").first.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("link", name="Refund", exact=True)).to_be_visible()
    staff.eyes.look(page, "refund-payment")
    page.get_by_role("dialog").get_by_role("link", name="Refund", exact=True).press("Enter")
    expect(page.get_by_label("Amount, in dollars")).to_be_visible()


def _give_back_by_keyboard(staff: Desk, patient_id: int, amount: str) -> None:
    page = staff.page
    _open_payment(staff, page, patient_id)
    expect(page.get_by_role("button", name="Refund $100.00")).to_be_visible()
    field = page.get_by_label("Amount, in dollars")
    field.press("ControlOrMeta+a")
    page.keyboard.type("400")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Only $100.00 can still be given back.")).to_be_visible()
    staff.eyes.look(page, "refund-wrong")
    field.press("ControlOrMeta+a")
    page.keyboard.type(amount)
    expect(page.get_by_role("button", name=f"Refund ${amount}.00")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("Paid twice")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Is owed again, held")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("Asked by phone")
    staff.eyes.look(page, "refund-form")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Refund ${amount}.00")).to_be_focused()
    page.keyboard.press("Enter")


def _ready(staff: Desk, patient_id: int) -> Page:
    """A window with the drawer open and the button under the mouse."""
    page = staff.eyes.context.new_page()
    _open_payment(staff, page, patient_id)
    expect(page.get_by_role("button", name="Refund $60.00")).to_be_visible()
    return page


def _says(staff: Desk, patient_id: int, words: str) -> bool:
    staff.go(f"/communication/{patient_id}/payments/")
    return words in staff.page.locator("#main").inner_text()


def _look_at_pages(staff: Desk, patient_id: int) -> None:
    """Where refunds stand: the list, the payment, its receipt, the plan."""
    # The processor has given it back before our books say so.
    until("both refunds in our books", lambda: _says(staff, patient_id, "$100.00 given back"))
    staff.eyes.look(staff.page, "refund-list")
    # The payment as a page of its own.
    staff.go(staff.page.locator("tbody tr").first.get_by_role("link").first.get_attribute("href") or "")
    staff.eyes.look(staff.page, "refund-payment-page")
    staff.page.get_by_role("link", name="Receipt").click()
    expect(staff.page.get_by_role("heading", level=1, name="Receipt")).to_be_visible()
    staff.eyes.look(staff.page, "refund-receipt")
    staff.go("/payments/")
    staff.eyes.look(staff.page, "refund-payments")
