"""Reports: each day's money to the cent, payouts and their lines, what nobody can explain, and the CSV files."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from payments import report_csv, settlement, settlement_rows
from payments.models import Payment, PayoutLine
from payments.settlement import Day, Place
from payments.settlement_rows import Span
from practices import tenancy
from practices.models import Event, Practice
from tests import factories
from tests.payments.payouts_making import line, payout
from tests.staff import making
from tests.staff.conftest import DRAWER, HTMX
from tests.staff.test_page_queries import own_queries
from tests.staff.test_plans_tab import text

MARCH_9, MARCH_10 = date(2026, 3, 9), date(2026, 3, 10)


def charged(practice: Practice, at: datetime, posting: str = "MATCHED", **patient: Any) -> Payment:
    """$128.60 taken at this moment."""
    part = factories.collectable(practice)
    if patient:
        type(part.payer).objects.filter(pk=part.payer_id).update(**patient)
    return making.payment(making.attempt(part, "SUCCEEDED", at=at), posting=posting)


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    """March 9: two payments, one late at night, paid out. March 10: one refused by Open Dental and in no payout, one in
    cash, a refund and a dispute in a payout on its way, and a line that nobody knows.
    """
    first = charged(practice, datetime(2026, 3, 9, 15, tzinfo=UTC))
    night = charged(practice, datetime(2026, 3, 10, 3, 30, tzinfo=UTC))
    refused = charged(practice, datetime(2026, 3, 10, 14, tzinfo=UTC), posting="REFUSED")
    cash = charged(practice, datetime(2026, 3, 10, 14, 30, tzinfo=UTC))
    Payment.objects.filter(pk=cash.pk).update(processor_reference="")
    at = datetime(2026, 3, 10, 14, 45, tzinfo=UTC)
    refund = making.refund(first, 10_00, settled_at=at, started_at=at)
    done, moving = payout(practice), payout(practice, state="IN_TRANSIT", arrives_date=date(2026, 3, 13))
    line(done, "PAYMENT", 128_60, 4_03, payment=first)
    line(done, "PAYMENT", 128_60, 4_03, payment=night)
    line(moving, "REFUND", -10_00, payment=first, refund=refund)
    line(moving, "DISPUTE", -128_60, 15_00, payment=night)
    line(moving, "OTHER", 7, word="brand_new_type", description="=1+1")
    return SimpleNamespace(
        practice=practice, first=first, night=night, refused=refused, cash=cash, refund=refund, done=done, moving=moving
    )


def days_of(practice: Practice) -> dict[date | None, Day]:
    return {day.day: day for day in settlement_rows.days(Span(practice, date(2026, 3, 1), MARCH_10))}


def sums(day: Day) -> tuple[int, ...]:
    """Taken, given back, other, posted, read back, in payouts, fees, net, paid out, difference."""
    held = day.in_payout
    return (
        day.taken.moved, day.refunds.moved, day.other.moved, day.posted_cents, day.read_back_cents, held.counted,
        held.fee, held.net, day.paid_out_cents, day.difference_cents,
    )  # fmt: skip


def explained(day: Day) -> list[tuple[str, int, int]]:
    """The lines of the difference, which must sum to it."""
    assert sum(one.cents for one in day.explained) == day.difference_cents
    return [(one.words, one.cents, one.n) for one in day.explained]


def test_each_day_adds_up_to_the_cent_in_the_practices_own_time(scene: SimpleNamespace) -> None:
    days = days_of(scene.practice)

    assert list(days) == [MARCH_10, MARCH_9]
    assert sums(days[MARCH_9]) == (257_20, 0, 0, 257_20, 257_20, 257_20, 8_06, 249_14, 249_14, 8_06)
    assert explained(days[MARCH_9]) == [("Fees the card processor kept", 8_06, 2)]
    # Of two payments the refused one isn't posted, nor is the refund, which has no posting.
    assert sums(days[MARCH_10]) == (
        257_20, -10_00, -128_53, 128_60, 128_60, -138_53, 15_00, -153_53, 0, 118_67,
    )  # fmt: skip
    assert explained(days[MARCH_10]) == [
        (Place.NOT_YET, 128_60, 1), (Place.ON_THE_WAY, -138_53, 3), (Place.IN_HAND, 128_60, 1),
    ]  # fmt: skip
    assert days[MARCH_10].ledger_difference_cents == 118_60


def test_the_sum_of_all_days_is_explained_as_well(scene: SimpleNamespace) -> None:
    total = settlement.total(days_of(scene.practice).values())

    assert total.taken.n == 4
    assert sum(cents for _, cents, _ in explained(total)) == 257_20 + 257_20 - 10_00 - 128_53 - 249_14


def test_money_of_a_payout_that_came_back_is_where_its_carrier_is(scene: SimpleNamespace) -> None:
    def place() -> list[tuple[str, int, int]]:
        return explained(days_of(scene.practice)[MARCH_9])

    scene.done.state = "FAILED"
    scene.done.save()
    assert place() == [(Place.RETURNED, 257_20, 2)]
    carrier = payout(scene.practice, state="IN_TRANSIT")
    line(carrier, "RETURNED", 249_14, source=scene.done.reference)
    scene.done.carried_by = carrier
    scene.done.save()
    assert place() == [(Place.ON_THE_WAY, 257_20, 2)]
    carrier.state = "PAID"
    carrier.save()
    assert place() == [("Fees the card processor kept", 8_06, 2)]
    # What came back is no movement of its own day.
    assert days_of(scene.practice)[MARCH_10].other.moved == -128_53


def test_an_amount_that_the_processor_counts_otherwise_is_said_apart(scene: SimpleNamespace) -> None:
    PayoutLine.objects.filter(payment=scene.first, kind="PAYMENT").update(amount_cents=128_59, net_cents=124_56)

    assert explained(days_of(scene.practice)[MARCH_9]) == [
        ("Fees the card processor kept", 8_06, 2), ("The card processor counted another amount", 1, 0),
    ]  # fmt: skip


def test_a_refund_that_failed_afterwards_leaves_two_lines_that_cancel(scene: SimpleNamespace) -> None:
    type(scene.refund).objects.update(state="FAILED")
    line(scene.moving, "REFUND_FAILED", 10_00, payment=scene.first, refund=scene.refund)

    day = days_of(scene.practice)[MARCH_10]

    assert (day.refunds.moved, day.other.moved, day.other.n) == (0, -128_53, 4)


def test_the_settlement_shows_its_days_and_what_is_in_suspense(desk: Client, scene: SimpleNamespace) -> None:
    page = text(desk.get("/reports/settlement/").content.decode())

    assert "1 line of payouts, $0.07 in all, belongs to nothing in KasperPay." in page
    assert "Taken $514.40 4 payments Given back −$10.00 1 refund Fees $23.06" in page
    assert "Yesterday $257.20 2 payments Given back none Other at the processor none Posted $257.20" in page
    assert "In payouts $257.20 Fees $8.06 Net $249.14 Paid out $249.14 Difference $8.06" in page
    assert "All days $514.40 4 payments" in page


def test_one_day_explains_its_difference_and_follows_every_payment(desk: Client, scene: SimpleNamespace) -> None:
    page = text(desk.get("/reports/settlement/2026-03-10/").content.decode())

    assert "Taken $257.20 Given back −$10.00 Other at the card processor −$128.53 Paid out to the bank $0.00" in page
    assert "Difference $118.67 Not in a payout yet · 1 $128.60 In a payout on its way to the bank · 3 −$138.53" in page
    assert "Read back from Open Dental $128.60 Difference $118.60 Refused by Open Dental · 1 $128.60" in page
    assert "Not posted · 1 −$10.00" in page
    assert "Refused by Open Dental Not in a payout yet $128.60" in page
    assert "In Open Dental Cash or check $128.60" in page
    assert "Dispute Ana Sample-Ortiz On its way" in page


def test_a_day_without_anything_and_an_empty_practice_are_taught(desk: Client) -> None:
    for path, words in {
        "settlement/": "Nothing moved on these days",
        "settlement/2026-03-01/": "Nothing moved on this day",
        "payouts/": "No payouts yet",
        "suspense/": "Everything is explained",
    }.items():
        assert words in desk.get(f"/reports/{path}").content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start=yesterday", "From: Enter a day such as 03/10/2026."),
        ("start=2026-03-11&end=2026-03-10", "To: The last day must not be before the first."),
        ("start=2024-01-01&end=2026-03-10", "To: At most 366 days at a time."),
        ("start=0001-01-01&end=0001-01-02", "From: Enter a day between 2000 and 2100."),
        ("end=9999-12-31", "To: Enter a day between 2000 and 2100."),
    ],
)
def test_wrong_days_are_answered_in_plain_words(desk: Client, scene: SimpleNamespace, query: str, words: str) -> None:
    before = Event.objects.count()
    for path in ("settlement/", "settlement.csv"):
        answer = desk.get(f"/reports/{path}?{query}")
        assert answer.status_code == 422
        assert words in text(answer.content.decode())
        assert "Taken" not in text(answer.content.decode())
    assert Event.objects.count() == before
    assert desk.get("/reports/settlement/2026-02-30/").status_code == 404
    assert desk.get("/reports/settlement/9999-12-31/").status_code == 404


def test_a_payout_shows_how_it_adds_up_and_links_each_payment(desk: Client, scene: SimpleNamespace) -> None:
    page = desk.get(f"/reports/payouts/{scene.moving.pk}/").content.decode()

    words = text(page)
    assert "−$153.53 for the bank Fri, Mar 13" in words
    assert "Refund 1 −$10.00 $0.00 −$10.00 Dispute 1 −$128.60 $15.00 −$143.60" in words
    assert "In suspense Unknown 1 $0.07 $0.00 $0.07 Payout −$153.53" in words
    assert f'href="/payments/attempts/{scene.night.attempt_id}/"' in page
    assert f'href="/payments/refunds/{scene.refund.pk}/"' in page


def test_a_payout_that_differs_or_came_back_says_so(desk: Client, scene: SimpleNamespace) -> None:
    type(scene.done).objects.filter(pk=scene.done.pk).update(
        state="FAILED", failure="Account closed", difference_cents=-5, carried_by=scene.moving
    )

    page = text(desk.get(f"/reports/payouts/{scene.done.pk}/").content.decode())

    assert "The bank returned this payout: Account closed" in page
    assert "The money goes with the payout of Fri, Mar 13" in page
    assert "−$0.05 of this payout is in none of its lines." in page
    assert "−$0.05" in text(desk.get("/reports/payouts/").content.decode())
    assert "which came back" in text(desk.get(f"/reports/payouts/{scene.moving.pk}/").content.decode())


def test_a_payment_s_own_page_follows_its_money(desk: Client, scene: SimpleNamespace) -> None:
    page = desk.get(f"/payments/attempts/{scene.first.attempt_id}/", headers=DRAWER).content.decode()
    assert f'hx-get="/reports/payments/{scene.first.pk}/trail/"' in page

    def trail(payment: Payment) -> str:
        return text(desk.get(f"/reports/payments/{payment.pk}/trail/", headers=HTMX).content.decode())

    assert "Taken Yesterday 11:00 AM Posted to Open Dental Read back from Open Dental In a payout" in trail(scene.first)
    assert "Paid out to the bank Thu, Mar 12" in trail(scene.first)
    assert "Refused by Open Dental Not in a payout yet" in trail(scene.refused)
    assert "Cash, checks and other: not through the card processor" in trail(scene.cash)


def rows(answer: Any) -> list[dict[str, str]]:
    assert (answer.status_code, answer.streaming) == (200, True)
    # The view has ended, and with it the practice's scope of its request.
    with tenancy.scope(0):
        body = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(body.splitlines()))


def test_the_csv_has_every_movement_with_its_trail(
    auditor: Client, scene: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_csv, "ROWS", 2)
    type(scene.first.payer).objects.filter(pk=scene.first.payer_id).update(first_name="=SUM(A1)")

    answer = auditor.get("/reports/settlement.csv?start=2026-03-09&end=2026-03-10")
    found = rows(answer)

    assert answer["Content-Disposition"] == 'attachment; filename="settlement-2026-03-09-2026-03-10.csv"'
    assert [(row["Day"], row["What"], row["Amount"], row["Fee"], row["Net"]) for row in found] == [
        ("2026-03-09", "Payment", "128.60", "4.03", "124.57"),
        ("2026-03-09", "Payment", "128.60", "4.03", "124.57"),
        ("2026-03-10", "Payment", "128.60", "", ""),
        ("2026-03-10", "Payment", "128.60", "", ""),
        ("2026-03-10", "Refund", "-10.00", "0.00", "-10.00"),
        ("2026-03-10", "Dispute", "-128.60", "15.00", "-143.60"),
        ("2026-03-10", "Unknown", "0.07", "0.00", "0.07"),
    ]
    assert found[0]["Payer"] == "'=SUM(A1) Sample-Ortiz"
    assert (found[0]["Where"], found[0]["Expected at the bank"]) == ("Paid out to the bank", "2026-03-12")
    assert found[2]["Open Dental"] == "Refused by Open Dental"
    event = Event.objects.get(kind="report_exported")
    assert (event.text, event.actor[:5]) == ("Daily settlement 2026-03-09 to 2026-03-10", "user:")


def test_the_lines_of_a_payout_as_csv_sum_to_its_amount(desk: Client, scene: SimpleNamespace) -> None:
    found = rows(desk.get(f"/reports/payouts/{scene.moving.pk}/lines.csv"))

    assert sum(round(float(row["Net"]) * 100) for row in found) == scene.moving.amount_cents
    assert [(row["Type"], row["Suspense"], row["Description"]) for row in found][-1] == (
        "brand_new_type", "yes", "'=1+1",
    )  # fmt: skip


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"])
def test_no_cell_becomes_a_formula(words: str) -> None:
    assert report_csv.text(words) == f"'{words}"
    assert [report_csv.text(plain) for plain in ("Ana", "", None, 7)] == ["Ana", "", "", "7"]


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("settlement/", 6), ("settlement/2026-03-10/", 11), ("payouts/", 3), ("payouts/{}/", 5), ("suspense/", 3),
        ("payments/{}/trail/", 3),
    ],
)  # fmt: skip
def test_a_report_asks_the_same_few_questions_however_much_there_is(
    desk: Client, scene: SimpleNamespace, path: str, count: int
) -> None:
    address = "/reports/" + path.format(scene.first.pk if "trail" in path else scene.moving.pk)
    before = own_queries(desk, address)
    for _ in range(3):
        more = charged(scene.practice, datetime(2026, 3, 10, 13, tzinfo=UTC))
        line(scene.moving, "PAYMENT", 128_60, 4_03, payment=more)
        line(scene.moving, "OTHER", 1)

    assert len(own_queries(desk, address)) == len(before) == count <= 12
