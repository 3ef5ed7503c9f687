"""The inbox a person looks at: every phone and mailbox, the texts as bubbles, a box to reply."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from sandbox.common.store import Row
from sandbox.messaging.books import Books
from sandbox.messaging.carrier import Carrier
from sandbox.messaging.texts import e164, pieces, pretty_number

# The other side of a text, seen from the patient's phone.
PATIENT = "CASE direction WHEN 'inbound' THEN sender ELSE recipient END"


def inbox_pages(books: Books, carrier: Carrier) -> Blueprint:
    pages = Blueprint("inbox", __name__)

    @pages.context_processor
    def shared() -> dict[str, Any]:
        return {"now": books.clock.now(), "pretty": pretty_number, "pieces": pieces, "moment": datetime.fromisoformat}

    @pages.get("/")
    def inbox() -> str:
        return render_template("inbox.html", boxes=_boxes(books))

    @pages.get("/phone/<number>")
    def phone(number: str) -> str:
        own = e164(number) or abort(404)
        rows = books.all(f"SELECT * FROM messages WHERE channel = 'sms' AND {PATIENT} = ? ORDER BY id", own)
        return render_template(
            "phone.html", number=own, name=books.name_of(own), messages=rows, practices=_practices(books, rows)
        )

    @pages.post("/phone/<number>")
    def reply(number: str) -> Redirect:
        own = e164(number) or abort(404)
        practice = e164(request.form.get("to", "")) or abort(400, "no number to reply to")
        if body := request.form.get("body", "").strip():
            carrier.receive(own, practice, body)
        return redirect(url_for("inbox.phone", number=own), 303)

    @pages.get("/mail/<address>")
    def mail(address: str) -> str:
        own = address.lower()
        rows = books.all("SELECT * FROM messages WHERE channel = 'email' AND recipient = ? ORDER BY id DESC", own)
        return render_template("mail.html", address=own, name=books.name_of(own), messages=rows)

    @pages.get("/mail/<address>/<sid>/html")
    def rendered(address: str, sid: str) -> Response:
        """An e-mail's HTML, without scripts and without loading anything."""
        row = books.one("SELECT html FROM messages WHERE sid = ? AND recipient = ?", sid, address.lower()) or abort(404)
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
        return Response(row["html"], mimetype="text/html", headers={"Content-Security-Policy": policy})

    return pages


def _boxes(books: Books) -> list[dict[str, Any]]:
    """One line per phone or mailbox, the latest message first; known people without messages last."""
    latest = books.all(
        f"SELECT channel, {PATIENT} AS address, max(id) AS last_id, count(*) AS total FROM messages"
        " GROUP BY channel, address ORDER BY last_id DESC"
    )
    boxes = [
        {**dict(row), "name": books.name_of(row["address"]), "last": books.message(row["last_id"])} for row in latest
    ]
    seen = {row["address"] for row in latest}
    for person in books.all("SELECT * FROM people ORDER BY name, address"):
        if person["address"] not in seen:
            channel = "email" if "@" in person["address"] else "sms"
            boxes.append({"channel": channel, "address": person["address"], "name": person["name"], "total": 0})
    return boxes


def _practices(books: Books, rows: list[Row]) -> list[str]:
    """Numbers this phone can write to: those it had texts with, the latest first, then the registered ones."""
    spoken = [row["recipient"] if row["direction"] == "inbound" else row["sender"] for row in reversed(rows)]
    registered = [row["number"] for row in books.all("SELECT number FROM numbers ORDER BY number")]
    return list(dict.fromkeys(number for number in [*spoken, *registered] if number.startswith("+")))
