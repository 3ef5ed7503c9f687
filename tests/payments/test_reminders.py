"""Messages before a charge: to whom, when, once, and not about what will not be charged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cards.models import Autopay, Card
from notifications.models import Kind, Message
from payments import reminders
from payments.models import DuePart
from payplans.models import Installment, PayPlan
from practices.models import PaymentSettings, Practice
from tests import factories
from tests.payments.making import autopay_of

SOON = datetime(2026, 3, 7, 17, 0, tzinfo=UTC)


@pytest.fixture
def part(practice: Practice) -> DuePart:
    """Due on March 10."""
    return factories.collectable(practice)


def sent() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("kind", flat=True))


def test_an_upcoming_charge_is_told_three_days_before_once(part: DuePart) -> None:
    assert reminders.queue_due(now=SOON - timedelta(days=1)) == 0
    assert reminders.queue_due(now=SOON) == 1
    for days in (0, 1, 2):
        reminders.queue_due(now=SOON + timedelta(days=days))

    message = Message.objects.get()
    assert (message.kind, message.patient) == (Kind.UPCOMING_CHARGE, part.payer)
    assert message.values["Transaction Amount"] == "$128.60"
    assert message.values["Card Last 4"] == "4242"


def test_nothing_is_told_on_the_day_itself_or_later(part: DuePart) -> None:
    assert reminders.queue_due(now=SOON + timedelta(days=3)) == 0
    assert sent() == []


def test_the_days_are_those_of_the_practice(part: DuePart) -> None:
    # In New York it is still March 6.
    assert reminders.queue_due(now=datetime(2026, 3, 7, 4, 59, tzinfo=UTC)) == 0
    assert reminders.queue_due(now=datetime(2026, 3, 7, 5, 0, tzinfo=UTC)) == 1


def test_the_practice_chooses_how_many_days_before(part: DuePart) -> None:
    PaymentSettings.objects.update(upcoming_days=5)

    assert reminders.queue_due(now=SOON - timedelta(days=2)) == 1
    assert sent() == [Kind.UPCOMING_CHARGE]


def test_a_card_that_will_have_expired_is_told_instead(part: DuePart) -> None:
    Card.objects.update(exp_year=2026, exp_month=2)

    reminders.queue_due(now=SOON)

    assert sent() == [Kind.CARD_EXPIRING]


def test_a_card_is_good_to_the_end_of_its_month(part: DuePart) -> None:
    Card.objects.update(exp_year=2026, exp_month=3)

    reminders.queue_due(now=SOON)

    assert sent() == [Kind.UPCOMING_CHARGE]


def test_a_date_that_moved_or_another_card_is_told_anew(part: DuePart) -> None:
    reminders.queue_due(now=SOON)
    Installment.objects.update(due_date=date(2026, 3, 9))
    reminders.queue_due(now=SOON)
    Autopay.objects.update(card=factories.CardFactory.create(patient=part.payer, is_primary=False))
    reminders.queue_due(now=SOON)

    assert sent() == [Kind.UPCOMING_CHARGE] * 3


def test_the_same_card_saved_anew_is_not_told_twice(part: DuePart) -> None:
    reminders.queue_due(now=SOON)
    autopay = autopay_of(part)
    again = factories.CardFactory.create(
        patient=autopay.card.patient, fingerprint=autopay.card.fingerprint, last4=autopay.card.last4, is_primary=False
    )
    Autopay.objects.filter(pk=autopay.pk).update(card=again)
    reminders.queue_due(now=SOON)

    assert sent() == [Kind.UPCOMING_CHARGE]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Autopay, {"is_on": False}),
        (PayPlan, {"is_closed": True}),
        (Installment, {"status": "PAID"}),
        (Installment, {"status": "FAILED"}),
        (Installment, {"is_down_payment": True}),
        (Installment, {"office_paid_cents": 128_60}),
        (DuePart, {"hold": "ABOVE_CONSENT"}),
        (DuePart, {"hold": "NEW_CARD"}),
        (DuePart, {"state": "CLOSED"}),
    ],
)
def test_what_will_not_be_charged_by_itself_is_not_announced(
    part: DuePart, model: type[PayPlan], fields: dict[str, object]
) -> None:
    model.objects.update(**fields)

    reminders.queue_due(now=SOON)

    assert sent() == []


def test_a_practice_without_settings_is_left_alone(part: DuePart) -> None:
    PaymentSettings.objects.all().delete()

    assert reminders.queue_due(now=SOON) == 0
    assert autopay_of(part).is_on


@pytest.mark.parametrize(
    ("moves", "words"), [(2, "To pay later text MOVE and a day, like MOVE 24."), (0, "Questions? (555) 555-0100")]
)
def test_an_upcoming_charge_says_how_to_move_it_where_the_practice_lets_payers(
    part: DuePart, moves: int, words: str
) -> None:
    PaymentSettings.objects.update(patient_moves=moves)

    reminders.queue_due(now=SOON)

    assert Message.objects.get().values["How to Change"] == words
