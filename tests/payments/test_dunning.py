"""Dunning calendars walked day by day with the real sweep against the sandbox Stripe: tries, quiet days, the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from cards.models import Card
from core import clock
from notifications.models import Kind, Message
from payments import attaching, charging
from payments.claim import UnableToClaim
from payments.models import Attempt, DuePart, LedgerPosting, Payment
from payments.tasks import autopay_one, sweep_one
from payplans.models import Installment
from practices.models import PaymentSettings, Practice
from tests import factories
from tests.cards.test_autopay import DESK
from tests.payments.making import autopay_of, installment_of, plan_of
from tests.plugins.stripe import Shop, chargeable

Walk = Callable[..., list[date]]


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    return lambda moment: monkeypatch.setattr(clock, "now", lambda: moment)


@pytest.fixture
def walk(practice: Practice, at: Callable[[datetime], None]) -> Walk:
    """Sweep three times each day (9:59, 10:00, 22:00 in New York); returns the days on which something was tried."""

    def run(first: date, days: int) -> list[date]:
        tried = []
        for day in (first + timedelta(days=number) for number in range(days)):
            before = Attempt.objects.count()
            for hour, minute in ((9, 59), (10, 0), (22, 0)):
                moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=practice.zone).astimezone(UTC)
                at(moment)
                one_pass(practice, moment)
                if minute == 59:
                    assert Attempt.objects.count() == before, "nothing is tried before the charge hour"
            new = Attempt.objects.count() - before
            assert new in (0, 1), f"{new} tries on {day}"
            tried += [day] * new
        return tried

    return run


def one_pass(practice: Practice, now: datetime) -> int:
    """The sweep's task, its charges made at once (business time stands still at `now`)."""
    assert clock.now() == now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autopay_one, "apply_async", lambda kwargs, countdown: autopay_one(**kwargs))
        return int(sweep_one(practice_id=practice.pk))


def march(first: int, last: int) -> list[date]:
    return [date(2026, 3, 10) + timedelta(days=number - 10) for number in range(first, last + 1)]


def failures_told() -> int:
    return Message.objects.filter(kind=Kind.PAYMENT_FAILED).count()


def test_insufficient_funds_for_forty_days(part: DuePart, shop: Shop, walk: Walk) -> None:
    """March 10 declined, daily until the 15th try on March 24, silence for 30 days from the first try, then paid."""
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")

    assert walk(date(2026, 3, 8), 17) == march(10, 24)
    assert (len(shop.books("charges")), shop.taken(), Payment.objects.count()) == (15, [], 0)
    assert set(shop.intents()) == {"canceled"}
    # The first, then every third: 1, 3, 6, 9, 12, 15.
    assert failures_told() == 6
    spent = DuePart.objects.get()
    assert (installment_of(part).status, spent.hold) == ("FAILED", "")
    assert spent.next_try_at == datetime(2026, 4, 9, 14, 0, tzinfo=UTC)

    # Quiet days: nothing is tried, nobody is told, and a person can't spend more either.
    assert walk(date(2026, 3, 25), 15) == []
    assert (len(shop.books("charges")), failures_told()) == (15, 6)
    with pytest.raises(UnableToClaim, match="declined 15 times in 30 days"):
        charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=clock.now(), card_id=autopay_of(part).card.pk)

    # 30 days after the first try one is free again, and the money is there.
    shop.behave(autopay_of(part).card, "ok")
    assert walk(date(2026, 4, 9), 6) == [date(2026, 4, 9)]
    assert (shop.taken(), Payment.objects.count(), LedgerPosting.objects.count()) == ([128_60], 1, 1)
    assert installment_of(part).status == "PAID"
    assert Message.objects.filter(kind=Kind.PAYMENT_SUCCESSFUL).count() == 1
    assert failures_told() == 6


def test_a_bank_that_gives_no_reason_is_tried_sparsely(part: DuePart, shop: Shop, walk: Walk) -> None:
    shop.behave(autopay_of(part).card, "decline:do_not_honor")

    tried = walk(date(2026, 3, 10), 30)

    assert [(day - date(2026, 3, 10)).days for day in tried] == [0, 1, 4, 8, 15, 22, 29]
    # Told at the first, third and sixth.
    assert failures_told() == 3


@pytest.mark.parametrize(
    ("behaviour", "hold"),
    [
        ("decline:lost_card", "NEW_CARD"),
        ("authenticate", "NEW_CARD"),
        ("decline:generic_decline:do_not_try_again", "NEW_CARD"),
        ("block:highest_risk_level", "NEW_CARD"),
        ("decline:a_code_of_tomorrow", "STAFF"),
        ("decline:duplicate_transaction", "RECONCILE"),
    ],
)
def test_what_no_retry_can_heal_is_tried_once_and_then_waits(
    part: DuePart, shop: Shop, walk: Walk, behaviour: str, hold: str
) -> None:
    shop.behave(autopay_of(part).card, behaviour)

    assert walk(date(2026, 3, 10), 5) == [date(2026, 3, 10)]
    assert DuePart.objects.get().hold == hold
    assert failures_told() == (0 if hold == "RECONCILE" else 1)


def test_a_new_card_repairs_it_the_same_day(part: DuePart, shop: Shop, walk: Walk, practice: Practice) -> None:
    shop.behave(autopay_of(part).card, "decline:lost_card")
    walk(date(2026, 3, 10), 1)
    new = shop.card(part.payer, "5555555555554444", is_primary=False)

    attaching.attach(plan_of(part), new, max_charge_cents=128_60, witness=DESK, now=clock.now())
    assert one_pass(practice, clock.now()) == 1

    assert (shop.taken(), installment_of(part).status) == ([128_60], "PAID")
    assert [attempt.saved_card.last4 for attempt in Attempt.objects.order_by("pk")] == ["4242", "4444"]


