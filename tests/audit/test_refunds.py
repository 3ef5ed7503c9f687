"""What the auditor says about money that was given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.audit.conftest import Spoiled

CENTS = 30_00


def refund(spoiled: Spoiled, state: str = "SUCCEEDED", *, posted: bool = True) -> int:
    """$30 of an early payment went back: at the processor, here with its events, and in the ledger. Returns its id."""
    payment = spoiled.row(
        "SELECT p.* FROM payments_payment p JOIN payments_ledgerposting l ON l.payment_id = p.id "
        "WHERE l.route = 'PREPAYMENT'"
    )
    status = {"SUCCEEDED": "succeeded", "FAILED": "failed", "PENDING": "pending"}.get(state, "succeeded")
    there = at_processor(spoiled, payment["processor_reference"], status=status)
    row = spoiled.number(
        "INSERT INTO payments_refund (practice_id, uuid, payment_id, amount_cents, origin, reason, note, actor, state, "
        "state_reason, params, reference, trace, started_at, sent_at) VALUES (%(practice)s, gen_random_uuid(), "
        "%(payment)s, 3000, 'HERE', 'OTHER', '', 'user:1', %(state)s, '', '{}', %(there)s, '', %(at)s, %(at)s) "
        "RETURNING id",
        practice=payment["practice_id"], payment=payment["id"], state=state, there=there,
        at=spoiled.books.now - timedelta(hours=1),
    )  # fmt: skip
    for kind in ("refund_started", f"refund_{state.lower()}"):
        event = spoiled.number("SELECT min(id) FROM practices_event")
        spoiled.insert_like("practices_event", event, kind=kind, about={"refund": row})
    message = spoiled.number("SELECT min(id) FROM notifications_message WHERE kind = 'PAYMENT_SUCCESSFUL'")
    if state == "SUCCEEDED":
        spoiled.insert_like(
            "notifications_message", message, kind="REFUND", about={"refund": row}, dedupe_key=f"REFUND:{row}",
            state="BLOCKED", carrier_reference="",
        )  # fmt: skip
        _take_back(spoiled, payment, row, posted=posted)
    return row


def at_processor(spoiled: Spoiled, intent: str, **more: Any) -> str:
    body = {
        "object": "refund", "amount": CENTS, "charge": "ch_x", "payment_intent": intent, "status": "succeeded",
        "created": int(spoiled.books.now.timestamp()) - 3600, **more,
    }  # fmt: skip
    made = spoiled.stripe_copy("charge", body)
    spoiled.file("stripe/stripe.sqlite3", "UPDATE objects SET object = 'refund' WHERE id = ?", made)
    return made


def _take_back(spoiled: Spoiled, payment: dict[str, Any], row: int, *, posted: bool) -> None:
    spoiled.sql(
        "UPDATE payplans_installment SET collected_cents = 7000 WHERE id = "
        "(SELECT installment_id FROM payments_allocation WHERE payment_id = %(payment)s)",
        payment=payment["id"],
    )
    if not posted:
        return
    own = spoiled.row("SELECT * FROM payments_ledgerposting WHERE payment_id = %(payment)s", payment=payment["id"])
    spoiled.office(
        "INSERT INTO payment (PayNum, CheckNum, PayAmt, PatNum, PaymentSource) "
        "SELECT 5000, CheckNum, -30.0, PatNum, 13 FROM payment WHERE PayNum = ?",
        own["pay_num"],
    )
    spoiled.office("INSERT INTO paysplit (PayNum, SplitAmt) VALUES (5000, -30.0)")
    posting = spoiled.insert_like(
        "payments_ledgerposting", own["id"], movement="REFUND", refund_id=row, amount_cents=-CENTS, pay_num=5000,
        route="REFUND", reference="KP-REFUND2222222222",
    )  # fmt: skip
    for kind in ("posting_sending", "posting_posted", "posting_matched"):
        event = spoiled.number("SELECT min(id) FROM practices_event")
        spoiled.insert_like("practices_event", event, kind=kind, about={"posting": posting})


def test_money_given_back_in_all_books_is_fine(spoiled: Spoiled) -> None:
    refund(spoiled)
    assert spoiled.found() == []


def test_a_refund_nobody_heard_of_is_found_after_six_hours(spoiled: Spoiled) -> None:
    payment = spoiled.row("SELECT * FROM payments_payment ORDER BY id LIMIT 1")
    there = at_processor(spoiled, payment["processor_reference"])
    assert spoiled.found() == []
    spoiled.later(hours=5, minutes=11)
    text = spoiled.only("refunds_are_known")
    assert text == f"refund {there} of 3000 cents of payment {payment['id']} is here as []"


def test_a_refund_of_other_cents_is_found(spoiled: Spoiled) -> None:
    refund(spoiled)
    spoiled.stripe("refund", lambda body: body.update(amount=1))
    assert spoiled.only("refunds_are_known").endswith("is here as [3000]")


@pytest.mark.parametrize("status", ["failed", "pending"])
def test_a_refund_that_did_not_reach_the_card_is_found(spoiled: Spoiled, status: str) -> None:
    row = refund(spoiled)
    spoiled.stripe("refund", lambda body: body.update(status=status))
    text = spoiled.only("refunds_agree_with_the_processor")
    assert text == f"refund {row} is SUCCEEDED, the processor has {status}"


def test_more_given_back_than_was_paid_is_found(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    spoiled.sql("UPDATE payments_payment SET amount_cents = 2999 WHERE id = (SELECT payment_id FROM payments_refund)")
    texts = {violation.check: violation.text for violation in spoiled.found()}
    payment = spoiled.number(f"SELECT payment_id FROM payments_refund WHERE id = {row}")
    expected = f"3000 cents of payment {payment} of 2999 cents are given back or about to be"
    assert texts["refunds_stay_within_their_payment"] == expected


@pytest.mark.parametrize("state", ["STARTED", "UNKNOWN", "PENDING"])
def test_a_refund_that_is_not_final_is_found(spoiled: Spoiled, state: str) -> None:
    row = refund(spoiled, state)
    if state == "PENDING":
        assert spoiled.found() == []
        spoiled.stripe("refund", lambda body: body.update(status="succeeded"))
    texts = {violation.check: violation.text for violation in spoiled.found()}
    assert texts["refunds_are_final"] == f"refund {row} of 3000 cents is still {state}"


def test_a_refund_that_is_not_posted_is_found(spoiled: Spoiled) -> None:
    row = refund(spoiled, posted=False)
    text = spoiled.only("refunds_have_one_posting")
    assert text == f"refund {row} of 3000 cents is SUCCEEDED, its postings are []"


def test_more_taken_out_of_the_ledger_than_was_given_back_is_found(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    spoiled.office(
        "INSERT INTO payment (CheckNum, PayAmt, PaymentSource) SELECT CheckNum, -30.0, 13 FROM payment "
        "WHERE PayNum = 5000"
    )
    payment = spoiled.number(f"SELECT payment_id FROM payments_refund WHERE id = {row}")
    text = spoiled.only("ledger_refunds_are_ours")
    assert text == f"6000 cents of payment {payment} were taken out of the ledger, 3000 were given back"


@pytest.mark.parametrize("kind", ["refund_started", "refund_succeeded"])
def test_a_refund_without_its_event_is_found(spoiled: Spoiled, kind: str) -> None:
    row = refund(spoiled)
    spoiled.sql("DELETE FROM practices_event WHERE kind = %(kind)s", kind=kind)
    assert spoiled.only("refunds_have_their_events") == f"refund {row} is SUCCEEDED without the events ['{kind}']"


def test_a_refund_that_failed_needs_an_alarm(spoiled: Spoiled) -> None:
    row = refund(spoiled, "FAILED")
    key = f"refund_failed:refund:{row}"
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"refund {row} of 3000 cents failed, and no alarm {key} says so"
    spoiled.alarm(spoiled.number("SELECT id FROM practices_practice"), "REFUND_FAILED", key, refund=row)
    assert spoiled.found() == []


def test_a_refund_made_at_the_processor_needs_an_alarm(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    spoiled.sql("UPDATE payments_refund SET origin = 'ELSEWHERE', actor = 'processor'")
    reference = spoiled.row("SELECT reference FROM payments_refund")["reference"]
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"refund {row} was made at the processor, and no alarm refund-elsewhere:{reference} says so"
    practice = spoiled.number("SELECT id FROM practices_practice")
    spoiled.alarm(practice, "REFUND_ELSEWHERE", f"refund-elsewhere:{reference}", refund=row)
    assert spoiled.found() == []


def test_a_refund_that_staff_must_enter_needs_an_alarm(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    posting = spoiled.row(
        "UPDATE payments_ledgerposting SET state = 'BY_HAND' WHERE refund_id = %(id)s RETURNING *", id=row
    )
    text = spoiled.only("trouble_has_its_alarm")
    key = f"refund-by-hand:{row}"
    assert text == f"posting {posting['id']} of -3000 cents waits for staff, and no alarm {key} says so"
    spoiled.alarm(posting["practice_id"], "REFUND_BY_HAND", key)
    assert spoiled.found() == []


def test_a_refund_waits_for_its_payment_as_long_as_staff_know_of_both(spoiled: Spoiled) -> None:
    refund(spoiled)
    spoiled.sql("UPDATE payments_ledgerposting SET state = 'QUEUED', pay_num = NULL WHERE movement = 'REFUND'")
    waiting = spoiled.row("SELECT * FROM payments_ledgerposting WHERE movement = 'REFUND'")
    assert any(one.check == "postings_are_final" for one in spoiled.found())
    spoiled.sql(
        "UPDATE payments_ledgerposting SET state = 'MISMATCH' WHERE movement = 'PAYMENT' AND payment_id = %(payment)s",
        payment=waiting["payment_id"],
    )
    own = spoiled.row(
        "SELECT * FROM payments_ledgerposting WHERE movement = 'PAYMENT' AND payment_id = %(payment)s",
        payment=waiting["payment_id"],
    )
    spoiled.alarm(waiting["practice_id"], "POSTING_STUCK", f"posting-late:{waiting['id']}", posting=waiting["id"])
    assert any(one.check == "postings_are_final" for one in spoiled.found())
    spoiled.alarm(own["practice_id"], "POSTING_MISMATCH", f"posting:{own['id']}", posting=own["id"])
    assert not any(one.check == "postings_are_final" for one in spoiled.found())


def limited(spoiled: Spoiled, row: int, **limits: int) -> None:
    """The one who gave it back is at the front desk, which may give back so much."""
    practice = spoiled.number("SELECT practice_id FROM payments_refund WHERE id = %(id)s", id=row)
    spoiled.sql(
        "INSERT INTO practices_membership (user_id, practice_id, role, is_active)"
        " VALUES (1, %(practice)s, 'FRONT_DESK', true)",
        practice=practice,
    )
    for name, cents in limits.items():
        spoiled.sql(f"UPDATE practices_paymentsettings SET refund_front_desk_{name} = %(cents)s", cents=cents)  # noqa: S608


def test_more_than_the_role_may_give_back_is_found(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    limited(spoiled, row, cents=CENTS)
    assert spoiled.found() == []
    spoiled.sql("UPDATE practices_paymentsettings SET refund_front_desk_cents = 2999")
    text = spoiled.only("nobody_gives_back_beyond_the_role")
    assert text == f"refund {row} of 3000 cents is above the 2999 of the role front_desk"


def test_more_than_the_role_may_give_back_on_a_day_is_found(spoiled: Spoiled) -> None:
    limited(spoiled, refund(spoiled), cents=CENTS, day_cents=CENTS - 1)
    text = spoiled.only("nobody_gives_back_beyond_a_day")
    assert text.startswith("user:1 gave back 3000 cents on ")
    assert text.endswith(", above the 2999 a day of the role front_desk")


def test_a_note_that_is_not_in_the_commlog_is_found(spoiled: Spoiled) -> None:
    refund(spoiled)
    posting = spoiled.row("SELECT * FROM payments_ledgerposting WHERE movement = 'REFUND'")
    note = spoiled.number(
        "INSERT INTO opendental_officenote (practice_id, posting_id, pat_num, text, state, state_reason, next_at,"
        " sends, tries, created_at) VALUES (%(practice)s, %(posting)s, 1, 'look', 'WRITTEN', '', %(at)s, 1, 0, %(at)s)"
        " RETURNING id",
        practice=posting["practice_id"], posting=posting["id"], at=spoiled.books.now,
    )  # fmt: skip
    assert spoiled.only("notes_are_written_once") == f"note {note} is WRITTEN, the Commlog has it as []"


def test_a_refund_that_nobody_was_told_of_is_found(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    spoiled.sql("DELETE FROM notifications_message WHERE kind = 'REFUND'")
    assert spoiled.only("refunds_to_cards_are_told") == f"refund {row} of 3000 cents was told nobody"


def test_a_share_of_a_surcharge_that_was_never_taken_is_found(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    payment = spoiled.number("UPDATE payments_refund SET fee_cents = 1 WHERE id = %(id)s RETURNING payment_id", id=row)
    texts = [one.text for one in spoiled.found() if one.check == "surcharges_go_back_in_proportion"]
    assert texts == [f"1 of 0 cents of surcharge went back with 3000 cents of payment {payment}"]


def test_cash_that_goes_back_from_the_drawer_asks_no_processor(spoiled: Spoiled) -> None:
    row = refund(spoiled)
    spoiled.file("stripe/stripe.sqlite3", "DELETE FROM objects WHERE object = 'refund'")
    cash = spoiled.number("SELECT id FROM payments_payment WHERE processor_reference = '' ORDER BY id")
    spoiled.sql("UPDATE payments_refund SET payment_id = %(cash)s, reference = ''", cash=cash)
    checks = ("recorded_money_is_given_back_by_hand", "refunds_agree_with_the_processor")
    assert [one for one in spoiled.found() if one.check in checks] == []
    spoiled.sql("UPDATE payments_refund SET reference = 're_cash'")
    [text] = [one.text for one in spoiled.found() if one.check in checks]
    assert text == f"refund {row} of recorded money is SUCCEEDED, the processor has re_cash"
