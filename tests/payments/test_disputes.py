"""Disputes: heard of in any order, the card frozen, a loss booked once and undone when it is won after all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from payments import charging, dispute_outcomes, dispute_work, disputes, due_parts, recover, refund_news, sweep
from payments.claim import UnableToClaim
from payments.dispute_work import UnableToNote, UnableToRelease
from payments.models import Alarm, Dispute, DuePart, LedgerPosting, Payment, Refund
from payments.refunds import UnableToRefund
from practices.models import Event
from processors.stripe import StripeProcessor
from tests.payments.disputing import dispute, go_on, hear, list_all, open_alarms, standing
from tests.payments.making import installment_of
from tests.payments.refunding import give_back, paid, returned
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop, chargeable


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    cache.clear()


@pytest.fixture
def payment(part: DuePart, shop: Shop, now: datetime) -> Payment:
    return paid(part, now)


def losses() -> list[tuple[str, int]]:
    return list(Refund.objects.order_by("pk").values_list("state", "amount_cents"))


def test_a_chargeback_is_kept_frozen_and_shown_and_nothing_is_posted(
    part: DuePart, payment: Payment, shop: Shop, ledger: Ledger, now: datetime
) -> None:
    reference = dispute(shop, payment, reason="unrecognized")
    ledger.before = ledger.count()

    assert [hear(shop, reference, now, kind) for kind in ("funds_withdrawn", "created")] == ["DONE", "DONE"]

    found = Dispute.objects.get()
    assert (found.payment, found.reference, found.reason, found.amount_cents) == (
        payment, reference, "unrecognized", 128_60,
    )  # fmt: skip
    assert (found.withdrawn_cents, found.fee_cents, found.is_refundable) == (128_60, 15_00, False)
    assert standing() == ("NEEDS_RESPONSE", 128_60, True)
    assert (found.reply_by or now) - found.made_at == timedelta(days=9)
    ledger.wrote(events=1, alarms=1)
    event = Event.objects.get(kind="dispute_opened")
    assert event.about["plan"] == installment_of(part).plan_id
    assert installment_of(part).status == "PAID"
    alarm = Alarm.objects.get()
    assert alarm.kind == "DISPUTE_OPEN"
    assert "$128.60 is disputed: reply at the card processor by " in alarm.text
    with pytest.raises(UnableToRefund, match="disputed"):
        give_back(payment, 1_00, now)
    assert (Refund.objects.count(), shop.asked("/v1/refunds")) == (0, [])


def test_autopay_with_that_number_waits_on_every_plan_and_a_person_may_still_pay(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    other = chargeable(shop, payment.practice)
    hear(shop, dispute(shop, payment), now, "created")

    with pytest.raises(UnableToClaim, match="a payment with it is disputed"):
        charging.collect(other.pk, channel="AUTOPAY", actor="autopay", now=now)
    sweep.wait(other.pk, reason=Dispute.FROZEN, now=now)
    assert shop.taken() == [128_60]

    found = Dispute.objects.get()
    with pytest.raises(UnableToRelease, match="why"):
        dispute_work.release(found.pk, reason="  ", actor="user:1", now=now)
    dispute_work.release(found.pk, reason="Asked on the phone", actor="user:1", now=now)
    with pytest.raises(UnableToRelease, match="any more"):
        dispute_work.release(found.pk, reason="Again", actor="user:1", now=now)

    other.refresh_from_db()
    assert (other.wait_reason, other.leased_until) == ("", None)
    assert charging.collect(other.pk, channel="AUTOPAY", actor="autopay", now=now).state == "SUCCEEDED"
    assert Event.objects.get(kind="dispute_released").text.endswith("may go on: Asked on the phone")


def test_pay_now_with_a_frozen_card_is_a_persons_choice(payment: Payment, shop: Shop, now: datetime) -> None:
    other = chargeable(shop, payment.practice)
    hear(shop, dispute(shop, payment), now)

    paid_by_person = charging.collect(other.pk, channel="PAY_NOW", actor="user:1", now=now)

    assert (paid_by_person.state, shop.taken()) == ("SUCCEEDED", [128_60, 128_60])


def test_won_posts_nothing_and_ends_the_freeze_and_a_missing_reinstatement_is_told(
    part: DuePart, payment: Payment, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = dispute(shop, payment)
    hear(shop, reference, now)
    go_on(shop, reference, "under_review")
    hear(shop, reference, now)
    assert (standing(), open_alarms()) == (("UNDER_REVIEW", 128_60, True), [])
    go_on(shop, reference, "won")
    whole = StripeProcessor.dispute_facts
    with monkeypatch.context() as late:
        late.setattr(
            StripeProcessor, "dispute_facts", lambda self, name: _with(whole(self, name), withdrawn_cents=128_60)
        )
        hear(shop, reference, now, "closed")
    assert (standing(), open_alarms()) == (("WON", 128_60, False), ["DISPUTE_OPEN"])

    # The webhook "funds_reinstated" is lost: the open ones are asked for by their id, however old they are.
    assert list_all(shop, now, later=timedelta(days=90)) == 1
    assert list_all(shop, now, later=timedelta(days=90)) == 0

    assert (standing(), open_alarms(), losses()) == (("WON", 0, False), [], [])
    assert installment_of(part).status == "PAID"
    assert LedgerPosting.objects.count() == 1
    assert give_back(payment, 1_00, now).state == "SUCCEEDED"


def _with(facts: Any, **other: Any) -> Any:
    return type(facts)(**{**vars(facts), **other})


def test_lost_is_owed_again_posted_once_and_stays_frozen_until_released(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    reference = dispute(shop, payment)
    go_on(shop, reference, "lost")

    for kind in ("closed", "created", "closed"):
        hear(shop, reference, now, kind)
    assert list_all(shop, now) == 0

    loss = Refund.objects.get()
    assert (loss.state, loss.origin, loss.reason, loss.reference) == ("SUCCEEDED", "ELSEWHERE", "DISPUTE", reference)
    assert Dispute.objects.get().loss == loss
    posting = LedgerPosting.objects.get(movement="REFUND")
    assert (posting.amount_cents, posting.state, posting.refund) == (-128_60, "QUEUED", loss)
    installment, owed = installment_of(part), DuePart.objects.get(installment=part.installment_id, state="OPEN")
    assert (installment.status, installment.owed_cents, owed.hold) == ("PENDING", 128_60, "STAFF")
    assert owed.hold_reason == due_parts.LOST
    assert installment.status_note == "Taken back by the bank: $128.60"
    assert (standing(), open_alarms()) == (("LOST", 128_60, True), ["DISPUTE_LOST"])
    assert (returned(shop), Refund.refundable_cents(payment)) == ([], 0)
    with pytest.raises(UnableToRefund, match=r"Only \$0.00"):
        give_back(payment, 1, now)
    dispute_work.release(Dispute.objects.get().pk, reason="New card", actor="user:1", now=now)
    assert Event.objects.get(kind="alarm_closed").actor == "user:1"
    assert open_alarms() == []


def test_what_was_withdrawn_is_booked_not_what_was_disputed(payment: Payment, shop: Shop, now: datetime) -> None:
    give_back(payment, 100_00, now)
    reference = dispute(shop, payment, amount=50_00)
    go_on(shop, reference, "lost")

    hear(shop, reference, now)

    # 28.60 was left; the bank took 50.00: a fact is booked whatever was given back before.
    assert losses() == [("SUCCEEDED", 100_00), ("SUCCEEDED", 50_00)]


def test_an_inquiry_freezes_autopay_but_may_be_refunded_which_ends_it(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    reference = dispute(shop, payment, warn=True)
    hear(shop, reference, now, "created")
    assert (standing(), open_alarms()) == (("INQUIRY", 0, True), ["DISPUTE_OPEN"])
    assert "reply or refund by" in Alarm.objects.get().text

    assert give_back(payment, 128_60, now).state == "SUCCEEDED"
    hear(shop, reference, now, "closed")

    assert (standing(), open_alarms(), losses()) == (("INQUIRY_CLOSED", 0, False), [], [("SUCCEEDED", 128_60)])


def test_won_after_lost_pays_the_installment_again_and_takes_the_posting_back(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    reference = dispute(shop, payment)
    go_on(shop, reference, "lost")
    hear(shop, reference, now)
    go_on(shop, reference, "appeal_needs_response")
    hear(shop, reference, now)
    assert (standing(), open_alarms()) == (("APPEAL", 128_60, True), ["DISPUTE_OPEN"])
    go_on(shop, reference, "won")

    hear(shop, reference, now)

    assert (standing(), losses()) == (("WON", 0, False), [("FAILED", 128_60)])
    assert (installment_of(part).status, LedgerPosting.objects.get(movement="REFUND").state) == ("PAID", "WITHDRAWN")
    assert open_alarms() == ["REFUND_FAILED"]
    assert Alarm.objects.get(closed_at=None).text == (
        "A dispute that was lost is won after all: $128.60 is back with the practice and counts as paid again."
    )


def test_an_appeal_that_is_lost_books_nothing_a_second_time(payment: Payment, shop: Shop, now: datetime) -> None:
    reference = dispute(shop, payment)
    for status in ("lost", "appeal_needs_response", "lost"):
        go_on(shop, reference, status)
        hear(shop, reference, now)

    assert (standing(), losses()) == (("LOST", 128_60, True), [("SUCCEEDED", 128_60)])


def test_news_that_was_asked_for_earlier_or_goes_back_changes_nothing(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    reference = dispute(shop, payment)
    early = StripeProcessor(shop.account).dispute_facts(reference)
    asked = datetime.now(UTC)
    go_on(shop, reference, "won")
    hear(shop, reference, now)
    before = Dispute.objects.values().get()

    for moment, alarms in ((asked, []), (datetime.now(UTC), ["CONTRADICTION"])):
        assert not dispute_outcomes.take_in(payment.pk, early, asked=moment, now=now, actor="webhook")
        assert (Dispute.objects.values().get(), open_alarms()) == (before, alarms)
    # It agrees again, so nobody needs to look.
    list_all(shop, now)
    assert open_alarms() == []


def test_a_worker_that_dies_between_storing_and_booking_is_finished_by_the_reconciler(
    part: DuePart, payment: Payment, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = dispute(shop, payment)
    go_on(shop, reference, "lost")
    with monkeypatch.context() as killed:
        killed.setattr(dispute_outcomes, "carry_through", lambda *_, **__: False)
        hear(shop, reference, now)
    assert (losses(), installment_of(part).status) == ([("STARTED", 128_60)], "PAID")

    refund_news.reconcile_refunds(payment.practice_id, now=now, real_now=datetime.now(UTC) + timedelta(minutes=2))

    assert (losses(), installment_of(part).status) == ([("SUCCEEDED", 128_60)], "PENDING")
    assert shop.asked("/v1/refunds*") == ["GET /v1/refunds 200"]


def test_after_a_restore_the_loss_is_booked_under_its_own_uuid_and_searched_for_first(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    go_on(shop, dispute(shop, payment), "lost")

    recover.recover(payment.practice_id, since=datetime.now(UTC) - timedelta(hours=1), now=now)

    loss, found = Refund.objects.get(), Dispute.objects.get()
    assert (loss.uuid, loss.actor) == (dispute_outcomes.loss_uuid(found), "recovery")
    assert LedgerPosting.objects.get(movement="REFUND").state == "UNCLEAR"
    assert not type(payment.practice).objects.filter(recover_since__isnull=False).exists()


def test_a_dispute_of_somebody_elses_charge_is_left_alone(payment: Payment, shop: Shop, now: datetime) -> None:
    reference = dispute(shop, payment)
    Payment.objects.update(processor_reference="pi_other")
    payment.attempt.charge_reference = ""
    payment.attempt.save(update_fields=["charge_reference"])

    assert hear(shop, reference, now) == "IGNORED"
    assert (list_all(shop, now), Dispute.objects.count()) == (0, 0)


def test_a_processor_that_is_away_is_asked_again_at_the_next_pass(payment: Payment, shop: Shop, now: datetime) -> None:
    dispute(shop, payment)
    cache.clear()
    shop.fault("GET /v1/disputes", "error_before", times=5)
    assert disputes.reconcile_disputes(payment.practice_id, now=now) == 0
    shop.process.http.delete("/_sandbox/faults")

    assert disputes.reconcile_disputes(payment.practice_id, now=now) == 1
    assert disputes.reconcile_disputes(payment.practice_id, now=now) == 0


def test_an_old_one_that_the_processor_does_not_know_keeps_no_other_from_being_heard(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    reference = dispute(shop, payment)
    hear(shop, reference, now)
    Dispute.objects.update(reference="du_of_another_account")
    cache.clear()

    assert disputes.reconcile_disputes(payment.practice_id, now=now) == 1
    assert sorted(Dispute.objects.values_list("reference", flat=True)) == sorted([reference, "du_of_another_account"])


def test_a_day_of_submission_is_noted_only_between_the_dispute_and_today(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    hear(shop, dispute(shop, payment), now)
    found = Dispute.objects.get()
    today = datetime.now(UTC)
    for day in (today + timedelta(days=2), today - timedelta(days=3)):
        with pytest.raises(UnableToNote):
            dispute_work.note_submission(found.pk, day=day.date(), note="", actor="user:1", now=today)

    dispute_work.note_submission(found.pk, day=found.made_at.date(), note="By mail", actor="user:1", now=today)

    found.refresh_from_db()
    assert (found.submitted_on, found.submitted_note) == (found.made_at.date(), "By mail")
    assert Event.objects.filter(kind="dispute_submitted").count() == 1
