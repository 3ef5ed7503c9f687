"""Connects a practice to its carrier account: tests it first and says plainly what is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from requests import exceptions as http
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]

from core import clock
from notifications.channels import sms
from notifications.models import MessagingAccount
from practices.models import Practice


class UnableToConnect(Exception):
    """The text says what is missing and what to do, for the person at the keyboard."""


def connect(practice: Practice, *, base_url: str, sid: str, token: str, from_number: str, now: datetime) -> list[str]:
    """Test the account and store it; what still needs doing, in words. Raises UnableToConnect.

    Needs the practice's scope; talks to the network, so no transaction may be open.
    """
    account = MessagingAccount(practice=practice, base_url=base_url.rstrip("/"), sid=sid, token=token)
    account.from_number, account.connected_at = from_number, now
    account.is_live = not clock.is_loopback(base_url)
    if refusal := clock.forbids(base_url):
        raise UnableToConnect(refusal)
    to_do = _check(account, inbound_address(practice.slug))
    columns = ["base_url", "sid", "token", "from_number", "is_live", "connected_at", "problem"]
    MessagingAccount.objects.bulk_create(
        [account], update_conflicts=True, unique_fields=["practice"], update_fields=columns
    )
    return to_do


def inbound_address(slug: str) -> str:
    """Where the carrier must post patients' texts."""
    return f"{settings.BASE_URL}/webhooks/twilio/{slug}/inbound"


def _check(account: MessagingAccount, inbound: str) -> list[str]:
    try:
        found = sms.client(account).api.v2010.accounts(account.sid).fetch()
        if found.status != "active":
            raise UnableToConnect(f"The account is {found.status}: reactivate it at the carrier.")
        return _check_sender(account, inbound)
    except TwilioRestException as error:
        raise UnableToConnect(_words(error)) from error
    except (http.RequestException, TwilioException) as error:
        raise UnableToConnect(
            f"No answer from {account.base_url} ({type(error).__name__}): check --base-url."
        ) from error


def _words(error: TwilioRestException) -> str:
    if error.status in (401, 403, 404) or error.code == 20003:
        return "The carrier does not know this account or its token: check --sid and --token."
    return f"The carrier answered {error.status} (error {error.code})."


def _check_sender(account: MessagingAccount, inbound: str) -> list[str]:
    if account.from_number.startswith("MG"):
        return [f"Set the messaging service's inbound address to {inbound}, method POST."]
    owned = sms.client(account).incoming_phone_numbers.list(phone_number=account.from_number, limit=1)
    if not owned:
        raise UnableToConnect(f"{account.from_number} is not a number of this account: check --from.")
    return _check_number(owned[0], inbound)


def _check_number(number: Any, inbound: str) -> list[str]:
    if not _can_text(number.capabilities):
        raise UnableToConnect(f"{number.phone_number} can't send texts: choose a number with SMS.")
    if (number.sms_url or "") == inbound:
        return []
    return [f"Replies don't arrive yet: set the number's “A message comes in” address to {inbound}, method POST."]


def _can_text(capabilities: Any) -> bool:
    sms_flag = capabilities.get("sms") if isinstance(capabilities, dict) else getattr(capabilities, "sms", None)
    return sms_flag is not False
