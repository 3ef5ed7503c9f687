"""A running Open Dental sandbox for the contract tests, and one office of it as a small client."""

from __future__ import annotations

import atexit
import functools
import itertools
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from sandbox.common.clock import Clock
from tests.outside import Outside, start

_numbers = itertools.count(1)


@functools.cache
def sandbox() -> Outside:
    """One process for the whole test run."""
    folder = tempfile.TemporaryDirectory()
    outside = start("sandbox.opendental", Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(outside.stop)
    _clock.append(Clock(Path(folder.name) / "clock.json"))
    return outside


_clock: list[Clock] = []


class Office:
    """Talks to the API with the office's key, and to its desk under /_sandbox."""

    def __init__(self, key: str, timezone: str) -> None:
        self.key = key
        self.timezone = timezone
        self.http = sandbox().http

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"ODFHIR dev-sandbox/{self.key}", "Content-Type": "application/json"}
        headers |= options.pop("headers", {})
        return self.http.request(method, f"/api/v1{path}", json=json, headers=headers, **options)

    def get(self, path: str, **params: Any) -> Any:
        return expect(200, self.call("GET", path, params=params))

    def post(self, path: str, body: Any) -> Any:
        return expect(201, self.call("POST", path, body))

    def put(self, path: str, body: Any = None) -> Any:
        return expect(200, self.call("PUT", path, body))

    def refused(self, status: int, method: str, path: str, json: Any = None, **options: Any) -> str:
        """The explanation that came with the refusal."""
        return str(expect(status, self.call(method, path, json, **options)))

    def sql(self, command: str, **params: Any) -> Any:
        return expect(200, self.call("PUT", "/queries/ShortQuery", {"SqlCommand": command}, params=params))

    def desk(self, action: str, **body: Any) -> Any:
        return expect(200, self.http.post(f"/_sandbox/offices/{self.key}/{action}", json=body))

    def books(self) -> Any:
        return expect(200, self.http.get(f"/_sandbox/offices/{self.key}/books"))

    def projection(self, plan: int, *, next_only: bool = False) -> Any:
        params = {"next_only": str(next_only).lower()}
        return expect(200, self.http.get(f"/_sandbox/offices/{self.key}/plans/{plan}/projection", params=params))

    def go_to(self, day: str, hour: str = "10:00") -> None:
        """Move the clock to an office-local time."""
        set_clock(day, hour, self.timezone)

    def patient(self, **fields: Any) -> int:
        return int(self.desk("patients", **{"LName": "Testcase", "FName": "Ann", **fields})["PatNum"])

    def procedure(self, patient: int, fee: float, status: str = "C", **fields: Any) -> int:
        return int(self.desk("procedures", PatNum=patient, ProcFee=fee, ProcStatus=status, **fields)["ProcNum"])

    def plan(self, patient: int, procedures: list[int], **terms: Any) -> int:
        body = {"PatNum": patient, "procNums": procedures, "IsLocked": "false", **terms}
        return int(self.desk("plans", **body)["PayPlanNum"])

    def charges(self, plan: int) -> list[tuple[str, float, float, str]]:
        rows = self.get("/payplancharges", PayPlanNum=plan)
        return [(row["ChargeDate"], row["Principal"], row["Interest"], row["Note"]) for row in rows]


def expect(status: int, response: httpx.Response) -> Any:
    assert response.status_code == status, f"{response.status_code} {response.text}"
    return response.json()


def set_clock(day: str, hour: str, timezone: str) -> None:
    sandbox()
    _clock[0].set_now(datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=ZoneInfo(timezone)))


def new_office(day: str = "2024-06-10", hour: str = "10:00", **settings: Any) -> Office:
    """An empty office of its own at a given local time."""
    timezone = settings.setdefault("timezone", "America/Los_Angeles")
    set_clock(day, hour, timezone)
    key = f"test-{next(_numbers)}"
    expect(201, sandbox().http.post("/_sandbox/offices", json={"key": key, **settings}))
    return Office(key, timezone)


def same_shape(example: Any, actual: Any, path: str = "") -> None:
    """Same fields in the same order, same JSON kinds; numbers may be whole or not."""
    if isinstance(example, dict):
        assert list(actual) == list(example), f"{path}: {list(actual)} is not {list(example)}"
        for name, value in example.items():
            same_shape(value, actual[name], f"{path}.{name}")
    elif isinstance(example, list):
        for item in actual:
            same_shape(example[0], item, f"{path}[]")
    elif isinstance(example, bool) or not isinstance(example, int | float):
        assert type(actual) is type(example), f"{path}: {actual!r} is not like {example!r}"
    else:
        assert isinstance(actual, int | float), f"{path}: {actual!r} is not like {example!r}"
