"""News of a refund that contradicts, surprises or comes late: never lost, never believed blindly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from payments import refund_news, refunds
from payments.models import Alarm, DuePart, LedgerPosting, Payment, Refund
from payments.refund_outcomes import settle_refund
from processors.port import Failed, NotTaken, Pending, Succeeded, Unknown
from tests.payments.refunding import paid, reserve
from tests.plugins.stripe import Shop


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.stripe.refunds.RESEND_AFTER_SECONDS", 0)
    cache.clear()


@pytest.fixture
def payment(part: DuePart, shop: Shop, now: datetime) -> Payment:
    return paid(part, now)


def alarms() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True).order_by("pk"))


@pytest.mark.parametrize(
    ("state", "news"),
    [("PENDING", NotTaken("x")), ("SUCCEEDED", NotTaken("x")), ("FAILED", Succeeded("re_1", 1_00)),
     ("NOT_TAKEN", Succeeded("re_1", 1_00)), ("NOT_TAKEN", Pending("re_1"))],
)  # fmt: skip
def test_contradicting_news_is_an_alarm_and_changes_nothing(
    payment: Payment, now: datetime, state: str, news: Any
) -> None:
    refund = reserve(payment, 1_00, now)
    Refund.objects.update(state=state)

    assert not settle_refund(refund.pk, news, now=now, actor="test")

    refund.refresh_from_db()
    assert (refund.state, alarms()) == (state, ["CONTRADICTION"])
    assert not LedgerPosting.objects.filter(movement="REFUND").exists()


def test_a_wrong_key_is_told_to_an_operator(payment: Payment, now: datetime) -> None:
    refund = reserve(payment, 1_00, now)

    settle_refund(refund.pk, NotTaken("The processor refuses the secret key", needs_operator=True), now=now, actor="t")

    assert alarms() == ["PROCESSOR_REFUSES"]


def test_another_amount_than_asked_is_told(payment: Payment, now: datetime) -> None:
    refund = reserve(payment, 1_00, now)

    settle_refund(refund.pk, Succeeded("re_1", 99), now=now, actor="t")

    assert alarms() == ["AMOUNT_DIFFERS"]


def test_only_a_result_moves_an_unknown_refund(payment: Payment, now: datetime) -> None:
    refund = reserve(payment, 1_00, now)
    settle_refund(refund.pk, Unknown("lost"), now=now, actor="t")

    assert not settle_refund(refund.pk, Unknown("lost"), now=now, actor="t")
    assert settle_refund(refund.pk, Failed("re_1", "declined"), now=now, actor="t")


def test_refunds_stay_asked_for_under_one_key(payment: Payment, now: datetime) -> None:
    refund = reserve(payment, 1_00, now)

    assert refund.key == f"kp-refund-{refund.uuid}"
    assert refund.params == {
        "payment_intent": payment.processor_reference, "amount": 1_00, "metadata": {"refund": str(refund.uuid)},
    }  # fmt: skip
    assert refunds._REASONS.keys() == {"REQUESTED", "DUPLICATE"}
    assert timedelta(hours=23) == refund_news.KEY_LIVES


def test_what_goes_back_of_a_payment_that_the_ledger_was_never_told_of_is_not_posted(
    payment: Payment, now: datetime
) -> None:
    """Voided before it was posted, then disputed and lost: a posting would wait for the payment for ever."""
    LedgerPosting.objects.filter(payment=payment).update(state="WITHDRAWN")
    refund = reserve(payment, 1_00, now)

    settle_refund(refund.pk, Succeeded("du_1", 1_00), now=now, actor="t")

    refund.refresh_from_db()
    assert (refund.state, LedgerPosting.objects.filter(refund=refund).count(), alarms()) == ("SUCCEEDED", 0, [])
