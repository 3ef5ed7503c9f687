"""An installment in several parts: a part paid now and its rest, two parts on two days, days that a payer chooses."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from cards.autopay import Witness
from cards.models import Card, Consent
from notifications.models import Kind as Message
from notifications.models import Message as Sent
from payments import budget, due_parts, pay_now_pages, self_service
from payments.claim import UnableToClaim, claim
from payments.models import Attempt, DueCheck, DuePart, LedgerPosting, PlanChange
from payments.plan_changes import By
from payments.self_service import Days, Halves, Refused, Why
from payplans.models import Installment
from practices.models import Event, PaymentSettings, Practice
from processors.port import NotTaken, Succeeded
from tests import factories
from tests.payments.making import autopay_of, decline, installment_of, plan_of, settle

DAY = timedelta(days=1)
FIFTH, TWELFTH = date(2026, 3, 15), date(2026, 3, 22)


@pytest.fixture
def part(practice: Practice, nudged: list[int], now: datetime) -> DuePart:
    """$128.60 due and declined on March 10; the next is due on April 10."""
    found = factories.collectable(practice)
    factories.InstallmentFactory.create(plan=plan_of(found), due_date=date(2026, 4, 10), is_issued=False)
    decline(claim(found.pk, channel="AUTOPAY", actor="autopay", now=now))
    found.refresh_from_db()
    return found


def one_of(part: DuePart) -> Installment:
    return Installment.objects.select_related("plan__practice", "plan__guarantor").get(pk=part.installment_id or 0)


def by(part: DuePart, now: datetime) -> By:
    return By(f"patient:{part.payer_id}", "Chosen on the link", now)


def take(part: DuePart, cents: int, now: datetime, channel: str = "FIX_LINK") -> Attempt:
    """Open Dental has just been asked."""
    DueCheck.objects.update_or_create(
        due_part=part, defaults={"practice": part.practice, "checked_at": now, "owed_cents": part.amount_cents}
    )
    card = None if channel == "AUTOPAY" else autopay_of(part).card.pk
    return claim(part.pk, channel=channel, actor="patient:1", now=now, card_id=card, cents=cents)


def open_parts(part: DuePart) -> list[DuePart]:
    return list(DuePart.objects.filter(installment=part.installment_id, state="OPEN").order_by("slot"))


def cents_of(part: DuePart) -> list[int]:
    return [one.amount_cents for one in open_parts(part)]


def paid(attempt: Attempt, now: datetime) -> None:
    settle(attempt, Succeeded(f"pi_{attempt.pk}", attempt.amount_cents, f"ch_{attempt.pk}"), now)


def test_a_part_paid_now_leaves_the_rest_with_its_day_and_one_posting_of_each(part: DuePart, now: datetime) -> None:
    before = part.next_try_at

    paid(take(part, 50_00, now), now)

    (rest,) = open_parts(part)
    assert (rest.amount_cents, rest.next_try_at, rest.hold, rest.is_once) == (78_60, before, "", False)
    assert rest.charge_from == date(2026, 3, 11), "a new card does not take it earlier"
    assert installment_of(part).collected_cents == 50_00
    assert installment_of(part).status == "PENDING", "what is left has not failed"
    paid(take(rest, 78_60, now + DAY, "AUTOPAY"), now + DAY)
    assert open_parts(part) == []
    assert installment_of(part).status == "PAID"
    assert sorted(LedgerPosting.objects.values_list("amount_cents", flat=True)) == [50_00, 78_60]


@pytest.mark.parametrize("took_nothing", ["declined", "not taken"])
def test_a_part_payment_that_takes_nothing_leaves_one_part_again(
    part: DuePart, now: datetime, took_nothing: str
) -> None:
    attempt = take(part, 50_00, now)
    assert cents_of(part) == [78_60, 50_00], "while it is in flight"
    with pytest.raises(UnableToClaim, match="under way"):
        take(open_parts(part)[0], 78_60, now)

    if took_nothing == "declined":
        decline(attempt)
    else:
        settle(attempt, NotTaken("no", needs_operator=False))

    (whole,) = open_parts(part)
    assert (whole.amount_cents, whole.slot, whole.is_once, whole.charge_from) == (128_60, 0, False, None)
    assert whole.next_try_at == datetime.fromisoformat("2026-03-11T14:00Z")
    assert Attempt.objects.count() == 2


@pytest.mark.parametrize("cents", [0, 49, 128_11, 128_61, -5_00])
def test_a_part_that_the_processor_would_not_take_divides_nothing(part: DuePart, now: datetime, cents: int) -> None:
    with pytest.raises(UnableToClaim, match=r"at least \$0.50"):
        take(part, cents, now)

    assert cents_of(part) == [128_60]
    assert Attempt.objects.count() == 1


def test_a_charge_that_is_not_issued_is_not_divided(part: DuePart, now: datetime) -> None:
    Installment.objects.filter(pk=part.installment_id or 0).update(is_issued=False)

    with pytest.raises(UnableToClaim, match="issued can be paid in parts"):
        take(part, 50_00, now)

    assert self_service.can_split(one_of(part)) is False


def halved(part: DuePart, now: datetime, cents: int = 60_00) -> None:
    one, halves = one_of(part), Halves(cents, FIFTH, TWELFTH)
    offered = self_service.check_split(one, halves, now)
    text = self_service.split_text(one, offered.card, halves, "en")
    self_service.split(
        one, halves, shown=text, witness=Witness("LINK", by(part, now).actor, "127.0.0.1"), by=by(part, now)
    )


def test_a_split_is_two_parts_that_are_taken_on_their_days_and_sum_to_what_is_owed(
    part: DuePart, now: datetime
) -> None:
    halved(part, now)

    first, second = open_parts(part)
    assert [(one.amount_cents, one.charge_from) for one in (first, second)] == [(60_00, FIFTH), (68_60, TWELFTH)]
    assert [str(one.next_try_at) for one in (first, second)] == [
        "2026-03-15 14:00:00+00:00", "2026-03-22 14:00:00+00:00",
    ]  # fmt: skip
    consent = Consent.objects.get(kind="ONE_CHARGE")
    assert "in two parts: $60.00 on 03/15/2026 and $68.60 on 03/22/2026." in consent.text
    assert (PlanChange.objects.get().kind, Event.objects.filter(kind="installment_split").count()) == ("SPLIT", 1)
    DuePart.objects.filter(pk=first.pk).update(next_try_at=now)
    with pytest.raises(UnableToClaim, match="agreed for a later day"):
        take(first, 60_00, now + DAY, "AUTOPAY")
    paid(take(first, 60_00, now + 5 * DAY, "AUTOPAY"), now + 5 * DAY)
    assert cents_of(part) == [68_60]
    paid(take(second, 68_60, now + 12 * DAY, "AUTOPAY"), now + 12 * DAY)
    assert installment_of(part).status == "PAID"


def test_what_the_office_takes_ends_a_split_and_nobody_is_charged_earlier(part: DuePart, now: datetime) -> None:
    halved(part, now)
    Installment.objects.filter(pk=part.installment_id or 0).update(office_paid_cents=100_00)

    with transaction.atomic():
        due_parts.refresh(plan_of(part), now=now)

    assert [(one.amount_cents, one.charge_from) for one in open_parts(part)] == [(28_60, TWELFTH)]


def test_a_declined_part_of_a_half_is_joined_with_its_half_alone(part: DuePart, now: datetime) -> None:
    halved(part, now)

    decline(take(open_parts(part)[0], 10_00, now))

    assert [(one.amount_cents, one.charge_from) for one in open_parts(part)] == [(60_00, FIFTH), (68_60, TWELFTH)]
    assert pay_now_pages.open_part_or_404(part.practice, part.installment_id or 0).charge_from == TWELFTH


def test_the_amounts_that_the_payer_chose_are_no_surprise_to_a_debit_card(part: DuePart, now: datetime) -> None:
    Card.objects.update(funding="debit")
    Consent.objects.update(schedule=[{"due_date": "2026-03-10", "amount_cents": 128_60}])
    before = Sent.objects.filter(kind=Message.PLAN_CHANGED).count()

    halved(part, now)

    assert Sent.objects.filter(kind=Message.PLAN_CHANGED).count() == before + 1, (
        "what was decided, no notice of amounts"
    )
    assert [one.wait_reason for one in open_parts(part)] == ["", ""]


def test_two_open_parts_in_one_slot_are_impossible(part: DuePart) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.DuePartFactory.create(installment=part.installment)


def test_a_payer_moves_a_charge_within_the_practices_rule_and_only_so_often(part: DuePart, now: datetime) -> None:
    one = one_of(part)
    assert self_service.days(one, now) == Days(date(2026, 3, 11), date(2026, 3, 24), 2, autopay_of(part).card)

    for wrong, why in ((date(2026, 3, 10), Why.TOO_EARLY), (date(2026, 3, 25), Why.TOO_LATE)):
        with pytest.raises(Refused) as refused:
            self_service.move(one, wrong, by=by(part, now))
        assert refused.value.why == why
    assert PlanChange.objects.count() == 0
    for day in (15, 15, 16):
        self_service.move(one, date(2026, 3, day), by=by(part, now))
    part.refresh_from_db()
    assert str(part.next_try_at) == "2026-03-16 14:00:00+00:00"
    assert PlanChange.objects.count() == 2, "the same day again is no second move"
    with pytest.raises(Refused) as refused:
        self_service.move(one, date(2026, 3, 17), by=by(part, now))
    assert refused.value.why == Why.USED_UP
    assert self_service.days(one, now) is None


def test_nothing_is_moved_or_split_where_something_else_holds_it(part: DuePart, now: datetime) -> None:
    one = one_of(part)
    for change in ({"hold": "STAFF"}, {"hold": "NEW_CARD"}, {"is_automatic": False}):
        DuePart.objects.filter(pk=part.pk).update(hold="", is_automatic=True)
        DuePart.objects.filter(pk=part.pk).update(**change)
        with pytest.raises(Refused) as refused:
            self_service.move(one, FIFTH, by=by(part, now))
        assert refused.value.why == Why.NOT_NOW
    DuePart.objects.filter(pk=part.pk).update(hold="", is_automatic=True)
    PaymentSettings.objects.update(patient_moves=0)
    assert self_service.days(one_of(part), now) is None
    assert PlanChange.objects.count() == 0


def test_tries_left_follow_the_networks_limit_and_the_practices_gentler_one(part: DuePart, now: datetime) -> None:
    card = autopay_of(part).card
    assert budget.tries_left(part, card, now) == 14
    PaymentSettings.objects.update(max_tries=3)
    assert budget.tries_left(part, card, now) == 2
