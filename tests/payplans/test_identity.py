"""Which installment is which after Open Dental issued, moved, changed or removed charges."""

from __future__ import annotations

from datetime import date

from payplans.identity import Known, Row, Sort, Wanted, group, match

TODAY = date(2022, 7, 1)


def day(text: str) -> date:
    return date.fromisoformat(f"2022-{text}")


def projected(*days: str, cents: int = 10000) -> list[Wanted]:
    return [Wanted(day(text), cents) for text in days]


def known(*days: str, **more: object) -> list[Known]:
    return [Known(id=place, date=day(text), **more) for place, text in enumerate(days, 1)]  # type: ignore[arg-type]


def pairs(found: list[Known], wanted: list[Wanted], today: date = TODAY) -> list[tuple[int | None, str]]:
    matching = match(found, wanted, today=today)
    return [(ours.id if ours else None, theirs.date.isoformat()[5:]) for ours, theirs in matching.pairs]


def left(found: list[Known], wanted: list[Wanted], today: date = TODAY) -> list[int]:
    return [ours.id for ours in match(found, wanted, today=today).left]


def test_rows_of_a_date_are_one_installment_and_interest_adds_up() -> None:
    [one] = group([Row(8, day("07-24"), 4000, 150), Row(7, day("07-24"), 6000, 0)])
    assert (one.date, one.principal_cents, one.interest_cents) == (day("07-24"), 10000, 150)
    assert [row.number for row in one.rows] == [7, 8]


def test_a_down_payment_on_the_first_due_date_is_an_installment_of_its_own() -> None:
    rows = [Row(1, day("07-24"), 5000, note="Down Payment", is_down_payment=True), Row(2, day("07-24"), 10000)]
    assert [(one.sort, one.amount_cents) for one in group(rows)] == [(Sort.DOWN_PAYMENT, 5000), (Sort.REGULAR, 10000)]


def test_a_close_out_on_a_due_date_is_an_installment_of_its_own() -> None:
    rows = [Row(1, day("07-24"), 10000), Row(2, day("07-24"), 34000, note="Close Out Charge")]
    assert [(one.sort, one.amount_cents) for one in group(rows)] == [(Sort.REGULAR, 10000), (Sort.CLOSE_OUT, 34000)]


def test_an_offset_on_the_same_date_nets_into_it() -> None:
    [one] = group([Row(1, day("07-24"), 10000), Row(2, day("07-24"), -2500, is_offset=True)])
    assert (one.amount_cents, len(one.rows)) == (7500, 2)


def test_an_offset_alone_lowers_the_nearest_earlier_installments() -> None:
    rows = [Row(1, day("06-24"), 10000), Row(2, day("07-24"), 3000, 200), Row(3, day("07-26"), -4200, is_offset=True)]
    first, second = group(rows)
    assert (first.amount_cents, second.amount_cents) == (9000, 0)
    assert [row.number for row in second.rows] == [2, 3]


def test_an_offset_before_any_charge_makes_no_negative_installment() -> None:
    assert group([Row(3, day("07-26"), -4200, is_offset=True)]) == []


def test_negative_interest_within_a_date_is_taken_off_the_principal() -> None:
    [one] = group([Row(1, day("07-24"), 10000, -50)])
    assert (one.principal_cents, one.interest_cents) == (9950, 0)


def test_an_issued_row_takes_the_projected_installment_of_its_date() -> None:
    issued = Wanted(day("07-24"), 10000, rows=(Row(7, day("07-24"), 10000),))
    assert pairs(known("07-24", "08-24"), [issued, *projected("08-24")]) == [(1, "07-24"), (2, "08-24")]


def test_a_known_charge_number_wins_over_the_date() -> None:
    ours = [Known(1, day("07-24"), is_issued=True, numbers=frozenset({7})), Known(2, day("08-24"))]
    moved = Wanted(day("08-24"), 10000, rows=(Row(7, day("08-24"), 10000),))
    assert pairs(ours, [moved, *projected("09-24")]) == [(1, "08-24"), (2, "09-24")]


