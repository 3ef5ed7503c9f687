"""Collecting a due part from the recheck to the end: what is asked, in which order, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection, transaction

from payments import charging, due_parts, loose_ends, reconcile, upward
from payments.claim import UnableToClaim
from payments.models import Attempt, DuePart, Payment
from payplans.models import Installment
from practices import tenancy
from processors.stripe import StripeProcessor
from tests import factories
from tests.payments.making import autopay_of, installment_of
from tests.plugins.money import Ledger, confirm_owed
from tests.plugins.stripe import Shop

CREATE, CONFIRM = "POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm"


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


def collect(part: DuePart, now: datetime) -> Attempt:
    return charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def test_a_success_asks_twice_and_writes_everything_once(part: DuePart, shop: Shop, now: datetime) -> None:
    ledger = Ledger()

    attempt = collect(part, now)

    # Receipt and thanks: it was the plan's only installment.
    ledger.wrote(attempts=1, payments=1, allocations=1, postings=1, messages=2, events=2)
    assert attempt.state == "SUCCEEDED"
    assert shop.asked() == [f"{CREATE} 200", f"{CONFIRM} 200".replace("*", attempt.reference)]


def test_what_is_sent_is_what_the_attempt_holds(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = collect(part, now)

    create, confirm = shop.requests()
    stored = Attempt.objects.get()
    assert dict(parse_qsl(create["body"])) == dict(flat(stored.create_params))
    assert dict(parse_qsl(confirm["body"])) == dict(flat(stored.confirm_params))
    assert (create["idempotency_key"], confirm["idempotency_key"]) == (attempt.create_key, attempt.confirm_key)
    assert "Sample" not in create["body"] + confirm["body"]


def flat(params: dict[str, Any], inside: str = "") -> list[tuple[str, str]]:
    """Parameters as a form has them."""
    found: list[tuple[str, str]] = []
    for name, value in params.items():
        key = f"{inside}[{name}]" if inside else name
        if isinstance(value, dict):
            found += flat(value, key)
        elif isinstance(value, list):
            found += [(f"{key}[{place}]", str(one)) for place, one in enumerate(value)]
        else:
            found.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    return found


def test_a_decline_asks_for_the_cancellation_of_its_intent(part: DuePart, shop: Shop, now: datetime) -> None:
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    ledger = Ledger()

    attempt = collect(part, now)

    ledger.wrote(attempts=1, messages=1, events=2)
    assert (attempt.state, shop.intents(), len(shop.asked())) == ("DECLINED", ["canceled"], 3)


def test_a_retry_is_a_new_attempt_with_an_intent_and_keys_of_its_own(part: DuePart, shop: Shop, now: datetime) -> None:
    shop.behave(autopay_of(part).card, "decline:insufficient_funds", times=1)
    first = collect(part, now)
    second = collect(part, now + timedelta(days=1))

    assert (first.state, second.state, second.number) == ("DECLINED", "SUCCEEDED", 2)
    assert shop.intents() == ["canceled", "succeeded"]
    keys = {row["idempotency_key"] for row in shop.requests() if not row["path"].endswith("cancel")}
    assert keys == {first.create_key, first.confirm_key, second.create_key, second.confirm_key}


@pytest.mark.parametrize(
    ("fault", "times", "state", "requests"),
    [
        ((CREATE, "throttle"), 1, "NOT_TAKEN", 1),
        ((CREATE, "drop_after"), 2, "UNKNOWN", 1),
        ((CREATE, "error_before"), 2, "UNKNOWN", 0),
        ((CONFIRM, "throttle"), 1, "NOT_TAKEN", 2),
        ((CONFIRM, "drop_before"), 2, "UNKNOWN", 1),
        ((CONFIRM, "error_after"), 2, "UNKNOWN", 3),
    ],
)
def test_trouble_at_the_processor_ends_as_the_table_says_and_pays_nothing(
    part: DuePart, shop: Shop, now: datetime, fault: tuple[str, str], times: int, state: str, requests: int
) -> None:
    shop.fault(*fault, times=times)
    ledger = Ledger()

    attempt = collect(part, now)

    ledger.wrote(attempts=1, events=2)
    assert attempt.state == state
    assert installment_of(part).status == "PENDING"
    if state == "NOT_TAKEN":
        assert set(shop.intents()) <= {"canceled"}


def test_a_throttled_repetition_of_a_confirm_that_charged_is_never_charged_again(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    """The first confirm took the money and its answer was lost; the second was told to slow down."""
    shop.fault(CONFIRM, "drop_after")
    shop.fault(CONFIRM, "throttle")

    assert collect(part, now).state == "UNKNOWN"
    for minutes in (5, 10, 30):
        with pytest.raises(UnableToClaim):
            collect(part, now + timedelta(minutes=minutes))
    reconcile.reconcile(part.practice_id, now=now, real_now=datetime.now(UTC))

    assert (shop.taken(), Payment.objects.count(), Attempt.objects.get().state) == ([128_60], 1, "SUCCEEDED")


def test_collecting_inside_a_transaction_raises_before_anything_is_asked(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    ledger = Ledger()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        collect(part, now)

    ledger.wrote()
    assert shop.asked() == []


def test_no_transaction_is_open_while_anybody_outside_is_asked(
    part: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    seen: list[tuple[str, bool, int]] = []

    def watched(name: str, right: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **more: Any) -> Any:
            seen.append((name, connection.in_atomic_block, Attempt.objects.count()))
            return right(*arguments, **more)

        return run

    monkeypatch.setattr(upward.handlers, "recheck", watched("recheck", confirm_owed))
    for name in ("charge", "cancel"):
        monkeypatch.setattr(StripeProcessor, name, watched(name, getattr(StripeProcessor, name)))

    collect(part, now)

    assert seen == [("recheck", False, 0), ("charge", False, 1), ("cancel", False, 1)]


def test_the_part_that_a_recheck_replaced_is_not_charged(
    part: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open Dental says that something was paid at the desk: the old amount must not be taken."""

    def paid_at_the_desk(due_part_id: int, at: datetime) -> None:
        Installment.objects.update(office_paid_cents=28_60)
        with transaction.atomic():
            due_parts.refresh(autopay_of(part).plan, now=at)
        confirm_owed(due_part_id, at)

    monkeypatch.setattr(upward.handlers, "recheck", paid_at_the_desk)

    with pytest.raises(UnableToClaim, match="paid or no longer owed"):
        collect(part, now)
    assert shop.asked() == []
    smaller = DuePart.objects.get(state="OPEN")
    monkeypatch.setattr(upward.handlers, "recheck", confirm_owed)
    assert collect(smaller, now).amount_cents == 100_00
    assert shop.taken() == [100_00]


