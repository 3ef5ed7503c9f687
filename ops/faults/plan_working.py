"""Plan work at the desk: pause, skip, move; make, change and close plans in Open Dental. Perhaps pressed twice."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ops.browser import Browser, Page, UnableToWalk
from ops.faults.patience import page_with

# The installment that autopay comes to next.
NEXT = (
    "SELECT i.id, i.due_date FROM payplans_installment i WHERE i.plan_id = %s AND i.status IN ('PENDING', 'FAILED')"
    " AND NOT i.is_down_payment ORDER BY i.due_date, i.id LIMIT 1"
)
_REASON = {"reason": "Asked by phone"}


@dataclass(frozen=True)
class Desk:
    """`target` is the plan, or the patient of a new one; `one` the plan's next installment, 0: none."""

    browser: Browser
    pool: Executor
    target: int
    one: int
    today: date

    def do(self, facts: dict[str, Any]) -> str:
        """What is refused raises UnableToWalk: a deed that comes to nothing."""
        what, clicks = str(facts["what"]), int(facts["clicks"])
        if what == "new":
            return self._new(clicks)
        if what == "close":
            return self._send(f"/plans/{self.target}/close/", {}, clicks)
        if what == "terms":
            return self._terms(float(facts["factor"]), clicks)
        if what in ("pause", "resume"):
            last = self.today + timedelta(days=int(facts["days"]))
            wish = {"first": self.today.isoformat(), "last": last.isoformat()} if what == "pause" else {}
            return self._send(f"/plans/{self.target}/pause/{'' if wish else 'end/'}", wish, clicks)
        return self._of_one(what, int(facts["days"]), clicks)

    def _of_one(self, what: str, days: int, clicks: int) -> str:
        if not self.one:
            raise UnableToWalk("nothing of the plan is to come")
        path = {"skip": "skip/", "unskip": "skip/end/", "move": "move/"}[what]
        wish = {"day": (self.today + timedelta(days=days + 1)).isoformat()} if what == "move" else {}
        return self._send(f"/installments/{self.one}/{path}", wish, clicks)

    def _new(self, clicks: int) -> str:
        page = page_with(self.browser, f"/communication/{self.target}/plans/new/work/", "works")
        works = page.form("works").choices["works"]
        wish = {"works": works[-1], "payments": "3", "down": ""}
        return self._press(page, "works", wish, clicks)

    def _terms(self, factor: float, clicks: int) -> str:
        page = self.browser.get(f"/plans/{self.target}/terms/")
        cents = max(500, int(float(page.form("reason").fields["pay"]) * factor * 100))
        return self._press(page, "reason", {"pay": f"{cents / 100:.2f}", "payments": "", **_REASON}, clicks)

    def _send(self, address: str, wish: dict[str, str], clicks: int) -> str:
        return self._press(page_with(self.browser, address, "reason"), "reason", {**wish, **_REASON}, clicks)

    def _press(self, page: Page, having: str, wish: dict[str, str], clicks: int) -> str:
        form = page.form(having)
        data = {**form.fields, **wish}
        more = [self.pool.submit(self.browser.send, page, form, data) for _ in range(clicks - 1)]
        said = self.browser.send(page, form, data).url
        for click in more:
            click.exception(timeout=30)
        return said.partition("?")[0]
