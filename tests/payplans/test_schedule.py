"""The projection of payment plans: frequencies, odd dates, interest, down payment, and its laws for any terms."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payplans.amounts import UnableToComputeAmount, interest_cents
from payplans.paid import DebitType, PaidSplit, paid_on_principal, pools
from payplans.schedule import (
    MOST_ROWS,
    Frequency,
    Issued,
    LinkKind,
    Production,
    ProjectedRow,
    Terms,
    TreatmentPlanned,
    down_payment_date,
    due_date,
    first_period,
    old_plan_rows,
    pay_amount_cents,
    production_from_totals,
    project,
    total_cost_cents,
)

JULY_24 = date(2022, 7, 24)


def monthly(pay_cents: int, *, start: date = JULY_24, apr: float = 0.0, down: int = 0) -> Terms:
    return Terms(Frequency.MONTHLY, start, pay_cents, apr, down)


def test_example_plan_169_shows_five_installments_before_its_start() -> None:
    projection = project(monthly(128_60), production_from_totals(643_00, 643_00), today=date(2022, 7, 1))
    assert projection.rows == tuple(ProjectedRow(date(2022, month, 24), 128_60, 0) for month in (7, 8, 9, 10, 11))
    assert (projection.valid, projection.unscheduled_cents) == (True, 0)


@pytest.mark.parametrize(
    ("frequency", "dates"),
    [
        (Frequency.WEEKLY, ["2024-02-29", "2024-03-07", "2024-03-14"]),
        (Frequency.EVERY_OTHER_WEEK, ["2024-02-29", "2024-03-14", "2024-03-28"]),
        (Frequency.MONTHLY, ["2024-02-29", "2024-03-29", "2024-04-29"]),
        (Frequency.QUARTERLY, ["2024-02-29", "2024-05-29", "2024-08-29"]),
        (Frequency.ORDINAL_WEEKDAY, ["2024-02-22", "2024-03-28", "2024-04-25"]),
    ],
)
def test_each_frequency_counts_from_a_leap_day(frequency: Frequency, dates: list[str]) -> None:
    assert [due_date(frequency, date(2024, 2, 29), k).isoformat() for k in range(3)] == dates


def test_monthly_plan_from_a_leap_day_returns_to_the_29th_four_years_later() -> None:
    start = date(2024, 2, 29)
    assert [due_date(Frequency.MONTHLY, start, k) for k in (12, 48)] == [date(2025, 2, 28), date(2028, 2, 29)]


def test_month_end_clamps_from_the_original_day_without_drift() -> None:
    dates = [due_date(Frequency.MONTHLY, date(2023, 1, 31), k).isoformat() for k in range(5)]
    assert dates == ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]


def test_a_fifth_weekday_counts_as_fourth_and_lies_before_the_start() -> None:
    assert due_date(Frequency.ORDINAL_WEEKDAY, date(2024, 7, 30), 0) == date(2024, 7, 23)
    assert first_period(Frequency.ORDINAL_WEEKDAY, date(2024, 7, 30), date(2024, 7, 30)) == 1


@pytest.mark.parametrize(
    ("frequency", "today", "period"),
    [
        (Frequency.WEEKLY, date(2022, 7, 24), 0),
        (Frequency.WEEKLY, date(2022, 7, 25), 1),
        (Frequency.WEEKLY, date(2022, 7, 31), 1),
        (Frequency.EVERY_OTHER_WEEK, date(2022, 8, 8), 2),
        (Frequency.MONTHLY, date(2022, 8, 24), 1),
        (Frequency.MONTHLY, date(2022, 8, 25), 2),
        (Frequency.QUARTERLY, date(2023, 1, 24), 2),
        (Frequency.QUARTERLY, date(2023, 1, 25), 3),
        (Frequency.MONTHLY, date(2020, 1, 1), 0),
    ],
)
def test_first_period_is_the_first_not_before_today(frequency: Frequency, today: date, period: int) -> None:
    assert first_period(frequency, JULY_24, today) == period


def test_a_missed_date_is_not_made_up_and_the_plan_ends_one_period_later() -> None:
    rows = project(monthly(128_60), [Production(643_00)], today=date(2022, 7, 25)).rows
    assert [row.date for row in rows] == [date(2022, month, 24) for month in (8, 9, 10, 11, 12)]


def test_the_last_row_is_the_remainder() -> None:
    rows = project(monthly(30_00), [Production(100_00)], today=JULY_24).rows
    assert [row.principal_cents for row in rows] == [30_00, 30_00, 30_00, 10_00]


def test_interest_starts_on_its_own_date() -> None:
    terms = Terms(Frequency.MONTHLY, JULY_24, 50_00, 12.0, 0, date(2022, 8, 24))
    rows = project(terms, [Production(100_00)], today=JULY_24).rows
    assert [(row.principal_cents, row.interest_cents) for row in rows] == [(50_00, 0), (49_50, 50), (50, 0)]


def test_interest_stands_on_the_first_row_of_a_date_only() -> None:
    links = [Production(30_00, key="first", number=1), Production(70_00, key="second", number=2)]
    out = project(monthly(51_00, apr=12.0), links, today=JULY_24).by_link
    assert [(row.key, row.principal_cents, row.interest_cents) for row in out] == [
        ("first", 30_00, 1_00),
        ("second", 20_00, 0),
        ("second", 50_00, 50),
    ]


def test_production_is_charged_done_first_then_by_date_kind_and_number() -> None:
    later, early = date(2022, 2, 1), date(2022, 1, 1)
    links = [
        Production(1_00, complete=False, key="planned", date=early),
        Production(1_00, key="later", date=later),
        Production(1_00, key="adjustment", date=early, kind=LinkKind.ADJUSTMENT),
        Production(1_00, key="ninth", date=early, number=9),
        Production(1_00, key="eighth", date=early, number=8),
        Production(1_00, key="braces", date=early, kind=LinkKind.ORTHO_CASE, number=99),
    ]
    terms = Terms(Frequency.WEEKLY, JULY_24, 1_00, treatment_planned=TreatmentPlanned.TREAT_AS_COMPLETE)
    order = [row.key for row in project(terms, links, today=JULY_24).by_link]
    assert order == ["braces", "eighth", "ninth", "adjustment", "later", "planned"]


def test_planned_work_waits_for_completion_only_when_the_plan_says_so() -> None:
    links = production_from_totals(100_00, 40_00)
    waiting = monthly(40_00)
    eager = Terms(Frequency.MONTHLY, JULY_24, 40_00, treatment_planned=TreatmentPlanned.TREAT_AS_COMPLETE)
    assert [row.principal_cents for row in project(waiting, links, today=JULY_24).rows] == [40_00]
    assert [row.principal_cents for row in project(eager, links, today=JULY_24).rows] == [40_00, 40_00, 20_00]


def test_an_unissued_down_payment_is_not_projected_and_not_counted_again_once_issued() -> None:
    terms = monthly(45_00, down=10_00)
    before = project(terms, [Production(100_00)], today=date(2022, 7, 1)).rows
    down = Issued(date(2022, 7, 1), 10_00, is_down_payment=True)
    after = project(terms, [Production(100_00)], [down], today=date(2022, 7, 1)).rows
    assert [row.principal_cents for row in before] == [45_00, 45_00]
    assert after == before


def test_a_down_payment_dated_on_a_due_date_does_not_replace_the_installment() -> None:
    down = Issued(JULY_24, 10_00, is_down_payment=True)
    rows = project(monthly(45_00, down=10_00), [Production(100_00)], [down], today=JULY_24).rows
    assert [row.date for row in rows] == [JULY_24, date(2022, 8, 24)]


def test_down_payment_of_a_backdated_plan_is_dated_at_its_start() -> None:
    assert down_payment_date(date(2022, 5, 1), date(2022, 7, 1)) == date(2022, 5, 1)
    assert down_payment_date(date(2022, 8, 1), date(2022, 7, 1)) == date(2022, 7, 1)


def test_an_issued_date_is_skipped_and_its_reduction_moves_to_the_end() -> None:
    issued = [Issued(date(2022, 8, 24), 5_00)]
    rows = project(monthly(30_00), [Production(90_00)], issued, today=JULY_24).rows
    assert [(row.date.month, row.principal_cents) for row in rows] == [(7, 30_00), (9, 30_00), (10, 25_00)]


def test_issued_rows_reduce_the_work_they_name() -> None:
    links = [Production(50_00, key="a", number=1), Production(50_00, key="b", number=2)]
    out = project(monthly(50_00), links, [Issued(date(2022, 6, 24), 50_00, key="b")], today=JULY_24).by_link
    assert [(row.key, row.principal_cents) for row in out] == [("a", 50_00)]


def test_an_overcharged_plan_has_no_rows_left() -> None:
    projection = project(monthly(50_00), [Production(80_00)], [Issued(date(2022, 6, 24), 90_00)], today=JULY_24)
    assert (projection.rows, projection.valid, projection.unscheduled_cents) == ((), True, 0)


def test_no_interest_is_charged_on_unpaid_interest() -> None:
    """240 + 10 charged, nothing paid: the next row bears interest on the 1,000 of principal, not on 1,010."""
    issued = [Issued(date(2022, 7, 24), 240_00, 10_00)]
    terms = monthly(250_00, apr=12.0)
    unpaid = project(terms, [Production(1000_00)], issued, today=date(2022, 7, 25), next_only=True)
    assert unpaid.rows == (ProjectedRow(date(2022, 8, 24), 240_00, 10_00),)


def test_a_partly_paid_charge_raises_only_the_next_row() -> None:
    issued = [Issued(date(2022, 7, 24), 240_00, 10_00)]
    terms = monthly(250_00, apr=12.0)
    paid = [PaidSplit(100_00), PaidSplit(500_00, is_unearned=True)]
    following = project(terms, [Production(1000_00)], issued, paid, today=date(2022, 7, 25), next_only=True)
    full = project(terms, [Production(1000_00)], issued, paid, today=date(2022, 7, 25))
    assert following.rows == (ProjectedRow(date(2022, 8, 24), 240_90, 9_10),)
    assert full.rows[0] == ProjectedRow(date(2022, 8, 24), 242_40, 7_60)


def test_money_paid_ahead_lowers_interest_until_the_charges_catch_up() -> None:
    """Open Dental's example: 1,000 paid on a 1,000 plan with 250 charged leaves interest on the last 10."""
    issued = [Issued(date(2022, 7, 24), 240_00, 10_00)]
    rows = project(
        monthly(250_00, apr=12.0), [Production(1000_00)], issued, [PaidSplit(1000_00)], today=date(2022, 7, 25)
    ).rows
    assert [(row.principal_cents, row.interest_cents) for row in rows] == [(249_90, 10)] * 3 + [(10_30, 10)]


