"""Every vector of Open Dental's payment plan arithmetic, one test each, against payplans.schedule.

PAYPLAN_VECTORS may name another file of the same form. Modes about the office's own service, closing and
prepayments are answered by the Open Dental sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from payplans.schedule import (
    Frequency,
    Issued,
    PaidSplit,
    Production,
    ProjectedRow,
    Projection,
    Terms,
    divide_payment,
    down_payment_date,
    due_date,
    issuing_doubtful,
    old_plan_rows,
    project,
    total_cost_cents,
)
from tests.contracts import opendental_vectors, vectors
from tests.contracts.vectors import Vector, cents, day

FILE = vectors.load()
# Said in words, answered by the office's API rather than by arithmetic, or not Open Dental's own numbers (our_, port_).
PROSE = {"note", "stored_NumberOfPayments", "NumberOfPayments_stored"}
NOT_ASSERTED = ("our_", "port_")


@dataclass
class Case:
    """One vector's inputs, with the rows the office would have issued when the plan was made."""

    vector: Vector
    terms: Terms = field(init=False)
    links: list[Production] = field(init=False)
    issued: list[Issued] = field(init=False)
    splits: list[PaidSplit] = field(init=False)
    today: date = field(init=False)

    def __post_init__(self) -> None:
        self.terms, self.links = vectors.terms(self.vector), vectors.production(self.vector)
        self.issued, self.splits = vectors.issued(self.vector), vectors.splits(self.vector)
        self.today = day(self.vector["today"])
        self.issued += [as_issued(row) for row in vectors.rows(self.expected.get("issued_on_creation", []))]

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.vector["expected"]
        return expected

    def project(self, **changes: Any) -> Projection:
        given: dict[str, Any] = {"links": self.links, "issued": self.issued, "splits": self.splits, "next_only": False}
        given |= changes
        return project(self.terms, **given, today=self.today)


def as_issued(row: ProjectedRow) -> Issued:
    return Issued(row.date, row.principal_cents, row.interest_cents)


def check_projected(case: Case, key: str) -> None:
    next_only = case.vector["mode"] == "next_period_only"
    assert list(case.project(next_only=next_only).rows) == vectors.rows(case.expected[key])


def check_issued_on_creation(case: Case, key: str) -> None:
    fresh = case.project(issued=vectors.issued(case.vector), next_only=True)
    assert list(fresh.rows) == vectors.rows(case.expected[key])


def check_next_period_only(case: Case, key: str) -> None:
    assert list(case.project(next_only=True).rows) == vectors.rows(case.expected[key])


def check_then_projected(case: Case, key: str) -> None:
    upcoming = [as_issued(row) for row in case.project(next_only=True).rows]
    assert list(case.project(issued=case.issued + upcoming).rows) == vectors.rows(case.expected[key])


def check_projected_after_paying(case: Case, key: str) -> None:
    paid = PaidSplit(cents(key.removeprefix("projected_after_paying_").replace("_", ".")))
    assert list(case.project(splits=[*case.splits, paid]).rows) == vectors.rows(case.expected[key])


def check_auto_split(case: Case, key: str) -> None:
    division = divide_payment(
        cents(key.removeprefix("auto_split_of_").replace("_", ".")),
        open_interest_cents=sum(row.interest_cents for row in case.issued),
        open_principal_cents=sum(row.principal_cents for row in case.issued),
    )
    expected = {"unearned": 0, **case.expected[key]}
    assert {name: cents(amount) for name, amount in expected.items()} == {
        "interest": division.interest_cents,
        "principal": division.principal_cents,
        "unearned": division.unearned_cents,
    }


def check_next_principal_sum(case: Case, key: str) -> None:
    (row,) = case.project(next_only=True).rows
    assert row.principal_cents == cents(case.expected[key])


def check_down_payment_date(case: Case, key: str) -> None:
    assert down_payment_date(case.terms.start, case.today) == day(case.expected[key])


def edited(case: Case) -> Issued:
    """The projected row that the vector's words put into the office's books with another principal."""
    said = re.match(r"(first|second|third|fourth) projected charge .* Principal ([\d.]+)", case.vector["edit"])
    assert said, f"cannot read edit: {case.vector['edit']}"
    place = ("first", "second", "third", "fourth").index(said[1])
    return Issued(case.project().rows[place].date, cents(said[2]))


def check_edited_date_empty(case: Case, key: str) -> None:
    row = edited(case)
    dates = [after.date for after in case.project(issued=[*case.issued, row]).rows]
    assert (row.date not in dates) is case.expected[key]


