"""Every state of a patient's page: sound at both widths, light, without a script, and good for paying without one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser.books import Books, until
from tests.browser.conftest import AT_BOTH_WIDTHS, NARROW, Screen
from tests.browser.eyes import weigh
from tests.browser.people import POOR, Cast, Maker
from tests.browser.phone import Phone

MOST_BYTES = 60_000
TITLES = {
    "fix": "Your payment did not go through",
    "charging": "Charging…",
    "paid": "Paid. Thank you!",
    "nothing-owed": "Nothing to pay here",
    "gone": "This link can't be used",
}


@AT_BOTH_WIDTHS
@pytest.mark.parametrize("state", TITLES)
def test_every_patient_page_is_sound_light_and_free_of_scripts(screen: Screen, cast: Cast, state: str) -> None:
    address = cast.links.get(state, f"{screen.stack.urls['web']}/p/maple-grove/aaaaaaaaaaaaaaaaaaaaaaaaaa")
    eyes = screen.eyes()
    page = eyes.context.new_page()
    eyes.expected += ["/p/maple-grove/aaaa"]

    size, scripts = weigh(page, address)
    page.route("**/p/**", _stay)
    page.goto(address)

    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLES[state])
    eyes.look(page, f"patient-page-{state}")
    eyes.are_content()
    assert (size < MOST_BYTES, scripts) == (True, []), f"{size} bytes"


def _stay(route: Route) -> None:
    """The page that waits for a charge reloads itself every few seconds; here it is looked at in peace."""
    answer = route.fetch(max_redirects=0)
    route.fulfill(response=answer, headers={name: text for name, text in answer.headers.items() if name != "refresh"})


@AT_BOTH_WIDTHS
def test_the_way_to_the_card_page_is_sound_in_both_languages(screen: Screen, cast: Cast) -> None:
    eyes = screen.eyes()
    # A refused form answers 422.
    eyes.expected += ["/c/pay/"]
    page = eyes.context.new_page()
    page.goto(cast.links["fix"])
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    eyes.look(page, "patient-page-fix-es")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Use another card").click()
    expect(page.get_by_label("Card number")).to_be_visible()
    eyes.look(page, "card-page")
    page.get_by_role("button", name="Save card").click()
    expect(page.get_by_label("Card number")).to_have_attribute("aria-invalid", "true")
    eyes.look(page, "card-page-refused")

    eyes.are_content()


@NARROW
def test_a_link_is_good_for_paying_without_javascript(screen: Screen, maker: Maker, books: Books) -> None:
    person = maker.person("Jo")
    maker.attach(person, POOR["Jo"])
    phone = Phone(screen.eyes(java_script_enabled=False), books, screen.stack)

    phone.repair(phone.tap_link(person), person)

    patient_id = maker.id_of(person)
    assert books.tries(patient_id) == [("failed", 10_000), ("succeeded", 10_000)]
    until("the posting", lambda: books.posted_cents(person) == [10_000])
