"""What goes wrong at a reader in the sandbox Stripe, and the pages on which a person stands before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe
from stripe import terminal

from tests.contracts.stripe_desk import Desk, open_desk
from tests.contracts.stripe_world import POOR, World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def desk(shop: World) -> Desk:
    return open_desk(shop)


def denied(desk: Desk, intent: Any) -> tuple[int | None, str, str]:
    """Status, type and code of the refusal of a command."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        desk.process(intent)
    error: Any = caught.value.error
    return caught.value.http_status, error.type, error.code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("busy", "terminal_reader_busy"),
        ("offline", "terminal_reader_offline"),
        ("hardware_fault", "terminal_reader_hardware_fault"),
        ("timeout", "terminal_reader_timeout"),
    ],
)
def test_a_command_that_does_not_arrive_changes_nothing_and_the_next_one_does(desk: Desk, kind: str, code: str) -> None:
    intent = desk.intent()
    desk.trouble(kind, times=2)
    for _ in range(2):
        assert denied(desk, intent) == (400, "invalid_request_error", code)
    assert (desk.reader.action, desk.status(intent)) == (None, "requires_payment_method")
    assert desk.process(intent).action.status == "in_progress"


def test_a_refusal_is_saved_under_its_key(desk: Desk) -> None:
    intent, options = desk.intent(), {"idempotency_key": "first"}
    desk.trouble("timeout")
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="timeout"):
            desk.process(intent, options)
    assert desk.reader.action is None
    assert desk.process(intent, {"idempotency_key": "second"}).action.status == "in_progress"


def test_a_timeout_may_be_false_and_the_reader_asks_for_the_card(desk: Desk) -> None:
    intent = desk.intent()
    desk.trouble("timeout_false")
    assert denied(desk, intent) == (400, "invalid_request_error", "terminal_reader_timeout")
    action = desk.reader.action
    assert (action.status, action.process_payment_intent.payment_intent) == ("in_progress", intent.id)
    assert desk.card().action.status == "succeeded"
    assert desk.status(intent) == "succeeded"


def test_trouble_befalls_the_reader_it_was_meant_for(desk: Desk) -> None:
    other = open_desk(desk.shop)
    desk.trouble("busy")
    assert other.process(other.intent()).action.status == "in_progress"
    assert denied(desk, desk.intent())[2] == "terminal_reader_busy"


@pytest.mark.parametrize(
    ("kind", "status", "charges"),
    [("connection_lost_before", "requires_payment_method", 0), ("connection_lost_after", "succeeded", 1)],
)
def test_a_lost_connection_fails_the_action_whatever_became_of_the_payment(
    desk: Desk, kind: str, status: str, charges: int
) -> None:
    intent = desk.intent()
    desk.process(intent)
    desk.trouble(kind)
    desk.news()
    action = desk.card().action
    assert (action.status, action.failure_code, "api_error" in action.to_dict()) == (
        "failed",
        "connection_error",
        False,
    )
    assert (desk.status(intent), len(desk.shop.books("charges"))) == (status, charges)
    paid = ["charge.succeeded", "payment_intent.succeeded"] * charges
    assert desk.news() == [*paid, "terminal.reader.action_failed"]


@pytest.mark.parametrize(
    ("kind", "status", "charges"),
    [("dies_before", "requires_payment_method", 0), ("dies_after", "succeeded", 1)],
)
def test_a_reader_that_dies_leaves_its_action_in_progress_for_ever(
    desk: Desk, kind: str, status: str, charges: int
) -> None:
    intent = desk.intent()
    desk.process(intent)
    desk.trouble(kind)
    desk.news()
    assert desk.card().action.status == "in_progress"
    assert desk.news() == ["charge.succeeded", "payment_intent.succeeded"] * charges
    assert (desk.status(intent), len(desk.shop.books("charges"))) == (status, charges)
    with pytest.raises(stripe.InvalidRequestError):
        desk.card()
    assert desk.calls.cancel_action(desk.id).action is None
    assert len(desk.shop.books("charges")) == charges


