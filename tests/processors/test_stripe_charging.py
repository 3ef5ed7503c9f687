"""The Stripe adapter against the sandbox: what each class of answer becomes, at create and at confirm."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
import stripe

from cards.models import Card
from practices.models import Practice
from processors.port import (
    Charge,
    Declined,
    NotTaken,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from processors.stripe import StripeProcessor, account
from tests import factories
from tests.contracts.stripe_shapes import assert_known
from tests.plugins.stripe import Shop
from tests.processors.making import CONFIRM, CREATE, Notebook, asked_for, charge, question


def test_a_charge_creates_remembers_then_confirms(shop: Shop, card: Card) -> None:
    notebook, wish = Notebook(), asked_for(card)

    outcome = StripeProcessor(shop.account).charge(wish, notebook.remember)

    [intent], [taken] = shop.books("payment_intents"), shop.books("charges")
    assert outcome == Succeeded(intent["id"], 128_60, taken["id"])
    assert notebook.references == [intent["id"]]
    assert shop.asked() == [f"{CREATE} 200", f"{CONFIRM} 200".replace("*", intent["id"])]


def test_what_is_sent_is_what_is_stored_under_its_keys_and_the_pinned_version(shop: Shop, card: Card) -> None:
    wish = asked_for(card)

    StripeProcessor(shop.account).charge(wish, Notebook().remember)

    create, confirm = shop.requests()
    assert dict(parse_qsl(create["body"])) == {
        "amount": "12860", "currency": "usd", "customer": card.customer, "payment_method": card.payment_method,
        "allowed_payment_method_types[0]": "card", "description": "Account balance",
        "metadata[attempt]": wish.create_params["metadata"]["attempt"],
    }  # fmt: skip
    assert dict(parse_qsl(confirm["body"])) == {"off_session": "true"}
    assert (create["idempotency_key"], confirm["idempotency_key"]) == (wish.create_key, wish.confirm_key)
    assert {create["version"], confirm["version"]} == {account.API_VERSION}
    assert_known(wish.create_params, stripe.params.PaymentIntentCreateParams)
    assert_known(wish.confirm_params, stripe.params.PaymentIntentConfirmParams)


def test_parameters_that_went_through_the_database_are_sent_byte_for_byte(shop: Shop, card: Card) -> None:
    wish = asked_for(card)
    stored = Charge(
        json.loads(json.dumps(wish.create_params)), json.loads(json.dumps(wish.confirm_params)),
        wish.create_key, wish.confirm_key,
    )  # fmt: skip
    processor = StripeProcessor(shop.account)

    first, second = processor.charge(wish, Notebook().remember), processor.charge(stored, Notebook().remember)

    assert first == second
    one, two = (row["body"] for row in shop.requests("/v1/payment_intents"))
    assert one == two
    assert shop.taken() == [128_60]


def test_an_attempt_that_was_closed_meanwhile_is_canceled_and_never_confirmed(shop: Shop, card: Card) -> None:
    outcome = StripeProcessor(shop.account).charge(asked_for(card), Notebook(answer=False).remember)

    assert outcome == NotTaken("The attempt was already closed")
    assert (shop.intents(), shop.taken()) == (["canceled"], [])
    assert not [line for line in shop.asked() if "confirm" in line]


@pytest.mark.parametrize(
    ("fault", "times", "outcome", "intents"),
    [
        ("throttle", 1, NotTaken("The processor asks us to slow down"), []),
        ("drop_before", 2, Unknown("The processor did not answer"), []),
        ("drop_after", 2, Unknown("The processor did not answer"), ["requires_confirmation"]),
        ("error_before", 2, Unknown("The processor had an error (HTTP 500)"), []),
        ("error_after", 2, Unknown("The processor had an error (HTTP 500)"), ["requires_confirmation"]),
    ],
)
def test_each_trouble_at_create_has_its_outcome_and_confirms_nothing(
    shop: Shop, card: Card, fault: str, times: int, outcome: Outcome, intents: list[str]
) -> None:
    shop.fault(CREATE, fault, times=times)

    assert charge(shop, card) == outcome
    assert (shop.intents(), shop.taken()) == (intents, [])
    assert not [line for line in shop.asked() if "confirm" in line]


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_before", "error_after"])
@pytest.mark.parametrize("match", [CREATE, CONFIRM])
def test_one_lost_answer_is_asked_for_again_under_the_same_key_and_charges_once(
    shop: Shop, card: Card, match: str, fault: str
) -> None:
    shop.fault(match, fault)

    assert isinstance(charge(shop, card), Succeeded)
    assert (shop.intents(), shop.taken()) == (["succeeded"], [128_60])
    keys = [row["idempotency_key"] for row in shop.requests()]
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("fault", "times", "outcome", "taken"),
    [
        ("throttle", 1, NotTaken("The processor asks us to slow down"), []),
        ("drop_before", 2, "The processor did not answer", []),
        ("drop_after", 2, "The processor did not answer", [128_60]),
        ("error_before", 2, "The processor had an error (HTTP 500)", []),
        ("error_after", 2, "The processor had an error (HTTP 500)", [128_60]),
    ],
)
def test_each_trouble_at_confirm_has_its_outcome(
    shop: Shop, card: Card, fault: str, times: int, outcome: Outcome | str, taken: list[int]
) -> None:
    shop.fault(CONFIRM, fault, times=times)

    answer = charge(shop, card)

    [intent] = shop.books("payment_intents")
    assert answer == (Unknown(outcome, intent["id"]) if isinstance(outcome, str) else outcome)
    assert shop.taken() == taken


@pytest.mark.parametrize("first", ["drop_after", "error_after"])
def test_a_refusal_after_a_lost_answer_is_still_unknown(shop: Shop, card: Card, first: str) -> None:
    """The first confirm took the money; "slow down" in answer to the second must not make it "not taken"."""
    shop.fault(CONFIRM, first)
    shop.fault(CONFIRM, "throttle")

    assert isinstance(charge(shop, card), Unknown)
    assert shop.taken() == [128_60]


def test_a_key_revoked_between_two_confirms_is_still_unknown(
    shop: Shop, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.fault(CONFIRM, "drop_after")
    key = shop.account.secret_key
    monkeypatch.setattr(
        "processors.stripe.account.time.sleep",
        lambda _: shop.control("accounts", account_key=key, state="revoked"),
    )

    assert isinstance(charge(shop, card), Unknown)
    assert shop.taken() == [128_60]


def test_an_answer_that_takes_too_long_is_unknown(shop: Shop, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = stripe.RequestsClient(timeout=(1, 0.2))
    monkeypatch.setattr(account, "_http", impatient)
    shop.control("troubles", kind="hold", match="POST /v1/payment_intents/*/confirm", times=1, seconds=0.8)

    outcome = charge(shop, card)

    # The second request met the first one still at work: HTTP 409, or waited for it in vain.
    assert isinstance(outcome, Unknown)
    assert len(shop.requests("/v1/payment_intents/*/confirm")) == 2


@pytest.mark.parametrize("kind", ["broken_before", "broken_after"])
def test_a_500_that_is_replayed_under_its_key_stays_unknown(shop: Shop, card: Card, kind: str) -> None:
    shop.control("troubles", kind=kind, match="POST /v1/payment_intents/*/confirm", times=1)

    assert isinstance(charge(shop, card), Unknown)
    assert shop.taken() == ([128_60] if kind == "broken_after" else [])


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("revoked", "The processor refuses the secret key"),
        ("restricted", "The key lacks a permission at the processor"),
    ],
)
def test_a_key_that_is_refused_takes_nothing_and_needs_an_operator(
    shop: Shop, card: Card, state: str, words: str
) -> None:
    key = shop.account.secret_key
    shop.control("accounts", account_key=key, state=state)
    assert charge(shop, card) == NotTaken(words, needs_operator=True)

    shop.control("accounts", account_key=key, state="active")

    def spoil(_reference: str) -> bool:
        shop.control("accounts", account_key=key, state=state)
        return True

    # The same between create and confirm.
    assert StripeProcessor(shop.account).charge(asked_for(card), spoil) == NotTaken(words, needs_operator=True)
    assert (shop.intents(), shop.taken()) == (["requires_confirmation"], [])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"colour": "blue"}, "parameter_unknown"),
    ],
)
def test_refused_parameters_take_nothing_and_need_an_operator(
    shop: Shop, card: Card, wrong: dict[str, object], code: str
) -> None:
    outcome = charge(shop, card, **wrong)

    assert outcome == NotTaken(f"The processor refuses the request ({code})", needs_operator=True)
    assert (shop.intents(), shop.taken()) == ([], [])


# A card that is gone is the card's trouble; a wrong account is everybody's.


def test_a_card_of_another_customer_needs_a_new_card(shop: Shop, card: Card, practice: Practice) -> None:
    foreign = shop.card(factories.PatientFactory.create(practice=practice))

    assert charge(shop, card, payment_method=foreign.payment_method) == Declined("", "card_gone")
    assert shop.taken() == []


def test_a_card_that_the_right_account_does_not_have_needs_a_new_card(shop: Shop, card: Card) -> None:
    assert charge(shop, card, payment_method="pm_nobody") == Declined("", "card_gone")
    assert (shop.intents(), shop.taken()) == ([], [])


def test_a_card_detached_before_needs_a_new_card(shop: Shop, card: Card) -> None:
    StripeProcessor(shop.account).detach(card.payment_method)

    assert charge(shop, card) == Declined("", "card_gone")
    assert (shop.intents(), shop.taken()) == ([], [])


def test_a_card_of_a_deleted_customer_needs_a_new_card(shop: Shop, card: Card) -> None:
    shop.process.http.delete(
        f"/v1/customers/{card.customer}", headers={"Authorization": f"Bearer {shop.account.secret_key}"}
    )

    assert charge(shop, card) == Declined("", "card_gone")
    assert (shop.intents(), shop.taken()) == ([], [])


def test_cards_of_another_account_are_not_called_gone(shop: Shop, card: Card) -> None:
    outcome = charge(shop, card, customer="cus_elsewhere", payment_method="pm_elsewhere")

    assert outcome == NotTaken("The processor refuses the request (resource_missing)", needs_operator=True)


def test_a_card_that_cannot_be_looked_at_is_not_called_gone(shop: Shop, card: Card) -> None:
    StripeProcessor(shop.account).detach(card.payment_method)
    shop.fault("GET /v1/payment_methods/*", "error_before", times=5)

    outcome = charge(shop, card)

    assert isinstance(outcome, NotTaken)
    assert outcome.needs_operator


def test_a_card_detached_between_create_and_confirm_takes_nothing(shop: Shop, card: Card) -> None:
    processor = StripeProcessor(shop.account)

    def detach(_reference: str) -> bool:
        processor.detach(card.payment_method)
        return True

    outcome = processor.charge(asked_for(card), detach)

    assert outcome == Declined("", "card_gone")
    assert (shop.intents(), shop.taken()) == (["requires_confirmation"], [])


def test_a_key_used_for_another_request_is_not_taken_at_create_and_unknown_at_confirm(shop: Shop, card: Card) -> None:
    processor, wish = StripeProcessor(shop.account), asked_for(card)
    processor.charge(wish, Notebook().remember)
    other = asked_for(card)

    reused = Charge(other.create_params, other.confirm_params, wish.create_key, other.confirm_key)
    words = "The processor got the same key with another request"
    assert processor.charge(reused, Notebook().remember) == NotTaken(words, needs_operator=True)

    reused = Charge(other.create_params, other.confirm_params, other.create_key, wish.confirm_key)
    notebook = Notebook()
    assert processor.charge(reused, notebook.remember) == Unknown(words, notebook.references[0])
    assert shop.taken() == [128_60]


def test_an_intent_that_was_canceled_meanwhile_is_asked_about_rather_than_guessed(shop: Shop, card: Card) -> None:
    processor = StripeProcessor(shop.account)

    def cancel(reference: str) -> bool:
        processor.cancel(reference)
        return True

    outcome = processor.charge(asked_for(card), cancel)

    assert isinstance(outcome, Unknown)
    assert processor.look_up(question(outcome.reference, card)) == NotTaken("Canceled at the processor")


@pytest.mark.parametrize(
    ("behaviour", "codes"),
    [
        ("decline:insufficient_funds", ("insufficient_funds", "try_again_later", "51", "")),
        ("decline:generic_decline", ("generic_decline", "", "01", "")),
        ("decline:do_not_honor", ("do_not_honor", "", "05", "")),
        ("decline:lost_card", ("lost_card", "do_not_try_again", "41", "")),
        ("decline:expired_card", ("expired_card", "confirm_card_data", "54", "")),
        ("decline:generic_decline:do_not_try_again:05:21", ("generic_decline", "do_not_try_again", "05", "21")),
        ("decline:a_code_of_tomorrow", ("a_code_of_tomorrow", "", "", "")),
        ("authenticate", ("authentication_required", "", "1A", "")),
        ("block:highest_risk_level", ("highest_risk_level", "", "", "")),
        ("block", ("previously_declined_do_not_retry", "", "", "")),
    ],
)
def test_a_decline_keeps_every_code_by_answer_and_by_look_up(
    shop: Shop, card: Card, behaviour: str, codes: tuple[str, str, str, str]
) -> None:
    shop.behave(card, behaviour)

    answer = charge(shop, card)

    [intent], [refused] = shop.books("payment_intents"), shop.books("charges")
    assert answer == Declined(intent["id"], *codes, refused["id"])
    assert StripeProcessor(shop.account).look_up(question(intent["id"], card)) == answer
    assert shop.taken() == []


def test_a_block_is_taken_as_a_plain_decline_when_its_reason_cannot_be_read(shop: Shop, card: Card) -> None:
    shop.behave(card, "block:highest_risk_level")
    shop.fault("GET /v1/payment_intents/*", "error_before", times=2)

    answer = charge(shop, card)

    assert isinstance(answer, Declined)
    assert answer.decline_code == "generic_decline"


def test_a_bank_that_takes_its_time_is_pending_until_it_says(shop: Shop, card: Card) -> None:
    shop.behave(card, "processing")
    answer = charge(shop, card)
    assert isinstance(answer, Pending)
    processor, ask = StripeProcessor(shop.account), question(answer.reference, card)
    assert processor.look_up(ask) == answer

    shop.finish(answer.reference)

    assert isinstance(processor.look_up(ask), Succeeded)


def test_a_declined_intent_that_was_canceled_is_still_that_decline(shop: Shop, card: Card) -> None:
    shop.behave(card, "decline:insufficient_funds")
    answer = charge(shop, card)
    assert isinstance(answer, Declined)

    StripeProcessor(shop.account).cancel(answer.reference)

    assert StripeProcessor(shop.account).look_up(question(answer.reference, card)) == answer