@pytest.mark.parametrize(
    ("splits", "cents"),
    [
        ([PaidSplit(100_00)], 90_00),
        ([PaidSplit(30_00, DebitType.INTEREST)], 20_00),
        ([PaidSplit(4_00, DebitType.INTEREST), PaidSplit(10_00)], 4_00),
        ([PaidSplit(50_00, DebitType.PRINCIPAL)], 50_00),
        ([PaidSplit(50_00, DebitType.PRINCIPAL), PaidSplit(-20_00, DebitType.PRINCIPAL)], 30_00),
        ([PaidSplit(50_00, DebitType.PRINCIPAL), PaidSplit(-20_00)], 30_00),
        ([PaidSplit(10_00, DebitType.PRINCIPAL), PaidSplit(25_00, DebitType.INTEREST), PaidSplit(-20_00)], 5_00),
        ([PaidSplit(80_00), PaidSplit(-20_00, DebitType.PRINCIPAL)], 50_00),
        ([PaidSplit(30_00, DebitType.PRINCIPAL), PaidSplit(-50_00, DebitType.INTEREST)], 0),
        ([PaidSplit(80_00, is_unearned=True)], 0),
    ],
)
def test_splits_pay_interest_before_principal(splits: list[PaidSplit], cents: int) -> None:
    assert paid_on_principal(pools(splits), charged_interest_cents=10_00) == cents


