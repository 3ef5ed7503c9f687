"""What people agree to is said in whole sentences, in their language."""

from __future__ import annotations

from datetime import datetime, timedelta

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
        (["2026-03-02", "2026-04-10"], "en", "on its due dates: one payment, on 04/10/2026."),
        (["2026-03-02"], "en", "on its due dates: payments to come."),
        (["2026-03-02"], "es", "en sus fechas de vencimiento: los pagos por venir."),
    ],
)
def test_the_consent_names_card_dates_and_maximum(
    practice: Practice, dates: list[str], language: str, words: str, now: datetime
) -> None:
    patient = factories.PatientFactory(practice=practice)
    plan = factories.PayPlanFactory(patient=patient)
    for day in dates:
        factories.InstallmentFactory(plan=plan, due_date=day)
    card = factories.CardFactory(patient=patient)

    text = autopay.consent_text(plan, card, max_charge_cents=200_00, language=language, now=now)

    assert words in text
    assert "Visa 4242" in text
    assert "(555) 555-0100" in text


def test_todays_payment_is_in_the_words_and_yesterdays_is_not(practice: Practice, now: datetime) -> None:
    patient = factories.PatientFactory(practice=practice)
    plan = factories.PayPlanFactory(patient=patient)
    today = now.astimezone(practice.zone).date()
    for day in (today - timedelta(days=1), today):
        factories.InstallmentFactory(plan=plan, due_date=day)
    card = factories.CardFactory(patient=patient)

    text = autopay.consent_text(plan, card, max_charge_cents=200_00, language="en", now=now)

    assert f"one payment, on {today:%m/%d/%Y}." in text


def test_a_card_that_replaces_one_takes_over_what_became_due_under_it(practice: Practice, now: datetime) -> None:
    patient, day = factories.PatientFactory.create(practice=practice), now.astimezone(practice.zone).date()
    plan = factories.PayPlanFactory.create(patient=patient)
    factories.AutopayFactory.create(
        plan=plan, card=factories.CardFactory.create(patient=patient, is_primary=False), since=now - timedelta(days=40)
    )
    for due in (day - timedelta(days=41), day - timedelta(days=30), day + timedelta(days=1)):
        factories.InstallmentFactory(plan=plan, due_date=due)
    card = factories.CardFactory.create(patient=patient, last4="4444")

    text = autopay.consent_text(plan, card, max_charge_cents=200_00, language="en", now=now)

    assert f"2 payments, {day - timedelta(days=30):%m/%d/%Y} to {day + timedelta(days=1):%m/%d/%Y}." in text
