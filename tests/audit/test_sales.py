"""What the auditor says about desk sales that don't add up, and about work that was paid twice."""

from __future__ import annotations

from typing import Any

from tests.audit.conftest import Spoiled


def sale(spoiled: Spoiled) -> dict[str, Any]:
    """$90 of one procedure, $50 by card and $40 in cash."""
    return spoiled.row("SELECT * FROM payments_sale")


def test_a_sale_that_took_more_than_it_asked_is_found(spoiled: Spoiled) -> None:
    one = sale(spoiled)
    spoiled.sql("UPDATE payments_sale SET amount_cents = 8000 WHERE id = %(id)s", id=one["id"])
    spoiled.sql("UPDATE payments_saleline SET amount_cents = 8000 WHERE sale_id = %(id)s", id=one["id"])
    text = spoiled.only("sales_are_not_paid_beyond")
    assert text == f"sale {one['id']} of 8000 cents is PAID, 9000 of 9000 were paid"


def test_lines_that_do_not_sum_to_their_sale_are_found(spoiled: Spoiled) -> None:
    one = sale(spoiled)
    spoiled.sql("UPDATE payments_saleline SET amount_cents = 8999 WHERE sale_id = %(id)s", id=one["id"])
    assert spoiled.only("sales_are_not_paid_beyond") == f"sale {one['id']} of 9000 cents has lines of 8999"


def test_a_sale_that_never_ends_is_found(spoiled: Spoiled) -> None:
    one = sale(spoiled)
    spoiled.sql("UPDATE payments_sale SET amount_cents = 9001, state = 'OPEN' WHERE id = %(id)s", id=one["id"])
    spoiled.sql("UPDATE payments_saleline SET amount_cents = 9001 WHERE sale_id = %(id)s", id=one["id"])
    assert f"sale {one['id']} has been open since" in spoiled.only("sales_come_to_an_end")


def test_cash_with_a_reference_of_the_processor_is_found(spoiled: Spoiled) -> None:
    cash = spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'RECORDED'")
    spoiled.sql("UPDATE payments_attempt SET reference = 'pi_cash' WHERE id = %(id)s", id=cash["id"])
    text = spoiled.only("recorded_money_asks_no_processor")
    assert text == f"attempt {cash['id']} is recorded money, and the processor was asked for it"


def test_work_that_was_paid_twice_is_found(spoiled: Spoiled) -> None:
    line = spoiled.row("SELECT * FROM payments_saleline")
    spoiled.office("UPDATE procedurelog SET ProcFee = 89.99 WHERE ProcNum = ?", line["proc_num"])
    assert "was paid 9000, 8999 owed" in spoiled.only("procedures_are_not_paid_twice")
