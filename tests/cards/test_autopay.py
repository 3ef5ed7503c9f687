"""Attaching, replacing, detaching and removing cards: the consent that is kept, and what it means for due parts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cards import wording
from cards.autopay import UnableToAttach, Witness, proposed_maximum_cents
from cards.models import AnyAutopay, Autopay, Card, Consent
from notifications.models import Kind, Message
from payments import attaching, upward
from payments.claim import UnableToClaim, claim
from payments.models import DueCheck, DuePart
from payplans.models import Installment, PayPlan
from practices.models import Event, Practice
from processors.models import ProcessorAccount
from processors.port import UnableToReachProcessor
from tests import factories
from tests.payments.making import autopay_of, decline, installment_of, plan_of
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop

DESK = Witness(channel=Consent.Channel.STAFF, given_by="user:1", ip="192.0.2.7")


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def plan(practice: Practice) -> PayPlan:
    """Two installments, the first one due today, nobody's card attached."""
    made: PayPlan = factories.PayPlanFactory.create(patient=factories.PatientFactory.create(practice=practice))
    for due in (date(2026, 3, 10), date(2026, 4, 10)):
        factories.DuePartFactory.create(installment=factories.InstallmentFactory.create(plan=made, due_date=due))
    return made


@pytest.fixture
def card(plan: PayPlan) -> Card:
    made: Card = factories.CardFactory.create(patient=plan.guarantor)
    return made


def attach(plan: PayPlan, card: Card, now: datetime, cents: int = 128_60, witness: Witness = DESK) -> AnyAutopay:
    return attaching.attach(plan, card, max_charge_cents=cents, witness=witness, now=now)


def test_attaching_keeps_the_whole_consent_and_sends_a_copy(plan: PayPlan, card: Card, now: datetime) -> None:
    ledger = Ledger()

    autopay = attach(plan, card, now)

    ledger.wrote(messages=1, events=1)
    consent = Consent.objects.get()
    assert (autopay.card, autopay.consent, autopay.is_on, autopay.since) == (card, consent, True, now)
    assert (consent.kind, consent.patient, consent.plan, consent.card) == ("AUTOPAY", plan.guarantor, plan, card)
    assert (consent.max_charge_cents, consent.card_last4, consent.text_version) == (128_60, "4242", wording.VERSION)
    assert (consent.channel, consent.given_by, consent.ip, consent.given_at) == ("STAFF", "user:1", "192.0.2.7", now)
    first, second = plan.installments.order_by("due_date")
    assert consent.schedule == [
        {"installment": first.pk, "due_date": "2026-03-10", "amount_cents": 128_60},
        {"installment": second.pk, "due_date": "2026-04-10", "amount_cents": 128_60},
    ]
    for words in ("Maple Grove Dental", "Visa 4242", "$128.60", "2 payments, 03/10/2026 to 04/10/2026"):
        assert words in consent.text
    copy = Message.objects.get()
    assert (copy.kind, copy.patient, copy.values["Consent Text"]) == (Kind.CONSENT_COPY, plan.guarantor, consent.text)


def test_the_consent_is_in_the_language_it_was_shown_in(plan: PayPlan, card: Card, now: datetime) -> None:
    attach(plan, card, now, witness=Witness("LINK", f"patient:{plan.guarantor_id}", None, "es"))

    consent = Consent.objects.get()
    assert (consent.language, consent.channel) == ("es", "LINK")
    assert consent.text.startswith("Autorizo a Maple Grove Dental")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_closed": True}, "closed, gone or paid by insurance"),
        ({"kind": PayPlan.Kind.INSURANCE}, "closed, gone or paid by insurance"),
        ({"gone_at": factories.LONG_AGO}, "closed, gone or paid by insurance"),
    ],
)
def test_a_plan_that_is_not_collected_takes_no_card(
    plan: PayPlan, card: Card, now: datetime, change: dict[str, object], words: str
) -> None:
    # Changed since the page was shown.
    PayPlan.objects.update(**change)
    ledger = Ledger()

    with pytest.raises(UnableToAttach, match=words):
        attach(plan, card, now)

    ledger.wrote()
    assert (Autopay.objects.count(), Consent.objects.count()) == (0, 0)


@pytest.mark.parametrize("state", [Card.State.BLOCKED, Card.State.REMOVED])
def test_a_card_that_was_blocked_or_removed_since_the_page_was_shown_is_refused(
    plan: PayPlan, card: Card, now: datetime, state: str
) -> None:
    Card.objects.update(state=state)

    with pytest.raises(UnableToAttach, match="no longer active"):
        attach(plan, card, now)
    assert (Autopay.objects.count(), Consent.objects.count()) == (0, 0)


def test_a_card_of_somebody_else_or_a_maximum_that_is_too_low_is_refused(
    plan: PayPlan, card: Card, now: datetime, practice: Practice
) -> None:
    foreign = factories.CardFactory.create(patient=factories.PatientFactory.create(practice=practice))
    with pytest.raises(UnableToAttach, match="must belong to the person who pays"):
        attach(plan, foreign, now)
    with pytest.raises(UnableToAttach, match=r"must cover \$128.60"):
        attach(plan, card, now, cents=128_59)
    assert (Autopay.objects.count(), Consent.objects.count()) == (0, 0)


def test_what_open_dental_refuses_is_refused(
    plan: PayPlan, card: Card, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upward.handlers, "autopay_refusal", lambda _: "No way to post to this plan")

    with pytest.raises(UnableToAttach, match="No way to post"):
        attach(plan, card, now)
    assert Autopay.objects.count() == 0


