"""Plan work at the desk: a charge paused, moved and skipped, with Open Dental left alone; then a plan made in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from playwright.sync_api import Locator, Page, expect

from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.desk import Desk
from tests.browser.people import Maker


def test_a_plan_is_made_and_its_charges_are_paused_moved_and_skipped(
    desk: Callable[[str], Desk], maker: Maker, books: Books
) -> None:
    person = maker.person("Wilma", days=20)
    maker.attach(person, hosted.GOOD)
    patient_id = maker.id_of(person)
    books.desk("procedures", PatNum=person.pat_num, ProcFee=450, ProcStatus="C", CodeNum=2)
    staff = desk("desk")
    # Forms that are refused answer 422.
    staff.eyes.expected += ["/pause/", "/plans/new/"]
    page = staff.page
    staff.go(f"/communication/{patient_id}/plans/")
    expect(staff.plan(person)).to_contain_text("$300.00 to come")
    staff.eyes.look(page, "plan-work-menu")

    _pause(staff, person, books.today())
    _move(staff, person)
    _skip(staff, person)
    staff.eyes.look(page, "plan-work-done")
    before = books.office(f"/payplans?PatNum={person.pat_num}")
    assert [(plan["PayAmt"], plan["IsClosed"]) for plan in before] == [(100, "false")], "Open Dental was not told"

    _make(staff, patient_id)
    after = books.office(f"/payplans?PatNum={person.pat_num}")
    made = next(plan for plan in after if plan["PayPlanNum"] != person.plan_num)
    assert (made["PayAmt"], made["principalAmount"], len(after)) == (150, 450, 2)
    _look_at_the_rest(staff, person, patient_id)
    staff.eyes.are_content()


def _drawer(page: Page) -> Locator:
    return page.get_by_role("dialog")


def _menu(staff: Desk, person: Person, row: int, entry: str) -> None:
    button = staff.plan(person).get_by_role("button", name=re.compile("^Actions for")).nth(row)
    item = staff.page.get_by_role("menuitem", name=entry)
    # The page was just read anew; its script may not listen yet.
    until(f"the menu with {entry}", lambda: _is_open(button, item))
    item.click()


def _is_open(button: Locator, item: Locator) -> bool:
    if not item.is_visible():
        button.click()
    return item.is_visible()


def _pause(staff: Desk, person: Person, today: date) -> None:
    page = staff.page
    staff.plan(person).get_by_role("link", name="Pause", exact=True).click()
    _drawer(page).get_by_role("button", name="Pause the plan").click()
    expect(_drawer(page).get_by_text("Say why").first).to_be_visible()
    staff.eyes.look(page, "plan-pause-wrong")
    _drawer(page).get_by_label("First day").fill(today.isoformat())
    _drawer(page).get_by_label("Last day").fill((today + timedelta(days=25)).isoformat())
    _drawer(page).get_by_label("Why").fill("On holiday, asked by phone")
    staff.eyes.look(page, "plan-pause")
    _drawer(page).get_by_role("button", name="Pause the plan").click()
    expect(staff.plan(person)).to_contain_text("Falls due in the pause")
    staff.eyes.look(page, "plan-paused")


def _move(staff: Desk, person: Person) -> None:
    page = staff.page
    _menu(staff, person, 0, "Move the charge")
    _drawer(page).get_by_label("Charge on").fill((person.due_date + timedelta(days=10)).isoformat())
    _drawer(page).get_by_label("Why").fill("Payday")
    staff.eyes.look(page, "plan-move")
    _drawer(page).get_by_role("button", name="Move the charge").click()
    expect(staff.plan(person)).to_contain_text("by staff: Payday")


def _skip(staff: Desk, person: Person) -> None:
    _menu(staff, person, 1, "Skip this payment")
    _drawer(staff.page).get_by_label("Why").fill("Hardship")
    _drawer(staff.page).get_by_role("button", name="Skip it").click()
    expect(staff.plan(person)).to_contain_text("Skipped: Hardship")


def _make(staff: Desk, patient_id: int) -> None:
    page = staff.page
    page.get_by_role("link", name="New plan").click()
    expect(page.get_by_role("checkbox", name=re.compile("^Put "))).to_have_count(1)
    staff.eyes.look(page, "plan-new")
    page.get_by_role("button", name="Make the plan in Open Dental").click()
    expect(page.get_by_text("Choose at least one procedure").first).to_be_visible()
    staff.eyes.look(page, "plan-new-wrong")
    page.get_by_role("checkbox", name=re.compile("^Put ")).check()
    page.get_by_label("or number of payments").fill("3")
    expect(page.get_by_role("region", name="Schedule, scrollable").get_by_text("$150.00").first).to_be_visible()
    staff.eyes.look(page, "plan-new-schedule")
    page.get_by_role("button", name="Make the plan in Open Dental").dblclick(no_wait_after=True)
    expect(page.get_by_text("its schedule is the one that was shown")).to_be_visible()
    staff.eyes.look(page, "plan-made")


def _look_at_the_rest(staff: Desk, person: Person, patient_id: int) -> None:
    page = staff.page
    staff.go(f"/communication/{patient_id}/plans/")
    until("both plans", lambda: page.get_by_role("link", name="Change terms").count() == 2)
    staff.plan(person).get_by_role("link", name="Change terms").click()
    page.get_by_label("Each payment, in dollars").fill("150")
    expect(page.get_by_text("Above what the patient agreed to.")).to_be_visible()
    staff.eyes.look(page, "plan-terms")
    staff.go(f"/communication/{patient_id}/plans/")
    staff.plan(person).get_by_role("link", name="Close or pay off").click()
    expect(page.get_by_text("Pays it off today")).to_be_visible()
    staff.eyes.look(page, "plan-close")
