"""Settings → Card processor: an endpoint of an older release is told what it lacks, and nothing is taken away."""

from __future__ import annotations

from django.test import Client

from practices.models import Event, Practice
from processors import connecting
from processors.stripe import StripeProcessor
from tests.plugins.stripe import Shop
from tests.staff.conftest import SignIn
from tests.staff.test_plans_tab import text

URL = "/settings/card-processor/"


def news(client: Client) -> str:
    return text(client.get(f"{URL}news/").content.decode())


def test_an_old_endpoint_is_completed_by_an_admin_once(
    admin: Client, sign_in: SignIn, practice: Practice, shop: Shop
) -> None:
    assert f'hx-get="{URL}news/"' in admin.get(URL).content.decode()
    assert "knows no webhook with our address" in news(admin)
    endpoints = StripeProcessor(shop.account)._client.webhook_endpoints
    told = ["payment_intent.succeeded", "invoice.paid"]
    made = endpoints.create({"url": connecting.webhook_url(practice), "enabled_events": told})  # type: ignore[typeddict-item]
    shown = news(admin)
    assert "24 kinds of news are not told." in shown
    assert "terminal.reader.action_failed" in shown
    manager = sign_in("MANAGER")
    assert "An admin can change that." in news(manager)
    assert manager.post(f"{URL}news/complete/").status_code == 403

    assert "tells everything now" in text(admin.post(f"{URL}news/complete/", follow=True).content.decode())
    after = endpoints.retrieve(made.id).enabled_events
    assert (len(after), "invoice.paid" in after) == (26, True)
    assert "Everything that KasperPay works with is told." in news(admin)
    assert Event.objects.get(kind="processor_news_completed").actor.startswith("user:")


def test_a_processor_that_is_away_or_not_connected_is_said(admin: Client, shop: Shop) -> None:
    shop.fault("GET /v1/webhook_endpoints", "drop_before", times=4)
    assert "The processor did not answer." in news(admin)
    shop.account.delete()
    assert "Not connected yet" in text(admin.get(URL).content.decode())
    assert "Nothing was changed." in text(admin.post(f"{URL}news/complete/", follow=True).content.decode())