def check_total_drop(case: Case, key: str) -> None:
    before, after = case.project(), case.project(issued=[*case.issued, edited(case)])
    assert sum(r.total_cents for r in before.rows) - sum(r.total_cents for r in after.rows) == cents(case.expected[key])


def check_count(case: Case, key: str) -> None:
    assert len(case.project().rows) == case.expected[key]


def check_each_principal(case: Case, key: str) -> None:
    assert {row.principal_cents for row in case.project().rows} == {cents(case.expected[key])}


def check_dates(case: Case, key: str) -> None:
    said = re.fullmatch(r"DatePayPlanStart \+ (\d+)\.\.(\d+) months", case.expected[key])
    assert said, f"cannot read dates: {case.expected[key]}"
    months = range(int(said[1]), int(said[2]) + 1)
    assert [row.date for row in case.project().rows] == [
        due_date(Frequency.MONTHLY, case.terms.start, k) for k in months
    ]


def check_steps(case: Case, key: str) -> None:
    seen = []
    for step in case.expected[key]:
        links = vectors.production(case.vector, completed=step["completed"])
        done = sum(link.value_cents for link in links if link.complete)
        rows = case.project(links=links).by_link
        seen.append({"completed": step["completed"], "charge_rows": len(rows), "completedAmt": done / 100})
    assert seen == case.expected[key]


def check_rows_before(case: Case, key: str) -> None:
    assert len(case.project(links=vectors.production(case.vector, completed=0)).by_link) == case.expected[key]


def after_completion(case: Case) -> Projection:
    return case.project(links=vectors.production(case.vector, completed=len(case.links)))


def check_rows_after(case: Case, key: str) -> None:
    assert len(after_completion(case).by_link) == case.expected[key]


def check_total_after(case: Case, key: str) -> None:
    assert sum(row.total_cents for row in after_completion(case).rows) == cents(case.expected[key])


def check_port(case: Case, key: str) -> None:
    projection = after_completion(case)
    expected = case.expected[key]
    assert sum(row.principal_cents for row in projection.rows) == cents(expected["principal_sum"])
    assert projection.interest_cents == cents(expected["interest_sum"])
    assert [projection.rows[-1]] == vectors.rows([expected["last"]])


def check_pay_amount(case: Case, key: str) -> None:
    assert vectors.computed_pay_amount(case.vector) == cents(case.expected[key])


def check_total_cost(case: Case, key: str) -> None:
    """One cent of play: the documented example ends on an exact half cent (decision 13)."""
    if case.vector["plan_kind"] == "old_static":
        cost = cents(case.vector["plan"].get("DownPayment", 0)) + sum(row.total_cents for row in static_rows(case))
    else:
        cost = total_cost_cents(case.terms, case.links, today=case.today)
    assert abs(cost - cents(case.expected[key])) <= 1


def static_rows(case: Case) -> tuple[ProjectedRow, ...]:
    return old_plan_rows(
        vectors.total_cents(case.vector),
        case.terms.pay_amount_cents,
        frequency=case.terms.frequency,
        start=case.terms.start,
        down_cents=case.terms.down_payment_cents,
        apr_percent=case.terms.apr_percent,
    )


def check_static_rows(case: Case, key: str) -> None:
    expected = [(cents(row["principal"]), cents(row["interest"])) for row in case.expected[key]]
    for differing in case.expected.get("recomputed_rows_differ", []):
        ours = differing["ours"]
        expected[differing["row"] - 1] = (cents(ours["principal"]), cents(ours["interest"]))
    assert [(row.principal_cents, row.interest_cents) for row in static_rows(case)] == expected


def check_value(case: Case, key: str) -> None:
    assert sum(link.value_cents for link in case.links) == cents(case.expected[key])


def check_completed(case: Case, key: str) -> None:
    assert sum(link.value_cents for link in case.links if link.complete) == cents(case.expected[key])


def check_remaining(case: Case, key: str) -> None:
    charged = sum(row.principal_cents for row in case.issued)
    assert sum(link.value_cents for link in case.links) - charged == cents(case.expected[key])


