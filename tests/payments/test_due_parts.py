"""Due parts follow their installments: amount, date, holds; what is in flight is left alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from cards.autopay import Witness
from cards.models import Autopay, Card, Consent
from payments import arrears, due_parts, locks
from payments.claim import claim
from payments.models import Attempt, DuePart
from payplans.models import Installment, PayPlan
from practices import tenancy
from practices.models import PaymentSettings, Practice
from processors.port import Pending
from tests import factories
from tests.payments.making import autopay_of, decline, installment_of, plan_of, settle


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def part(practice: Practice) -> DuePart:
    return factories.collectable(practice)


def refresh(part: DuePart, now: datetime) -> None:
    with transaction.atomic():
        due_parts.refresh(plan_of(part), now=now)


def open_parts() -> list[tuple[int, str]]:
    return list(DuePart.objects.filter(state="OPEN").order_by("pk").values_list("amount_cents", "hold"))


def states() -> list[str]:
    return list(DuePart.objects.order_by("pk").values_list("state", flat=True))


def test_a_refresh_that_finds_everything_in_step_changes_nothing(part: DuePart, now: datetime) -> None:
    before = list(DuePart.objects.values())

    refresh(part, now)

    assert list(DuePart.objects.values()) == before


def test_an_installment_without_a_part_gets_one_for_its_payer(practice: Practice, now: datetime) -> None:
    plan = factories.PayPlanFactory.create(
        patient=factories.PatientFactory.create(practice=practice),
        guarantor=factories.PatientFactory.create(practice=practice),
    )
    installment = factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 10))

    with transaction.atomic():
        due_parts.refresh(plan, now=now)

    part = DuePart.objects.get()
    assert (part.installment, part.payer, part.amount_cents) == (installment, plan.guarantor, 128_60)
    assert (part.next_try_at, part.hold) == (datetime(2026, 4, 10, 14, 0, tzinfo=UTC), "")


def test_another_amount_closes_the_part_and_opens_one_that_keeps_date_and_hold(part: DuePart, now: datetime) -> None:
    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now), "lost_card")
    Installment.objects.update(office_paid_cents=28_60)

    refresh(part, now)

    assert states() == ["CLOSED", "OPEN"]
    smaller = DuePart.objects.get(state="OPEN")
    assert (smaller.amount_cents, smaller.hold, smaller.next_try_at) == (100_00, "NEW_CARD", None)
    assert smaller.hold_reason != ""


def test_another_amount_keeps_the_date_of_the_next_try(part: DuePart, now: datetime) -> None:
    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now))
    tomorrow = DuePart.objects.get().next_try_at
    Installment.objects.update(office_paid_cents=28_60)

    refresh(part, now)

    assert DuePart.objects.get(state="OPEN").next_try_at == tomorrow


def test_another_guarantor_gets_a_part_of_their_own(part: DuePart, now: datetime, practice: Practice) -> None:
    PayPlan.objects.update(guarantor=factories.PatientFactory.create(practice=practice))

    refresh(part, now)

    assert states() == ["CLOSED", "OPEN"]
    assert DuePart.objects.get(state="OPEN").payer == plan_of(part).guarantor


@pytest.mark.parametrize(
    "fields", [{"is_closed": True}, {"gone_at": factories.LONG_AGO}, {"kind": PayPlan.Kind.INSURANCE}]
)
def test_a_plan_that_is_not_collected_has_no_open_part(part: DuePart, now: datetime, fields: dict[str, object]) -> None:
    PayPlan.objects.update(**fields)

    refresh(part, now)

    assert states() == ["CLOSED"]


@pytest.mark.parametrize(
    "fields", [{"status": "CANCELED"}, {"status": "PAID"}, {"office_paid_cents": 128_60}, {"office_paid_cents": 200_00}]
)
def test_an_installment_that_owes_nothing_has_no_open_part(
    part: DuePart, now: datetime, fields: dict[str, object]
) -> None:
    Installment.objects.update(**fields)

    refresh(part, now)
    refresh(part, now)

    assert states() == ["CLOSED"]


@pytest.mark.parametrize("state", ["STARTED", "PENDING", "UNKNOWN"])
def test_what_is_in_flight_is_left_alone_until_it_is_settled(part: DuePart, now: datetime, state: str) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    Attempt.objects.update(state=state)
    Installment.objects.update(office_paid_cents=28_60)
    before = list(DuePart.objects.values())

    refresh(part, now)
    assert list(DuePart.objects.values()) == before

    decline(attempt)
    assert open_parts() == [(100_00, "")]


def test_arrears_are_held_when_the_card_comes_after_the_due_date(part: DuePart, now: datetime) -> None:
    Autopay.objects.update(since=now)
    Installment.objects.update(due_date=date(2026, 3, 9))

    refresh(part, now)

    assert open_parts() == [(128_60, "ARREARS")]


@pytest.mark.parametrize("channel", ["PAY_NOW", "FIX_LINK"])
def test_a_failed_payment_by_hand_of_arrears_does_not_hand_them_to_autopay(
    part: DuePart, now: datetime, channel: str
) -> None:
    Autopay.objects.update(since=now)
    Installment.objects.update(due_date=date(2026, 3, 9))
    refresh(part, now)

    decline(claim(part.pk, channel=channel, actor="user:1", now=now, card_id=autopay_of(part).card.pk))

    assert open_parts() == [(128_60, "ARREARS")]
    assert not DuePart.objects.due(now + timedelta(days=3)).exists()


def test_arrears_agreed_to_apart_are_tried_like_any_other(part: DuePart, now: datetime) -> None:
    Autopay.objects.update(since=now)
    Installment.objects.update(due_date=date(2026, 3, 9))
    refresh(part, now)
    with transaction.atomic():
        locks.installments(plan_of(part).pk)
        arrears.agree(plan_of(part), autopay_of(part).card, witness=Witness("STAFF", "user:1", None), now=now)
        due_parts.refresh(plan_of(part), now=now)
    assert open_parts() == [(128_60, "")]

    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now))

    assert open_parts() == [(128_60, "")]
    assert DuePart.objects.get().next_try_at == datetime(2026, 3, 11, 14, 0, tzinfo=UTC)


def test_what_is_due_on_the_day_the_card_comes_is_no_arrears(part: DuePart, now: datetime) -> None:
    # 03:30 UTC is still March 10 in New York.
    Autopay.objects.update(since=datetime(2026, 3, 11, 3, 30, tzinfo=UTC))

    refresh(part, now)

    assert open_parts() == [(128_60, "")]


def test_a_missed_charge_run_is_held_from_the_charge_hour_and_lifted_when_it_is_issued(
    part: DuePart, now: datetime
) -> None:
    Installment.objects.update(is_issued=False)

    refresh(part, datetime(2026, 3, 10, 13, 59, tzinfo=UTC))
    assert open_parts() == [(128_60, "")]
    refresh(part, datetime(2026, 3, 10, 14, 0, tzinfo=UTC))
    assert open_parts() == [(128_60, "NOT_ISSUED")]
    Installment.objects.update(is_issued=True)
    refresh(part, now)
    assert open_parts() == [(128_60, "")]


def test_an_amount_above_the_consent_is_held_and_lifted_by_a_higher_one(part: DuePart, now: datetime) -> None:
    Installment.objects.update(principal_cents=130_00)

    refresh(part, now)
    assert open_parts() == [(130_00, "ABOVE_CONSENT")]
    Consent.objects.update(max_charge_cents=130_00)
    refresh(part, now)
    assert open_parts() == [(130_00, "")]


@pytest.mark.parametrize("hold", ["NEW_CARD", "STAFF", "RECONCILE"])
def test_holds_that_wait_for_a_person_are_not_lifted_by_a_refresh(part: DuePart, now: datetime, hold: str) -> None:
    DuePart.objects.update(hold=hold, hold_reason="because")

    refresh(part, now)

    assert (open_parts(), DuePart.objects.get().hold_reason) == ([(128_60, hold)], "because")


@pytest.mark.parametrize("state", [Card.State.BLOCKED, Card.State.REMOVED])
def test_a_card_that_cannot_be_charged_holds_for_a_new_one(part: DuePart, now: datetime, state: str) -> None:
    Card.objects.update(state=state)

    refresh(part, now)

    assert open_parts() == [(128_60, "NEW_CARD")]


def test_without_autopay_nothing_is_held(part: DuePart, now: datetime) -> None:
    Autopay.objects.update(is_on=False)
    Installment.objects.update(is_issued=False, due_date=date(2026, 1, 1))

    refresh(part, now)

    assert open_parts() == [(128_60, "")]


def test_a_part_is_in_the_sweeps_index_only_while_autopay_is_on(part: DuePart, now: datetime) -> None:
    Autopay.objects.update(is_on=False)
    refresh(part, now)
    assert not DuePart.objects.get().is_automatic

    Autopay.objects.update(is_on=True)
    refresh(part, now)
    assert DuePart.objects.get().is_automatic
    assert list(DuePart.objects.due(now)) == [part]


def test_a_down_payment_never_has_a_date(part: DuePart, now: datetime) -> None:
    Installment.objects.update(is_down_payment=True)

    refresh(part, now)
    assert DuePart.objects.get().next_try_at is None
    Installment.objects.update(status="FAILED")
    DuePart.objects.update(next_try_at=now)
    refresh(part, now)
    assert DuePart.objects.get().next_try_at is None


def test_a_due_date_moved_on_moves_the_try_also_of_what_failed(part: DuePart, now: datetime) -> None:
    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now))
    Installment.objects.update(due_date=date(2026, 3, 20))

    refresh(part, now)

    assert DuePart.objects.get().next_try_at == datetime(2026, 3, 20, 14, 0, tzinfo=UTC)


def test_a_due_date_moved_earlier_moves_the_first_try(part: DuePart, now: datetime) -> None:
    Installment.objects.update(due_date=date(2026, 3, 9))
    Autopay.objects.update(since=factories.LONG_AGO)

    refresh(part, now)

    assert DuePart.objects.get().next_try_at == datetime(2026, 3, 9, 14, 0, tzinfo=UTC)


def test_the_retry_date_of_what_failed_survives_a_refresh(part: DuePart, now: datetime) -> None:
    decline(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now))
    before = list(DuePart.objects.values())

    refresh(part, now + timedelta(hours=1))

    assert list(DuePart.objects.values()) == before


@pytest.mark.parametrize(
    ("zone", "due", "hour", "at"),
    [
        # Standard time, then the day the clocks go forward, then the day they go back.
        ("America/New_York", date(2026, 3, 7), 10, datetime(2026, 3, 7, 15, 0, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), 10, datetime(2026, 3, 8, 14, 0, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), 10, datetime(2026, 11, 1, 15, 0, tzinfo=UTC)),
        # 02:00 does not exist that night; 01:00 comes twice in autumn and the first one counts.
        ("America/New_York", date(2026, 3, 8), 2, datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), 1, datetime(2026, 11, 1, 5, 0, tzinfo=UTC)),
        ("Pacific/Honolulu", date(2026, 3, 8), 10, datetime(2026, 3, 8, 20, 0, tzinfo=UTC)),
        # The last hour of the day in Hawaii is already the next day in Greenwich.
        ("Pacific/Honolulu", date(2026, 2, 28), 23, datetime(2026, 3, 1, 9, 0, tzinfo=UTC)),
        ("America/Chicago", date(2028, 2, 29), 0, datetime(2028, 2, 29, 6, 0, tzinfo=UTC)),
    ],
)
def test_the_first_try_is_the_charge_hour_of_the_due_date_at_the_practice(
    part: DuePart, now: datetime, zone: str, due: date, hour: int, at: datetime
) -> None:
    Practice.objects.update(timezone=zone)
    PaymentSettings.objects.update(charge_hour=hour)
    Installment.objects.update(due_date=due)

    refresh(part, now)

    assert DuePart.objects.get().next_try_at == at


def test_autopay_in_hawaii_is_not_due_while_it_is_only_due_on_the_mainland(part: DuePart, now: datetime) -> None:
    Practice.objects.update(timezone="Pacific/Honolulu")
    refresh(part, now)

    assert not DuePart.objects.due(now).exists()
    assert DuePart.objects.due(datetime(2026, 3, 10, 20, 0, tzinfo=UTC)).get() == part


def test_a_refresh_sees_no_plan_of_another_practice(part: DuePart, now: datetime) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        factories.PaymentSettingsFactory.create(practice=other)
        with transaction.atomic():
            plan = PayPlan(pk=installment_of_other(part), practice=other)
            due_parts.refresh(plan, now=now)
        assert DuePart.objects.count() == 0
    assert states() == ["OPEN"]


def installment_of_other(part: DuePart) -> int:
    """The id of a plan that the scope must not show."""
    assert part.installment is not None
    return part.installment.plan_id


def test_pending_money_of_one_installment_does_not_hold_up_the_others(part: DuePart, now: datetime) -> None:
    settle(claim(part.pk, channel="AUTOPAY", actor="autopay", now=now), Pending("pi_1"))
    later = factories.InstallmentFactory.create(plan=plan_of(part), due_date=date(2026, 4, 10))

    refresh(part, now)

    assert DuePart.objects.get(installment=later).state == "OPEN"
    assert installment_of(part).status == "PENDING"
    assert autopay_of(part).is_on
