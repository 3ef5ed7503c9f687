"""The desk takes money for work outside plans: drafted from the account, by card or cash, perhaps pressed twice."""

from __future__ import annotations

import re
import time
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ops.browser import Browser, Form, Page, UnableToWalk
from ops.faults.patience import page_with
from ops.faults.schedule import Step
from ops.faults.tapping import Terminal

# Test cards: one that pays, one whose bank says no.
GOOD, POOR = "4242424242424242", "4000000000009995"
_MOST_LOOKS = 40
_SHOWN = re.compile(r'name="shown" value="(\d+)"')


@dataclass(frozen=True)
class Sale:
    """Of one patient at one practice's desk; `clicks` go out side by side."""

    browser: Browser
    pool: Executor
    patient: int
    terminal: Terminal

    def take(self, facts: dict[str, Any]) -> str:
        """Draft, then pay all or first a half. Returns what was done."""
        page = self.draft(str(facts["basis"]))
        cents = round(float(page.form("method").fields["amount"].replace(",", "")) * 100)
        parts = [cents // 2, cents - cents // 2] if facts["split"] else [cents]
        means = [self._pay(page.url, part, str(facts["means"]), facts) for part in parts]
        return f"sale {page.url.rstrip('/').rpartition('/')[2]}: {', '.join(means)}"

    def draft(self, basis: str) -> Page:
        """The page of a sale that asks for nothing yet."""
        page = page_with(self.browser, f"/communication/{self.patient}/process-payment/account/", "basis")
        form = page.form("basis")
        found = form.choices.get("procedures", [])
        wish = {**form.fields, "basis": basis}
        if basis in ("CUSTOM", "PREPAYMENT"):
            wish["amount"] = "35.50"
        if found:
            wish["procedures"] = found[-1]
        return self.browser.send(page, form, wish)

    def _pay(self, address: str, cents: int, means: str, facts: dict[str, Any]) -> str:
        page = self.browser.get(address)
        form = page.form("method")
        cards = [one for one in form.choices["method"] if one.isdecimal()]
        ways = {"card": cards[0] if cards else "recorded", "page": "manual", "terminal": "terminal"}
        method = ways.get(means, "recorded")
        types = [one for one in form.choices["pay_type"] if one]
        wish = {**form.fields, "amount": f"{cents / 100:.2f}", "method": method}
        wish["pay_type"] = types[0] if method == "recorded" else ""
        if means == "terminal":
            self.terminal.trouble(str(facts["trouble"]))
            wish |= {"keeps_card": "on"} if facts["keeps_card"] else {}
        if "shown" in form.fields:
            wish["shown"] = self._price(page, form, wish)
        more: list[Future[Page]] = [
            self.pool.submit(self.browser.send, page, form, wish) for _ in range(max(0, int(facts["clicks"]) - 1))
        ]
        sent = self.browser.send(page, form, wish)
        for click in more:
            click.exception(timeout=30)
        if "/payments/terminal/" in sent.url:
            return f"{cents} by {self.terminal.follow(self.browser, sent.url, str(facts['at_reader']))}"
        part = parse_qs(urlsplit(sent.url).query).get("opening", [""])[0]
        done = self._at_page(address, part, str(facts["at_page"])) if means == "page" else means
        return f"{cents} by {done}"

    def _price(self, page: Page, form: Form, wish: dict[str, str]) -> str:
        """What the page shows once this is chosen; where fees play a part."""
        asking = replace(form, action=form.action.replace("/pay/", "/price/"))
        found = _SHOWN.search(self.browser.send(page, asking, wish).html)
        return found[1] if found else ""

    def _at_page(self, address: str, part: str, does: str) -> str:
        """What the person with the card does on the processor's page, once it is open."""
        for _ in range(_MOST_LOOKS if part else 0):
            page = self.browser.get(f"{address}tenders/{part}/card-page/")
            if any("number" in form.fields for form in page.forms):
                break
            time.sleep(0.2)
        else:
            return "a page that did not open"
        if does == "give_up":
            here = self.browser.get(address)
            self.browser.send(here, here.form("give-up"), here.form("give-up").fields)
        elif does != "leave":
            for number in (POOR, GOOD) if does == "decline" else (GOOD,):
                page = type_in(self.browser, page, number)
        return f"page, {does}"


def type_in(browser: Browser, page: Page, number: str) -> Page:
    """On the processor's page. A declined card leaves it open (HTTP 402)."""
    form = page.form("number")
    typed = {"number": number, "expiry": "12 / 39", "code": "123", "name": "Fault Example", "zip_code": "10001"}
    try:
        return browser.send(page, form, {**form.fields, **typed})
    except UnableToWalk:
        return page


def patient_of(step: Step, people: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Raises LookupError when there are none."""
    if not people:
        raise LookupError("there is nobody to sell to")
    return people[min(len(people) - 1, int(step.lot * len(people)))]
