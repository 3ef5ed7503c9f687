"""Test cards: which numbers the hosted page takes, and how each card behaves when it is saved and when it is charged.

A behaviour is a short text kept on the saved card: `ok`, `processing`, `authenticate`, `block`, or
`decline:<decline code>[:<advice code>[:<network decline code>[:<network advice code>]]]` (an empty place = the usual).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sandbox.stripe.wire import JSON, invalid

ADVICE = ("confirm_card_data", "do_not_try_again", "try_again_later")


@dataclass(frozen=True)
class Card:
    """`later` is the behaviour when charged; `saving` when it is saved."""

    brand: str
    funding: str = "credit"
    later: str = "ok"
    saving: str = "ok"
    note: str = ""


@dataclass(frozen=True)
class Decline:
    """Why the bank (or Stripe itself, when `blocked`) said no."""

    code: str
    decline_code: str
    message: str
    advice_code: str | None
    network_decline_code: str | None
    network_advice_code: str | None
    blocked: str | None = None


CARDS = {
    "4242424242424242": Card("visa", note="works"),
    "4000056655665556": Card("visa", "debit", note="works, debit"),
    "5555555555554444": Card("mastercard", note="works"),
    "5105105105105100": Card("mastercard", "prepaid", note="works, prepaid"),
    "378282246310005": Card("amex", note="works"),
    "6011111111111117": Card("discover", note="works"),
    "4000000000000002": Card("visa", "credit", "decline:generic_decline", "decline:generic_decline", "cannot be saved"),
    "4000000000000341": Card("visa", "credit", "decline:generic_decline", note="declines when charged"),
    "4000000000009995": Card(
        "visa", "credit", "decline:insufficient_funds", note="has insufficient funds when charged"
    ),
    "4000000000009987": Card("visa", "credit", "decline:lost_card", note="is reported lost when charged"),
    "4000000000009979": Card("visa", "credit", "decline:stolen_card"),
    "4000000000000069": Card("visa", "credit", "decline:expired_card"),
    "4000000000000127": Card("visa", "credit", "decline:incorrect_cvc"),
    "4000000000000119": Card("visa", "credit", "decline:processing_error"),
    "4000000000006975": Card("visa", "credit", "decline:card_velocity_exceeded"),
    "4000002500003155": Card("visa", "credit", "authenticate", note="the bank wants to ask when charged later"),
    "4000002760003184": Card("visa", "credit", "authenticate"),
    "4100000000000019": Card("visa", "credit", "block:highest_risk_level"),
    "4000000000091001": Card("visa", "credit", "decline:do_not_honor"),
    "4000000000091019": Card("visa", "credit", "decline:generic_decline:do_not_try_again"),
    "4000000000091027": Card("visa", "credit", "decline:generic_decline:try_again_later"),
    "4000000000091035": Card("visa", "credit", "decline:generic_decline:confirm_card_data"),
    "4000000000091043": Card("visa", "credit", "block:previously_declined_do_not_retry"),
    "4000000000091050": Card("visa", "credit", "decline:revocation_of_authorization"),
    "4000000000091068": Card("visa", "credit", "decline:pickup_card"),
    "4000000000091076": Card("visa", "credit", "processing"),
    "4000000000091084": Card("visa", "credit", "decline:a_code_of_tomorrow"),
    "4000000000091092": Card("visa", "debit", "decline:insufficient_funds"),
    "4000000000091100": Card("visa", note=""),
    "5200000000005006": Card("mastercard", "credit", "decline:generic_decline:do_not_try_again::03"),
    "5200000000005014": Card("mastercard", "credit", "decline:generic_decline:try_again_later::02"),
    "5200000000005022": Card("mastercard", "credit", "decline:insufficient_funds:try_again_later:51:25"),
    "5200000000005030": Card("mastercard", "credit", "decline:generic_decline:confirm_card_data::01"),
    "5200000000005048": Card("mastercard", "credit", "decline:do_not_honor:do_not_try_again:05:21"),
}
# Tokens the real test mode knows, for attach and confirm without the hosted page.
TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_visa_debit": "4000056655665556",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeCustomerFail": "4000000000000341",
}
# decline code: (usual advice, the network's two characters); codes not listed have neither.
_USUAL: dict[str, tuple[str | None, str | None]] = {
    "insufficient_funds": ("try_again_later", "51"),
    "lost_card": ("do_not_try_again", "41"),
    "stolen_card": ("do_not_try_again", "43"),
    "pickup_card": ("do_not_try_again", "04"),
    "restricted_card": ("do_not_try_again", "62"),
    "revocation_of_authorization": ("do_not_try_again", "R1"),
    "expired_card": ("confirm_card_data", "54"),
    "incorrect_cvc": ("confirm_card_data", "N7"),
    "processing_error": ("try_again_later", "96"),
    "issuer_not_available": ("try_again_later", "91"),
    "card_velocity_exceeded": ("try_again_later", "65"),
    "do_not_honor": (None, "05"),
    "generic_decline": (None, "01"),
    "authentication_required": (None, "1A"),
}
_OWN_CODE = ("expired_card", "incorrect_cvc", "incorrect_number", "processing_error", "authentication_required")
_SAID = {
    "insufficient_funds": "The card has insufficient funds.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is incorrect.",
    "processing_error": "The bank could not process the card just now. Try again in a little while.",
    "authentication_required": "The bank wants the cardholder to confirm this payment.",
    "card_velocity_exceeded": "The card is over its limit.",
}


def check_behaviour(text: str) -> str:
    """The behaviour itself when it can be understood; otherwise a 400."""
    kind, _, rest = text.partition(":")
    parts = rest.split(":") if rest else []
    if kind == "decline" and 1 <= len(parts) <= 4 and parts[0] and (len(parts) < 2 or parts[1] in ("", *ADVICE)):
        return text
    if kind in ("ok", "processing", "authenticate") and not parts:
        return text
    if kind == "block" and len(parts) <= 1:
        return text
    raise invalid(f"Unknown card behaviour: {text}", param="behaviour")


def decline(behaviour: str) -> Decline | None:
    """The refusal a behaviour means, or None when the card is not refused outright."""
    kind, _, rest = behaviour.partition(":")
    if kind == "block":
        reason = rest or "previously_declined_do_not_retry"
        return Decline("card_declined", "generic_decline", "The card was declined.", None, None, None, reason)
    if kind != "decline":
        return None
    code, advice, network, network_advice = (rest.split(":") + ["", "", ""])[:4]
    usual_advice, usual_network = _USUAL.get(code, (None, None))
    own = code if code in _OWN_CODE else "card_declined"
    said = _SAID.get(code, "The card was declined.")
    return Decline(own, code, said, advice or usual_advice, network or usual_network, network_advice or None)


def luhn(number: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card_hash(account: str, number: str) -> str:
    """The fingerprint: the same for the same number within one account, and no way back to the number."""
    return hashlib.sha256(f"{account}:{number}".encode()).hexdigest()[:16]


def card_details(account: str, number: str, exp_month: int, exp_year: int) -> JSON:
    """The `card` hash of a payment method. Of the number only the last four digits and the fingerprint remain."""
    card = CARDS[number]
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": "US",
        "display_brand": card.brand,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": card_hash(account, number),
        "funding": card.funding,
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
