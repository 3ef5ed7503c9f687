"""What the auditor says about a charge by itself that nobody had agreed to."""

from __future__ import annotations

from tests.audit.conftest import Spoiled
from tests.audit.test_plan_work import charged

CHECK = "no_charge_by_itself_is_above_its_consent"


def test_a_charge_above_what_was_agreed_to_is_found(spoiled: Spoiled) -> None:
    one = charged(spoiled)
    consent = spoiled.number("SELECT consent_id FROM cards_autopay WHERE plan_id = %(plan)s", plan=one["plan_id"])
    cents = spoiled.number("SELECT amount_cents FROM payments_attempt WHERE id = %(id)s", id=one["id"])
    spoiled.sql("UPDATE cards_consent SET max_charge_cents = %(most)s WHERE id = %(id)s", most=cents - 1, id=consent)

    texts = [found.text for found in spoiled.found() if found.check == CHECK]

    assert f"attempt {one['id']} of {cents} cents was made by itself, agreed were {cents - 1}" in texts


def test_a_charge_after_autopay_was_stopped_is_found(spoiled: Spoiled) -> None:
    one = charged(spoiled)
    before = spoiled.row(
        "SELECT id, about FROM practices_event WHERE kind = 'autopay_on' AND (about->>'plan')::bigint = %(plan)s"
        " ORDER BY id LIMIT 1",
        plan=one["plan_id"],
    )
    spoiled.sql("ALTER TABLE practices_event DISABLE TRIGGER ALL")
    spoiled.sql("UPDATE practices_event SET kind = 'autopay_off' WHERE id = %(id)s", id=before["id"])

    assert any(found.check == CHECK and f"attempt {one['id']} " in found.text for found in spoiled.found())


def test_a_share_that_is_asked_of_nobody_is_found(spoiled: Spoiled) -> None:
    one = spoiled.row(
        "SELECT i.id, i.plan_id, i.practice_id, p.guarantor_id, d.id AS part, d.amount_cents"
        " FROM payplans_installment i JOIN payplans_payplan p ON p.id = i.plan_id"
        " JOIN payments_duepart d ON d.installment_id = i.id"
        " WHERE i.status = 'PENDING' AND d.state = 'OPEN' AND NOT p.is_closed ORDER BY i.id LIMIT 1"
    )
    spoiled.sql(
        "INSERT INTO payplans_planshare (practice_id, plan_id, payer_id, percent_bp, from_date, reason, actor, made_at)"
        " VALUES (%(practice_id)s, %(plan_id)s, %(guarantor_id)s, 5000, '2000-01-01', 'look', 'user:1', now())",
        **{name: one[name] for name in ("practice_id", "plan_id", "guarantor_id")},
    )
    assert spoiled.found() == []

    spoiled.sql("UPDATE payments_duepart SET amount_cents = amount_cents - 1 WHERE id = %(part)s", part=one["part"])

    texts = [found.text for found in spoiled.found() if found.check == "shared_payments_are_asked_of_who_shares_them"]
    cents = one["amount_cents"]
    assert texts == [f"installment {one['id']} owes {cents} cents, its payers are asked for {cents - 1}"]
