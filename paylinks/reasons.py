"""Why a card was declined, in words for the patient: plain, kind, and silent about what only the bank may tell."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from payments.models import Attempt

_GENERAL = gettext_noop("The bank declined the card. It does not tell us why; the number on the card's back can.")
_REASONS = {
    "insufficient_funds": gettext_noop("The bank said there was not enough money available on the card."),
    "card_velocity_exceeded": gettext_noop("The card has reached a limit for payments."),
    "withdrawal_count_limit_exceeded": gettext_noop("The card has reached a limit for payments."),
    "expired_card": gettext_noop("The card has expired."),
    "card_gone": gettext_noop("The card is no longer on file."),
    "card_not_supported": gettext_noop("The card can't be used for this kind of payment."),
    "transaction_not_allowed": gettext_noop("The card can't be used for this kind of payment."),
    "currency_not_supported": gettext_noop("The card can't be used for this kind of payment."),
    "incorrect_number": gettext_noop("The card number was not right."),
    "invalid_account": gettext_noop("The card or its account is not active."),
    "authentication_required": gettext_noop("The bank wants you to confirm a payment with this card yourself."),
    "processing_error": gettext_noop("Something went wrong on the way to the bank."),
    "issuer_not_available": gettext_noop("The bank could not be reached."),
}


def of(attempt: Attempt) -> str:
    """A sentence in the language in force. Lost, stolen and suspected fraud read like any other refusal."""
    return _(_REASONS.get(attempt.decline_code, _GENERAL))
