"""What people agree to is said in whole sentences, in their language."""

from __future__ import annotations

import pytest

from cards import autopay
from practices.models import Practice
from tests import factories


@pytest.mark.parametrize(
    ("dates", "language", "words"),
    [
        (
            ["2026-04-10"],
            "en",
            "on its due dates: one payment, on 04/10/2026. No single charge will be more than $200.00.",
        ),
        (["2026-04-10", "2026-05-10"], "en", "on its due dates: 2 payments, 04/10/2026 to 05/10/2026."),
        (["2026-04-10"], "es", "en sus fechas de vencimiento: un pago, el 04/10/2026."),
        (["2026-04-10", "2026-05-10"], "es", "en sus fechas de vencimiento: 2 pagos, del 04/10/2026 al 05/10/2026."),
    ],
)
def test_the_consent_names_card_dates_and_maximum(
    practice: Practice, dates: list[str], language: str, words: str
) -> None:
    patient = factories.PatientFactory(practice=practice)
    plan = factories.PayPlanFactory(patient=patient)
    for day in dates:
        factories.InstallmentFactory(plan=plan, due_date=day)
    card = factories.CardFactory(patient=patient)

    text = autopay.consent_text(plan, card, max_charge_cents=200_00, language=language)

    assert words in text
    assert "Visa 4242" in text
    assert "(555) 555-0100" in text
