"""A posting that staff mark as posted by hand: never sent again, never hidden, and it can be made good."""

from __future__ import annotations

import pytest

from opendental import marking, outbox
from opendental.adopt import UnableToAdopt, adopt
from opendental.models import Connection
from payments.models import Alarm, LedgerPosting
from practices.models import Event
from tests.opendental.desk import Desk, alarms, row_of, state
from tests.opendental.test_adopt import refused as refused
from tests.opendental.test_refunds import enter, give_back, posted
from tests.opendental.test_refunds import stand_ins as stand_ins

State = LedgerPosting.State


def mark(desk: Desk, posting: LedgerPosting) -> None:
    assert marking.mark(posting, reason="On the deposit of 62", actor="user:7", now=desk.now())


def test_a_marked_posting_is_never_sent_and_its_alarm_is_gone(desk: Desk, refused: LedgerPosting) -> None:
    mark(desk, refused)

    desk.wait(hours=2)
    desk.post()

    assert (state(refused), refused.state_reason, refused.pay_num) == (State.MARKED, "On the deposit of 62", None)
    assert (alarms(), desk.books("payments")) == ([], [])
    event = Event.objects.get(kind="posting_marked")
    assert (event.actor, event.text, event.after) == ("user:7", "On the deposit of 62", {"state": "MARKED"})
    assert not outbox.look_again(refused, now=desk.now())


def test_the_same_money_on_the_charge_is_still_pointed_out(desk: Desk, refused: LedgerPosting) -> None:
    mark(desk, refused)
    number = int(desk.act("cash", PayPlanChargeNum=row_of(refused), amount_cents=100_00)["PayNum"])
    desk.wait(minutes=1)

    desk.pull()
    assert alarms() == ["PAID_TWICE"]
    assert "Our payment of that amount is marked as posted by hand" in Alarm.objects.get(closed_at=None).text

    adopt(Connection.objects.get(), refused, number, actor="user:7", now=desk.wait(seconds=5))
    desk.wait(minutes=1)
    desk.pull()
    assert (state(refused), refused.pay_num, alarms()) == (State.MATCHED, number, [])


def test_a_mark_that_is_taken_back_is_searched_for_before_it_is_sent(desk: Desk, refused: LedgerPosting) -> None:
    LedgerPosting.objects.update(sends=0)
    refused.refresh_from_db()
    mark(desk, refused)

    assert marking.unmark(refused, actor="user:7", now=desk.now())

    assert (state(refused), refused.sends, alarms()) == (State.REFUSED, 1, ["POSTING_REFUSED"])
    assert outbox.look_again(refused, now=desk.now())
    assert state(refused) == State.UNCLEAR
    assert not marking.unmark(refused, actor="user:7", now=desk.now())


def test_the_refund_of_a_marked_payment_is_entered_by_staff(desk: Desk, refused: LedgerPosting) -> None:
    mark(desk, refused)
    back = give_back(desk, refused, 40_00)

    desk.post()

    assert (state(back), desk.books("payments")) == (State.BY_HAND, [])
    [alarm] = Alarm.objects.filter(kind="REFUND_BY_HAND", closed_at=None)
    assert "open the payment that was entered by hand ($100.00, check number" in alarm.text


def test_a_refund_by_hand_is_looked_for_at_once_named_or_marked(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    named, marked = give_back(desk, due, 40_00), give_back(desk, due, 10_00)
    desk.post()
    assert (state(named), state(marked)) == (State.BY_HAND, State.BY_HAND)
    number = enter(desk, due, named)
    wrong = enter(desk, due, marked, check="cash drawer")

    mark(desk, marked)
    with pytest.raises(UnableToAdopt, match=rf"PayNum {wrong} is −\$10\.00, this posting −\$40\.00\."):
        adopt(Connection.objects.get(), named, wrong, actor="user:7", now=desk.wait(seconds=5))
    adopt(Connection.objects.get(), named, number, actor="user:7", now=desk.wait(seconds=5))

    assert (state(named), named.pay_num, state(marked)) == (State.MATCHED, number, State.MARKED)
    assert alarms() == []
    assert marking.unmark(marked, actor="user:7", now=desk.now())
    assert (state(marked), alarms()) == (State.BY_HAND, ["REFUND_BY_HAND"])
    assert outbox.look_again(marked, now=desk.now())
    desk.wait(seconds=70)
    desk.pull(cycles=2)
    desk.post()
    assert (state(marked), marked.pay_num, alarms()) == (State.MATCHED, wrong, [])
