"""Paying before Open Dental has issued a charge: only the next one, since that is where it puts the money."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from payments import guards
from payments.guards import UnableToClaim
from payplans.models import Installment
from practices.models import Practice
from tests import factories


@pytest.fixture
def parts(practice: Practice) -> dict[int, Any]:
    """Due parts by month: April, May and June are not issued yet."""
    plan = factories.PayPlanFactory(patient=factories.PatientFactory(practice=practice))
    made = {}
    for month in (4, 5, 6):
        installment = factories.InstallmentFactory(plan=plan, due_date=date(2026, month, 10), is_issued=False)
        made[month] = factories.DuePartFactory(installment=installment)
    return made


def test_the_next_payment_may_be_made_early(parts: dict[int, Any], now: datetime) -> None:
    guards.refuse_unless_issued(parts[4], "PAY_NOW")


@pytest.mark.parametrize("channel", ["PAY_NOW", "FIX_LINK"])
def test_a_later_one_is_refused_while_an_earlier_one_waits(parts: dict[int, Any], channel: str) -> None:
    with pytest.raises(UnableToClaim, match="take that one first"):
        guards.refuse_unless_issued(parts[5], channel)


def test_it_may_be_made_once_the_earlier_one_is_paid_or_issued(parts: dict[int, Any]) -> None:
    Installment.objects.filter(pk=parts[4].installment_id).update(status="PAID")
    Installment.objects.filter(pk=parts[5].installment_id).update(is_issued=True)

    guards.refuse_unless_issued(parts[6], "PAY_NOW")


def test_autopay_never_pays_early(parts: dict[int, Any]) -> None:
    with pytest.raises(UnableToClaim, match="has not issued"):
        guards.refuse_unless_issued(parts[4], "AUTOPAY")
