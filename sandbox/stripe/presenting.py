"""What happens at the device: a card is presented, cancel is pressed, the plug is pulled. Events tell the practice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.stripe import intents, reader_cards, reader_setups, readers
from sandbox.stripe.books import Books, Scope
from sandbox.stripe.reader_troubles import strikes
from sandbox.stripe.wire import JSON, ApiError, invalid, public

HELD_SECONDS = 30


def begin(scope: Scope, identifier: str, number: str, how: str, wallet: str | None) -> float | None:
    """Seconds the bank will take to answer this card, when it is slow; the reader is processing until `present`."""
    reader_cards.check(number, how, wallet)
    reader = scope.need("terminal.reader", identifier)
    wish = strikes(scope, reader, "slow") if reader["_screen"] == "waiting" else None
    if wish is None:
        return None
    scope.save({**reader, "_screen": "processing"})
    return float(wish["seconds"])


def present(scope: Scope, identifier: str, number: str, how: str = "insert", wallet: str | None = None) -> JSON:
    """Tap, insert or swipe a test card (or tap a phone) at a reader that waits for one; the reader afterwards."""
    reader = scope.need("terminal.reader", identifier)
    if reader["status"] != "online" or reader["_screen"] not in ("waiting", "processing"):
        raise invalid("This reader is not waiting for a card.")
    action = reader["action"]
    body = action[action["type"]]
    method = reader_cards.read(scope, reader, number, how, wallet, body["_redisplay"])
    if strikes(scope, reader, "dies_before"):
        reader["_screen"] = "dead"
        return scope.save(reader)
    if action["type"] == "collect_payment_method":
        _hold(scope, reader, body, method)
    elif action["type"] == "process_setup_intent":
        _answer(scope, reader, lambda: reader_setups.save(scope, body, method))
    else:
        charge(scope, reader, body["payment_intent"], method)
    return reader


def charge(scope: Scope, reader: JSON, intent: str, method: JSON) -> None:
    """Ask the bank for the intent's amount and end the action."""
    _answer(scope, reader, lambda: _ask_bank(scope, scope.need("payment_intent", intent), method))


def _ask_bank(scope: Scope, intent: JSON, method: JSON) -> ApiError | None:
    """The refusal, or None. A decline gives the intent back to be processed again."""
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        return _not_open(intent)
    reader_cards.settle_behaviour(scope, method, intent["amount"])
    try:
        intents.charge_with(scope, intent, method)
    except ApiError as error:
        return error
    return None


def _not_open(intent: JSON) -> ApiError:
    return intents.unexpected(intent, f"This PaymentIntent is {intent['status']} and takes no card.")


def _answer(scope: Scope, reader: JSON, ask: Callable[[], ApiError | None]) -> None:
    """Ask, and end the action as the answer (or the trouble on the way) says."""
    lost = {"failure_code": "connection_error", "failure_message": "The reader lost its connection."}
    cut = strikes(scope, reader, "connection_lost_before")
    error = None if cut else ask()
    if strikes(scope, reader, "dies_after"):
        reader["_screen"] = "dead"
        scope.save(reader)
    elif cut or strikes(scope, reader, "connection_lost_after"):
        _end(scope, reader, "failed", **lost)
    elif error is None:
        _end(scope, reader, "approved")
    else:
        said = error.error
        _end(scope, reader, "declined", failure_code=said["code"], failure_message=said["message"], api_error=said)


def _end(scope: Scope, reader: JSON, screen: str, **failure: Any) -> None:
    status = "failed" if failure else "succeeded"
    reader["action"].update(status=status, **failure)
    reader.update(_screen=screen, _cancelable=False)
    scope.save(reader)
    scope.emit(f"terminal.reader.action_{status}", readers.seen(scope, reader))


def _hold(scope: Scope, reader: JSON, body: JSON, method: JSON) -> None:
    """The card is read, nothing is charged; the practice may look at it and has 30 seconds (business time)."""
    intent = scope.need("payment_intent", body["payment_intent"])
    if intent["status"] != "requires_payment_method":
        _answer(scope, reader, lambda: _not_open(intent))
        return
    scope.save({**intent, "payment_method": method["id"], "status": "requires_confirmation"})
    body["payment_method"] = public(method)
    reader["action"]["status"] = "succeeded"
    reader.update(_screen="held", _cancelable=False, _held_until=scope.now + HELD_SECONDS)
    scope.save(reader)
    scope.emit("terminal.reader.action_updated", readers.seen(scope, reader))


def release(scope: Scope, reader: JSON) -> None:
    """Let go of a collected card that was not charged: its intent waits for a card again. The caller saves."""
    if not reader["_held_until"]:
        return
    reader["_held_until"] = None
    intent = scope.need("payment_intent", reader["action"]["collect_payment_method"]["payment_intent"])
    if intent["status"] == "requires_confirmation":
        scope.save({**intent, "status": "requires_payment_method", "payment_method": None})


def release_due(books: Books) -> None:
    """The same for every card whose 30 seconds are over."""
    sql = (
        "SELECT account, id FROM objects WHERE object = 'terminal.reader' AND json_extract(body, '$._held_until') <= ?"
    )
    for row in books.store.all(sql, books.now()):
        scope = books.scope(row["account"])
        with scope.transaction():
            reader = scope.need("terminal.reader", row["id"])
            if (reader["_held_until"] or scope.now + 1) <= scope.now:
                release(scope, reader)
                scope.save({**reader, "_screen": "idle"})


def press_cancel(scope: Scope, identifier: str) -> JSON:
    """The customer presses cancel; only a reader that was told to show the button has one."""
    reader = scope.need("terminal.reader", identifier)
    if reader["status"] != "online" or reader["_screen"] != "waiting" or not reader["_cancelable"]:
        raise invalid("This reader shows no cancel button now.")
    said = "The customer canceled the action on the reader."
    _end(scope, reader, "canceled", failure_code="customer_canceled", failure_message=said)
    return reader


def plug(scope: Scope, identifier: str, *, power: bool) -> JSON:
    """Pull or put in the plug. What the reader was doing is forgotten by it, and its action never ends."""
    reader = scope.need("terminal.reader", identifier)
    if not power:
        release(scope, reader)
        busy = (reader["action"] or {}).get("status") == "in_progress"
        reader.update(last_seen_at=readers.milliseconds(scope), _screen="dead" if busy else "idle", _cancelable=False)
    reader["status"] = "online" if power else "offline"
    return scope.save(reader)
