"""The sandbox's own API under /_sandbox: what was sent, replies, set-up of accounts and numbers, trouble on demand."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from sandbox.messaging.books import DEFAULT_SID, Books, as_json
from sandbox.messaging.carrier import Carrier
from sandbox.messaging.rules import UnableToAddRule
from sandbox.messaging.texts import e164

FILTERS = (("to", "recipient"), ("from", "sender"), ("channel", "channel"))


@dataclass(frozen=True)
class ControlApi:
    books: Books
    carrier: Carrier
    smtp_port: int

    def blueprint(self) -> Blueprint:
        pages = Blueprint("control", __name__, url_prefix="/_sandbox")
        for view in (self.health, self.messages, self.webhooks, self.optouts):
            pages.get(f"/{view.__name__}")(view)
        for view in (self.reply, self.accounts, self.numbers, self.people, self.reset):
            pages.post(f"/{view.__name__}")(view)
        pages.route("/delivery", methods=["GET", "POST", "DELETE"])(self.delivery)
        return pages

    def health(self) -> Response:
        return jsonify({"ok": True, "smtp_port": self.smtp_port})

    def messages(self) -> Response:
        """Texts and e-mails, oldest first; ?to= (number or address), ?from=, ?channel=sms|email."""
        rows = self.books.all("SELECT * FROM messages ORDER BY id")
        for name, column in FILTERS:
            if wanted := request.args.get(name):
                rows = [row for row in rows if row[column] == _address(wanted)]
        return jsonify([as_json(row) for row in rows])

    def webhooks(self) -> Response:
        """Every webhook posted, with the practice's HTTP answer (null: not reached)."""
        rows = self.books.all("SELECT * FROM webhooks ORDER BY id")
        return jsonify([{**dict(row), "parameters": json.loads(row["parameters"])} for row in rows])

    def optouts(self) -> Response:
        return jsonify([dict(row) for row in self.books.all("SELECT * FROM optouts ORDER BY sender, recipient")])

    def reply(self) -> Response:
        """A patient's text: {"from", "to", "body"}. Answers when the practice's webhook has answered."""
        given = _given("from", "to", "body")
        message = self.carrier.receive(_phone(given["from"]), _phone(given["to"]), given["body"])
        return jsonify(as_json(message))

    def accounts(self) -> Response:
        given = _given("sid", "token")
        self._register(given["sid"], given["token"])
        return jsonify(given)

    def numbers(self) -> Response:
        """A number of the practice: {"number", "inbound_url"[, "account_sid", "token", "messaging_service_sid"]}."""
        given = _given("number", "inbound_url")
        account_sid = given.get("account_sid", DEFAULT_SID)
        if "token" in given:
            self._register(account_sid, given["token"])
        number = _phone(given["number"])
        self.books.run(
            "INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?, ?)",
            *(number, f"PN{secrets.token_hex(16)}", account_sid),
            *(given.get("messaging_service_sid", ""), given["inbound_url"]),
        )
        return jsonify({"number": number, "account_sid": account_sid})

    def people(self) -> Response:
        """Who owns a phone or mailbox: {"address", "name"[, "kind": "mobile"|"landline"|"unreachable"]}."""
        given = _given("address", "name")
        kind = given.get("kind", "mobile")
        if kind not in ("mobile", "landline", "unreachable"):
            abort(400, "kind must be mobile, landline or unreachable")
        row = (_address(given["address"]), given["name"], kind)
        self.books.run("INSERT OR REPLACE INTO people VALUES (?, ?, ?)", *row)
        return jsonify(given)

    def delivery(self) -> Response:
        """Rules of rules.py; POST {"kind", "to"?, "times"?, "error_code"?, "seconds"?}."""
        rules = self.carrier.delivery.rules
        if request.method == "DELETE":
            rules.clear()
        elif request.method == "POST":
            try:
                rules.add(_given("kind"))
            except UnableToAddRule as error:
                abort(400, str(error))
        return jsonify(rules.listed())

    def reset(self) -> Response:
        """Forget messages, opt-outs, webhooks and rules; accounts, numbers and people stay."""
        self.carrier.delivery.rules.clear()
        self.books.reset()
        return jsonify({"ok": True})

    def _register(self, sid: str, token: str) -> None:
        self.books.run("INSERT OR REPLACE INTO accounts VALUES (?, ?)", sid, token)


def _given(*needed: str) -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        abort(400, "a JSON object is needed")
    missing = [name for name in needed if name not in given]
    if missing:
        abort(400, f"missing: {', '.join(missing)}")
    return given


def _phone(text: str) -> str:
    number = e164(text)
    if number is None:
        abort(400, f"not a phone number: {text}")
    return number


def _address(text: str) -> str:
    """A number in E.164 or a lower-case mail address."""
    return text.lower() if "@" in text else e164(text) or text
