"""The reconciler: what the processor says about started, unknown and pending attempts, and only that, moves them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from payments import charging, outcomes, reconcile
from payments.claim import UnableToClaim, claim
from payments.models import Alarm, Attempt, AttemptState, DuePart, Payment
from practices.models import Practice
from processors.models import ProcessorAccount
from processors.port import Charge, NotTaken, Pending, Unknown
from processors.stripe import StripeProcessor
from tests.payments.making import decline, installment_of, settle
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop, chargeable

CREATE, CONFIRM = "POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm"


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


def started(part: DuePart, now: datetime) -> Attempt:
    return claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def run(shop: Shop, now: datetime, *, after: timedelta = timedelta(minutes=2)) -> int:
    """One pass, this much real time after the attempts were made."""
    return reconcile.reconcile(shop.account.practice_id, now=now, real_now=datetime.now(UTC) + after)


def state_of(attempt: Attempt) -> str:
    return Attempt.objects.get(pk=attempt.pk).state


def ask(shop: Shop, attempt: Attempt, *, until: str = "") -> None:
    """Do what a worker does up to a point: create, remember, confirm."""
    client = StripeProcessor(shop.account)._client.payment_intents
    intent = client.create(attempt.create_params, {"idempotency_key": attempt.create_key})
    if until == "create":
        return
    Attempt.objects.filter(pk=attempt.pk).update(reference=intent.id)
    if until == "remember":
        return
    with contextlib.suppress(stripe.CardError):
        client.confirm(intent.id, attempt.confirm_params, {"idempotency_key": attempt.confirm_key})


def test_a_fresh_started_attempt_is_left_to_its_worker(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    ledger = Ledger()

    assert run(shop, now, after=timedelta(seconds=80)) == 0

    ledger.wrote()
    assert (state_of(attempt), shop.asked()) == (AttemptState.STARTED, [])


def test_business_time_alone_does_not_end_the_grace(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)

    assert run(shop, now + timedelta(days=30), after=timedelta(0)) == 0
    assert state_of(attempt) == AttemptState.STARTED


def test_killed_after_the_claim_is_not_taken_and_tried_anew(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    ledger = Ledger()

    assert run(shop, now) == 1

    ledger.wrote(events=1)
    assert (state_of(attempt), shop.intents()) == (AttemptState.NOT_TAKEN, [])
    second = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now + timedelta(minutes=5))
    assert (second.state, second.number, shop.taken()) == (AttemptState.SUCCEEDED, 2, [128_60])


@pytest.mark.parametrize("until", ["create", "remember"])
def test_an_intent_that_was_never_confirmed_is_canceled(part: DuePart, shop: Shop, now: datetime, until: str) -> None:
    attempt = started(part, now)
    ask(shop, attempt, until=until)

    assert run(shop, now) == 1

    assert (state_of(attempt), shop.intents(), shop.taken()) == (AttemptState.NOT_TAKEN, ["canceled"], [])
    assert DuePart.objects.get().next_try_at == now + timedelta(minutes=5)


def test_a_worker_that_wakes_up_late_after_create_cannot_charge(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    run(shop, now)

    outcome = charging.ask(StripeProcessor(shop.account), attempt)
    outcomes.settle(attempt.pk, outcome, now=now, actor="autopay")

    assert (state_of(attempt), shop.intents(), shop.taken()) == (AttemptState.NOT_TAKEN, ["canceled"], [])
    assert Alarm.objects.count() == 0


def test_a_worker_that_wakes_up_late_before_confirm_cannot_charge(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)

    def slow(reference: str) -> bool:
        stored = charging.remember(attempt.pk, reference)
        assert stored
        run(shop, now)
        return stored

    wish = Charge(attempt.create_params, attempt.confirm_params, attempt.create_key, attempt.confirm_key)
    outcome = StripeProcessor(shop.account).charge(wish, slow)
    settle(attempt, outcome)

    assert isinstance(outcome, Unknown)
    assert (state_of(attempt), shop.intents(), shop.taken()) == (AttemptState.NOT_TAKEN, ["canceled"], [])


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("held_as", ["STARTED", "UNKNOWN"])
def test_money_that_moved_unseen_is_booked_once(
    part: DuePart, shop: Shop, now: datetime, held_as: str, known: bool
) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    if not known:
        Attempt.objects.update(reference="")
    if held_as == "UNKNOWN":
        settle(attempt, Unknown("The processor did not answer"))
    ledger = Ledger()

    assert (run(shop, now), run(shop, now)) == (1, 0)

    ledger.wrote(payments=1, allocations=1, postings=1, messages=2, events=1)
    assert (state_of(attempt), shop.taken()) == (AttemptState.SUCCEEDED, [128_60])
    assert Payment.objects.get().processor_reference == Attempt.objects.get().reference


def test_a_decline_that_was_unseen_is_booked_and_its_intent_canceled(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    shop.behave(attempt.saved_card, "decline:insufficient_funds")
    ask(shop, attempt)

    assert run(shop, now) == 1

    assert (state_of(attempt), Attempt.objects.get().decline_code) == (AttemptState.DECLINED, "insufficient_funds")
    assert (shop.intents(), installment_of(part).status) == (["canceled"], "FAILED")


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "drop_before", "error_before"])
def test_a_lost_confirm_is_unknown_until_the_processor_is_asked(
    part: DuePart, shop: Shop, now: datetime, fault: str
) -> None:
    shop.fault(CONFIRM, fault, times=2)
    attempt = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    assert attempt.state == AttemptState.UNKNOWN

    assert run(shop, now, after=timedelta(0)) == 1

    acted = fault.endswith("after")
    assert state_of(attempt) == (AttemptState.SUCCEEDED if acted else AttemptState.NOT_TAKEN)
    assert shop.intents() == (["succeeded"] if acted else ["canceled"])
    assert shop.taken() == ([128_60] if acted else [])
    assert Payment.objects.count() == len(shop.taken())


def test_a_lost_create_reply_leaves_an_orphan_that_is_canceled(part: DuePart, shop: Shop, now: datetime) -> None:
    shop.fault(CREATE, "drop_after", times=2)
    attempt = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    assert (attempt.state, attempt.reference, shop.intents()) == (AttemptState.UNKNOWN, "", ["requires_confirmation"])

    assert run(shop, now, after=timedelta(0)) == 1

    assert (state_of(attempt), shop.intents()) == (AttemptState.NOT_TAKEN, ["canceled"])


def test_no_timer_tries_an_unknown_again(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    settle(attempt, Unknown("The processor did not answer"))
    shop.fault("GET /v1/payment_intents*", "error_before", times=100)
    ledger = Ledger()

    for days in range(3):
        later = now + timedelta(days=days)
        with pytest.raises(UnableToClaim, match="under way"):
            charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=later)
        assert not DuePart.objects.due(later).exists()
        assert run(shop, later) == 0

    ledger.wrote(alarms=1)
    assert Alarm.objects.get().kind == "OUTCOME_UNKNOWN"
    assert (state_of(attempt), shop.intents()) == (AttemptState.UNKNOWN, [])


def test_the_alarm_comes_after_ten_minutes_once_and_goes_with_the_answer(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    settle(attempt, Unknown("The processor did not answer"))
    shop.fault("GET /v1/payment_intents*", "drop_before", times=6)
    ledger = Ledger()

    run(shop, now + timedelta(minutes=10))
    ledger.wrote()
    for minutes in (11, 12):
        run(shop, now + timedelta(minutes=minutes))
    ledger.wrote(alarms=1)
    run(shop, now + timedelta(minutes=13))

    assert Alarm.objects.get().closed_by == "reconciler"
    assert state_of(attempt) == AttemptState.SUCCEEDED


def test_a_pending_charge_is_asked_about_until_the_bank_has_spoken(part: DuePart, shop: Shop, now: datetime) -> None:
    shop.behave(part.installment.plan.autopay.card, "processing")  # type: ignore[union-attr]
    attempt = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    assert attempt.state == AttemptState.PENDING
    ledger = Ledger()

    assert run(shop, now + timedelta(hours=40)) == 0
    ledger.wrote()
    assert run(shop, now + timedelta(hours=49)) == 0
    ledger.wrote(alarms=1)
    shop.finish(attempt.reference, "decline:insufficient_funds")
    assert run(shop, now + timedelta(hours=50)) == 1

    assert (state_of(attempt), shop.intents(), shop.taken()) == (AttemptState.DECLINED, ["canceled"], [])


def test_pending_does_not_fall_back_to_unknown(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    settle(attempt, Pending("pi_1"))
    shop.fault("GET /v1/payment_intents*", "drop_before", times=2)

    assert run(shop, now) == 0
    assert state_of(attempt) == AttemptState.PENDING


def test_one_bad_row_never_stops_the_run(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = started(part, now), started(chargeable(shop, practice), now)
    right = outcomes.settle

    def settle_or_fail(attempt_id: int, *rest: object, **more: object) -> bool:
        if attempt_id == bad.pk:
            raise ValueError("a defect")
        return bool(right(attempt_id, *rest, **more))  # type: ignore[arg-type]

    monkeypatch.setattr(outcomes, "settle", settle_or_fail)
    ledger = Ledger()

    assert run(shop, now + timedelta(minutes=11)) == 1

    # The good one's event, and an alarm about the bad one: it must not wait unseen.
    ledger.wrote(events=1, alarms=1)
    assert (state_of(bad), state_of(good)) == (AttemptState.STARTED, AttemptState.NOT_TAKEN)


def test_a_page_of_rows_that_nobody_can_decide_hides_no_newer_one(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, newer = started(part, now), started(chargeable(shop, practice), now)
    look_up = StripeProcessor.look_up
    monkeypatch.setattr(
        StripeProcessor, "look_up",
        lambda self, question: Unknown("?") if question.attempt_uuid == str(stuck.uuid) else look_up(self, question),
    )  # fmt: skip
    monkeypatch.setattr("payments.reconciling.PAGE", 1)

    for _ in range(60):
        run(shop, now)

    assert (state_of(stuck), state_of(newer)) == (AttemptState.UNKNOWN, AttemptState.NOT_TAKEN)


def test_a_recovery_that_fails_does_not_keep_open_attempts_from_being_settled(
    part: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    Practice.objects.update(recover_since=now)
    monkeypatch.setattr("payments.reminders.queue_due", lambda **_: 1 // 0)

    assert run(shop, now) == 1

    assert state_of(attempt) == AttemptState.SUCCEEDED
    assert Practice.objects.get().recover_since == now


def test_open_attempts_without_a_processor_raise_an_alarm_and_stay(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    ProcessorAccount.objects.all().delete()
    ledger = Ledger()

    assert run(shop, now + timedelta(minutes=11)) == 0

    ledger.wrote(alarms=1)
    assert state_of(attempt) == AttemptState.STARTED


def test_a_key_refused_while_asking_changes_nothing(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    shop.control("accounts", account_key=shop.account.secret_key, state="revoked")

    run(shop, now)
    assert state_of(attempt) == AttemptState.UNKNOWN
    shop.control("accounts", account_key=shop.account.secret_key, state="active")
    run(shop, now)
    assert (state_of(attempt), Payment.objects.count()) == (AttemptState.SUCCEEDED, 1)


def test_final_attempts_are_never_asked_about(part: DuePart, shop: Shop, now: datetime) -> None:
    decline(started(part, now))

    Attempt.objects.update(is_loose=False)

    assert run(shop, now + timedelta(days=1)) == 0
    assert shop.asked() == []


def test_an_answer_from_before_the_worker_stored_its_intent_is_void(part: DuePart, shop: Shop, now: datetime) -> None:
    """Asked: nothing there. Then the worker creates, stores and confirms. What was asked says nothing any more."""
    attempt = started(part, now)
    news = NotTaken("The processor never got the request")
    ask(shop, attempt)

    assert outcomes.settle(attempt.pk, news, now=now, actor="reconciler", asked_about="") is False

    assert state_of(attempt) == AttemptState.STARTED
    run(shop, now)
    assert (state_of(attempt), Payment.objects.count()) == (AttemptState.SUCCEEDED, 1)
