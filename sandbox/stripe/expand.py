"""The `expand` parameter: ids in an answer replaced by the objects they name, as deep as four levels."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.books import Scope, listing
from sandbox.stripe.wire import JSON, invalid, public

FIELDS = {
    "balance_transaction", "charge", "customer", "default_payment_method", "failure_balance_transaction",
    "generated_card", "latest_attempt", "latest_charge", "line_items", "location", "payment_intent", "payment_method",
    "refunds", "setup_intent", "source",
}  # fmt: skip

# Names that can be expanded in this object only (or below this path).
ONLY_OF = {"location": "terminal.reader", "generated_card": "latest_attempt"}

# Lists that are left out of an object unless asked for.
ON_REQUEST = {"refunds": "charge", "line_items": "checkout.session"}


def render(scope: Scope, item: JSON, paths: list[str]) -> JSON:
    """The answer as the caller sees it: own fields dropped, the named paths expanded."""
    shown: JSON = dict(item)
    for path in sorted(paths):
        parts = path.split(".")
        if len(parts) > 4:
            raise invalid("You cannot expand more than 4 levels.", param="expand")
        _expand(scope, shown, parts, path)
    result: JSON = public(shown)
    return result


def _expand(scope: Scope, item: Any, parts: list[str], path: str) -> None:
    head, rest = parts[0], parts[1:]
    if isinstance(item, dict) and item.get("object") == "list" and head == "data" and rest:
        for place, row in enumerate(item["data"]):
            item["data"][place] = dict(row)
            _expand(scope, item["data"][place], rest, path)
        return
    if not isinstance(item, dict) or (head not in item and ON_REQUEST.get(head) != item.get("object")):
        raise _unknown(path)
    if rest and isinstance(item.get(head), dict) and "object" not in item[head]:
        item[head] = dict(item[head])
    else:
        _fetch(scope, item, head, path)
    if rest and item[head] is not None:
        _expand(scope, item[head], rest, path)


def _fetch(scope: Scope, item: JSON, name: str, path: str) -> None:
    if name not in FIELDS or (name in ONLY_OF and not _belongs(item, name, path)):
        raise _unknown(path)
    value = item.get(name)
    if isinstance(value, str):
        item[name] = scope.find(value)
    elif name == "refunds" and item["object"] == "charge":
        item[name] = listing(scope.where("refund", charge=item["id"]), f"/v1/charges/{item['id']}/refunds")
    elif name == "line_items" and item["object"] == "checkout.session":
        item[name] = listing(item["_lines"], f"/v1/checkout/sessions/{item['id']}/line_items")


def _belongs(item: JSON, name: str, path: str) -> bool:
    """A charge's generated card and its reader's location are plain ids there and cannot be expanded."""
    return ONLY_OF[name] in (item.get("object"), path.split(".")[0])


def _unknown(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", code="parameter_unknown", param="expand")
