"""Text messages by Twilio's own library. One request a call, ten seconds, never repeated by the library.

Twilio keeps no idempotency keys for messages: after an unclear answer it is asked what it has (`references_of`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from requests import exceptions as http
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from urllib3.exceptions import NewConnectionError

from core import clock
from notifications.channels.port import Accepted, Outgoing, Refused, SendResult, UnableToAskCarrier, Unclear
from notifications.models import MessagingAccount

TIMEOUT_SECONDS = 10
PUBLIC_ADDRESS = "https://api.twilio.com"
OPTED_OUT = 21610
# Number, region, trial or registration of the account itself (Twilio error dictionary).
ACCOUNT_CODES = frozenset({20003, 21212, 21408, 21603, 21606, 21608, 21659, 21660, 30034})
_WORDS = {
    21211: "The number is not valid",
    21217: "The number is not valid",
    21614: "The number can't receive texts",
    21635: "The number is a landline",
    OPTED_OUT: "Opted out of texts",
}
# Newest first; far more than we ever text one person between two looks.
LOOK_AT = 100


class _Redirected(TwilioHttpClient):  # type: ignore[misc]
    """Sends what the library addresses to Twilio to the account's own base URL."""

    def __init__(self, base_url: str) -> None:
        super().__init__(pool_connections=False, timeout=TIMEOUT_SECONDS)
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, self._base_url + url.removeprefix(PUBLIC_ADDRESS), *args, **kwargs)


def client(account: MessagingAccount) -> Client:
    """The library's client of this account."""
    return Client(account.sid, account.token, http_client=_Redirected(account.base_url))


def status_address(slug: str, message_id: int) -> str:
    """Where the carrier reports delivery. The message's id is in it, so that a report is understood even when the
    carrier's own name for the message never reached us.
    """
    return f"{settings.BASE_URL}/webhooks/twilio/{slug}/status?message={message_id}"


def send(account: MessagingAccount, slug: str, outgoing: Outgoing) -> SendResult:
    """Hand one text to the carrier. Blocks on the network: call with no transaction open."""
    if refusal := clock.forbids(account.base_url):
        return Refused(refusal, account_problem=True)
    callback = status_address(slug, outgoing.message_id)
    try:
        sent = client(account).messages.create(
            to=outgoing.to, body=outgoing.body, status_callback=callback, **_sender(account)
        )
    except TwilioRestException as error:
        return _refusal(error)
    except http.RequestException as error:
        return _lost(error)
    except TwilioException as error:
        return Unclear(f"Unreadable answer of the carrier: {type(error).__name__}")
    return Accepted(str(sent.sid))


def _sender(account: MessagingAccount) -> dict[str, str]:
    """A number, or a messaging service that picks one."""
    service = account.from_number.startswith("MG")
    return {"messaging_service_sid" if service else "from_": account.from_number}


def _refusal(error: TwilioRestException) -> SendResult:
    code = error.code or 0
    reason = f"{_WORDS.get(code, 'The carrier refused it')} (error {code or error.status})"
    if error.status >= 500:
        return Unclear(f"The carrier answered {error.status}")
    if code in ACCOUNT_CODES or error.status in (401, 403, 404):
        return Refused(f"The carrier refuses the account (error {code or error.status})", account_problem=True)
    if error.status == 429 or code == 20429:
        return Refused("The carrier asks to wait (error 20429)")
    return Refused(reason, permanent=True, opted_out=code == OPTED_OUT, error_code=str(code or ""))


def _lost(error: http.RequestException) -> SendResult:
    """Nothing was sent when no connection came about; after that nobody knows."""
    if isinstance(error, (http.ConnectTimeout, http.SSLError, http.ProxyError)):
        return Refused("The carrier can't be reached")
    inner = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(inner, NewConnectionError):
        return Refused("The carrier can't be reached")
    return Unclear(f"No answer of the carrier: {type(error).__name__}")


def references_of(account: MessagingAccount, outgoing: Outgoing) -> list[str]:
    """The carrier's names of texts to this number with exactly this body, newest first. Raises UnableToAskCarrier."""
    try:
        listed = client(account).messages.list(to=outgoing.to, limit=LOOK_AT)
    except (TwilioException, http.RequestException) as error:
        raise UnableToAskCarrier(type(error).__name__) from error
    return [
        str(one.sid)
        for one in listed
        if str(one.direction).startswith("outbound") and (one.body or "").strip() == outgoing.body.strip()
    ]
