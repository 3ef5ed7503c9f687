"""Two people pay one plan: own parts, cards, consents, failures, messages (ADR 14)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from cards import autopay
from cards.autopay import UnableToAttach, Witness
from cards.models import Card, Consent
from cards.shares import UnableToShare, Wish
from core.tokens import link_token
from notifications.models import Message
from patients.models import Patient
from paylinks import links
from paylinks import pages as link_pages
from payments import attaching, claim, refund_outcomes, reminders, sharing
from payments.claim import UnableToClaim
from payments.models import Allocation, Attempt, DueCheck, DuePart, LedgerPosting, Payment
from payplans.models import Installment, PayPlan
from practices.models import Practice
from processors.port import Succeeded
from tests import factories
from tests.payments.making import decline, settle
from tests.payments.refunding import reserve
from tests.plugins.money import confirm_owed

APRIL = datetime(2026, 4, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def ana(practice: Practice) -> Patient:
    found: Patient = factories.PatientFactory.create(practice=practice)
    return found


@pytest.fixture
def ben(practice: Practice) -> Patient:
    found: Patient = factories.PatientFactory.create(
        practice=practice, first_name="Ben", email="ben@example.com", mobile_phone="+15555550143"
    )
    return found


@pytest.fixture
def plan(ana: Patient, nudged: list[int]) -> PayPlan:
    """$128.61 overdue, due today, due in April and in May; Ana is the guarantor."""
    made: PayPlan = factories.PayPlanFactory.create(patient=ana)
    for day in (date(2026, 2, 10), date(2026, 3, 10), date(2026, 4, 10), date(2026, 5, 10)):
        factories.InstallmentFactory.create(plan=made, due_date=day, principal_cents=128_61, is_issued=day.month < 5)
    return made


def share(plan: PayPlan, payer: Patient | None, now: datetime, **how: int) -> None:
    given = {"percent_bp": None, "cents": None, **(how or ({"percent_bp": 50_00} if payer else {}))}
    wish = Wish(payer.pk if payer else None, given["percent_bp"], given["cents"], "Both parents pay")
    sharing.decide(plan.pk, wish, actor="user:1", now=now)


def attach(plan: PayPlan, payer: Patient, now: datetime, **card: Any) -> Card:
    found: Card = factories.CardFactory.create(patient=payer, **card)
    fresh = PayPlan.objects.get(pk=plan.pk)
    most = autopay.proposed_maximum_cents(fresh, payer.pk)
    witness = Witness(channel="STAFF", given_by="user:1", ip=None)
    attaching.attach(fresh, found, max_charge_cents=most, witness=witness, now=now)
    return found


def open_parts(plan: PayPlan, month: int) -> dict[int, int]:
    parts = DuePart.objects.filter(installment__plan=plan, installment__due_date__month=month, state="OPEN")
    return dict(parts.values_list("payer", "amount_cents"))


def part(plan: PayPlan, payer: Patient, month: int = 4) -> DuePart:
    parts = DuePart.objects.filter(installment__plan=plan, installment__due_date__month=month)
    return parts.order_by("-pk").filter(payer=payer)[0]


def charge(one: DuePart, now: datetime = APRIL) -> Attempt:
    confirm_owed(one.pk, now)
    return claim.claim(one.pk, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=now)


@pytest.fixture
def shared(plan: PayPlan, ana: Patient, ben: Patient, now: datetime) -> PayPlan:
    share(plan, ben, now)
    attach(plan, ana, now)
    attach(plan, ben, now, last4="4444", brand="mastercard")
    return plan


def test_a_share_counts_for_payments_that_nobody_was_asked_for(
    plan: PayPlan, ana: Patient, ben: Patient, now: datetime
) -> None:
    share(plan, ben, now)

    assert [open_parts(plan, month) for month in (2, 3)] == [{ana.pk: 128_61}] * 2
    assert [open_parts(plan, month) for month in (4, 5)] == [{ana.pk: 64_30, ben.pk: 64_31}] * 2


def test_what_was_tried_or_is_in_flight_stays_with_whom_it_was_asked_from(
    plan: PayPlan, ana: Patient, ben: Patient, now: datetime
) -> None:
    attach(plan, ana, now)
    early = part(plan, ana, 4)
    DueCheck.stamp(early, owed_cents=128_61, obstacle="", now=now)
    card = Card.objects.get()
    claim.claim(early.pk, channel=Attempt.Channel.PAY_NOW, actor="user:1", now=now, card_id=card.pk)

    share(plan, ben, now)

    assert open_parts(plan, 4) == {ana.pk: 128_61}
    assert open_parts(plan, 5) == {ana.pk: 64_30, ben.pk: 64_31}


def test_each_has_a_consent_of_their_own_part_only(shared: PayPlan, ana: Patient, ben: Patient) -> None:
    theirs, hers = Consent.objects.get(patient=ben), Consent.objects.get(patient=ana)

    assert [line["amount_cents"] for line in theirs.schedule] == [64_31, 64_31]
    assert (theirs.max_charge_cents, theirs.card_last4, theirs.disclosure) == (64_31, "4444", None)
    assert "for my part of a payment plan on its due dates: 2 payments, 04/10/2026 to 05/10/2026" in theirs.text
    assert [line["amount_cents"] for line in hers.schedule] == [128_61, 64_30, 64_30]
    assert "4444" not in hers.text
    assert "64.31" not in hers.text
    assert sorted(Message.objects.values_list("patient", "kind")) == [
        (ana.pk, "CONSENT_COPY"), (ben.pk, "CONSENT_COPY"),
    ]  # fmt: skip


def test_both_parts_are_swept_on_the_day_and_charged_one_after_the_other(
    shared: PayPlan, ana: Patient, ben: Patient
) -> None:
    hers, his = part(shared, ana), part(shared, ben)
    assert {one.pk for one in DuePart.objects.due(APRIL)} >= {hers.pk, his.pk}

    first = charge(hers)
    with pytest.raises(UnableToClaim, match="under way"):
        charge(his)
    settle(first, Succeeded("pi_1", 64_30), APRIL)
    second = charge(his)
    settle(second, Succeeded("pi_2", 64_31), APRIL)

    one = Installment.objects.get(plan=shared, due_date=date(2026, 4, 10))
    assert (first.card.last4, second.card.last4) == ("4242", "4444")  # type: ignore[union-attr]
    assert (one.status, one.collected_cents, one.shared_cents) == ("PAID", 128_61, 64_31)
    assert list(Payment.objects.order_by("pk").values_list("payer", "amount_cents")) == [
        (ana.pk, 64_30), (ben.pk, 64_31),
    ]  # fmt: skip
    assert list(Allocation.objects.order_by("pk").values_list("amount_cents", flat=True)) == [64_30, 64_31]
    postings = LedgerPosting.objects.order_by("pk").values_list("patient", "plan", "amount_cents")
    assert list(postings) == [(ana.pk, shared.pk, 64_30), (ana.pk, shared.pk, 64_31)]


def test_a_share_that_fails_leaves_the_other_payment_standing(shared: PayPlan, ana: Patient, ben: Patient) -> None:
    decline(charge(part(shared, ben)), at=APRIL)
    settle(charge(part(shared, ana)), Succeeded("pi_1", 64_30), APRIL)

    one = Installment.objects.get(plan=shared, due_date=date(2026, 4, 10))
    assert (one.status, one.collected_cents, open_parts(shared, 4)) == ("FAILED", 64_30, {ben.pk: 64_31})
    again = part(shared, ben)
    assert (again.next_try_at is not None, again.hold) == (True, "")
    notice = Message.objects.filter(kind="PAYMENT_FAILED")
    assert [(row.patient_id, row.values["Card Last 4"]) for row in notice] == [(ben.pk, "4444")]

    settle(charge(again, again.next_try_at or APRIL), Succeeded("pi_2", 64_31), APRIL)
    assert Installment.objects.get(pk=one.pk).status == "PAID"


def test_one_payer_s_page_shows_nothing_of_the_other(shared: PayPlan, ana: Patient, ben: Patient) -> None:
    decline(charge(part(shared, ben)), at=APRIL)
    hers = part(shared, ana)
    nonce = links.open_fix_link(due_part=hers, now=APRIL)
    from_token = links.find(link_token(nonce), APRIL)
    assert from_token is not None

    page = link_pages.fix_page(from_token, APRIL, "en")

    assert (page.failed, page.same_card, str(page.next_card)) == (None, None, "Visa 4242")
    assert page.part.amount_cents == 64_30
    assert link_pages.receipt(from_token) is None


def test_a_refund_of_one_share_is_owed_by_that_payer_again(shared: PayPlan, ana: Patient, ben: Patient) -> None:
    settle(charge(part(shared, ana)), Succeeded("pi_1", 64_30), APRIL)
    settle(charge(part(shared, ben)), Succeeded("pi_2", 64_31), APRIL)
    back = reserve(Payment.objects.get(payer=ben), 64_31, APRIL)
    refund_outcomes.settle_refund(back.pk, Succeeded("re_1", 64_31), now=APRIL, actor="test")

    assert open_parts(shared, 4) == {ben.pk: 64_31}
    assert Installment.objects.get(plan=shared, due_date=date(2026, 4, 10)).shared_cents == 0


def test_ending_a_share_holds_the_guarantor_above_their_consent_until_they_agree(
    shared: PayPlan, ana: Patient, ben: Patient, now: datetime
) -> None:
    Consent.objects.filter(patient=ana).update(max_charge_cents=64_30)
    share(shared, None, now)

    hers = part(shared, ana)
    assert open_parts(shared, 4) == {ana.pk: 128_61}
    assert hers.hold == DuePart.Hold.ABOVE_CONSENT


def test_who_pays_nothing_of_it_can_attach_no_card(plan: PayPlan, ben: Patient, now: datetime) -> None:
    with pytest.raises(UnableToAttach, match="belong to the person who pays"):
        attach(plan, ben, now)


@pytest.mark.parametrize(("how", "why"), [({"cents": 128_61}, "at least"), ({"cents": 49}, "at least")])
def test_a_share_leaves_each_enough_for_a_card(
    plan: PayPlan, ben: Patient, now: datetime, how: dict[str, int], why: str
) -> None:
    with pytest.raises(UnableToShare, match=why):
        share(plan, ben, now, **how)
    assert not plan.shares.exists()


def test_stopping_one_autopay_leaves_the_other_on(shared: PayPlan, ana: Patient, ben: Patient, now: datetime) -> None:
    attaching.detach(shared, actor="user:1", reason="asked", now=now, payer_id=ben.pk)

    due = set(DuePart.objects.due(APRIL).values_list("payer", flat=True))
    assert due == {ana.pk}
    with pytest.raises(UnableToClaim, match="Autopay is off"):
        charge(part(shared, ben))


def test_each_is_reminded_of_their_own_part(shared: PayPlan, ana: Patient, ben: Patient) -> None:
    assert reminders.queue_due(now=datetime(2026, 4, 8, 15, 0, tzinfo=UTC)) == 2

    told = Message.objects.filter(kind="UPCOMING_CHARGE").order_by("patient")
    assert [(row.patient_id, row.values["Transaction Amount"], row.values["Card Last 4"]) for row in told] == [
        (ana.pk, "$64.30", "4242"), (ben.pk, "$64.31", "4444"),
    ]  # fmt: skip
