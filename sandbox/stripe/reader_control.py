"""What the control API and the reader pages can do at the devices. Every method takes and gives plain JSON."""

from __future__ import annotations

import time

from sandbox.stripe import accounts, presenting, reader_troubles, readers
from sandbox.stripe.books import Books, Scope
from sandbox.stripe.wire import JSON, ApiError

VISA = "4242424242424242"


class ReaderControl:
    def __init__(self, books: Books) -> None:
        self.books = books

    def unpack(self, wish: JSON) -> JSON:
        """A new device with a pairing code: `model` countertop or portable."""
        return readers.unpack(self.books, wish.get("model", "countertop"))

    def devices(self) -> list[JSON]:
        """The devices that show a pairing code, the newest first."""
        return readers.unregistered(self.books)

    def readers(self) -> list[JSON]:
        """All readers of all accounts, the newest first."""
        found = [self.shown(self.books.scope(account), item) for account, item in self.books.every("terminal.reader")]
        return found[::-1]

    def reader(self, identifier: str) -> JSON:
        scope = self._scope(identifier)
        return self.shown(scope, scope.need("terminal.reader", identifier))

    def shown(self, scope: Scope, reader: JSON) -> JSON:
        """What somebody who stands before the reader knows, and what the practice has told it."""
        action = reader["action"] or {}
        told = action.get(action.get("type")) or {}
        return {
            **{name: reader[name] for name in ("id", "label", "device_type", "serial_number", "location", "status")},
            "account": scope.account, "practice": accounts.name_of(self.books, scope.account),
            "screen": reader["_screen"], "cancel_button": reader["_cancelable"] and reader["_screen"] == "waiting",
            "action": action.get("type"), "action_status": action.get("status"),
            "failure_code": action.get("failure_code"),
            "payment_intent": told.get("payment_intent"), "setup_intent": told.get("setup_intent"),
            "amount": self._amount(scope, told), "cart": told.get("cart"),
            "faults": [{"kind": kind, "times": times} for kind, times in reader_troubles.waiting(scope, reader["id"])],
            "page": f"{self.books.host}/readers/{reader['id']}",
        }  # fmt: skip

    def _amount(self, scope: Scope, told: JSON) -> int | None:
        """Cents on the reader's screen."""
        intent = scope.find(told.get("payment_intent") or "")
        return intent["amount"] if intent else None

    def trouble(self, wish: JSON) -> JSON:
        """`kind` befalls `reader` (an id, or * for any) the next `times` times; `seconds` for slow."""
        kind, match = reader_troubles.kind_of(wish["kind"]), wish.get("reader", "*")
        self.books.wish(kind, match, int(wish.get("times", 1)), float(wish.get("seconds", 0)))
        return {"ok": True, "kind": wish["kind"], "reader": match}

    def calm(self, identifier: str) -> None:
        """Forget what lies ahead of this one reader."""
        self.books.store.run("DELETE FROM wishes WHERE kind GLOB 'reader_*' AND match = ?", identifier)

    def present(self, wish: JSON) -> JSON:
        """A card or a phone: `number`, `how` tap, insert or swipe, `wallet` apple_pay or google_pay.

        A bank that is slow by 0 seconds answers when the card is presented once more.
        """
        scope = self._scope(wish["id"])
        number, wallet = wish.get("number", VISA), wish.get("wallet")
        how = wish.get("how", "tap" if wallet else "insert")
        with scope.transaction():
            seconds = presenting.begin(scope, wish["id"], number, how, wallet)
        if seconds == 0:
            return self.reader(wish["id"])
        time.sleep(seconds or 0)
        with scope.transaction():
            presenting.present(scope, wish["id"], number, how, wallet)
        return self.reader(wish["id"])

    def cancel(self, wish: JSON) -> JSON:
        scope = self._scope(wish["id"])
        with scope.transaction():
            presenting.press_cancel(scope, wish["id"])
        return self.reader(wish["id"])

    def plug(self, wish: JSON) -> JSON:
        """`power` false pulls the plug, true puts it in again."""
        scope = self._scope(wish["id"])
        with scope.transaction():
            presenting.plug(scope, wish["id"], power=bool(wish["power"]))
        return self.reader(wish["id"])

    def _scope(self, identifier: str) -> Scope:
        scope = self.books.owner(identifier)
        if scope is None:
            raise ApiError(404, f"There is no reader '{identifier}'.", code="resource_missing")
        return scope
