"""A payment that staff entered by hand is taken for ours only when amount, patient and plan agree."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from opendental.adopt import UnableToAdopt, adopt
from opendental.models import Connection
from payments.models import LedgerPosting
from practices.models import Event
from tests.opendental.desk import Desk, alarms, collected, installments, row_of, rows_hit, state

State = LedgerPosting.State


@pytest.fixture
def refused(desk: Desk, due: LedgerPosting) -> LedgerPosting:
    """$100 that Open Dental refused for a payment type it does not know."""
    Connection.objects.update(pay_type_num=290)
    desk.post()
    Connection.objects.update(pay_type_num=383)
    assert state(due) == State.REFUSED
    return due


def by_hand(desk: Desk, charge: int, cents: int = 100_00) -> int:
    desk.wait(minutes=1)
    return int(desk.act("cash", PayPlanChargeNum=charge, amount_cents=cents)["PayNum"])


def say(desk: Desk, posting: LedgerPosting, number: int) -> None:
    adopt(Connection.objects.get(), posting, number, actor="Robin Deskson", now=desk.wait(seconds=5))


def test_a_payment_entered_by_hand_settles_the_posting_and_ends_the_alarms(desk: Desk, refused: LedgerPosting) -> None:
    number = by_hand(desk, row_of(refused))
    desk.pull()
    assert alarms() == ["POSTING_REFUSED", "PAID_TWICE"]

    say(desk, refused, number)
    assert (state(refused), refused.pay_num, len(desk.books("payments"))) == (State.MATCHED, number, 1)
    event = Event.objects.get(kind="posting_adopted")
    assert (event.actor, event.text) == ("Robin Deskson", f"{refused.reference}: PayNum {number}")
    desk.wait(minutes=1)
    desk.pull()
    assert alarms() == []


def test_one_that_lies_on_another_charge_of_the_plan_is_put_on_its_own(desk: Desk, refused: LedgerPosting) -> None:
    assert refused.plan is not None
    second = installments(refused.plan.pay_plan_num)[1].charge_rows.get().pay_plan_charge_num
    say(desk, refused, by_hand(desk, second))
    assert (state(refused), rows_hit(desk)) == (State.MATCHED, [(row_of(refused), 100_00)])


def other_amount(desk: Desk, posting: LedgerPosting) -> int:
    return by_hand(desk, row_of(posting), 99_99)


def other_patient(desk: Desk, posting: LedgerPosting) -> int:
    stranger = desk.patient(FName="Quinn")
    return int(desk.act("cash", PatNum=stranger, amount_cents=100_00)["PayNum"])


def other_plan(desk: Desk, posting: LedgerPosting) -> int:
    number = desk.plan(posting.patient.pat_num)
    charge = next(row for row in desk.books("payplancharges") if row["PayPlanNum"] == number)
    return by_hand(desk, charge["PayPlanChargeNum"])


def other_posting(desk: Desk, posting: LedgerPosting) -> int:
    posted = collected(desk)
    desk.post()
    assert state(posted) == State.MATCHED
    return posted.pay_num or 0


def nothing(desk: Desk, posting: LedgerPosting) -> int:
    return 4711


@pytest.mark.parametrize(
    ("entered", "words"),
    [
        (other_amount, r"PayNum \d+ is \$99\.99, this posting \$100\.00\."),
        (other_patient, r"Open Dental has no PayNum \d+ of this patient or guarantor\."),
        (other_plan, r"Only \$0\.00 of PayNum \d+ is on this plan in Open Dental\."),
        (other_posting, r"PayNum \d+ belongs to KP-\w+ already\."),
        (nothing, r"Open Dental has no PayNum 4711 of this patient or guarantor\."),
    ],
)
def test_another_payment_is_not_taken_for_ours(
    desk: Desk, refused: LedgerPosting, entered: Callable[[Desk, LedgerPosting], int], words: str
) -> None:
    number = entered(desk, refused)
    with pytest.raises(UnableToAdopt, match=words):
        say(desk, refused, number)
    assert (state(refused), refused.pay_num) == (State.REFUSED, None)
    assert not Event.objects.filter(kind="posting_adopted").exists()


def test_what_is_posted_or_still_worked_on_is_not_adopted(desk: Desk, due: LedgerPosting) -> None:
    with pytest.raises(UnableToAdopt, match="does not wait for a person: Waiting"):
        say(desk, due, 1)
    desk.post()
    state(due)
    number = by_hand(desk, row_of(due))
    with pytest.raises(UnableToAdopt, match=f"Open Dental has {due.reference} as PayNum {due.pay_num}"):
        say(desk, due, number)
    assert state(due) == State.MATCHED


def test_an_office_that_is_away_changes_nothing(desk: Desk, refused: LedgerPosting) -> None:
    number = by_hand(desk, row_of(refused))
    desk.act("offline", offline=True)
    with pytest.raises(UnableToAdopt, match="can't be reached"):
        say(desk, refused, number)
    assert (state(refused), refused.pay_num) == (State.REFUSED, None)


def test_the_command_says_what_became_of_it(desk: Desk, refused: LedgerPosting) -> None:
    number = by_hand(desk, row_of(refused))
    options = {"practice": desk.practice.slug, "posting": refused.reference}
    with pytest.raises(CommandError, match="no PayNum 4711"):
        call_command("adopt_payment", pay_num=4711, **options)
    with pytest.raises(CommandError, match="no posting 0"):
        call_command("adopt_payment", pay_num=number, **{**options, "posting": "0"})
    out = StringIO()
    call_command("adopt_payment", pay_num=number, stdout=out, **options)
    assert out.getvalue() == f"{refused.reference}: PayNum {number}, Posted and read back.\n"
    assert state(refused) == State.MATCHED
