"""What the auditor says about money taken twice, and about sums that don't add up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.audit.conftest import Spoiled


def paid(spoiled: Spoiled) -> dict[str, Any]:
    """An installment that we collected once, on its charge."""
    return spoiled.row(
        "SELECT i.* FROM payplans_installment i JOIN payments_allocation a ON a.installment_id = i.id "
        "WHERE i.is_issued ORDER BY i.id LIMIT 1"
    )


def charge_number(spoiled: Spoiled, installment: int) -> int:
    sql = f"SELECT pay_plan_charge_num FROM payplans_chargerow WHERE installment_id = {installment}"
    return spoiled.number(sql)


def test_two_successful_attempts_at_one_due_part_are_found(spoiled: Spoiled) -> None:
    attempt = spoiled.row("SELECT * FROM payments_attempt WHERE state = 'SUCCEEDED' ORDER BY id LIMIT 1")
    spoiled.sql("DROP INDEX one_open_or_paid_attempt_per_due_part")
    copy = spoiled.insert_like(
        "payments_attempt", attempt["id"], uuid="00000000-0000-4000-8000-000000000000", reference=""
    )
    texts = {violation.check: violation.text for violation in spoiled.found()}
    ids = [attempt["id"], copy]
    found = texts["due_parts_have_one_attempt_that_counts"]
    assert found == f"due part {attempt['due_part_id']} has attempts {ids} that may all have taken money"
    assert sorted(texts) == [
        "attempts_agree_with_the_processor", "attempts_have_their_events", "due_parts_have_one_attempt_that_counts",
    ]  # fmt: skip


def test_a_paid_part_without_a_successful_attempt_is_found(spoiled: Spoiled) -> None:
    part = spoiled.number("SELECT id FROM payments_duepart WHERE state = 'OPEN' ORDER BY id LIMIT 1")
    spoiled.sql("UPDATE payments_duepart SET state = 'PAID' WHERE id = %(id)s", id=part)
    text = spoiled.only("due_parts_have_one_attempt_that_counts")
    assert text == f"due part {part} is PAID, its attempts are []"


def test_a_payment_that_is_not_allocated_whole_is_found(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM payments_allocation ORDER BY id LIMIT 1")
    change = "UPDATE {} SET {} = {} - 1 WHERE id = {}"
    spoiled.sql(change.format("payments_allocation", "amount_cents", "amount_cents", row["id"]))
    spoiled.sql(change.format("payplans_installment", "collected_cents", "collected_cents", row["installment_id"]))
    text = spoiled.only("allocations_sum_to_payments")
    assert text == f"payment {row['payment_id']} of 10000 cents is allocated with 9999"


def test_an_installment_that_says_more_was_collected_is_found(spoiled: Spoiled) -> None:
    row = spoiled.number("SELECT id FROM payplans_installment WHERE collected_cents = 0 AND NOT is_issued LIMIT 1")
    spoiled.sql("UPDATE payplans_installment SET collected_cents = 1 WHERE id = %(id)s", id=row)
    text = spoiled.only("installments_hold_what_was_collected")
    assert text == f"installment {row} says 1 cents were collected, payments say 0"


def collected_again(spoiled: Spoiled) -> int:
    """A second payment of ours is allocated to the installment; its id."""
    installment = paid(spoiled)["id"]
    other = spoiled.row(f"SELECT * FROM payments_allocation WHERE installment_id <> {installment} ORDER BY id LIMIT 1")  # noqa: S608
    spoiled.sql(f"UPDATE payments_allocation SET installment_id = {installment} WHERE id = {other['id']}")  # noqa: S608
    change = "UPDATE payplans_installment SET collected_cents = {} WHERE id = {}"
    spoiled.sql(change.format(0, other["installment_id"]))
    spoiled.sql(change.format(200_00, installment))
    return int(installment)


def test_an_installment_that_we_collected_twice_is_found(spoiled: Spoiled) -> None:
    installment = collected_again(spoiled)
    texts = {violation.check: violation.text for violation in spoiled.found()}
    found = texts["we_collect_no_installment_twice"]
    assert found == f"installment {installment} of 10000 cents was collected 2 times: 20000 cents"


def test_two_payments_are_fine_where_the_office_made_the_installment_smaller_since(spoiled: Spoiled) -> None:
    installment = collected_again(spoiled)
    event = spoiled.number("SELECT min(id) FROM practices_event")
    spoiled.insert_like(
        "practices_event", event, kind="installment_changed", at=spoiled.books.now, about={"installment": installment}
    )
    assert "we_collect_no_installment_twice" not in [violation.check for violation in spoiled.found()]


def desk_takes_it_too(spoiled: Spoiled, installment: int, edited: str = "2022-07-10 10:30:00") -> None:
    plan = spoiled.number(
        f"SELECT pay_plan_num FROM payplans_payplan p JOIN payplans_installment i ON i.plan_id = p.id "  # noqa: S608
        f"WHERE i.id = {installment}"
    )
    spoiled.office(
        "INSERT INTO paysplit (PayNum, PayPlanNum, PayPlanChargeNum, SplitAmt, SecDateTEdit) "
        "VALUES (777, ?, ?, 40.0, ?)",
        plan, charge_number(spoiled, installment), edited,
    )  # fmt: skip


def test_money_that_the_desk_took_too_without_an_alarm_is_found(spoiled: Spoiled) -> None:
    installment = paid(spoiled)["id"]
    desk_takes_it_too(spoiled, installment)
    text = spoiled.only("overpaid_installments_are_alarmed")
    assert text == f"installment {installment} was paid 4000 cents too much, and no alarm says so"


@pytest.mark.parametrize("closed_by", ["", "user:1"])
def test_money_that_the_desk_took_too_is_fine_with_an_alarm_that_a_person_has_seen(
    spoiled: Spoiled, closed_by: str
) -> None:
    row = paid(spoiled)
    desk_takes_it_too(spoiled, row["id"])
    spoiled.alarm(row["practice_id"], "PAID_TWICE", f"paid-twice:{row['id']}", closed_by=closed_by)
    assert spoiled.found() == []


def test_an_alarm_that_closed_by_itself_does_not_count(spoiled: Spoiled) -> None:
    row = paid(spoiled)
    desk_takes_it_too(spoiled, row["id"])
    spoiled.alarm(row["practice_id"], "PAID_TWICE", f"paid-twice:{row['id']}", closed_by="sync")
    assert spoiled.only("overpaid_installments_are_alarmed").startswith(f"installment {row['id']} was paid 4000 cents")


def test_money_that_the_desk_took_a_minute_ago_may_not_be_known_yet(spoiled: Spoiled) -> None:
    minute_ago = spoiled.books.now.astimezone(ZoneInfo("America/New_York")) - timedelta(minutes=1)
    desk_takes_it_too(spoiled, paid(spoiled)["id"], edited=f"{minute_ago:%Y-%m-%d %H:%M:%S}")
    assert spoiled.found() == []
