"""A payment at the terminal: declined, another card, a second desk that waits, canceled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import hosted
from tests.browser.books import SECRET_KEY, Books, Person, until
from tests.browser.desk import Desk
from tests.browser.people import Maker


def test_two_desks_and_one_terminal(desk: Callable[[str], Desk], maker: Maker, books: Books) -> None:
    terry, mel = _owing(maker, books, "Terry", 85), _owing(maker, books, "Mel", 40)
    front, back = desk("desk"), desk("admin")
    _open_sale(front, terry)
    _at_terminal(front.page, "Take $85.00", keeps_card=True)
    expect(front.page.get_by_text("Waiting for a card", exact=True)).to_be_visible()
    front.page.get_by_role("button", name="Cancel, take nothing").focus()
    front.eyes.look(front.page, "terminal-waiting")

    _open_sale(back, mel)
    _at_terminal(back.page, "Take $40.00")
    expect(back.page.get_by_text("Front desk is taking another payment").first).to_be_visible()

    _present(books, hosted.DECLINES)
    expect(front.page.get_by_text("The card was declined: insufficient funds")).to_be_visible()
    front.eyes.look(front.page, "terminal-declined")
    front.page.keyboard.press("Tab")
    front.page.get_by_role("button", name="Try another card").press("Enter")
    expect(front.page.get_by_text("Waiting for a card", exact=True)).to_be_visible()
    _present(books, hosted.GOOD)
    expect(front.page.get_by_text("Approved: $85.00")).to_be_visible()
    expect(front.page.get_by_text("Visa 4242 is saved.")).to_be_visible()
    front.eyes.look(front.page, "terminal-approved")
    front.page.get_by_role("link", name="Back to the payment").click()
    expect(front.page.get_by_text("$85.00 taken: Visa 4242")).to_be_visible()
    until("the payment in Open Dental", lambda: books.posted_cents(terry) == [85_00])

    _at_terminal(back.page, "Take $40.00")
    expect(back.page.get_by_text("Waiting for a card", exact=True)).to_be_visible()
    back.go("/terminals/")
    expect(back.page.get_by_text("Taking a payment")).to_be_visible()
    back.eyes.look(back.page, "terminals-busy")
    back.page.go_back()
    back.page.get_by_role("button", name="Cancel, take nothing").click()
    expect(back.page.get_by_text("Canceled. Nothing was charged.")).to_be_visible()
    back.eyes.look(back.page, "terminal-canceled")
    assert (_reader(books)["screen"], books.posted_cents(mel)) == ("idle", [])
    front.eyes.are_content()
    back.eyes.are_content()


def _owing(maker: Maker, books: Books, first: str, dollars: int) -> Person:
    """Somebody with this much of finished work outside their plan."""
    person = maker.person(first, days=9)
    books.desk("procedures", PatNum=person.pat_num, ProcFee=dollars, ProcStatus="C", CodeNum=2)
    return person


def _open_sale(staff: Desk, person: Person) -> None:
    staff.go("/communication/")
    until(f"{person.first} in the search", lambda: staff._typed(person))
    staff.page.keyboard.press("Shift+Enter")
    expect(staff.page.get_by_role("radio", name="Patient balance")).to_be_checked()
    staff.page.get_by_role("button", name="Show how it is allocated").click()


def _at_terminal(page: Page, button: str, *, keeps_card: bool = False) -> None:
    page.get_by_role("radio", name="Terminal: tap, chip or swipe").check()
    expect(page.get_by_label("Terminal", exact=True)).to_have_value(re.compile(r"\d+"))
    if keeps_card:
        page.get_by_role("checkbox", name="Save the card").check()
    page.get_by_role("button", name=button).click()


def _reader(books: Books) -> Any:
    """The one on the counter of the first demo practice."""
    stripe = books.stack.urls["stripe"]
    mine = books.stack.ask("GET", f"{stripe}/v1/terminal/readers", auth=(SECRET_KEY, ""))["data"][0]["id"]
    return next(one for one in books.stack.ask("GET", f"{stripe}/_sandbox/readers") if one["id"] == mine)


def _present(books: Books, number: str) -> None:
    until("the terminal to ask for a card", lambda: _reader(books)["screen"] == "waiting")
    url = f"{books.stack.urls['stripe']}/_sandbox/readers/{_reader(books)['id']}/present"
    books.stack.ask("POST", url, json={"number": number, "how": "insert"})
