"""The hosted card page, /c/pay/<session>: takes a test card, saves or charges it, goes back to the practice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.stripe import accounts, customers, intents, methods, sessions, setups
from sandbox.stripe.books import Books, Scope
from sandbox.stripe.cards import CARDS, luhn
from sandbox.stripe.charges import past_expiry
from sandbox.stripe.wire import JSON, ApiError

NOT_A_TEST_CARD = "This is a practice page: it takes test card numbers only. Nothing was stored."

Page = tuple[str, int, dict[str, str]]


@dataclass
class Form:
    """What was typed. The number and the security code live for this one request and are never shown again."""

    number: str = ""
    expiry: str = ""
    code: str = ""
    name: str = ""
    zip_code: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def typed(cls) -> Form:
        """From the request at hand."""
        sent = {name: request.form.get(name, "").strip() for name in ("number", "expiry", "code", "name", "zip_code")}
        number = re.sub(r"[\s-]", "", sent["number"])
        return cls(number, sent["expiry"], sent["code"], sent["name"], sent["zip_code"])

    @property
    def month_year(self) -> tuple[int, int] | None:
        found = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{2}|\d{4})\s*", self.expiry)
        if found is None or not 1 <= int(found[1]) <= 12:
            return None
        year = int(found[2])
        return int(found[1]), year + 2000 if year < 100 else year

    def check(self, now: int) -> bool:
        """True when the card may be presented; otherwise `errors` says why, by field."""
        self._check_number()
        when = self.month_year
        if when is None:
            self.errors["expiry"] = "Enter the expiry as month and year, like 04 / 31."
        elif past_expiry(*when, now):
            self.errors["expiry"] = "This card's expiry is in the past."
        amex = self.number in CARDS and CARDS[self.number].brand == "amex"
        if not re.fullmatch(r"\d{4}" if amex else r"\d{3}", self.code):
            self.errors["code"] = f"Enter the {'4' if amex else '3'} digits of the security code."
        if not self.name:
            self.errors["name"] = "Enter the name on the card."
        if not re.fullmatch(r"\d{5}(-\d{4})?", self.zip_code):
            self.errors["zip_code"] = "Enter a 5-digit ZIP code."
        return not self.errors

    def _check_number(self) -> None:
        if not 13 <= len(self.number) <= 19 or not luhn(self.number):
            self.errors["number"] = "This card number is not complete or not valid."
        elif self.number not in CARDS:
            self.errors["number"] = NOT_A_TEST_CARD


def add_routes(app: Flask, books: Books) -> None:
    app.add_url_rule("/c/pay/<identifier>", "pay", lambda identifier: _show(books, identifier), methods=["GET"])
    app.add_url_rule("/c/pay/<identifier>", "paid", lambda identifier: _submit(books, identifier), methods=["POST"])


def _open(books: Books, identifier: str) -> tuple[Scope, JSON] | None:
    sessions.expire_due(books)
    scope = books.owner(identifier)
    session = scope.find(identifier, "checkout.session") if scope else None
    return (scope, session) if scope and session else None


def _show(books: Books, identifier: str) -> Response | Page:
    found = _open(books, identifier)
    return _closed(books, *found) if found else _page("closed.html", 404, what="missing")


def _closed(books: Books, scope: Scope, session: JSON) -> Page:
    name = accounts.name_of(books, scope.account)
    if session["status"] == "open":
        return _card_page(scope, session, Form(), None)
    status = 410 if session["status"] == "expired" else 200
    return _page("closed.html", status, what=session["status"], practice=name, back=session["cancel_url"])


def _page(template: str, status: int = 200, **values: Any) -> Page:
    """Never kept by the browser: going back must not show what was typed, nor a form that is used up."""
    return render_template(template, **values), status, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _card_page(scope: Scope, session: JSON, form: Form, refused: str | None) -> Page:
    return _page(
        "pay.html",
        402 if refused else (422 if form.errors else 200),
        practice=accounts.name_of(scope.books, scope.account),
        session=session,
        form=form,
        refused=refused,
        numbers=[(number, card.note) for number, card in CARDS.items() if card.note],
    )


def _submit(books: Books, identifier: str) -> Response | Page:
    found = _open(books, identifier)
    if found is None:
        return _page("closed.html", 404, what="missing")
    form = Form.typed()
    scope = found[0]
    with scope.transaction():
        session = scope.need("checkout.session", identifier)
        if session["status"] != "open":
            return _back(session) if session["status"] == "complete" else _closed(books, scope, session)
        if not form.check(scope.now):
            return _card_page(scope, session, form, None)
        try:
            _use_card(scope, session, form)
        except ApiError as error:
            if not error.keep:
                raise
            return _card_page(scope, session, form, error.error["message"])
    return _back(session)


def _back(session: JSON) -> Response:
    return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)


def _use_card(scope: Scope, session: JSON, form: Form) -> None:
    when = form.month_year
    assert when is not None
    method = methods.make(scope, form.number, *when, form.name, form.zip_code)
    if session["mode"] == "setup":
        _customer(scope, session, form)
        setups.save_card(scope, scope.need("setup_intent", session["setup_intent"]), method)
        sessions.complete(scope, session, method)
        return
    intent = _intent(scope, session, form)
    intent = intents.charge_with(scope, intent, method, at_page=True)
    paid = "unpaid" if intent["status"] == "processing" else "paid"
    sessions.complete(scope, session, method, payment_status=paid, payment_intent=intent["id"])


def _customer(scope: Scope, session: JSON, form: Form) -> None:
    """A session made without a customer opens one when it was asked to."""
    if session["customer"] is None and session["customer_creation"] == "always":
        session["customer"] = customers.create(scope, {"name": form.name, "email": session["customer_email"]})["id"]
        scope.save(session)
        if session["setup_intent"]:
            setup = scope.need("setup_intent", session["setup_intent"])
            scope.save({**setup, "customer": session["customer"]})


def _intent(scope: Scope, session: JSON, form: Form) -> JSON:
    """The session's one intent: made at the first card, used again for the next one after a decline."""
    if session["payment_intent"]:
        return scope.need("payment_intent", session["payment_intent"])
    _customer(scope, session, form)
    wish = {"amount": session["amount_total"], "currency": session["currency"], "customer": session["customer"]}
    intent = intents.open_intent(scope, {**session["_intent"], **wish}, _session=session["id"])
    session["payment_intent"] = intent["id"]
    scope.save(session)
    return intent
