"""Every request the product sends to Stripe, and every parameter the sandbox takes, exists in the installed library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import stripe
from stripe import params as p
from stripe.params import terminal as t
from stripe.params.checkout import (
    SessionCreateParams,
    SessionExpireParams,
    SessionListLineItemsParams,
    SessionListParams,
    SessionRetrieveParams,
)
from stripe.params.test_helpers.terminal import ReaderPresentPaymentMethodParams as PresentPaymentMethodParams

from sandbox.stripe.api import ROUTES
from sandbox.stripe.spec import SPECS
from tests.contracts.stripe_shapes import assert_known, hint_of, keys_of
from tests.contracts.stripe_world import VERSION, World, fresh, shared

# What the product sends, call by call (processors/stripe, payments).
PRODUCT: list[tuple[str, Any, dict[str, Any]]] = [
    ("customer", p.CustomerCreateParams, {"metadata": {"kasperpay": "person-1"}}),
    (
        "setup page",
        SessionCreateParams,
        {
            "mode": "setup",
            "currency": "usd",
            "customer": "cus_1",
            "allowed_payment_method_types": ["card"],
            "client_reference_id": "ref",
            "metadata": {"setup": "ref"},
            "success_url": "https://pay.example.com/done",
            "cancel_url": "https://pay.example.com/back",
        },
    ),
    (
        "payment page",
        SessionCreateParams,
        {
            "mode": "payment",
            "customer": "cus_1",
            "line_items": [
                {
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 12860,
                        "product_data": {"name": "Account balance"},
                    },
                    "quantity": 1,
                }
            ],
            "success_url": "https://pay.example.com/done",
            "cancel_url": "https://pay.example.com/back",
            "expires_at": 1_800_000_000,
            "client_reference_id": "ref",
            "payment_intent_data": {"metadata": {"attempt": "a1"}, "setup_future_usage": "off_session"},
        },
    ),
    ("read a page", SessionRetrieveParams, {"expand": ["setup_intent.payment_method"]}),
    ("expire a page", SessionExpireParams, {}),
    (
        "intent",
        p.PaymentIntentCreateParams,
        {
            "amount": 12860,
            "currency": "usd",
            "customer": "cus_1",
            "payment_method": "pm_1",
            "allowed_payment_method_types": ["card"],
            "description": "Account balance",
            "metadata": {"attempt": "a1"},
        },
    ),
    ("confirm", p.PaymentIntentConfirmParams, {"off_session": True}),
    ("cancel", p.PaymentIntentCancelParams, {"cancellation_reason": "abandoned"}),
    ("read an intent", p.PaymentIntentRetrieveParams, {"expand": ["latest_charge.balance_transaction"]}),
    ("find an intent", p.PaymentIntentListParams, {"customer": "cus_1", "created": {"gte": 1}, "limit": 100}),
    (
        "refund",
        p.RefundCreateParams,
        {
            "payment_intent": "pi_1",
            "amount": 100,
            "reason": "requested_by_customer",
            "metadata": {"refund": "r1"},
        },
    ),
    ("payouts", p.PayoutListParams, {"created": {"gte": 1}, "limit": 100}),
    (
        "what is in a payout",
        p.BalanceTransactionListParams,
        {"payout": "po_1", "limit": 100, "expand": ["data.source"]},
    ),
    ("cards", p.PaymentMethodListParams, {"customer": "cus_1", "type": "card"}),
    ("missed events", p.EventListParams, {"delivery_success": False, "types": ["payment_intent.succeeded"]}),
    (
        "webhook",
        p.WebhookEndpointCreateParams,
        {
            "url": "https://pay.example.com/hook",
            "enabled_events": ["payment_intent.succeeded"],
            "api_version": VERSION,
        },
    ),
]
# Which of the library's types speaks for each of the sandbox's parameter tables.
LIBRARY: dict[str, Any] = {
    "customer.create": p.CustomerCreateParams,
    "customer.update": p.CustomerUpdateParams,
    "customer.list": p.CustomerListParams,
    "payment_method.list": p.PaymentMethodListParams,
    "payment_method.attach": p.PaymentMethodAttachParams,
    "payment_method.update": p.PaymentMethodUpdateParams,
    "setup_intent.create": p.SetupIntentCreateParams,
    "setup_intent.update": p.SetupIntentUpdateParams,
    "setup_intent.confirm": p.SetupIntentConfirmParams,
    "setup_intent.cancel": p.SetupIntentCancelParams,
    "setup_intent.list": p.SetupIntentListParams,
    "payment_intent.create": p.PaymentIntentCreateParams,
    "payment_intent.update": p.PaymentIntentUpdateParams,
    "payment_intent.confirm": p.PaymentIntentConfirmParams,
    "payment_intent.cancel": p.PaymentIntentCancelParams,
    "payment_intent.capture": p.PaymentIntentCaptureParams,
    "payment_intent.list": p.PaymentIntentListParams,
    "charge.update": p.ChargeUpdateParams,
    "charge.list": p.ChargeListParams,
    "refund.create": p.RefundCreateParams,
    "refund.update": p.RefundUpdateParams,
    "refund.list": p.RefundListParams,
    "dispute.list": p.DisputeListParams,
    "dispute.update": p.DisputeUpdateParams,
    "balance_transaction.list": p.BalanceTransactionListParams,
    "payout.list": p.PayoutListParams,
    "event.list": p.EventListParams,
    "webhook_endpoint.create": p.WebhookEndpointCreateParams,
    "webhook_endpoint.update": p.WebhookEndpointUpdateParams,
    "webhook_endpoint.list": p.WebhookEndpointListParams,
    "checkout.session.create": SessionCreateParams,
    "checkout.session.list": SessionListParams,
    "checkout.session.line_items": SessionListLineItemsParams,
    "terminal.location.create": t.LocationCreateParams,
    "terminal.location.update": t.LocationUpdateParams,
    "terminal.location.list": t.LocationListParams,
    "terminal.reader.create": t.ReaderCreateParams,
    "terminal.reader.update": t.ReaderUpdateParams,
    "terminal.reader.list": t.ReaderListParams,
    "terminal.reader.process_payment": t.ReaderProcessPaymentIntentParams,
    "terminal.reader.process_setup": t.ReaderProcessSetupIntentParams,
    "terminal.reader.collect": t.ReaderCollectPaymentMethodParams,
    "terminal.reader.confirm": t.ReaderConfirmPaymentIntentParams,
    "terminal.reader.display": t.ReaderSetReaderDisplayParams,
    "terminal.reader.present": PresentPaymentMethodParams,
}


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.mark.parametrize(("call", "typed_dict", "params"), PRODUCT, ids=[call for call, _, _ in PRODUCT])
def test_each_request_of_the_product_is_known_to_the_library(
    call: str, typed_dict: Any, params: dict[str, Any]
) -> None:
    assert_known(params, typed_dict)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"payment_method_types": ["card"]}, "unknown parameter payment_method_types"),
        ({"allowed_payment_method_types": ["crad"]}, "'crad' is not one of"),
        ({"idempotency_key": "k"}, "request options among the parameters"),
        ({"amount": 10.5}, "float where"),
        ({"amount": True}, "bool where"),
        ({"metadata": {"attempt": 7}}, "int where"),
        ({"payment_method_options": {"card": {"colour": "blue"}}}, "unknown parameter colour"),
        ({"currency": None}, "NoneType where"),
    ],
)
def test_the_checker_refuses_what_the_library_does_not_know(params: dict[str, Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        assert_known({"amount": 500, "currency": "usd", **params}, p.PaymentIntentCreateParams)


def test_the_checker_misses_no_required_key_and_looks_into_lists() -> None:
    with pytest.raises(AssertionError, match="missing"):
        assert_known({"currency": "usd"}, p.PaymentIntentCreateParams)
    with pytest.raises(AssertionError, match="unknown parameter cents"):
        assert_known({"line_items": [{"price_data": {"currency": "usd", "cents": 1}}]}, SessionCreateParams)


@pytest.mark.parametrize("table", sorted(LIBRARY))
def test_the_sandbox_takes_no_parameter_that_the_library_does_not_have(table: str) -> None:
    assert sorted(SPECS[table].keys() - keys_of(LIBRARY[table])) == []


@pytest.mark.parametrize("table", sorted(LIBRARY))
def test_what_the_sandbox_takes_inside_and_as_words_is_the_librarys_too(table: str) -> None:
    for name, sample in samples(SPECS[table]):
        required = {key: sample_of(kind) for key, kind in SPECS[table].items() if str(kind).endswith("!")}
        required |= {"enabled_events": ["charge.captured"]} if table == "webhook_endpoint.create" else {}
        assert_known({**required, name: sample}, LIBRARY[table])


def samples(fields: dict[str, Any]) -> list[tuple[str, Any]]:
    """(parameter, value) pairs that use every nested name and every listed word of a table once."""
    pairs: list[tuple[str, Any]] = []
    for name, kind in fields.items():
        words = kind.rstrip("!").split("|") if isinstance(kind, str) and "|" in kind else [None]
        pairs += [(name, word or sample_of(kind)) for word in words if kind != "any"]
    return pairs


def sample_of(kind: Any) -> Any:
    """One value of a kind of the sandbox's parameter tables."""
    if isinstance(kind, dict):
        return {name: sample_of(inner) for name, inner in kind.items()}
    if isinstance(kind, list):
        return [sample_of(kind[0])]
    plain = {
        "event": "charge.captured",
        "version": VERSION,
        "int": 5,
        "cents": 500,
        "time": 5,
        "bool": True,
        "map": {"a": "b"},
        "range": {"gte": 5},
        "text": "x",
    }
    word = kind.rstrip("!")
    return "usd" if word == "currency" else plain.get(word, word.split("|")[0])


