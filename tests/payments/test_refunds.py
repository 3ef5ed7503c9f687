"""Giving money back: reserved before it is asked, never too much, booked once, and every later news is heard."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction

from payments import inbox, recover, refund_news
from payments.models import Alarm, DuePart, LedgerPosting, Payment, Refund, WebhookEvent
from payments.refund_outcomes import settle_refund
from payments.refunds import UnableToRefund
from practices.models import Event, Practice
from processors.port import RefundFacts, Unknown
from processors.stripe import StripeProcessor
from processors.stripe.account import API_VERSION
from tests.payments.making import installment_of
from tests.payments.refunding import ASK, ask, give_back, paid, reconcile, reserve, returned
from tests.plugins.stripe import Shop


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.stripe.refunds.RESEND_AFTER_SECONDS", 0)
    cache.clear()


@pytest.fixture
def payment(part: DuePart, shop: Shop, now: datetime) -> Payment:
    return paid(part, now)


def refund_posting() -> LedgerPosting:
    return LedgerPosting.objects.get(movement="REFUND")


def open_part(part: DuePart) -> tuple[int, str]:
    found = DuePart.objects.get(installment=part.installment_id, state="OPEN")
    return found.amount_cents, found.hold


def alarms() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True).order_by("pk"))


def hear(shop: Shop, reference: str, now: datetime, kind: str = "refund.updated") -> str:
    event = WebhookEvent.objects.create(
        practice=shop.account.practice, event_id=f"evt_{WebhookEvent.objects.count()}", type=kind,
        object_id=reference, api_version=API_VERSION, received_at=now,
    )  # fmt: skip
    inbox.work_through(shop.account.practice_id, now=now)
    event.refresh_from_db()
    return event.state


def test_a_part_goes_back_and_is_owed_again_but_never_taken_by_itself(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    refund = give_back(payment, 28_60, now, note="Paid too much")

    assert (refund.state, returned(shop)) == ("SUCCEEDED", [28_60])
    installment = installment_of(part)
    assert (installment.status, installment.collected_cents, installment.owed_cents) == ("PENDING", 100_00, 28_60)
    assert open_part(part) == (28_60, "STAFF")
    assert not DuePart.objects.due(now + timedelta(days=400)).exists()
    posting = refund_posting()
    assert (posting.amount_cents, posting.refund_id, posting.state) == (-28_60, refund.pk, "QUEUED")
    assert Event.objects.filter(kind__startswith="refund_").count() == 2
    assert "Paid too much" not in str(shop.requests("/v1/refunds"))


def test_several_parts_make_the_whole_and_not_a_cent_more(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    for cents in (100_00, 28_59, 1):
        give_back(payment, cents, now)

    with pytest.raises(UnableToRefund, match=r"Only \$0.00"):
        give_back(payment, 1, now)
    assert returned(shop) == [100_00, 28_59, 1]
    assert (installment_of(part).collected_cents, open_part(part)) == (0, (128_60, "STAFF"))
    assert sorted(LedgerPosting.objects.filter(movement="REFUND").values_list("amount_cents", flat=True)) == [
        -100_00, -28_59, -1,
    ]  # fmt: skip


@pytest.mark.parametrize(("cents", "why"), [(0, "at least"), (-5, "at least"), (128_61, r"Only \$128.60")])
def test_a_wrong_amount_is_refused_and_nothing_is_asked(
    payment: Payment, shop: Shop, now: datetime, cents: int, why: str
) -> None:
    with pytest.raises(UnableToRefund, match=why):
        give_back(payment, cents, now)

    assert (Refund.objects.count(), shop.asked("/v1/refunds")) == (0, [])


def test_a_second_click_gives_nothing_back(payment: Payment, shop: Shop, now: datetime) -> None:
    give_back(payment, 10_00, now, newest=0)

    with pytest.raises(UnableToRefund, match="meanwhile"):
        give_back(payment, 10_00, now, newest=0)
    assert returned(shop) == [10_00]


def test_what_is_reserved_cannot_be_given_back_a_second_time(payment: Payment, shop: Shop, now: datetime) -> None:
    reserve(payment, 100_00, now)

    with pytest.raises(UnableToRefund, match=r"Only \$28.60"):
        give_back(payment, 28_61, now)
    assert returned(shop) == []


def test_the_processor_is_never_asked_inside_a_transaction(payment: Payment, shop: Shop, now: datetime) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        give_back(payment, 1_00, now)
    assert shop.asked("/v1/refunds") == []


def test_the_database_refuses_more_than_the_payment_whatever_the_code_does(payment: Payment, now: datetime) -> None:
    rows = {"practice_id": payment.practice_id, "payment": payment, "actor": "user:1", "started_at": now}
    first = Refund.objects.create(amount_cents=128_00, **rows)
    with pytest.raises(IntegrityError, match="refunds exceed"):
        Refund.objects.create(amount_cents=61, **rows)
    over = Refund.objects.create(amount_cents=61, state="FAILED", **rows)
    with pytest.raises(IntegrityError, match="refunds exceed"):
        Refund.objects.filter(pk=over.pk).update(state="SUCCEEDED")
    with pytest.raises(IntegrityError, match="refunds exceed"):
        Refund.objects.filter(pk=first.pk).update(amount_cents=129_00)

    # Moving on is always possible: news must not be lost.
    Refund.objects.create(amount_cents=500_00, origin="ELSEWHERE", reference="re_there", **rows)
    assert Refund.objects.filter(pk=first.pk).update(state="SUCCEEDED") == 1


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "conflict"])
def test_a_lost_answer_gives_back_once(payment: Payment, shop: Shop, now: datetime, kind: str) -> None:
    shop.fault(ASK, kind)

    refund = give_back(payment, 20_00, now)

    assert returned(shop) in ([20_00], [])
    reconcile(shop, now)
    refund.refresh_from_db()
    assert (refund.state, returned(shop)) == ("SUCCEEDED", [20_00])
    assert LedgerPosting.objects.filter(movement="REFUND").count() == 1


def test_a_worker_that_died_before_asking_is_finished_by_the_reconciler(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    refund = reserve(payment, 20_00, now)
    assert reconcile(shop, now, after=timedelta(seconds=80)) == 0

    assert reconcile(shop, now) == 1

    refund.refresh_from_db()
    assert (refund.state, returned(shop), open_part(part)) == ("SUCCEEDED", [20_00], (20_00, "STAFF"))


def test_a_worker_that_died_after_asking_is_looked_up_not_asked_again(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    refund = reserve(payment, 20_00, now)
    ask(shop, refund)

    assert reconcile(shop, now) == 1

    assert shop.asked("/v1/refunds").count("POST /v1/refunds 200") == 1
    assert (Refund.objects.get().state, returned(shop)) == ("SUCCEEDED", [20_00])


def test_after_the_key_has_died_nothing_is_asked_again_and_the_money_is_free(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    reserve(payment, 128_60, now)

    assert reconcile(shop, now, after=timedelta(hours=23, minutes=1)) == 1

    assert (Refund.objects.get().state, returned(shop)) == ("NOT_TAKEN", [])
    assert Refund.refundable_cents(payment) == 128_60


def test_while_the_processor_is_silent_the_money_stays_reserved_and_an_alarm_tells(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    shop.fault("* /v1/refunds*", "error_before", times=50)
    give_back(payment, 128_60, now)

    reconcile(shop, now + timedelta(minutes=11))

    assert (Refund.objects.get().state, alarms()) == ("UNKNOWN", ["REFUND_UNKNOWN"])
    assert Refund.refundable_cents(payment) == 0
    shop.process.http.delete("/_sandbox/faults")
    reconcile(shop, now + timedelta(minutes=12))
    assert (Refund.objects.get().state, alarms(), returned(shop)) == ("SUCCEEDED", [], [128_60])


def test_a_pending_refund_is_finished_by_a_webhook(payment: Payment, shop: Shop, now: datetime) -> None:
    shop.control("refunds/next", status="pending")
    refund = give_back(payment, 20_00, now)
    assert (refund.state, LedgerPosting.objects.filter(movement="REFUND").count()) == ("PENDING", 0)

    shop.control(f"refunds/{refund.reference}/finish", status="succeeded")
    assert hear(shop, refund.reference, now) == "DONE"
    assert hear(shop, refund.reference, now) == "DONE"

    assert (Refund.objects.get().state, refund_posting().amount_cents) == ("SUCCEEDED", -20_00)


def test_a_refund_that_fails_weeks_later_is_paid_again_and_a_person_hears_of_it(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    refund = give_back(payment, 128_60, now)
    shop.control(f"refunds/{refund.reference}/finish", status="failed", failure_reason="expired_or_canceled_card")

    hear(shop, refund.reference, now + timedelta(days=20), "refund.failed")

    refund.refresh_from_db()
    assert (refund.state, refund.state_reason) == ("FAILED", "expired_or_canceled_card")
    installment = installment_of(part)
    assert (installment.status, installment.collected_cents) == ("PAID", 128_60)
    assert not DuePart.objects.filter(state="OPEN").exists()
    assert (refund_posting().state, alarms()) == ("WITHDRAWN", ["REFUND_FAILED"])
    assert Refund.refundable_cents(payment) == 128_60


def test_a_late_failure_whose_webhook_was_lost_is_found_by_the_reconciler(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    refund = give_back(payment, 20_00, now)
    LedgerPosting.objects.filter(refund=refund).update(state="MATCHED", pay_num=77)
    shop.control(f"refunds/{refund.reference}/finish", status="failed")

    assert reconcile(shop, now) == 1

    assert alarms() == ["REFUND_FAILED"]
    assert "take that out there" in Alarm.objects.get(kind="REFUND_FAILED").text
    assert refund_posting().state == "MATCHED"


def test_a_refund_that_fails_at_once_frees_the_money_and_changes_nothing_else(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    shop.control("refunds/next", status="failed", charge=shop.books("charges")[0]["id"])

    refund = give_back(payment, 20_00, now)

    assert (refund.state, alarms(), Refund.refundable_cents(payment)) == ("FAILED", ["REFUND_FAILED"], 128_60)
    assert installment_of(part).status == "PAID"
    assert not LedgerPosting.objects.filter(movement="REFUND").exists()


def test_a_refused_refund_says_why_and_frees_the_money(payment: Payment, shop: Shop, now: datetime) -> None:
    made_there(shop, payment, 100_00)

    refund = give_back(payment, 50_00, now)

    assert (refund.state, returned(shop)) == ("NOT_TAKEN", [100_00])
    assert "refuses" in refund.state_reason


def made_there(shop: Shop, payment: Payment, cents: int, mark: str = "") -> str:
    """Somebody gives money back in the processor's dashboard, or by other software that sets a mark of its own."""
    client: Any = StripeProcessor(shop.account)._client
    marked = {"metadata": {"refund": mark}} if mark else {}
    made = client.refunds.create({"payment_intent": payment.processor_reference, "amount": cents, **marked})
    return str(made.id)


