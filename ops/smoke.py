"""The main job as a person would do it: a plan made in Open Dental, a card, a charge, a posting, a message, a repair.

Every step goes through a page or a wire of the running stack; what cannot be seen there did not happen.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from ops.browser import Browser, Page, UnableToWalk
from ops.stack import Running

# Of the first demo practice (manage.py demo).
OFFICE, DEVELOPER, SECRET_KEY = "office-254", "dev-sandbox", "sk_test_maplegrove"
ZONE = ZoneInfo("America/New_York")
# How long one step may take; the timetable runs ten times as often as usual.
PATIENCE_SECONDS = 30
T = TypeVar("T")
GOOD, DECLINES = "4242424242424242", "4000000000009995"


@dataclass(frozen=True)
class Person:
    """An invented patient with a plan: three payments of $100.00, the first one due in three days."""

    first: str
    phone: str
    pat_num: int
    plan_num: int
    due: date


def walk(running: Running) -> dict[str, object]:
    """Do it all; what was seen, step by step. Raises UnableToWalk with the step that did not happen."""
    with ExitStack() as stack:
        return _Walk(running, stack).all()


def _sign_in(running: Running) -> dict[str, str]:
    """The demo's front desk: it works at the first demo practice only."""
    found = json.loads(running.places.demo.read_text())["sign_ins"][-1]
    return {"email": found["email"], "password": found["password"]}


