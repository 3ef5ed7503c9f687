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


def test_an_order_whose_plan_is_not_there_is_found(spoiled: Spoiled) -> None:
    one = charged(spoiled)
    patient = spoiled.row("SELECT patient_id FROM payplans_payplan WHERE id = %(id)s", id=one["plan_id"])["patient_id"]
    number = spoiled.number(
        "INSERT INTO opendental_planorder (practice_id, uuid, kind, patient_id, state, state_reason, wrong_field,"
        " reference, body, form, expected, differences, reason, actor, made_at, next_at, searches) VALUES"
        " (%(practice)s, gen_random_uuid(), 'CREATE', %(patient)s, 'DONE', '', '', 'KP-NOWHERE', '{}', '{}', '[]',"
        " '[]', '', 'user:1', %(at)s, %(at)s, 0) RETURNING id",
        practice=one["practice_id"], patient=patient, at=one["started_at"],
    )  # fmt: skip
    texts = {found.check: found.text for found in spoiled.found()}
    assert texts["orders_make_one_plan"] == f"order {number} is DONE, and Open Dental has 0 plans of it"
    assert texts["orders_are_told"] == f"order {number} was placed 0 times, as the timeline tells"
