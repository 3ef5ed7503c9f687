"""The sweep, its tasks and what a person sees meanwhile: leases, pauses, pages, refusals that are said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from cards.models import Autopay
from core import clock
from payments import asking, progress, sweep, tasks, upward
from payments.claim import claim
from payments.models import Attempt, DuePart
from payplans.models import Installment
from practices import tenancy
from practices.models import Practice
from processors.port import NotTaken, UnableToReachProcessor, Unknown
from tests import factories
from tests.payments.making import autopay_of, decline, plan_of, settle
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


def swept(now: datetime) -> list[int]:
    handed: list[int] = []
    assert sweep.sweep(now=now, hand_over=handed.append) == len(handed)
    return handed


def test_what_is_due_is_handed_over_once_a_lease(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)

    assert (swept(now), swept(now)) == ([part.pk], [])
    assert swept(now + sweep.LEASE - timedelta(seconds=1)) == []
    assert swept(now + sweep.LEASE) == [part.pk]


def test_many_are_handed_over_page_by_page_oldest_first(
    practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "PAGE", 2)
    parts = [factories.collectable(practice) for _ in range(5)]
    DuePart.objects.filter(pk=parts[3].pk).update(next_try_at=now - timedelta(days=3))

    assert swept(now) == [parts[3].pk, parts[0].pk, parts[1].pk, parts[2].pk, parts[4].pk]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "PAID"},
        {"state": "CLOSED"},
        {"hold": "ARREARS"},
        {"hold": "STAFF"},
        {"is_automatic": False},
        {"next_try_at": None},
        {"next_try_at": datetime(2026, 3, 10, 15, 0, 1, tzinfo=UTC)},
        {"leased_until": datetime(2026, 3, 10, 15, 0, 1, tzinfo=UTC)},
    ],
)
def test_what_is_not_due_is_not_handed_over(practice: Practice, now: datetime, fields: dict[str, Any]) -> None:
    factories.collectable(practice)
    DuePart.objects.update(**fields)

    assert swept(now) == []


def test_what_is_in_flight_or_without_autopay_is_not_handed_over(practice: Practice, now: datetime) -> None:
    claim(factories.collectable(practice).pk, channel="AUTOPAY", actor="autopay", now=now)
    off = factories.collectable(practice)
    Autopay.objects.filter(plan=plan_of(off)).update(is_on=False)

    assert swept(now) == []


def test_a_sweep_sees_only_its_practice(practice: Practice, now: datetime) -> None:
    factories.collectable(practice)
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        assert swept(now) == []


def test_a_hand_over_that_breaks_costs_one_lease(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)

    def broken(_: int) -> None:
        raise ConnectionError("the broker is down")

    with pytest.raises(ConnectionError):
        sweep.sweep(now=now, hand_over=broken)
    assert swept(now) == []
    assert swept(now + sweep.LEASE) == [part.pk]


def test_an_office_that_is_offline_is_said_and_tried_again_after_a_pause(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object) -> None:
        raise upward.UnableToRecheck("The office's computer is offline")

    right = upward.handlers.recheck
    monkeypatch.setattr(upward.handlers, "recheck", offline)
    ledger = Ledger()

    assert tasks.autopay_one(practice_id=practice.pk, due_part_id=part.pk) == "The office's computer is offline"

    ledger.wrote()
    waiting = DuePart.objects.get()
    assert (waiting.wait_reason, waiting.leased_until) == (
        "The office's computer is offline",
        now + timedelta(minutes=5),
    )
    assert (shop.asked(), swept(now)) == ([], [])
    monkeypatch.setattr(upward.handlers, "recheck", right)
    later = now + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert swept(later) == [part.pk]
    assert tasks.autopay_one(practice_id=practice.pk, due_part_id=part.pk) == "SUCCEEDED"
    assert DuePart.objects.get().wait_reason == ""


def test_the_longer_it_has_waited_the_rarer_it_is_asked(part: DuePart, now: datetime) -> None:
    seen = []
    for waited in (timedelta(0), timedelta(hours=2), timedelta(days=3)):
        DuePart.objects.filter(pk=part.pk).update(next_try_at=now - waited)
        sweep.wait(part.pk, reason="offline", now=now)
        seen.append(DuePart.objects.get().leased_until)

    assert seen == [now + timedelta(minutes=minutes) for minutes in (2, 10, 60)]


def test_a_task_that_comes_twice_charges_once(part: DuePart, shop: Shop, practice: Practice) -> None:
    ended = [tasks.autopay_one(practice_id=practice.pk, due_part_id=part.pk) for _ in range(3)]

    assert ended == ["SUCCEEDED", "This is paid or no longer owed", "This is paid or no longer owed"]
    assert shop.taken() == [128_60]


def test_a_task_about_nothing_says_so(shop: Shop, practice: Practice) -> None:
    assert tasks.autopay_one(practice_id=practice.pk, due_part_id=0) == "This is no longer owed"


def test_the_sweep_command_charges_and_says_how_it_ended(
    part: DuePart, shop: Shop, practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sweep", practice=practice.slug)
    assert capsys.readouterr().out == f"{practice.slug}: due 1, SUCCEEDED 1\n"
    assert shop.taken() == [128_60]

    call_command("sweep", practice=practice.slug)
    assert capsys.readouterr().out == f"{practice.slug}: due 0\n"


def test_the_reconcile_command_says_what_it_settled(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now), Unknown("The processor did not answer"))

    call_command("reconcile", practice=practice.slug)

    assert capsys.readouterr().out == f"{practice.slug}: recovered 0, webhooks 0, settled 1, refunds 0, cards 0\n"
    assert Attempt.objects.get().state == "NOT_TAKEN"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was handed to the charges queue."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("payments.asking.collect_one.delay", lambda **wish: calls.append(wish))
    return calls


def test_a_person_who_asks_sees_it_begin_run_and_end(
    part: DuePart, shop: Shop, now: datetime, asked: list[dict[str, Any]]
) -> None:
    Installment.objects.update(due_date=date(2026, 9, 10))
    request = asking.pay_now(part, card_id=autopay_of(part).card.pk, actor="user:1")
    seen = progress.of(part.pk, request, asked_at=now)
    assert (seen.is_over, seen.tone, shop.asked()) == (False, "wait", [])

    assert tasks.collect_one(**asked[0]) == "SUCCEEDED"

    seen = progress.of(part.pk, request, asked_at=now)
    assert (seen.is_over, seen.tone, seen.text) == (True, "good", "Charged $128.60 to Visa 4242.")
    assert (Attempt.objects.get().channel, Attempt.objects.get().actor) == ("PAY_NOW", "user:1")


def test_a_double_click_charges_once_and_tells_the_second_what_became_of_the_first(
    part: DuePart, shop: Shop, now: datetime, asked: list[dict[str, Any]]
) -> None:
    requests = [asking.pay_now(part, card_id=autopay_of(part).card.pk, actor="user:1") for _ in range(2)]

    ended = [tasks.collect_one(**wish) for wish in asked]

    assert ended == ["SUCCEEDED", "This is paid or no longer owed"]
    assert shop.taken() == [128_60]
    assert {progress.of(part.pk, one, asked_at=now).text for one in requests} == {"Charged $128.60 to Visa 4242."}


def test_a_click_that_came_after_the_charge_began_is_told_of_that_charge(
    part: DuePart, shop: Shop, now: datetime, asked: list[dict[str, Any]]
) -> None:
    requests = [asking.pay_now(part, card_id=autopay_of(part).card.pk, actor="user:1") for _ in range(2)]
    for wish in asked:
        tasks.collect_one(**wish)

    seen = progress.of(part.pk, requests[1], asked_at=now + timedelta(seconds=1))

    assert (seen.is_over, seen.tone, seen.text) == (True, "good", "Charged $128.60 to Visa 4242.")


def test_a_double_click_tries_a_declining_card_once(
    part: DuePart, shop: Shop, now: datetime, asked: list[dict[str, Any]]
) -> None:
    card = autopay_of(part).card
    shop.behave(card, "decline:insufficient_funds")
    for _ in range(3):
        asking.pay_now(part, card_id=card.pk, actor="user:1")

    ended = [tasks.collect_one(**wish) for wish in asked]

    assert ended == ["DECLINED"] + ["It was tried meanwhile: look at the result first"] * 2
    assert Attempt.objects.count() == 1
    asking.pay_now(part, card_id=card.pk, actor="user:1")
    assert tasks.collect_one(**asked[-1]) == "DECLINED"


def test_a_charge_that_waited_too_long_in_the_queue_is_dropped() -> None:
    assert (tasks.collect_one.expires, tasks.autopay_one.expires) == (600, 600)


def test_without_a_processor_the_reconciler_still_raises_its_alarms(
    part: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> int:
        raise UnableToReachProcessor("No card processor is connected")

    monkeypatch.setattr("payments.tasks.inbox.work_through", away)
    seen: list[int] = []

    def settle(practice_id: int, *, now: datetime) -> int:
        seen.append(practice_id)
        return 3

    monkeypatch.setattr("payments.tasks.reconcile.reconcile", settle)

    assert tasks.reconcile_one(practice_id=part.practice_id) == 3
    assert seen == [part.practice_id]


def test_a_refusal_is_told_to_the_one_who_asked(
    part: DuePart, shop: Shop, now: datetime, asked: list[dict[str, Any]]
) -> None:
    request = asking.pay_now(part, card_id=0, actor="user:1")

    tasks.collect_one(**asked[0])

    seen = progress.of(part.pk, request, asked_at=now)
    assert (seen.is_over, seen.tone, seen.text) == (True, "bad", "Nothing was charged: The card is gone.")


@pytest.mark.parametrize(
    ("end", "is_over", "tone", "words"),
    [
        ("", False, "wait", "Charging $128.60 to Visa 4242"),
        ("UNKNOWN", False, "wait", "don't charge again"),
        ("DECLINED", True, "bad", "Visa 4242 was declined: Declined: insufficient funds"),
        ("NOT_TAKEN", True, "bad", "Nothing was charged: throttled."),
    ],
)
def test_progress_says_in_a_sentence_how_an_attempt_stands(
    practice: Practice, now: datetime, end: str, is_over: bool, tone: str, words: str
) -> None:
    attempt = claim(factories.collectable(practice).pk, channel="AUTOPAY", actor="autopay", now=now)
    if end == "DECLINED":
        decline(attempt)
    elif end:
        settle(attempt, Unknown("lost") if end == "UNKNOWN" else NotTaken("throttled"))

    seen = progress.of(attempt.due_part_id, "no-request", asked_at=now)

    assert (seen.is_over, seen.tone, seen.attempt_id) == (is_over, tone, attempt.pk)
    assert words in seen.text


def test_an_earlier_attempt_is_not_taken_for_the_one_just_asked_for(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now))

    assert progress.of(part.pk, "new", asked_at=now + timedelta(minutes=1)).tone == "wait"
