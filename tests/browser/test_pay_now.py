"""Impatience charges nobody twice: what counts is the processor's books, not what a page says."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books, Person
from tests.browser.desk import Desk
from tests.browser.people import Maker


def test_a_double_click_in_two_windows_at_once_charges_once(
    desk: Callable[[], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Dot", days=20)
    maker.attach(person, hosted.GOOD)
    patient_id, staff = maker.id_of(person), desk()
    windows = [_ready(staff, person, patient_id) for _ in range(2)]

    for window in windows:
        window.get_by_role("button", name="Charge $100.00 now").dblclick(no_wait_after=True)

    expect(windows[0].get_by_text("Charged $100.00")).to_be_visible()
    staff.see_plan(person, patient_id, "read back")
    assert books.tries(patient_id) == [("succeeded", 10_000)]
    assert books.posted_cents(person) == [10_000]
    # The second window may have been told that the payment is no longer open.
    staff.eyes.trouble.clear()


def _ready(staff: Desk, person: Person, patient_id: int) -> Page:
    """A window with the drawer open and the button under the mouse."""
    page = staff.eyes.context.new_page()
    page.goto(f"{staff.web}/communication/{patient_id}/plans/")
    page.get_by_role("button", name="Actions for").first.click()
    page.get_by_role("menuitem", name="Pay Now").click()
    expect(page.get_by_role("button", name="Charge $100.00 now")).to_be_visible()
    return page
