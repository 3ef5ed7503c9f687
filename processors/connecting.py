"""Connecting a practice to its account at the processor: test the key, register the webhook, keep both encrypted."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from core import clock
from practices import tenancy
from practices.models import Event, Practice
from processors.models import ProcessorAccount
from processors.port import UnableToReachProcessor
from processors.stripe import StripeProcessor

STRIPE = "https://api.stripe.com"
OTHER_ACCOUNT = (
    "This key belongs to account {new}, the one in use is {old}: saved cards and payments under way would be out of "
    "reach. Pass --switch-account to go over to it all the same. Nothing was changed."
)


SHARED = (
    "Another practice uses account {name}. On one account each would take the other's charges for its own lost ones "
    "after a restore, and its payouts for its own: use an account of its own, or a connected one (--account). "
    "Nothing was changed."
)


class UnableToConnect(Exception):
    """The account can't be used; the text says what is missing in plain words."""


def connect(
    practice: Practice,
    *,
    base_url: str,
    secret_key: str,
    webhook_secret: str,
    account: str,
    now: datetime,
    switch: bool = False,
) -> ProcessorAccount:
    """Test the key and store the account of the practice in scope. Without `webhook_secret` an endpoint is made.

    `switch` allows another account than the one in use. Raises UnableToConnect; then nothing was changed.
    """
    is_live = secret_key.startswith(("sk_live_", "rk_live_"))
    _refuse_wrong_keys(base_url, secret_key, is_live)
    found = ProcessorAccount.objects.filter(practice=practice).first() or ProcessorAccount(practice=practice)
    found.base_url, found.secret_key, found.account, found.is_live = base_url.rstrip("/"), secret_key, account, is_live
    found.connected_at, found.problem = now, ""
    found.failures, found.away_since, found.next_try_at = 0, None, None
    processor = StripeProcessor(found)
    try:
        name = processor.test()
        if found.reference not in ("", name) and not switch:
            raise UnableToConnect(OTHER_ACCOUNT.format(new=name, old=found.reference))
        _refuse_shared(practice, found.base_url, name)
        found.reference = name
        found.webhook_secret = webhook_secret or processor.register_webhook(webhook_url(practice))
    except UnableToReachProcessor as error:
        raise UnableToConnect(f"{error}. Nothing was changed.") from error
    if not found.webhook_secret:
        raise UnableToConnect("The processor gave no webhook signing secret; pass it with --webhook-secret.")
    found.save()
    Event.record(practice.pk, kind="processor_connected", actor="operator", now=now, about={}, text=f"Account {name}")
    return found


def _refuse_shared(practice: Practice, base_url: str, name: str) -> None:
    """Rows of other practices are only seen in their own scope. Also of one that sleeps: it may come back."""
    for other in Practice.objects.exclude(pk=practice.pk).values_list("pk", flat=True):
        with tenancy.scope(other):
            if ProcessorAccount.objects.filter(base_url=base_url, reference=name).exists():
                raise UnableToConnect(SHARED.format(name=name))


def webhook_url(practice: Practice) -> str:
    return f"{settings.BASE_URL}/webhooks/stripe/{practice.slug}/"


def _refuse_wrong_keys(base_url: str, secret_key: str, is_live: bool) -> None:
    if not secret_key.startswith(("sk_", "rk_")):
        raise UnableToConnect("A Stripe secret key starts with sk_ or rk_.")
    if is_live and clock.is_movable():
        raise UnableToConnect("A live key can't be used while the clock is movable (CLOCK_FILE is set).")
    if is_live and base_url.rstrip("/") != STRIPE:
        raise UnableToConnect(f"A live key is only ever sent to {STRIPE}.")
