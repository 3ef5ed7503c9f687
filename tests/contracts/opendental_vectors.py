"""run(vector) plays one payment plan vector on the sandbox office and compares what its books say.

MODES are the ones only an office can answer; run also plays the schedule modes of dynamic plans, as a second opinion.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.contracts import opendental_schedules as schedules
from tests.contracts.opendental_scene import Scene, Vector, by_date, cents

MODES = ("service_run", "close", "prepayment", "balance_pay_on_principal", "production_value")
Facts = dict[str, Any]


def run(vector: Vector) -> None:
    """AssertionError on any difference, unknown mode, unknown plan kind or expectation nobody looks at."""
    assert vector["plan_kind"] in ("dynamic", "old_static"), f"unknown plan kind {vector['plan_kind']!r}"
    play = PLAYS.get(vector["mode"])
    assert play is not None, f"unknown mode {vector['mode']!r}"
    expected = {name: value for name, value in vector["expected"].items() if name != "note"}
    assert expected, "the vector expects nothing"
    compare(expected, play(vector), str(vector["id"]))


def compare(expected: Any, actual: Any, path: str) -> None:
    """Numbers to the cent; ones computed by a port (keys port_ and our_) within one cent."""
    if isinstance(expected, dict):
        compare_named(expected, actual, path)
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{path}: {actual} is not {expected}"
        assert len(actual) == len(expected), f"{path}: {actual} is not {expected}"
        for index, value in enumerate(expected):
            compare(value, actual[index], f"{path}[{index}]")
    elif isinstance(expected, bool | str) or expected is None:
        assert actual == expected, f"{path}: {actual!r} is not {expected!r}"
    else:
        play = 1 if re.search(r"\.(port_|our_|note_total)", path) else 0
        assert abs(cents(actual) - cents(expected)) <= play, f"{path}: {actual} is not {expected}"


def compare_named(expected: Facts, actual: Any, path: str) -> None:
    """A note is prose unless the office's answer has one too."""
    assert isinstance(actual, dict), f"{path}: {actual} is not {expected}"
    for name, value in expected.items():
        if name != "note" or "note" in actual:
            assert name in actual, f"{path}: nobody looks at {name!r}"
            compare(value, actual[name], f"{path}.{name}")


def dollars(amount: int) -> float:
    return amount / 100


def hidden_facts(scene: Scene) -> Facts:
    rows = scene.hidden()
    into, out = sum(row for row in rows if row > 0), -sum(row for row in rows if row < 0)
    return {
        "hidden_in": dollars(into),
        "hidden_out": dollars(out),
        "moved_out": dollars(out),
        "hidden_balance": dollars(into - out),
        "hidden": dollars(into - out),
        "hidden_split_rows": len(rows),
    }


def money_facts(scene: Scene) -> Facts:
    plan_splits = [split["amount_cents"] for split in scene.splits() if split["PayPlanNum"] == scene.plan]
    paid = dollars(scene.paid())
    return {
        **hidden_facts(scene),
        "paid": paid,
        "paid_total_on_plan": paid,
        "paid_on_plan": paid,
        "paid_on_charges": paid,
        "left_due": dollars(scene.due()),
        "regular_unearned": dollars(scene.unearned()),
        "sum_of_plan_splits": dollars(sum(plan_splits)),
    }


def first_rows(scene: Scene) -> Facts:
    rows = by_date(scene.charges())
    return dict.fromkeys(("first_charge", "issued", "issued_on_creation"), rows)


def applied_facts(scene: Scene, date: str) -> Facts:
    """What was put onto the rows of one date, by kind."""
    rows = {row["PayPlanChargeNum"] for row in scene.charges() if row["ChargeDate"] == date}
    paid = {"Interest": 0, "Principal": 0}
    for split in scene.splits():
        if split["PayPlanChargeNum"] in rows:
            paid[split["PayPlanDebitType"]] += split["amount_cents"]
    return {"interest": dollars(paid["Interest"]), "principal": dollars(paid["Principal"])}


def transfer_facts(scene: Scene) -> Facts:
    """What the balancer moved."""
    taken = [split for split in scene.splits() if split["kind"] == "payment" and split["amount_cents"] < 0]
    outs = {
        f"out_of_{kind.lower()}": dollars(sum(s["amount_cents"] for s in taken if s["PayPlanDebitType"] == kind))
        for kind in ("Interest", "Principal")
    }
    return {**outs, "into_hidden_unearned": [dollars(amount) for amount in scene.hidden() if amount > 0]}


