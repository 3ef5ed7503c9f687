"""The readers as a person at the counter sees them: /readers, and /readers/<id> where one taps, inserts or cancels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.stripe.reader_cards import NUMBERS, WALLETS
from sandbox.stripe.reader_control import VISA, ReaderControl
from sandbox.stripe.reader_troubles import WORDS
from sandbox.stripe.readers import MODELS, NAMES
from sandbox.stripe.wire import JSON, ApiError

Page = tuple[str, int, dict[str, str]]


class ReaderPages:
    def __init__(self, control: ReaderControl) -> None:
        self.control = control
        self.verbs: dict[str, Callable[[JSON], Any]] = {
            "present": self.present,
            "cancel": control.cancel,
            "plug": lambda wish: control.plug({**wish, "power": wish.get("power") == "on"}),
            "trouble": lambda wish: control.trouble({**wish, "reader": wish["id"]}),
            "calm": lambda wish: control.calm(wish["id"]),
        }

    def list(self) -> Page:
        return _page(
            "readers.html",
            readers=self.control.readers(),
            devices=self.control.devices(),
            models=MODELS,
            names=NAMES,
        )

    def one(self, identifier: str) -> Page:
        try:
            reader = self.control.reader(identifier)
        except ApiError:
            return _page("closed.html", 404, what="missing")
        return _page(
            "reader.html", reader=reader, names=NAMES, cards=NUMBERS, wallets=WALLETS, words=WORDS,
            chosen=request.args.get("card", VISA), said=request.args.get("said", ""),
        )  # fmt: skip

    def unpack(self) -> Response:
        self.control.unpack(request.form.to_dict())
        return redirect("/readers", 303)

    def present(self, wish: JSON) -> None:
        """`card` is a test number or the name of a wallet, which is a Visa on a phone."""
        held = {"wallet": wish["card"], "number": VISA} if wish["card"] in WALLETS else {"number": wish["card"]}
        self.control.present({**held, "id": wish["id"], "how": wish["how"]})

    def act(self, identifier: str, verb: str) -> Response:
        wish: JSON = {name: value for name, value in request.form.items() if value != ""}
        said = ""
        try:
            self.verbs[verb]({**wish, "id": identifier})
        except (ApiError, ValueError) as error:
            said = f"Not done: {error}"
        except KeyError as error:
            said = f"Not done: {error.args[0]} is missing."
        kept = {name: value for name, value in (("said", said), ("card", wish.get("card", ""))) if value}
        return redirect(f"/readers/{identifier}" + (f"?{urlencode(kept)}" if kept else ""), 303)


def _page(template: str, status: int = 200, **values: Any) -> Page:
    return render_template(template, **values), status, {"Cache-Control": "no-store"}


def add_routes(app: Flask, control: ReaderControl) -> None:
    pages = ReaderPages(control)
    app.add_url_rule("/readers", "readers", pages.list)
    app.add_url_rule("/readers", "unpack", pages.unpack, methods=["POST"])
    app.add_url_rule("/readers/<identifier>", "reader", pages.one)
    app.add_url_rule("/readers/<identifier>/<verb>", "at_reader", pages.act, methods=["POST"])