def test_while_the_bank_is_asked_the_reader_is_busy(desk: Desk) -> None:
    intent, other = desk.intent(), desk.intent()
    desk.process(intent)
    desk.trouble("slow")
    assert desk.hold()["screen"] == "processing"
    assert denied(desk, other)[2] == "terminal_reader_busy"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        desk.calls.cancel_action(desk.id)
    assert (caught.value.code, desk.reader.action.status) == ("terminal_reader_busy", "in_progress")
    assert desk.shop.books("charges") == []
    assert desk.hold()["screen"] == "approved"
    assert (desk.status(intent), desk.status(other)) == ("succeeded", "requires_payment_method")


def test_the_customer_cancels_and_the_intent_can_be_used_again(desk: Desk) -> None:
    intent = desk.intent()
    desk.process(intent, enable_customer_cancellation=True)
    desk.news()
    desk.shop.control(f"readers/{desk.id}/cancel")
    action = desk.reader.action
    assert (action.status, action.failure_code) == ("failed", "customer_canceled")
    assert (desk.news(), desk.status(intent)) == (["terminal.reader.action_failed"], "requires_payment_method")
    desk.process(intent)
    assert desk.card().action.status == "succeeded"


def test_the_customer_cannot_cancel_where_no_button_was_asked_for(desk: Desk) -> None:
    desk.process(desk.intent())
    answer = desk.shop.process.http.post(f"/_sandbox/readers/{desk.id}/cancel")
    assert (answer.status_code, desk.reader.action.status) == (400, "in_progress")


def test_a_reader_without_power_is_offline_and_forgets_what_it_did(desk: Desk) -> None:
    intent = desk.intent()
    desk.process(intent)
    desk.news()
    desk.shop.control(f"readers/{desk.id}/plug", power=False)
    seen = desk.reader.last_seen_at
    desk.shop.clock.advance(timedelta(minutes=5))
    reader = desk.reader
    assert (reader.status, reader.last_seen_at, reader.action.status) == ("offline", seen, "in_progress")
    assert denied(desk, intent)[2] == "terminal_reader_offline"
    with pytest.raises(stripe.InvalidRequestError):
        desk.card()
    desk.shop.control(f"readers/{desk.id}/plug", power=True)
    reader = desk.reader
    assert (reader.status, reader.action.status, reader.last_seen_at > seen) == ("online", "in_progress", True)
    with pytest.raises(stripe.InvalidRequestError):
        desk.card()
    assert desk.news() == []
    desk.process(intent)
    assert desk.card().action.status == "succeeded"


def test_unknown_trouble_and_unknown_readers_are_refused(desk: Desk) -> None:
    http = desk.shop.process.http
    assert http.post("/_sandbox/readers/faults", json={"kind": "fire"}).status_code == 400
    assert http.post("/_sandbox/readers/faults", json={}).status_code == 400
    assert http.post("/_sandbox/readers/tmr_nobody/cancel").status_code == 404
    assert http.post(f"/_sandbox/readers/{desk.id}/plug", json={}).status_code == 400
    assert http.post("/_sandbox/devices", json={"model": "toaster"}).status_code == 400


def screen(desk: Desk) -> str:
    """What the reader shows on its page."""
    return desk.shop.process.http.get(f"/readers/{desk.id}").text.split('id="screen"')[1].split("</div>")[0]


