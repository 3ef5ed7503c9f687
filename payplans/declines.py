"""What each decline code means for a saved card: never again, ask the patient, try again, ask staff. Data and words.

Sources: Stripe "Decline codes" and its list of codes that Smart Retries never repeats; Visa's category 1 ("issuer will
never approve", no re-attempt); Mastercard's merchant advice codes. The division of the other codes is our own, on the
careful side.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Meaning(Enum):
    NEVER = "never again with this card"
    PATIENT = "the patient must act"
    SOFT = "may work tomorrow"
    VAGUE = "says nothing: try sparsely"
    RECONCILE = "an earlier charge may exist"
    UNKNOWN = "not known to us"


@dataclass(frozen=True)
class Decline:
    """Codes as the processor and the network gave them; '' where there was none."""

    decline_code: str = ""
    advice_code: str = ""
    network_advice_code: str = ""
    network_decline_code: str = ""


# A patient is told no more than "declined" when a card was reported lost or stolen, or is suspected of fraud.
_SECRET = {
    "lost_card": "the card was reported lost",
    "stolen_card": "the card was reported stolen",
    "pickup_card": "the bank wants the card back",
    "fraudulent": "the payment is suspected of fraud",
    "merchant_blacklist": "the payment is blocked as suspected fraud",
    "security_violation": "the bank reports a security violation",
    "highest_risk_level": "the payment is blocked as too risky",
}
_NEVER = {
    "restricted_card": "the card is restricted",
    "revocation_of_authorization": "the cardholder withdrew the authorization",
    "revocation_of_all_authorizations": "the cardholder withdrew all authorizations",
    "stop_payment_order": "the cardholder stopped this payment",
    "invalid_account": "the account does not exist any more",
    "incorrect_number": "the card number is wrong",
    "invalid_number": "the card number is wrong",
    "card_not_supported": "the card does not allow this kind of payment",
    "currency_not_supported": "the card does not allow dollars",
    "transaction_not_allowed": "the bank does not allow this payment",
    "service_not_allowed": "the bank does not allow this payment",
    "not_permitted": "the bank does not allow this payment",
    "invalid_expiry_month": "the expiration date is wrong",
    "invalid_expiry_year": "the expiration date is wrong",
    "testmode_decline": "a test card was used",
    "do_not_try_again": "the bank says not to try again",
    "previously_declined_do_not_retry": "the processor blocks the card after earlier declines",
}
_PATIENT = {
    "authentication_required": "the bank wants the cardholder to confirm",
    "authentication_not_handled": "the bank wants the cardholder to confirm",
    "mobile_device_authentication_required": "the bank wants the cardholder to confirm",
    "incorrect_cvc": "the security code is wrong",
    "invalid_cvc": "the security code is wrong",
    "incorrect_zip": "the ZIP code does not match",
    "incorrect_address": "the address does not match",
    "expired_card": "the card has expired",
    "new_account_information_available": "the card was replaced",
    # Our own (processors/port.py CARD_GONE): the number may be given again, so it is not NEVER.
    "card_gone": "the card is no longer on file at the processor",
    "approve_with_id": "the bank wants the cardholder to call",
    "call_issuer": "the bank wants the cardholder to call",
    "incorrect_pin": "the PIN is wrong",
    "invalid_pin": "the PIN is wrong",
    "pin_try_exceeded": "the PIN was wrong too often",
    "offline_pin_required": "the card wants its PIN",
    "online_or_offline_pin_required": "the card wants its PIN",
}
_SOFT = {
    "insufficient_funds": "insufficient funds",
    "card_velocity_exceeded": "the card's limit is reached",
    "withdrawal_count_limit_exceeded": "the card's limit is reached",
    "processing_error": "the bank could not process it",
    "issuer_not_available": "the bank could not be reached",
    "reenter_transaction": "the bank could not process it",
    "try_again_later": "the bank says to try later",
    "no_action_taken": "the bank could not process it",
}
_VAGUE = {
    "generic_decline": "the bank gave no reason",
    "do_not_honor": "the bank gave no reason",
    "invalid_amount": "the bank does not allow this amount",
}
_TABLE: dict[str, tuple[Meaning, str]] = {
    **{code: (Meaning.NEVER, words) for code, words in {**_SECRET, **_NEVER}.items()},
    **{code: (Meaning.PATIENT, words) for code, words in _PATIENT.items()},
    **{code: (Meaning.SOFT, words) for code, words in _SOFT.items()},
    **{code: (Meaning.VAGUE, words) for code, words in _VAGUE.items()},
    "duplicate_transaction": (Meaning.RECONCILE, "the bank saw the same payment shortly before"),
}
# Visa category 1, by ISO 8583 response code. Taken for every network: the meanings agree, and it is the careful side.
VISA_NEVER = frozenset({"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"})
# Mastercard merchant advice codes (network_advice_code).
NETWORK_NEVER = {"03": "the network says not to try again", "21": "the cardholder stopped recurring payments"}
NETWORK_NEW_ACCOUNT = "01"
NETWORK_LATER = "02"
# Codes 24 to 30 name their own delay, in hours.
NETWORK_DELAY_HOURS = {"24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}
# Stripe's own non-retryable code that does not also condemn the card: no "try again later" outweighs it.
_ONLY_WITH_PATIENT = frozenset({"authentication_required"})
_STRIPE_ADVICE = frozenset({"", "confirm_card_data", "do_not_try_again", "try_again_later"})


def meaning(decline: Decline) -> Meaning:
    """Any "never again" wins; then the advice given with this charge; then the decline code; else UNKNOWN."""
    own = _TABLE.get(decline.decline_code, (Meaning.UNKNOWN, ""))[0]
    if own is Meaning.NEVER or _says_never(decline):
        return Meaning.NEVER
    if own is Meaning.RECONCILE or decline.decline_code in _ONLY_WITH_PATIENT:
        return own
    if decline.advice_code == "confirm_card_data" or decline.network_advice_code == NETWORK_NEW_ACCOUNT:
        return Meaning.PATIENT
    if decline.advice_code not in _STRIPE_ADVICE:
        return Meaning.UNKNOWN
    return Meaning.SOFT if _says_later(decline) else own


def _says_never(decline: Decline) -> bool:
    return (
        decline.advice_code == "do_not_try_again"
        or decline.network_advice_code in NETWORK_NEVER
        or decline.network_decline_code.upper() in VISA_NEVER
    )


def _says_later(decline: Decline) -> bool:
    later = decline.network_advice_code in NETWORK_DELAY_HOURS or decline.network_advice_code == NETWORK_LATER
    return later or decline.advice_code == "try_again_later"


def words(decline: Decline) -> str:
    """Why it was declined, in plain words for staff."""
    own, said = _TABLE.get(decline.decline_code, (Meaning.UNKNOWN, ""))
    if own is not Meaning.NEVER and _says_never(decline):
        return NETWORK_NEVER.get(decline.network_advice_code, "the bank says not to try again")
    if decline.advice_code not in _STRIPE_ADVICE:
        return f"unknown advice {decline.advice_code}"
    if said:
        return said
    return f"unknown code {decline.decline_code}" if decline.decline_code else "no code was given"


def patient_words(decline: Decline) -> str:
    """Why it was declined, for the patient; "" where the bank's reason is not theirs to hear from us."""
    return "" if decline.decline_code in _SECRET else _TABLE.get(decline.decline_code, (Meaning.UNKNOWN, ""))[1]
