"""Whoever asks at the same moment, the cardholder pays once. First the control: without the guards they pay twice."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from cards.models import Card
from notifications.models import Kind, Message
from payments import attaching, charging, due_parts, guards, inbox, locks, outcomes, reconcile, sweep
from payments.claim import UnableToClaim, claim
from payments.models import Allocation, Attempt, DuePart, LedgerPosting, Payment, WebhookEvent
from payments.tasks import autopay_one
from payplans.models import Installment, PayPlan
from practices.models import Practice
from processors.port import Declined, NotTaken, Outcome, Pending, Succeeded, UnableToReachProcessor, Unknown
from processors.stripe import StripeProcessor
from processors.stripe.account import API_VERSION
from tests import factories
from tests.cards.test_autopay import DESK
from tests.payments.making import autopay_of, installment_of, plan_of
from tests.payments.test_dunning import history
from tests.payments.test_reconcile import ask
from tests.plugins.stripe import Shop, chargeable
from tests.races.conftest import Together, failures, without_constraint

THREADS = 8
PAID = Succeeded("pi_1", 128_60, "ch_1")


def booked_once(part: DuePart) -> None:
    assert (Payment.objects.count(), Allocation.objects.count(), LedgerPosting.objects.count()) == (1, 1, 1)
    assert Message.objects.filter(kind=Kind.PAYMENT_SUCCESSFUL).count() == 1
    assert (installment_of(part).status, installment_of(part).collected_cents) == ("PAID", 128_60)


def collect(part: DuePart, now: datetime, channel: str = "AUTOPAY") -> Attempt:
    card = None if channel == "AUTOPAY" else autopay_of(part).card.pk
    return charging.collect(part.pk, channel=channel, actor="test", now=now, card_id=card)


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Claims wait for each other between looking and writing, so that a missing guard shows every time.

    The event tells that the first one is there. Where a guard keeps the second one out, the first goes on alone.
    """
    right, two, reached = guards.refuse_unless_chargeable, threading.Barrier(2), threading.Event()

    def meet(*arguments: object) -> None:
        right(*arguments)  # type: ignore[arg-type]
        if connection.in_atomic_block:
            reached.set()
            with contextlib.suppress(threading.BrokenBarrierError):
                two.wait(1.0)

    monkeypatch.setattr(guards, "refuse_unless_chargeable", meet)
    return reached


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch, out_of_order_on_purpose: None) -> None:
    """The same reads, without FOR UPDATE."""
    monkeypatch.setattr(locks, "due_part", lambda pk: DuePart.objects.select_related("installment").get(pk=pk))
    monkeypatch.setattr(locks, "card", lambda card: card)


def test_control_without_constraint_and_lock_two_workers_charge_twice(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event, no_locks: None
) -> None:
    """If this fails, the tests below prove nothing."""
    with without_constraint():
        results = together(*[lambda: collect(part, now)] * 2)
        assert failures(results) == []
        assert shop.taken() == [128_60, 128_60]


def test_the_constraint_alone_holds(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event, no_locks: None
) -> None:
    results = together(*[lambda: collect(part, now)] * 4)

    assert failures(results, UnableToClaim) == []
    assert (shop.taken(), Attempt.objects.count()) == ([128_60], 1)


def test_the_lock_alone_holds(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event
) -> None:
    with without_constraint():
        results = together(*[lambda: collect(part, now)] * 4)

        assert failures(results, UnableToClaim) == []
        assert (shop.taken(), Attempt.objects.count()) == ([128_60], 1)


