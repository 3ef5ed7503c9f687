"""The variables a template may hold, by their staff labels, and which kind of message knows which. Pure."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum

from notifications.models import Kind

PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")
Value = str | date


class Variable(StrEnum):
    AMOUNT = "Transaction Amount"
    DUE_DATE = "Payment Due Date"
    LINK = "Link to Pay"
    RECEIPT_LINK = "Link to Receipt"
    PLAN_LINK = "Link to My Plan"
    PATIENT_NAME = "Patient Name"
    PRACTICE_PHONE = "Practice Phone Number"
    PRACTICE_NAME = "Practice Name"
    LAST4 = "Card Last 4"
    NEXT_TRY = "Next Try Date"
    CONSENT_TEXT = "Consent Text"
    EXPIRY = "Card Expiration"
    # By text where the practice lets payers move a charge, else the practice's number.
    CHANGE = "How to Change"
    CODE = "Verification Code"
    # What staff write by hand.
    WORDS = "Words"

    @property
    def placeholder(self) -> str:
        """How it stands in a template."""
        return f"{{{self.value}}}"


V = Variable
EVERYWHERE = (V.PATIENT_NAME, V.PRACTICE_NAME, V.PRACTICE_PHONE, V.CODE)
_ALLOWED: dict[str, tuple[Variable, ...]] = {
    Kind.PAYMENT_SUCCESSFUL: (V.AMOUNT, V.DUE_DATE, V.LAST4),
    Kind.PAYMENT_FAILED: (V.AMOUNT, V.DUE_DATE, V.LINK, V.LAST4, V.NEXT_TRY),
    Kind.REFUND: (V.AMOUNT, V.LAST4),
    Kind.UPCOMING_CHARGE: (V.AMOUNT, V.DUE_DATE, V.LAST4, V.CHANGE),
    Kind.CARD_EXPIRING: (V.AMOUNT, V.DUE_DATE, V.LAST4),
    Kind.PLAN_CHANGED: (V.AMOUNT, V.DUE_DATE),
    Kind.PLAN_COMPLETED: (),
    Kind.CONSENT_COPY: (V.AMOUNT, V.LAST4, V.CONSENT_TEXT),
    Kind.CONSENT_ASKED: (V.LINK,),
    Kind.RECEIPT: (V.RECEIPT_LINK,),
    Kind.REQUEST: (V.AMOUNT, V.LINK),
    Kind.REQUEST_REMINDER: (V.AMOUNT, V.LINK),
    Kind.MY_PLAN: (V.PLAN_LINK,),
    Kind.CARD_UPDATED: (V.LAST4, V.EXPIRY),
    Kind.WRITTEN: (V.WORDS,),
}
# Without these the message is of no use to the patient.
_REQUIRED: dict[str, tuple[Variable, ...]] = {
    Kind.PAYMENT_SUCCESSFUL: (V.AMOUNT,),
    Kind.PAYMENT_FAILED: (V.LINK,),
    Kind.REFUND: (V.AMOUNT,),
    Kind.UPCOMING_CHARGE: (V.AMOUNT, V.DUE_DATE),
    Kind.CARD_EXPIRING: (V.LAST4,),
    Kind.CONSENT_ASKED: (V.LINK,),
    Kind.RECEIPT: (V.RECEIPT_LINK,),
    Kind.REQUEST: (V.LINK,),
    Kind.REQUEST_REMINDER: (V.LINK,),
    Kind.MY_PLAN: (V.PLAN_LINK,),
    Kind.CARD_UPDATED: (V.LAST4,),
}
# Secrets of the one who gets the message: in its text only.
LINKS = (V.LINK, V.RECEIPT_LINK, V.PLAN_LINK)
SAMPLES: dict[Variable, Value] = {
    V.AMOUNT: "$162.50",
    V.DUE_DATE: date(2026, 12, 12),
    V.PATIENT_NAME: "Testa",
    V.PRACTICE_PHONE: "(555) 555-0100",
    V.LAST4: "4242",
    V.NEXT_TRY: date(2026, 12, 13),
    V.CONSENT_TEXT: "I agree that the monthly payments of my plan are charged to my card ending in 4242.",
    V.EXPIRY: "08/2029",
    V.CHANGE: "To pay later text MOVE and a day, like MOVE 20.",
    V.CODE: "483 201",
    V.WORDS: "Your card works again. Nothing else to do.",
}
_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
}


def allowed(kind: str) -> tuple[Variable, ...]:
    """The variables that a template of this kind may hold, in the order of their buttons."""
    return tuple(variable for variable in Variable if variable in (*_ALLOWED[kind], *EVERYWHERE))


def required(kind: str, channel: str) -> tuple[Variable, ...]:
    """The variables that must be there. The e-mailed copy of a consent holds its exact text (compliance NET-1)."""
    if kind == Kind.CONSENT_COPY and channel == "EMAIL":
        return (V.CONSENT_TEXT,)
    return _REQUIRED.get(kind, ())


def used(template: str) -> list[str]:
    """The names between braces, known or not, in order."""
    return [name.strip() for name in PLACEHOLDER.findall(template)]


def text_of(value: Value, language: str) -> str:
    """A day as "Dec 12, 2026" or "12 dic 2026" (letters that fit into a plain text message); text as it is."""
    if isinstance(value, str):
        return value
    month = _MONTHS[language][value.month - 1]
    return f"{value.day} {month} {value.year}" if language == "es" else f"{month} {value.day}, {value.year}"