CHECKS: dict[str, Callable[[Case, str], None]] = {
    "projected": check_projected,
    "issued_on_creation": check_issued_on_creation,
    "next_period_only": check_next_period_only,
    "then_projected": check_then_projected,
    "next_period_principal_sum": check_next_principal_sum,
    "down_payment_charge_date": check_down_payment_date,
    "no_projected_charge_on_edited_date": check_edited_date_empty,
    "projected_total_drop": check_total_drop,
    "projected_count": check_count,
    "each_principal": check_each_principal,
    "dates": check_dates,
    "steps": check_steps,
    "before_completion_rows": check_rows_before,
    "rows_while_TP": check_rows_before,
    "rows_after_complete": check_rows_after,
    "after_completion_rows": check_rows_after,
    "after_completion_total": check_total_after,
    "port_computed": check_port,
    "computed_PayAmt": check_pay_amount,
    "PayAmt": check_pay_amount,
    "note_total_cost_of_loan": check_total_cost,
    "total_cost_of_loan": check_total_cost,
    "rows": check_static_rows,
    "recomputed_rows_differ": check_static_rows,
    "AmountOriginal": check_value,
    "completedAmt": check_completed,
    "AmountRemaining": check_remaining,
}
PREFIXES = {"projected_after_paying_": check_projected_after_paying, "auto_split_of_": check_auto_split}
OUR_MODES = {
    "full_projection",
    "next_period_only",
    "pay_amt",
    "total_cost",
    "schedule_without_down_payment_row",
    "production_value",
}


def is_asserted(key: str) -> bool:
    return key in CHECKS or (key not in PROSE and not key.startswith(NOT_ASSERTED))


def check_for(key: str) -> Callable[[Case, str], None]:
    for prefix, check in PREFIXES.items():
        if key.startswith(prefix):
            return check
    assert key in CHECKS, f"no check for the expectation {key!r}"
    return CHECKS[key]


@pytest.mark.parametrize("vector", FILE["vectors"], ids=lambda vector: str(vector["id"]))
def test_vector_holds(vector: Vector) -> None:
    assert vector["plan_kind"] in ("dynamic", "old_static"), f"unknown plan kind {vector['plan_kind']!r}"
    if vector["mode"] not in OUR_MODES:
        assert vector["mode"] in opendental_vectors.MODES, f"unknown mode {vector['mode']!r}"
        opendental_vectors.run(vector)
        return
    case = Case(vector)
    checked = [key for key in vector["expected"] if is_asserted(key)]
    assert checked, "the vector expects nothing"
    for key in checked:
        check_for(key)(case, "rows" if key == "recomputed_rows_differ" else key)


def derived_dates(entry: Vector) -> None:
    for case in entry["cases"]:
        frequency, start = Frequency(case["ChargeFrequency"]), day(case["DatePayPlanStart"])
        assert [due_date(frequency, start, k).isoformat() for k in range(len(case["dates"]))] == case["dates"]


def derived_terms(entry: Vector) -> None:
    """Terms whose interest is at least the payment give no rows; only growing debt makes them invalid."""
    given = entry["inputs"]
    start = date(2024, 6, 10)
    terms = Terms(Frequency(given["ChargeFrequency"]), start, cents(given["PayAmt"]), float(given["APR"]))
    projection = project(terms, [Production(cents(given["total"]))], today=start)
    assert projection.rows == ()
    assert projection.valid is (entry["port"] != "INVALID")


def derived_missed_day(entry: Vector) -> None:
    given = entry["inputs"]
    terms = Terms(Frequency(given["ChargeFrequency"]), day(given["DatePayPlanStart"]), 100_00)
    links = [Production(300_00)]
    before = project(terms, links, today=day(given["service_down_on"])).rows
    after = project(terms, links, today=day(given["next_run"])).rows
    assert [row.date for row in before] == [date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1)]
    assert [row.date for row in after] == [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]


def derived_weekday_doubt(_entry: Vector) -> None:
    starts = [date(2024, 7, number) for number in (2, 9, 16, 23, 30)]
    assert [issuing_doubtful(Frequency.ORDINAL_WEEKDAY, start) for start in starts] == [False, True, True, True, True]
    second = project(Terms(Frequency.ORDINAL_WEEKDAY, starts[1], 10_00), [Production(30_00)], today=date(2024, 7, 10))
    assert [row.date for row in second.rows] == [date(2024, 8, 13), date(2024, 9, 10), date(2024, 10, 8)]


DERIVED: dict[str, Callable[[Vector], None]] = {
    "der-01-period-dates": derived_dates,
    "der-02-terms-never-pay-off": derived_terms,
    "der-03-interest-equals-payment": derived_terms,
    "der-04-missed-service-day": derived_missed_day,
    "der-05-ordinal-weekday-period-index": derived_weekday_doubt,
}


@pytest.mark.parametrize("entry", FILE.get("derived", []), ids=lambda entry: str(entry["id"]))
def test_derived_rule_holds(entry: Vector) -> None:
    check = derived_dates if "cases" in entry else DERIVED.get(entry["id"])
    assert check, f"no check for the derived rule {entry['id']!r}"
    check(entry)
