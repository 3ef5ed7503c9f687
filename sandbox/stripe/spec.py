"""The parameters each route takes: names, types and limits, checked before anything is done.

Kinds: text, int, bool, cents (a charge amount), currency, time (Unix seconds), range (a number or gt/gte/lt/lte),
map (free keys), event (its type), version (of the API), any (taken, not used), one of `a|b`.
A trailing `!` = required; a one-item list = list of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.stripe.wire import JSON, ApiError, invalid

Kind = str | dict[str, Any] | list[Any]
Fields = dict[str, Any]

PAGE: Fields = {"limit": "int", "starting_after": "text", "ending_before": "text"}
ADDRESS: Fields = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), "text")
BILLING: Fields = {"address": ADDRESS, "email": "text", "name": "text", "phone": "text"}
_CUSTOMER: Fields = {
    "name": "text", "email": "text", "phone": "text", "description": "text", "address": ADDRESS, "metadata": "map",
}  # fmt: skip
_TYPES: Fields = {"allowed_payment_method_types": ["card|card_present|link|us_bank_account"]}
_INTENT: Fields = {
    "description": "text", "metadata": "map", "receipt_email": "text", "setup_future_usage": "off_session|on_session",
    "statement_descriptor": "text", "statement_descriptor_suffix": "text",
}  # fmt: skip
_AUTOMATIC: Fields = {"automatic_payment_methods": {"enabled": "bool!", "allow_redirects": "always|never"}}
_CONFIRM: Fields = {
    "payment_method": "text", "off_session": "bool", "return_url": "text", "error_on_requires_action": "bool",
    "use_stripe_sdk": "bool", **_TYPES,
}  # fmt: skip
CAPTURE = "automatic|automatic_async|manual"
_PRICE: Fields = {
    "currency": "currency!", "unit_amount": "int!", "product_data": {"name": "text!", "description": "text"},
}  # fmt: skip

REDISPLAY = "always|limited|unspecified"
_READER_CONFIG: Fields = {
    "enable_customer_cancellation": "bool", "skip_tipping": "bool", "allow_redisplay": REDISPLAY,
    "tipping": {"amount_eligible": "int"},
}  # fmt: skip
_LOCATION: Fields = {"display_name": "text", "address": ADDRESS, "phone": "text", "metadata": "map"}

SPECS: dict[str, Fields] = {
    "none": {},
    "customer.create": _CUSTOMER,
    "customer.update": {**_CUSTOMER, "invoice_settings": {"default_payment_method": "text"}},
    "customer.list": {**PAGE, "created": "range", "email": "text"},
    "payment_method.list": {**PAGE, "customer": "text", "type": "card|us_bank_account"},
    "payment_method.attach": {"customer": "text!"},
    "payment_method.update": {
        "billing_details": BILLING, "card": {"exp_month": "int", "exp_year": "int"}, "metadata": "map",
        "allow_redisplay": REDISPLAY,
    },
    "setup_intent.create": {
        "customer": "text", "usage": "off_session|on_session", "description": "text", "metadata": "map",
        "payment_method": "text", "confirm": "bool", "return_url": "text", **_TYPES, **_AUTOMATIC,
    },
    "setup_intent.update": {"customer": "text", "description": "text", "metadata": "map", "payment_method": "text"},
    "setup_intent.confirm": {"payment_method": "text", "return_url": "text"},
    "setup_intent.cancel": {"cancellation_reason": "abandoned|duplicate|requested_by_customer"},
    "setup_intent.list": {**PAGE, "created": "range", "customer": "text", "payment_method": "text"},
    "payment_intent.create": {
        "amount": "cents!", "currency": "currency!", "customer": "text", "capture_method": CAPTURE, "confirm": "bool",
        **_INTENT, **_CONFIRM, **_AUTOMATIC,
    },
    "payment_intent.update": {
        "amount": "cents", "currency": "currency", "customer": "text", "payment_method": "text", **_INTENT,
    },
    "payment_intent.confirm": {**_CONFIRM, "setup_future_usage": "off_session|on_session", "receipt_email": "text"},
    "payment_intent.cancel": {"cancellation_reason": "abandoned|duplicate|fraudulent|requested_by_customer"},
    "payment_intent.capture": {"amount_to_capture": "int", "metadata": "map", "statement_descriptor_suffix": "text"},
    "payment_intent.list": {**PAGE, "created": "range", "customer": "text"},
    "charge.update": {"description": "text", "metadata": "map", "receipt_email": "text"},
    "charge.list": {**PAGE, "created": "range", "customer": "text", "payment_intent": "text"},
    "refund.create": {
        "payment_intent": "text", "charge": "text", "amount": "int", "metadata": "map",
        "reason": "duplicate|fraudulent|requested_by_customer",
    },
    "refund.update": {"metadata": "map"},
    "refund.list": {**PAGE, "created": "range", "charge": "text", "payment_intent": "text"},
    "dispute.list": {**PAGE, "created": "range", "charge": "text", "payment_intent": "text"},
    "dispute.update": {
        "evidence": dict.fromkeys(("product_description", "service_documentation", "uncategorized_text"), "text"),
        "metadata": "map", "submit": "bool",
    },
    "balance_transaction.list": {
        **PAGE, "created": "range", "source": "text", "type": "text", "currency": "text", "payout": "text",
    },
    "payout.list": {**PAGE, "created": "range", "status": "text"},
    "event.list": {
        **PAGE, "created": "range", "type": "text", "types": ["text"], "delivery_success": "bool",
    },
    "webhook_endpoint.create": {
        "url": "text!", "enabled_events": ["event"], "api_version": "version", "description": "text", "metadata": "map",
        "connect": "bool",
    },
    "webhook_endpoint.list": PAGE,
    "checkout.session.line_items": PAGE,
    "webhook_endpoint.update": {
        "url": "text", "enabled_events": ["event"], "description": "text", "metadata": "map", "disabled": "bool",
    },
    "checkout.session.create": {
        "mode": "payment|setup!", "customer": "text", "customer_email": "text", "client_reference_id": "text",
        "customer_creation": "always|if_required", "currency": "currency", "metadata": "map", "success_url": "text",
        "cancel_url": "text", "expires_at": "time", "ui_mode": "hosted_page", "locale": "auto|en|es",
        "line_items": [{"price_data": _PRICE, "quantity": "int"}],
        "payment_intent_data": {**_INTENT, "capture_method": CAPTURE},
        "setup_intent_data": {"description": "text", "metadata": "map"},
        "submit_type": "auto|pay|book|donate", "billing_address_collection": "auto|required",
        "custom_text": "any", "branding_settings": "any", "saved_payment_method_options": "any",
        "consent_collection": "any", "integration_identifier": "text", **_TYPES,
    },
    "checkout.session.list": {
        **PAGE, "created": "range", "customer": "text", "payment_intent": "text", "status": "complete|expired|open",
    },
    "terminal.location.create": _LOCATION,
    "terminal.location.update": _LOCATION,
    "terminal.location.list": PAGE,
    "terminal.reader.create": {
        "registration_code": "text!", "label": "text", "location": "text", "metadata": "map",
    },
    "terminal.reader.update": {"label": "text", "metadata": "map"},
    "terminal.reader.list": {
        **PAGE, "location": "text", "serial_number": "text", "status": "offline|online",
        "device_type": "bbpos_wisepos_e|simulated_stripe_s700|simulated_wisepos_e|stripe_s700",
    },
    "terminal.reader.process_payment": {
        "payment_intent": "text!", "process_config": {**_READER_CONFIG, "return_url": "text"},
    },
    "terminal.reader.process_setup": {
        "setup_intent": "text!", "allow_redisplay": f"{REDISPLAY}!",
        "process_config": {"enable_customer_cancellation": "bool"},
    },
    "terminal.reader.collect": {"payment_intent": "text!", "collect_config": _READER_CONFIG},
    "terminal.reader.confirm": {
        "payment_intent": "text!", "confirm_config": {"return_url": "text"},
    },
    "terminal.reader.display": {
        "type": "cart!",
        "cart": {
            "currency": "currency!", "total": "int!", "tax": "int",
            "line_items": [{"amount": "int!", "description": "text!", "quantity": "int!"}],
        },
    },
    "terminal.reader.present": {
        "type": "card_present", "card_present": {"number": "text"},
    },
}  # fmt: skip
MIN_CENTS, MAX_CENTS = 50, 99_999_999


def check(fields: Fields, params: JSON) -> JSON:
    """The parameters as Python values; a 400 in Stripe's words for the first one that is wrong."""
    params = dict(params)
    expand = _list("text", params.pop("expand", {}), "expand")
    result = _map_fields(fields, params, "")
    result["expand"] = expand
    return result


