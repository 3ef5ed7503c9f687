"""What the auditor says about payouts that are not what the processor paid out."""

from __future__ import annotations

import pytest

from tests.audit.conftest import Spoiled

PAYOUT = "UPDATE payments_payout SET "


def test_a_payout_of_another_amount_or_ahead_of_the_processor_is_found(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_payout")
    spoiled.sql("UPDATE payments_payout SET amount_cents = 1")
    text = spoiled.only("payouts_agree_with_the_processor")
    assert text == f"payout {row['id']} of 1 cents is one of {row['amount_cents']} cents at the processor"
    spoiled.sql("UPDATE payments_payout SET amount_cents = %(cents)s", cents=row["amount_cents"])
    spoiled.stripe("payout", lambda body: body.update(status="in_transit"))
    assert spoiled.only("payouts_agree_with_the_processor").endswith("is PAID, the processor has in_transit")


def test_a_line_that_was_dropped_or_changed_is_found(spoiled: Spoiled) -> None:
    line = spoiled.number("SELECT id FROM payments_payoutline ORDER BY id LIMIT 1")
    there = spoiled.number("SELECT count(*) FROM payments_payoutline")
    more = "UPDATE payments_payoutline SET fee_cents = fee_cents + 1, net_cents = net_cents - 1 WHERE id = %(id)s"
    spoiled.sql(more, id=line)
    spoiled.only("lines_of_payouts_are_the_processors")
    spoiled.sql("DELETE FROM payments_payoutline WHERE id = %(id)s", id=line)
    text = spoiled.only("lines_of_payouts_are_the_processors")
    assert f"has {there - 1} lines here and {there} at the processor" in text


def test_a_line_linked_to_the_wrong_payment_is_found(spoiled: Spoiled) -> None:
    spoiled.sql("UPDATE payments_payoutline SET payment_id = NULL WHERE id = (SELECT min(id) FROM payments_payoutline)")
    assert "is linked to payment None instead of" in spoiled.only("lines_of_payouts_are_placed")


@pytest.mark.parametrize(
    ("change", "kind", "key", "words"),
    [
        ("state = 'FAILED'", "PAYOUT_FAILED", "payout-failed", "came back"),
        ("difference_cents = 5", "PAYOUT_DIFFERS", "payout-differs", "differs by 5 cents"),
    ],
)
def test_a_payout_that_came_back_or_differs_needs_an_alarm(
    spoiled: Spoiled, change: str, kind: str, key: str, words: str
) -> None:
    row = spoiled.row("SELECT * FROM payments_payout")
    spoiled.sql(PAYOUT + change)
    spoiled.stripe("payout", lambda body: body.update(status="failed" if kind == "PAYOUT_FAILED" else "paid"))
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"payout {row['id']} {words}, and no alarm {key}:{row['reference']} says so"
    spoiled.alarm(row["practice_id"], kind, f"{key}:{row['reference']}")
    assert spoiled.found() == []
