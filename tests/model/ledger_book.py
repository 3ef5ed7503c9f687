"""An office's ledger behind the client: it keeps what it was told, loses answers, and lets posters die."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from opendental.errors import Refused, Throttled, UnableToReachOffice
from tests.model.killed import Killed

_numbers = itertools.count(1000)
ELSEWHERE = 999_999_999
FAULTS = ["", "", "lost before", "lost after", "refused", "throttled", "offline", "killed before", "killed after"]


class Book:
    """Stands in for opendental.client.Office. `faults`: the next ones, one for each request."""

    def __init__(self) -> None:
        self.payments: dict[int, dict[str, Any]] = {}
        self.faults: list[str] = []
        self.misses_the_row = False
        # Somebody else's pass, while our request is on the wire.
        self.meanwhile: Callable[[], None] | None = None

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._do(f"POST {path}", lambda: self._enter(body))

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        number = int(path.split("/")[2])
        wanted = body["payPlanChargeNumsAndAmounts"]
        return self._do(f"PUT {path}", lambda: self._replace(number, wanted))

    def query(self, sql: str) -> list[dict[str, Any]]:
        reference = re.findall(r"CheckNum='([^']+)'", sql)[0]
        return self._ask("PUT /queries", lambda: [self._row(n) for n in self.numbers_of(reference)])

    def get_all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        number = int(query["PayNum"])
        found = self.payments.get(number, {"splits": []})
        return self._ask(f"GET {path}", lambda: [
            {"SplitNum": number * 10 + at, "PayNum": number, "PayPlanNum": found["plan"], "PayPlanChargeNum": row,
             "SplitAmt": cents / 100, "UnearnedType": 0, "PatNum": found["patient"]}
            for at, (row, cents) in enumerate(found["splits"])
        ])  # fmt: skip

    def numbers_of(self, reference: str) -> list[int]:
        return [number for number, row in self.payments.items() if row["check"] == reference]

    def _row(self, number: int) -> dict[str, Any]:
        row = self.payments[number]
        return {"PayNum": number, "PayAmt": row["cents"] / 100, "CheckNum": row["check"], "PatNum": row["patient"]}

    def _enter(self, body: dict[str, Any]) -> dict[str, Any]:
        number, cents = next(_numbers), round(float(body["PayAmt"]) * 100)
        row = ELSEWHERE if self.misses_the_row else self.row_of(body["payPlanNum"])
        self.payments[number] = {
            "check": body["CheckNum"], "cents": cents, "patient": body["PatNum"], "plan": body["payPlanNum"],
            "splits": [(row, cents)],
        }  # fmt: skip
        return {"PayNum": number}

    def row_of(self, plan: int) -> int:
        raise NotImplementedError

    def _replace(self, number: int, wanted: list[dict[str, Any]]) -> dict[str, Any]:
        rows = [(one["PayPlanChargeNum"], round(one["Amount"] * 100)) for one in wanted]
        self.payments[number]["splits"] = rows
        return self._row(number)

    def _do(self, label: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        fault = self._before(label)
        answer = act()
        other, self.meanwhile = self.meanwhile, None
        if other is not None:
            other()
        if fault == "lost after":
            raise UnableToReachOffice(label, certainly_not_done=False)
        if fault == "killed after":
            raise Killed(label)
        return answer

    def _ask(self, label: str, look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        self._before(label)
        return look()

    def _before(self, label: str) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        match fault:
            case "lost before":
                raise UnableToReachOffice(label, certainly_not_done=False)
            case "offline":
                raise UnableToReachOffice(label)
            case "refused":
                raise Refused(label, explanation="PayAmt is required.")
            case "throttled":
                raise Throttled(label, retry_after=1)
            case "killed before":
                raise Killed(label)
        return fault
