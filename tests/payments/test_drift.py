"""Plan drift: before and after, held above the consent at the claim too, released by a new one (ADR 14)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from cards.autopay import Witness
from cards.models import AnyAutopay, Consent
from payments import attaching, claim, drift, due_parts
from payments.claim import UnableToClaim
from payments.models import Attempt, DueCheck, DuePart
from payplans import shares
from payplans.models import Installment, PayPlan
from practices.models import Practice
from tests import factories

WITNESS = Witness(channel="LINK", given_by="patient:1", ip=None)


@pytest.fixture
def plan(practice: Practice, nudged: list[int], now: datetime) -> PayPlan:
    """Three payments of $128.60, agreed to; the first is due today."""
    patient = factories.PatientFactory.create(practice=practice)
    made: PayPlan = factories.PayPlanFactory.create(patient=patient, apr=Decimal("6.5"))
    for month in (3, 4, 5):
        factories.InstallmentFactory.create(plan=made, due_date=date(2026, month, 10), is_issued=month == 3)
    agree(made, now)
    return made


def agree(plan: PayPlan, now: datetime, cents: int = 128_60) -> AnyAutopay:
    card = factories.CardFactory.create(patient=plan.guarantor) if not hasattr(plan, "autopay") else plan.autopay.card
    return attaching.attach(plan, card, max_charge_cents=cents, witness=WITNESS, now=now)


def change(plan: PayPlan, month: int, now: datetime, **facts: object) -> None:
    with transaction.atomic():
        Installment.objects.filter(plan=plan, first_due_date__month=month).update(**facts)
        due_parts.refresh(PayPlan.objects.get(pk=plan.pk), now=now)


def seen(plan: PayPlan) -> drift.Drift:
    found = PayPlan.objects.get(pk=plan.pk)
    return drift.of_payer(
        found, found.autopay.consent, found.installments.all(), shares.of_plan(found), found.guarantor_id
    )


def part_of(plan: PayPlan, month: int) -> DuePart:
    parts = DuePart.objects.filter(installment__plan=plan, installment__first_due_date__month=month)
    return parts.get(state=DuePart.State.OPEN)


def test_a_plan_as_it_was_agreed_to_has_not_drifted(plan: PayPlan) -> None:
    assert not seen(plan)


def test_every_change_since_the_consent_is_shown_before_and_after(plan: PayPlan, now: datetime) -> None:
    change(plan, 4, now, principal_cents=150_00)
    change(plan, 5, now, due_date=date(2026, 5, 12))
    factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 6, 10), principal_cents=20_00, is_issued=False)
    PayPlan.objects.filter(pk=plan.pk).update(apr=Decimal("7.25"))

    told = seen(plan)

    assert [
        (one.before_day, one.before_cents, one.after_day, one.after_cents, one.is_above) for one in told.changes
    ] == [
        (date(2026, 4, 10), 128_60, date(2026, 4, 10), 150_00, True),
        (date(2026, 5, 10), 128_60, date(2026, 5, 12), 128_60, False),
        (None, None, date(2026, 6, 10), 20_00, False),
    ]
    assert (told.rates, told.is_above) == (("6.5", "7.25"), True)


def test_money_paid_on_a_payment_is_no_change_of_the_plan_and_a_dropped_one_is(plan: PayPlan, now: datetime) -> None:
    change(plan, 4, now, office_paid_cents=28_60)
    change(plan, 5, now, status=Installment.Status.CANCELED)

    assert [(one.before_day, one.after_day) for one in seen(plan).changes] == [(date(2026, 5, 10), None)]


def test_a_lower_amount_goes_on(plan: PayPlan, now: datetime) -> None:
    change(plan, 3, now, principal_cents=100_00)

    assert (part_of(plan, 3).hold, seen(plan).is_above) == ("", False)
    assert list(DuePart.objects.due(now)) == [part_of(plan, 3)]


def test_a_charge_above_the_consent_is_held_and_the_claim_refuses_it_whatever_stands_on_it(
    plan: PayPlan, now: datetime
) -> None:
    change(plan, 3, now, principal_cents=128_61)
    part = part_of(plan, 3)
    assert (part.hold, list(DuePart.objects.due(now))) == (DuePart.Hold.ABOVE_CONSENT, [])

    DuePart.objects.filter(pk=part.pk).update(hold="", next_try_at=now)
    DueCheck.stamp(part, owed_cents=128_61, obstacle="", now=now)
    with pytest.raises(UnableToClaim, match="above the agreed maximum"):
        claim.claim(part.pk, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=now)
    assert Attempt.objects.count() == 0


def test_the_new_consent_lets_the_held_charge_go_and_ends_the_drift(plan: PayPlan, now: datetime) -> None:
    change(plan, 3, now, principal_cents=150_00)

    agree(PayPlan.objects.get(pk=plan.pk), now, 150_00)

    part = part_of(plan, 3)
    assert (part.hold, list(DuePart.objects.due(now))) == ("", [part])
    assert not seen(plan)
    assert Consent.objects.filter(revoked_at=None).count() == 1


def test_agreeing_again_with_the_same_card_brings_no_declined_try_forward(plan: PayPlan, now: datetime) -> None:
    later = datetime.fromisoformat("2026-03-14T14:00:00+00:00")
    Installment.objects.filter(plan=plan, first_due_date__month=3).update(status="FAILED")
    DuePart.objects.filter(pk=part_of(plan, 3).pk).update(next_try_at=later)

    agree(PayPlan.objects.get(pk=plan.pk), now, 200_00)

    assert part_of(plan, 3).next_try_at == later


def test_the_disclosure_stands_in_the_text_and_is_kept_with_the_consent(plan: PayPlan, now: datetime) -> None:
    consent = Consent.objects.get()

    assert "Truth in Lending disclosure\nCreditor: Maple Grove Dental\nAnnual percentage rate: 6.5 %" in consent.text
    assert consent.disclosure is not None
    assert (consent.disclosure["total_cents"], consent.disclosure["finance_charge_cents"]) == (385_80, 0)
    assert consent.terms == {"apr": "6.5"}
