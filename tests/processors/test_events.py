"""Which webhook bodies are trusted: signature, age, form."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import stripe

from processors.stripe import ProcessorEvent, UnableToTrustEvent, read_event

SECRET = "whsec_tests"
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    "api_version": "2026-10-28.endive",
    "livemode": False,
}


def signed(body: bytes, *, secret: str = SECRET, age: int = 0) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age)
    return header


def read(event: Any, **how: Any) -> ProcessorEvent:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return read_event(body, signed(body, **how), SECRET)


def test_a_signed_event_is_read_as_its_envelope() -> None:
    found = read(EVENT | {"account": "acct_1", "livemode": True})

    assert found == ProcessorEvent("evt_1", "payment_intent.succeeded", "pi_1", "2026-10-28.endive", "acct_1", True)


def test_what_an_event_leaves_out_is_empty() -> None:
    found = read({"id": "evt_1", "type": "x", "data": {"object": {"id": "y"}}})

    assert (found.account, found.api_version, found.is_live) == ("", "", False)


@pytest.mark.parametrize(
    ("event", "how"),
    [
        (EVENT, {"secret": "whsec_other"}),
        (EVENT, {"age": 301}),
        (EVENT, {"age": -61}),
        (b"not json", {}),
        (b"[]", {}),
        (b"null", {}),
        ({"id": "evt_1", "object": "v2.core.event", "type": "v1.payment_intent.succeeded"}, {}),
        ({"id": "evt_1", "type": "balance.available", "data": {"object": {}}}, {}),
        (EVENT | {"data": None}, {}),
    ],
)
def test_what_cannot_be_trusted_or_understood_is_refused(event: Any, how: dict[str, Any]) -> None:
    with pytest.raises(UnableToTrustEvent):
        read(event, **how)


@pytest.mark.parametrize("age", [299, -59])
def test_clocks_may_differ_a_little(age: int) -> None:
    assert read(EVENT, age=age).event_id == "evt_1"


@pytest.mark.parametrize("header", ["", "t=1", "v1=abc", "nonsense", "t=x,v1=y", "t=,v1="])
def test_a_header_that_is_no_signature_is_refused(header: str) -> None:
    with pytest.raises(UnableToTrustEvent):
        read_event(json.dumps(EVENT).encode(), header, SECRET)


def test_a_changed_body_is_refused() -> None:
    body = json.dumps(EVENT).encode()

    with pytest.raises(UnableToTrustEvent):
        read_event(body.replace(b"pi_1", b"pi_2"), signed(body), SECRET)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnableToTrustEvent):
        read_event(b"\xff\xfe", "t=1,v1=x", SECRET)


def test_an_account_without_a_secret_trusts_nothing() -> None:
    body = json.dumps(EVENT).encode()

    with pytest.raises(UnableToTrustEvent):
        read_event(body, signed(body, secret=""), "")
