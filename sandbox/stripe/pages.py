"""The control page, GET /: what is in the books, and forms that break things. Also one page per object."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.common.faults import KINDS, Fault, Faults
from sandbox.stripe import accounts, disputes, refunds
from sandbox.stripe.control import TROUBLES, Control
from sandbox.stripe.dispute_control import DisputeControl
from sandbox.stripe.reader_troubles import WORDS as READER_WORDS
from sandbox.stripe.wire import JSON, ApiError, public

SHOWN = 25
SHOWN_KINDS = ("payment_intent", "charge", "refund", "dispute", "payment_method", "event")
# What a visitor may spoil, in words; a shell pattern of "METHOD /path" for the fault, a path pattern for the trouble.
PLACES = {
    "Confirming a charge": "POST /v1/payment_intents/*/confirm",
    "Creating an intent": "POST /v1/payment_intents",
    "Reading an intent": "GET /v1/payment_intents/*",
    "Refunding": "POST /v1/refunds",
    "Opening a card page": "POST /v1/checkout/sessions",
    "Sending to a reader": "POST /v1/terminal/readers/*/*",
    "Everything in the API": "* /v1/*",
}
FAULT_WORDS = {
    "drop_before": "lost on the way there",
    "drop_after": "done, but the answer is lost",
    "error_before": "error 500, not done",
    "error_after": "error 500, yet done",
    "throttle": "too many requests (429)",
    "slow": "slow",
    "slow_after": "done at once, answered late",
    "conflict": "the same request is under way (409)",
    "hold": "slow, its key in use meanwhile",
    "broken_before": "error 500 that is repeated, not done",
    "broken_after": "error 500 that is repeated, yet done",
}
WEBHOOK_WORDS = {
    "lose": "webhook lost",
    "duplicate": "webhook sent twice",
    "late": "webhook late",
    "reorder": "webhook overtaken by later ones",
}
BEHAVIOURS = {
    "ok": "works",
    "decline:insufficient_funds": "insufficient funds",
    "decline:do_not_honor": "do not honor",
    "decline:lost_card": "lost card",
    "decline:expired_card": "expired card",
    "decline:processing_error": "processing error",
    "decline:generic_decline:do_not_try_again": "do not try again",
    "decline:generic_decline:try_again_later": "try again later",
    "block": "blocked by Stripe",
    "authenticate": "bank wants to ask",
    "processing": "decided later",
}


class Pages:
    def __init__(self, control: Control, faults: Faults) -> None:
        self.control = control
        self.books = control.books
        self.faults = faults
        self.actions: dict[str, Callable[[JSON], Any]] = {
            "spoil": self.spoil,
            "calm": self.calm,
            "cards": control.cards,
            "expire": control.expire_card,
            "deliveries": control.webhook_faults,
            "resend": control.resend,
            "next-refund": control.next_refunds,
            "finish-intent": control.finish_intent,
            "finish-refund": control.finish_refund,
            "open-dispute": DisputeControl(control).open,
            "finish-dispute": DisputeControl(control).finish,
        }

    def spoil(self, wish: JSON) -> None:
        """A fault of the connection, or a trouble inside; both for the next `times` requests."""
        times, seconds = int(wish.get("times") or 1), float(wish.get("seconds") or 0)
        if wish["kind"] in TROUBLES:
            self.control.troubles({"kind": wish["kind"], "match": wish["match"], "times": times, "seconds": seconds})
        elif wish["kind"] in KINDS:
            self.faults.rules.append(Fault(wish["match"], wish["kind"], times, seconds))

    def calm(self, _wish: JSON) -> None:
        self.faults.rules.clear()
        self.control.forget_wishes({})

    def home(self) -> str:
        rows = {kind: self.latest(kind) for kind in SHOWN_KINDS}
        store = self.books.store
        return render_template(
            "control.html",
            now=datetime.fromtimestamp(self.books.now(), UTC),
            counts=store.all("SELECT object, count(*) AS n FROM objects GROUP BY object ORDER BY object"),
            accounts=self._accounts(),
            active=[rule for rule in self.faults.rules if rule.hits < rule.times],
            wishes=store.all("SELECT * FROM wishes WHERE left > 0"),
            said=request.args.get("said", ""),
            undelivered=store.all("SELECT * FROM deliveries WHERE status <> 'delivered' ORDER BY id DESC LIMIT 10"),
            places=PLACES,
            kinds={kind: FAULT_WORDS[kind] for kind in (*KINDS, *TROUBLES)},
            behaviours=BEHAVIOURS,
            webhook_words=WEBHOOK_WORDS,
            reader_words={f"reader_{kind}": f"reader {words}" for kind, words in READER_WORDS.items()},
            refund_statuses=refunds.STATUSES,
            dispute_reasons=disputes.REASONS,
            dispute_steps=disputes.AFTER,
            **{f"{kind}s": found for kind, found in rows.items()},
        )

    def _accounts(self) -> list[JSON]:
        sql = "SELECT a.*, k.secret, k.state FROM accounts a LEFT JOIN keys k ON k.account = a.id ORDER BY a.rowid"
        rows = [dict(row) for row in self.books.store.all(f"{sql} LIMIT ?", SHOWN)]
        for row in rows:
            row["key"] = f"{row['secret'][:8]}…{row['secret'][-4:]}" if row["secret"] else "through Connect"
        return rows

    def latest(self, kind: str) -> list[JSON]:
        sql = "SELECT body FROM objects WHERE object = ? ORDER BY seq DESC LIMIT ?"
        return [json.loads(row["body"]) for row in self.books.store.all(sql, kind, SHOWN)]

    def one(self, identifier: str) -> str | tuple[str, int]:
        scope = self.books.owner(identifier)
        if scope is None:
            return render_template("closed.html", what="missing"), 404
        item = scope.find(identifier) or {}
        return render_template(
            "object.html",
            item=item,
            practice=accounts.name_of(self.books, scope.account),
            text=json.dumps(public(item), indent=2),
            deliveries=self.control.deliveries(identifier) if item.get("object") == "event" else [],
        )

    def act(self, action: str) -> Response:
        wish: JSON = {name: value for name, value in request.form.items() if value != ""}
        try:
            self.actions[action](wish)
            said = "Done."
        except (ApiError, ValueError) as error:
            said = f"Not done: {error}"
        except KeyError as error:
            said = f"Not done: {error.args[0]} is missing."
        return redirect(f"/?{urlencode({'said': said})}", 303)


def moment(at: int) -> str:
    """Business time for people, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%b %-d, %H:%M:%S")


def add_routes(app: Flask, control: Control, faults: Faults) -> None:
    pages = Pages(control, faults)
    app.jinja_env.filters["moment"] = moment
    app.add_url_rule("/", "home", pages.home)
    app.add_url_rule("/o/<identifier>", "object", pages.one)
    app.add_url_rule("/act/<action>", "act", pages.act, methods=["POST"])
