"""settle(): each cell of the state table of docs/money.md, with its effects counted exactly."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from cards.models import Card
from notifications.models import Kind, Message
from payments import outcomes, upward
from payments.claim import claim
from payments.models import Alarm, Allocation, Attempt, AttemptState, DueCheck, DuePart, LedgerPosting, Payment
from payplans.models import Installment, PayPlan
from practices.models import Event, PaymentSettings, Practice
from processors.port import Declined, NotTaken, Outcome, Pending, Succeeded, Unknown
from tests import factories
from tests.payments.making import autopay_of, installment_of, plan_of, settle
from tests.plugins.money import Ledger

PAID = Succeeded("pi_1", 128_60, "ch_1")
DECLINED = Declined("pi_1", "insufficient_funds", "try_again_later", "51", "", "ch_1")
NOT_TAKEN = NotTaken("The processor asks us to slow down")
PENDING = Pending("pi_1")
UNKNOWN = Unknown("The processor did not answer", "pi_1")
TOMORROW = datetime(2026, 3, 11, 14, 0, tzinfo=factories.LONG_AGO.tzinfo)


@pytest.fixture
def attempt(practice: Practice, now: datetime, nudged: list[int]) -> Attempt:
    """A started try at the first of two installments."""
    part = factories.collectable(practice)
    later = factories.InstallmentFactory.create(plan=plan_of(part), due_date=date(2026, 4, 10))
    factories.DuePartFactory.create(installment=later, next_try_at=datetime(2026, 4, 10, 14, tzinfo=now.tzinfo))
    return claim(part.pk, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=now)


WRITES = {
    "SUCCEEDED": {"payments": 1, "allocations": 1, "postings": 1, "messages": 1, "events": 1},
    "DECLINED": {"messages": 1, "events": 1},
    "NOT_TAKEN": {"events": 1},
    "PENDING": {"events": 1},
    "UNKNOWN": {"events": 1},
    "": {},
    "ALARM": {"alarms": 1},
}
NEWS: dict[str, Outcome] = {"S": PAID, "D": DECLINED, "N": NOT_TAKEN, "P": PENDING, "U": UNKNOWN}
# State → what Succeeded, Declined, NotTaken, Pending, Unknown make of it; '' = nothing at all happens.
TABLE = {
    "STARTED": ("SUCCEEDED", "DECLINED", "NOT_TAKEN", "PENDING", "UNKNOWN"),
    "PENDING": ("SUCCEEDED", "DECLINED", "NOT_TAKEN", "", ""),
    "UNKNOWN": ("SUCCEEDED", "DECLINED", "NOT_TAKEN", "PENDING", ""),
    "SUCCEEDED": ("", "ALARM", "ALARM", "", ""),
    "DECLINED": ("ALARM", "", "", "", ""),
    "NOT_TAKEN": ("ALARM", "", "", "", ""),
}
CELLS = [(state, news, cell) for state, row in TABLE.items() for news, cell in zip(NEWS, row, strict=True)]
INTO: dict[str, Outcome] = {
    "PENDING": PENDING, "UNKNOWN": UNKNOWN, "SUCCEEDED": PAID, "DECLINED": DECLINED, "NOT_TAKEN": NOT_TAKEN,
}  # fmt: skip


@pytest.mark.parametrize(("state", "news", "cell"), CELLS, ids=[f"{state}-{news}" for state, news, _ in CELLS])
def test_each_cell_of_the_table_does_exactly_what_it_says(attempt: Attempt, state: str, news: str, cell: str) -> None:
    if state in INTO:
        settle(attempt, INTO[state])
    ledger = Ledger()

    changed = settle(attempt, NEWS[news])

    ledger.wrote(**WRITES[cell])
    attempt.refresh_from_db()
    is_change = cell not in ("", "ALARM")
    assert changed is is_change
    assert attempt.state == (cell if is_change else state)
    again = settle(attempt, NEWS[news])
    assert again is False
    ledger.wrote()


def test_a_success_pays_the_installment_and_queues_posting_and_receipt(
    attempt: Attempt, now: datetime, nudged: list[int]
) -> None:
    settle(attempt, PAID)

    attempt.refresh_from_db()
    payment, allocation, posting = Payment.objects.get(), Allocation.objects.get(), LedgerPosting.objects.get()
    installment = installment_of(attempt.due_part)
    assert (attempt.reference, attempt.charge_reference, attempt.settled_at) == ("pi_1", "ch_1", now)
    assert (payment.amount_cents, payment.processor_reference, payment.paid_at) == (128_60, "pi_1", now)
    assert (allocation.payment, allocation.installment, allocation.amount_cents) == (payment, installment, 128_60)
    assert (posting.payment, posting.amount_cents, posting.state, posting.next_at) == (payment, 128_60, "QUEUED", now)
    assert (posting.plan, posting.patient) == (plan_of(attempt.due_part), plan_of(attempt.due_part).patient)
    assert (installment.status, installment.collected_cents, installment.paid_at) == ("PAID", 128_60, now)
    assert DuePart.objects.get(pk=attempt.due_part_id).state == DuePart.State.PAID
    message = Message.objects.get()
    assert (message.kind, message.dedupe_key) == (Kind.PAYMENT_SUCCESSFUL, f"PAYMENT_SUCCESSFUL:{attempt.uuid}")
    assert message.values["Transaction Amount"] == "$128.60"
    event = Event.objects.get(kind="payment_succeeded")
    assert (event.about["payment"], event.about["attempt"]) == (payment.pk, attempt.pk)
    assert nudged == [attempt.practice_id]


def test_the_last_payment_also_thanks_for_the_completed_plan_once(attempt: Attempt) -> None:
    Installment.objects.exclude(due_parts=attempt.due_part).update(status=Installment.Status.CANCELED)

    settle(attempt, PAID)

    kinds = Message.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [Kind.PAYMENT_SUCCESSFUL, Kind.PLAN_COMPLETED]


def test_a_decline_keeps_the_codes_plans_the_next_day_and_tells_the_patient(attempt: Attempt, now: datetime) -> None:
    settle(attempt, DECLINED)

    attempt.refresh_from_db()
    part = DuePart.objects.get(pk=attempt.due_part_id)
    assert (attempt.decline_code, attempt.advice_code) == ("insufficient_funds", "try_again_later")
    assert (attempt.network_decline_code, attempt.charge_reference) == ("51", "ch_1")
    assert attempt.reason == "Declined: insufficient funds"
    assert (part.state, part.next_try_at, part.hold) == ("OPEN", TOMORROW, "")
    assert (installment_of(part).status, installment_of(part).collected_cents) == ("FAILED", 0)
    message = Message.objects.get()
    assert (message.kind, message.link_nonce is not None) == (Kind.PAYMENT_FAILED, True)
    assert Card.objects.get(pk=attempt.saved_card.pk).state == Card.State.ACTIVE
    assert Event.objects.get(kind="payment_declined").after == {"code": "insufficient_funds", "budget_used": 1}


@pytest.mark.parametrize(
    ("code", "hold", "card_state", "messages"),
    [
        ("lost_card", "NEW_CARD", "BLOCKED", 1),
        ("expired_card", "NEW_CARD", "ACTIVE", 1),
        ("authentication_required", "NEW_CARD", "ACTIVE", 1),
        ("a_code_of_tomorrow", "STAFF", "ACTIVE", 1),
        ("duplicate_transaction", "RECONCILE", "ACTIVE", 0),
        ("do_not_honor", "", "ACTIVE", 1),
    ],
)
def test_a_decline_holds_the_part_as_its_code_demands(
    attempt: Attempt, code: str, hold: str, card_state: str, messages: int
) -> None:
    settle(attempt, Declined("pi_1", code))

    part = DuePart.objects.get(pk=attempt.due_part_id)
    assert (part.hold, part.next_try_at is None) == (hold, bool(hold))
    assert bool(part.hold_reason) is bool(hold)
    card = Card.objects.get(pk=attempt.saved_card.pk)
    assert (card.state, card.never_again) == (card_state, card_state == "BLOCKED")
    assert Message.objects.count() == messages


def test_a_blocked_card_holds_every_other_due_part_of_the_plan(attempt: Attempt) -> None:
    settle(attempt, Declined("pi_1", "stolen_card"))

    assert set(DuePart.objects.values_list("hold", flat=True)) == {"NEW_CARD"}


def test_a_try_that_was_not_taken_pauses_and_pauses_longer_each_time(attempt: Attempt, now: datetime) -> None:
    part = attempt.due_part
    minutes, at = [], now
    for _ in range(9):
        settle(attempt, NOT_TAKEN, at)
        next_try_at = DuePart.objects.get(pk=part.pk).next_try_at
        assert next_try_at is not None
        minutes.append(int((next_try_at - at).total_seconds() / 60))
        at = next_try_at
        DueCheck.objects.filter(due_part=part).update(checked_at=at)
        attempt = claim(part.pk, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=at)

    assert minutes == [5, 10, 20, 40, 80, 160, 320, 360, 360]
    assert installment_of(part).status == Installment.Status.PENDING
    assert (Message.objects.count(), Payment.objects.count(), Alarm.objects.count()) == (0, 0, 0)


def test_what_an_operator_must_heal_raises_one_alarm_and_any_answer_closes_it(attempt: Attempt, now: datetime) -> None:
    other = factories.collectable(attempt.practice)
    for part in (attempt.due_part, other):
        one = attempt if part == attempt.due_part else claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
        settle(one, NotTaken("The processor refuses the secret key", needs_operator=True))
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.closed_at) == ("PROCESSOR_REFUSES", None)
    assert alarm.text == "Charges are not taken: The processor refuses the secret key"

    later = now + timedelta(minutes=5)
    DueCheck.objects.update(checked_at=later)
    again = claim(other.pk, channel="AUTOPAY", actor="autopay", now=later)
    settle(again, DECLINED)
    alarm.refresh_from_db()
    assert alarm.closed_at == later


@pytest.mark.parametrize("channel", [Attempt.Channel.PAY_NOW, Attempt.Channel.FIX_LINK])
@pytest.mark.parametrize("news", [DECLINED, NOT_TAKEN])
def test_a_failed_pay_now_before_the_due_date_brings_autopay_no_day_forward(
    practice: Practice, now: datetime, nudged: list[int], news: Outcome, channel: str
) -> None:
    part = factories.collectable(practice)
    Installment.objects.update(due_date=date(2026, 4, 10), is_issued=False)
    first_try_at = datetime(2026, 4, 10, 14, 0, tzinfo=now.tzinfo)
    DuePart.objects.update(next_try_at=first_try_at)
    by_hand = claim(part.pk, channel=channel, actor="user:1", now=now, card_id=autopay_of(part).card.pk)

    settle(by_hand, news)

    assert DuePart.objects.get().next_try_at == first_try_at


@pytest.mark.parametrize("news", [DECLINED, NOT_TAKEN])
def test_a_failed_pay_now_of_a_down_payment_leaves_autopay_without_a_date(
    practice: Practice, now: datetime, nudged: list[int], news: Outcome
) -> None:
    part = factories.collectable(practice)
    Installment.objects.update(is_down_payment=True)
    DuePart.objects.update(next_try_at=None)
    by_hand = claim(part.pk, channel="PAY_NOW", actor="user:1", now=now, card_id=autopay_of(part).card.pk)

    settle(by_hand, news)

    assert DuePart.objects.get().next_try_at is None


@pytest.mark.parametrize("news", [DECLINED, NOT_TAKEN])
def test_a_plan_closed_while_it_was_charged_ends_the_part_without_a_message(
    attempt: Attempt, now: datetime, news: Outcome
) -> None:
    PayPlan.objects.update(is_closed=True)
    Installment.objects.update(status=Installment.Status.CANCELED, status_note="Plan closed")

    settle(attempt, news)

    assert set(DuePart.objects.values_list("state", flat=True)) == {DuePart.State.CLOSED}
    assert installment_of(attempt.due_part).status == Installment.Status.CANCELED
    assert Message.objects.count() == 0


def test_money_taken_on_a_plan_closed_meanwhile_is_still_booked_and_posted(attempt: Attempt) -> None:
    PayPlan.objects.update(is_closed=True)
    Installment.objects.update(status=Installment.Status.CANCELED)
    ledger = Ledger()

    settle(attempt, PAID)

    ledger.wrote(payments=1, allocations=1, postings=1, messages=1, events=1)


def test_less_taken_than_asked_books_what_was_taken_and_raises_an_alarm(attempt: Attempt) -> None:
    ledger = Ledger()

    settle(attempt, Succeeded("pi_1", 100_00, "ch_1"))

    ledger.wrote(payments=1, allocations=1, postings=1, messages=1, events=1, alarms=1)
    assert Alarm.objects.get().text == "The processor took $100.00, we asked for $128.60"
    installment = installment_of(attempt.due_part)
    assert (installment.status, installment.owed_cents) == (Installment.Status.PENDING, 28_60)
    rest = DuePart.objects.get(installment=installment, state="OPEN")
    assert (rest.amount_cents, rest.hold) == (28_60, "STAFF")
    assert LedgerPosting.objects.get().amount_cents == 100_00


def test_more_taken_than_asked_books_what_was_taken_and_raises_an_alarm(attempt: Attempt) -> None:
    settle(attempt, Succeeded("pi_1", 130_00))

    assert (Payment.objects.get().amount_cents, LedgerPosting.objects.get().amount_cents) == (130_00, 130_00)
    assert Alarm.objects.get().kind == "AMOUNT_DIFFERS"
    assert installment_of(attempt.due_part).status == Installment.Status.PAID


def test_settling_inside_a_transaction_raises_and_writes_nothing(attempt: Attempt, now: datetime) -> None:
    ledger = Ledger()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        outcomes.settle(attempt.pk, PAID, now=now, actor="autopay")

    ledger.wrote()
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.STARTED


def test_contradicting_news_raises_one_alarm_however_often_it_comes(attempt: Attempt) -> None:
    settle(attempt, DECLINED)
    ledger = Ledger()

    for actor in ("webhook", "reconciler", "webhook"):
        assert settle(attempt, PAID, actor=actor) is False

    ledger.wrote(alarms=1)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.text) == ("CONTRADICTION", "We hold Declined, the processor says Succeeded")
    assert alarm.about["attempt"] == attempt.pk


@pytest.mark.parametrize(("actor", "closed_by"), [("reconciler", "reconciler"), ("user:1", "processor")])
def test_the_alarm_about_an_unknown_outcome_closes_when_it_is_known(
    attempt: Attempt, now: datetime, actor: str, closed_by: str
) -> None:
    """A person whose click brought the news has not closed it by hand."""
    settle(attempt, UNKNOWN)
    Alarm.raise_once(
        attempt.practice_id, kind="OUTCOME_UNKNOWN", key=f"unknown:{attempt.pk}", text="?", about={}, now=now
    )

    settle(attempt, PAID, actor=actor)

    assert (Alarm.objects.get().closed_at, Alarm.objects.get().closed_by) == (now, closed_by)


def test_a_broker_that_is_down_does_not_undo_or_disturb_what_is_settled(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_practice: int) -> None:
        raise ConnectionError("the broker is down")

    monkeypatch.setattr(upward.handlers, "nudge", broken)

    assert settle(attempt, PAID) is True
    assert Payment.objects.count() == 1


def test_nobody_is_nudged_for_news_that_change_nothing_or_roll_back(
    attempt: Attempt, nudged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("in the middle")

    monkeypatch.setattr("payments.notices.success", fail)
    ledger = Ledger()
    with pytest.raises(ValueError, match="in the middle"):
        settle(attempt, PAID)
    ledger.wrote()
    assert nudged == []

    attempt.refresh_from_db()
    assert attempt.state == AttemptState.STARTED


def test_notices_go_out_for_the_first_then_every_third_failure(
    practice: Practice, now: datetime, nudged: list[int]
) -> None:
    part, told, at = factories.collectable(practice), [], now
    for number in range(1, 8):
        DuePart.objects.update(next_try_at=at)
        DueCheck.objects.update(checked_at=at)
        before = Message.objects.count()
        settle(
            claim(part.pk, channel="AUTOPAY", actor="autopay", now=at), Declined(f"pi_{number}", "insufficient_funds")
        )
        if Message.objects.count() > before:
            told.append(number)
        at += timedelta(days=1)

    assert told == [1, 3, 6]


@pytest.mark.parametrize(("every", "expected"), [(0, [1]), (1, [1, 2, 3, 4]), (2, [1, 2, 4])])
def test_the_practice_chooses_how_often_a_failure_is_told(
    practice: Practice, now: datetime, nudged: list[int], every: int, expected: list[int]
) -> None:
    PaymentSettings.objects.update(notify_every_nth_failure=every)
    part, told, at = factories.collectable(practice), [], now
    for number in range(1, 5):
        DuePart.objects.update(next_try_at=at)
        DueCheck.objects.update(checked_at=at)
        before = Message.objects.count()
        settle(
            claim(part.pk, channel="AUTOPAY", actor="autopay", now=at), Declined(f"pi_{number}", "insufficient_funds")
        )
        if Message.objects.count() > before:
            told.append(number)
        at += timedelta(days=1)

    assert told == expected


def test_a_needed_new_card_is_told_at_every_failure(practice: Practice, now: datetime, nudged: list[int]) -> None:
    part = factories.collectable(practice)
    card = autopay_of(part).card
    settle(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now), DECLINED)
    second = claim(part.pk, channel="PAY_NOW", actor="user:1", now=now, card_id=card.pk)

    settle(second, Declined("pi_2", "expired_card"))

    assert Message.objects.filter(kind=Kind.PAYMENT_FAILED).count() == 2
