"""Where everything went well, the auditor finds nothing."""

from __future__ import annotations

from ops.audit import Books, audit
from ops.audit.run import CHECKS
from tests.audit.conftest import Spoiled
from tests.outside import ROOT


def test_a_settled_world_has_no_violations(settled: Books) -> None:
    assert audit(settled) == []


def test_a_settled_world_holds_what_the_checks_look_at(spoiled: Spoiled) -> None:
    """Else an empty audit would prove nothing."""
    states = "SELECT state, count(*) AS n FROM {} GROUP BY 1 ORDER BY 1"
    for table, expected in (
        ("payments_attempt", [("DECLINED", 1), ("SUCCEEDED", 9)]),
        ("payments_ledgerposting", [("MATCHED", 9)]),
        ("payments_ledgeradjustment", [("MATCHED", 1)]),
    ):
        rows = spoiled.database.execute(states.format(table)).fetchall()
        assert [(row["state"], row["n"]) for row in rows] == expected
    assert spoiled.found() == []


def test_every_check_has_a_test_that_sees_it_find_something() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests/audit").glob("test_*.py"))
    assert [check.__name__ for check in CHECKS if f'"{check.__name__}"' not in tests] == []