def test_terms_that_never_pay_off_have_no_rows_in_either_mode() -> None:
    terms = monthly(25_00, apr=36.0)
    for next_only in (False, True):
        projection = project(terms, [Production(1000_00)], today=JULY_24, next_only=next_only)
        assert (projection.valid, projection.rows, projection.unscheduled_cents) == (False, (), 1000_00)


@pytest.mark.parametrize("pay_cents", [0, 10_00])
def test_terms_whose_payment_only_covers_interest_stop_without_rows(pay_cents: int) -> None:
    terms = monthly(pay_cents, apr=12.0 if pay_cents else 0.0)
    projection = project(terms, [Production(1000_00)], today=JULY_24)
    assert (projection.valid, projection.rows, projection.unscheduled_cents) == (True, (), 1000_00)


def test_a_plan_of_pennies_stops_at_two_thousand_rows() -> None:
    projection = project(monthly(1), [Production(30_00)], today=JULY_24)
    assert (len(projection.rows), projection.unscheduled_cents) == (MOST_ROWS, 10_00)


def test_a_plan_at_the_end_of_the_calendar_stops_with_it() -> None:
    projection = project(monthly(1_00, start=date(9999, 11, 30)), [Production(5_00)], today=JULY_24)
    assert ([row.date for row in projection.rows], projection.unscheduled_cents) == (
        [date(9999, 11, 30), date(9999, 12, 30)],
        3_00,
    )


