"""The webhook inbox: stored, answered, worked through; early, late, twice, forged, or about something else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.test import Client

from cards import saving
from cards.models import Card, CardSetup
from core import clock
from payments import charging, inbox
from payments.claim import claim
from payments.models import Alarm, Attempt, AttemptState, DuePart, Payment, WebhookEvent
from practices import tenancy
from practices.models import Practice
from processors.models import ProcessorAccount
from processors.port import Charge, NotTaken, Unknown
from processors.stripe import ProcessorEvent, StripeProcessor
from processors.stripe.account import API_VERSION
from tests import factories
from tests.payments.making import autopay_of, settle
from tests.payments.test_reconcile import ask
from tests.plugins.money import Ledger
from tests.plugins.stripe import WEBHOOK_SECRET, Shop

PAID = "payment_intent.succeeded"


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For which practices the view asked a worker to come."""
    calls: list[int] = []
    monkeypatch.setattr("payments.webhook_views.inbox_one.delay", lambda *, practice_id: calls.append(practice_id))
    return calls


Deliver = Callable[..., Any]


@pytest.fixture
def deliver(
    shop: Shop, woken: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Deliver:
    """Post an event to the practice's endpoint, signed as the processor signs."""
    settings.STATIC_ROOT = tmp_path
    monkeypatch.setattr(clock, "now", lambda: now)
    client, slug = Client(), shop.account.practice.slug

    def send(
        kind: str = PAID, reference: str = "pi_1", *, event: str = "evt_1", secret: str = WEBHOOK_SECRET, age: int = 0,
        **more: Any,
    ) -> Any:  # fmt: skip
        body = json.dumps(
            {"id": event, "type": kind, "data": {"object": {"id": reference}}, "api_version": API_VERSION,
             "livemode": False, **more}
        )  # fmt: skip
        header = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time()) - age)
        # As in production: the view itself finds the practice.
        with tenancy.scope(0):
            return client.post(
                f"/webhooks/stripe/{slug}/", body, content_type="application/json", headers={"Stripe-Signature": header}
            )

    return send


def work(shop: Shop, now: datetime) -> int:
    return inbox.work_through(shop.account.practice_id, now=now)


def event() -> WebhookEvent:
    return WebhookEvent.objects.get()


def started(part: DuePart, now: datetime) -> Attempt:
    return claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def test_a_delivery_is_stored_answered_and_handed_to_a_worker(
    shop: Shop, deliver: Deliver, woken: list[int], now: datetime
) -> None:
    answer = deliver()

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert (event().event_id, event().type, event().object_id) == ("evt_1", PAID, "pi_1")
    assert (event().state, event().received_at, event().api_version) == ("NEW", now, API_VERSION)
    assert woken == [shop.account.practice_id]
    assert shop.asked() == []


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
        return charging._remember(attempt.pk, reference)

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
    shop.behave(attempt.card, "decline:insufficient_funds")
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


def test_the_same_event_twice_is_stored_once(shop: Shop, deliver: Deliver, now: datetime) -> None:
    assert [deliver().status_code, deliver().status_code] == [200, 200]
    assert WebhookEvent.objects.count() == 1


def test_storing_says_whether_the_event_is_new(shop: Shop, now: datetime) -> None:
    one = ProcessorEvent("evt_1", PAID, "pi_1", API_VERSION, "", False)

    assert inbox.store(shop.account, one, now=now) is True
    assert inbox.store(shop.account, one, now=now) is False
    assert WebhookEvent.objects.count() == 1


def test_two_events_about_one_success_write_one_payment(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime
) -> None:
    ask(shop, started(part, now))
    for name in ("evt_1", "evt_2"):
        deliver(reference=Attempt.objects.get().reference, event=name)

    assert work(shop, now) == 2
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("how", [{"secret": "whsec_forged"}, {"age": 301}, {"age": -90}])
def test_a_forged_old_or_future_delivery_is_refused_and_leaves_nothing(
    shop: Shop, deliver: Deliver, woken: list[int], how: dict[str, Any]
) -> None:
    ledger = Ledger()

    assert deliver(**how).status_code == 400

    ledger.wrote()
    assert (WebhookEvent.objects.count(), woken) == (0, [])


def test_a_practice_without_a_processor_or_unknown_or_inactive_has_no_endpoint(
    shop: Shop, deliver: Deliver, practice: Practice
) -> None:
    ProcessorAccount.objects.all().delete()
    assert deliver().status_code == 404
    Practice.objects.update(is_active=False)
    assert deliver().status_code == 404
    assert Client().post("/webhooks/stripe/nobody/", b"{}", content_type="application/json").status_code == 404
    assert Client().get(f"/webhooks/stripe/{practice.slug}/").status_code == 405
    assert WebhookEvent.objects.count() == 0


def test_an_event_signed_for_another_practice_is_refused(shop: Shop, deliver: Deliver, now: datetime) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        ProcessorAccount.objects.create(
            practice=other, base_url=shop.process.url, secret_key="sk_test_other", webhook_secret="whsec_other",
            connected_at=now,
        )  # fmt: skip

    assert deliver(secret="whsec_other").status_code == 400
    assert WebhookEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"api_version": "2024-06-20"}, "API version 2024-06-20 instead of"),
        ({"api_version": None}, "API version none instead of"),
        ({"livemode": True}, "live and test are mixed up"),
        ({"account": "acct_other"}, "another connected account"),
    ],
)
def test_an_event_that_must_not_be_believed_is_kept_ignored_and_raises_one_alarm(
    part: DuePart, shop: Shop, deliver: Deliver, now: datetime, more: dict[str, Any], words: str
) -> None:
    ask(shop, started(part, now))
    ledger = Ledger()
    for name in ("evt_1", "evt_2"):
        assert deliver(reference=Attempt.objects.get().reference, event=name, **more).status_code == 200

    assert work(shop, now) == 0

    ledger.wrote(alarms=1)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"IGNORED"}
    assert words in Alarm.objects.get().text
    assert Attempt.objects.get().state == AttemptState.STARTED


def test_an_event_of_our_connected_account_is_believed(shop: Shop, deliver: Deliver) -> None:
    ProcessorAccount.objects.update(account="acct_ours")

    deliver(account="acct_ours")

    assert event().state == "NEW"


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
        "customer": attempt.card.customer, "payment_method": attempt.card.payment_method,
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

    ledger.wrote(events=1)
    card.refresh_from_db()
    assert (card.exp_year, card.exp_month) == (2033, 4)


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
