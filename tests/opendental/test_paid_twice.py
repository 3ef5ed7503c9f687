"""The desk took it while our charge was in flight: somebody is told, once, until it is put right."""

from __future__ import annotations

from datetime import datetime

from opendental import contradictions
from payments.models import Alarm
from payplans.models import Installment
from practices.models import Practice
from tests import factories


def test_an_installment_paid_here_and_there_is_shown_until_it_is_put_right(practice: Practice, now: datetime) -> None:
    plan = factories.PayPlanFactory(patient=factories.PatientFactory(practice=practice))
    paid: Installment = factories.InstallmentFactory(
        plan=plan, status="PAID", collected_cents=128_60, office_paid_cents=100_00
    )
    ours: Installment = factories.InstallmentFactory(plan=plan, status="PAID", collected_cents=128_60)

    for _ in range(2):
        contradictions.paid_twice(plan, [paid, ours], now=now)

    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.about["installment"]) == ("PAID_TWICE", paid.pk)
    assert alarm.text == "This installment was paid here and in Open Dental: $100.00 too much."

    paid.office_paid_cents = 0
    contradictions.paid_twice(plan, [paid, ours], now=now)
    assert Alarm.objects.get().closed_by == "sync"


def test_a_part_paid_at_the_desk_and_the_rest_here_is_no_contradiction(practice: Practice, now: datetime) -> None:
    plan = factories.PayPlanFactory(patient=factories.PatientFactory(practice=practice))
    shared = factories.InstallmentFactory(plan=plan, status="PAID", collected_cents=28_60, office_paid_cents=100_00)

    contradictions.paid_twice(plan, [shared], now=now)

    assert Alarm.objects.count() == 0