def test_installment_amount_is_rounded_up_to_the_cent() -> None:
    amounts = [
        pay_amount_cents(728_00, 8, down_cents=100_00, apr_percent=10, frequency=Frequency.MONTHLY),
        pay_amount_cents(70_00, 10, down_cents=1_00, frequency=Frequency.MONTHLY),
        pay_amount_cents(100_00, 5, apr_percent=12, frequency=Frequency.MONTHLY),
        pay_amount_cents(643_00, 5, frequency=Frequency.MONTHLY),
        pay_amount_cents(100_00, 3, frequency=Frequency.MONTHLY),
    ]
    assert amounts == [81_48, 6_90, 20_61, 128_60, 33_34]


def test_no_payments_is_refused() -> None:
    with pytest.raises(UnableToComputeAmount, match="at least one payment"):
        pay_amount_cents(100_00, 0, frequency=Frequency.MONTHLY)


def test_interest_on_a_whole_half_cent_goes_to_the_even_cent() -> None:
    assert (interest_cents(50, 0.01), interest_cents(150, 0.01), interest_cents(-100_00, 0.01)) == (0, 2, 0)


def test_total_cost_is_the_work_and_its_interest() -> None:
    assert total_cost_cents(monthly(51_00, apr=12.0), [Production(100_00)], today=JULY_24) == 101_50


def test_old_plan_that_never_pays_off_has_no_rows() -> None:
    terms = {"frequency": Frequency.MONTHLY, "start": JULY_24, "apr_percent": 36.0}
    assert old_plan_rows(1000_00, 25_00, **terms) == ()  # type: ignore[arg-type]


def test_totals_of_a_plan_without_finished_work_give_one_waiting_piece() -> None:
    assert production_from_totals(100_00, 0) == [Production(100_00, complete=False)]
    assert production_from_totals(100_00, 120_00) == [Production(100_00)]
    assert production_from_totals(0, 0) == []


