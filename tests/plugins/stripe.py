"""Fixtures: the sandbox Stripe as a process, emptied before each test, and a practice that is connected to it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cards.models import Card
from patients.models import Patient
from payments.models import DuePart
from practices.models import Practice
from processors.models import ProcessorAccount, ProcessorCustomer
from tests import factories, outside

VISA, DEBIT, MASTERCARD = "4242424242424242", "4000056655665556", "5555555555554444"
POOR = "4000000000009995"
WEBHOOK_SECRET = "whsec_tests"
_keys = itertools.count(1)


@dataclass
class Shop:
    """The practice's account at the sandbox Stripe: its control API, its books, and cards saved there."""

    process: outside.Outside
    account: ProcessorAccount

    def control(self, path: str, /, **wish: Any) -> Any:
        return self.process.http.post(f"/_sandbox/{path}", json=wish).raise_for_status().json()

    def look(self, path: str, /, **query: str) -> Any:
        return self.process.http.get(f"/_sandbox/{path}", params=query).raise_for_status().json()

    def fault(self, match: str, kind: str, *, times: int = 1, seconds: float = 0.0) -> None:
        self.process.fault(match, kind, times=times, seconds=seconds)

    def card(self, patient: Patient, number: str = VISA, **fields: Any) -> Card:
        """A card saved there and known here."""
        customer = self._customer(patient)
        saved = self.control("save_card", account_key=self.account.secret_key, customer=customer, number=number)
        details = saved["card"]
        card: Card = factories.CardFactory.create(
            patient=patient, customer=customer, payment_method=saved["payment_method"], brand=details["brand"],
            last4=details["last4"], exp_month=details["exp_month"], exp_year=details["exp_year"],
            funding=details["funding"], fingerprint=details["fingerprint"], **fields,
        )  # fmt: skip
        return card

    def _customer(self, patient: Patient) -> str:
        known = ProcessorCustomer.objects.filter(patient=patient).first()
        if known:
            return known.reference
        made = self.process.http.post("/v1/customers", auth=(self.account.secret_key, "")).raise_for_status().json()
        ProcessorCustomer.objects.create(practice=self.account.practice, patient=patient, reference=made["id"])
        return str(made["id"])

    def behave(self, card: Card, behaviour: str, *, times: int = 0) -> None:
        """From now on, or for the next `times` charges."""
        self.control("cards", payment_method=card.payment_method, behaviour=behaviour, times=times)

    def finish(self, reference: str, outcome: str = "succeeded") -> None:
        """What the bank says in the end about an intent that is processing."""
        self.control(f"intents/{reference}/finish", outcome=outcome)

    def books(self, kind: str) -> list[dict[str, Any]]:
        """charges, payment_intents or refunds, oldest first."""
        rows: list[dict[str, Any]] = self.look("state")[kind]
        return rows

    def taken(self) -> list[int]:
        """Cents of every charge that succeeded: what the cardholders paid."""
        return [row["amount"] for row in self.books("charges") if row["status"] == "succeeded"]

    def intents(self) -> list[str]:
        """The states of all intents."""
        return [row["status"] for row in self.books("payment_intents")]

    def asked(self, path: str = "/v1/*") -> list[str]:
        """Requests so far, as "POST /v1/payment_intents 200", without those that set a test up."""
        return [f"{row['method']} {row['path']} {row['status']}" for row in self.requests(path)]

    def requests(self, path: str = "/v1/*") -> list[dict[str, Any]]:
        return [row for row in self.look("requests", path=path) if row["path"] != "/v1/customers"]


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[outside.Outside]:
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    folder: Path = tmp_path_factory.mktemp("stripe")
    running = outside.start("sandbox.stripe", folder)
    yield running
    running.stop()


@pytest.fixture
def shop(stripe_process: outside.Outside, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The practice connected to an empty sandbox Stripe. Lost requests are repeated without a pause."""
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    monkeypatch.setattr("processors.stripe.account.RESEND_AFTER_SECONDS", 0)
    # Tests of the pauses put them back (tests/processors/test_limits.py).
    monkeypatch.setattr("processors.stripe.in_turn.SLOW_DOWN_SECONDS", ())
    stripe_process.http.post("/_sandbox/reset", json={}).raise_for_status()
    account = ProcessorAccount.objects.create(
        practice=practice, base_url=stripe_process.url, secret_key=f"sk_test_tests{next(_keys)}",
        webhook_secret=WEBHOOK_SECRET, connected_at=factories.LONG_AGO,
    )  # fmt: skip
    return Shop(stripe_process, account)


@pytest.fixture
def part(shop: Shop, practice: Practice) -> DuePart:
    """A due part that everything speaks for charging, with a card that works at the sandbox Stripe."""
    return chargeable(shop, practice)


def chargeable(shop: Shop, practice: Practice, number: str = VISA) -> DuePart:
    """Another such due part, of another person, with a card of this number."""
    due_part = factories.collectable(practice)
    autopay = due_part.installment.plan.autopay  # type: ignore[union-attr]
    placeholder = autopay.card
    autopay.card = shop.card(due_part.payer, number, is_primary=False)
    autopay.save(update_fields=["card"])
    autopay.consent.card = autopay.card
    autopay.consent.save(update_fields=["card"])
    placeholder.delete()
    return due_part
