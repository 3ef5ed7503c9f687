"""Payouts taken in: every line kept and matched, the sum compared to the cent, whatever news comes when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
import stripe
from django.db import connections

from payments import inbox, payouts, tasks
from payments.models import Alarm, Attempt, DuePart, Payment, Payout, PayoutLine, Refund, WebhookEvent
from practices import rounds
from practices.models import Event, Practice
from processors.port import PayoutFacts, PayoutNews
from processors.stripe import StripeProcessor
from processors.stripe.payouts import _facts
from tests.payments.payouts_making import add_line, finish, hear, lines, pay_out
from tests.payments.refunding import give_back, paid
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop, chargeable


def suspense() -> list[str]:
    rows = PayoutLine.objects.filter(PayoutLine.in_suspense()).order_by("word")
    assert all(row.is_in_suspense for row in rows)
    assert not any(row.is_in_suspense for row in PayoutLine.objects.exclude(PayoutLine.in_suspense()))
    return [row.word for row in rows]


def about_payouts(alarms: str = "") -> list[str]:
    rows = Alarm.objects.filter(kind__startswith="PAYOUT", closed_at=None)
    return [row.text for row in rows]


def test_a_payout_is_kept_with_every_line_and_adds_up(shop: Shop, part: DuePart, ledger: Ledger, now: datetime) -> None:
    payment = paid(part, now)
    refund = give_back(payment, 28_60, now)
    add_line(shop, "stripe_fee", -2_00)
    attempts, payments = list(Attempt.objects.values()), list(Payment.objects.values())
    made = pay_out(shop)
    ledger.before = ledger.count()

    assert hear(shop, now) == 2  # Heard of, and read.

    payout = Payout.objects.get()
    # 128.60 less 4.03, less 28.60, less 2.00.
    assert (payout.reference, payout.amount_cents, payout.state) == (made["id"], 93_97, "IN_TRANSIT")
    assert (payout.difference_cents, payout.read_at) == (0, now)
    assert lines() == [
        ("FEE", -2_00, 0, -2_00), ("PAYMENT", 128_60, 4_03, 124_57), ("REFUND", -28_60, 0, -28_60),
    ]  # fmt: skip
    assert PayoutLine.objects.get(kind="PAYMENT").payment == payment
    back = PayoutLine.objects.get(kind="REFUND")
    assert (back.payment, back.refund) == (payment, refund)
    assert suspense() == []
    ledger.wrote(events=1)
    assert Event.objects.order_by("-pk")[0].text == "Payout of $93.97: On its way to the bank"
    assert (list(Attempt.objects.values()), list(Payment.objects.values())) == (attempts, payments)


def test_hearing_the_same_twice_changes_nothing(shop: Shop, part: DuePart, ledger: Ledger, now: datetime) -> None:
    paid(part, now)
    pay_out(shop)
    hear(shop, now)
    before = list(Payout.objects.values()), list(PayoutLine.objects.order_by("pk").values())
    ledger.before = ledger.count()

    assert hear(shop, now + timedelta(hours=5)) == 0

    assert (list(Payout.objects.values()), list(PayoutLine.objects.order_by("pk").values())) == before
    ledger.wrote()


def test_disputes_are_known_and_what_nobody_knows_is_kept_in_suspense(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime
) -> None:
    payment = paid(part, now)
    charge, card = payment.attempt.charge_reference, payment.attempt.card
    assert card is not None
    add_line(shop, "adjustment", -128_60, fee=15_00, source=charge, reporting_category="dispute")
    add_line(shop, "adjustment", 1_00, description="Goodwill")
    add_line(shop, "brand_new_type", -3)
    chargeable(shop, payment.practice)
    stranger = shop.process.http.post(
        "/v1/payment_intents", auth=(shop.account.secret_key, ""),
        data={"amount": 1000, "currency": "usd", "confirm": "true", "off_session": "true",
              "customer": card.customer, "payment_method": card.payment_method},
    ).raise_for_status().json()  # fmt: skip
    pay_out(shop)

    hear(shop, now)

    assert PayoutLine.objects.get(kind="DISPUTE").payment == payment
    assert PayoutLine.objects.get(kind="DISPUTE").net_cents == -143_60
    assert suspense() == ["adjustment", "brand_new_type", "charge"]
    assert PayoutLine.objects.get(word="charge", payment=None).intent == stranger["id"]
    payout = Payout.objects.get()
    assert payout.amount_cents == 124_57 - 143_60 + 1_00 - 3 + 1000 - 59
    assert payout.difference_cents == 0
    assert about_payouts() == []


def test_a_payout_that_does_not_add_up_is_told_once_and_read_again(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(part, now)
    add_line(shop, "stripe_fee", -2_00)
    pay_out(shop)
    whole = StripeProcessor.payout_lines

    def without_fees(self: StripeProcessor, reference: str) -> object:
        return (line for line in whole(self, reference) if line.word != "stripe_fee")

    with monkeypatch.context() as lossy:
        lossy.setattr(StripeProcessor, "payout_lines", without_fees)
        hear(shop, now)
        assert about_payouts() == ["The payout of $122.57 is $124.57 by its lines: −$2.00 is unexplained"]
        Alarm.objects.get(kind="PAYOUT_DIFFERS").close_by_hand(actor="user:1", now=now)
        hear(shop, now)
        # Nothing new: whoever dealt with it is not told again.
        assert about_payouts() == []
    Alarm.objects.update(closed_at=None)
    hear(shop, now)

    assert Payout.objects.get().difference_cents == 0
    assert about_payouts() == []


def test_a_payout_that_the_bank_returns_is_told_and_its_money_followed(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime
) -> None:
    paid(part, now)
    first = pay_out(shop, "paid")
    hear(shop, now)
    finish(shop, first, "failed")
    hear(shop, now)
    assert about_payouts() == [
        "The bank returned the payout of $124.57: The bank account has been closed. "
        "The money is back at the card processor"
    ]

    second = pay_out(shop)
    hear(shop, now)
    assert len(about_payouts()) == 1
    finish(shop, second, "failed")
    third = pay_out(shop)
    finish(shop, third, "paid")
    hear(shop, now)

    assert about_payouts() == []
    last = Payout.objects.get(reference=third["id"])
    carried = dict(Payout.objects.exclude(pk=last.pk).values_list("reference", "carried_by"))
    assert carried == {first["id"]: last.pk, second["id"]: last.pk}
    assert lines(last) == [("RETURNED", 124_57, 0, 124_57)]
    assert suspense() == []
    kinds = Event.objects.filter(kind__startswith="payout_").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["payout_paid", "payout_failed", "payout_in_transit", "payout_failed", "payout_paid"]


def test_late_news_moves_nothing_back(practice: Practice, now: datetime) -> None:
    def news(of: PayoutNews) -> bool:
        facts = PayoutFacts("po_1", 5_00, of, now, date(2026, 3, 12), is_automatic=True, is_complete=False)
        return payouts._take_in(practice.pk, facts, now, "webhook")

    told = [news(of) for of in (PayoutNews.PAID, PayoutNews.PENDING, PayoutNews.IN_TRANSIT, PayoutNews.PAID)]
    assert (told, Payout.objects.get().state) == ([True, False, False, False], "PAID")
    told = [news(of) for of in (PayoutNews.FAILED, PayoutNews.PAID, PayoutNews.CANCELED)]
    assert (told, Payout.objects.get().state) == ([True, False, False], "FAILED")
    assert Alarm.objects.count() == 1


def test_a_webhook_makes_the_row_and_leaves_the_reading_to_a_task_of_its_own(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    monkeypatch.setattr(rounds, "wake", lambda task, practice_id: woken.append((task.name, practice_id)))
    practice_id = shop.account.practice_id
    paid(part, now)
    reference = pay_out(shop)["id"]
    for number, kind in enumerate(("payout.paid", "payout.created", "payout.created")):
        WebhookEvent.objects.create(
            practice_id=practice_id, event_id=f"evt_{number}", type=kind, object_id=reference, received_at=now
        )

    assert tasks.inbox_one(practice_id=practice_id) == 3

    assert [row.state for row in WebhookEvent.objects.all()] == ["DONE"] * 3
    assert Payout.objects.get().read_at is None
    assert lines() == []
    assert woken == [("payments.tasks.payouts_one", practice_id)]
    assert tasks.payouts_one(practice_id=practice_id) == 1
    assert lines() == [("PAYMENT", 128_60, 4_03, 124_57)]
    woken.clear()
    inbox.work_through(practice_id, now=now)
    assert tasks.inbox_one(practice_id=practice_id) == 0
    assert woken == []


def test_a_processor_that_is_away_is_asked_again(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(part, now)
    pay_out(shop)
    shop.fault("GET /v1/payouts*", "error_before", times=2)

    assert tasks.payouts_one(practice_id=shop.account.practice_id) == 0
    assert Payout.objects.count() == 0
    assert tasks.payouts_one(practice_id=shop.account.practice_id) == 2


def test_a_line_read_before_our_books_knew_it_is_placed_later(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime
) -> None:
    payment = paid(part, now)
    refund = give_back(payment, 1_00, now)
    reference = refund.reference
    Refund.objects.update(reference="")
    pay_out(shop)
    hear(shop, now)
    assert suspense() == ["refund"]
    Refund.objects.update(reference=reference)

    hear(shop, now)

    assert suspense() == []
    assert PayoutLine.objects.get(kind="REFUND").refund == refund


def test_reading_a_payout_waits_for_no_lock_of_the_money_path(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime
) -> None:
    refund = give_back(paid(part, now), 1_00, now)
    pay_out(shop)
    ours = connections["default"].get_connection_params()
    wanted = {name: ours[name] for name in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**wanted) as other:
        other.execute("SELECT set_config('kasperpay.practice', %s, true)", [str(refund.practice_id)])
        held = other.execute("SELECT p.id FROM payments_payment p, payments_refund FOR UPDATE").fetchall()
        assert len(held) == 1
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        assert hear(shop, now) == 2

    assert len(lines()) == 2


def test_a_status_that_nobody_has_heard_of_decides_nothing() -> None:
    facts = {
        "id": "po_1", "amount": 5, "status": "dreaming", "created": 0, "arrival_date": 0, "automatic": True,
        "reconciliation_status": "completed", "failure_message": None, "failure_code": None,
    }  # fmt: skip
    payout = stripe.Payout.construct_from(facts, "")

    assert _facts(payout).news == "PENDING"


def test_of_a_manual_payout_the_lines_are_not_asked_for(practice: Practice, shop: Shop, now: datetime) -> None:
    facts = PayoutFacts("po_1", 5_00, PayoutNews.PAID, now, date(2026, 3, 12), is_automatic=False, is_complete=True)
    payouts._take_in(practice.pk, facts, now, "webhook")

    assert list(payouts.unread()) == []
    assert payouts._to_read(now) == []


def test_only_payouts_of_the_last_weeks_are_listed(
    practice: Practice, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def none(_: StripeProcessor, since: datetime) -> list[PayoutFacts]:
        asked.append(since)
        return []

    monkeypatch.setattr(StripeProcessor, "recent_payouts", none)
    later = datetime(2026, 3, 11, tzinfo=UTC)
    payouts.hear(practice.pk, now=now, real_now=later)
    payouts.hear(practice.pk, now=now, real_now=later)

    assert asked == [now - timedelta(days=35)]
