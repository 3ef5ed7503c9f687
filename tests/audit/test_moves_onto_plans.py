"""What the auditor says about payments that were moved onto a plan."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ops.audit.checks import moves
from ops.audit.world import World


def world(charge: int, **move: Any) -> World:
    """One payment of 10000 cents, moved onto installment 5 with charge 41; it stands on `charge`."""
    tables = {
        "payments_move": [
            {"id": 1, "state": "DONE", "practice_id": 1, "payment_id": 7, "installment_id": 5, "target_id": 3, **move}
        ],
        "payments_ledgerposting": [
            {"payment_id": 7, "movement": "MOVE_IN", "state": "MATCHED", "pay_num": 90, "move_id": 1}
        ],
    }
    split = {"PayNum": 90, "SplitAmt": 100_00, "PayPlanChargeNum": charge, "ProcNum": 0}
    found = SimpleNamespace(
        rows=lambda name: tables.get(name, []), refunded_by_payment=Counter(),
        office_of={1: SimpleNamespace(tables={"paysplit": [split]})},
        charge_rows_by_installment={5: [{"pay_plan_charge_num": 41}]},
    )  # fmt: skip
    return cast("World", found)


@pytest.mark.parametrize(("charge", "more"), [(41, {}), (40, {"state": "ORDERED"}), (40, {"installment_id": None})])
def test_what_stands_where_it_was_moved_or_is_not_there_yet_is_fine(charge: int, more: dict[str, Any]) -> None:
    assert list(moves.moved_payments_pay_their_installment(world(charge, **more))) == []


def test_a_payment_that_does_not_stand_on_its_installment_is_found() -> None:
    said = "payment 7 was moved onto installment 5, 0 are there"
    assert list(moves.moved_payments_pay_their_installment(world(40))) == [said]