def test_a_due_part_of_another_practice_cannot_be_collected(part: DuePart, shop: Shop, now: datetime) -> None:
    other = factories.PracticeFactory.create()

    with tenancy.scope(other.pk), pytest.raises(UnableToClaim):
        collect(part, now)
    assert (shop.asked(), Attempt.objects.count()) == ([], 0)


def test_an_answer_that_waited_too_long_for_its_turn_is_not_believed(
    part: DuePart, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 301.0])
    monkeypatch.setattr(charging, "monotonic", lambda: next(times))

    with pytest.raises(UnableToClaim, match="has not confirmed"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)

    assert (Attempt.objects.count(), shop.asked()) == (0, [])


def test_a_card_that_is_gone_at_the_processor_waits_for_a_new_one_and_the_patient_is_told(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    """Its webhook was lost: the charge is what finds out."""
    card = autopay_of(part).card
    StripeProcessor(shop.account).detach(card.payment_method)
    ledger = Ledger()

    attempt = collect(part, now)

    # A failure notice with a link; no alarm, for other patients' cards are fine.
    ledger.wrote(attempts=1, messages=1, events=2)
    card.refresh_from_db()
    part.refresh_from_db()
    assert (attempt.state, attempt.decline_code) == ("DECLINED", "card_gone")
    assert (card.state, card.never_again) == ("BLOCKED", False)
    assert (part.hold, part.next_try_at) == ("NEW_CARD", None)
    assert part.hold_reason.startswith("Declined: the card is no longer on file at the processor")
    assert list(DuePart.objects.due(now)) == []
    assert shop.taken() == []


def loose() -> list[bool]:
    return list(Attempt.objects.values_list("is_loose", flat=True))


@pytest.mark.parametrize("state", ["DECLINED", "NOT_TAKEN"])
def test_an_intent_that_could_not_be_canceled_is_canceled_later(
    part: DuePart, shop: Shop, now: datetime, state: str
) -> None:
    if state == "DECLINED":
        shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    else:
        shop.fault(CONFIRM, "throttle", times=9)
    shop.fault("POST /v1/payment_intents/*/cancel", "error_before", times=2)

    attempt = collect(part, now)

    assert (attempt.state, loose()) == (state, [True])
    soon = datetime.now(UTC) + timedelta(seconds=100)
    assert loose_ends.cut_all(part.practice_id, real_now=soon - timedelta(seconds=60)) == 0
    reconcile.reconcile(part.practice_id, now=now, real_now=soon)
    assert (shop.intents(), loose()) == (["canceled"], [False])
    assert loose_ends.cut_all(part.practice_id, real_now=soon) == 0


def test_a_success_leaves_nothing_loose(part: DuePart, shop: Shop, now: datetime) -> None:
    collect(part, now)

    assert loose() == [False]
