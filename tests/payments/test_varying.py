"""A debit card is charged a changed amount only 10 days after the notice (decisions 15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from cards.autopay import Witness
from cards.models import Autopay
from notifications.models import Message
from patients.models import Patient
from payments import arrears, due_parts
from payments.models import DuePart
from payplans.models import PayPlan
from practices.models import Practice
from tests import factories

FIRST_TRY = datetime(2026, 3, 20, 14, 0, tzinfo=UTC)
SCHEDULE = [{"due_date": "2026-03-20", "amount_cents": 128_60}]


def plan_with(practice: Practice, *, funding: str, amount_cents: int) -> PayPlan:
    patient = factories.PatientFactory.create(practice=practice)
    plan: PayPlan = factories.PayPlanFactory.create(patient=patient)
    factories.InstallmentFactory.create(plan=plan, due_date="2026-03-20", principal_cents=amount_cents)
    card = factories.CardFactory.create(patient=patient, funding=funding)
    consent = factories.ConsentFactory.create(card=card, plan=plan, schedule=SCHEDULE, max_charge_cents=200_00)
    factories.AutopayFactory.create(plan=plan, card=card, consent=consent)
    return plan


def refreshed(plan: PayPlan, now: datetime) -> DuePart:
    with transaction.atomic():
        due_parts.refresh(PayPlan.objects.get(pk=plan.pk), now=now)
    return DuePart.objects.get(state=DuePart.State.OPEN)


def test_an_agreed_amount_is_charged_on_its_date_without_a_notice(practice: Practice, now: datetime) -> None:
    part = refreshed(plan_with(practice, funding="debit", amount_cents=128_60), now)

    assert (part.next_try_at, part.wait_reason) == (FIRST_TRY, "")
    assert Message.objects.count() == 0


@pytest.mark.parametrize("funding", ["credit", "prepaid", "unknown"])
def test_other_cards_are_charged_a_changed_amount_on_its_date(practice: Practice, now: datetime, funding: str) -> None:
    part = refreshed(plan_with(practice, funding=funding, amount_cents=150_00), now)

    assert part.next_try_at == FIRST_TRY
    assert Message.objects.count() == 0


def test_a_debit_card_waits_ten_days_after_one_notice_of_the_new_amount(practice: Practice, now: datetime) -> None:
    plan = plan_with(practice, funding="debit", amount_cents=150_00)
    late = datetime(2026, 3, 15, 15, 0, tzinfo=UTC)

    part = refreshed(plan, late)
    again = refreshed(plan, late + timedelta(days=1))

    # March 25, 10:00 in New York.
    assert part.next_try_at == again.next_try_at == datetime(2026, 3, 25, 14, 0, tzinfo=UTC)
    assert again.wait_reason == "The amount changed: a debit card is charged 10 days after the notice"
    assert [message.kind for message in Message.objects.all()] == ["PLAN_CHANGED"]


def test_a_notice_given_early_enough_delays_nothing(practice: Practice, now: datetime) -> None:
    part = refreshed(plan_with(practice, funding="debit", amount_cents=150_00), now)

    assert (part.next_try_at, part.wait_reason) == (FIRST_TRY, "")
    assert Message.objects.count() == 1


def test_ten_installments_of_one_new_amount_are_announced_once(practice: Practice, now: datetime) -> None:
    plan = plan_with(practice, funding="debit", amount_cents=150_00)
    for month in range(4, 13):
        factories.InstallmentFactory.create(plan=plan, due_date=f"2026-{month:02d}-20", principal_cents=150_00)

    with transaction.atomic():
        due_parts.refresh(PayPlan.objects.get(pk=plan.pk), now=now)

    assert DuePart.objects.count() == 10
    assert Message.objects.count() == 1


def test_what_is_held_above_the_agreed_maximum_is_not_announced(practice: Practice, now: datetime) -> None:
    part = refreshed(plan_with(practice, funding="debit", amount_cents=250_00), now)

    assert part.hold == DuePart.Hold.ABOVE_CONSENT
    assert Message.objects.count() == 0


def test_a_notice_that_reached_nobody_holds_the_charge_for_staff(practice: Practice, now: datetime) -> None:
    plan = plan_with(practice, funding="debit", amount_cents=150_00)
    Patient.objects.update(texting_wish="No", email="")

    part = refreshed(plan, now)

    assert Message.objects.get().state == "BLOCKED"
    assert (part.hold, part.hold_reason) == (
        "STAFF", "The changed amount could not be announced, which a debit card needs 10 days ahead",
    )  # fmt: skip


def test_the_ten_days_count_from_the_sending(practice: Practice, now: datetime) -> None:
    plan = plan_with(practice, funding="debit", amount_cents=150_00)
    refreshed(plan, now)
    Message.objects.update(sent_at=datetime(2026, 3, 18, 15, 0, tzinfo=UTC), state="SENT")

    # March 28, 10:00 in New York.
    assert refreshed(plan, now).next_try_at == datetime(2026, 3, 28, 14, 0, tzinfo=UTC)


def overdue_on_debit(practice: Practice, now: datetime) -> PayPlan:
    """An overdue installment of another amount than those to come; the debit card came today."""
    plan = plan_with(practice, funding="debit", amount_cents=128_60)
    plan.installments.update(due_date="2026-02-20", principal_cents=99_00)
    Autopay.objects.filter(plan=plan).update(since=now)
    return plan


def test_what_was_overdue_before_the_card_came_is_not_announced(practice: Practice, now: datetime) -> None:
    part = refreshed(overdue_on_debit(practice, now), now)

    assert part.hold == DuePart.Hold.ARREARS
    assert Message.objects.count() == 0


def test_what_is_overdue_and_agreed_to_is_charged_without_a_notice(practice: Practice, now: datetime) -> None:
    plan = overdue_on_debit(practice, now)
    refreshed(plan, now)
    witness = Witness(channel="STAFF", given_by="user:1", ip=None)
    with transaction.atomic():
        agreed = arrears.agree(plan, Autopay.objects.get(plan=plan).card, witness=witness, now=now)

    part = refreshed(plan, now)

    assert agreed == 99_00
    assert (part.hold, part.wait_reason) == ("", "")
    assert list(DuePart.objects.due(now)) == [part]
    assert [message.kind for message in Message.objects.all()] == ["CONSENT_COPY"]
