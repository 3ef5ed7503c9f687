"""Somebody of the practice at their browser: what they click and type, step by step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from playwright.sync_api import Locator, Page, expect

from tests.browser import hosted
from tests.browser.books import OFFICE, Books, Person, until
from tests.browser.eyes import Eyes
from tests.browser.running import Stack


@dataclass
class Desk:
    """One person, one window."""

    eyes: Eyes
    books: Books
    stack: Stack

    def __post_init__(self) -> None:
        self.page: Page = self.eyes.context.new_page()
        self.web = self.stack.urls["web"]

    def go(self, path: str) -> None:
        self.page.goto(self.web + path)

    def sign_in(self, who: str) -> None:
        self.go("/sign-in/")
        self.page.get_by_label("E-mail").fill(f"{who}@example.com")
        self.page.get_by_label("Password").fill(self.stack.sign_ins[who])
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.locator("#main")).to_be_visible()

    # -- at the office's own software ---------------------------------------------------------------------------

    def register(self, first: str, last: str, phone: str) -> int:
        """A new patient who may be texted (the sandbox's form does not ask that); the PatNum."""
        wish = {"LName": last, "FName": first, "WirelessPhone": phone, "Birthdate": "1986-03-14", "TxtMsgOk": "Yes"}
        return int(self.books.desk("patients", **wish)["PatNum"])

    def make_plan(self, first: str, last: str, *, days: int) -> Person:
        """A patient with $300.00 of work in three payments, the first one due in so many days; in the office's page."""
        due, phone = self.books.today() + timedelta(days=days), self.books.new_phone()
        pat_num = self.register(first, last, phone)
        self.page.goto(f"{self.stack.urls['opendental']}/offices/{OFFICE}")
        self._act("Add procedure", **{"Patient number": str(pat_num), "Fee in dollars": "300"})
        procedure = self._number()
        terms = {"Procedure numbers": procedure, "Installment in dollars": "100", "First installment": due.isoformat()}
        self._act("Make plan", **{"Patient number": str(pat_num), **terms})
        return Person(first, last, phone, pat_num, int(self._number()), due)

    def _act(self, button: str, **values: str) -> None:
        form = self.page.locator("form").filter(has=self.page.get_by_role("button", name=button, exact=True))
        for label, value in values.items():
            form.get_by_label(label).fill(value)
        form.get_by_role("button", name=button).click()

    def _number(self) -> str:
        """Of what was just made, from the line that says so."""
        said = self.page.get_by_role("status").inner_text()
        found = re.search(r"Num (\d+)", said)
        assert found, said
        return found[1]

    # -- at the desk --------------------------------------------------------------------------------------------

    def find(self, person: Person) -> int:
        """Search as you type until the next sync has brought the person, open the first result; the patient's id."""
        self.go("/communication/")
        until(f"{person.first} in the search", lambda: self._typed(person))
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", level=1, name=person.first)).to_be_visible()
        return int(self.page.url.rstrip("/").rsplit("/", 1)[1])

    def _typed(self, person: Person) -> bool:
        self.page.locator("body").press("Escape")
        self.page.evaluate("document.activeElement.blur()")
        self.page.keyboard.press("/")
        box = self.page.get_by_role("combobox")
        expect(box).to_be_focused()
        box.fill("")
        box.press_sequentially(str(person.pat_num))
        options = self.page.get_by_role("option")
        options.first.wait_for()
        return options.filter(has_text=f"{person.first} {person.last}").count() == 1

    def open_plans(self, patient_id: int) -> None:
        self.page.get_by_role("navigation", name="Patient").get_by_role("link", name="Payment Plans").click()
        self.page.wait_for_url(f"**/communication/{patient_id}/plans/")

    def plan(self, person: Person) -> Locator:
        """The plan's section on the patient's page."""
        return self.page.get_by_role("region", name=f"Plan {person.plan_num}", exact=False).first

    def see_plan(self, person: Person, patient_id: int, words: str) -> None:
        """Look at the Payment Plans tab again and again until the plan says so."""
        self.go(f"/communication/{patient_id}/plans/")
        until(f"{words!r} on {person.first}'s plan", lambda: self._says(person, words))

    def _says(self, person: Person, words: str) -> bool:
        plan = self.plan(person)
        if plan.count() and words in plan.inner_text():
            return True
        self.page.reload()
        return False

    def attach(self, person: Person, number: str) -> None:
        """On the Payment Plans tab: +, save a card on the processor's page, read the consent, switch autopay on."""
        self.page.get_by_role("link", name=f"Attach a card to plan {person.plan_num}").click()
        drawer = self.page.get_by_role("dialog")
        drawer.get_by_role("button", name="Save Card").click()
        hosted.enter_card(self.page, number, f"{person.first} {person.last}")
        self.page.get_by_role("checkbox", name="I read this text").check()
        self.page.get_by_role("button", name="Switch autopay on").click()
        expect(self.plan(person)).to_contain_text("Autopay")

    def move_clock_to(self, day: date) -> None:
        """Day by day with the button under the clock in the top bar."""
        while self.books.today() < day:
            self._press_one_day()

    def _press_one_day(self) -> None:
        before = self.books.today()
        self.page.get_by_role("button", name="Sandbox clock").click()
        self.page.get_by_role("button", name="+1 day").click()
        until("the clock to move", lambda: self.books.today() > before)
        self.page.wait_for_load_state()
