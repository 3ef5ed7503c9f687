"""Money by the keyboard alone: save and attach a card, then Pay Now."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import Books
from tests.browser.desk import Desk
from tests.browser.people import Maker

MOST_TABS = 60
_FOCUSED = """() => {
  const one = document.activeElement;
  return [one.getAttribute("aria-label"), one.innerText, ...[...(one.labels || [])].map((label) => label.innerText)]
    .filter(Boolean).join(" ");
}"""


def test_a_card_is_attached_and_charged_without_a_mouse(desk: Callable[[], Desk], maker: Maker, books: Books) -> None:
    person = maker.person("Kay", days=20)
    patient_id, staff = maker.id_of(person), desk()
    staff.find(person)

    expect(staff.page.get_by_role("link", name=f"Plan {person.plan_num}")).to_be_visible()
    _press(staff.page, f"Plan {person.plan_num}")
    staff.page.wait_for_url("**/plans/*")
    _press(staff.page, f"Attach a card to plan {person.plan_num}")
    expect(staff.page.get_by_role("dialog").get_by_role("button", name="Save Card")).to_be_visible()
    _press(staff.page, "Save Card")
    _type_card(staff.page)
    _tab_to(staff.page, "I read this text")
    staff.page.keyboard.press("Space")
    _press(staff.page, "Switch autopay on")
    expect(staff.plan(person)).to_contain_text("Autopay")
    _press(staff.page, "Actions for")
    expect(staff.page.get_by_role("menuitem").first).to_be_focused()
    staff.page.keyboard.press("Enter")
    expect(staff.page.get_by_role("dialog").get_by_role("button", name="Charge $100.00 now")).to_be_visible()
    _press(staff.page, "Charge $100.00 now")
    # In the drawer, or on a page of its own for whoever is faster than the script.
    expect(staff.page.get_by_text("Charged $100.00")).to_be_visible()
    staff.page.keyboard.press("Escape")

    expect(staff.page.get_by_role("dialog")).to_have_count(0)
    staff.see_plan(person, patient_id, "Paid")
    assert books.tries(patient_id) == [("succeeded", 10_000)]


def _tab_to(page: Page, name: str) -> None:
    """As often as it takes; whatever has the focus must be seen to have it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if name in page.evaluate(_FOCUSED):
            return
    raise AssertionError(f"{name!r} is not reached by Tab on {page.url}")


def _press(page: Page, name: str) -> None:
    _tab_to(page, name)
    page.keyboard.press("Enter")


def _type_card(page: Page) -> None:
    expect(page.get_by_label("Card number")).to_be_visible()
    for name, text in (
        ("Card number", hosted.GOOD), ("Expiry", "1239"), ("Security code", "123"), ("Name", "K"), ("ZIP", "10001"),
    ):  # fmt: skip
        _tab_to(page, name)
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/autopay/**")
