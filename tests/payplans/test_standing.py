"""What the office took, spread over installments: by charge first, the rest oldest first."""

from __future__ import annotations

from datetime import date

from payplans.models import Installment
from payplans.standing import Item, Split, paid_per_row, spread, status_of


def items(*collected: int, cents: int = 10000) -> list[Item]:
    """Installments of $100 with one charge row each, numbered 1, 2, 3 …"""
    return [Item(place, cents, taken, frozenset({place})) for place, taken in enumerate(collected, 1)]


def paid(found: list[Item], *splits: Split, ours: set[int] | None = None) -> list[int]:
    return [item.paid_cents for item in spread(found, splits, ours=ours or set())]


def test_money_on_a_charge_pays_that_installment() -> None:
    assert paid(items(0, 0, 0), Split(50, 3, 10000)) == [0, 0, 10000]


def test_money_on_no_charge_pays_the_oldest_first() -> None:
    assert paid(items(0, 0, 0), Split(50, 0, 15000)) == [10000, 5000, 0]


def test_money_on_no_charge_skips_what_we_collected() -> None:
    assert paid(items(10000, 0, 0), Split(50, 0, 10000)) == [0, 10000, 0]


def test_our_own_payments_do_not_count() -> None:
    assert paid(items(10000, 0), Split(77, 1, 10000), ours={77}) == [0, 0]


def over(found: list[Item], *splits: Split, ours: set[int] | None = None) -> list[int]:
    return [item.over_cents for item in spread(found, splits, ours=ours or set())]


def test_more_than_a_charge_owes_stays_on_it() -> None:
    assert paid(items(0, 0, 0), Split(50, 2, 13000)) == [0, 10000, 0]
    assert over(items(0, 0, 0), Split(50, 2, 13000)) == [0, 3000, 0]


def test_money_on_a_charge_we_collected_stays_there() -> None:
    found = items(10000, 0)
    splits = [Split(77, 1, 10000), Split(50, 1, 10000)]
    assert paid(found, *splits, ours={77}) == [0, 0]
    assert over(items(10000, 0), *splits, ours={77}) == [10000, 0]


def test_the_rest_of_a_part_we_collected_is_taken_and_only_more_is_too_much() -> None:
    assert paid(items(4000, 0), Split(50, 1, 9000)) == [6000, 0]
    assert over(items(4000, 0), Split(50, 1, 9000)) == [3000, 0]


def test_too_much_that_open_dental_moves_pays_where_it_goes() -> None:
    moved = [Split(77, 1, 10000), Split(50, 1, 10000), Split(51, 1, -10000), Split(51, 2, 10000)]
    assert paid(items(10000, 0), *moved, ours={77}) == [0, 10000]
    assert over(items(10000, 0), *moved, ours={77}) == [0, 0]


def test_a_moved_prepayment_of_ours_is_not_too_much_and_the_offices_own_still_counts() -> None:
    moved = [Split(77, 0, 10000), Split(50, 0, 10000), Split(80, 0, -10000), Split(80, 1, 10000)]
    assert paid(items(10000, 0), *moved, ours={77}) == [0, 10000]
    assert over(items(10000, 0), *moved, ours={77}) == [0, 0]


def test_a_prepayment_of_the_office_moved_onto_a_charge_we_collected_is_too_much() -> None:
    moved = [Split(50, 0, 10000), Split(80, 0, -10000), Split(80, 1, 10000)]
    assert paid(items(10000, 0), *moved) == [0, 0]
    assert over(items(10000, 0), *moved) == [10000, 0]


def test_a_correction_on_no_charge_comes_out_of_what_is_too_much_first() -> None:
    assert paid(items(0, 0), Split(50, 1, 13000), Split(50, 2, 10000), Split(51, 0, -3000)) == [10000, 10000]


def test_a_deleted_payment_leaves_nothing() -> None:
    assert paid(items(0, 0), Split(50, 1, 10000), Split(51, 1, -10000)) == [0, 0]


def test_a_correction_on_no_charge_takes_from_the_newest() -> None:
    assert paid(items(0, 0), Split(50, 1, 10000), Split(50, 2, 10000), Split(51, 0, -4000)) == [10000, 6000]


def test_an_office_refund_of_our_payment_does_not_make_an_installment_owe_twice() -> None:
    assert paid(items(10000, 0), Split(77, 1, 10000), Split(78, 1, -10000), ours={77}) == [0, 0]


def test_a_prepayment_of_ours_that_open_dental_moved_onto_its_charge_is_not_counted_twice() -> None:
    """We hold $100 for installment 1; the office's service moves the hidden money onto its row with a $0 payment."""
    moved = [Split(77, 0, 10000), Split(80, 0, -10000), Split(80, 1, 10000)]
    assert paid(items(10000, 0), *moved, ours={77}) == [0, 0]


def test_a_prepayment_of_ours_that_open_dental_moved_elsewhere_is_not_counted_as_the_offices() -> None:
    moved = [Split(77, 0, 10000), Split(80, 0, -10000), Split(80, 1, 10000)]
    assert paid(items(0, 10000), *moved, ours={77}) == [0, 0]


def test_a_prepayment_taken_in_the_office_pays_the_oldest() -> None:
    assert paid(items(0, 0), Split(50, 0, 10000)) == [10000, 0]


def test_more_than_everything_owed_stays_unspread() -> None:
    assert paid(items(0, 0), Split(50, 0, 30000)) == [10000, 10000]


def test_what_stands_on_a_row_counts_whoever_paid() -> None:
    assert paid_per_row([Split(77, 1, 6000), Split(50, 1, 4000), Split(50, 0, 900)]) == {1: 10000}


def installment(status: str = "PENDING", *, collected: int = 0, office: int = 0, note: str = "") -> Installment:
    return Installment(
        principal_cents=10000, collected_cents=collected, office_paid_cents=office, status=status, status_note=note
    )


MAY_12 = date(2026, 5, 12)


def test_paid_in_full_there_is_paid_and_says_when() -> None:
    assert status_of(installment(office=10000), MAY_12) == ("PAID", "Paid in Open Dental May 12")


def test_a_failed_one_paid_there_is_paid() -> None:
    assert status_of(installment("FAILED", office=10000, note="Declined"), MAY_12)[0] == "PAID"


def test_paid_in_part_stays_open_and_says_how_much() -> None:
    assert status_of(installment(office=4000), MAY_12) == ("PENDING", "Paid in part in Open Dental May 12: $40.00")


def test_a_failed_one_paid_in_part_keeps_its_reason() -> None:
    assert status_of(installment("FAILED", office=4000, note="Declined"), MAY_12) == ("FAILED", "Declined")


def test_a_payment_deleted_there_opens_the_installment_again() -> None:
    assert status_of(installment("PAID", note="Paid in Open Dental May 12"), None) == ("PENDING", "")


def test_what_we_collected_stays_paid() -> None:
    assert status_of(installment("PAID", collected=10000), None) == ("PAID", "")


def test_a_cent_more_after_issuing_does_not_open_a_paid_one() -> None:
    assert status_of(installment("PAID", collected=9999), None) == ("PAID", "")


def test_fifty_cents_more_do() -> None:
    assert status_of(installment("PAID", collected=9950), None) == ("PENDING", "")


def test_a_canceled_one_stays_canceled() -> None:
    assert status_of(installment("CANCELED", office=10000, note="Plan closed"), MAY_12) == ("CANCELED", "Plan closed")
