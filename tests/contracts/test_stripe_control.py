"""The sandbox Stripe's own controls: its books for audits, its request log, its page, restarts and kills."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.common.clock import Clock
from tests import outside
from tests.contracts.stripe_world import POOR, Listener, World, client, fresh, shared, wait_for


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def start(folder: Path, *extra: str) -> World:
    process = outside.start("sandbox.stripe", folder, *extra, clock=folder / "clock.json")
    return World(process, Clock(folder / "clock.json"))


def kill(world: World) -> None:
    world.process.process.send_signal(signal.SIGKILL)
    world.process.process.wait()
    world.process.http.close()


def test_the_books_show_every_charge_and_refund_and_what_was_asked(shop: World) -> None:
    shop.control("reset")
    shop.customer = shop.api.customers.create().id
    paid = shop.charge(shop.card(), 700)
    refund = shop.api.refunds.create({"payment_intent": paid.id, "amount": 200, "metadata": {"r": "1"}})
    with pytest.raises(stripe.CardError):
        shop.charge(shop.card(POOR), 900)
    state = shop.look("state")
    charges = [(row["amount"], row["status"], row["reason"], row["amount_refunded"]) for row in state["charges"]]
    assert charges == [(700, "succeeded", None, 200), (900, "failed", "insufficient_funds", 0)]
    assert {row["customer"] for row in state["charges"]} == {shop.customer}
    assert [(row["id"], row["amount"], row["charge"], row["metadata"]) for row in state["refunds"]] == [
        (refund.id, 200, paid.latest_charge, {"r": "1"})
    ]
    assert state["counts"]["payment_intent"] == 2
    assert state["requests"] == {
        "POST /v1/customers": 1,
        "POST /v1/payment_intents": 2,
        "POST /v1/payment_intents/:id/confirm": 2,
        "POST /v1/refunds": 1,
    }


def test_the_request_log_keeps_key_body_and_answer_and_no_secret(shop: World) -> None:
    shop.api.payment_intents.create(
        {"amount": 500, "currency": "usd", "metadata": {"attempt": "a1"}}, {"idempotency_key": "pi-a1"}
    )
    rows = shop.look("requests", key="pi-a1")
    assert [(row["method"], row["path"], row["body"], row["status"], row["version"]) for row in rows] == [
        (
            "POST",
            "/v1/payment_intents",
            "amount=500&currency=usd&metadata[attempt]=a1",
            200,
            "2026-10-28.endive",
        )
    ]
    assert shop.key not in shop.process.http.get("/_sandbox/requests").text


def test_eight_confirms_at_once_with_different_keys_charge_once(shop: World) -> None:
    intent = shop.intent(shop.card())

    def confirm(number: int) -> str:
        try:
            api = client(shop.url, shop.key)
            return str(api.payment_intents.confirm(intent.id, {}, {"idempotency_key": f"cf-{number}"}).status)
        except stripe.InvalidRequestError as error:
            return str(error.code)

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(confirm, range(8)))
    assert answers == ["payment_intent_unexpected_state"] * 7 + ["succeeded"]
    assert len(shop.books("charges")) == 1


def test_the_books_outlive_a_kill_and_undelivered_events_are_sent_after_it(folder: Path) -> None:
    first = start(folder)
    shop = first.open_account()
    paid = shop.charge(shop.card())
    listener = Listener()
    hook = {"url": listener.url, "secret": "whsec_1", "account_key": shop.key, "enabled_events": ["customer.updated"]}
    shop.control("webhooks", **hook)
    shop.control("webhook-faults", kind="late", times=1, seconds=1)
    shop.api.customers.update(shop.customer, {"description": "regular"})
    kill(shop)
    second = start(folder)
    again = client(second.url, shop.key)
    assert again.payment_intents.retrieve(paid.id).status == "succeeded"
    wait_for(lambda: listener.types == ["customer.updated"])
    second.process.stop()
    listener.close()


def test_a_key_that_was_in_use_when_the_process_died_is_free_again(folder: Path) -> None:
    first = start(folder)
    shop = first.open_account()
    intent = shop.intent(shop.card())
    shop.control("troubles", kind="hold", match="*/confirm", seconds=20)
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(shop.api.payment_intents.confirm, intent.id, {}, {"idempotency_key": "cf"})
        wait_for(lambda: shop.look("requests", key="cf") != [])
        kill(shop)
        with pytest.raises(stripe.APIConnectionError):
            lost.result()
    second = start(folder)
    again = client(second.url, shop.key)
    assert again.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert again.payment_intents.confirm(intent.id, {}, {"idempotency_key": "cf"}).status == "succeeded"
    second.process.stop()


def test_the_command_line_registers_key_name_and_endpoint_also_after_a_reset(folder: Path) -> None:
    listener = Listener()
    options = ("--secret-key", "sk_test_demo", "--name", "Riverside Family Dental", "--webhook", listener.url)
    world = start(folder, *options, "--webhook-secret", "whsec_demo")
    for _ in range(2):
        api = client(world.url, "sk_test_demo")
        assert api.accounts.retrieve_current().business_profile.name == "Riverside Family Dental"
        api.customers.create()
        wait_for(lambda: listener.types == ["customer.created"])
        listener.got.clear()
        world.control("reset")
    assert [one.url for one in api.webhook_endpoints.list().data] == [listener.url]
    world.process.stop()
    listener.close()


def test_a_reset_empties_the_books_and_forgets_the_faults(shop: World) -> None:
    shop.charge(shop.card())
    shop.process.fault("*", "throttle", times=1000)
    assert shop.process.http.post("/_sandbox/reset").status_code == 429
    shop.process.http.delete("/_sandbox/faults")
    shop.process.fault("POST /v1/*", "throttle", times=1000)
    shop.control("reset")
    assert shop.look("state")["counts"] == {}
    assert shop.api.customers.create().id.startswith("cus_")


def act(shop: World, action: str, **form: str) -> str:
    """Press a button of the control page; what the page then says."""
    answer = shop.process.http.post(f"/act/{action}", data=form)
    assert answer.status_code == 303
    return str(answer.headers["Location"]).partition("said=")[2]


def test_the_control_page_shows_the_books_and_each_object(shop: World) -> None:
    paid = shop.charge(shop.card())
    page = shop.process.http.get("/").text
    for words in (f"/o/{paid.id}", "$128.60", "visa •••• 4242", "payment_intent.succeeded", "Your dental office"):
        assert words in page
    assert shop.key not in page
    one = shop.process.http.get(f"/o/{paid.id}").text
    assert "amount_received" in one
    assert "_session" not in one
    assert shop.process.http.get("/o/pi_nothing").status_code == 404
    assert "style=" not in page


def test_the_buttons_of_the_control_page_do_what_they_say(shop: World) -> None:
    card = shop.card()
    assert act(shop, "cards", payment_method=card, behaviour="decline:insufficient_funds", times="1") == "Done."
    with pytest.raises(stripe.CardError):
        shop.charge(card)
    assert shop.charge(card).status == "succeeded"
    assert act(shop, "expire", payment_method=card) == "Done."
    with pytest.raises(stripe.CardError):
        shop.charge(card)
    waiting = shop.charge(shop.card("4000000000091076"))
    assert act(shop, "finish-intent", id=waiting.id, outcome="succeeded") == "Done."
    assert shop.api.payment_intents.retrieve(waiting.id).status == "succeeded"
    assert act(shop, "next-refund", status="pending") == "Done."
    refund = shop.api.refunds.create({"payment_intent": waiting.id})
    assert refund.status == "pending"
    assert act(shop, "finish-refund", id=refund.id, status="failed") == "Done."
    assert shop.api.refunds.retrieve(refund.id).status == "failed"
    assert act(shop, "finish-refund", id=refund.id, status="failed").startswith("Not+done")


@pytest.mark.parametrize("kind", ["error_before", "broken_before"])
def test_the_page_breaks_the_connection_and_mends_it(shop: World, kind: str) -> None:
    spoil: dict[str, Any] = {"match": "POST /v1/customers", "kind": kind, "times": "5"}
    assert act(shop, "spoil", **spoil) == "Done."
    with pytest.raises(stripe.APIError):
        shop.api.customers.create()
    assert "POST /v1/customers" in shop.process.http.get("/").text
    assert act(shop, "calm") == "Done."
    assert shop.api.customers.create().id.startswith("cus_")


def test_a_control_call_that_lacks_something_says_what(shop: World) -> None:
    answer = shop.process.http.post("/_sandbox/cards", json={"payment_method": "pm_1"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Send behaviour.")
    assert shop.process.http.post("/_sandbox/webhook-faults", json={"kind": "eat"}).status_code == 400
    assert shop.process.http.post("/_sandbox/intents/pi_nothing/finish", json={}).status_code == 404
