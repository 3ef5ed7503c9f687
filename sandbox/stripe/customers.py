"""Customers: /v1/customers."""

from __future__ import annotations

from sandbox.stripe.books import Scope
from sandbox.stripe.spec import change, merged
from sandbox.stripe.wire import JSON, ApiError

_FIELDS = ("name", "email", "phone", "description", "address")


def create(scope: Scope, params: JSON) -> JSON:
    customer = scope.new(
        "customer",
        **{name: params.get(name) for name in _FIELDS},
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        discount=None,
        invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None},
        metadata=merged({}, params.get("metadata")),
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    scope.emit("customer.created", customer)
    return customer


def need(scope: Scope, identifier: str, param: str | None = None) -> JSON:
    """A customer that still exists."""
    customer = scope.need("customer", identifier, param)
    if customer.get("deleted"):
        message = f"No such customer: '{identifier}'"
        raise ApiError(400 if param else 404, message, code="resource_missing", param=param or "id")
    return customer


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    """A deleted customer is still found, as id and `deleted`."""
    customer = scope.need("customer", identifier)
    return {"id": identifier, "object": "customer", "deleted": True} if customer.get("deleted") else customer


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    customer = need(scope, identifier)
    settings = params.pop("invoice_settings", None)
    previous = change(customer, params, _FIELDS)
    if settings is not None:
        method = settings.get("default_payment_method")
        if method and scope.need("payment_method", method, "invoice_settings").get("customer") != identifier:
            raise ApiError(400, "That card belongs to nobody or to another customer.", param="invoice_settings")
        customer["invoice_settings"]["default_payment_method"] = method
    scope.save(customer)
    scope.emit("customer.updated", customer, previous)
    return customer


def delete(scope: Scope, params: JSON, identifier: str) -> JSON:
    customer = need(scope, identifier)
    for method in scope.where("payment_method", customer=identifier):
        scope.save({**method, "customer": None, "_gone": True})
    scope.save({**customer, "deleted": True})
    scope.emit("customer.deleted", customer)
    return {"id": identifier, "object": "customer", "deleted": True}


def page(scope: Scope, params: JSON) -> JSON:
    return scope.page("customer", "/v1/customers", params, email=params.get("email"))
