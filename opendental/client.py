"""The only place that speaks HTTP to Open Dental: keys, pace, pages, errors. Bodies and names never reach a log.

Source: Open Dental's "API Specification" pages (headers, paging of 100, JSON strings as error bodies).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import httpx

from core import clock
from opendental import pacing
from opendental.errors import NotAllowed, UnableToReachOffice, from_answer
from opendental.models import Connection

PAGE = 100
# The API gives up after 60 s (504), so an answer can take a little longer than that.
PATIENT = httpx.Timeout(connect=5, read=65, write=30, pool=5)
# A job's first question is a light one: an office that lets it wait longer is taken for silent.
FIRST = httpx.Timeout(connect=5, read=10, write=10, pool=5)
# The same, asked of an office that was silent before.
PROBE = httpx.Timeout(connect=3, read=5, write=5, pool=5)
_QUERY = "/queries/ShortQuery"
_SAFE_PATH = re.compile(r"/\d+")

Row = dict[str, Any]


@lru_cache(maxsize=1)
def _http(_process: int) -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=PATIENT, follow_redirects=False)


class Office:
    """One office's API. `urgent` calls (posting, recheck) go before polling in the office's queue.

    `calls` counts requests sent. Every method raises OpenDentalError; for a write look at `certainly_not_done`.
    """

    def __init__(self, connection: Connection, *, urgent: bool = False) -> None:
        self.base_url = connection.base_url.rstrip("/")
        self.headers = {
            "Authorization": f"ODFHIR {connection.developer_key}/{connection.customer_key}",
            "Content-Type": "application/json",
        }
        self.lane = pacing.lane_of(connection, urgent=urgent)
        self.calls = 0
        self._first = PROBE if connection.failures else FIRST
        self._has_answered = False
        # Told before every request, so that a long job can show that it lives.
        self.heartbeat: Callable[[], None] = _nothing

    def get(self, path: str, **params: Any) -> Any:
        return self._send("GET", path, params=params)

    def get_all(self, path: str, **params: Any) -> Iterator[Row]:
        """All rows of a list, page by page; a full page means that there may be another."""
        offset = 0
        while True:
            page = self.rows(self.get(path, **params, **({"Offset": offset} if offset else {})), path)
            yield from page
            if len(page) < PAGE:
                return
            offset += len(page)

    def query(self, sql: str) -> list[Row]:
        """At most 100 rows of a read-only query (permission Queries). Never put names into `sql`: offices log it."""
        return self.rows(self._send("PUT", _QUERY, body={"SqlCommand": sql}), _QUERY)

    def query_all(self, sql: str, key: str) -> Iterator[Row]:
        """Keyset pages: {after} in `sql` stands for the last seen value of column `key`; it ends in LIMIT 100."""
        after = 0
        while True:
            page = self.query(sql.format(after=after))
            yield from page
            if len(page) < PAGE:
                return
            after = int(page[-1][key])

    def post(self, path: str, body: Row) -> Row:
        return self._object(self._send("POST", path, body=body), path)

    def put(self, path: str, body: Row) -> Any:
        return self._send("PUT", path, body=body)

    @staticmethod
    def rows(answer: Any, path: str) -> list[Row]:
        """A list of objects; a single object counts as a list of one."""
        found = answer if isinstance(answer, list) else [answer]
        if not all(isinstance(row, dict) for row in found):
            raise UnableToReachOffice(_label("GET", path), explanation="The answer is not a list of rows.")
        return found

    @staticmethod
    def _object(answer: Any, path: str) -> Row:
        if isinstance(answer, dict):
            return answer
        raise UnableToReachOffice(
            _label("POST", path), explanation="The answer is not an object.", certainly_not_done=False
        )

    def _send(self, method: str, path: str, *, params: Row | None = None, body: Row | None = None) -> Any:
        label = _label(method, path)
        if refusal := clock.forbids(self.base_url):
            raise NotAllowed(label, explanation=refusal)
        self.heartbeat()
        with pacing.turn(self.lane, label):
            self.calls += 1
            try:
                response = _http(os.getpid()).request(
                    method, self.base_url + path, params=params or None, json=body, headers=self.headers,
                    timeout=self._limits(method, path),
                )  # fmt: skip
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise UnableToReachOffice(label, explanation=_transport(error)) from error
            except httpx.TransportError as error:
                raise UnableToReachOffice(label, explanation=_transport(error), certainly_not_done=False) from error
        self._has_answered = True
        return self._read(label, response)

    def _limits(self, method: str, path: str) -> httpx.Timeout:
        """Short for a job's first question. Writes always get the API's full minute: giving up loses the answer."""
        asks = method == "GET" or path == _QUERY
        return self._first if asks and not self._has_answered else PATIENT

    def _read(self, label: str, response: httpx.Response) -> Any:
        answer = _json(response)
        if response.status_code in (200, 201):
            if answer is None and response.content.strip():
                raise UnableToReachOffice(label, explanation="The answer is not JSON.", certainly_not_done=False)
            return answer
        error = from_answer(
            label, response.status_code, _explanation(answer, response), retry_after=_retry_after(response)
        )
        pacing.heed(self.lane, error)
        raise error


def _label(method: str, path: str) -> str:
    return f"{method} {_SAFE_PATH.sub('/…', path)}"


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _explanation(answer: Any, response: httpx.Response) -> str:
    if isinstance(answer, str):
        return answer
    return f"HTTP {response.status_code}"


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(600.0, max(1.0, float(response.headers.get("Retry-After", "5"))))
    except ValueError:
        return 5.0


def _transport(error: httpx.TransportError) -> str:
    return {
        "ConnectError": "No connection to the address.",
        "ConnectTimeout": "No connection to the address in time.",
        "ReadTimeout": "No answer in time.",
    }.get(type(error).__name__, "The connection was lost.")


def _nothing() -> None:
    """No heartbeat is wanted."""
