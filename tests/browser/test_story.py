"""The main job by clicks: a plan in Open Dental, a card, a charge, a posting, a text; then a decline and its repair."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect

from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.conftest import Screen
from tests.browser.desk import Desk
from tests.browser.phone import Phone

RECEIPT = "we received your payment of $100.00"


def test_a_plan_is_charged_posted_and_told_and_a_declined_one_repaired_on_the_phone(
    screen: Screen, desk: Callable[[], Desk], phone: Phone, books: Books
) -> None:
    staff = desk()
    anna = staff.make_plan("Anna", f"Walk-{screen.label}", days=1)
    ben = staff.make_plan("Ben", f"Walk-{screen.label}", days=1)
    ids = {person.first: _put_on_autopay(staff, person, number) for person, number in _cards(anna, ben)}

    staff.move_clock_to(anna.due_date)
    _is_charged_once_and_told(staff, books, phone, anna, ids["Anna"])
    staff.see_plan(ben, ids["Ben"], "insufficient funds")
    assert books.tries(ids["Ben"]) == [("failed", 10_000)]
    staff.move_clock_to(ben.due_date + timedelta(days=1))
    until("the second try", lambda: len(books.tries(ids["Ben"])) == 2)
    phone.repair(phone.tap_link(ben), ben)

    staff.see_plan(ben, ids["Ben"], "read back")
    assert books.tries(ids["Ben"]) == [("failed", 10_000), ("failed", 10_000), ("succeeded", 10_000)]
    assert books.tries(ids["Anna"]) == [("succeeded", 10_000)]
    assert books.posted_cents(ben) == [10_000]


def _cards(anna: Person, ben: Person) -> list[tuple[Person, str]]:
    return [(anna, hosted.GOOD), (ben, hosted.DECLINES)]


def _put_on_autopay(staff: Desk, person: Person, number: str) -> int:
    patient_id = staff.find(person)
    staff.open_plans(patient_id)
    # The text of the consent names the payments: before they are all there it would change under the reader.
    staff.see_plan(person, patient_id, "$300.00 to come")
    staff.attach(person, number)
    return patient_id


def _is_charged_once_and_told(staff: Desk, books: Books, phone: Phone, person: Person, patient_id: int) -> None:
    staff.see_plan(person, patient_id, "read back")
    assert books.tries(patient_id) == [("succeeded", 10_000)]
    assert books.posted_cents(person) == [10_000]
    split = books.splits(books.postings(person)[0])[0]
    assert split["PayPlanNum"] == person.plan_num
    assert split["PayPlanChargeNum"] > 0
    # Announcements may stand there too; of receipts there is one.
    until("the receipt on the phone", lambda: _receipts(books, person) == 1)
    expect(phone.inbox(person).locator(".theirs").filter(has_text=RECEIPT)).to_have_count(1)


def _receipts(books: Books, person: Person) -> int:
    return sum(RECEIPT in text for text in books.texts(person.phone))
