"""What the auditor says about alarms without a cause, and about causes without an alarm."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from ops.audit.checks.alarms import JUSTIFIED
from tests.audit.conftest import Spoiled
from tests.audit.test_installments import charge_number, desk_takes_it_too, paid
from tests.audit.test_moves import moved
from tests.audit.test_refunds import refund
from tests.outside import ROOT

# Alarms that say something about the settled world that is not so.
FALSE = [
    ("AMOUNT_DIFFERS", "amount:{attempt}"),
    ("OUTCOME_UNKNOWN", "unknown:{attempt}"),
    ("WEBHOOK_REFUSED", "webhook:A webhook of the other mode"),
    ("WEBHOOK_STUCK", "webhook:evt_none"),
    ("CONTRADICTION", "contradiction:{attempt}:Declined"),
    ("CONTRADICTION", "stranger:pi_none"),
    ("POSTING_DUPLICATE", "duplicate:{posting}"),
    ("LEDGER_TAKEN_BACK", "taken-back:{installment}"),
    ("PAID_TWICE", "paid-twice:{installment}"),
    ("POSTING_REFUSED", "posting:{posting}"),
    ("POSTING_MISMATCH", "posting:{posting}"),
    ("POSTING_STUCK", "posting-late:{posting}"),
    ("POSTING_BLOCKED", "posting-blocked"),
    ("PROCESSOR_REFUSES", "processor"),
    ("CHARGE_RUN_MISSED", "run-missed:2022-07-10"),
    ("OFFICE_PAYMENT_TAKEN_BACK", "office-payment-taken-back:{installment}"),
    ("OFFICE_AWAY", "office-away"),
    ("RECOVERY_UNPLACED", "recovery:pi_none"),
    ("REFUND_FAILED", "refund_failed:refund:{refund}"),
    ("REFUND_UNKNOWN", "refund-unknown:{refund}"),
    ("REFUND_BY_HAND", "refund-by-hand:{refund}"),
    ("ADJUSTMENT_BY_HAND", "adjustment:{adjustment}"),
    ("ADJUSTMENT_STUCK", "adjustment-late:{adjustment}"),
    ("REFUND_ELSEWHERE", "refund-elsewhere:re_none"),
    ("AMOUNT_DIFFERS", "amount_differs:refund:{refund}"),
    ("CONTRADICTION", "refund-contradiction:{refund}:Succeeded"),
    ("PAYOUT_FAILED", "payout-failed:po_none"),
    ("PAYOUT_DIFFERS", "payout-differs:po_none"),
    ("DISPUTE_OPEN", "dispute:du_none:inquiry"),
    ("DISPUTE_LOST", "dispute-lost:du_none"),
    ("CONTRADICTION", "dispute-contradiction:du_none"),
    ("MOVE_STUCK", "move:{move}"),
    ("RECOVERY_DECISIONS", "recovery-decisions:2022-07-10T09:00"),
    ("NEVER_HEARD_OF", "something"),
]


@pytest.mark.parametrize(("kind", "key"), FALSE)
def test_an_open_alarm_without_a_cause_is_found(spoiled: Spoiled, kind: str, key: str) -> None:
    row = paid(spoiled)
    attempt = spoiled.number("SELECT id FROM payments_attempt WHERE state = 'SUCCEEDED' ORDER BY id LIMIT 1")
    posting = spoiled.number("SELECT id FROM payments_ledgerposting WHERE route = 'CHARGE_ROWS' ORDER BY id LIMIT 1")
    about = {"attempt": attempt, "plan": row["plan_id"], "owed_before_cents": 0}
    if "refund" in key:
        about["refund"] = refund(spoiled)
    adjustment = spoiled.number("SELECT id FROM payments_ledgeradjustment")
    move = moved(spoiled)["id"] if "move" in key else 0
    key = key.format(
        attempt=attempt, adjustment=adjustment, posting=posting, installment=row["id"], refund=about.get("refund"),
        move=move,
    )  # fmt: skip
    alarm = spoiled.alarm(row["practice_id"], kind, key, **about)
    text = spoiled.only("open_alarms_are_justified")
    if kind == "NEVER_HEARD_OF":
        assert text == f"alarm {alarm} is of the kind NEVER_HEARD_OF, which the auditor does not know"
    else:
        assert text == f"alarm {alarm} ({kind}, {key}) is open without a cause in the books"


def test_closed_alarms_need_no_cause(spoiled: Spoiled) -> None:
    practice = paid(spoiled)["practice_id"]
    for kind, key in FALSE:
        spoiled.alarm(practice, kind, key, closed_by="sync")
    assert spoiled.found() == []


def test_the_auditor_knows_every_kind_of_alarm_there_is() -> None:
    """Each stands in capitals in a module that raises alarms."""
    apps = ("payments", "opendental", "notifications", "paylinks", "cards", "processors", "kasperpay", "patients")
    sources = [
        path.read_text() for app in apps for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
    ]
    raising = [text for text in sources if "raise_once" in text or "outbox.alarm(" in text]
    kinds = {kind for text in raising for kind in re.findall(r'"([A-Z]+(?:_[A-Z]+)+|CONTRADICTION)"', text)}
    made_of_states = {"POSTING_REFUSED", "POSTING_MISMATCH"}
    assert len(kinds) > 10
    assert kinds | made_of_states <= set(JUSTIFIED)


def test_an_alarm_on_money_taken_twice_is_justified_by_the_ledger(spoiled: Spoiled) -> None:
    row = paid(spoiled)
    desk_takes_it_too(spoiled, row["id"])
    spoiled.alarm(row["practice_id"], "PAID_TWICE", f"paid-twice:{row['id']}")
    assert spoiled.found() == []


def test_money_that_left_its_charge_needs_an_alarm(spoiled: Spoiled) -> None:
    row = paid(spoiled)
    spoiled.office("DELETE FROM paysplit WHERE PayPlanChargeNum = ?", charge_number(spoiled, row["id"]))
    texts = {violation.check: violation.text for violation in spoiled.found()}
    what = f"10000 cents were posted to installment {row['id']}, 0 are there"
    assert texts["trouble_has_its_alarm"] == f"{what}, and no alarm taken-back:{row['id']} says so"
    assert sorted(texts) == ["matched_postings_agree", "trouble_has_its_alarm"]
    spoiled.alarm(row["practice_id"], "LEDGER_TAKEN_BACK", f"taken-back:{row['id']}")
    assert spoiled.found() == []


@pytest.mark.parametrize("state", ["REFUSED", "MISMATCH"])
def test_a_posting_that_ended_with_a_person_needs_an_alarm(spoiled: Spoiled, state: str) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'PREPAYMENT'")
    spoiled.sql("UPDATE payments_ledgerposting SET state = %(state)s WHERE id = %(id)s", state=state, id=row["id"])
    event = spoiled.number("SELECT min(id) FROM practices_event")
    spoiled.insert_like("practices_event", event, kind=f"posting_{state.lower()}", about={"posting": row["id"]})
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"posting {row['id']} of 10000 cents is {state}, and no alarm posting:{row['id']} says so"
    spoiled.alarm(row["practice_id"], f"POSTING_{state}", f"posting:{row['id']}")
    assert spoiled.found() == []


def test_an_amount_that_differs_needs_an_alarm(spoiled: Spoiled) -> None:
    payment = spoiled.row("SELECT * FROM payments_payment ORDER BY id LIMIT 1")
    spoiled.sql("UPDATE payments_attempt SET amount_cents = 9000 WHERE id = %(id)s", id=payment["attempt_id"])
    key = f"amount:{payment['attempt_id']}"
    spoiled.stripe(
        "payment_intent", lambda body: body.update(amount=9000), where=f"id = '{payment['processor_reference']}'"
    )
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"payment {payment['id']} took 10000 cents instead of 9000, and no alarm {key} says so"
    spoiled.alarm(payment["practice_id"], "AMOUNT_DIFFERS", key)
    assert spoiled.found() == []


def test_a_webhook_that_was_given_up_needs_an_alarm(spoiled: Spoiled) -> None:
    practice = spoiled.number("SELECT id FROM practices_practice")
    number = spoiled.number(
        "INSERT INTO payments_webhookevent (practice_id, event_id, type, object_id, api_version, received_at, state, "
        "note, tries) VALUES (%(practice)s, 'evt_1', 'payment_intent.succeeded', 'pi_1', '', %(at)s, 'FAILED', '', 10) "
        "RETURNING id",
        practice=practice, at=spoiled.books.now,
    )  # fmt: skip
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"webhook {number} was given up, and no alarm webhook:evt_1 says so"
    spoiled.alarm(practice, "WEBHOOK_STUCK", "webhook:evt_1")
    assert spoiled.found() == []


def test_an_unknown_attempt_needs_an_alarm_after_a_quarter_of_an_hour(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_attempt WHERE state = 'DECLINED'")
    part = spoiled.number("SELECT max(id) FROM payments_duepart WHERE state = 'OPEN'")
    spoiled.sql(
        "UPDATE payments_attempt SET state = 'UNKNOWN', due_part_id = %(part)s, started_at = %(at)s WHERE id = %(id)s",
        part=part, at=spoiled.books.now - timedelta(minutes=16), id=row["id"],
    )  # fmt: skip
    wanted = f"attempt {row['id']} is UNKNOWN, and no alarm unknown:{row['id']} says so"
    assert wanted in [violation.text for violation in spoiled.found()]
    spoiled.alarm(row["practice_id"], "OUTCOME_UNKNOWN", f"unknown:{row['id']}")
    assert wanted not in [violation.text for violation in spoiled.found()]


def test_a_copy_in_the_ledger_needs_an_alarm_within_two_days(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'CHARGE_ROWS' ORDER BY id LIMIT 1")
    spoiled.office(
        "INSERT INTO payment (CheckNum, PayAmt, PatNum, PaymentSource) SELECT CheckNum, PayAmt, PatNum, 0 "
        "FROM payment WHERE PayNum = ?",
        row["pay_num"],
    )
    assert spoiled.found() == []
    moment = spoiled.books.now - timedelta(days=3)
    spoiled.sql("UPDATE payments_ledgerposting SET created_at = %(at)s WHERE id = %(id)s", at=moment, id=row["id"])
    text = spoiled.only("trouble_has_its_alarm")
    wanted = f"posting {row['id']} of 10000 cents is in the ledger more than once, and no alarm duplicate:{row['id']}"
    assert text == f"{wanted} says so"
    spoiled.alarm(row["practice_id"], "POSTING_DUPLICATE", f"duplicate:{row['id']}")
    assert spoiled.found() == []
