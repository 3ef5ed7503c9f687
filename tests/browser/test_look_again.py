"""A posting that waits for a person: staff read why, press Look again, and what was there all along is found."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser import hosted
from tests.browser.books import Books, until
from tests.browser.desk import Desk
from tests.browser.people import Maker

REFUSED = "UPDATE payments_ledgerposting SET state = 'REFUSED', pay_num = NULL, state_reason = %s WHERE reference = %s"


def test_looking_again_finds_what_is_in_open_dental_and_posts_nothing_twice(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Lou")
    maker.attach(person, hosted.GOOD)
    maker.until_says(f"/communication/{maker.id_of(person)}/plans/", "read back")
    [posted] = books.postings(person)
    assert books.stack.as_superuser(REFUSED, "The date is before the lock date", posted["CheckNum"]) == 1
    staff = desk("admin")
    staff.go("/payments/?filter=posting")
    row = staff.page.locator("tbody tr").filter(has_text="Lou Example")
    expect(row).to_contain_text("The date is before the lock date")
    staff.eyes.look(staff.page, "payments-look-again")

    row.get_by_role("button", name="Look again").click()

    expect(staff.page.get_by_role("status")).to_contain_text("Open Dental is being looked at again")
    until("the posting to be found", lambda: _is_settled(staff))
    assert books.posted_cents(person) == [10_000]
    staff.eyes.are_content()


def _is_settled(staff: Desk) -> bool:
    staff.go("/payments/?filter=posting")
    return "Lou Example" not in staff.page.locator("#main").inner_text()