def play_prepayment(vector: Vector) -> Facts:
    scene = Scene(vector)
    facts = first_rows(scene)
    scene.pay()
    scene.balance("prepay")
    moved = transfer_facts(scene)
    total = hidden_facts(scene)["hidden"]
    facts["balancer_prepay"] = moved
    facts["balancer_prepay_transfer"] = {**moved, "into_hidden_unearned": sum(moved["into_hidden_unearned"])}
    scene.next_due()
    row = by_date(scene.charges())[-1]
    applied = applied_facts(scene, row["date"])
    named = {"hidden_total": total, "next_charge_interest": row["interest"], "next_charge_principal": row["principal"]}
    return {**money_facts(scene), **facts, **named, "applied": applied, "applied_to_next_charge": applied}


def play_service(vector: Vector) -> Facts:
    scene = Scene(vector)
    facts = first_rows(scene)
    scene.pay()
    scene.balance("prepay")
    facts["hidden_before"] = hidden_facts(scene)["hidden"]
    scene.next_due()
    facts["first_run"] = money_facts(scene)
    facts["port_computed_second"] = by_date(scene.charges())[-1:]
    scene.office.desk("run_service")
    facts["second_run_same_day"] = money_facts(scene)
    return {**money_facts(scene), **facts}


def play_balance(vector: Vector) -> Facts:
    scene = Scene(vector)
    facts = first_rows(scene)
    scene.pay()
    scene.balance("principal")
    return {**facts, "after": money_facts(scene)}


def play_close(vector: Vector) -> Facts:
    scene = Scene(vector)
    facts = first_rows(scene)
    facts["down_payment_charge"] = sum(
        dollars(row["principal_cents"]) for row in scene.charges() if row["Note"] == "Down Payment"
    )
    scene.pay()
    scene.balance("prepay")
    facts["hidden_before_close"] = hidden_facts(scene)["hidden"]
    if "insurance" in vector["id"]:
        for kind, number in scene.items:
            assert kind == "Procedure"
            scene.office.desk("insurance", ProcNum=number, paid_cents=1000)
    closed = scene.office.put(f"/payplans/{scene.plan}/Close")
    assert closed["IsClosed"] == "true"
    return {**money_facts(scene), **facts, **_closed_facts(scene)}


def _closed_facts(scene: Scene) -> Facts:
    rows = scene.charges()
    charged = sorted({scene.items.index((row["LinkType"], row["FKey"])) for row in rows})
    kept = {("Adjustment" if link["kind"] == 1 else "Procedure", link["key"]) for link in scene.plan_row()["links"]}
    detached = [index for index, item in enumerate(scene.items) if item not in kept]
    closing = [row for row in rows if row["Note"] == "Close Out Charge"]
    facts: Facts = {
        "charges_after_close_total": dollars(sum(row["principal_cents"] + row["interest_cents"] for row in rows)),
        "charged_production": [dollars(index * 100) for index in charged],
        "detached": [dollars(index * 100) for index in detached],
        "unlinked_production": [dollars(index * 100) for index in detached],
    }
    if len(closing) == 1:
        (row,) = closing
        facts["close_out_charge"] = {
            "production": scene.items.index((row["LinkType"], row["FKey"])),
            "principal": dollars(row["principal_cents"]),
            "interest": dollars(row["interest_cents"]),
            "note": row["Note"],
        }
    return facts


def play_value(vector: Vector) -> Facts:
    scene = Scene(vector, issue=False)
    row = scene.plan_row()
    shown = scene.office.get(f"/payplans/{scene.plan}")
    assert cents(shown["CompletedAmt"]) == row["completed_cents"]
    return {
        "completedAmt": shown["CompletedAmt"],
        "principalAmount": shown["principalAmount"],
        "AmountOriginal": dollars(sum(link["original"] for link in row["links"])),
        "AmountRemaining": dollars(row["remaining_cents"]),
    }


PLAYS: dict[str, Callable[[Vector], Facts]] = {
    "service_run": play_service,
    "close": play_close,
    "prepayment": play_prepayment,
    "balance_pay_on_principal": play_balance,
    "production_value": play_value,
    "full_projection": schedules.play_projection,
    "next_period_only": schedules.play_projection,
    "pay_amt": schedules.play_pay_amount,
    "total_cost": schedules.play_old_plan,
    "schedule_without_down_payment_row": schedules.play_old_plan,
}
