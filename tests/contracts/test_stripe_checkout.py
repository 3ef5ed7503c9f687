"""Checkout Sessions and the hosted card page of the sandbox Stripe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.contracts.stripe_world import AMEX, LATER_DECLINED, POOR, VISA, World, fresh, shared

SUCCESS = "http://127.0.0.1:9/done?session={CHECKOUT_SESSION_ID}"
CANCEL = "http://127.0.0.1:9/back"
REFUSED_AT_ONCE = "4000000000000002"


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def setup(shop: World, **more: Any) -> Any:
    """A session that saves a card, the way the product opens one."""
    params = {
        "mode": "setup", "currency": "usd", "customer": shop.customer, "allowed_payment_method_types": ["card"],
        "client_reference_id": "ref-1", "metadata": {"setup": "ref-1"}, "success_url": SUCCESS, "cancel_url": CANCEL,
    }  # fmt: skip
    return shop.api.checkout.sessions.create({**params, **more})


def payment(shop: World, cents: int = 12860, **more: Any) -> Any:
    """A session that charges a balance."""
    price = {"currency": "usd", "unit_amount": cents, "product_data": {"name": "Account balance"}}
    params = {
        "mode": "payment", "customer": shop.customer, "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": SUCCESS, "cancel_url": CANCEL, "client_reference_id": "ref-2",
        "payment_intent_data": {"metadata": {"attempt": "a1"}, "setup_future_usage": "off_session"},
    }  # fmt: skip
    return shop.api.checkout.sessions.create({**params, **more})


def submit(shop: World, session: Any, number: str = VISA, **typed: str) -> httpx.Response:
    """Fill in the page and press the button."""
    form = {"number": number, "expiry": "12 / 40", "code": "123", "name": "Pat Example", "zip_code": "97301", **typed}
    return shop.process.http.post(f"/c/pay/{session.id}", data=form)


def again(shop: World, session: Any, *expand: str) -> Any:
    return shop.api.checkout.sessions.retrieve(session.id, {"expand": list(expand)})


def test_saving_a_card_attaches_it_and_sends_the_visitor_back(shop: World) -> None:
    session = setup(shop)
    assert (session.status, session.url) == ("open", f"{shop.url}/c/pay/{session.id}")
    assert shop.api.setup_intents.retrieve(session.setup_intent).status == "requires_payment_method"
    answer = submit(shop, session)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"http://127.0.0.1:9/done?session={session.id}")
    done = again(shop, session, "setup_intent.payment_method")
    assert (done.status, done.url, done.client_reference_id, done.customer) == (
        "complete",
        None,
        "ref-1",
        shop.customer,
    )
    card = done.setup_intent.payment_method
    assert (done.setup_intent.status, card.customer, card.card.last4) == ("succeeded", shop.customer, "4242")
    assert (card.billing_details.name, card.billing_details.address.postal_code) == ("Pat Example", "97301")
    assert shop.charge(card.id).status == "succeeded"
    assert [kind for kind in shop.events() if not kind.startswith(("customer", "charge", "payment_intent"))] == [
        "setup_intent.created", "payment_method.attached", "setup_intent.succeeded", "checkout.session.completed"
    ]  # fmt: skip


def test_a_payment_charges_saves_the_card_and_completes_the_session(shop: World) -> None:
    session = payment(shop)
    assert (session.payment_intent, session.amount_total, session.payment_status) == (None, 12860, "unpaid")
    assert submit(shop, session).status_code == 303
    done = again(shop, session, "payment_intent.latest_charge")
    assert (done.status, done.payment_status, done.payment_intent.status) == ("complete", "paid", "succeeded")
    assert done.payment_intent.metadata["attempt"] == "a1"
    assert done.payment_intent.latest_charge.amount == 12860
    saved = shop.api.payment_methods.list({"customer": shop.customer}).data
    assert [one.id for one in saved] == [done.payment_intent.payment_method]
    assert len(shop.books("charges")) == 1
    assert [one.id for one in shop.api.checkout.sessions.list({"payment_intent": done.payment_intent.id}).data] == [
        session.id
    ]


def test_a_payment_without_future_use_saves_no_card(shop: World) -> None:
    assert submit(shop, payment(shop, payment_intent_data={"metadata": {"attempt": "a2"}})).status_code == 303
    assert shop.api.payment_methods.list({"customer": shop.customer}).data == []
    assert len(shop.books("charges")) == 1


def test_a_declined_card_is_told_on_the_page_and_the_next_card_uses_the_same_intent(shop: World) -> None:
    session = payment(shop)
    first = submit(shop, session, POOR)
    assert (first.status_code, "insufficient funds" in first.text) == (402, True)
    middle = again(shop, session)
    assert (middle.status, shop.api.payment_intents.retrieve(middle.payment_intent).status) == (
        "open",
        "requires_payment_method",
    )
    assert submit(shop, session).status_code == 303
    assert again(shop, session).payment_intent == middle.payment_intent
    assert [row["status"] for row in shop.books("charges")] == ["failed", "succeeded"]


def test_a_card_refused_while_saving_leaves_the_session_open(shop: World) -> None:
    session = setup(shop)
    answer = submit(shop, session, REFUSED_AT_ONCE)
    assert (answer.status_code, 'role="alert"' in answer.text) == (402, True)
    assert again(shop, session).status == "open"
    assert shop.api.payment_methods.list({"customer": shop.customer}).data == []
    assert submit(shop, session).status_code == 303
    assert "setup_intent.setup_failed" in shop.events()


def test_a_card_that_declines_later_is_saved_without_complaint(shop: World) -> None:
    session = setup(shop)
    assert submit(shop, session, LATER_DECLINED).status_code == 303
    card = again(shop, session, "setup_intent").setup_intent.payment_method
    with pytest.raises(stripe.CardError):
        shop.charge(card)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"number": "4242424242424241"}, "not complete or not valid"),
        ({"number": "4242"}, "not complete or not valid"),
        ({"number": "4539578763621486"}, "test card numbers only"),
        ({"expiry": "12 / 20"}, "in the past"),
        ({"expiry": "13 / 40"}, "month and year"),
        ({"expiry": ""}, "month and year"),
        ({"code": "12"}, "3 digits"),
        ({"number": AMEX, "code": "123"}, "4 digits"),
        ({"name": " "}, "name on the card"),
        ({"zip_code": "9"}, "ZIP"),
    ],
)
def test_what_was_typed_wrongly_is_named_and_nothing_is_stored(shop: World, typed: dict[str, str], words: str) -> None:
    session = payment(shop)
    answer = submit(shop, session, **typed)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert "123" not in re.findall(r'value="([^"]*)"', answer.text)
    assert shop.books("charges") == shop.books("payment_intents") == []
    assert again(shop, session).status == "open"


def test_the_page_shows_the_practice_labels_and_completion_hints_without_script_or_inline_style(shop: World) -> None:
    shop.control("accounts", account_key=shop.key, name="Riverside Family Dental")
    text = shop.process.http.get(f"/c/pay/{payment(shop).id}").text
    assert "Riverside Family Dental" in text
    assert "Pay $128.60" in text
    assert f'href="{CANCEL}"' in text
    for name, hint in (
        ("number", "cc-number"), ("expiry", "cc-exp"), ("code", "cc-csc"), ("name", "cc-name"),
        ("zip_code", "postal-code"),
    ):  # fmt: skip
        assert f'<label for="{name}">' in text
        assert f'autocomplete="{hint}"' in text
    assert "<script" not in text
    assert "style=" not in text
    assert shop.process.http.get("/static/stripe.css").status_code == 200


def test_a_second_submit_takes_no_second_charge(shop: World) -> None:
    session = payment(shop)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: submit(shop, session).status_code, range(4)))
    assert answers == [303] * 4
    assert len(shop.books("charges")) == 1
    assert "All done" in shop.process.http.get(f"/c/pay/{session.id}").text


def test_a_session_expires_on_the_business_clock_and_its_page_says_so(shop: World) -> None:
    session = payment(shop, expires_at=int(shop.clock.now().timestamp()) + 1800)
    submit(shop, session, POOR)
    intent = again(shop, session).payment_intent
    shop.clock.advance(timedelta(minutes=31))
    page = shop.process.http.get(f"/c/pay/{session.id}")
    assert (page.status_code, "has expired" in page.text) == (410, True)
    assert submit(shop, session).status_code == 410
    assert (again(shop, session).status, shop.api.payment_intents.retrieve(intent).status) == ("expired", "canceled")
    assert "checkout.session.expired" in shop.events()
    assert [row["status"] for row in shop.books("charges")] == ["failed"]


def test_a_session_lasts_24_hours_unless_asked_otherwise(shop: World) -> None:
    session = setup(shop)
    assert session.expires_at - session.created == 86_400


@pytest.mark.parametrize("seconds", [60, 86_400 + 3600])
def test_an_expiry_outside_30_minutes_to_24_hours_is_refused(shop: World, seconds: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        setup(shop, expires_at=int(shop.clock.now().timestamp()) + seconds)
    assert caught.value.param == "expires_at"


def test_an_open_session_can_be_expired_and_a_complete_one_cannot(shop: World) -> None:
    session = setup(shop)
    assert shop.api.checkout.sessions.expire(session.id).status == "expired"
    done = payment(shop)
    submit(shop, done)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.checkout.sessions.expire(done.id)
    assert again(shop, done).status == "complete"


def test_the_intent_of_a_session_is_left_to_its_page(shop: World) -> None:
    session = payment(shop)
    submit(shop, session, POOR)
    intent = again(shop, session).payment_intent
    for call in (shop.api.payment_intents.cancel, shop.api.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call(intent)
        assert caught.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_slow_payment_completes_the_session_unpaid_and_is_decided_later(shop: World, outcome: str) -> None:
    session = payment(shop)
    assert submit(shop, session, "4000000000091076").status_code == 303
    waiting = again(shop, session)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    shop.control(f"intents/{waiting.payment_intent}/finish", outcome=outcome)
    paid = {"succeeded": "paid", "failed": "unpaid"}[outcome]
    assert again(shop, session).payment_status == paid
    assert shop.events()[-1] == f"checkout.session.async_payment_{outcome}"


def test_the_bank_is_answered_on_the_page_for_a_card_that_asks(shop: World) -> None:
    assert submit(shop, payment(shop), "4000002500003155").status_code == 303
    assert [row["status"] for row in shop.books("charges")] == ["succeeded"]


@pytest.mark.parametrize(
    ("mode", "change", "code"),
    [
        ("setup", {"currency": "", "allowed_payment_method_types": ""}, "parameter_missing"),
        ("setup", {"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported"),
        ("setup", {"success_url": ""}, "parameter_missing"),
        ("setup", {"customer": "cus_nobody"}, "resource_missing"),
        ("setup", {"ui_mode": "hosted"}, None),
        ("payment", {"line_items": ""}, "parameter_missing"),
        ("payment", {"mode": "subscription"}, None),
        ("payment", {"setup_intent_data": {"metadata": {"a": "b"}}}, None),
    ],
)
def test_wrong_sessions_are_refused(shop: World, mode: str, change: dict[str, Any], code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        {"setup": setup, "payment": payment}[mode](shop, **change)
    assert caught.value.code == code
    assert shop.api.checkout.sessions.list().data == []


def test_the_lines_of_a_session_can_be_read(shop: World) -> None:
    session = payment(shop, 500)
    lines = shop.api.checkout.sessions.line_items.list(session.id).data
    assert [(line.description, line.amount_total, line.quantity) for line in lines] == [("Account balance", 500, 1)]
    assert again(shop, session, "line_items").line_items.data[0].amount_total == 500


def test_an_unknown_page_is_a_404(shop: World) -> None:
    assert shop.process.http.get("/c/pay/cs_test_nothing").status_code == 404
    assert shop.process.http.post("/c/pay/cs_test_nothing").status_code == 404
