"""Notes in the patient's Commlog about what staff must enter: written once, whatever becomes of the answer."""

from __future__ import annotations

import pytest

from opendental.client import Office
from opendental.models import Connection, OfficeNote
from payments.models import Alarm, LedgerPosting
from tests.opendental.desk import Desk, state
from tests.opendental.test_refunds import enter, give_back, posted

pytestmark = pytest.mark.usefixtures("stand_ins")
NOTES = "POST /api/v1/commlogs"


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.upward.handlers.nudge", lambda _practice: None)


def commlogs(desk: Desk) -> list[str]:
    patient = LedgerPosting.objects.filter(movement="PAYMENT").get().sent_body["PatNum"]
    rows = Office(Connection.objects.get(practice=desk.practice)).get_all("/commlogs", PatNum=patient)
    return [row["Note"] for row in rows]


def test_what_staff_must_enter_stands_once_in_the_commlog(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)
    for _ in range(3):
        desk.post()
        desk.wait(minutes=16)

    note = OfficeNote.objects.get()
    assert commlogs(desk) == [f"{back.reference} KasperPay: {Alarm.objects.get().text}"]
    assert (note.state, note.sends, note.commlog_num is not None) == ("WRITTEN", 1, True)


@pytest.mark.parametrize(("fault", "sends"), [("drop_after", 1), ("drop_before", 2)])
def test_a_note_whose_answer_is_lost_is_searched_for_before_it_is_sent_again(
    desk: Desk, due: LedgerPosting, fault: str, sends: int
) -> None:
    posted(desk, due)
    give_back(desk, due, 40_00)
    desk.outside.fault(NOTES, fault)
    desk.post()
    assert OfficeNote.objects.get().state == "UNCLEAR"

    desk.wait(seconds=61)
    desk.post()

    assert (OfficeNote.objects.get().state, OfficeNote.objects.get().sends, len(commlogs(desk))) == (
        "WRITTEN",
        sends,
        1,
    )


def test_a_note_left_by_a_dead_worker_is_searched_for(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    give_back(desk, due, 40_00)
    desk.post()
    OfficeNote.objects.update(state="SENDING", claimed_at=desk.now(), commlog_num=None)
    desk.post()
    assert OfficeNote.objects.get().state == "SENDING"

    desk.wait(minutes=5)
    desk.post()

    assert (OfficeNote.objects.get().state, len(commlogs(desk))) == ("WRITTEN", 1)


def test_a_note_that_is_not_needed_any_more_is_not_written(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    back = give_back(desk, due, 40_00)
    desk.outside.fault(NOTES, "throttle")
    desk.post()
    assert (OfficeNote.objects.get().state, OfficeNote.objects.get().sends) == ("QUEUED", 0)
    enter(desk, due, back)
    desk.wait(seconds=70)
    desk.pull(cycles=2)
    desk.post()

    assert (state(back), OfficeNote.objects.get().state, commlogs(desk)) == ("MATCHED", "DROPPED", [])


def test_a_key_without_the_permission_says_so_on_the_refund(desk: Desk, due: LedgerPosting) -> None:
    posted(desk, due)
    desk.act("settings", permissions=["ApiReadAll", "ApiPayments", "ApiQueries", "ApiPayPlans"])
    connection = desk.connect()
    give_back(desk, due, 40_00)
    desk.post()

    note = OfficeNote.objects.get()
    assert "ApiComm" not in connection.permissions
    assert (note.state, note.sends, commlogs(desk)) == ("REFUSED", 0, [])
    assert note.state_reason == "The Open Dental key lacks the permission Comm, so no note could be left there."
