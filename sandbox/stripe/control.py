"""What the control API and page can do: look into the books, change how cards and deliveries behave, reset."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from sandbox.stripe import accounts, customers, events, intents, methods, queue, refunds, sessions, setups
from sandbox.stripe.books import Books, Scope
from sandbox.stripe.cards import CARDS, check_behaviour
from sandbox.stripe.wire import JSON, ApiError, invalid, public

TROUBLES = ("hold", "broken_before", "broken_after")
_ID = re.compile(r"/(acct|ch|cs|cus|du|evt|pi|pm|po|re|seti|tml|tmr|txn|we)_\w+")


class Control:
    """What the control routes and the control page do. Every method takes and gives plain JSON."""

    def __init__(self, books: Books, restart: Callable[[], None]) -> None:
        self.books = books
        self.restart = restart

    def owner(self, wish: JSON) -> Scope:
        """The account named by `account_key` (a secret key, opened when new) or `account` (an id)."""
        if wish.get("account"):
            return self.books.scope(wish["account"])
        if not wish.get("account_key"):
            raise invalid("Send account_key (a test secret key) or account.", param="account_key")
        return self.books.scope(accounts.register(self.books, wish["account_key"], wish.get("name")))

    def holder(self, identifier: str) -> Scope:
        scope = self.books.owner(identifier)
        if scope is None:
            raise ApiError(404, f"Nobody has '{identifier}'.", code="resource_missing")
        return scope

    def reset(self, _wish: JSON) -> JSON:
        self.books.store.wipe()
        self.restart()
        return {"ok": True}

    def account(self, wish: JSON) -> JSON:
        """Open an account or name its practice; the key's state may be active, revoked or restricted."""
        scope = self.owner(wish)
        if wish.get("state"):
            self.books.store.run("UPDATE keys SET state = ? WHERE secret = ?", wish["state"], wish["account_key"])
        return {"account": scope.account, "name": accounts.name_of(self.books, scope.account)}

    def webhooks(self, wish: JSON) -> JSON:
        """Register (or re-register) an endpoint with a secret of the caller's choice."""
        scope = self.owner(wish)
        for endpoint in scope.where("webhook_endpoint", url=wish["url"]):
            events.delete_endpoint(scope, {}, endpoint["id"])
        fields: JSON = {name: wish[name] for name in ("url", "api_version", "connect") if name in wish}
        fields["enabled_events"] = wish.get("enabled_events", ["*"])
        endpoint = events.add_endpoint(scope, fields, wish["secret"])
        return {"id": endpoint["id"], "url": endpoint["url"], "account": scope.account}

    def webhook_faults(self, wish: JSON) -> JSON:
        if wish.get("kind") not in queue.FAULTS:
            raise invalid(f"kind must be one of {', '.join(queue.FAULTS)}", param="kind")
        return self._wish(wish["kind"], wish.get("type", "*"), wish)

    def troubles(self, wish: JSON) -> JSON:
        """hold: the work waits `seconds` with its key in use; broken_*: a 500 that is saved and replayed."""
        if wish.get("kind") not in TROUBLES:
            raise invalid(f"kind must be one of {', '.join(TROUBLES)}", param="kind")
        return self._wish(wish["kind"], wish.get("match", "*"), wish)

    def next_refunds(self, wish: JSON) -> JSON:
        if wish.get("status") not in refunds.STATUSES:
            raise invalid(f"status must be one of {', '.join(refunds.STATUSES)}", param="status")
        return self._wish("refund", wish.get("charge", "*"), wish, wish["status"])

    def _wish(self, kind: str, match: str, wish: JSON, detail: str = "") -> JSON:
        self.books.wish(kind, match, int(wish.get("times", 1)), float(wish.get("seconds", 0)), detail)
        return {"ok": True, "kind": kind, "match": match}

    def forget_wishes(self, _wish: JSON) -> JSON:
        self.books.store.run("DELETE FROM wishes")
        return {"ok": True}

    def cards(self, wish: JSON) -> JSON:
        """From now on (or for the next `times` charges) the saved card behaves like this."""
        behaviour = check_behaviour(wish["behaviour"])
        scope = self.holder(wish["payment_method"])
        method = scope.need("payment_method", wish["payment_method"])
        times = int(wish.get("times") or 0)
        if times:
            method["_wish"] = {"behaviour": behaviour, "times": times}
        else:
            method.update(_later=behaviour, _wish=None)
        scope.save(method)
        return {"payment_method": method["id"], "behaviour": behaviour, "times": times or None}

    def expire_card(self, wish: JSON) -> JSON:
        """The date on the card is over: last month, or the month given."""
        scope = self.holder(wish["payment_method"])
        method = scope.need("payment_method", wish["payment_method"])
        today = self.books.clock.now()
        month = (today.year * 12 + today.month - 2) if "exp_year" not in wish else None
        before = dict(method["card"])
        method["card"]["exp_year"] = wish["exp_year"] if month is None else month // 12
        method["card"]["exp_month"] = wish["exp_month"] if month is None else month % 12 + 1
        scope.save(method)
        if wish.get("announce"):
            scope.emit("payment_method.automatically_updated", method, {"card": before})
        return {"payment_method": method["id"], "card": method["card"]}

    def save_card(self, wish: JSON) -> JSON:
        """What the hosted page does, in one call: a succeeded setup intent and its attached card."""
        scope = self.owner(wish)
        number = re.sub(r"\D", "", wish["number"])
        if number not in CARDS:
            raise invalid("Only the test numbers are taken here.", param="number")
        with scope.transaction():
            customers.need(scope, wish["customer"], "customer")
            month, year = int(wish.get("exp_month", 12)), int(wish.get("exp_year", 2040))
            method = methods.make(scope, number, month, year, wish.get("cardholder"))
            setup = setups.open_setup(scope, {"customer": wish["customer"]})
            setups.save_card(scope, setup, method)
        return {"payment_method": method["id"], "setup_intent": setup["id"], "card": method["card"]}

    def finish_intent(self, wish: JSON) -> JSON:
        scope = self.holder(wish["id"])
        with scope.transaction():
            intent = intents.finish(scope, wish["id"], wish.get("outcome", "succeeded"))
            sessions.finished(scope, intent)
        found: JSON = public(intent)
        return found

    def finish_refund(self, wish: JSON) -> JSON:
        scope = self.holder(wish["id"])
        with scope.transaction():
            refund = scope.need("refund", wish["id"])
            refunds.settle(scope, refund, wish.get("status", "succeeded"), wish.get("failure_reason"))
        found: JSON = public(refund)
        return found

    def resend(self, wish: JSON) -> JSON:
        return {"deliveries": queue.resend(self.books.store, wish.get("event"))}

    def state(self) -> JSON:
        """All the money of all accounts, for an audit."""
        store = self.books.store
        counted = store.all("SELECT object, count(*) AS n FROM objects GROUP BY object ORDER BY object")
        asked: Counter[str] = Counter()
        for row in store.all("SELECT method, path, count(*) AS n FROM requests GROUP BY method, path"):
            asked[f"{row['method']} {_ID.sub('/:id', row['path'])}"] += row["n"]
        sent = store.all("SELECT status, count(*) AS n FROM deliveries GROUP BY status")
        return {
            "now": self.books.now(),
            "counts": {row["object"]: row["n"] for row in counted},
            "payment_intents": self._rows("payment_intent"),
            "charges": self._rows("charge"),
            "refunds": self._rows("refund"),
            "payouts": self._rows("payout"),
            "disputes": self._rows("dispute"),
            "requests": dict(sorted(asked.items())),
            "deliveries": {row["status"]: row["n"] for row in sent},
        }

    def _rows(self, kind: str) -> list[JSON]:
        kept = (
            "id", "created", "status", "amount", "amount_refunded", "captured", "customer", "payment_method",
            "payment_intent", "charge", "latest_charge", "balance_transaction", "description", "metadata", "reason",
            "arrival_date", "reconciliation_status",
        )  # fmt: skip
        rows = []
        for account, item in self.books.every(kind):
            row = {"account": account, **{name: item[name] for name in kept if name in item}}
            if kind == "charge":
                # The network counts tries per card and not per id, so audits need what makes two ids one card.
                details = item["payment_method_details"]
                row["fingerprint"] = details[details["type"]]["fingerprint"]
                row["failure_code"], row["reason"] = item["failure_code"], (item["outcome"] or {}).get("reason")
            if kind == "dispute":
                row["withdrawn"] = -sum(entry["amount"] for entry in item["balance_transactions"])
            rows.append(row)
        return rows

    def requests(self, path: str, key: str) -> list[JSON]:
        """The request log, oldest first; `path` may hold * and ?."""
        sql = "SELECT * FROM requests WHERE path GLOB ? AND coalesce(idempotency_key, '') GLOB ? ORDER BY id"
        return [dict(row) for row in self.books.store.all(sql, path or "*", key or "*")]

    def deliveries(self, event: str) -> list[JSON]:
        sql = "SELECT * FROM deliveries WHERE event GLOB ? ORDER BY id"
        rows = [dict(row) for row in self.books.store.all(sql, event or "*")]
        for row in rows:
            found = self.books.store.all("SELECT at, code, problem FROM tries WHERE delivery = ?", row["id"])
            row["log"] = [dict(one) for one in found]
        return rows
