"""A payment at a reader against the sandbox: one attempt, one intent, whatever the reader, the wire or people do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from payments import presented, upward
from payments.models import Attempt, AttemptState, DuePart, Payment
from payments.upward import UnableToTakeThere
from practices.models import Practice
from terminals import taking, tasks
from terminals.models import ReaderRun
from tests.payments.conftest import deliver, woken
from tests.payments.making import Deliver, work
from tests.plugins.money import Ledger
from tests.plugins.stripe import POOR
from tests.terminals.conftest import Till, register, tender_of

__all__ = ["deliver", "woken"]
MINUTES_4, MINUTES_15 = timedelta(minutes=4), timedelta(minutes=15)
NOTHING_YET = (AttemptState.PENDING, 0)


def state(till: Till) -> tuple[str, int]:
    """The attempt, and how many payments there are."""
    return till.attempt.state, Payment.objects.count()


def ended(run: ReaderRun) -> tuple[str, str]:
    return run.state, run.code


def test_a_card_is_tapped_and_the_payment_is_taken_once(till: Till) -> None:
    ledger = Ledger()
    run = till.take()
    assert (run.state, till.counter.screen, till.step.name) == ("WAITING", "waiting", "waiting")
    ledger.wrote(attempts=1, events=3)

    till.counter.tap()
    assert ended(till.hear()) == ("ENDED", "")
    ledger.wrote(payments=1, allocations=1, postings=1, messages=1, events=1)
    assert (till.attempt.means, till.step.name, till.counter.shop.taken()) == ("Visa 4242", "approved", [120_00])
    till.hear()
    tasks.take_one(practice_id=run.practice_id, run_id=run.pk)
    ledger.wrote()
    assert till.counter.commands == 1, "a message that is delivered twice hands nothing over again"


def test_a_declined_card_is_told_and_another_one_pays_with_the_same_intent(till: Till) -> None:
    first = till.take()
    till.counter.tap(POOR)
    assert ended(till.hear()) == ("ENDED", "card_declined")
    assert (state(till), till.step.title) == (NOTHING_YET, "The card was declined: insufficient funds")

    second = till.again()
    assert (second.state, second.key == first.key, till.counter.commands) == ("WAITING", False, 2)
    till.counter.tap()
    till.hear()
    assert (state(till), till.counter.shop.intents()) == ((AttemptState.SUCCEEDED, 1), ["succeeded"])
    assert till.counter.shop.taken() == [120_00]
    with pytest.raises(UnableToTakeThere, match="no longer waits"):
        till.again()


@pytest.mark.parametrize(
    ("trouble", "code", "said"),
    [
        ("busy", "terminal_reader_busy", "The terminal is busy"),
        ("offline", "terminal_reader_offline", "The terminal is offline"),
        ("hardware_fault", "terminal_reader_hardware_fault", "The terminal reports a fault"),
        ("timeout", "terminal_reader_timeout", "The terminal did not answer"),
    ],
)
def test_a_reader_that_does_not_hear_is_told_plainly_and_asked_again_by_hand_only(
    till: Till, trouble: str, code: str, said: str
) -> None:
    till.counter.trouble(trouble)
    assert ended(till.take()) == ("ENDED", code)
    assert (till.step.title, till.step.can_retry, till.counter.commands) == (said, True, 1)
    assert (state(till), till.counter.screen) == (NOTHING_YET, "idle")

    assert till.again().state == "WAITING"
    till.counter.tap()
    till.hear()
    assert (state(till), till.counter.shop.taken()) == ((AttemptState.SUCCEEDED, 1), [120_00])


def test_a_timeout_that_was_none_is_found_at_the_reader_and_nothing_is_sent_again(till: Till) -> None:
    till.counter.trouble("timeout_false")
    assert (till.take().state, till.counter.commands) == ("WAITING", 1)
    till.counter.tap()
    till.hear()
    assert (till.counter.shop.taken(), till.counter.commands) == ([120_00], 1)


def test_an_answer_that_is_lost_on_the_way_is_looked_up_at_the_reader(till: Till) -> None:
    till.counter.shop.fault("POST /v1/terminal/readers/*/process_payment_intent", "drop_after")
    assert (till.take().state, till.counter.screen, till.counter.commands) == ("WAITING", "waiting", 1)


@pytest.mark.parametrize(
    ("trouble", "step", "taken"),
    [("connection_lost_before", "ended", []), ("connection_lost_after", "approved", [120_00])],
)
def test_a_lost_connection_is_settled_by_what_the_intent_says(
    till: Till, trouble: str, step: str, taken: list[int]
) -> None:
    till.take()
    till.counter.trouble(trouble)
    till.counter.tap()
    till.hear()
    assert (till.step.name, till.counter.shop.taken(), Payment.objects.count()) == (step, taken, len(taken))
    assert till.run.code == ("" if taken else "connection_error")


@pytest.mark.parametrize(("trouble", "code", "taken"), [("dies_before", "silent", []), ("dies_after", "", [120_00])])
def test_a_reader_that_dies_is_set_free_after_three_minutes_and_the_intent_is_asked_first(
    till: Till, trouble: str, code: str, taken: list[int]
) -> None:
    till.take()
    till.counter.trouble(trouble)
    till.counter.tap()
    assert till.sweep(timedelta(minutes=2)).state == "WAITING", "it may still be with the bank"
    assert ended(till.sweep(MINUTES_4)) == ("ENDED", code)
    assert (till.counter.shop.taken(), Payment.objects.count()) == (taken, len(taken))
    if not taken:
        assert (till.counter.screen, till.step.title) == ("idle", "No card was presented")


def test_a_payment_that_nobody_goes_on_with_is_withdrawn(till: Till) -> None:
    """The browser was closed."""
    till.take()
    till.sweep(MINUTES_4)
    assert state(till) == NOTHING_YET
    till.sweep(MINUTES_15)
    assert (state(till), till.counter.shop.intents()) == ((AttemptState.NOT_TAKEN, 0), ["canceled"])
    assert (till.step.name, till.left_cents) == ("over", 120_00)


def test_the_patient_cancels_and_another_terminal_goes_on(till: Till, practice: Practice) -> None:
    till.take()
    till.counter.press_cancel()
    assert ended(till.hear()) == ("ENDED", "customer_canceled")
    assert (till.step.title, state(till)) == ("Canceled on the terminal", NOTHING_YET)
    other = register(till.counter.reader.location, "Room 2", till.now)
    assert till.again(other).reader == other
    assert (till.run.state, till.counter.screen) == ("WAITING", "canceled")


def test_staff_cancel_and_terminal_and_sale_are_free(till: Till) -> None:
    till.take()
    attempt = till.cancel()
    assert attempt is not None
    assert (attempt.state, till.counter.screen, till.left_cents) == (AttemptState.NOT_TAKEN, "idle", 120_00)
    assert (ended(till.run), till.counter.shop.intents()) == (("ENDED", "stopped"), ["canceled"])
    assert (till.step.title, till.cancel() == attempt, Payment.objects.count()) == ("Not charged", True, 0)


def test_a_card_that_is_faster_than_cancel_has_paid(till: Till) -> None:
    till.take()
    till.counter.tap()
    attempt = till.cancel()
    assert attempt is not None
    assert (attempt.state, Payment.objects.count(), till.step.name) == (AttemptState.SUCCEEDED, 1, "approved")


def test_nothing_is_canceled_while_the_bank_is_asked(till: Till) -> None:
    till.take()
    till.counter.trouble("slow")
    till.counter.tap()
    with pytest.raises(taking.UnableToTake, match="can't be stopped"):
        till.cancel()
    assert (till.run.state, till.step.name, till.counter.shop.intents()) == (
        "PROCESSING", "processing", ["requires_payment_method"],
    )  # fmt: skip
    till.counter.tap()
    till.hear()
    assert (state(till), till.counter.shop.taken()) == ((AttemptState.SUCCEEDED, 1), [120_00])


def test_cancel_reaches_a_reader_that_is_offline_through_its_intent(till: Till) -> None:
    till.take()
    till.counter.shop.control(f"readers/{till.counter.reader.reference}/plug", power=False)
    attempt = till.cancel()
    assert attempt is not None
    assert (attempt.state, till.counter.shop.intents()) == (AttemptState.NOT_TAKEN, ["canceled"])


def test_a_reader_that_was_deleted_at_the_processor_keeps_nothing(till: Till) -> None:
    till.take()
    shop = till.counter.shop
    path = f"/v1/terminal/readers/{till.counter.reader.reference}"
    shop.process.http.delete(path, auth=(shop.account.secret_key, "")).raise_for_status()
    assert ended(till.hear()) == ("ENDED", "dropped")
    attempt = till.cancel()
    assert attempt is not None
    assert (attempt.state, shop.intents()) == (AttemptState.NOT_TAKEN, ["canceled"])


def test_a_stop_that_was_broken_off_is_finished_by_the_round(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.take()
    with monkeypatch.context() as dying:
        dying.setattr(taking, "set_free", _die)
        with pytest.raises(KeyboardInterrupt):
            till.cancel()
    assert till.run.is_stopping
    till.sweep(timedelta(0))
    assert (state(till), till.counter.screen) == ((AttemptState.NOT_TAKEN, 0), "idle")


def _die(*_: object) -> bool:
    raise KeyboardInterrupt


def test_two_desks_can_not_wake_one_reader(till: Till, practice: Practice) -> None:
    till.take()
    other = tender_of(practice, till.now, 50_00)
    with pytest.raises(UnableToTakeThere, match="is taking another payment"):
        till.take(other)
    assert (ReaderRun.objects.count(), other.attempts.count(), till.counter.commands) == (1, 0, 1)

    till.counter.tap()
    till.look()
    assert till.run.state == "WAITING", "news of the intent came without news of the reader"
    assert till.take(other).state == "WAITING"
    till.counter.tap()
    till.part = other
    till.hear()
    assert till.counter.shop.taken() == [120_00, 50_00]


@pytest.mark.parametrize("died", ["before the claim", "after the claim"])
def test_a_worker_that_dies_half_way_leaves_nothing_behind(till: Till, inline: list[dict[str, Any]], died: str) -> None:
    run = _broken_off(till, died)
    assert ended(till.sweep(MINUTES_4)) == ("ENDED", "silent")
    till.sweep(MINUTES_15)
    till.part.refresh_from_db()
    assert (till.part.state, till.left_cents) == (DuePart.State.CLOSED, 120_00)
    assert [one.state for one in Attempt.objects.all()] == [AttemptState.NOT_TAKEN] * (died == "after the claim")
    tasks.take_one(practice_id=run.practice_id, run_id=run.pk)
    assert (till.counter.commands, till.counter.shop.taken()) == (0, [])


def _broken_off(till: Till, died: str) -> ReaderRun:
    run = taking.start(till.part, till.counter.reader, actor="user:1")
    if died == "after the claim":
        ReaderRun.objects.filter(pk=run.pk).update(state="SENDING")
        presented.begin(till.part.pk, presented.Wish(Attempt.Channel.TERMINAL, "user:1"), now=till.now)
    return run


def test_what_is_canceled_before_a_worker_comes_is_never_begun(till: Till) -> None:
    run = taking.start(till.part, till.counter.reader, actor="user:1")
    assert till.cancel() is None
    tasks.take_one(practice_id=run.practice_id, run_id=run.pk)
    assert (Attempt.objects.count(), till.counter.commands, till.left_cents) == (0, 0, 120_00)


def test_what_open_dental_no_longer_wants_is_not_asked_for(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise upward.UnableToRecheck("Open Dental says that less is owed now")

    monkeypatch.setattr(upward.handlers, "recheck", refuse)
    assert ended(till.take()) == ("ENDED", "refused")
    assert (till.step.name, till.step.text) == ("refused", "Open Dental says that less is owed now.")
    assert (till.counter.commands, Attempt.objects.count(), till.left_cents) == (0, 0, 120_00)


def test_the_webhook_of_a_reader_moves_its_payment_and_others_mean_nothing(till: Till, deliver: Deliver) -> None:
    till.take()
    till.counter.tap(POOR)
    deliver("terminal.reader.action_failed", till.counter.reader.reference, event="evt_1")
    deliver("terminal.reader.action_succeeded", "tmr_nobody", event="evt_2")
    assert work(till.counter.shop, till.now) == 2
    assert (ended(till.run), state(till)) == (("ENDED", "card_declined"), NOTHING_YET)


def test_a_processor_that_is_away_keeps_the_payment_in_sight(till: Till) -> None:
    till.take()
    till.counter.tap()
    till.counter.shop.fault("GET /v1/terminal/readers/*", "error_before", times=2)
    assert till.hear().state == "WAITING"
    assert ended(till.hear()) == ("ENDED", "")