def test_the_proposed_maximum_is_the_largest_open_amount_without_the_down_payment(plan: PayPlan) -> None:
    factories.InstallmentFactory.create(plan=plan, principal_cents=900_00, is_down_payment=True)
    factories.InstallmentFactory.create(plan=plan, principal_cents=800_00, status="PAID")
    assert proposed_maximum_cents(plan) == 128_60
    factories.InstallmentFactory.create(plan=plan, principal_cents=130_01)
    assert proposed_maximum_cents(plan) == 130_01


def test_attaching_never_charges_what_was_overdue_before(plan: PayPlan, card: Card, now: datetime) -> None:
    Installment.objects.filter(due_date=date(2026, 3, 10)).update(due_date=date(2026, 2, 10))

    attach(plan, card, now)

    overdue, later = DuePart.objects.order_by("installment__due_date")
    assert (overdue.hold, later.hold) == ("ARREARS", "")
    assert not DuePart.objects.due(now).exists()


def declined(practice: Practice, now: datetime, code: str = "insufficient_funds") -> DuePart:
    part = factories.collectable(practice)
    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now), code)
    return part


@pytest.mark.parametrize("code", ["insufficient_funds", "lost_card", "expired_card"])
def test_a_replaced_card_tries_at_once_what_the_old_one_failed(practice: Practice, now: datetime, code: str) -> None:
    part = declined(practice, now, code)
    DuePart.objects.update(leased_until=now.replace(hour=23))
    new = factories.CardFactory.create(patient=part.payer, is_primary=False)

    attach(plan_of(part), new, now)

    assert DuePart.objects.due(now).get() == part
    old, current = Consent.objects.order_by("pk")
    assert (old.revoked_at, old.revoked_by, current.revoked_at) == (now, "user:1", None)
    DueCheck.objects.update(checked_at=now)
    assert claim(part.pk, channel="AUTOPAY", actor="autopay", now=now).card == new


def test_replacing_by_the_same_number_does_not_buy_another_try_today(practice: Practice, now: datetime) -> None:
    part = declined(practice, now)
    again = factories.CardFactory.create(
        patient=part.payer, is_primary=False, fingerprint=autopay_of(part).card.fingerprint
    )
    attach(plan_of(part), again, now)

    with pytest.raises(UnableToClaim, match="already tried today"):
        claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def test_replacing_the_card_keeps_staffs_holds_and_future_dates(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    card = autopay_of(part).card
    Installment.objects.update(due_date=date(2026, 4, 10))
    decline(claim(part.pk, channel="PAY_NOW", actor="user:1", now=now, card_id=card.pk), "expired_card")
    new = factories.CardFactory.create(patient=part.payer, is_primary=False)

    attach(plan_of(part), new, now)
    found = DuePart.objects.get()
    assert (found.hold, found.next_try_at) == ("", datetime(2026, 4, 10, 14, 0, tzinfo=UTC))

    DuePart.objects.update(hold="STAFF", next_try_at=None)
    attach(plan_of(part), card, now)
    found.refresh_from_db()
    assert (found.hold, found.next_try_at) == ("STAFF", None)


def test_a_card_attached_anew_after_autopay_was_off_charges_no_arrears(practice: Practice, now: datetime) -> None:
    part = declined(practice, now, "lost_card")
    plan, tomorrow = plan_of(part), now.replace(day=11)
    attaching.detach(plan, actor="user:1", reason="asked by phone", now=now)
    new = factories.CardFactory.create(patient=part.payer, is_primary=False)

    attach(plan, new, tomorrow)

    # No longer "needs a new card": it has one, and waits for a word about what is overdue.
    assert DuePart.objects.get().hold == "ARREARS"
    assert autopay_of(part).since == tomorrow


def test_detaching_stops_autopay_at_once_and_only_once(practice: Practice, now: datetime) -> None:
    part = factories.collectable(practice)
    ledger = Ledger()

    assert attaching.detach(plan_of(part), actor="user:1", reason="asked by phone", now=now) is True
    assert attaching.detach(plan_of(part), actor="user:1", reason="asked by phone", now=now) is False

    ledger.wrote(events=1)
    autopay = autopay_of(part)
    assert (autopay.is_on, autopay.stopped_at, autopay.stopped_reason) == (False, now, "asked by phone")
    assert autopay.consent.revoked_at == now
    assert not DuePart.objects.due(now).exists()
    with pytest.raises(UnableToClaim, match="Autopay is off"):
        claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def test_removing_a_card_stops_every_plan_it_pays_and_forgets_it_at_the_processor(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    card = autopay_of(part).card
    second = factories.PayPlanFactory.create(patient=part.payer)
    factories.AutopayFactory.create(plan=second, card=card)

    attaching.remove_card(card, actor="user:1", now=now)

    card.refresh_from_db()
    assert (card.state, card.is_primary) == (Card.State.REMOVED, False)
    assert set(Autopay.objects.values_list("is_on", flat=True)) == {False}
    assert sorted(Event.objects.values_list("kind", flat=True)) == ["autopay_off", "autopay_off", "card_removed"]
    assert shop.asked() == [f"POST /v1/payment_methods/{card.payment_method}/detach 200"]


def test_a_card_is_removed_here_even_when_the_processor_cannot_be_reached(
    part: DuePart, shop: Shop, now: datetime
) -> None:
    card = autopay_of(part).card
    ProcessorAccount.objects.update(base_url="http://127.0.0.1:1")

    with pytest.raises(UnableToReachProcessor):
        attaching.remove_card(card, actor="user:1", now=now)

    card.refresh_from_db()
    assert (card.state, autopay_of(part).is_on) == (Card.State.REMOVED, False)
    assert installment_of(part).status == "PENDING"
