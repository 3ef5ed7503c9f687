"""The card used at a reader is kept when its owner agreed, in the words that were shown, or plainly said not to be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cards.models import Card, Consent
from payments import upward
from practices.models import Practice
from terminals import keeping
from terminals.models import CardWish
from tests import factories
from tests.plugins.stripe import POOR
from tests.terminals.conftest import Till

WORDS = (
    "I allow Maple Grove Dental to keep the card I use at the terminal now on file for payments I agree to. I can have "
    "it removed at any time by calling (555) 555-0100."
)


def test_the_card_is_kept_with_the_words_that_were_agreed_to(till: Till, practice: Practice) -> None:
    practice.phone = "(555) 555-0100"
    assert keeping.words(factories.PatientFactory.create(practice=practice)) == WORDS
    till.take(consent=WORDS)
    till.counter.tap(POOR)
    till.hear()
    assert Card.objects.count() == 0, "a declined card is not kept"
    till.again()
    till.counter.tap()
    till.hear()
    till.hear()
    [card] = Card.objects.all()
    assert (str(card), card.patient_id, card.is_primary) == ("Visa 4242", till.part.payer_id, True)
    [consent] = Consent.objects.all()
    assert (consent.kind, consent.text, consent.card, consent.given_by) == ("CARD_ON_FILE", WORDS, card, "user:1")
    assert CardWish.objects.get().card == card


def test_a_wallet_leaves_no_card_and_that_is_said(till: Till) -> None:
    till.take(consent=WORDS)
    till.counter.tap(wallet="apple_pay")
    till.hear()
    assert (CardWish.objects.get().state, Card.objects.count(), Consent.objects.count()) == ("NOT_KEPT", 0, 0)
    assert till.step.name == "approved"


def test_without_the_agreement_no_card_is_left_anywhere(till: Till) -> None:
    till.take()
    till.counter.tap()
    till.hear()
    assert (Card.objects.count(), till.attempt.card_facts["generated_card"]) == (0, "")  # type: ignore[index]
    assert till.counter.shop.books("payment_intents")[0]["customer"] is None


def test_a_card_that_can_not_be_read_now_is_kept_by_a_later_round(till: Till) -> None:
    till.take(consent=WORDS)
    till.counter.tap()
    till.counter.shop.fault("GET /v1/payment_methods/*", "error_before", times=2)
    till.hear()
    assert (till.step.name, Card.objects.count(), CardWish.objects.get().state) == ("approved", 0, "OPEN")
    till.sweep(timedelta(0))
    assert (Card.objects.count(), CardWish.objects.get().state) == (1, "KEPT")


def test_a_payment_that_was_never_begun_leaves_no_wish_behind(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise upward.UnableToRecheck("Open Dental is away")

    monkeypatch.setattr(upward.handlers, "recheck", refuse)
    till.take(consent=WORDS)
    till.sweep(timedelta(0))
    assert (CardWish.objects.get().state, Card.objects.count()) == ("NOT_KEPT", 0)
