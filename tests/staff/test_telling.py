"""What a row of a plan says, for every state an installment can be in. No database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cards.models import Card
from payments.models import Attempt, DuePart, LedgerPosting
from payments.telling import Facts, Told, ordinal, sentence, tell
from payplans.models import Installment

TODAY = date(2026, 3, 10)
VISA = Card(brand="visa", last4="4242", exp_month=10, exp_year=2030, state="ACTIVE")
NEXT = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)


def installment(due: date = date(2026, 3, 9), **fields: Any) -> Installment:
    return Installment(due_date=due, first_due_date=due, principal_cents=128_60, **fields)


def attempt(state: str, **fields: Any) -> Attempt:
    return Attempt(state=state, card=VISA, amount_cents=128_60, **fields)


def told(one: Installment, **fields: Any) -> Told:
    known: dict[str, Any] = {"part": None, "attempts": [], "posting": None, "card": VISA, "is_collectable": True}
    return tell(Facts(one, charge_hour=10, zone=ZoneInfo("America/New_York"), **{**known, **fields}), TODAY)


def test_a_coming_payment_says_when_and_what_is_charged() -> None:
    part = DuePart(next_try_at=datetime(2026, 4, 10, 14, 0, tzinfo=UTC))

    assert told(installment(date(2026, 4, 10)), part=part) == Told(
        "installment:PENDING", text="Will charge Visa 4242 Fri, Apr 10 at 10:00 AM"
    )


def test_a_payment_due_today_says_today() -> None:
    assert told(installment(TODAY)).text == "Will charge Visa 4242 today at 10:00 AM"


def test_a_card_that_expires_first_is_said_before_it_fails() -> None:
    ending = Card(brand="visa", last4="4242", exp_month=3, exp_year=2026, state="ACTIVE")

    assert told(installment(date(2026, 4, 10)), card=ending) == Told(
        "installment:PENDING", "Card expires before.", "Visa 4242 ends 03/26.", "warn"
    )


def test_a_card_that_must_be_replaced_is_never_said_to_be_charged() -> None:
    blocked = Card(brand="visa", last4="0002", exp_month=3, exp_year=2030, state="BLOCKED")

    assert told(installment(date(2026, 4, 10)), card=blocked) == Told(
        "installment:PENDING", "Needs a new card.", "Visa 0002 can't be charged.", "warn"
    )


def test_a_missed_payment_without_a_card_says_why_nobody_was_charged() -> None:
    assert told(installment(), card=None) == Told(
        "installment:OVERDUE", text="No card attached, so nobody was charged."
    )


def test_a_down_payment_is_left_to_the_desk() -> None:
    row = told(installment(is_down_payment=True))

    assert row == Told("installment:OVERDUE", text="Down payment: taken at the desk, never charged automatically.")


def test_a_decline_says_why_when_next_and_how_much_of_the_budget_is_used() -> None:
    row = told(
        installment(status="FAILED"), part=DuePart(next_try_at=NEXT), tries_used=2,
        attempts=[attempt("DECLINED", decline_code="insufficient_funds", reason="insufficient funds")],
    )  # fmt: skip

    assert row == Told(
        "installment:FAILED", "Declined: insufficient funds.", "Next try tomorrow · 2 of 15 tries used", "bad"
    )


def test_a_decline_with_autopay_off_promises_no_next_try() -> None:
    row = told(installment(status="FAILED"), part=DuePart(next_try_at=NEXT), attempts=[attempt("DECLINED")], card=None)

    assert row == Told("installment:FAILED", "Declined.", "0 of 15 tries used", "bad")


def test_a_charge_that_was_not_taken_stays_due() -> None:
    row = told(installment(), attempts=[attempt("NOT_TAKEN", reason="The processor is throttling")])

    assert row == Told("installment:OVERDUE", "Not charged.", "The processor is throttling", "warn")


@pytest.mark.parametrize(
    ("state", "start"),
    [
        ("STARTED", "Charging Visa 4242…"),
        ("PENDING", "Visa 4242: the card processor is working on it."),
        ("UNKNOWN", "Visa 4242: no clear answer from the card processor."),
    ],
)
def test_money_in_flight_is_processing_whatever_stood_before(state: str, start: str) -> None:
    row = told(installment(status="FAILED"), attempts=[attempt("DECLINED"), attempt(state)])

    assert row.state == "installment:PROCESSING"
    assert row.text.startswith(start)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("QUEUED", "Visa 4242 · not posted to Open Dental yet"),
        ("SENDING", "Visa 4242 · being posted to Open Dental"),
        ("UNCLEAR", "Visa 4242 · looking in Open Dental whether it is posted"),
        ("POSTED", "Visa 4242 · posted to Open Dental, reading back"),
        ("MATCHED", "Visa 4242 · posted to Open Dental as payment 56734, read back"),
        ("MISMATCH", "Visa 4242 · posted, but Open Dental shows something else"),
        ("REFUSED", "Visa 4242 · refused by Open Dental"),
    ],
)
def test_a_paid_one_says_where_its_posting_is(state: str, words: str) -> None:
    posting = LedgerPosting(state=state, pay_num=56734)

    row = told(installment(status="PAID"), attempts=[attempt("SUCCEEDED")], posting=posting)

    assert row == Told("installment:PAID", text=words)


def test_a_posting_that_waits_says_why() -> None:
    posting = LedgerPosting(state="QUEUED", state_reason="The office can't be reached")

    row = told(installment(status="PAID"), attempts=[attempt("DECLINED"), attempt("SUCCEEDED")], posting=posting)

    assert row.text == "Visa 4242 · 2nd try · not posted to Open Dental yet: The office can't be reached"


def test_what_was_paid_in_the_office_is_not_called_a_charge() -> None:
    assert told(installment(status="PAID")).text == "Paid in Open Dental, not charged here."
    assert told(installment(status="PAID", status_note="Paid by check 2058")).text == "Paid by check 2058"


def test_a_canceled_one_says_why() -> None:
    row = told(installment(status="CANCELED", status_note="Plan closed"))

    assert row == Told("installment:CANCELED", text="Plan closed")


@pytest.mark.parametrize("hold", [value for value in DuePart.Hold.values if value])
def test_every_hold_has_its_words(hold: str) -> None:
    row = told(installment(), part=DuePart(hold=hold))

    assert row.state == ("installment:OVERDUE" if hold == "ARREARS" else "installment:HELD")
    assert row.text


def test_a_hold_after_a_decline_keeps_the_decline_in_front() -> None:
    row = told(
        installment(status="FAILED"), part=DuePart(hold="NEW_CARD"), attempts=[attempt("DECLINED", reason="card lost")]
    )

    assert row == Told("installment:FAILED", "Declined: card lost.", "Needs a new card.", "bad")


def test_a_hand_over_that_came_to_nothing_says_why() -> None:
    row = told(installment(), part=DuePart(wait_reason="The office can't be reached"))

    assert row == Told(
        "installment:OVERDUE", "Waiting.", "The office can't be reached. Tried again in minutes.", "warn"
    )


def test_a_plan_that_is_not_collectable_is_never_promised_a_charge() -> None:
    assert told(installment(), is_collectable=False).text == "Never charged by KasperPay."


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("SUCCEEDED", "Charged $128.60 to Visa 4242."),
        ("DECLINED", "$128.60 was not charged to Visa 4242. Declined: do not honor."),
        ("NOT_TAKEN", "$128.60 was not charged: the card processor did not take it."),
        (
            "UNKNOWN",
            "$128.60 on Visa 4242: no clear answer yet. The card processor is being asked; do not charge again.",
        ),
    ],
)
def test_a_try_is_told_in_one_sentence(state: str, words: str) -> None:
    assert sentence(attempt(state, decline_code="do_not_honor" if state == "DECLINED" else "")) == words


def test_ordinals_are_english() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 15)] == ["1st", "2nd", "3rd", "4th", "15th"]
