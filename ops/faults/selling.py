"""The desk takes money for work outside plans: drafted from the account, by card or cash, perhaps pressed twice."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from ops.browser import Browser, Page
from ops.faults.schedule import Step


@dataclass(frozen=True)
class Sale:
    """Of one patient at one practice's desk; `clicks` go out side by side."""

    browser: Browser
    pool: Executor
    patient: int

    def take(self, facts: dict[str, Any]) -> str:
        """Draft, then pay all or first a half. Returns what was done."""
        page = self._draft(str(facts["basis"]))
        cents = round(float(page.form("method").fields["amount"].replace(",", "")) * 100)
        parts = [cents // 2, cents - cents // 2] if facts["split"] else [cents]
        means = [self._pay(page.url, part, str(facts["means"]), int(facts["clicks"])) for part in parts]
        return f"sale {page.url.rstrip('/').rpartition('/')[2]}: {', '.join(means)}"

    def _draft(self, basis: str) -> Page:
        page = self.browser.get(f"/communication/{self.patient}/process-payment/account/")
        form = page.form("basis")
        found = form.choices.get("procedures", [])
        wish = {**form.fields, "basis": basis}
        if basis in ("CUSTOM", "PREPAYMENT"):
            wish["amount"] = "35.50"
        if found:
            wish["procedures"] = found[-1]
        return self.browser.send(page, form, wish)

    def _pay(self, address: str, cents: int, means: str, clicks: int) -> str:
        page = self.browser.get(address)
        form = page.form("method")
        cards = [one for one in form.choices["method"] if one.isdecimal()]
        by_card = means == "card" and bool(cards)
        types = [one for one in form.choices["pay_type"] if one]
        wish = {**form.fields, "amount": f"{cents / 100:.2f}", "method": cards[0] if by_card else "recorded"}
        wish["pay_type"] = "" if by_card else types[0]
        more: list[Future[Page]] = [
            self.pool.submit(self.browser.send, page, form, wish) for _ in range(max(0, clicks - 1))
        ]
        self.browser.send(page, form, wish)
        for click in more:
            click.exception(timeout=30)
        return f"{cents} by {'card' if by_card else 'cash'}"


def patient_of(step: Step, people: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Raises LookupError when there are none."""
    if not people:
        raise LookupError("there is nobody to sell to")
    return people[min(len(people) - 1, int(step.lot * len(people)))]
