"""Each cause: found with its amount and words, gone when its cause is gone, and what is then called recovered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import QuerySet

from cards.models import Autopay
from leakage import causes
from leakage.models import Leak
from opendental.models import Connection
from paylinks.models import PaymentRequest
from payments.models import Attempt, Dispute, DuePart, LedgerPosting
from payplans.models import Installment, PayPlan
from practices.models import Practice
from tests import factories
from tests.leakage.conftest import Look
from tests.payments.making import installment_of, plan_of
from tests.staff import making

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3)


def installments(part: DuePart) -> QuerySet[Installment]:
    """The one of this part."""
    return Installment.objects.filter(due_parts=part)


def only() -> Leak:
    return Leak.objects.get(closed_at=None)


def pay(part: DuePart, cents: int | None = None) -> None:
    """KasperPay takes it (or a part of it) at NOW, posted and read back."""
    installment = installment_of(part)
    installment.collected_cents += cents or installment.owed_cents
    installment.status = Installment.Status.FAILED if installment.owed_cents else Installment.Status.PAID
    installment.save(update_fields=["collected_cents", "status"])
    making.payment(making.attempt(part, "SUCCEEDED", at=NOW))


def fail(part: DuePart, **fields: object) -> DuePart:
    making.attempt(part, "DECLINED", reason="insufficient funds")
    installments(part).update(status="FAILED")
    DuePart.objects.filter(pk=part.pk).update(**fields)
    return part


@pytest.mark.parametrize(
    ("fields", "cause", "words"),
    [
        (
            {"next_try_at": datetime(2026, 3, 11, 14, tzinfo=UTC)}, "FAILED",
            "plan {plan} · insufficient funds, next try Mar 11",
        ),
        ({"next_try_at": None}, "FAILED", "plan {plan} · insufficient funds, no further try"),
        ({"hold": "NEW_CARD", "hold_reason": "reported lost"}, "NEW_CARD", "plan {plan} · reported lost"),
        (
            {"hold": "ABOVE_CONSENT", "hold_reason": "$200.00 is above $128.60"}, "PLAN_CHANGED",
            "plan {plan} · $200.00 is above $128.60",
        ),
        ({"hold": "NOT_ISSUED"}, "HELD", "plan {plan} · The office's charge run was missed"),
    ],
)  # fmt: skip
def test_an_installment_leaks_for_one_cause_until_it_is_paid(
    practice: Practice, look: Look, fields: dict[str, object], cause: str, words: str
) -> None:
    part = fail(factories.collectable(practice), **fields)

    assert look().opened == 1
    leak = only()
    assert (leak.cause, leak.amount_cents, leak.patient_id) == (cause, 128_60, plan_of(part).patient_id)
    assert leak.words == words.format(plan=plan_of(part).pay_plan_num)
    assert leak.since == datetime(2026, 3, 10, 4, tzinfo=UTC), "midnight of the due date in New York"

    pay(part)
    assert look(at=NOW + timedelta(minutes=5)).closed == 1
    leak.refresh_from_db()
    assert (leak.outcome, leak.back_cents, leak.back_by) == ("RECOVERED", 128_60, "Autopay")


@pytest.mark.parametrize("hold", ["SKIPPED", "PAUSED"])
def test_what_staff_decided_does_not_leak(practice: Practice, look: Look, hold: str) -> None:
    fail(factories.collectable(practice), hold=hold)

    look()

    assert not Leak.objects.exists()


def test_what_is_paid_in_the_office_is_recovered_and_a_closed_plan_is_not(practice: Practice, look: Look) -> None:
    paid, closed = (fail(factories.collectable(practice)) for _ in range(2))
    look()
    installments(paid).update(office_paid_cents=128_60, status="PAID")
    PayPlan.objects.filter(installments=closed.installment_id).update(is_closed=True)

    look()

    found = {leak.about["installment"]: leak for leak in Leak.objects.all()}
    first, second = found[paid.installment_id], found[closed.installment_id]
    assert (first.outcome, first.back_cents, first.back_by) == ("RECOVERED", 128_60, "Paid in the office")
    assert (second.outcome, second.back_cents, second.back_by) == ("GONE", 0, "")


def test_money_that_comes_in_parts_is_counted_once(practice: Practice, look: Look) -> None:
    part = fail(factories.collectable(practice))
    look()
    installments(part).update(office_paid_cents=28_60)
    look()
    assert (only().amount_cents, only().most_cents) == (100_00, 128_60)
    DuePart.objects.filter(pk=part.pk).update(hold="NEW_CARD")
    look()

    first = Leak.objects.get(cause="FAILED")
    assert (first.outcome, first.back_cents) == ("RECOVERED", 28_60), "the rest leaks on under another name"
    installments(part).update(office_paid_cents=128_60, status="PAID")
    look()
    assert sum(Leak.objects.values_list("back_cents", flat=True)) == 128_60


def test_overdue_without_a_card_leaks_and_a_near_one_without_autopay_is_told_apart(
    practice: Practice, look: Look
) -> None:
    late = factories.PayPlanFactory.create(patient=factories.PatientFactory(practice=practice))
    factories.InstallmentFactory.create(plan=late, due_date=date(2026, 3, 1))
    factories.InstallmentFactory.create(plan=late, due_date=date(2026, 4, 1))
    near = factories.PayPlanFactory.create(patient=factories.PatientFactory(practice=practice))
    factories.InstallmentFactory.create(plan=near, due_date=date(2026, 4, 1))
    factories.InstallmentFactory.create(plan=near, due_date=date(2026, 5, 1))
    far = factories.PayPlanFactory.create(patient=factories.PatientFactory(practice=practice))
    factories.InstallmentFactory.create(plan=far, due_date=date(2026, 6, 1))

    look()

    found = {leak.cause: leak for leak in Leak.objects.all()}
    assert {name: leak.about["plan"] for name, leak in found.items()} == {"NO_CARD": late.pk, "NO_AUTOPAY": near.pk}
    assert found["NO_AUTOPAY"].amount_cents == 128_60, "the next one only"
    factories.AutopayFactory.create(plan=near)
    look()
    found["NO_AUTOPAY"].refresh_from_db()
    assert (found["NO_AUTOPAY"].outcome, found["NO_AUTOPAY"].back_cents) == ("PUT_RIGHT", 128_60)


def test_a_card_that_ends_before_the_next_charge_leaks_until_another_pays(practice: Practice, look: Look) -> None:
    plan = factories.PayPlanFactory.create(patient=factories.PatientFactory(practice=practice))
    factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 1))
    card = factories.CardFactory.create(patient=plan.patient, exp_month=3, exp_year=2026)
    factories.AutopayFactory.create(plan=plan, card=card)

    look()

    leak = only()
    assert (leak.cause, leak.amount_cents) == ("CARD_EXPIRES", 128_60)
    assert leak.words == f"plan {plan.pay_plan_num} · Visa 4242 ends 03/26, next charge Apr 1"
    other = factories.CardFactory.create(patient=plan.patient, is_primary=False)
    Autopay.objects.filter(plan=plan).update(card=other)
    look()
    leak.refresh_from_db()
    assert (leak.outcome, leak.back_cents, leak.back_by) == ("PUT_RIGHT", 128_60, "Another card was attached")


@pytest.mark.parametrize(
    ("state", "cause"),
    [("QUEUED", "NOT_POSTED"), ("UNCLEAR", "NOT_POSTED"), ("REFUSED", "REFUSED"), ("BY_HAND", "REFUSED"),
     ("POSTED", "NOT_READ_BACK"), ("MISMATCH", "NOT_READ_BACK")],
)  # fmt: skip
def test_a_payment_that_is_not_proven_in_open_dental_leaks_until_it_is_read_back(
    practice: Practice, look: Look, state: str, cause: str
) -> None:
    part = factories.collectable(practice)
    pay(part)
    LedgerPosting.objects.update(state=state, state_reason="The date is locked", created_at=LONG_AGO)

    look()

    leak = only()
    assert (leak.cause, leak.amount_cents, leak.since) == (cause, 128_60, LONG_AGO)
    assert "The date is locked" in leak.words
    LedgerPosting.objects.update(state="MATCHED")
    look()
    leak.refresh_from_db()
    assert (leak.outcome, leak.back_by) == ("PUT_RIGHT", "Posted and read back")


def test_a_posting_of_a_moment_ago_does_not_leak_and_one_marked_by_hand_is_only_gone(
    practice: Practice, look: Look
) -> None:
    part = factories.collectable(practice)
    pay(part)
    LedgerPosting.objects.update(state="QUEUED", created_at=NOW - timedelta(minutes=9))
    look()
    assert not Leak.objects.exists()

    LedgerPosting.objects.update(state="REFUSED")
    look()
    LedgerPosting.objects.update(state="MARKED")
    look()
    assert Leak.objects.get().outcome == "GONE", "nobody compared it with Open Dental"


def test_a_refund_that_open_dental_does_not_show_leaks_by_its_own_name(practice: Practice, look: Look) -> None:
    part = factories.collectable(practice)
    pay(part)
    refund = making.refund(part.attempts.get().payment, 28_60)
    LedgerPosting.objects.create(
        practice=practice, payment=refund.payment, refund=refund, movement="REFUND", patient=part.payer,
        amount_cents=-28_60, state="BY_HAND", next_at=NOW, created_at=LONG_AGO,
    )  # fmt: skip

    look()

    assert (only().cause, only().amount_cents) == ("REFUND_NOT_POSTED", 28_60)


def request(practice: Practice, **fields: object) -> PaymentRequest:
    patient = factories.PatientFactory.create(practice=practice)
    made: PaymentRequest = PaymentRequest.objects.create(
        **{
            "practice": practice, "click": "6f0c7f0e-1f5b-4e64-9a50-0c1d8f6f2a11", "token_hash": "t",
            "patient": patient, "payer": patient, "basis": "PATIENT", "amount_cents": 845_00,
            "prefers": "SMS", "actor": "user:1",
            "created_at": NOW - timedelta(days=8), "sent_at": NOW - timedelta(days=8),
            "expires_at": NOW + timedelta(days=20), **fields,
        }
    )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "asked Mar 2, not opened"),
        ({"opened_at": NOW}, "asked Mar 2, opened, not paid"),
        ({"expires_at": NOW}, "asked Mar 2, the link has expired"),
    ],
)
def test_a_request_that_nobody_paid_for_a_week_leaks_until_it_is_paid(
    practice: Practice, look: Look, fields: dict[str, object], words: str
) -> None:
    made = request(practice, **fields)

    look()

    leak = only()
    assert (leak.cause, leak.amount_cents, leak.words) == ("REQUEST_UNPAID", 845_00, words)
    PaymentRequest.objects.filter(pk=made.pk).update(state="PAID")
    look()
    leak.refresh_from_db()
    assert (leak.outcome, leak.back_cents, leak.back_by) == ("RECOVERED", 845_00, "Text to pay")


def test_a_request_of_this_week_does_not_leak_and_a_canceled_one_is_gone(practice: Practice, look: Look) -> None:
    made = request(practice, sent_at=NOW - timedelta(days=6))
    look()
    assert not Leak.objects.exists()
    PaymentRequest.objects.filter(pk=made.pk).update(sent_at=NOW - timedelta(days=7))
    look()
    PaymentRequest.objects.filter(pk=made.pk).update(state="CANCELED")
    look()
    assert Leak.objects.get().outcome == "GONE"


def test_a_try_with_an_unknown_outcome_leaks_and_one_at_a_reader_has_time(practice: Practice, look: Look) -> None:
    part = factories.collectable(practice)
    made = making.attempt(part, "UNKNOWN", at=LONG_AGO)

    look()

    assert (only().cause, only().about["attempt"]) == ("UNKNOWN", made.pk)
    Attempt.objects.update(state="PENDING", channel="TERMINAL")
    look()
    assert not Leak.objects.filter(closed_at=None).exists()


def test_an_open_dispute_leaks_and_a_won_one_is_recovered(practice: Practice, look: Look) -> None:
    part = factories.collectable(practice)
    pay(part)
    dispute = making.dispute(part.attempts.get().payment)

    look()

    leak = only()
    assert (leak.cause, leak.amount_cents, leak.words) == ("DISPUTE", 128_60, "Needs a reply · reply by Mar 14")
    Dispute.objects.filter(pk=dispute.pk).update(state="WON", over_at=NOW)
    look()
    leak.refresh_from_db()
    assert (leak.outcome, leak.back_cents) == ("RECOVERED", 128_60)


def test_an_office_that_is_away_leaks_what_autopay_would_charge_meanwhile(practice: Practice, look: Look) -> None:
    factories.collectable(practice)
    Connection.objects.create(
        practice=practice, base_url="http://office", developer_key="d", customer_key="c", mode="REMOTE",
        connected_at=LONG_AGO, fully_pulled_at=LONG_AGO, last_answer_at=NOW - timedelta(minutes=14),
    )  # fmt: skip
    look()
    assert not Leak.objects.exists()

    Connection.objects.update(last_answer_at=NOW - timedelta(minutes=15), problem="The office is offline")
    look()
    assert (only().cause, only().amount_cents, only().patient) == ("SYNC", 128_60, None)
    assert only().words == "The office is offline · due on autopay until tomorrow"


def test_every_cause_has_a_page_behind_its_button_and_says_when_it_closes() -> None:
    assert [cause.name for cause in causes.ALL] == list(dict.fromkeys(cause.name for cause in causes.ALL))
    assert {cause.name for cause in causes.ALL} == set(Leak.Cause)
    assert all(cause.closes.startswith("It closes when") for cause in causes.ALL)