def test_every_parameter_table_belongs_to_a_route_and_to_a_type_of_the_library() -> None:
    assert {spec for _, _, spec, _ in ROUTES} == set(SPECS)
    assert set(SPECS) - {"none"} == set(LIBRARY)


def test_answers_hold_no_field_that_the_library_does_not_have(shop: World) -> None:
    paid = shop.charge(shop.card())
    refund = shop.api.refunds.create({"payment_intent": paid.id, "amount": 100})
    charge = shop.api.charges.retrieve(paid.latest_charge)
    shop.control("payouts/make", account_key=shop.key)
    setup = shop.api.setup_intents.list({"customer": shop.customer}).data[0]
    disputed = shop.api.disputes.retrieve(shop.control("disputes/open", charge=charge.id)["id"])
    url = {"mode": "setup", "currency": "usd", "customer": shop.customer, "success_url": "https://pay.example.com"}
    hook = {"url": "http://127.0.0.1:9/", "enabled_events": ["charge.captured"]}
    answers = [
        (paid, stripe.PaymentIntent),
        (charge, stripe.Charge),
        (charge.outcome, stripe.Charge.Outcome),
        (refund, stripe.Refund),
        (setup, stripe.SetupIntent),
        (disputed, stripe.Dispute),
        (disputed.evidence_details, stripe.Dispute.EvidenceDetails),
        (disputed.payment_method_details.card, stripe.Dispute.PaymentMethodDetails.Card),
        (shop.api.customers.retrieve(shop.customer), stripe.Customer),
        (shop.api.payment_methods.list({"customer": shop.customer}).data[0], stripe.PaymentMethod),
        (shop.api.balance_transactions.retrieve(charge.balance_transaction), stripe.BalanceTransaction),
        (shop.api.payouts.list().data[0], stripe.Payout),
        (shop.api.events.list().data[0], stripe.Event),
        (shop.api.checkout.sessions.create(url), stripe.checkout.Session),
        (shop.api.webhook_endpoints.create(hook), stripe.WebhookEndpoint),
    ]
    for answer, kind in answers:
        unknown = set(answer.to_dict()) - set(kind.__annotations__) - {"livemode"}
        assert (kind.__name__, unknown) == (kind.__name__, set())


def words_in(hint: Any) -> set[str]:
    """Every literal anywhere inside a type."""
    return {word for part in get_args(hint) for word in ({part} if isinstance(part, str) else words_in(part))}


def test_the_events_the_sandbox_sends_exist_in_the_library(shop: World) -> None:
    known = words_in(hint_of(p.WebhookEndpointCreateParams, "enabled_events"))
    shop.api.refunds.create({"payment_intent": shop.charge(shop.card()).id, "amount": 100})
    payout = shop.control("payouts/make", account_key=shop.key, status="paid")["id"]
    shop.control(f"payouts/{payout}/finish", status="failed")
    dispute = shop.control("disputes/open", charge=shop.charge(shop.card()).id, warn=True)["id"]
    for status in ("needs_response", "won"):
        shop.control(f"disputes/{dispute}/finish", status=status)
    assert set(shop.events()) - known == set()
    assert "payment_intent.succeeded" in known
