"""Card readers: /v1/terminal/readers, and the unregistered devices whose pairing codes make one."""

from __future__ import annotations

import secrets
import uuid

from sandbox.stripe.books import Books, Scope
from sandbox.stripe.locations import remembered, retire
from sandbox.stripe.spec import change, merged
from sandbox.stripe.wire import JSON, invalid

MODELS = {"countertop": "bbpos_wisepos_e", "portable": "stripe_s700"}
SIMULATED = {"simulated-wpe": "simulated_wisepos_e", "simulated-s700": "simulated_stripe_s700"}
NAMES = {
    "bbpos_wisepos_e": "WisePOS E, countertop",
    "stripe_s700": "S700, portable",
    "simulated_wisepos_e": "simulated WisePOS E, countertop",
    "simulated_stripe_s700": "simulated S700, portable",
}
# The owner of devices that belong to no account yet.
NOBODY = "unregistered"
_WORDS = (
    "amber", "birch", "cedar", "coral", "delta", "ember", "fern", "hazel", "indigo", "ivory", "jade", "lemon", "maple",
    "meadow", "olive", "opal", "pearl", "river", "sage", "silver", "summer", "tulip", "velvet", "willow",
)  # fmt: skip


def unpack(books: Books, model: str) -> JSON:
    """Take a new device out of its box: it shows a pairing code until it is registered."""
    if model not in MODELS:
        raise invalid(f"model must be one of {', '.join(MODELS)}", param="model")
    serial = f"{'WSC51' if model == 'countertop' else 'STR70'}{secrets.randbelow(10**10):010d}"
    return _show_code(books, MODELS[model], serial)


def _show_code(books: Books, device_type: str, serial: str) -> JSON:
    code = "-".join(secrets.SystemRandom().sample(_WORDS, 3))
    with books.store.transaction():
        return books.scope(NOBODY).new("device", registration_code=code, device_type=device_type, serial_number=serial)


def unregistered(books: Books) -> list[JSON]:
    return books.scope(NOBODY).where("device")


def register(scope: Scope, params: JSON) -> JSON:
    code = params["registration_code"].strip().lower()
    if params.get("location"):
        scope.need("terminal.location", params["location"], "location")
    device_type, serial = _claim(scope, code)
    return scope.new(
        "terminal.reader",
        action=None,
        device_sw_version="" if code in SIMULATED else "2.44.1.0",
        device_type=device_type,
        ip_address="192.0.2.17",
        label=params.get("label") or code,
        last_seen_at=milliseconds(scope),
        location=params.get("location"),
        metadata=merged({}, params.get("metadata")),
        serial_number=serial,
        status="online",
        _screen="idle",
        _cancelable=False,
        _held_until=None,
    )


def _claim(scope: Scope, code: str) -> tuple[str, str]:
    """(device type, serial number) behind a pairing code; a device's code is used up."""
    if code in SIMULATED:
        return SIMULATED[code], f"{code}-{uuid.uuid4()}"
    found = scope.books.scope(NOBODY).where("device", registration_code=code)
    if not found:
        raise invalid(
            "The registration code is not valid. Make a new one on the reader and send it.", param="registration_code"
        )
    scope.books.store.run("DELETE FROM objects WHERE id = ?", found[0]["id"])
    return found[0]["device_type"], found[0]["serial_number"]


def milliseconds(scope: Scope) -> int:
    """Business time as the readers' last_seen_at has it."""
    return int(scope.books.clock.now().timestamp() * 1000)


def seen(scope: Scope, reader: JSON) -> JSON:
    """The reader as an answer shows it: one with power has reported just now."""
    return {**reader, "last_seen_at": milliseconds(scope)} if reader.get("status") == "online" else reader


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    """A deleted reader is still found, as id and `deleted`."""
    return seen(scope, remembered(scope, "terminal.reader", identifier))


def page(scope: Scope, params: JSON) -> JSON:
    wanted = {name: params.get(name) for name in ("device_type", "location", "serial_number", "status")}
    found = scope.page("terminal.reader", "/v1/terminal/readers", params, **wanted)
    return {**found, "data": [seen(scope, reader) for reader in found["data"]]}


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    reader = scope.need("terminal.reader", identifier)
    change(reader, params, ("label",))
    reader["label"] = reader["label"] or reader["serial_number"]
    return seen(scope, scope.save(reader))


def delete(scope: Scope, params: JSON, identifier: str) -> JSON:
    """A device that was deleted shows a new pairing code and can be registered again."""
    reader = scope.need("terminal.reader", identifier)
    if reader["device_type"] in MODELS.values():
        _show_code(scope.books, reader["device_type"], reader["serial_number"])
    return retire(scope, reader)