def test_a_refund_made_at_the_processor_is_recorded_shown_and_counts(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    reference = made_there(shop, payment, 100_00)

    for kind in ("refund.created", "refund.updated"):
        hear(shop, reference, now, kind)

    refund = Refund.objects.get()
    assert (refund.origin, refund.state, refund.amount_cents) == ("ELSEWHERE", "SUCCEEDED", 100_00)
    assert (alarms(), refund_posting().amount_cents) == (["REFUND_ELSEWHERE"], -100_00)
    assert open_part(part) == (100_00, "STAFF")
    with pytest.raises(UnableToRefund, match=r"Only \$28.60"):
        give_back(payment, 28_61, now)


def test_a_refund_made_there_whose_webhook_was_lost_is_found_by_the_reconciler(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    made_there(shop, payment, 5_00)

    assert reconcile(shop, now) == 1
    assert reconcile(shop, now) == 0

    assert (Refund.objects.get().origin, alarms()) == ("ELSEWHERE", ["REFUND_ELSEWHERE"])


def test_a_page_of_refunds_that_nobody_can_decide_hides_no_newer_one(
    payment: Payment, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, newer = reserve(payment, 10_00, now), reserve(payment, 20_00, now)
    look_up = StripeProcessor.look_up_refund
    monkeypatch.setattr(
        StripeProcessor, "look_up_refund",
        lambda self, question: Unknown("?") if question.refund_uuid == str(stuck.uuid) else look_up(self, question),
    )  # fmt: skip
    monkeypatch.setattr("payments.reconciling.PAGE", 1)

    for _ in range(60):
        reconcile(shop, now)

    assert [Refund.objects.get(pk=one.pk).state for one in (stuck, newer)] == ["UNKNOWN", "SUCCEEDED"]


def test_a_refund_made_there_and_heard_of_days_later_is_looked_for_from_its_own_day(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    made_there(shop, payment, 5_00)
    made_at = next(iter(StripeProcessor(shop.account).recent_refunds(now - timedelta(days=1)))).asked_at

    reconcile(shop, now + timedelta(days=3))

    assert (Refund.objects.get().started_at, refund_posting().created_at) == (made_at, made_at)


@pytest.mark.parametrize("heard_by", ["webhook", "reconciler"])
@pytest.mark.parametrize("is_copied", [True, False])
def test_a_refund_made_there_under_a_mark_that_is_not_its_own_is_recorded_as_made_there(
    payment: Payment, shop: Shop, now: datetime, is_copied: bool, heard_by: str
) -> None:
    ours = give_back(payment, 20_00, now)
    reference = made_there(shop, payment, 5_00, mark=str(ours.uuid) if is_copied else "yes")

    if heard_by == "webhook":
        assert hear(shop, reference, now) == "DONE"
    else:
        assert (reconcile(shop, now), reconcile(shop, now)) == (1, 0)

    there = Refund.objects.exclude(pk=ours.pk).get()
    assert (there.reference, there.origin, there.state, there.amount_cents) == (
        reference, "ELSEWHERE", "SUCCEEDED", 5_00
    )  # fmt: skip
    assert (alarms(), Refund.refundable_cents(payment)) == (["REFUND_ELSEWHERE"], 103_60)


def test_a_refund_that_cannot_be_taken_in_keeps_no_other_from_it_but_a_restored_practice_waiting(
    payment: Payment, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_there(shop, payment, 5_00)
    broken = made_there(shop, payment, 6_00)
    right = refund_news._hear

    def hear_or_fail(facts: RefundFacts, now: datetime, actor: str) -> bool:
        if facts.reference == broken:
            raise ValueError("a defect")
        return right(facts, now, actor)

    monkeypatch.setattr(refund_news, "_hear", hear_or_fail)

    recover.recover(payment.practice_id, since=now, now=now)

    assert list(Refund.objects.values_list("amount_cents", flat=True)) == [5_00]
    assert Practice.objects.get().recover_since == now
    alarm = Alarm.objects.get(kind="RECOVERY_UNPLACED")
    assert alarm.text.endswith(f"in the books here: {broken}")


def test_a_refund_of_nothing_of_ours_is_ignored(payment: Payment, shop: Shop, now: datetime) -> None:
    reference = made_there(shop, payment, 5_00)
    Payment.objects.update(processor_reference="pi_another")

    assert hear(shop, reference, now) == "IGNORED"
    assert Refund.objects.count() == 0


def test_a_refund_recorded_before_its_answer_is_stored_stays_one(payment: Payment, shop: Shop, now: datetime) -> None:
    """The webhook is quicker than the reply: the metadata names our row."""
    refund = reserve(payment, 20_00, now)
    answer = ask(shop, refund)
    hear(shop, answer.reference, now, "refund.created")

    assert not settle_refund(refund.pk, answer, now=now, actor="user:1")

    assert [(one.origin, one.state) for one in Refund.objects.all()] == [("HERE", "SUCCEEDED")]
    assert LedgerPosting.objects.filter(movement="REFUND").count() == 1
