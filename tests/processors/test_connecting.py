"""Connecting a practice to the processor: the key is tested first, and what fails changes nothing."""

from __future__ import annotations

from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from practices import tenancy
from practices.models import Event, Practice
from processors import accounts
from processors.connecting import UnableToConnect, connect, webhook_url
from processors.models import ProcessorAccount
from processors.port import UnableToReachProcessor
from tests import factories
from tests.plugins.stripe import Shop


def joined(practice: Practice, shop: Shop, now: datetime, **changes: Any) -> ProcessorAccount:
    given: dict[str, Any] = {
        "base_url": shop.process.url,
        "secret_key": "sk_test_fresh1",
        "webhook_secret": "",
        "account": "",
    }
    return connect(practice, now=now, **{**given, **changes})


def test_connecting_tests_the_key_registers_the_webhook_and_keeps_both_encrypted(
    practice: Practice, shop: Shop, now: datetime
) -> None:
    ProcessorAccount.objects.all().delete()

    account = joined(practice, shop, now)

    assert (account.is_live, account.problem) == (False, "")
    assert account.webhook_secret.startswith("whsec_")
    [endpoint] = shop.requests("/v1/webhook_endpoints")
    assert webhook_url(practice).split("//")[1].replace("/", "%2F") in endpoint["body"]
    assert Event.objects.filter(kind="processor_connected").count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_key, webhook_secret FROM processors_processoraccount")
        stored = cursor.fetchone()
    assert "sk_test_fresh1" not in str(stored)
    assert "whsec_" not in str(stored)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_key": "pk_test_1"}, "starts with sk_ or rk_"),
        ({"secret_key": "sk_live_1"}, "live key is only ever sent to"),
        ({"base_url": "http://127.0.0.1:1"}, "did not answer"),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_old_account_stays(
    practice: Practice, shop: Shop, now: datetime, changes: dict[str, str], words: str
) -> None:
    before = ProcessorAccount.objects.values().get()

    with pytest.raises(UnableToConnect, match=words):
        joined(practice, shop, now, **changes)

    assert ProcessorAccount.objects.values().get() == before
    assert Event.objects.count() == 0


def test_a_revoked_key_is_refused(practice: Practice, shop: Shop, now: datetime) -> None:
    shop.control("accounts", account_key="sk_test_fresh1", state="revoked")

    with pytest.raises(UnableToConnect, match="refuses the secret key"):
        joined(practice, shop, now)


def test_a_live_key_is_refused_beside_a_movable_clock(
    practice: Practice, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCK_FILE", "/nowhere/clock.json")

    with pytest.raises(UnableToConnect, match="clock is movable"):
        joined(practice, shop, now, secret_key="sk_live_1")

    ProcessorAccount.objects.update(is_live=True)
    with pytest.raises(UnableToReachProcessor, match="clock is movable"):
        accounts.for_practice(practice.pk)


def test_a_practice_without_an_account_has_no_processor(practice: Practice) -> None:
    with pytest.raises(UnableToReachProcessor, match="No card processor is connected"):
        accounts.for_practice(practice.pk)


def test_another_account_is_refused_until_it_is_meant(practice: Practice, shop: Shop, now: datetime) -> None:
    """Cards and open payments stay behind at the old one."""
    first = joined(practice, shop, now)
    assert first.reference.startswith("acct_")
    asked = len(shop.requests("/v1/webhook_endpoints"))

    with pytest.raises(UnableToConnect, match=f"the one in use is {first.reference}"):
        joined(practice, shop, now, secret_key="sk_test_other1")

    assert ProcessorAccount.objects.get().secret_key == "sk_test_fresh1"
    assert len(shop.requests("/v1/webhook_endpoints")) == asked
    joined(practice, shop, now)
    call_command(
        "connect_processor", practice=practice.slug, base_url=shop.process.url, secret_key="sk_test_other1",
        switch_account=True, stdout=StringIO(),
    )  # fmt: skip
    assert ProcessorAccount.objects.get().secret_key == "sk_test_other1"
    assert ProcessorAccount.objects.get().reference not in ("", first.reference)


def test_an_account_that_another_practice_uses_is_refused(practice: Practice, shop: Shop, now: datetime) -> None:
    """After a restore each would take the other's charges for its own lost ones."""
    first = joined(practice, shop, now)
    second, asked = factories.PracticeFactory.create(slug="second"), len(shop.requests("/v1/webhook_endpoints"))

    with tenancy.scope(second.pk):
        with pytest.raises(UnableToConnect, match=f"Another practice uses account {first.reference}"):
            joined(second, shop, now)
        assert (ProcessorAccount.objects.count(), Event.objects.count()) == (0, 0)
        assert len(shop.requests("/v1/webhook_endpoints")) == asked
        assert joined(second, shop, now, secret_key="sk_test_own1").reference != first.reference
