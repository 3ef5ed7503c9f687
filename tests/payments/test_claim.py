"""Every guard of a claim, one by one: what it refuses, and that nothing else happened (docs/money.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from cards.models import Autopay, Card, Consent
from payments import part_key
from payments.claim import UnableToClaim, claim
from payments.models import Attempt, AttemptState, DueCheck, DuePart
from payplans.models import Installment, PayPlan
from practices.models import Event, Practice
from tests import factories
from tests.payments.making import autopay_of, decline, plan_of
from tests.plugins.money import Ledger

AUTOPAY, PAY_NOW, FIX_LINK = Attempt.Channel.AUTOPAY, Attempt.Channel.PAY_NOW, Attempt.Channel.FIX_LINK


def try_claim(part: DuePart, now: datetime, channel: str = AUTOPAY, card: Card | None = None) -> Attempt:
    return claim(part.pk, channel=channel, actor="autopay", now=now, card_id=card.pk if card else None)


def refused(part: DuePart, now: datetime, words: str, channel: str = AUTOPAY, card: Card | None = None) -> None:
    """The claim refuses with these words and writes nothing at all."""
    ledger, untouched = Ledger(), DuePart.objects.filter(pk=part.pk).values().get()
    with pytest.raises(UnableToClaim, match=words):
        try_claim(part, now, channel, card)
    ledger.wrote()
    assert DuePart.objects.filter(pk=part.pk).values().get() == untouched


def test_a_claim_commits_one_attempt_with_everything_that_will_be_sent(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    card = autopay_of(part).card
    DuePart.objects.filter(pk=part.pk).update(wait_reason="Open Dental was offline")

    attempt = try_claim(part, now)

    assert Attempt.objects.get() == attempt
    assert (attempt.state, attempt.number, attempt.amount_cents, attempt.card) == ("STARTED", 1, 128_60, card)
    assert (attempt.started_at, attempt.reference, attempt.actor) == (now, "", "autopay")
    assert attempt.create_params == {
        "amount": 128_60,
        "currency": "usd",
        "customer": card.customer,
        "payment_method": card.payment_method,
        "allowed_payment_method_types": ["card"],
        "description": "Account balance",
        "metadata": {"attempt": str(attempt.uuid), "part": part_key.of(part)},
    }
    assert attempt.confirm_params == {"off_session": True}
    assert (attempt.create_key, attempt.confirm_key) == (f"kp-create-{attempt.uuid}", f"kp-confirm-{attempt.uuid}")
    assert DuePart.objects.get().wait_reason == ""
    event = Event.objects.get()
    assert (event.kind, event.text, event.actor) == ("attempt_started", "Try 1 with Visa 4242", "autopay")
    assert event.about == {
        "patient": part.payer_id, "due_part": part.pk, "attempt": attempt.pk, "card": card.pk,
        "installment": part.installment_id, "plan": plan_of(part).pk,
    }  # fmt: skip


@pytest.mark.parametrize("state", AttemptState.open())
def test_a_part_whose_installment_is_being_collected_under_another_part_is_refused(
    practice: Practice, now: datetime, state: str
) -> None:
    part = factories.collectable(practice)
    brought_back = try_claim(part, now)
    other = factories.DuePartFactory.create(installment=part.installment, state=DuePart.State.CLOSED, amount_cents=100)
    Attempt.objects.filter(pk=brought_back.pk).update(due_part=other, state=state)

    refused(part, now, "under way")
    refused(part, now, "under way", PAY_NOW, autopay_of(part).card)
    Attempt.objects.update(state=AttemptState.NOT_TAKEN)
    assert try_claim(part, now, PAY_NOW, autopay_of(part).card).due_part == part


def test_a_claim_inside_a_transaction_raises(practice: Practice, now: datetime, ledger: Ledger) -> None:
    part = factories.collectable(practice)

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        try_claim(part, now)

    ledger.wrote()


@pytest.mark.parametrize("state", [DuePart.State.PAID, DuePart.State.CLOSED])
def test_a_part_that_is_paid_or_closed_is_refused(practice: Practice, now: datetime, state: str) -> None:
    part = factories.collectable(practice)
    DuePart.objects.filter(pk=part.pk).update(state=state)

    refused(part, now, "paid or no longer owed")
    refused(part, now, "paid or no longer owed", PAY_NOW, autopay_of(part).card)


@pytest.mark.parametrize("state", AttemptState.open_or_paid())
def test_a_second_attempt_beside_an_open_or_successful_one_is_refused(
    practice: Practice, now: datetime, state: str
) -> None:
    part = factories.collectable(practice)
    first = try_claim(part, now)
    Attempt.objects.filter(pk=first.pk).update(state=state)

    refused(part, now, "Another payment of the same money is under way")
    refused(part, now, "Another payment", PAY_NOW, autopay_of(part).card)


def test_the_constraint_alone_also_refuses_a_second_attempt(
    practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = factories.collectable(practice)
    try_claim(part, now)
    monkeypatch.setattr("payments.guards.refuse_unless_open", lambda *_: None)

    refused(part, now, "Another payment", PAY_NOW, autopay_of(part).card)


def _stale(part: DuePart, now: datetime) -> None:
    DueCheck.objects.update(checked_at=now - timedelta(minutes=5, seconds=1))


def _no_check(part: DuePart, _now: datetime) -> None:
    DueCheck.objects.all().delete()


def _obstacle(part: DuePart, _now: datetime) -> None:
    DueCheck.objects.update(obstacle="The office's own card tool is active on this plan")


def _owes_less(part: DuePart, _now: datetime) -> None:
    DueCheck.objects.update(owed_cents=128_59)


def _canceled(part: DuePart, _now: datetime) -> None:
    Installment.objects.update(status=Installment.Status.CANCELED)


def _plan_closed(part: DuePart, _now: datetime) -> None:
    PayPlan.objects.update(is_closed=True)


def _plan_gone(part: DuePart, now: datetime) -> None:
    PayPlan.objects.update(gone_at=now)


def _insurance(part: DuePart, _now: datetime) -> None:
    PayPlan.objects.update(kind=PayPlan.Kind.INSURANCE)


def _too_small(part: DuePart, _now: datetime) -> None:
    DuePart.objects.update(amount_cents=49)


def _too_large(part: DuePart, _now: datetime) -> None:
    DuePart.objects.update(amount_cents=1_000_000_00)


def _card_removed(part: DuePart, _now: datetime) -> None:
    Card.objects.update(state=Card.State.REMOVED)


def _card_blocked(part: DuePart, _now: datetime) -> None:
    Card.objects.update(state=Card.State.BLOCKED)


@pytest.mark.parametrize("channel", [AUTOPAY, PAY_NOW, FIX_LINK])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_stale, "has not confirmed that this is still owed"),
        (_no_check, "has not confirmed that this is still owed"),
        (_obstacle, "own card tool is active"),
        (_owes_less, "less is owed now"),
        (_canceled, "less is owed now"),
        (_plan_closed, "closed, gone or paid by insurance"),
        (_plan_gone, "closed, gone or paid by insurance"),
        (_insurance, "closed, gone or paid by insurance"),
        (_too_small, r"charged less than \$0.50"),
        (_too_large, r"charged more than \$999,999.99"),
        (_card_removed, "no longer active"),
        (_card_blocked, "no longer active"),
    ],
)
def test_every_channel_is_refused(
    practice: Practice, now: datetime, channel: str, spoil: Callable[[DuePart, datetime], None], words: str
) -> None:
    part = factories.collectable(practice)
    spoil(part, now)

    refused(part, now, words, channel, autopay_of(part).card)


def test_a_check_of_exactly_five_minutes_is_still_fresh(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    DueCheck.objects.update(checked_at=now - timedelta(minutes=5))

    assert try_claim(part, now).state == AttemptState.STARTED


def test_a_card_of_another_person_is_refused(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    foreign = factories.CardFactory.create(patient=factories.PatientFactory.create(practice=practice))

    refused(part, now, "belongs to another person", PAY_NOW, foreign)


def test_a_card_that_is_not_there_is_refused(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    gone = factories.CardFactory.create(patient=part.payer, is_primary=False)
    Card.objects.filter(pk=gone.pk).delete()

    refused(part, now, "The card is gone", PAY_NOW, gone)


def test_a_plan_without_any_card_is_refused(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    Autopay.objects.all().delete()

    refused(part, now, "No card is attached")


def _off(part: DuePart, now: datetime) -> None:
    Autopay.objects.update(is_on=False)


def _revoked(part: DuePart, now: datetime) -> None:
    Consent.objects.update(revoked_at=now)


def _above_maximum(part: DuePart, now: datetime) -> None:
    Consent.objects.update(max_charge_cents=128_59)


def _held(part: DuePart, now: datetime) -> None:
    DuePart.objects.update(hold=DuePart.Hold.ARREARS)


def _no_date(part: DuePart, now: datetime) -> None:
    DuePart.objects.update(next_try_at=None)


def _too_early(part: DuePart, now: datetime) -> None:
    DuePart.objects.update(next_try_at=now + timedelta(seconds=1))


def _not_issued(part: DuePart, now: datetime) -> None:
    Installment.objects.update(is_issued=False)


def _due_later(part: DuePart, now: datetime) -> None:
    Installment.objects.update(due_date=now.date() + timedelta(days=1))


def _down_payment(part: DuePart, now: datetime) -> None:
    Installment.objects.update(is_down_payment=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_off, "Autopay is off"),
        (_revoked, "Autopay is off"),
        (_above_maximum, "above the agreed maximum"),
        (_held, "The next try has not come yet"),
        (_no_date, "The next try has not come yet"),
        (_too_early, "The next try has not come yet"),
        (_not_issued, "has not issued this charge yet"),
        (_due_later, "The due date has not come yet"),
        (_down_payment, "down payment"),
    ],
)
def test_autopay_is_refused_where_a_person_may_still_pay(
    practice: Practice, now: datetime, spoil: Callable[[DuePart, datetime], None], words: str
) -> None:
    part = factories.collectable(practice)
    spoil(part, now)

    refused(part, now, words)
    by_hand = try_claim(part, now, PAY_NOW, autopay_of(part).card)
    assert (by_hand.state, by_hand.channel) == (AttemptState.STARTED, PAY_NOW)


def test_autopay_with_another_card_than_the_agreed_one_is_refused(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    other = factories.CardFactory.create(patient=part.payer, is_primary=False)

    refused(part, now, "Autopay is off", AUTOPAY, other)


def test_autopay_tries_a_card_once_a_day_and_a_person_once_more(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    card = autopay_of(part).card
    decline(try_claim(part, now))
    DuePart.objects.update(next_try_at=now)

    refused(part, now, "already tried today")
    decline(try_claim(part, now, PAY_NOW, card))
    refused(part, now, "already tried twice today", PAY_NOW, card)
    refused(part, now, "already tried twice today", FIX_LINK, card)
    assert Attempt.objects.count() == 2


def test_the_day_of_a_try_is_the_day_at_the_practice(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    late = datetime(2026, 3, 11, 3, 59, tzinfo=now.tzinfo)  # 23:59 of March 10 in New York
    decline(try_claim(part, now))
    DuePart.objects.update(next_try_at=now)
    DueCheck.objects.update(checked_at=late)

    refused(part, late, "already tried today")
    tomorrow = late + timedelta(minutes=1)
    assert try_claim(part, tomorrow).number == 2


def test_a_try_that_was_not_taken_does_not_use_up_the_day(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    first = try_claim(part, now)
    Attempt.objects.filter(pk=first.pk).update(state=AttemptState.NOT_TAKEN)

    assert try_claim(part, now).number == 2


def test_another_card_may_be_tried_the_same_day(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    decline(try_claim(part, now))
    other = factories.CardFactory.create(patient=part.payer, is_primary=False)

    assert try_claim(part, now, PAY_NOW, other).card == other


def test_the_day_counts_for_the_installment_even_when_its_part_was_replaced(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    card = autopay_of(part).card
    decline(try_claim(part, now))
    DuePart.objects.filter(pk=part.pk).update(state=DuePart.State.CLOSED)
    Installment.objects.update(principal_cents=100_00)
    smaller = factories.DuePartFactory.create(installment=part.installment, amount_cents=100_00)
    factories.DueCheckFactory.create(due_part=smaller)

    refused(smaller, now, "already tried today")
    decline(try_claim(smaller, now, PAY_NOW, card))
    refused(smaller, now, "already tried twice today", PAY_NOW, card)


def test_the_fix_it_link_is_refused_while_an_earlier_payment_is_looked_for(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    DuePart.objects.update(hold=DuePart.Hold.RECONCILE)

    refused(part, now, "earlier payment is being looked for", FIX_LINK, autopay_of(part).card)
    assert try_claim(part, now, PAY_NOW, autopay_of(part).card).state == AttemptState.STARTED


def test_a_card_told_never_again_is_refused_also_when_entered_again(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    old = autopay_of(part).card
    Card.objects.filter(pk=old.pk).update(state=Card.State.BLOCKED, never_again=True)
    again = factories.CardFactory.create(patient=part.payer, is_primary=False, fingerprint=old.fingerprint)

    refused(part, now, "never to try this card again", PAY_NOW, again)