def _map_fields(fields: Fields, params: Any, within: str) -> JSON:
    if not isinstance(params, dict):
        raise invalid("Invalid object", param=within)
    _only_known(fields, params, within)
    result: JSON = {}
    for name, kind in fields.items():
        path = _path(within, name)
        required = isinstance(kind, str) and kind.endswith("!")
        if name in params:
            result[name] = _value(kind.rstrip("!") if isinstance(kind, str) else kind, params[name], path)
        elif required:
            raise invalid(f"Missing required param: {path}.", code="parameter_missing", param=path)
        if required and result[name] is None:
            raise invalid(f"{path} must not be empty.", code="parameter_invalid_empty", param=path)
    return result


def _only_known(fields: Fields, params: JSON, within: str) -> None:
    for name in params:
        path = _path(within, name)
        if name == "payment_method_types":
            message = "payment_method_types can no longer be written; send allowed_payment_method_types."
            raise invalid(message, code="payment_method_types_no_longer_supported", param=path)
        if name not in fields:
            raise invalid(f"Received unknown parameter: {path}", code="parameter_unknown", param=path)


def _path(within: str, name: str) -> str:
    return f"{within}[{name}]" if within else name


def _value(kind: Kind, value: Any, path: str) -> Any:
    if isinstance(kind, dict):
        return None if value == "" else _map_fields(kind, value, path)
    if isinstance(kind, list):
        return _list(kind[0], value, path)
    if kind in ("map", "any", "range"):
        return {"map": _metadata, "any": lambda v, _: v, "range": _range}[kind](value, path)
    if isinstance(value, dict):
        raise invalid(f"Invalid string: {path} was sent as a hash.", param=path)
    return _CONVERT.get(kind, _one_of(kind))(value, path)


