"""The webhook inbox: what is worked through early, late, twice, in vain, or is about something else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cards import saving
from cards.models import Autopay, Card, CardSetup
from notifications.models import Message
from payments import charging
from payments.claim import claim
from payments.models import Alarm, Attempt, AttemptState, DuePart, Payment, WebhookEvent
from practices.models import Practice
from processors.port import Charge, NotTaken, Unknown
from processors.stripe import StripeProcessor
from tests import factories
from tests.payments.making import PAID, Deliver, autopay_of, event, settle, work
from tests.payments.test_reconcile import ask
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


def started(part: DuePart, now: datetime) -> Attempt:
    return claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def test_a_success_whose_answer_was_lost_is_settled_by_its_webhook(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    settle(attempt, Unknown("The processor did not answer"))
    deliver(reference=Attempt.objects.get().reference)
    ledger = Ledger()

    assert (work(shop, now), work(shop, now)) == (1, 0)

    ledger.wrote(payments=1, allocations=1, postings=1, messages=2, events=1)
    assert (event().state, event().processed_at) == ("DONE", now)
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.SUCCEEDED


def test_a_webhook_that_overtakes_the_answer_is_found_by_metadata_and_the_answer_changes_nothing(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    reference = Attempt.objects.get().reference
    # Our row doesn't know the intent yet.
    Attempt.objects.update(reference="")
    deliver(reference=reference)
    work(shop, now)
    ledger = Ledger()

    outcome = StripeProcessor(shop.account).outcome_of(reference)[1]
    assert settle(attempt, outcome) is False

    ledger.wrote()
    assert (Payment.objects.count(), Attempt.objects.get().reference) == (1, reference)


def test_a_webhook_about_an_unconfirmed_intent_does_not_take_it_from_its_worker(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = started(part, now)

    def meanwhile(reference: str) -> bool:
        deliver("payment_intent.created", reference)
        assert work(shop, now) == 1
        return charging.remember(attempt.pk, reference)

    wish = Charge(attempt.create_params, attempt.confirm_params, attempt.create_key, attempt.confirm_key)
    settle(attempt, StripeProcessor(shop.account).charge(wish, meanwhile))

    attempt.refresh_from_db()
    assert (attempt.state, shop.taken(), event().state) == (AttemptState.SUCCEEDED, [128_60], "IGNORED")


def test_a_late_webhook_about_what_is_settled_writes_nothing(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    ledger = Ledger()
    deliver(reference=attempt.reference)

    assert work(shop, now + timedelta(days=3)) == 1

    ledger.wrote()
    assert event().state == "DONE"


def test_the_failure_of_an_intent_that_we_canceled_since_is_no_contradiction(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    attempt = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    assert shop.intents() == ["canceled"]
    ledger = Ledger()

    for number, kind in enumerate(("payment_intent.payment_failed", "payment_intent.canceled")):
        deliver(kind, attempt.reference, event=f"evt_{number}")
    assert work(shop, now) == 2

    ledger.wrote()
    assert Attempt.objects.get().state == AttemptState.DECLINED


def test_a_decline_brought_by_a_webhook_cancels_the_intent(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = started(part, now)
    shop.behave(attempt.saved_card, "decline:insufficient_funds")
    ask(shop, attempt)
    deliver("payment_intent.payment_failed", Attempt.objects.get().reference)

    work(shop, now)

    assert (Attempt.objects.get().state, shop.intents()) == (AttemptState.DECLINED, ["canceled"])


def test_a_success_of_what_we_hold_not_taken_raises_an_alarm(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    attempt = started(part, now)
    ask(shop, attempt)
    settle(attempt, NotTaken("We were wrong"))
    deliver(reference=Attempt.objects.get().reference)
    ledger = Ledger()

    work(shop, now)

    ledger.wrote(alarms=1)
    assert Alarm.objects.get().kind == "CONTRADICTION"


def test_two_events_about_one_success_write_one_payment(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    ask(shop, started(part, now))
    for name in ("evt_1", "evt_2"):
        deliver(reference=Attempt.objects.get().reference, event=name)

    assert work(shop, now) == 2
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("charge.refunded", "ch_1"),
        ("checkout.session.completed", "cs_unknown"),
        ("payment_method.detached", "pm_unknown"),
        ("payment_method.updated", "pm_unknown"),
    ],
)
def test_what_is_not_ours_is_ignored(shop: Shop, deliver: Deliver, now: datetime, kind: str, reference: str) -> None:
    deliver(kind, reference)
    ledger = Ledger()

    assert work(shop, now) == 1

    ledger.wrote()
    assert event().state == "IGNORED"


@pytest.mark.parametrize("metadata", [{}, {"metadata[attempt]": "nonsense"}, {"metadata[attempt]": "0" * 32}])
def test_a_payment_made_by_somebody_else_in_the_same_account_is_ignored(
    shop: Shop, deliver: Deliver, now: datetime, metadata: dict[str, str]
) -> None:
    form = {"amount": "500", "currency": "usd", **metadata}
    made = shop.process.http.post("/v1/payment_intents", data=form, auth=(shop.account.secret_key, "")).json()
    deliver(reference=made["id"])
    ledger = Ledger()

    assert work(shop, now) == 1

    ledger.wrote()
    assert (event().state, event().note) == ("IGNORED", "Not one of our payments")


@pytest.mark.parametrize(("confirm", "alarms"), [(False, 0), (True, 1)])
def test_a_copy_of_our_intent_made_by_hand_moves_nothing_but_its_money_is_seen(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime, confirm: bool, alarms: int
) -> None:
    attempt = started(part, now)
    ask(shop, attempt, until="remember")
    form = {
        "amount": "500", "currency": "usd", "metadata[attempt]": str(attempt.uuid),
        "customer": attempt.saved_card.customer, "payment_method": attempt.saved_card.payment_method,
    }  # fmt: skip
    auth = (shop.account.secret_key, "")
    copy = shop.process.http.post("/v1/payment_intents", data=form, auth=auth).json()["id"]
    shop.process.http.post(f"/v1/payment_intents/{copy}/{'confirm' if confirm else 'cancel'}", auth=auth)
    deliver(PAID if confirm else "payment_intent.canceled", copy)
    ledger = Ledger()

    assert work(shop, now) == 1

    ledger.wrote(**({"alarms": 1} if alarms else {}))
    assert (Attempt.objects.get().state, event().state) == (AttemptState.STARTED, "IGNORED")


def test_processing_that_fails_is_tried_again_and_gives_up_with_an_alarm(
    shop: Shop, deliver: Deliver, now: datetime
) -> None:
    deliver(reference="pi_nobody_knows")
    ledger = Ledger()

    for number in range(1, 11):
        assert work(shop, now + timedelta(minutes=number)) == 0
    assert (event().state, event().tries) == ("NEW", 10)
    ledger.wrote()
    assert work(shop, now + timedelta(hours=1)) == 1
    assert work(shop, now + timedelta(hours=2)) == 0

    ledger.wrote(alarms=1)
    assert (event().state, event().tries, event().note) == ("FAILED", 11, "UnableToReachProcessor")
    assert Alarm.objects.get().kind == "WEBHOOK_STUCK"


def test_a_failure_heals_when_the_processor_answers_again(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    ask(shop, started(part, now))
    deliver(reference=Attempt.objects.get().reference)
    shop.fault("GET /v1/payment_intents*", "error_before", times=2)

    assert [work(shop, now), work(shop, now)] == [0, 1]
    assert (event().state, event().tries, Payment.objects.count()) == ("DONE", 1, 1)


def test_one_event_that_fails_does_not_stop_the_others(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    ask(shop, started(part, now))
    deliver(reference="pi_nobody_knows", event="evt_bad")
    deliver(reference=Attempt.objects.get().reference, event="evt_good")

    assert work(shop, now) == 1
    assert dict(WebhookEvent.objects.values_list("event_id", "state")) == {"evt_bad": "NEW", "evt_good": "DONE"}


def test_a_card_removed_at_the_processor_is_blocked_here(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    card = autopay_of(part).card
    deliver("payment_method.detached", card.payment_method)

    assert work(shop, now) == 1
    card.refresh_from_db()
    assert (card.state, card.state_reason) == (Card.State.BLOCKED, "Removed at the processor")


def test_a_card_that_we_removed_stays_removed(part: DuePart, shop: Shop, deliver: Deliver, now: datetime) -> None:
    Card.objects.update(state=Card.State.REMOVED)
    deliver("payment_method.detached", autopay_of(part).card.payment_method)

    work(shop, now)
    assert set(Card.objects.values_list("state", flat=True)) == {Card.State.REMOVED}


def test_a_renewed_card_is_taken_over(part: DuePart, shop: Shop, deliver: Deliver, now: datetime) -> None:
    card = autopay_of(part).card
    shop.control("cards/expire", payment_method=card.payment_method, exp_year=2033, exp_month=4)
    deliver("payment_method.automatically_updated", card.payment_method)
    ledger = Ledger()

    assert work(shop, now) == 1

    ledger.wrote(events=1, messages=1)
    card.refresh_from_db()
    assert (card.exp_year, card.exp_month) == (2033, 4)


def test_a_card_that_the_network_updated_is_told_to_its_owner_once(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    card = autopay_of(part).card
    shop.control("cards/expire", payment_method=card.payment_method, exp_year=2033, exp_month=4)
    for name in ("evt_1", "evt_2"):
        deliver("payment_method.automatically_updated", card.payment_method, event=name)

    assert work(shop, now) == 2

    [told] = Message.objects.all()
    assert (told.kind, told.patient, told.values["Card Expiration"]) == ("CARD_UPDATED", card.patient, "04/2033")


def test_an_updated_card_that_pays_no_plan_is_no_news(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    Autopay.objects.update(is_on=False)
    deliver("payment_method.automatically_updated", autopay_of(part).card.payment_method)
    ledger = Ledger()

    assert work(shop, now) == 1

    ledger.wrote()


def test_a_card_page_that_was_completed_saves_the_card_once(
    shop: Shop, deliver: Deliver, now: datetime, practice: Practice
) -> None:
    patient = factories.PatientFactory.create(practice=practice)
    saving.start(patient=patient, return_path="/somewhere/", actor="user:1", now=now)
    setup = CardSetup.objects.get()
    form = {"number": "4242424242424242", "expiry": "12/40", "code": "123", "name": "Ana", "zip_code": "10001"}
    answer = shop.process.http.post(f"/c/pay/{setup.session}", data=form)
    assert answer.status_code < 400
    for name in ("evt_1", "evt_2"):
        deliver("checkout.session.completed", setup.session, event=name)

    assert work(shop, now) == 2
    assert Card.objects.count() == 1
    assert CardSetup.objects.get().card == Card.objects.get()


def test_a_card_page_that_expired_is_closed(shop: Shop, deliver: Deliver, now: datetime, practice: Practice) -> None:
    patient = factories.PatientFactory.create(practice=practice)
    CardSetup.objects.create(
        practice=practice, patient=patient, session="cs_1", return_path="/", actor="user:1", created_at=now
    )
    deliver("checkout.session.expired", "cs_1")

    assert work(shop, now) == 1
    assert CardSetup.objects.get().state == CardSetup.State.EXPIRED
