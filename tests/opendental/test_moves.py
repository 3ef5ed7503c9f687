"""A payment put on another patient or procedure: once, at the right place, and refunded from there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core import clock
from opendental import account, client, moves, outbox
from opendental.errors import Refused
from opendental.moves import UnableToMove, Wish
from patients.models import Patient
from payments import refunds, upward
from payments.models import Allocation, LedgerPosting, Move, Payment, Sale, SaleLine
from payments.refunds import UnableToRefund
from practices.models import Event
from tests import factories
from tests.opendental.desk import Desk, alarms
from tests.opendental.test_sales import Counter
from tests.plugins.stripe import Shop
from tests.staff.test_plans_tab import text

Basis, State = Sale.Basis, LedgerPosting.State


@pytest.fixture
def counter(desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(upward.handlers, "nudge", lambda _practice: None)
    return Counter(desk, shop)


@pytest.fixture
def paid(counter: Counter) -> Payment:
    """$80 on the first procedure, read back; and another patient with work of $80."""
    counter.charge(counter.draft(Basis.PROCEDURES, chosen=[counter.first]), 80_00)
    counter.desk.post()
    assert LedgerPosting.objects.get().state == State.MATCHED
    return Payment.objects.get()


def somebody_else(counter: Counter) -> tuple[Patient, int]:
    number = counter.desk.patient(FName="Quinn", LName="Otherly", WirelessPhone="(555)555-0173")
    procedure = int(counter.desk.act("procedures", PatNum=number, ProcFee=80)["ProcNum"])
    counter.desk.pull(cycles=2)
    return Patient.objects.get(pat_num=number), procedure


def order(counter: Counter, patient: Patient, *procedures: int, payment: Payment | None = None) -> Move:
    now = counter.desk.now()
    wish = Wish(patient, account.read(counter.desk.practice.pk, patient.pat_num, now), procedures)
    found = payment or Payment.objects.get()
    return moves.order(found, wish, reason="Wrong person", actor="user:1", now=now)


def passes(desk: Desk, count: int = 6) -> None:
    for _ in range(count):
        desk.post()
        desk.wait(seconds=65)


def ledger(counter: Counter) -> list[tuple[int, int]]:
    """(PatNum, cents) of the office's payments in their order."""
    return [(row["PatNum"], row["amount_cents"]) for row in counter.desk.books("payments")]


@pytest.mark.parametrize("fault", ["", "drop_after"])
def test_other_procedures_of_the_family_only_change_the_splits(
    counter: Counter,
    paid: Payment,
    fault: str,
) -> None:
    third = counter.work(90)
    if fault:
        counter.desk.outside.fault("PUT /api/v1/payments/*/Partial", fault)
    move = order(counter, counter.patient, third)
    assert (move.kind, move.before, move.after) == (
        "SPLITS", f"$80.00 on {SaleLine.objects.first().code} of Pat Exampleton",  # type: ignore[union-attr]
        f"$80.00 on {SaleLine.objects.last().code} of Pat Exampleton",  # type: ignore[union-attr]
    )  # fmt: skip

    passes(counter.desk)

    move.refresh_from_db()
    assert (move.state, counter.on_procedures(), ledger(counter)) == ("DONE", {third: 80_00}, [(counter.number, 80_00)])
    assert [one.line.proc_num for one in Allocation.objects.select_related("line") if one.line] == [third]
    assert not SaleLine.objects.filter(is_held=True, sale=move.target).exists()
    assert alarms() == []


@pytest.mark.parametrize(("fault", "how"), [
    ("", ""), ("POST /api/v1/payments/Refund", "drop_after"), ("POST /api/v1/payments/Refund", "drop_before"),
    ("POST /api/v1/payments", "drop_after"),
])  # fmt: skip
def test_another_patient_gets_it_by_taking_it_off_and_posting_it_again_once(
    counter: Counter,
    paid: Payment,
    fault: str,
    how: str,
) -> None:
    other, procedure = somebody_else(counter)
    if fault:
        counter.desk.outside.fault(fault, how)
    move = order(counter, other, procedure)

    passes(counter.desk, 9)

    move.refresh_from_db()
    assert (move.kind, move.state) == ("REPOST", "DONE")
    assert ledger(counter) == [(counter.number, 80_00), (counter.number, -80_00), (other.pat_num, 80_00)]
    assert {key: cents for key, cents in counter.on_procedures().items() if cents} == {procedure: 80_00}
    rows = LedgerPosting.objects.order_by("pk").values_list("movement", "state", "amount_cents")
    assert list(rows) == [
        ("PAYMENT", "MATCHED", 80_00), ("MOVE_OUT", "MATCHED", -80_00), ("MOVE_IN", "MATCHED", 80_00),
    ]  # fmt: skip
    assert [event.kind for event in Event.objects.filter(kind__startswith="move_").order_by("pk")] == [
        "move_ordered", "move_done",
    ]  # fmt: skip
    assert (counter.shop.taken(), alarms()) == ([80_00], [])


def test_what_was_moved_is_given_back_from_where_it_stands(counter: Counter, paid: Payment) -> None:
    other, procedure = somebody_else(counter)
    order(counter, other, procedure)
    wish = refunds.Wish(cents=80_00, reason="OTHER", actor="user:1")
    with pytest.raises(UnableToRefund, match="being moved"):
        refunds.refund(paid.pk, wish, now=counter.desk.now())
    passes(counter.desk)

    refunds.refund(paid.pk, wish, now=counter.desk.now())
    passes(counter.desk)

    assert ledger(counter)[-1] == (other.pat_num, -80_00)
    assert LedgerPosting.objects.get(movement="REFUND").state == State.MATCHED
    assert {key: cents for key, cents in counter.on_procedures().items() if cents} == {}
    with pytest.raises(UnableToMove, match="given back"):
        order(counter, counter.patient, counter.first)


