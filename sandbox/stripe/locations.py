"""Places where readers stand: /v1/terminal/locations."""

from __future__ import annotations

import json

from sandbox.stripe.books import Scope
from sandbox.stripe.spec import change, merged
from sandbox.stripe.wire import JSON, invalid

# What an address in the United States must have.
NEEDED = ("line1", "city", "state", "postal_code")


def create(scope: Scope, params: JSON) -> JSON:
    name, address = params.get("display_name"), params.get("address") or {}
    if not name:
        raise invalid("Missing required param: display_name.", code="parameter_missing", param="display_name")
    _check(address)
    return scope.new(
        "terminal.location",
        address={"line2": None, **address},
        display_name=name,
        metadata=merged({}, params.get("metadata")),
        phone=params.get("phone"),
    )


def _check(address: JSON) -> None:
    if address.get("country") not in (None, "US"):
        message = f"Readers cannot be used in {address['country']} with this account."
        raise invalid(message, code="terminal_location_country_unsupported", param="address[country]")
    for field in ("country", *NEEDED):
        if not address.get(field):
            path = f"address[{field}]"
            raise invalid(f"Missing required param: {path}.", code="parameter_missing", param=path)


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    """A deleted location is still found, as id and `deleted`."""
    return remembered(scope, "terminal.location", identifier)


def page(scope: Scope, params: JSON) -> JSON:
    return scope.page("terminal.location", "/v1/terminal/locations", params)


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    location = scope.need("terminal.location", identifier)
    address = {**location["address"], **(params.get("address") or {})}
    if address["country"] != location["address"]["country"]:
        raise invalid("The country of a location cannot change.", param="address[country]")
    _check(address)
    if "display_name" in params and not params["display_name"]:
        raise invalid("display_name must not be empty.", code="parameter_invalid_empty", param="display_name")
    change(location, params, ("display_name", "phone"))
    location["address"] = address
    return scope.save(location)


def delete(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Readers that stood there have no place from then on, and take no payment."""
    location = scope.need("terminal.location", identifier)
    for reader in scope.where("terminal.reader", location=identifier):
        scope.save({**reader, "location": None})
    return retire(scope, location)


def retire(scope: Scope, item: JSON) -> JSON:
    """Delete, but remember that it was there: it is in no list and takes part in nothing."""
    gone = {"id": item["id"], "object": item["object"], "deleted": True}
    scope.books.store.run(
        "UPDATE objects SET object = ?, body = ? WHERE id = ?",
        f"{item['object']}.deleted",
        json.dumps(gone),
        item["id"],
    )
    return gone


def remembered(scope: Scope, kind: str, identifier: str) -> JSON:
    """The object of this kind, or what is left of it after its deletion."""
    return scope.find(identifier, f"{kind}.deleted") or scope.need(kind, identifier)
