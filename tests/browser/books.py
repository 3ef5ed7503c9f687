"""What really happened: read from the sandbox's own books (office, card processor, phones), never from our pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tests.browser.running import Stack

# Of the first demo practice.
OFFICE, DEVELOPER, SECRET_KEY = "office-254", "dev-sandbox", "sk_test_maplegrove"
ZONE = ZoneInfo("America/New_York")
PATIENCE_SECONDS = 40
T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """An invented patient with a plan of three payments of $100.00."""

    first: str
    last: str
    # Ten digits.
    phone: str
    pat_num: int
    plan_num: int
    due_date: date


@dataclass(frozen=True)
class Books:
    """The three sets of books of the sandbox."""

    stack: Stack
    # Given away already.
    phones: set[str] = field(default_factory=set)

    def today(self) -> date:
        return self.stack.now().astimezone(ZONE).date()

    def new_phone(self) -> str:
        """Ten digits of a phone that no text went to yet, of New York: the demo's people have another area code."""
        numbers = (f"21255501{last:02d}" for last in range(100))
        number = next(one for one in numbers if one not in self.phones and not self.texts(one))
        self.phones.add(number)
        return number

    def desk(self, action: str, **body: Any) -> Any:
        return self.stack.ask("POST", f"{self.stack.urls['opendental']}/_sandbox/offices/{OFFICE}/{action}", json=body)

    def office(self, path: str) -> Any:
        headers = {"Authorization": f"ODFHIR {DEVELOPER}/{OFFICE}", "Content-Type": "application/json"}
        return self.stack.ask("GET", f"{self.stack.urls['opendental']}/api/v1{path}", headers=headers)

    def postings(self, person: Person) -> list[Any]:
        """Payments of ours in Open Dental."""
        payments = self.office(f"/payments?PatNum={person.pat_num}")
        return [payment for payment in payments if payment["CheckNum"].startswith("KP-")]

    def posted_cents(self, person: Person) -> list[int]:
        return [round(float(payment["PayAmt"]) * 100) for payment in self.postings(person)]

    def splits(self, payment: Any) -> list[Any]:
        splits: list[Any] = self.office(f"/paysplits?PayNum={payment['PayNum']}")
        return splits

    def tries(self, patient_id: int) -> list[tuple[str, int]]:
        """State and cents of every charge of this patient's cards, oldest first."""
        return [(row["status"], row["amount"]) for row in self.charges(patient_id)]

    def given_back(self, patient_id: int) -> list[tuple[str, int]]:
        """State and cents of every refund of them, oldest first."""
        charges = {row["id"] for row in self.charges(patient_id)}
        refunds = self.stack.ask("GET", f"{self.stack.urls['stripe']}/_sandbox/state")["refunds"]
        return [(row["status"], row["amount"]) for row in refunds if row["charge"] in charges]

    def processor(self, action: str, **body: Any) -> Any:
        """What the processor's own people or a cardholder's bank do there."""
        return self.stack.ask("POST", f"{self.stack.urls['stripe']}/_sandbox/{action}", json=body)

    def charges(self, patient_id: int) -> list[Any]:
        """Every charge of this patient's cards as the processor has it, oldest first."""
        auth, stripe = (SECRET_KEY, ""), self.stack.urls["stripe"]
        newest = self.stack.ask("GET", f"{stripe}/v1/customers?limit=100", auth=auth)["data"]
        theirs = {row["id"] for row in newest if row["metadata"]["kasperpay"].split("-")[1] == str(patient_id)}
        charges = self.stack.ask("GET", f"{stripe}/_sandbox/state")["charges"]
        return [row for row in charges if row["customer"] in theirs]

    def texts(self, phone: str) -> list[str]:
        """What stands on a phone, oldest first."""
        url = f"{self.stack.urls['messaging']}/_sandbox/messages?to=1{phone}"
        return [row["body"] for row in self.stack.ask("GET", url)]


def until(what: str, look: Callable[[], T]) -> T:
    """The first truthy answer of `look`; fails naming `what`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} s for {what}; last seen: {seen!r}"
        time.sleep(0.2)
    return seen
