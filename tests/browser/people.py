"""People in every state a screen can show, made quickly by forms without a browser; the tests only look at them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from ops.browser import Browser, Page
from tests.browser import hosted
from tests.browser.books import Books, Person, until
from tests.browser.running import Stack

# Cards that decline when charged, one for each: the card networks limit the declines of a card, whoever holds it.
POOR = {
    "Fay": "4000000000000341", "Rita": "5200000000005022", "Nora": "4000000000091092",
    "Sloane": "4000000000006975", "Jo": "4000000000091035",
}  # fmt: skip
# Stays in flight.
SLOW = "4000000000091076"


@dataclass(frozen=True)
class Cast:
    """Who stands in which state; `links` are addresses of patient pages by the state they show."""

    # Of the patients here, by first name: Paula paid, Fay's payment failed, Cora has no card.
    ids: dict[str, int]
    links: dict[str, str]


@dataclass
class Maker:
    """The front desk again, as forms and answers only."""

    stack: Stack
    books: Books
    staff: Browser

    def sign_in(self) -> None:
        page = self.staff.get("/sign-in/")
        self.staff.press(page, "password", email="desk@example.com", password=self.stack.sign_ins["desk"])

    def person(self, first: str, *, days: int = 0) -> Person:
        """A patient with $300.00 of work in three payments, the first one due in so many days."""
        phone, due = self.books.new_phone(), self.books.today() + timedelta(days=days)
        wish = {"LName": "Example", "FName": first, "WirelessPhone": phone, "Birthdate": "1986-03-14"}
        pat_num = self.books.desk("patients", **wish, TxtMsgOk="Yes")["PatNum"]
        procedure = self.books.desk("procedures", PatNum=pat_num, ProcFee=300, ProcStatus="C")["ProcNum"]
        plan = self.books.desk(
            "plans", PatNum=pat_num, NumberOfPayments=3, procNums=[procedure], DatePayPlanStart=due.isoformat()
        )
        return Person(first, "Example", phone, pat_num, plan["PayPlanNum"], due)

    def id_of(self, person: Person) -> int:
        """The patient's id here, once a sync has brought the plan."""
        return until(f"{person.first}'s plan", lambda: self._id_of(person))

    def _id_of(self, person: Person) -> int:
        found = self.staff.get(f"/communication/results/?q={person.pat_num}")
        link = next((url for text, url in found.links.items() if person.first in text), "")
        shown = self.staff.get(f"{link}plans/").text if link else ""
        # With its payments: the text of a consent names them.
        if f"Plan {person.plan_num}" in shown and "No installments yet" not in shown:
            return int(link.rstrip("/").rsplit("/", 1)[1])
        return 0

    def attach(self, person: Person, number: str) -> None:
        """Save a card and switch autopay on; what is due today is charged by the next sweep."""
        plans = self.staff.get(f"/communication/{self.id_of(person)}/plans/")
        page = self.staff.get(plans.link(f"Attach a card to plan {person.plan_num}"))
        page = self.enter_card(self.staff, self.staff.press(page, "Save Card"), number)
        self.staff.press(page, "agreed", card=page.form("agreed").choices["card"][0], agreed="on")

    def enter_card(self, browser: Browser, page: Page, number: str) -> Page:
        card = {"number": number, "expiry": "12 / 39", "code": "123", "name": "Test Example", "zip_code": "10001"}
        return browser.press(page, "number", **card)

    def repair(self, person: Person, number: str) -> str:
        """Pay by the link in the notice, with this card; the link."""
        with Browser(self.stack.urls["web"]) as phone:
            self.enter_card(phone, phone.press(phone.get(link := self.link(person)), "another card"), number)
        return link

    def until_says(self, address: str, words: str) -> None:
        until(f"{words!r} on {address}", lambda: words in self.staff.get(address).text)

    def link(self, person: Person) -> str:
        """The address in the newest notice on the phone."""
        return until(f"a link on {person.first}'s phone", lambda: self._link(person))

    def _link(self, person: Person) -> str:
        found = re.findall(r"http://\S+/p/\S+", " ".join(self.books.texts(person.phone)))
        return str(found[-1]) if found else ""


def make(maker: Maker) -> Cast:
    """Six people: paid, failed, without a card, repaired by link, of a closed plan, and in flight."""
    people = {name: maker.person(name) for name in ("Paula", "Fay", "Cora", "Rita", "Nora", "Sloane")}
    for name in ("Paula", "Fay", "Rita", "Nora", "Sloane"):
        maker.attach(people[name], POOR.get(name, hosted.GOOD))
    links = {"fix": maker.link(people["Fay"]), "paid": maker.repair(people["Rita"], hosted.GOOD)}
    links |= {"charging": maker.repair(people["Sloane"], SLOW), "nothing-owed": maker.link(people["Nora"])}
    maker.books.desk("close_plan", PayPlanNum=people["Nora"].plan_num)
    maker.until_says(links["nothing-owed"], "Nothing to pay")
    maker.until_says(links["paid"], "Thank you")
    ids = {name: maker.id_of(people[name]) for name in ("Paula", "Fay", "Cora")}
    maker.until_says(f"/communication/{ids['Paula']}/plans/", "read back")
    return Cast(ids, links)