def refuse(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    """Open Dental says no to this request from now on."""
    right = client.Office.post

    def answer(self: Any, path: str, body: Any) -> Any:
        if path == refused:
            raise Refused(f"POST {path}", explanation="Not like this.")
        return right(self, path, body)

    monkeypatch.setattr(client.Office, "post", answer)


def test_a_payment_that_open_dental_does_not_take_off_stays_where_it_is(
    counter: Counter, paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, procedure = somebody_else(counter)
    refuse(monkeypatch, "/payments/Refund")
    move = order(counter, other, procedure)
    passes(counter.desk)

    move.refresh_from_db()
    assert (move.state, move.state_reason) == ("REFUSED", "Open Dental refused it: Not like this.")
    assert [row.state for row in LedgerPosting.objects.order_by("pk")] == ["MATCHED", "WITHDRAWN", "WITHDRAWN"]
    assert ledger(counter) == [(counter.number, 80_00)]
    assert not SaleLine.objects.filter(is_held=True, sale=move.target).exists()


@pytest.mark.parametrize("state", ["QUEUED", "REFUSED"])
def test_what_open_dental_does_not_have_is_posted_to_the_new_place_only(counter: Counter, state: str) -> None:
    counter.charge(counter.draft(Basis.PROCEDURES, chosen=[counter.first]), 80_00)
    sends = int(state == "REFUSED")
    body = {"PatNum": counter.number} if sends else {}
    LedgerPosting.objects.update(state=state, sends=sends, sent_body=body)
    other, procedure = somebody_else(counter)

    move = order(counter, other, procedure)
    passes(counter.desk)

    move.refresh_from_db()
    assert (move.kind, move.state, ledger(counter)) == ("REROUTE", "DONE", [(other.pat_num, 80_00)])
    assert counter.on_procedures() == {procedure: 80_00}


def test_a_worker_that_was_about_to_post_it_elsewhere_loses_its_claim(counter: Counter) -> None:
    counter.charge(counter.draft(Basis.PROCEDURES, chosen=[counter.first]), 80_00)
    stale = LedgerPosting.objects.get()
    other, procedure = somebody_else(counter)
    order(counter, other, procedure)

    assert not outbox.claim(stale, route="PROCEDURES", body={}, now=counter.desk.now())


def test_a_place_that_refused_it_is_exchanged_for_another(
    counter: Counter, paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, procedure = somebody_else(counter)
    with monkeypatch.context() as refusing:
        refuse(refusing, "/payments")
        move = order(counter, other, procedure)
        with pytest.raises(UnableToMove, match="being moved already"):
            order(counter, counter.patient, counter.second)
        passes(counter.desk, 2)
    assert [row.state for row in LedgerPosting.objects.order_by("pk")] == ["MATCHED", "MATCHED", "REFUSED"]
    assert alarms() == ["POSTING_REFUSED"]

    order(counter, other)
    passes(counter.desk)

    move.refresh_from_db()
    assert (move.state, move.after) == ("DONE", "$80.00 on prepayment of Quinn Otherly")
    assert ledger(counter) == [(counter.number, 80_00), (counter.number, -80_00), (other.pat_num, 80_00)]
    assert alarms() == []


def test_a_procedure_with_too_little_room_is_refused(
    counter: Counter,
    paid: Payment,
) -> None:
    with pytest.raises(UnableToMove, match="more than the chosen procedures still ask"):
        order(counter, counter.patient, counter.second)
    assert (Move.objects.count(), ledger(counter)) == (0, [(counter.number, 80_00)])


def test_at_the_desk_before_and_after_are_shown_and_then_it_is_moved(
    counter: Counter,
    paid: Payment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other, procedure = somebody_else(counter)
    monkeypatch.setattr(clock, "now", counter.desk.now)
    monkeypatch.setattr("opendental.move_views.wake", lambda _practice: None)
    browser = Client()
    browser.force_login(factories.MembershipFactory.create(practice=counter.desk.practice, role="BILLER").user)
    url = f"/payments/{paid.pk}/move/"
    assert f'href="{url}"' in browser.get(f"/payments/attempts/{paid.attempt_id}/").content.decode()
    assert f"{url}?patient={other.pk}" in browser.get(url, {"q": "otherly"}).content.decode()
    wish = {"patient": other.pk, "where": "procedures", "procedures": [procedure], "reason": "Wrong person"}

    short = browser.post(url, {**wish, "procedures": [], "step": "look"})
    assert (short.status_code, "Choose at least one procedure." in short.content.decode()) == (422, True)
    shown = text(browser.post(url, {**wish, "step": "look"}).content.decode())
    assert "of Quinn Otherly" in shown
    assert (Move.objects.count(), "both rows stay" in shown.lower()) == (0, True)
    assert browser.post(url, {**wish, "step": "move"}).status_code in (200, 302)
    passes(counter.desk)

    assert (Move.objects.get().state, ledger(counter)[-1]) == ("DONE", (other.pat_num, 80_00))
    page = text(browser.get(f"/payments/attempts/{paid.attempt_id}/").content.decode())
    assert "Moved" in page
    assert "Wrong person" in page
