"""Saved cards: /v1/payment_methods. Numbers come in on the hosted page only; the API refuses them."""

from __future__ import annotations

from sandbox.stripe import customers
from sandbox.stripe.books import Scope
from sandbox.stripe.cards import CARDS, TOKENS, card_details
from sandbox.stripe.spec import change, merged
from sandbox.stripe.wire import JSON, ApiError, invalid


def make(
    scope: Scope, number: str, month: int, year: int, name: str | None = None, zip_code: str | None = None
) -> JSON:
    """A payment method for a test number, attached to nobody yet."""
    address = {"city": None, "country": "US", "line1": None, "line2": None, "postal_code": zip_code, "state": None}
    return scope.new(
        "payment_method",
        allow_redisplay="unspecified",
        billing_details={"address": address, "email": None, "name": name, "phone": None, "tax_id": None},
        card=card_details(scope.account, number, month, year),
        customer=None,
        metadata={},
        type="card",
        _later=CARDS[number].later,
        _saving=CARDS[number].saving,
        _wish=None,
    )


def from_token(scope: Scope, identifier: str) -> str:
    """`pm_card_visa` and its like become a fresh card; any other id stays what it is."""
    if identifier not in TOKENS:
        return identifier
    made: str = make(scope, TOKENS[identifier], 12, 2040)["id"]
    return made


def usable(scope: Scope, identifier: str, customer: str | None) -> JSON:
    """The card, if this customer may be charged with it: not detached, not somebody else's."""
    method = scope.need("payment_method", identifier, "payment_method")
    _not_of_a_reader(method)
    if method.get("_gone"):
        message = "That payment method was detached from its customer and can no longer be used."
        raise invalid(message, code="payment_method_unexpected_state", param="payment_method")
    if method["customer"] and method["customer"] != customer:
        message = "That payment method belongs to a customer; send the same customer with it."
        raise invalid(message, param="payment_method" if customer else "customer")
    return method


def _not_of_a_reader(method: JSON) -> None:
    if method["type"] != "card":
        message = "A card read by a reader cannot be used again; use the card generated from it."
        raise invalid(message, code="payment_method_unexpected_state", param="payment_method")


def attach_to(scope: Scope, method: JSON, customer: str) -> JSON:
    if method["customer"] == customer:
        return method
    if method["customer"] or method.get("_gone"):
        raise invalid("That payment method has already been attached to a customer.", param="payment_method")
    method["customer"] = customer
    scope.save(method)
    scope.emit("payment_method.attached", method)
    return method


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("payment_method", identifier)


def retrieve_of(scope: Scope, params: JSON, customer: str, identifier: str) -> JSON:
    customers.need(scope, customer)
    method = scope.need("payment_method", identifier)
    if method["customer"] != customer:
        raise ApiError(404, "That customer has no such payment method.", code="resource_missing")
    return method


def page(scope: Scope, params: JSON, customer: str | None = None) -> JSON:
    owner = customer or params.get("customer")
    if owner is None:
        raise invalid("Only the cards of one customer are listed here: send customer.", param="customer")
    customers.need(scope, owner, None if customer else "customer")
    url = f"/v1/customers/{customer}/payment_methods" if customer else "/v1/payment_methods"
    return scope.page("payment_method", url, params, customer=owner, type=params.get("type"))


def attach(scope: Scope, params: JSON, identifier: str) -> JSON:
    owner = customers.need(scope, params["customer"], "customer")
    method = scope.need("payment_method", from_token(scope, identifier))
    _not_of_a_reader(method)
    return attach_to(scope, method, owner["id"])


def detach(scope: Scope, params: JSON, identifier: str) -> JSON:
    method = scope.need("payment_method", identifier)
    if not method["customer"]:
        raise invalid("That payment method is not attached to a customer, so it cannot be detached.")
    previous = {"customer": method["customer"]}
    method.update(customer=None, _gone=True)
    scope.save(method)
    scope.emit("payment_method.detached", method, previous)
    return method


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    method = scope.need("payment_method", identifier)
    if not method["customer"]:
        raise invalid("Attach the payment method to a customer before updating it.", param="payment_method")
    previous = change(method, params, ("allow_redisplay",))
    for name, value in (params.get("card") or {}).items():
        previous["card"] = dict(method["card"])
        method["card"][name] = value
    billing = params.get("billing_details")
    if billing:
        previous["billing_details"] = dict(method["billing_details"])
        method["billing_details"] = merged(method["billing_details"], billing)
    scope.save(method)
    scope.emit("payment_method.updated", method, previous)
    return method