def test_the_budget_belongs_to_the_number_across_persons_and_plans(
    part: DuePart, shop: Shop, practice: Practice, at: Callable[[datetime], None]
) -> None:
    """Two people pay with the same card: together they have 15 declined tries, whoever's turn it is."""
    other = chargeable(shop, practice)
    assert autopay_of(part).card.fingerprint == autopay_of(other).card.fingerprint
    for one in (part, other):
        shop.behave(autopay_of(one).card, "decline:insufficient_funds")
    now = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)

    tries = []
    for moment in (now + timedelta(days=number) for number in range(10)):
        at(moment)
        one_pass(practice, moment)
        tries.append(len(shop.books("charges")))

    assert tries == [2, 4, 6, 8, 10, 12, 14, 15, 15, 15]
    assert Attempt.objects.filter(state="DECLINED").count() == 15


def test_the_same_number_entered_again_has_the_same_budget(part: DuePart, shop: Shop, now: datetime) -> None:
    old = autopay_of(part).card
    history(part, old, [now - timedelta(days=29 - number) for number in range(15)])
    again = shop.card(part.payer, "4242424242424242", is_primary=False)
    assert (again.fingerprint, again.payment_method == old.payment_method) == (old.fingerprint, False)

    with pytest.raises(UnableToClaim, match="declined 15 times in 30 days"):
        charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=now, card_id=again.pk)
    assert shop.asked() == []

    other = shop.card(part.payer, "5555555555554444", is_primary=False)
    attempt = charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=now, card_id=other.pk)
    assert attempt.state == "SUCCEEDED"


def test_a_try_falls_out_of_the_budget_after_thirty_days_to_the_second(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    card = autopay_of(part).card
    history(part, card, [now - timedelta(days=30) + timedelta(seconds=1), *[now - timedelta(days=9)] * 14])

    with pytest.raises(UnableToClaim, match="declined 15 times"):
        charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=now, card_id=card.pk)
    later = now + timedelta(seconds=1)
    assert charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=later, card_id=card.pk).state == "SUCCEEDED"


def test_a_try_in_flight_counts_against_the_budget(
    part: DuePart, shop: Shop, practice: Practice, now: datetime
) -> None:
    card = autopay_of(part).card
    history(part, card, [now - timedelta(days=9)] * 14)
    other = chargeable(shop, practice)
    history(other, autopay_of(other).card, [now], state="UNKNOWN")

    with pytest.raises(UnableToClaim, match="declined 15 times"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    assert shop.asked() == []


def history(part: DuePart, card: Card, tries: list[datetime], state: str = "DECLINED") -> None:
    """Earlier tries of this card for something else, or this part's own."""
    owner = part if state != "DECLINED" else factories.DuePartFactory.create(
        installment=factories.InstallmentFactory.create(plan=plan_of(part), status="PAID"), state="CLOSED"
    )  # fmt: skip
    for number, at in enumerate(tries, 1):
        Attempt.objects.create(
            practice=part.practice, due_part=owner, number=number, amount_cents=128_60, card=card, channel="AUTOPAY",
            actor="autopay", state=state, create_params={"customer": card.customer}, confirm_params={}, started_at=at,
        )  # fmt: skip


def test_a_gentler_practice_stops_earlier_and_rests_on_its_weekdays(part: DuePart, shop: Shop, walk: Walk) -> None:
    """Four tries in 30 days, on Tuesdays and Fridays only. March 10, 2026 is a Tuesday."""
    PaymentSettings.objects.update(max_tries=4, retry_weekdays=[2, 5])
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")

    tried = walk(date(2026, 3, 10), 32)

    assert tried == [date(2026, 3, 10), date(2026, 3, 13), date(2026, 3, 17), date(2026, 3, 20), date(2026, 4, 10)]


def test_the_hour_of_the_retry_follows_the_practices_clock_over_daylight_saving(
    part: DuePart, shop: Shop, walk: Walk
) -> None:
    Installment.objects.update(due_date=date(2026, 3, 6))
    DuePart.objects.update(next_try_at=datetime(2026, 3, 6, 15, 0, tzinfo=UTC))
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")

    assert walk(date(2026, 3, 6), 4) == [date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)]
    started = Attempt.objects.order_by("pk").values_list("started_at", flat=True)
    assert [moment.hour for moment in started] == [15, 15, 14, 14]


def test_a_processor_that_is_down_for_a_day_costs_no_try_and_no_message(
    part: DuePart, shop: Shop, practice: Practice, at: Callable[[datetime], None]
) -> None:
    shop.fault("POST /v1/payment_intents", "throttle", times=1000)
    start = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
    for minutes in range(0, 24 * 60, 10):
        at(start + timedelta(minutes=minutes))
        one_pass(practice, start + timedelta(minutes=minutes))
    tries = Attempt.objects.count()
    assert 8 <= tries <= 12
    assert (failures_told(), DuePart.objects.get().hold) == (0, "")

    shop.process.http.delete("/_sandbox/faults")
    at(start + timedelta(days=2))
    one_pass(practice, start + timedelta(days=2))
    assert (shop.taken(), installment_of(part).status) == ([128_60], "PAID")