any_day = st.dates(date(1990, 1, 1), date(2090, 12, 31))
any_terms = st.builds(
    Terms,
    frequency=st.sampled_from(Frequency),
    start=any_day,
    pay_amount_cents=st.integers(-1_00, 0) | st.integers(2_00, 500_00),
    apr_percent=st.floats(0, 60),
    down_payment_cents=st.integers(0, 100_00),
    interest_start=any_day,
    treatment_planned=st.sampled_from(TreatmentPlanned),
)
any_links = st.lists(st.builds(Production, st.integers(0, 300_00), st.booleans(), number=st.integers(1, 9)), max_size=4)
any_splits = st.lists(st.builds(PaidSplit, st.integers(-100_00, 400_00), st.sampled_from(DebitType)), max_size=3)


@given(any_terms, any_links, any_splits, any_day, st.booleans())
def test_any_projection_sums_up_moves_forward_and_never_goes_negative(
    terms: Terms, links: list[Production], splits: list[PaidSplit], today: date, next_only: bool
) -> None:
    projection = project(terms, links, (), splits, today=today, next_only=next_only)
    rows = projection.rows
    waits = terms.treatment_planned is TreatmentPlanned.AWAIT_COMPLETE
    chargeable = sum(link.value_cents for link in links if link.complete or not waits) - terms.down_payment_cents
    assert sum(row.principal_cents for row in rows) + projection.unscheduled_cents == max(0, chargeable)
    assert all(earlier.date < later.date for earlier, later in zip(rows, rows[1:], strict=False))
    assert all(row.date >= today for row in rows)
    assert all(row.principal_cents > 0 and row.interest_cents >= 0 for row in rows)
    assert all(row.total_cents <= terms.pay_amount_cents for row in rows)
    assert sum(row.interest_cents for row in projection.by_link) == projection.interest_cents
    assert len(rows) <= (1 if next_only else MOST_ROWS)


@given(any_terms, any_links, any_splits, any_day)
def test_issuing_the_next_row_leaves_the_rest_of_any_projection_as_it_was(
    terms: Terms, links: list[Production], splits: list[PaidSplit], today: date
) -> None:
    down = Issued(date.min, terms.down_payment_cents, is_down_payment=True)
    rows = project(terms, links, [down], splits, today=today).rows
    if not rows:
        return
    first = Issued(rows[0].date, rows[0].principal_cents, rows[0].interest_cents)
    assert project(terms, links, [down, first], splits, today=today).rows == rows[1:]


@given(any_terms, any_links, any_day)
def test_no_interest_grows_on_interest_in_any_projection(terms: Terms, links: list[Production], today: date) -> None:
    """A row's interest never exceeds one period's rate on the principal still to be charged."""
    projection = project(terms, links, today=today)
    left = sum(row.principal_cents for row in projection.rows) + projection.unscheduled_cents
    for row in projection.rows:
        assert row.interest_cents <= left * terms.apr_percent / 100 / terms.frequency.per_year + 0.501
        left -= row.principal_cents


@given(st.sampled_from(Frequency), any_day, any_day)
def test_the_first_period_is_the_only_one_between_its_neighbor_and_today(
    frequency: Frequency, start: date, today: date
) -> None:
    k = first_period(frequency, start, today)
    assert due_date(frequency, start, k) >= today
    assert k == 0 or due_date(frequency, start, k - 1) < today
    assert due_date(frequency, start, k + 1) - due_date(frequency, start, k) >= timedelta(days=7)


@given(st.integers(1, 10_000_00), st.integers(1, 60), st.sampled_from(Frequency), st.sampled_from([0.0, 5.0, 18.0]))
def test_the_installment_amount_of_a_number_of_payments_pays_the_plan_off(
    total: int, payments: int, frequency: Frequency, apr: float
) -> None:
    """Cent rounding of interest may leave a few cents for one more row, never a missing payment's worth."""
    amount = pay_amount_cents(total, payments, apr_percent=apr, frequency=frequency)
    rows = project(Terms(frequency, JULY_24, amount, apr), [Production(total)], today=JULY_24).rows
    assert sum(row.principal_cents for row in rows[:payments]) >= total - payments