def _list(kind: Kind, value: Any, path: str) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, dict):
        raise invalid("Invalid array", param=path)
    if "" in value.values():
        raise invalid(f"{path} has an empty place.", code="parameter_invalid_empty", param=path)
    return [_value(kind, item, f"{path}[{place}]") for place, item in value.items()]


def _metadata(value: Any, path: str) -> dict[str, str]:
    if value == "":
        return {}
    if not isinstance(value, dict) or any(isinstance(item, dict) for item in value.values()):
        raise invalid("metadata values must be strings.", param=path)
    if len(value) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in value.items()):
        raise invalid("metadata takes 50 keys of 40 characters with 500 characters each.", param=path)
    return value


def _range(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return _int(value, path)
    return {name: _int(item, f"{path}[{name}]") for name, item in value.items() if _side(name, path)}


def _side(name: str, path: str) -> bool:
    if name not in ("gt", "gte", "lt", "lte"):
        raise invalid(f"Received unknown parameter: {path}[{name}]", code="parameter_unknown", param=path)
    return True


def _int(value: str, path: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
    return int(value)


def _bool(value: str, path: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=path)
    return value == "true"


def _cents(value: str, path: str) -> int:
    cents = _int(value, path)
    if cents < MIN_CENTS:
        raise invalid("Amount must be at least $0.50 usd", code="amount_too_small", param=path)
    if cents > MAX_CENTS:
        raise invalid("Amount must be no more than $999,999.99", code="amount_too_large", param=path)
    return cents


def _currency(value: str, path: str) -> str | None:
    if value not in ("usd", ""):
        raise invalid(f"Invalid currency: {value}. This account takes usd.", param=path)
    return value or None


def _matching(pattern: str) -> Callable[[str, str], Any]:
    def convert(value: str, path: str) -> str | None:
        if not re.fullmatch(pattern, value):
            raise invalid(f"Invalid {path}: {value}", param=path)
        return value or None

    return convert


def _one_of(kind: str) -> Callable[[str, str], Any]:
    def choose(value: str, path: str) -> str | None:
        if value in ("", *kind.split("|")):
            return value or None
        raise invalid(f"Invalid {path}: must be one of {', '.join(kind.split('|'))}", param=path)

    return choose


_CONVERT: dict[str, Callable[[str, str], Any]] = {
    "text": lambda value, _: value or None,
    "event": _matching(r"\*|[a-z_]+(\.[a-z_]+)+"),
    "version": _matching(r"|20\d\d-\d\d-\d\d(\.[a-z]+)?"),
    "int": _int,
    "time": _int,
    "bool": _bool,
    "cents": _cents,
    "currency": _currency,
}


def merged(old: JSON, new: JSON | None) -> JSON:
    """Metadata after an update: nothing sent keeps all, an empty value drops its key, an empty hash drops all."""
    kept = {**old, **(new or {})} if new != {} else {}
    return {name: value for name, value in kept.items() if value != ""}


def change(item: JSON, params: JSON, names: tuple[str, ...]) -> JSON:
    """Write the named parameters (and metadata) that were sent into the object; what they were before."""
    previous: JSON = {}
    for name in names:
        if name in params and item.get(name) != params[name]:
            previous[name] = item.get(name)
            item[name] = params[name]
    if "metadata" in params:
        after = merged(item["metadata"], params["metadata"])
        if after != item["metadata"]:
            previous["metadata"] = item["metadata"]
            item["metadata"] = after
    return previous


def refuse(condition: bool, message: str, **fields: Any) -> None:
    """Raise a 400 when the condition holds."""
    if condition:
        raise ApiError(400, message, **fields)
