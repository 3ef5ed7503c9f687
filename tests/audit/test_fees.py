"""What the auditor says about fees that break the rules, and about discounts that are not in the ledger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.audit.conftest import Spoiled


def fee(spoiled: Spoiled, kind: str) -> dict[str, Any]:
    """A discount of $1.50 on $50, or a surcharge of $1.20 on $40."""
    return spoiled.row("SELECT * FROM payments_tenderfee WHERE kind = %(kind)s", kind=kind)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ("UPDATE cards_card SET funding = 'debit'", "SURCHARGE", "the card is debit"),
        ("UPDATE payments_feesettings SET state = 'ME' WHERE mode = 'SURCHARGE'", "SURCHARGE", "barred in ME"),
        ("UPDATE payments_feesettings SET state = 'CO' WHERE mode = 'SURCHARGE'", "SURCHARGE", "above 2.0 percent"),
        ("UPDATE payments_feesettings SET cost_rate = 299 WHERE mode = 'SURCHARGE'", "SURCHARGE", "above 2.99 percent"),
        (
            "UPDATE payments_feesettings SET cash_types = '[69]' WHERE mode = 'DISCOUNT'",
            "DISCOUNT",
            "not cash or check",
        ),
        ("UPDATE payments_feesettings SET mode = 'ABSORB' WHERE mode = 'DISCOUNT'", "DISCOUNT", "decided ABSORB"),
    ],
)
def test_a_fee_that_breaks_a_rule_is_found(spoiled: Spoiled, change: str, kind: str, said: str) -> None:
    row = fee(spoiled, kind)
    spoiled.sql(change)
    text = spoiled.only("fees_follow_the_rules")
    assert text.startswith(f"fee {row['id']} of {row['fee_cents']} cents: ")
    assert said in text


def test_another_total_than_was_shown_is_found(spoiled: Spoiled) -> None:
    row = fee(spoiled, "SURCHARGE")
    spoiled.sql("UPDATE payments_tenderfee SET total_cents = 4119, fee_cents = 119 WHERE id = %(id)s", id=row["id"])
    texts = [one.text for one in spoiled.found() if one.check == "fees_follow_the_rules"]
    assert [text.partition(" asks ")[2] for text in texts] == ["4120 cents, 4119 were shown"]


def test_a_discount_without_its_adjustment_is_found(spoiled: Spoiled) -> None:
    spoiled.sql("DELETE FROM payments_ledgeradjustment")
    found = [violation.check for violation in spoiled.found()]
    assert found == ["discounts_are_allocated", "ledger_adjustments_are_ours"]


def test_an_adjustment_that_is_gone_from_the_ledger_or_there_twice_is_found(spoiled: Spoiled) -> None:
    copied = "INSERT INTO adjustment SELECT AdjNum + 1000, {} FROM adjustment WHERE AdjNote LIKE 'KP-%'"
    names = "AdjDate, AdjAmt, PatNum, AdjType, ProvNum, AdjNote, ProcDate, ProcNum, DateEntry, ClinicNum"
    spoiled.office(f"{copied.format(names)}".replace("adjustment SELECT", f"adjustment (AdjNum, {names}) SELECT", 1))
    assert any("is in the ledger 2 times" in text for text in _of_adjustments(spoiled))
    spoiled.office("DELETE FROM adjustment WHERE AdjNote LIKE 'KP-%'")
    assert any("is MATCHED, the ledger has 0 of it" in text for text in _of_adjustments(spoiled))


def _of_adjustments(spoiled: Spoiled) -> list[str]:
    return [one.text for one in spoiled.found() if one.check == "adjustments_are_in_the_ledger_once"]


def test_an_adjustment_that_nobody_works_on_is_found(spoiled: Spoiled) -> None:
    spoiled.sql("UPDATE payments_ledgeradjustment SET state = 'QUEUED', adj_num = NULL")
    assert "of -150 cents is still QUEUED" in spoiled.only("adjustments_are_final")


def test_one_that_staff_were_not_told_of_is_found(spoiled: Spoiled) -> None:
    spoiled.sql("UPDATE payments_ledgeradjustment SET state = 'BY_HAND', adj_num = NULL")
    found = {violation.check: violation.text for violation in spoiled.found()}
    assert sorted(found) == ["adjustments_have_their_events", "trouble_has_its_alarm"]
    assert "waits for staff" in found["trouble_has_its_alarm"]


def test_a_surcharge_in_the_ledger_is_found(spoiled: Spoiled) -> None:
    posting = spoiled.row("SELECT * FROM payments_ledgerposting WHERE amount_cents = 4000 ORDER BY id DESC")
    spoiled.sql("UPDATE payments_ledgerposting SET amount_cents = 4120 WHERE id = %(id)s", id=posting["id"])
    assert "payments_have_one_posting" in [violation.check for violation in spoiled.found()]


def test_a_discount_that_was_taken_back_with_nothing_given_back_is_found(spoiled: Spoiled) -> None:
    row = spoiled.row("UPDATE payments_ledgeradjustment SET returned_cents = 1 RETURNING *")
    texts = [one.text for one in spoiled.found() if one.check == "discounts_go_back_in_proportion"]
    assert texts == [f"1 cents of adjustment {row['id']} were taken back, 0 should be"]
