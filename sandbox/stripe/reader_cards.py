"""Cards as a reader reads them: the card_present payment method, its receipt lines, the card generated from it."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import methods
from sandbox.stripe.books import Scope
from sandbox.stripe.cards import CARDS, card_hash
from sandbox.stripe.wire import JSON, invalid

TWO_DAYS = 2 * 86_400
# The plastic card that comes with a reader: the amount's cents decide what the bank says.
PHYSICAL = "4000000000091100"
BY_CENTS = {
    1: "call_issuer",
    5: "generic_decline",
    55: "incorrect_pin",
    60: "online_or_offline_pin_required",
    65: "withdrawal_count_limit_exceeded",
    75: "pin_try_exceeded",
}
# The numbers a reader takes; what each does is in `cards`.
NUMBERS = {
    "4242424242424242": "Visa credit, approved",
    "4000056655665556": "Visa debit, approved",
    "5555555555554444": "Mastercard credit, approved",
    "5105105105105100": "Mastercard prepaid, approved",
    "378282246310005": "American Express, approved",
    "6011111111111117": "Discover, approved",
    "4000000000000002": "Visa, declined",
    "4000000000009995": "Visa, insufficient funds",
    "4000000000009987": "Visa, lost",
    "4000000000009979": "Visa, stolen",
    "4000000000000069": "Visa, expired",
    "4000000000000119": "Visa, processing error",
    PHYSICAL: "physical test card, the cents of the amount decide",
}
HOW = {"tap": "contactless_emv", "insert": "contact_emv", "swipe": "magnetic_stripe_track2"}
WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay"}
_FILES = {
    "visa": "A0000000031010",
    "mastercard": "A0000000041010",
    "amex": "A00000002501",
    "discover": "A0000001523010",
}
_SHARED = (
    "brand", "brand_product", "cardholder_name", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4",
    "offline", "preferred_locales", "read_method", "wallet",
)  # fmt: skip


def read(scope: Scope, reader: JSON, number: str, how: str, wallet: str | None, redisplay: str | None) -> JSON:
    """The payment method of a card (or a phone) held to this reader. The number itself is not kept."""
    check(number, how, wallet)
    card = CARDS[number]
    nobody: JSON = {"address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))}
    return scope.new(
        "payment_method",
        allow_redisplay=redisplay or "unspecified",
        billing_details={**nobody, "email": None, "name": None, "phone": None, "tax_id": None},
        card_present=_seen(scope.account, number, how, wallet),
        customer=None,
        metadata={},
        type="card_present",
        _later=card.later,
        _saving=card.later,
        _wish=None,
        _physical=number == PHYSICAL,
        _reader=reader["id"],
        _location=reader["location"],
    )


def check(number: str, how: str, wallet: str | None) -> None:
    """A 400 for what no reader can read."""
    if number not in NUMBERS:
        raise invalid("A reader takes Stripe's test numbers only.", code="incorrect_number", param="card_present")
    if how not in HOW or (wallet and (wallet not in WALLETS or how != "tap")):
        raise invalid("A card is tapped, inserted or swiped; a phone with a wallet can only be tapped.", param="how")


def _seen(account: str, number: str, how: str, wallet: str | None) -> JSON:
    card = CARDS[number]
    return {
        "brand": card.brand, "brand_product": None, "cardholder_name": None, "country": "US", "exp_month": 12,
        "exp_year": 2040, "fingerprint": card_hash(account, f"{wallet}:{number}" if wallet else number),
        "funding": card.funding, "last4": number[-4:], "networks": {"available": [card.brand], "preferred": None},
        "offline": None, "preferred_locales": ["en"], "read_method": HOW[how],
        "wallet": {"type": wallet} if wallet else None,
    }  # fmt: skip


def settle_behaviour(scope: Scope, method: JSON, cents: int) -> None:
    """What the bank will say to the physical test card depends on the amount it is asked for."""
    if method["_physical"]:
        code = BY_CENTS.get(cents % 100)
        method["_later"] = f"decline:{code}" if code else "ok"
        scope.save(method)


def used(scope: Scope, intent: JSON, method: JSON, status: str) -> JSON:
    """`payment_method_details.card_present` of a charge; `capture_before` is Unix seconds, two days on."""
    card = method["card_present"]
    held = status == "succeeded" and intent["capture_method"] == "manual"
    return {
        **{name: card[name] for name in _SHARED},
        "amount_authorized": intent["amount"] if status == "succeeded" else None,
        "capture_before": scope.now + TWO_DAYS if held else None,
        "emv_auth_data": None,
        "generated_card": None,
        "incremental_authorization_supported": False,
        "location": method["_location"],
        "network": card["brand"],
        "network_transaction_id": None,
        "overcapture_supported": False,
        "reader": method["_reader"],
        "receipt": _receipt(card, status) if card["read_method"] != HOW["swipe"] else None,
    }


def _receipt(card: JSON, status: str) -> JSON:
    """What card rules want on a receipt; only a chip (touched or inserted) tells it."""
    return {
        "account_type": card["funding"] if card["funding"] in ("credit", "prepaid") else "checking",
        "application_cryptogram": "0000000000000000",
        "application_preferred_name": f"{card['brand']} {card['funding']}".upper(),
        "authorization_code": "123456" if status == "succeeded" else None,
        "authorization_response_code": "3030" if status == "succeeded" else "3035",
        "cardholder_verification_method": "approval" if card["wallet"] else "none",
        "dedicated_file_name": _FILES[card["brand"]],
        "terminal_verification_results": "0000000000",
        "transaction_status_information": "0000",
    }


def generate(scope: Scope, method: JSON, customer: str | None, **source: Any) -> str | None:
    """A card that can be charged later, made from the one at the reader and attached; none from a wallet's."""
    seen = method["card_present"]
    if not customer or seen["wallet"]:
        return None
    origin = {"charge": None, "payment_method_details": None, "setup_attempt": None, **source}
    kept = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "networks")
    card = scope.new(
        "payment_method",
        allow_redisplay=method["allow_redisplay"],
        billing_details=method["billing_details"],
        card={
            **{name: seen[name] for name in kept}, "generated_from": origin, "display_brand": seen["brand"],
            "checks": dict.fromkeys(("address_line1_check", "address_postal_code_check", "cvc_check")),
            "regulated_status": "unregulated", "three_d_secure_usage": {"supported": True}, "wallet": None,
        },
        customer=None,
        metadata={},
        type="card",
        _later=method["_later"],
        _saving="ok",
        _wish=None,
    )  # fmt: skip
    return str(methods.attach_to(scope, card, customer)["id"])