class _Walk:
    def __init__(self, running: Running, stack: ExitStack) -> None:
        self.outside = running.outside
        self.sign_in = _sign_in(running)
        self.staff = stack.enter_context(Browser(running.web))
        self.phone = stack.enter_context(Browser(running.web))
        self.http = stack.enter_context(httpx.Client(trust_env=False, timeout=30))
        # The processor's customer of each person, by first name.
        self.customers: dict[str, str] = {}

    def all(self) -> dict[str, object]:
        anna = self.make_person("Anna", "5555550161")
        ben = self.make_person("Ben", "5555550162")
        self.staff.press(self.staff.get("/sign-in/"), "password", **self.sign_in)
        synced = self.until("both plans are synced", lambda: self.finds(anna) and self.finds(ben))
        for person, number in ((anna, GOOD), (ben, DECLINES)):
            self.attach(person, number)
        self.set_clock(anna.due)
        seen = {"synced": bool(synced), **self.charged(anna), **self.failed_then_repaired(ben)}
        return {**seen, **self.told(anna, ben)}

    def told(self, *people: Person) -> dict[str, object]:
        """Each got one receipt, and no text twice."""
        bodies = [[text["body"] for text in self.texts(person)] for person in people]
        once = all(len(set(texts)) == len(texts) for texts in bodies)
        receipts = all(self.receipts(person) == 1 for person in people)
        return {"messages": sum(map(len, bodies)), "told_once": once and receipts}

    # -- Open Dental ------------------------------------------------------------------------------------------

    def make_person(self, first: str, phone: str) -> Person:
        """Registered at the office's desk; the plan through the office's own API."""
        today = self.now().astimezone(ZONE).date()
        due = today + timedelta(days=3)
        pat_num = self.desk(
            "patients", LName="Smoke-Example", FName=first, WirelessPhone=phone, TxtMsgOk="Yes", Birthdate="1986-03-14"
        )["PatNum"]
        procedure = self.desk("procedures", PatNum=pat_num, ProcFee=300, ProcStatus="C")["ProcNum"]
        plan = self.office(
            "POST", "/payplans/Dynamic", PatNum=pat_num, NumberOfPayments=3, procNums=[procedure],
            DatePayPlanStart=due.isoformat(), IsLocked="true",
        )  # fmt: skip
        return Person(first, f"+1{phone}", pat_num, plan["PayPlanNum"], due)

    def desk(self, action: str, **body: Any) -> Any:
        return self.answer("POST", f"{self.outside.opendental}/_sandbox/offices/{OFFICE}/{action}", json=body)

    def office(self, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"ODFHIR {DEVELOPER}/{OFFICE}", "Content-Type": "application/json"}
        return self.answer(method, f"{self.outside.opendental}/api/v1{path}", headers=headers, json=body or None)

    def postings(self, person: Person) -> list[Any]:
        """What the office's own books show paid on the plan, by reference of ours."""
        payments = self.office("GET", f"/payments?PatNum={person.pat_num}")
        return [payment for payment in payments if payment["CheckNum"].startswith("KP-")]

    # -- the desk ---------------------------------------------------------------------------------------------

    def finds(self, person: Person) -> bool:
        found = self.staff.get(f"/communication/results/?q={person.pat_num}")
        known = any(person.first in text for text in found.links)
        return known and f"Plan {person.plan_num}" in self.plans(person).text

    def plans(self, person: Person) -> Page:
        found = self.staff.get(f"/communication/results/?q={person.pat_num}")
        return self.staff.get(f"{found.link(person.first)}plans/")

    def attach(self, person: Person, number: str) -> None:
        """Save a card on the hosted page, then attach it with the consent read to the patient."""
        page = self.staff.get(self.plans(person).link(f"Attach a card to plan {person.plan_num}"))
        page = self.enter_card(self.staff, self.staff.press(page, "Save Card"), number)
        newest = self.answer("GET", f"{self.outside.stripe}/v1/checkout/sessions?limit=1", auth=(SECRET_KEY, ""))
        self.customers[person.first] = newest["data"][0]["customer"]
        card = page.form("agreed").choices["card"][0]
        page = self.staff.press(page, "agreed", card=card, agreed="on")
        if "Autopay" not in self.plans(person).text:
            raise UnableToWalk(f"Autopay did not come on: {page.text[-300:]}")

    def enter_card(self, browser: Browser, page: Page, number: str) -> Page:
        return browser.press(
            page, "number", number=number, expiry="12 / 39", code="123", name="Smoke Example", zip_code="10001"
        )

    def charged(self, person: Person) -> dict[str, object]:
        page = self.until_plans(person, "Paid")
        self.until("the payment is in Open Dental", lambda: len(self.postings(person)) == 1)
        posted = self.postings(person)[0]
        self.until("the posting is read back", lambda: "read back" in self.plans(person).text)
        splits = self.office("GET", f"/paysplits?PayNum={posted['PayNum']}")
        on_charge = all(split["PayPlanNum"] == person.plan_num and split["PayPlanChargeNum"] for split in splits)
        self.until("the receipt is on the phone", lambda: self.receipts(person) == 1)
        return {
            "charged_cents": sum(charge["amount"] for charge in self.tries(person) if charge["status"] == "succeeded"),
            "posted": round(float(posted["PayAmt"]) * 100) == 10_000 and "Paid" in page.text,
            "read_back": on_charge and bool(splits),
        }

    def failed_then_repaired(self, person: Person) -> dict[str, object]:
        """Declined on the due date, declined again on the next, repaired on the phone with another card."""
        self.until_plans(person, "insufficient funds")
        self.until("the notice is on the phone", lambda: self.link(person))
        self.set_clock(person.due + timedelta(days=1))
        self.until("the second try is declined", lambda: len(self.tries(person)) == 2)
        page = self.until("the link offers another card", lambda: self.fix_page(person))
        page = self.enter_card(self.phone, self.phone.press(page, "another card"), GOOD)
        self.until_plans(person, "Paid")
        self.until("the repaired payment is in Open Dental", lambda: len(self.postings(person)) == 1)
        declined = sum(charge["status"] == "failed" for charge in self.tries(person))
        self.until("the receipt of the repair is on the phone", lambda: self.receipts(person) == 1)
        return {"retry_then_paid": declined == 2 and len(self.tries(person)) == 3}

    def fix_page(self, person: Person) -> Page | None:
        """The patient's page, once the decline has been settled and nothing is being charged."""
        page = self.phone.get(self.link(person))
        return page if any("another card" in button for form in page.forms for button in form.buttons) else None

    def until_plans(self, person: Person, words: str) -> Page:
        return self.until(f"{person.first}'s plan shows {words!r}", lambda: self._plans_with(person, words))

    def _plans_with(self, person: Person, words: str) -> Page | None:
        page = self.plans(person)
        return page if words in page.text else None

    # -- the processor, the phone, the clock ------------------------------------------------------------------

    def charges(self) -> list[Any]:
        charges: list[Any] = self.answer("GET", f"{self.outside.stripe}/_sandbox/state")["charges"]
        return charges

    def tries(self, person: Person) -> list[Any]:
        """Charges of this person's card at the processor, declined ones too."""
        return [charge for charge in self.charges() if charge["customer"] == self.customers[person.first]]

    def texts(self, person: Person) -> list[Any]:
        texts: list[Any] = self.answer("GET", f"{self.outside.messaging}/_sandbox/messages?to={person.phone[1:]}")
        return texts

    def receipts(self, person: Person) -> int:
        return sum("received your payment of $100.00" in text["body"] for text in self.texts(person))

    def link(self, person: Person) -> str:
        bodies = " ".join(text["body"] for text in self.texts(person))
        found = re.search(r"http://\S+/p/\S+", bodies)
        return found[0] if found else ""

    def set_clock(self, day: date) -> None:
        """To 10:05 of that day at the practice: the charge hour is 10."""
        moment = datetime.combine(day, wall_time(10, 5), ZONE)
        self.answer("POST", f"{self.outside.control}/clock", json={"set": moment.isoformat()})

    def now(self) -> datetime:
        return datetime.fromisoformat(self.answer("GET", f"{self.outside.control}/clock")["now"])

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if seen := look():
                return seen
            time.sleep(0.3)
        raise UnableToWalk(f"Waited {PATIENCE_SECONDS} s and it did not happen: {what}")

    def answer(self, method: str, url: str, **how: Any) -> Any:
        answer = self.http.request(method, url, **how)
        if answer.status_code >= 400:
            raise UnableToWalk(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()