def test_control_without_the_lock_a_second_try_follows_right_after_a_decline(
    part: DuePart, shop: Shop, now: datetime, together: Together, no_locks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The constraint allows a new attempt once the first is declined: only the lock makes the second look again."""
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    right, first, declined = guards.refuse_unless_chargeable, threading.Lock(), threading.Event()
    both_looked = threading.Barrier(2)

    def dawdle(*arguments: object) -> None:
        right(*arguments)  # type: ignore[arg-type]
        if not connection.in_atomic_block:
            return
        is_first = first.acquire(blocking=False)
        both_looked.wait(10)
        if not is_first:
            # It has looked; it writes when the first one's card has been declined.
            assert declined.wait(10)

    def one() -> Attempt:
        try:
            return collect(part, now)
        finally:
            declined.set()

    monkeypatch.setattr(guards, "refuse_unless_chargeable", dawdle)
    monkeypatch.setattr(locks, "attempt", lambda pk: Attempt.objects.select_related("due_part").get(pk=pk))

    together(one, one)

    assert len(shop.books("charges")) == 2


def test_eight_threads_of_two_sweeps_charge_once(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.clock.now", lambda: now)
    handed: list[int] = []
    swept = together(*[lambda: sweep.sweep(now=now, hand_over=handed.append)] * 2)
    assert (sorted(swept), handed) == ([0, 1], [part.pk])

    # And even if the hand-over had come eight times.
    results = together(*[lambda: autopay_one(practice_id=practice.pk, due_part_id=part.pk)] * THREADS)

    assert results.count("SUCCEEDED") == 1
    assert (shop.taken(), Attempt.objects.count()) == ([128_60], 1)
    booked_once(part)


def test_two_sweeps_share_the_work_without_overlap(
    shop: Shop, practice: Practice, now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [factories.collectable(practice) for _ in range(12)]
    monkeypatch.setattr(sweep, "PAGE", 3)
    handed: list[int] = []

    counts = together(*[lambda: sweep.sweep(now=now, hand_over=handed.append)] * 3)

    assert sum(counts) == 12
    assert sorted(handed) == [part.pk for part in parts]


def test_eight_threads_tried_by_a_declining_card_try_it_once(
    part: DuePart, shop: Shop, now: datetime, together: Together
) -> None:
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")

    results = together(*[lambda: collect(part, now)] * THREADS)

    assert failures(results, UnableToClaim) == []
    assert (len(shop.books("charges")), Attempt.objects.count(), Message.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("behaviour", ["ok", "decline:insufficient_funds"])
def test_pay_now_beside_autopay_charges_once(
    part: DuePart, shop: Shop, now: datetime, together: Together, behaviour: str
) -> None:
    shop.behave(autopay_of(part).card, behaviour)
    channels = ["AUTOPAY", "PAY_NOW", "FIX_LINK", "PAY_NOW"]

    results = together(*[lambda channel=channel: collect(part, now, channel) for channel in channels])

    assert failures(results, UnableToClaim) == []
    if behaviour == "ok":
        assert shop.taken() == [128_60]
        booked_once(part)
    # A declined try leaves a person one more that day, whoever came first.
    assert Attempt.objects.count() == len(shop.books("charges")) <= (1 if behaviour == "ok" else 2)


@pytest.mark.parametrize("news", [PAID, Declined("pi_1", "insufficient_funds"), NotTaken("throttled")])
def test_eight_settles_of_the_same_news_settle_once(
    part: DuePart, now: datetime, together: Together, news: Outcome
) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)

    results = together(*[lambda: outcomes.settle(attempt.pk, news, now=now, actor="test")] * THREADS)

    assert sorted(results) == [False] * (THREADS - 1) + [True]
    assert Payment.objects.count() == (1 if news is PAID else 0)
    assert Message.objects.count() == {"Succeeded": 2, "Declined": 1, "NotTaken": 0}[type(news).__name__]


def test_every_kind_of_news_at_once_ends_in_one_state_and_never_loses_the_money(
    part: DuePart, now: datetime, together: Together
) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    news: list[Outcome] = [PAID, Unknown("lost"), Pending("pi_1"), PAID, Unknown("lost", "pi_1"), PAID]

    results = together(*[lambda one=one: outcomes.settle(attempt.pk, one, now=now, actor="test") for one in news])

    assert failures(results) == []
    attempt.refresh_from_db()
    assert attempt.state == "SUCCEEDED"
    booked_once(part)


def test_reply_webhook_and_reconciler_at_once_book_once(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, together: Together
) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    ask(shop, attempt)
    reference = Attempt.objects.get().reference
    for number in range(2):
        WebhookEvent.objects.create(
            practice=practice, event_id=f"evt_{number}", type="payment_intent.succeeded", object_id=reference,
            api_version=API_VERSION, received_at=now,
        )  # fmt: skip
    answer = StripeProcessor(shop.account).outcome_of(reference)[1]
    soon = datetime.now(UTC) + timedelta(minutes=2)

    results = together(
        lambda: outcomes.settle(attempt.pk, answer, now=now, actor="autopay"),
        lambda: inbox.work_through(practice.pk, now=now),
        lambda: inbox.work_through(practice.pk, now=now),
        lambda: reconcile.reconcile(practice.pk, now=now, real_now=soon),
    )

    assert failures(results) == []
    booked_once(part)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"DONE"}


@pytest.mark.parametrize("round_", range(3))
def test_a_worker_and_the_reconciler_at_once_never_both_win(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, together: Together, round_: int
) -> None:
    """The reconciler cancels while the worker confirms: either the money moved and is booked, or neither."""
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    processor, soon = StripeProcessor(shop.account), datetime.now(UTC) + timedelta(minutes=2)

    def work() -> None:
        outcomes.settle(attempt.pk, charging.ask(processor, attempt), now=now, actor="autopay")

    def repair() -> None:
        for _ in range(4):
            reconcile.reconcile(practice.pk, now=now, real_now=soon)
            time.sleep(0.01 * round_)

    assert failures(together(work, repair)) == []
    repair()

    attempt.refresh_from_db()
    assert attempt.state == ("SUCCEEDED" if shop.taken() else "NOT_TAKEN")
    assert Payment.objects.count() == len(shop.taken())


def test_a_card_removed_while_it_is_charged_is_either_charged_before_or_not_at_all(
    part: DuePart, shop: Shop, now: datetime, together: Together
) -> None:
    card = autopay_of(part).card

    results = together(lambda: collect(part, now), lambda: attaching.remove_card(card, actor="user:1", now=now))

    assert failures(results, UnableToClaim, UnableToReachProcessor) == []
    assert Card.objects.get(pk=card.pk).state == Card.State.REMOVED
    assert not autopay_of(part).is_on
    assert Payment.objects.count() == len(shop.taken()) <= 1
    assert not Attempt.objects.filter(state="STARTED").exists()
    with pytest.raises(UnableToClaim):
        collect(part, now)


def test_a_removal_waits_for_a_claim_that_was_first(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event
) -> None:
    """The claim has looked and holds the card: a removal right then comes after it, not between."""
    card = autopay_of(part).card

    def remove() -> str:
        assert meeting.wait(10)
        Card.objects.filter(pk=card.pk).update(state=Card.State.REMOVED)
        return str(Attempt.objects.count())

    attempt, seen = together(lambda: claim(part.pk, channel="AUTOPAY", actor="autopay", now=now), remove)

    assert (attempt.state, seen) == ("STARTED", "1")


def test_a_plan_closed_while_it_is_charged_keeps_books_and_processor_equal(
    part: DuePart, shop: Shop, now: datetime, together: Together
) -> None:
    def close() -> None:
        with transaction.atomic():
            locks.installments(plan_of(part).pk)
            PayPlan.objects.update(is_closed=True)
            Installment.objects.filter(status="PENDING").update(status="CANCELED")
            due_parts.refresh(plan_of(part), now=now)

    results = together(lambda: collect(part, now), close)

    assert failures(results, UnableToClaim) == []
    assert Payment.objects.count() == LedgerPosting.objects.count() == len(shop.taken()) <= 1
    assert not DuePart.objects.filter(state="OPEN").exists()
    assert not Attempt.objects.filter(state="STARTED").exists()


def test_two_attaches_at_once_leave_one_card_with_one_consent_that_stands(
    part: DuePart, now: datetime, together: Together
) -> None:
    cards = [factories.CardFactory.create(patient=part.payer, is_primary=False) for _ in range(4)]

    results = together(*[
        lambda card=card: attaching.attach(plan_of(part), card, max_charge_cents=128_60, witness=DESK, now=now)
        for card in cards
    ])  # fmt: skip

    assert failures(results) == []
    autopay = autopay_of(part)
    assert autopay.is_on
    standing = plan_of(part).consents.filter(revoked_at=None)
    assert [consent.pk for consent in standing] == [autopay.consent_id]
    assert Message.objects.filter(kind=Kind.CONSENT_COPY).count() == 4


def test_the_last_try_of_a_budget_goes_to_one_of_many(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, together: Together
) -> None:
    """14 tries are declined; four due parts of four people want the same number at once."""
    others = [chargeable(shop, practice) for _ in range(3)]
    history(part, autopay_of(part).card, [now - timedelta(days=5)] * 14)
    for one in (part, *others):
        shop.behave(autopay_of(one).card, "decline:insufficient_funds")

    results = together(*[lambda one=one: collect(one, now) for one in (part, *others)])

    assert failures(results, UnableToClaim) == []
    assert len(shop.books("charges")) == 1
