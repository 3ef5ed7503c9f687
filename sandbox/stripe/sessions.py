"""Checkout Sessions: /v1/checkout/sessions. The page itself is in `hosted`."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import customers, intents, setups
from sandbox.stripe.books import Books, Scope, listing
from sandbox.stripe.schema import new_id
from sandbox.stripe.spec import MAX_CENTS, MIN_CENTS, merged, refuse
from sandbox.stripe.wire import JSON, invalid

HALF_HOUR, DAY = 1_800, 86_400
# A caller's clock may be a little ahead of or behind ours.
SLACK = 60


def create(scope: Scope, params: JSON) -> JSON:
    if params.get("customer"):
        customers.need(scope, params["customer"], "customer")
    refuse(not params.get("success_url"), "success_url is needed for a hosted page.", code="parameter_missing",
           param="success_url")  # fmt: skip
    lines, cents = _lines(params)
    session = scope.new(
        "checkout.session",
        **_base(scope, params),
        amount_subtotal=cents,
        amount_total=cents,
        _lines=lines,
        _intent=params.get("payment_intent_data") or {},
    )
    if params["mode"] == "setup":
        data = params.get("setup_intent_data") or {}
        setup = setups.open_setup(scope, {"customer": session["customer"], **data}, _session=session["id"])
        session["setup_intent"] = setup["id"]
    session["url"] = f"{scope.books.host}/c/pay/{session['id']}"
    return scope.save(session)


def _base(scope: Scope, params: JSON) -> JSON:
    plain = ("allowed_payment_method_types", "cancel_url", "client_reference_id", "customer", "customer_email", "mode",
             "success_url", "submit_type")  # fmt: skip
    return {
        **{name: params.get(name) for name in plain},
        "after_expiration": None,
        "billing_address_collection": params.get("billing_address_collection"),
        "consent": None,
        "currency": "usd" if params["mode"] == "payment" else params.get("currency"),
        "custom_text": params.get("custom_text"),
        "customer_creation": params.get("customer_creation")
        or ("if_required" if params["mode"] == "payment" else None),
        "customer_details": None,
        "expires_at": _expiry(scope.now, params.get("expires_at")),
        "invoice": None,
        "line_items": None,
        "locale": params.get("locale"),
        "metadata": merged({}, params.get("metadata")),
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if params["mode"] == "payment" else "no_payment_required",
        "setup_intent": None,
        "status": "open",
        "subscription": None,
        "ui_mode": "hosted_page",
        "url": None,
    }


def _expiry(now: int, wish: int | None) -> int:
    """30 minutes to 24 hours from now (business time); a day when nothing was asked."""
    if wish is None:
        return now + DAY
    if not now + HALF_HOUR - SLACK <= wish <= now + DAY + SLACK:
        raise invalid("expires_at must be between 30 minutes and 24 hours from now.", param="expires_at")
    return wish


def _lines(params: JSON) -> tuple[list[JSON], int | None]:
    sent = params.get("line_items") or []
    if params["mode"] == "setup":
        refuse(bool(sent), "line_items cannot be sent in setup mode.", param="line_items")
        refuse("payment_intent_data" in params, "payment_intent_data is for mode payment.", param="payment_intent_data")
        unsaid = not params.get("currency") and not params.get("allowed_payment_method_types")
        refuse(unsaid, "Missing required param: currency.", code="parameter_missing", param="currency")
        return [], None
    refuse(not sent, "Missing required param: line_items.", code="parameter_missing", param="line_items")
    refuse("setup_intent_data" in params, "setup_intent_data is for mode setup.", param="setup_intent_data")
    lines = [_line(line) for line in sent]
    total = sum(line["amount_total"] for line in lines)
    refuse(total < MIN_CENTS, "The total must be at least $0.50 usd", code="amount_too_small", param="line_items")
    refuse(total > MAX_CENTS, "The total is over $999,999.99", code="amount_too_large", param="line_items")
    return lines, total


def _line(sent: JSON) -> JSON:
    price = sent.get("price_data")
    if not price or not price.get("product_data"):
        raise invalid("A line item needs price_data with product_data.", param="line_items")
    quantity = sent.get("quantity", 1)
    refuse(quantity < 1 or price["unit_amount"] < 0, "Invalid line item.", param="line_items")
    cents = price["unit_amount"] * quantity
    return {
        "id": new_id("charge").replace("ch_3", "li_1"), "object": "item", "amount_subtotal": cents,
        "amount_total": cents, "amount_tax": 0, "amount_discount": 0, "currency": "usd", "quantity": quantity,
        "description": price["product_data"]["name"],
    }  # fmt: skip


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    expire_due(scope.books)
    return scope.need("checkout.session", identifier)


def page(scope: Scope, params: JSON) -> JSON:
    expire_due(scope.books)
    wanted = {name: params.get(name) for name in ("customer", "payment_intent", "status")}
    return scope.page("checkout.session", "/v1/checkout/sessions", params, **wanted)


def line_items(scope: Scope, params: JSON, identifier: str) -> JSON:
    session = scope.need("checkout.session", identifier)
    return listing(session["_lines"], f"/v1/checkout/sessions/{identifier}/line_items")


def expire(scope: Scope, params: JSON, identifier: str) -> JSON:
    session = retrieve(scope, {}, identifier)
    if session["status"] != "open":
        raise invalid(f"Only open sessions can be expired; this one is {session['status']}.", param="session")
    return _close(scope, session)


def _close(scope: Scope, session: JSON) -> JSON:
    """An expired session also calls off the intent that its declined cards left behind."""
    session.update(status="expired", url=None)
    scope.save(session)
    if session["payment_intent"]:
        intents.call_off(scope, scope.need("payment_intent", session["payment_intent"]), None)
    if session["setup_intent"]:
        setup = scope.need("setup_intent", session["setup_intent"])
        scope.save({**setup, "status": "canceled", "cancellation_reason": "abandoned"})
    scope.emit("checkout.session.expired", session)
    return session


def expire_due(books: Books) -> int:
    """Close every open session whose time has passed on the business clock; how many."""
    due = books.store.all(
        "SELECT account, id FROM objects WHERE object = 'checkout.session' AND json_extract(body, '$.status') = 'open'"
        " AND json_extract(body, '$.expires_at') <= ?",
        books.now(),
    )
    for row in due:
        scope = books.scope(row["account"])
        with scope.transaction():
            session = scope.need("checkout.session", row["id"])
            if session["status"] == "open":
                _close(scope, session)
    return len(due)


def complete(scope: Scope, session: JSON, method: JSON, **fields: Any) -> JSON:
    """The page has done its work: the session is complete and the practice is told."""
    billing = method["billing_details"]
    details = {**{name: billing[name] for name in ("address", "email", "name", "phone")}, "tax_exempt": "none"}
    session.update(status="complete", url=None, customer_details=details, **fields)
    scope.save(session)
    scope.emit("checkout.session.completed", session)
    return session


def finished(scope: Scope, intent: JSON) -> None:
    """Tell the session of a slow payment how it ended."""
    if not intent.get("_session"):
        return
    session = scope.need("checkout.session", intent["_session"])
    paid = intent["status"] == "succeeded"
    if session["status"] != "complete" or session["payment_status"] == "paid":
        return
    if paid:
        session["payment_status"] = "paid"
        scope.save(session)
    scope.emit(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", session)
