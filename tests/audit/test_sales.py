"""What the auditor says about desk sales that don't add up, and about work that was paid twice."""

from __future__ import annotations

from typing import Any

from tests.audit.conftest import Spoiled


def sale(spoiled: Spoiled) -> dict[str, Any]:
    """$90 of one procedure, $50 by card and $40 in cash."""
    return spoiled.row("SELECT * FROM payments_sale ORDER BY id")


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
    cash = spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'RECORDED' ORDER BY id")
    spoiled.sql("UPDATE payments_attempt SET reference = 'pi_cash' WHERE id = %(id)s", id=cash["id"])
    text = spoiled.only("recorded_money_asks_no_processor")
    assert text == f"attempt {cash['id']} is recorded money, and the processor was asked for it"


def test_work_that_was_paid_twice_is_found(spoiled: Spoiled) -> None:
    line = spoiled.row("SELECT * FROM payments_saleline ORDER BY id")
    spoiled.office("UPDATE procedurelog SET ProcFee = 89.99 WHERE ProcNum = ?", line["proc_num"])
    assert "was paid 9000, 8999 owed" in spoiled.only("procedures_are_not_paid_twice")


def test_a_page_that_can_be_paid_although_nobody_waits_for_it_is_found(spoiled: Spoiled) -> None:
    page = spoiled.stripe_copy("checkout.session", {"status": "open"}, where="json_extract(body, '$.mode') = 'payment'")
    attempt = spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'HOSTED'")
    found = spoiled.only("pages_end_with_their_attempt")
    assert found == f"page {page} can be paid, it is of attempt {attempt['id']}, which is SUCCEEDED"


def test_a_readers_intent_that_outlives_its_attempt_is_found(spoiled: Spoiled) -> None:
    attempt = spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'HOSTED'")
    change = {"status": "requires_payment_method", "last_payment_error": None}
    intent = spoiled.stripe_copy("payment_intent", change, where=f"id = '{attempt['reference']}'")
    found = [one.text for one in spoiled.found() if one.check == "readers_intents_end_with_their_attempt"]
    assert found == [f"intent {intent} is requires_payment_method, attempt {attempt['id']} is SUCCEEDED"]


def test_a_presented_card_that_paid_for_another_attempt_is_found(spoiled: Spoiled) -> None:
    attempt = spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'HOSTED'")
    spoiled.sql("UPDATE payments_attempt SET paid_with = '' WHERE id = %(id)s", id=attempt["id"])
    found = spoiled.only("presented_cards_paid_what_was_waiting")
    assert found == f"attempt {attempt['id']} paid by no card with the intent of {attempt['uuid']}"
