"""Webhooks at the door: stored once and answered, or refused; what must not be believed is kept aside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from payments import inbox
from payments.claim import claim
from payments.models import Alarm, Attempt, AttemptState, DuePart, WebhookEvent
from practices import tenancy
from practices.models import Practice
from processors.models import ProcessorAccount
from processors.stripe import ProcessorEvent
from processors.stripe.account import API_VERSION
from tests import factories
from tests.payments.making import PAID, Deliver, event, work
from tests.payments.test_reconcile import ask
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


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


def test_the_same_event_twice_is_stored_once(shop: Shop, deliver: Deliver, now: datetime) -> None:
    assert [deliver().status_code, deliver().status_code] == [200, 200]
    assert WebhookEvent.objects.count() == 1


def test_storing_says_whether_the_event_is_new(shop: Shop, now: datetime) -> None:
    one = ProcessorEvent("evt_1", PAID, "pi_1", API_VERSION, "", False)

    assert inbox.store(shop.account, one, now=now) is True
    assert inbox.store(shop.account, one, now=now) is False
    assert WebhookEvent.objects.count() == 1


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


def test_a_burst_reads_practice_and_account_once_and_a_new_secret_counts_at_once(
    shop: Shop, deliver: Deliver, django_assert_num_queries: Any
) -> None:
    assert deliver().status_code == 200
    # In and out of two scopes (no practice's, which is the fixture's, and this one's), and the row.
    with django_assert_num_queries(5):
        assert deliver(event="evt_2").status_code == 200

    ProcessorAccount.objects.update(webhook_secret="whsec_rotated")
    assert deliver(event="evt_3", secret="whsec_rotated").status_code == 200
    assert deliver(event="evt_4").status_code == 400
    assert WebhookEvent.objects.count() == 3


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
