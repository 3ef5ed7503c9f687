"""Twilio's REST API, 2010-04-01: account, messages (send, list, one) and owned numbers."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.common.store import Row
from sandbox.messaging.books import Books
from sandbox.messaging.carrier import Carrier, MessageRefused
from sandbox.messaging.texts import e164, pretty_number, segments

ROOT = "/2010-04-01/Accounts/<account_sid>"


@dataclass(frozen=True)
class TwilioApi:
    books: Books
    carrier: Carrier

    def blueprint(self) -> Blueprint:
        pages = Blueprint("twilio", __name__)
        pages.before_request(self.sign_in)
        pages.get(ROOT + ".json")(self.account)
        pages.post(ROOT + "/Messages.json")(self.send)
        pages.get(ROOT + "/Messages.json")(self.listed)
        pages.get(ROOT + "/Messages/<sid>.json")(self.one)
        pages.get(ROOT + "/IncomingPhoneNumbers.json")(self.numbers)
        return pages

    def sign_in(self) -> Response | None:
        """Basic authentication by account sid and token; None lets the request through."""
        given = request.authorization
        account_sid = (request.view_args or {}).get("account_sid", "")
        known = self.books.token_of(account_sid)
        if given is None or known is None or given.username != account_sid or not _same(given.password, known):
            return refusal(401, 20003, "The account or its token is not known")
        return None

    def account(self, account_sid: str) -> Response:
        return jsonify(_account(account_sid))

    def send(self, account_sid: str) -> Response:
        try:
            message = self.carrier.accept(account_sid, request.form)
        except MessageRefused as error:
            return refusal(error.status, error.code, str(error))
        created = jsonify(_message(message))
        created.status_code = 201
        return created

    def listed(self, account_sid: str) -> Response:
        rows = _matching(self.books, account_sid)
        size = min(1000, max(1, request.args.get("PageSize", 50, type=int)))
        page = max(0, request.args.get("Page", 0, type=int))
        return jsonify(_page(rows, size, page, "messages", [_message(row) for row in rows[page * size :][:size]]))

    def one(self, account_sid: str, sid: str) -> Response:
        row = self.books.one("SELECT * FROM messages WHERE sid = ? AND account_sid = ?", sid, account_sid)
        if row is None:
            return refusal(404, 20404, f"There is nothing at {request.path}")
        return jsonify(_message(row))

    def numbers(self, account_sid: str) -> Response:
        rows = self.books.all("SELECT * FROM numbers WHERE account_sid = ? ORDER BY number", account_sid)
        if wanted := request.args.get("PhoneNumber"):
            rows = [row for row in rows if row["number"] == e164(wanted)]
        return jsonify(_page(rows, 50, 0, "incoming_phone_numbers", [_number(row) for row in rows[:50]]))


def refusal(status: int, code: int, message: str) -> Response:
    """An error in Twilio's shape."""
    about = f"https://www.twilio.com/docs/errors/{code}"
    answer = jsonify({"code": code, "message": message, "more_info": about, "status": status})
    answer.status_code = status
    return answer


def _same(given: str | None, known: str) -> bool:
    return hmac.compare_digest((given or "").encode(), known.encode())


def _matching(books: Books, account_sid: str) -> list[Row]:
    """Texts of the account, newest first, by the filters To, From, DateSent, DateSent< and DateSent>."""
    rows = books.all("SELECT * FROM messages WHERE account_sid = ? AND channel = 'sms' ORDER BY id DESC", account_sid)
    for name, column in (("To", "recipient"), ("From", "sender")):
        if wanted := request.args.get(name):
            rows = [row for row in rows if row[column] == (e164(wanted) or wanted)]
    return [row for row in rows if _sent_fits(row)]


def _sent_fits(row: Row) -> bool:
    sent = datetime.fromisoformat(row["sent"] or row["created"])
    exact, before, after = (request.args.get(name) for name in ("DateSent", "DateSent<", "DateSent>"))
    if exact and sent.date().isoformat() != exact[:10]:
        return False
    if before and sent > _moment(before, end=True):
        return False
    return not (after and sent < _moment(after, end=False))


def _moment(text: str, *, end: bool) -> datetime:
    """A filter's instant, UTC; a bare day reaches to its end when it bounds from above."""
    if len(text) == len("2024-06-10"):
        text += "T23:59:59.999" if end else "T00:00:00"
    return datetime.fromisoformat(text.removesuffix("Z") + "+00:00")


def _page(rows: list[Row], size: int, page: int, name: str, shown: list[dict[str, Any]]) -> dict[str, Any]:
    base = request.path

    def at(number: int) -> str:
        filters = "".join(f"&{key}={value}" for key, value in request.args.items() if key not in ("Page", "PageSize"))
        return f"{base}?PageSize={size}&Page={number}{filters.replace('+', '%2B')}"

    return {
        name: shown,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(0, len(shown) - 1),
        "uri": at(page),
        "first_page_uri": at(0),
        "previous_page_uri": at(page - 1) if page else None,
        "next_page_uri": at(page + 1) if len(rows) > (page + 1) * size else None,
    }


def _message(row: Row) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{row['account_sid']}/Messages/{row['sid']}"
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "messaging_service_sid": row["service_sid"] or None,
        "from": row["sender"],
        "to": row["recipient"],
        "body": row["body"],
        "status": row["status"],
        "direction": row["direction"],
        "num_segments": str(segments(row["body"])),
        "num_media": "0",
        "error_code": row["error_code"],
        "error_message": f"Error {row['error_code']}" if row["error_code"] else None,
        "price": None,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "date_created": _rfc2822(row["created"]),
        "date_updated": _rfc2822(row["updated"]),
        "date_sent": _rfc2822(row["sent"]) if row["sent"] else None,
        "uri": uri + ".json",
        "subresource_uris": {"media": uri + "/Media.json"},
    }


def _rfc2822(stamp: str) -> str:
    return format_datetime(datetime.fromisoformat(stamp))


def _account(sid: str) -> dict[str, Any]:
    return {
        "sid": sid,
        "owner_account_sid": sid,
        "friendly_name": "Sandbox",
        "status": "active",
        "type": "Full",
        "date_created": None,
        "date_updated": None,
        "uri": f"/2010-04-01/Accounts/{sid}.json",
        "subresource_uris": {"messages": f"/2010-04-01/Accounts/{sid}/Messages.json"},
    }


def _number(row: Row) -> dict[str, Any]:
    return {
        "sid": row["sid"],
        "account_sid": row["account_sid"],
        "phone_number": row["number"],
        "friendly_name": pretty_number(row["number"]),
        "sms_url": row["inbound_url"],
        "capabilities": {"sms": True, "mms": True, "voice": False},
    }
