"""A posting that waits for a person: staff read why, press Look again, and what was there all along is found. And the
filters of Payments, by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser import hosted
from tests.browser.books import Books, until
from tests.browser.conftest import NARROW
from tests.browser.desk import Desk
from tests.browser.people import Maker

REFUSED = "UPDATE payments_ledgerposting SET state = 'REFUSED', pay_num = NULL, state_reason = %s WHERE reference = %s"


@NARROW
def test_looking_again_finds_what_is_in_open_dental_and_posts_nothing_twice(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Lou")
    maker.attach(person, hosted.GOOD)
    maker.until_says(f"/communication/{maker.id_of(person)}/plans/", "read back")
    [posted] = books.postings(person)
    assert books.stack.as_superuser(REFUSED, "The date is before the lock date", posted["CheckNum"]) == 1
    staff = desk("admin")
    staff.go("/payments/needs-posting/")
    row = staff.page.locator("tbody tr").filter(has_text="Lou Example")
    expect(row).to_contain_text("The date is before the lock date")
    _look_around(staff, row)
    _filter_payments(staff)
    staff.go("/payments/needs-posting/")

    row.get_by_role("button", name="Look again").click()

    expect(staff.page.get_by_role("status")).to_contain_text("Open Dental is being looked at again")
    until("the posting to be found", lambda: _is_settled(staff))
    assert books.posted_cents(person) == [10_000]
    staff.eyes.are_content()


def _look_around(staff: Desk, row: Locator) -> None:
    """The queue at both widths, and the drawer in which a reason is asked for; nothing is marked."""
    page, wide = staff.page, staff.page.viewport_size
    staff.eyes.look(page, "needs-posting")
    row.get_by_role("button", name="Actions for").press("Enter")
    page.get_by_role("menuitem", name="Mark as posted by hand").press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Why, and where it stands in Open Dental")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Mark $100.00 as posted by hand").press("Enter")
    expect(page.get_by_text("Without a reason it can't be marked.")).to_be_visible()
    staff.eyes.look(page, "needs-posting-mark")
    page.get_by_role("link", name="give its number instead").press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Payment number in Open Dental")).to_be_visible()
    staff.eyes.look(page, "needs-posting-number")
    page.keyboard.press("Escape")
    _follow_it_the_moment_it_is_there(page, row)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    staff.eyes.look(page, "needs-posting-narrow")
    assert wide is not None
    page.set_viewport_size(wide)


def _follow_it_the_moment_it_is_there(page: Page, row: Locator) -> None:
    """A link in a drawer works from the first moment it can be seen, not a settling time later."""
    page.evaluate(
        """name => new MutationObserver((_, self) => {
            const link = [...document.querySelectorAll("dialog a")].find(one => one.textContent.includes(name))
            if (link) { self.disconnect(); link.click() }
        }).observe(document.body, {childList: true, subtree: true})""",
        "give its number instead",
    )
    row.get_by_role("button", name="Actions for").press("Enter")
    page.get_by_role("menuitem", name="Mark as posted by hand").press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Payment number in Open Dental")).to_be_visible()


def _filter_payments(staff: Desk) -> None:
    """Typed and chosen without a mouse; what can't be read is said beside the field, and nothing is listed."""
    page = staff.page
    staff.go("/payments/")
    # On a narrow screen the fields are folded away.
    if page.locator("#payment-filter summary").is_visible():
        page.locator("#payment-filter summary").press("Enter")
    page.get_by_label("Channel").select_option("Autopay")
    expect(page.get_by_role("link", name="Remove the filter Autopay")).to_be_visible()
    expect(page.locator("tbody tr").filter(has_text="Lou Example").first).to_be_visible()
    page.get_by_label("Amount from").fill("a lot")
    page.keyboard.press("Enter")
    expect(page.get_by_text("That is not an amount. Write it as 40.00.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(0)
    staff.eyes.look(page, "payments-filter-wrong")
    page.get_by_label("Amount from").fill("100.01")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No payment fits these filters.")).to_be_visible()
    page.get_by_role("link", name="Remove the filter from $100.01").press("Enter")
    expect(page.locator("tbody tr").filter(has_text="Lou Example").first).to_be_visible()
    staff.eyes.look(page, "payments-filtered")
    # What can't be read is answered with 422.
    staff.eyes.trouble = [one for one in staff.eyes.trouble if "422" not in one]


def _is_settled(staff: Desk) -> bool:
    staff.go("/payments/needs-posting/")
    return "Lou Example" not in staff.page.locator("#main").inner_text()
