"""What the auditor says when KasperPay and Open Dental don't agree."""

from __future__ import annotations

from typing import Any

from tests.audit.conftest import Spoiled


def posting(spoiled: Spoiled) -> dict[str, Any]:
    """A payment on a charge of a plan."""
    return spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'CHARGE_ROWS' ORDER BY id LIMIT 1")


def test_a_payment_without_a_posting_is_found(spoiled: Spoiled) -> None:
    row = posting(spoiled)
    spoiled.sql("DELETE FROM payments_ledgerposting WHERE id = %(id)s", id=row["id"])
    texts = {violation.check: violation.text for violation in spoiled.found()}
    assert texts["payments_have_one_posting"] == f"payment {row['payment_id']} of 10000 cents has postings of []"
    assert texts["ledger_payments_are_ours"].startswith(f"payment {row['pay_num']} of 10000 cents in office-audited")


def test_a_posting_of_other_cents_is_found(spoiled: Spoiled) -> None:
    row = posting(spoiled)
    spoiled.sql("UPDATE payments_ledgerposting SET amount_cents = 1 WHERE id = %(id)s", id=row["id"])
    assert f"payment {row['payment_id']} of 10000 cents has postings of [1]" in [one.text for one in spoiled.found()]


def test_a_posting_on_another_plan_is_found(spoiled: Spoiled) -> None:
    row = posting(spoiled)
    other = spoiled.number(f"SELECT id FROM payplans_payplan WHERE id <> {row['plan_id']}")
    spoiled.sql("UPDATE payments_ledgerposting SET plan_id = %(plan)s WHERE id = %(id)s", plan=other, id=row["id"])
    texts = [one.text for one in spoiled.found()]
    assert f"posting {row['id']} goes to plan {other}, its payment is for plans [{row['plan_id']}]" in texts
    # Nor is it known as ours on the plan where it stands.
    assert {one.check for one in spoiled.found()} == {
        "matched_postings_agree", "overpaid_installments_are_alarmed", "payments_have_one_posting",
    }  # fmt: skip


def test_a_payment_sent_twice_is_found(spoiled: Spoiled) -> None:
    row = posting(spoiled)
    columns = "PayType, PatNum, PayAmt, CheckNum, PayNote, PayDate, DateEntry, PaymentSource, SecDateTEdit"
    spoiled.office(
        f"INSERT INTO payment ({columns}) SELECT {columns} FROM payment WHERE PayNum = ?",  # noqa: S608
        row["pay_num"],
    )
    text = spoiled.only("postings_are_in_the_ledger_once")
    assert text.startswith(f"posting {row['id']} of 10000 cents was sent as payments [{row['pay_num']}, ")


def test_a_payment_that_vanished_from_the_ledger_is_found(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'PREPAYMENT'")
    spoiled.office("DELETE FROM payment WHERE PayNum = ?", row["pay_num"])
    text = spoiled.only("postings_are_in_the_ledger_once")
    assert text == f"posting {row['id']} is MATCHED, payment {row['pay_num']} is not in the ledger"


def test_a_payment_of_a_reference_we_never_gave_out_is_found(spoiled: Spoiled) -> None:
    spoiled.office("INSERT INTO payment (CheckNum, PayAmt, PatNum) VALUES ('KP-2222222222222222', 12.34, 1)")
    text = spoiled.only("ledger_payments_are_ours")
    assert "of 1234 cents in office-audited" in text
    assert text.endswith("has no posting of ours")


def test_a_payment_on_another_account_is_found(spoiled: Spoiled) -> None:
    row = posting(spoiled)
    spoiled.office("UPDATE payment SET PatNum = 77 WHERE PayNum = ?", row["pay_num"])
    assert spoiled.only("matched_postings_agree") == f"posting {row['id']} is on the account of PatNum 77"


def test_splits_that_lost_a_cent_are_found(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'PREPAYMENT'")
    spoiled.office("UPDATE paysplit SET SplitAmt = 99.99 WHERE PayNum = ?", row["pay_num"])
    assert spoiled.only("matched_postings_agree") == f"posting {row['id']} of 10000 cents: its splits sum to 9999"


def test_money_on_another_plan_is_found(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'PREPAYMENT'")
    spoiled.office("UPDATE paysplit SET PayPlanNum = 9999 WHERE PayNum = ?", row["pay_num"])
    text = spoiled.only("matched_postings_agree")
    number = spoiled.number(f"SELECT pay_plan_num FROM payplans_payplan WHERE id = {row['plan_id']}")
    assert text == f"posting {row['id']}: 10000 cents are not on plan {number}"


def test_money_on_the_charge_of_another_installment_is_found(spoiled: Spoiled) -> None:
    row = posting(spoiled)
    other = spoiled.number(
        "SELECT pay_plan_charge_num FROM payplans_chargerow JOIN payplans_installment i ON i.id = installment_id "
        f"WHERE i.plan_id <> {row['plan_id']} ORDER BY 1"
    )
    spoiled.office("UPDATE paysplit SET PayPlanChargeNum = ? WHERE PayNum = ?", other, row["pay_num"])
    texts = {one.check: one.text for one in spoiled.found()}
    own = f"posting {row['id']}: 10000 cents are on the charge of another installment"
    assert texts["matched_postings_agree"] == own
    # And so less stands on its own charge than was posted there.
    assert sorted(texts) == ["matched_postings_agree", "trouble_has_its_alarm"]
