"""The Truth in Lending disclosure in words, as it stands below a consent (12 CFR 1026.17, 1026.18). Pure."""

from __future__ import annotations

from core.money import format_cents
from payplans.lending import Disclosure, Run

_TEXTS = {
    "en": (
        "Truth in Lending disclosure\nCreditor: {practice}\nAnnual percentage rate: {apr} %\n"
        "Finance charge, what the credit costs me: {charge}\nAmount financed, the credit I get: {financed}\n"
        "Total of payments, when all are made as scheduled: {total}\nPayments: {payments}\n"
        "If I pay off early, there is no penalty and I owe no interest of the months to come."
    ),
    "es": (
        "Declaración de Veracidad en Préstamos\nAcreedor: {practice}\nTasa de porcentaje anual (APR): {apr} %\n"
        "Cargo por financiamiento, lo que me cuesta el crédito: {charge}\n"
        "Cantidad financiada, el crédito que recibo: {financed}\n"
        "Total de pagos, si todos se hacen según el calendario: {total}\nPagos: {payments}\n"
        "Si pago antes, no hay penalidad y no debo los intereses de los meses siguientes."
    ),
}
_OF = {"en": ("of", "to"), "es": ("de", "a")}


def text(found: Disclosure, practice: str, language: str) -> str:
    """In "en" or "es"; another language gets English."""
    known = language if language in _TEXTS else "en"
    return _TEXTS[known].format(
        practice=practice, apr=found.apr_words, charge=format_cents(found.finance_charge_cents),
        financed=format_cents(found.amount_financed_cents), total=format_cents(found.total_cents),
        payments="; ".join(_run(one, known) for one in found.runs()),
    )  # fmt: skip


def _run(one: Run, language: str) -> str:
    """ "4 of $128.60, 07/24/2026 to 10/24/2026"."""
    of, to = _OF[language]
    days = f"{one.first:%m/%d/%Y}" if one.count == 1 else f"{one.first:%m/%d/%Y} {to} {one.last:%m/%d/%Y}"
    return f"{one.count} {of} {format_cents(one.cents)}, {days}"
