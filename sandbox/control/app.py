"""The clock page and its small API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from sandbox.common.clock import Clock
from sandbox.control.moves import UnableToMoveClock, moved


@dataclass(frozen=True)
class Link:
    name: str
    url: str


@dataclass(frozen=True)
class ControlPages:
    clock: Clock
    zone: ZoneInfo
    links: Sequence[Link]

    def page(self) -> str:
        return render_template(
            "clock.html",
            now=self.clock.now().astimezone(self.zone),
            real=datetime.now(UTC).astimezone(self.zone),
            offset=in_words(self.clock.offset()),
            links=self.links,
        )

    def read(self) -> Response:
        """{"now": ISO UTC, "offset_seconds": float}"""
        return jsonify({"now": self.clock.now().isoformat(), "offset_seconds": self.clock.offset().total_seconds()})

    def move(self) -> AnyResponse:
        """One wish of moves.py, or {"reset": true} for real time, as JSON or as a form.

        JSON answers like `read`; a form goes to its field `back`, else to the page it came from, if that is on this
        machine.
        """
        refuse_strangers()
        given = request.get_json() if request.is_json else request.form.to_dict()
        if not isinstance(given, dict):
            abort(400, "a JSON object is needed")
        if given.get("reset"):
            self.clock.set_offset(timedelta(0))
        else:
            self._move({name: str(value) for name, value in given.items()})
        return self.read() if request.is_json else redirect(way_back(given.get("back") or request.referrer), 303)

    def _move(self, wish: dict[str, str]) -> None:
        try:
            self.clock.set_now(moved(self.clock.now(), wish, self.zone))
        except UnableToMoveClock as error:
            abort(400, str(error))

    def health(self) -> Response:
        return jsonify({"ok": True})


def create_app(clock: Clock, zone: ZoneInfo, links: Sequence[Link]) -> Flask:
    app = Flask(__name__)
    pages = ControlPages(clock, zone, links)
    app.get("/")(pages.page)
    app.get("/clock")(pages.read)
    app.post("/clock")(pages.move)
    app.get("/_sandbox/health")(pages.health)
    app.register_error_handler(HTTPException, _explain)
    return app


def refuse_strangers() -> None:
    """Only pages of this machine may move the clock; a website elsewhere that posts here is turned away.

    A page that keeps its address to itself (Referrer-Policy) sends the origin "null"; then the browser's own word on
    how near the page is counts.
    """
    origin, nearness = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "")
    if origin is None or is_loopback(origin):
        return
    if origin == "null" and nearness in ("same-origin", "same-site"):
        return
    abort(403, "the clock is moved from this machine only")


def way_back(page: str | None) -> str:
    return page if page and is_loopback(page) else "/"


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def in_words(offset: timedelta) -> str:
    """How far the clock is from real time, e.g. "31 days 2 h ahead of real time"."""
    minutes = round(abs(offset).total_seconds() / 60)
    if minutes == 0:
        return "Real time"
    parts = (
        (minutes // 1440, "days" if minutes // 1440 != 1 else "day"),
        (minutes // 60 % 24, "h"),
        (minutes % 60, "min"),
    )
    told = " ".join(f"{count} {unit}" for count, unit in parts if count)
    return f"{told} {'ahead of' if offset > timedelta(0) else 'behind'} real time"


def _explain(error: HTTPException) -> Response:
    answer = jsonify({"error": error.description})
    answer.status_code = error.code or 500
    return answer