def test_a_person_pays_on_the_readers_page(desk: Desk) -> None:
    http, page = desk.shop.process.http, f"/readers/{desk.id}"
    assert ">Card readers</a>" in http.get("/").text
    assert page in http.get("/readers").text
    assert "Ready" in screen(desk)
    intent = desk.intent(12860)
    desk.process(intent, enable_customer_cancellation=True)
    shown = screen(desk)
    assert ("$128.60" in shown, "Tap, insert or swipe" in shown, ">Cancel</button>" in shown) == (True, True, True)
    answer = http.post(f"{page}/present", data={"card": POOR, "how": "swipe"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}?card={POOR}")
    assert "Declined" in screen(desk)
    desk.process(intent)
    assert ">Cancel</button>" not in screen(desk)
    assert "phone" in http.post(f"{page}/present", data={"card": "apple_pay", "how": "insert"}).headers["Location"]
    http.post(f"{page}/present", data={"card": "apple_pay", "how": "tap"})
    assert "Approved" in screen(desk)
    assert desk.charge(intent).payment_method_details.card_present.wallet.type == "apple_pay"
    assert http.get("/").status_code == 200


def test_a_person_breaks_the_reader_on_its_page(desk: Desk) -> None:
    http, page = desk.shop.process.http, f"/readers/{desk.id}"
    http.post(f"{page}/trouble", data={"kind": "busy", "times": "3"})
    assert "busy, 3 more" in http.get(page).text
    http.post(f"{page}/calm")
    assert "3 more" not in http.get(page).text
    http.post(f"{page}/plug", data={"power": "off"})
    assert ("No power" in screen(desk), desk.reader.status) == (True, "offline")
    http.post(f"{page}/plug", data={"power": "on"})
    assert desk.reader.status == "online"
    http.post("/readers", data={"model": "portable"})
    assert desk.shop.look("devices")[0]["registration_code"] in http.get("/readers").text
    assert http.get("/readers/tmr_nobody").status_code == 404


def unknown_fields(answer: Any, kind: Any) -> set[str]:
    """Fields of an answer, at every depth the library has a class for, that the library does not know."""
    found = set(answer.to_dict()) - set(kind.__annotations__)
    found = {f"{kind.__name__}.{name}" for name in found - {"livemode"}}
    for name, inner in getattr(kind, "_inner_class_types", {}).items():
        value = getattr(answer, name, None)
        for item in value if isinstance(value, list) else [value]:
            found |= unknown_fields(item, inner) if item is not None else set()
    return found


def test_answers_about_readers_hold_no_field_that_the_library_does_not_have(desk: Desk) -> None:
    intent = desk.saving()
    readers = [desk.process(intent, enable_customer_cancellation=True, allow_redisplay="always"), desk.card(POOR)]
    desk.process(intent)
    readers.append(desk.card())
    setup = desk.api.setup_intents.create(
        {"customer": desk.shop.customer, "allowed_payment_method_types": ["card_present"]}
    )
    params = {
        "setup_intent": setup.id,
        "allow_redisplay": "limited",
        "process_config": {"enable_customer_cancellation": True},
    }
    readers.append(desk.calls.process_setup_intent(desk.id, params))
    readers.append(desk.card(POOR))
    collected = desk.intent()
    readers.append(desk.calls.collect_payment_method(desk.id, {"payment_intent": collected.id}))
    readers.append(desk.card())
    readers.append(desk.calls.confirm_payment_intent(desk.id, {"payment_intent": collected.id}))
    charge, attempt = desk.charge(intent), desk.api.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]})
    made = desk.api.payment_methods.retrieve(charge.payment_method_details.card_present.generated_card)
    answers = [
        *((reader, terminal.Reader) for reader in readers),
        (desk.api.terminal.locations.retrieve(desk.location), terminal.Location),
        (charge, stripe.Charge),
        (desk.api.payment_intents.retrieve(intent.id), stripe.PaymentIntent),
        (desk.api.payment_methods.retrieve(charge.payment_method), stripe.PaymentMethod),
        (made, stripe.PaymentMethod),
        (attempt, stripe.SetupIntent),
        (attempt.latest_attempt, stripe.SetupAttempt),
    ]
    assert [unknown_fields(answer, kind) for answer, kind in answers] == [set()] * len(answers)
