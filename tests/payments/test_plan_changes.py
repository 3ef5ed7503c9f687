"""Pause, skip, another day, another card for one charge: what is charged when. Open Dental has the last word."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from cards.autopay import Witness
from cards.models import Card, Consent
from notifications.models import Kind as Message
from notifications.models import Message as Sent
from payments import attaching, charge_cards, due_parts, plan_changes, reminders
from payments.claim import UnableToClaim, claim
from payments.models import Attempt, DueCheck, DuePart, PlanChange
from payments.plan_changes import By, UnableToChange
from payplans.models import Installment, PayPlan
from practices.models import Event, Practice
from tests import factories
from tests.payments.making import autopay_of, installment_of, plan_of

STAFF = Witness("STAFF", "user:1", None)


@pytest.fixture
def part(practice: Practice, nudged: list[int]) -> DuePart:
    """March 10, issued; April 10 and May 10 are to come."""
    found = factories.collectable(practice)
    for day in (date(2026, 4, 10), date(2026, 5, 10)):
        factories.InstallmentFactory.create(plan=plan_of(found), due_date=day, is_issued=False)
    return refreshed(found, datetime.fromisoformat("2026-03-01T12:00Z"))


def refreshed(part: DuePart, now: datetime) -> DuePart:
    with transaction.atomic():
        due_parts.refresh(plan_of(part), now=now)
    part.refresh_from_db()
    return part


def by(now: datetime) -> By:
    return By("user:1", "Asked by phone", now)


def ids(part: DuePart) -> tuple[int, int]:
    return plan_of(part).pk, installment_of(part).pk


def holds(plan: PayPlan) -> list[str]:
    parts = DuePart.objects.filter(installment__plan=plan, state="OPEN")
    return list(parts.order_by("installment__due_date").values_list("hold", flat=True))


def try_it(part: DuePart, now: datetime, channel: str = "AUTOPAY") -> Attempt:
    """As if Open Dental had just been asked; a person names the card."""
    DueCheck.objects.filter(due_part=part).update(checked_at=now)
    card = None if channel == "AUTOPAY" else autopay_of(part).card.pk
    return claim(part.pk, channel=channel, actor="test", now=now, card_id=card)


def told() -> int:
    return Sent.objects.filter(kind=Message.PLAN_CHANGED).count()


def test_a_pause_charges_nothing_by_itself_and_what_fell_due_in_it_stays_with_staff(
    part: DuePart, now: datetime
) -> None:
    plan = plan_of(part)
    plan_changes.pause(plan.pk, first=date(2026, 3, 10), last=date(2026, 3, 20), by=by(now))

    part.refresh_from_db()
    assert holds(plan) == ["PAUSED", "", ""]
    assert part.hold_reason == "Falls due in the pause Mar 10 to Mar 20: Asked by phone"
    assert told() == 1
    assert Event.objects.get(kind="plan_paused").actor == "user:1"
    # Whatever stands on the due part: the claim looks for itself, also when the days are over.
    for days in (0, 10, 11, 40):
        DuePart.objects.filter(pk=part.pk).update(hold="", next_try_at=now)
        with pytest.raises(UnableToClaim, match="Falls due in the pause"):
            try_it(part, now + timedelta(days=days))
    assert Attempt.objects.count() == 0
    assert try_it(part, now, channel="PAY_NOW").state == "STARTED", "a person still may"


def test_what_was_due_before_a_pause_is_tried_again_after_it(part: DuePart, now: datetime) -> None:
    plan_changes.pause(plan_of(part).pk, first=date(2026, 3, 11), last=date(2026, 3, 12), by=by(now))
    Installment.objects.filter(pk=ids(part)[1]).update(status="FAILED")
    DuePart.objects.filter(pk=part.pk).update(next_try_at=datetime.fromisoformat("2026-03-11T14:00Z"))

    assert refreshed(part, now).hold == ""
    assert part.next_try_at == datetime.fromisoformat("2026-03-13T14:00Z")
    DuePart.objects.filter(pk=part.pk).update(next_try_at=now)
    with pytest.raises(UnableToClaim, match="The plan is paused Mar 11 to Mar 12"):
        try_it(part, now + timedelta(days=1))
    assert try_it(part, now + timedelta(days=3)).state == "STARTED"


def test_a_pause_that_is_ended_early_lets_later_charges_go_and_keeps_what_fell_due(
    part: DuePart, now: datetime
) -> None:
    plan = plan_of(part)
    plan_changes.pause(plan.pk, first=date(2026, 3, 10), last=date(2026, 4, 30), by=by(now))
    assert holds(plan) == ["PAUSED", "PAUSED", ""]
    with pytest.raises(UnableToChange, match="has a pause already"):
        plan_changes.pause(plan.pk, first=date(2026, 4, 1), last=date(2026, 4, 2), by=by(now))

    plan_changes.resume(plan.pk, by=by(now + timedelta(days=5)))
    assert holds(plan) == ["PAUSED", "", ""]
    plan_changes.move(*ids(part), day=date(2026, 3, 18), by=by(now + timedelta(days=5)))
    assert holds(plan) == ["", "", ""]
    assert try_it(part, now + timedelta(days=8)).state == "STARTED"
    with pytest.raises(UnableToChange, match="not paused"):
        plan_changes.resume(plan.pk, by=by(now + timedelta(days=5)))


def test_a_skipped_payment_is_owed_but_not_charged_until_that_is_taken_back(part: DuePart, now: datetime) -> None:
    plan_changes.skip(*ids(part), by=by(now))
    part.refresh_from_db()
    assert (part.hold, part.hold_reason) == ("SKIPPED", "Skipped: Asked by phone")
    DuePart.objects.filter(pk=part.pk).update(hold="")
    with pytest.raises(UnableToClaim, match="Skipped: Asked by phone"):
        try_it(part, now)
    # The amount changes: it is another due part, and still skipped.
    Installment.objects.filter(pk=ids(part)[1]).update(principal_cents=100_00)
    refreshed(part, now)
    assert (part.state, holds(plan_of(part))) == ("CLOSED", ["SKIPPED", "", ""])
    # Open Dental moves it to a day of its own: nobody has said anything about that one.
    Installment.objects.filter(pk=ids(part)[1]).update(due_date=date(2026, 3, 12))
    refreshed(part, now)
    assert (
        DuePart.objects.get(hold="SKIPPED").hold_reason
        == "Skipped, then Open Dental moved it: decide anew: Asked by phone"
    )

    plan_changes.unskip(*ids(part), by=by(now))
    assert holds(plan_of(part)) == ["", "", ""]
    with pytest.raises(UnableToChange, match="not skipped"):
        plan_changes.unskip(*ids(part), by=by(now))
    assert list(Event.objects.filter(kind__contains="skipped").values_list("kind", flat=True)) == [
        "installment_skipped", "installment_unskipped",
    ]  # fmt: skip


def test_a_moved_charge_waits_for_its_day_and_open_dental_moving_the_payment_ends_that(
    part: DuePart, now: datetime
) -> None:
    plan_changes.move(*ids(part), day=date(2026, 3, 14), by=by(now))
    part.refresh_from_db()
    assert (part.hold, part.next_try_at) == ("", datetime.fromisoformat("2026-03-14T14:00Z"))
    DuePart.objects.filter(pk=part.pk).update(next_try_at=now)
    with pytest.raises(UnableToClaim, match="Staff moved this charge to Mar 14"):
        try_it(part, now)
    # Issuing it, or reading the plan again, changes nothing.
    Installment.objects.filter(pk=ids(part)[1]).update(is_issued=True)
    assert refreshed(part, now).next_try_at == datetime.fromisoformat("2026-03-14T14:00Z")

    Installment.objects.filter(pk=ids(part)[1]).update(due_date=date(2026, 3, 12))
    assert refreshed(part, now).next_try_at == datetime.fromisoformat("2026-03-12T14:00Z")
    void = Event.objects.get(kind="plan_change_void")
    assert (void.before, void.after) == ({"due_date": "2026-03-10"}, {"due_date": "2026-03-12"})
    assert PlanChange.objects.get().ended_by == "sync"


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 3, 9), "has passed"),
        (date(2026, 3, 10), "Pay Now pays early"),
        (date(2026, 4, 10), "The latest day is 04/09/2026"),
        (date(2026, 3, 25), "The plan is paused on that day"),
    ],
)
def test_a_charge_is_not_moved_to(part: DuePart, now: datetime, day: date, why: str) -> None:
    plan_changes.pause(plan_of(part).pk, first=date(2026, 3, 24), last=date(2026, 3, 26), by=by(now))
    with pytest.raises(UnableToChange, match=why):
        plan_changes.move(*ids(part), day=day, by=by(now))
    assert (PlanChange.objects.count(), Event.objects.filter(kind="charge_moved").count()) == (1, 0)


def test_the_reminder_names_the_moved_day_and_not_the_old_one(part: DuePart, now: datetime) -> None:
    early = now - timedelta(days=5)
    plan_changes.move(*ids(part), day=date(2026, 3, 20), by=by(early))
    assert reminders.queue_due(now=now - timedelta(days=2)) == 0
    assert reminders.queue_due(now=now + timedelta(days=8)) == 1
    assert Sent.objects.get(kind=Message.UPCOMING_CHARGE).values["Payment Due Date"] == "Mar 20, 2026"


def other_card(part: DuePart, **more: object) -> Card:
    card: Card = factories.CardFactory.create(patient=part.payer, last4="4444", is_primary=False, **more)
    return card


def choose(part: DuePart, card: Card, now: datetime) -> PlanChange:
    text = charge_cards.text(installment_of(part), card, "en")
    return charge_cards.choose(*ids(part), card=card, shown=text, witness=STAFF, by=by(now))


def test_another_card_pays_one_charge_under_a_consent_of_its_own(part: DuePart, now: datetime) -> None:
    card = other_card(part)
    choose(part, card, now)

    consent = Consent.objects.get(kind="ONE_CHARGE")
    assert (consent.max_charge_cents, consent.card, consent.given_by) == (128_60, card, "user:1")
    assert "$128.60, the payment of my payment plan due on 03/10/2026, to my card Visa 4444" in consent.text
    assert Sent.objects.filter(kind=Message.CONSENT_COPY).count() == 1
    assert try_it(part, now).card == card
    later = Installment.objects.get(due_date=date(2026, 4, 10))
    assert DuePart.objects.get(installment=later).hold == ""


def test_the_other_card_is_held_above_its_consent_and_when_it_is_gone(part: DuePart, now: datetime) -> None:
    card = other_card(part)
    choose(part, card, now)
    Installment.objects.filter(pk=ids(part)[1]).update(principal_cents=128_61)
    refreshed(part, now)
    assert holds(plan_of(part))[0] == "ABOVE_CONSENT"
    Installment.objects.filter(pk=ids(part)[1]).update(principal_cents=128_60)
    Card.objects.filter(pk=card.pk).update(state=Card.State.REMOVED)
    refreshed(part, now)
    assert holds(plan_of(part))[0] == "NEW_CARD"
    charge_cards.drop(*ids(part), by=by(now))
    again = DuePart.objects.get(installment=part.installment_id, state="OPEN")
    factories.DueCheckFactory.create(due_part=again)
    assert try_it(again, now).card == autopay_of(part).card


def test_a_new_card_on_the_plan_ends_the_card_of_one_charge(part: DuePart, now: datetime) -> None:
    choose(part, other_card(part), now)
    new = factories.CardFactory.create(patient=part.payer, last4="1111", is_primary=False)
    attaching.attach(plan_of(part), new, max_charge_cents=200_00, witness=STAFF, now=now)
    assert PlanChange.objects.get().end_reason == "The plan got a new card"
    assert try_it(part, now).card == new


def test_a_card_of_somebody_else_or_words_that_changed_are_refused(part: DuePart, now: datetime) -> None:
    with pytest.raises(UnableToChange, match="of the person who pays"):
        choose(part, factories.CardFactory.create(patient__practice=part.practice), now)
    with pytest.raises(UnableToChange, match="The text changed"):
        charge_cards.choose(*ids(part), card=other_card(part), shown="Something", witness=STAFF, by=by(now))
    assert (PlanChange.objects.count(), Consent.objects.filter(kind="ONE_CHARGE").count()) == (0, 0)


def test_nothing_is_changed_while_it_is_charged_or_paid_or_without_autopay_or_a_reason(
    part: DuePart, now: datetime
) -> None:
    plan = plan_of(part)
    with pytest.raises(UnableToChange, match="Say why"):
        plan_changes.skip(*ids(part), by=By("user:1", " ", now))
    try_it(part, now)
    with pytest.raises(UnableToChange, match="under way"):
        plan_changes.skip(*ids(part), by=by(now))
    Installment.objects.filter(pk=ids(part)[1]).update(status="PAID", collected_cents=128_60)
    with pytest.raises(UnableToChange, match="paid or no longer owed"):
        plan_changes.move(*ids(part), day=date(2026, 3, 14), by=by(now))
    attaching.detach(plan, actor="user:1", reason="Asked", now=now)
    with pytest.raises(UnableToChange, match="Autopay is off"):
        plan_changes.pause(plan.pk, first=date(2026, 4, 1), last=date(2026, 4, 2), by=by(now))
    assert PlanChange.objects.count() == 0
