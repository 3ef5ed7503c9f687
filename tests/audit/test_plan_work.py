"""What the auditor says about charges against what staff decided, and about plans that were made twice."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.audit.conftest import Spoiled


def charged(spoiled: Spoiled) -> dict[str, Any]:
    """A try by autopay, with its installment."""
    return spoiled.row(
        "SELECT a.id, a.practice_id, a.card_id, a.started_at, i.id AS installment, i.plan_id, i.due_date"
        " FROM payments_attempt a JOIN payments_duepart d ON d.id = a.due_part_id"
        " JOIN payplans_installment i ON i.id = d.installment_id WHERE a.channel = 'AUTOPAY' ORDER BY a.id LIMIT 1"
    )


def decide(spoiled: Spoiled, kind: str, event: str, **facts: Any) -> dict[str, Any]:
    """As if staff had decided this before the try was made; the event takes the place of an early one."""
    one = charged(spoiled)
    about = {"plan": one["plan_id"]} | ({} if kind == "PAUSE" else {"installment": one["installment"]})
    given = {"from_date": None, "until_date": None, "card_id": None, "consent_id": None, **facts}
    spoiled.sql(
        "INSERT INTO payments_planchange (practice_id, kind, plan_id, installment_id, from_date, until_date,"
        " planned_date, card_id, consent_id, reason, actor, made_at, ended_by, end_reason) VALUES (%(practice_id)s,"
        " %(kind)s, %(plan_id)s, %(mine)s, %(from_date)s, %(until_date)s, %(due_date)s, %(card_id)s, %(consent_id)s,"
        " 'look', 'user:1', %(started_at)s, '', '')",
        kind=kind, mine=about.get("installment"), **{**one, **given},
    )  # fmt: skip
    spoiled.sql(
        "INSERT INTO practices_event (id, practice_id, at, recorded_at, actor, kind, text, about, before, after) VALUES"
        " (-1, %(practice_id)s, %(started_at)s, %(started_at)s, 'user:1', %(event)s, '', %(about)s, '{}', '{}')",
        event=event, about=Jsonb(about), practice_id=one["practice_id"], started_at=one["started_at"],
    )  # fmt: skip
    return one


@pytest.mark.parametrize(
    ("kind", "event", "why"),
    [
        ("SKIP", "installment_skipped", "though it was skipped"),
        ("PAUSE", "plan_paused", "while the plan was paused"),
        ("MOVE", "charge_moved", "before 2099-01-01, to which it was moved"),
    ],
)
def test_a_charge_against_what_staff_decided_is_found(spoiled: Spoiled, kind: str, event: str, why: str) -> None:
    days = {"PAUSE": {"from_date": "2000-01-01", "until_date": "2099-01-01"}, "MOVE": {"from_date": "2099-01-01"}}
    one = decide(spoiled, kind, event, **days.get(kind, {}))
    texts = [found.text for found in spoiled.found() if found.check == "autopay_keeps_to_what_staff_decided"]
    assert any(text.startswith(f"attempt {one['id']} was made by itself {why}") for text in texts)


def test_a_part_that_was_taken_before_its_day_is_found(spoiled: Spoiled) -> None:
    one = charged(spoiled)
    spoiled.sql(
        "UPDATE payments_duepart SET charge_from = '2099-01-01' WHERE id ="
        " (SELECT due_part_id FROM payments_attempt WHERE id = %(id)s)",
        id=one["id"],
    )
    text = spoiled.only("divided_payments_wait_for_their_days")
    assert text == f"attempt {one['id']} was made by itself before 2099-01-01, the day of its part"


def order(spoiled: Spoiled, kind: str = "CREATE", state: str = "DONE", *sent: str) -> dict[str, Any]:
    """An order of an hour after the try by autopay, for its plan, with its events. Returns the row."""
    one = charged(spoiled)
    plan = spoiled.row("SELECT patient_id, pay_plan_num FROM payplans_payplan WHERE id = %(id)s", id=one["plan_id"])
    number = None if kind == "CREATE" else plan["pay_plan_num"]
    row = spoiled.row(
        "INSERT INTO opendental_planorder (practice_id, uuid, kind, patient_id, state, state_reason, wrong_field,"
        " reference, body, form, expected, differences, reason, actor, made_at, next_at, searches, pay_plan_num) VALUES"
        " (%(practice)s, gen_random_uuid(), %(kind)s, %(patient)s, %(state)s, '', '', 'KP-NOWHERE', '{}', '{}', '[]',"
        " '[]', '', 'user:1', %(at)s, %(at)s, 0, %(number)s) RETURNING *",
        practice=one["practice_id"], patient=plan["patient_id"], at=one["started_at"], kind=kind, state=state,
        number=number,
    )  # fmt: skip
    event = spoiled.number("SELECT min(id) FROM practices_event")
    for word in ("plan_order_placed", *sent):
        spoiled.insert_like("practices_event", event, kind=word, about={"plan_order": row["id"]})
    return row


def test_an_order_whose_plan_is_not_there_is_found(spoiled: Spoiled) -> None:
    number = order(spoiled)["id"]
    assert spoiled.only("orders_make_one_plan") == f"order {number} is DONE, and Open Dental has 0 plans of it"


def test_an_order_that_nobody_placed_is_found(spoiled: Spoiled) -> None:
    number = order(spoiled, "TERMS")["id"]
    assert spoiled.found() == []
    spoiled.sql("DELETE FROM practices_event WHERE kind = 'plan_order_placed'")
    assert spoiled.only("orders_are_told") == f"order {number} was placed 0 times, as the timeline tells"


def test_an_order_that_was_sent_twice_is_found(spoiled: Spoiled) -> None:
    number = order(spoiled, "TERMS", "DONE", "plan_order_sending", "plan_order_unclear", "plan_order_sending")["id"]
    assert spoiled.only("orders_are_asked_once") == f"order {number} was sent 2 times"


def test_an_order_that_certainly_did_nothing_may_be_sent_again(spoiled: Spoiled) -> None:
    order(spoiled, "TERMS", "DONE", "plan_order_sending", "plan_order_queued", "plan_order_sending")
    assert spoiled.found() == []


def test_a_closed_plan_that_is_open_in_the_office_is_found(spoiled: Spoiled) -> None:
    row = order(spoiled, "CLOSE")
    text = spoiled.only("closed_plans_are_closed")
    assert text == f"order {row['id']} closed plan {row['pay_plan_num']}, which is open in Open Dental"


def test_an_order_that_never_ends_is_found(spoiled: Spoiled) -> None:
    row = order(spoiled, "TERMS", "UNCLEAR")
    expected = f"order {row['id']} has been UNCLEAR since {row['made_at']}"
    assert spoiled.only("orders_come_to_an_end") == expected