def test_a_row_torn_in_two_dates_keeps_its_identity_where_most_rows_are() -> None:
    ours = [Known(1, day("07-24"), is_issued=True, numbers=frozenset({7, 8, 9}))]
    one = Wanted(day("07-20"), 3000, rows=(Row(7, day("07-20"), 3000),))
    two = Wanted(day("07-24"), 7000, rows=(Row(8, day("07-24"), 3500), Row(9, day("07-24"), 3500)))
    assert pairs(ours, [one, two]) == [(None, "07-20"), (1, "07-24")]


def test_rows_of_two_installments_merged_on_one_date_keep_the_larger_ones_identity() -> None:
    ours = [
        Known(1, day("07-24"), is_issued=True, numbers=frozenset({7})),
        Known(2, day("08-24"), is_issued=True, numbers=frozenset({8, 9})),
    ]
    rows = tuple(Row(number, day("08-24"), 3000) for number in (7, 8, 9))
    assert pairs(ours, [Wanted(day("08-24"), 9000, rows=rows)]) == [(2, "08-24")]
    assert left(ours, [Wanted(day("08-24"), 9000, rows=rows)]) == [1]


def test_a_missed_run_moves_every_later_installment_one_date_on() -> None:
    ours = known("06-24", "07-24", "08-24")
    assert pairs(ours, projected("07-24", "08-24", "09-24")) == [(1, "07-24"), (2, "08-24"), (3, "09-24")]


def test_after_a_long_silence_the_issued_date_is_matched_and_the_missed_one_moves_to_the_end() -> None:
    ours = known("07-24", "08-24", "09-24")
    issued = Wanted(day("08-24"), 10000, rows=(Row(7, day("08-24"), 10000),))
    found = pairs(ours, [issued, *projected("09-24", "10-24")], today=day("08-25"))
    assert found == [(2, "08-24"), (1, "09-24"), (3, "10-24")]


def test_a_row_issued_on_an_odd_date_takes_the_earliest_waiting_installment() -> None:
    issued = Wanted(day("07-10"), 10000, rows=(Row(7, day("07-10"), 10000),))
    assert pairs(known("07-24", "08-24"), [issued, *projected("08-24")]) == [(1, "07-10"), (2, "08-24")]


def test_a_changed_start_date_keeps_identities_by_order() -> None:
    assert pairs(known("07-24", "08-24"), projected("07-28", "08-28")) == [(1, "07-28"), (2, "08-28")]


def test_a_shortened_plan_leaves_its_last_installments() -> None:
    ours = known("07-24", "08-24", "09-24")
    assert pairs(ours, projected("07-24", "08-24")) == [(1, "07-24"), (2, "08-24")]
    assert left(ours, projected("07-24", "08-24")) == [3]


def test_a_lengthened_plan_gets_new_installments_at_its_end() -> None:
    assert pairs(known("07-24"), projected("07-24", "08-24")) == [(1, "07-24"), (None, "08-24")]


def test_a_close_out_never_takes_a_projected_installment() -> None:
    row = Row(9, day("07-10"), 34000, note="Close Out Charge")
    ours = known("07-24")
    assert pairs(ours, group([row])) == [(None, "07-10")]
    assert left(ours, group([row])) == [1]


def test_a_deleted_row_that_is_projected_again_keeps_its_installment() -> None:
    ours = [Known(1, day("07-24"), is_issued=True, numbers=frozenset({7}))]
    assert pairs(ours, projected("07-24")) == [(1, "07-24")]


def test_a_reopened_plan_wakes_its_canceled_installments() -> None:
    ours = known("07-24", "08-24", is_live=False)
    assert pairs(ours, projected("07-24", "08-24")) == [(1, "07-24"), (2, "08-24")]


def test_a_canceled_installment_of_another_date_stays_canceled() -> None:
    ours = known("07-24", is_live=False)
    assert pairs(ours, projected("08-24")) == [(None, "08-24")]
    assert left(ours, projected("08-24")) == [1]


def test_a_live_installment_goes_before_a_canceled_one_of_the_same_date() -> None:
    ours = [Known(1, day("07-24"), is_live=False), Known(2, day("07-24"))]
    assert pairs(ours, projected("07-24")) == [(2, "07-24")]


def test_a_down_payment_is_never_matched_to_a_due_date() -> None:
    ours = [Known(1, day("07-24"), is_issued=True, is_down_payment=True, numbers=frozenset({4}))]
    assert pairs(ours, projected("07-24")) == [(None, "07-24")]
    assert left(ours, projected("07-24")) == [1]
