"""A plan made from KasperPay: the schedule shown is the one Open Dental makes, once, whatever happens to the answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.http import QueryDict

from opendental import plan_order_pages as pages
from opendental import plan_orders, plan_production, plan_refusals, post
from opendental.errors import from_answer
from opendental.models import Connection, PlanOrder
from opendental.plan_forms import NewPlanForm
from opendental.plan_orders import UnableToOrder
from patients.models import Patient
from payments import upward
from payments.upward import UnableToReadAccount
from practices.models import Event
from tests.opendental.desk import Desk, schedule

State = PlanOrder.State
CREATE = "POST /api/v1/payplans/Dynamic"


class Counter:
    """One patient with finished work of $300 and planned work of $120, and a loose charge of $25."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.number = desk, desk.patient()
        act = desk.act
        self.done = int(act("procedures", PatNum=self.number, ProcFee=300, ProcDate="2022-06-01")["ProcNum"])
        self.planned = int(act("procedures", PatNum=self.number, ProcFee=120, ProcStatus="TP")["ProcNum"])
        self.charge = int(act("adjustments", PatNum=self.number, AdjAmt=25)["AdjNum"])
        desk.pull(cycles=2)
        self.patient = Patient.objects.get(pat_num=self.number)

    def form(self, **wish: Any) -> tuple[NewPlanForm, QueryDict]:
        now = self.desk.now()
        offer, token = pages.read_offer(self.patient, now)
        data = QueryDict(mutable=True)
        given = {
            "token": token, "order": str(uuid.uuid4()), "works": [f"Procedure:{self.done}"], "pay": "100",
            "frequency": "Monthly", "start": "2022-07-24", "agreed": "2022-07-01", "treatment": "AwaitComplete",
            "guarantor": str(self.number), "category": "0", **wish,
        }  # fmt: skip
        for name, value in given.items():
            data.setlist(name, value if isinstance(value, list) else [str(value)])
        return pages.new_form(self.patient, offer, token, data, now), data

    def order(self, **wish: Any) -> PlanOrder:
        form, data = self.form(**wish)
        assert form.is_valid(), form.errors
        return pages.place_new(self.patient, form, data, actor="user:1", now=self.desk.now())

    def work(self, order: PlanOrder) -> PlanOrder:
        plan_orders.work_through(self.desk.practice.pk, now=self.desk.now())
        order.refresh_from_db()
        return order

    def plans(self) -> list[dict[str, Any]]:
        return self.desk.books("payplans")


@pytest.fixture(autouse=True)
def nobody_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upward.handlers, "nudge", lambda _practice: None)
    monkeypatch.setattr("practices.rounds.wake", lambda *_: None)


@pytest.fixture
def counter(desk: Desk) -> Counter:
    return Counter(desk)


def test_the_work_offered_is_what_the_patient_owes_and_is_on_no_plan(counter: Counter) -> None:
    offer, _ = pages.read_offer(counter.patient, counter.desk.now())
    assert [(work.kind.value, work.value_cents, work.is_complete) for work in offer.works] == [
        ("Procedure", 300_00, True), ("Adjustment", 25_00, True), ("Procedure", 120_00, False),
    ]  # fmt: skip
    counter.work(counter.order())
    offer, _ = pages.read_offer(counter.patient, counter.desk.now())
    assert f"Procedure:{counter.done}" not in [work.key for work in offer.works]


@pytest.mark.parametrize(
    ("wish", "rows"),
    [
        ({}, [("2022-07-24", 100_00), ("2022-08-24", 100_00), ("2022-09-24", 100_00)]),
        (
            {"pay": "", "payments": "4", "down": "20", "start": "2022-07-31"},
            [
                ("2022-07-01", 20_00),
                *[(day, 70_00) for day in ("2022-07-31", "2022-08-31", "2022-09-30", "2022-10-31")],
            ],
        ),
        (
            {"frequency": "Weekly", "start": "2022-07-01", "pay": "150"},
            [("2022-07-01", 150_00), ("2022-07-08", 150_00)],
        ),
        (
            {"apr": "12", "locked": "on", "pay": "", "payments": "3", "category": "446", "note": "By phone"},
            [("2022-07-24", 102_01), ("2022-08-24", 102_01), ("2022-09-24", 102_00)],
        ),
    ],
)
def test_the_schedule_shown_is_the_one_open_dental_makes(
    counter: Counter, wish: dict[str, str], rows: list[tuple[str, int]]
) -> None:
    order = counter.order(**wish)
    assert [(row["date"], row["principal_cents"] + row["interest_cents"]) for row in order.expected] == rows

    counter.work(order)
    assert (order.state, order.differences) == (State.DONE, [])
    assert order.pay_plan_num is not None
    assert [row[:2] for row in schedule(order.pay_plan_num)] == rows
    assert [(plan["PatNum"], order.reference in plan["Note"]) for plan in counter.plans()] == [(counter.number, True)]
    events = Event.objects.filter(kind__startswith="plan_order_").order_by("pk")
    assert list(events.values_list("kind", flat=True)) == [
        "plan_order_placed", "plan_order_sending", "plan_order_reading", "plan_order_done",
    ]  # fmt: skip


def test_planned_work_waits_or_is_charged_at_once_as_chosen(counter: Counter) -> None:
    works = [f"Procedure:{counter.done}", f"Procedure:{counter.planned}", f"Adjustment:{counter.charge}"]
    form, _ = counter.form(works=works)
    assert form.is_valid()
    assert form.preview is not None
    assert (form.preview.waiting_cents, sum(row.total_cents for row in form.preview.rows)) == (120_00, 325_00)
    order = counter.work(counter.order(works=works, treatment="TreatAsComplete"))
    assert (order.state, sum(row["principal_cents"] for row in order.expected)) == (State.DONE, 445_00)
    assert form.preview.disclosure is None


def test_pressed_twice_it_is_one_order_and_another_form_is_refused_meanwhile(counter: Counter) -> None:
    form, data = counter.form()
    assert form.is_valid()
    now = counter.desk.now()
    first, second = (pages.place_new(counter.patient, form, data, actor="user:1", now=now) for _ in range(2))
    assert first.pk == second.pk
    with pytest.raises(UnableToOrder, match="under way"):
        counter.order()
    counter.work(first)
    counter.work(first)
    assert len(counter.plans()) == 1


def test_after_a_lost_answer_the_plan_is_found_and_not_made_again(counter: Counter) -> None:
    order = counter.order()
    counter.desk.outside.fault(CREATE, "drop_after", times=1)
    assert counter.work(order).state == State.UNCLEAR
    assert counter.work(order).state == State.UNCLEAR, "not before the API has given up"
    counter.desk.wait(seconds=61)
    assert counter.work(order).state == State.DONE
    assert len(counter.plans()) == 1


def test_a_request_that_was_lost_before_is_looked_for_twice_and_never_sent_again(counter: Counter) -> None:
    order = counter.order()
    counter.desk.outside.fault(CREATE, "drop_before", times=1)
    assert counter.work(order).state == State.UNCLEAR
    for expected in (State.UNCLEAR, State.NOT_DONE, State.NOT_DONE):
        counter.desk.wait(seconds=61)
        assert counter.work(order).state == expected
    assert counter.plans() == []
    assert "looked for twice" in order.state_reason


def test_a_killed_workers_order_is_looked_for(counter: Counter) -> None:
    order = counter.order()
    now = counter.desk.now()
    PlanOrder.objects.filter(pk=order.pk).update(state=State.SENDING, sent_at=now)
    assert counter.work(order).state == State.SENDING, "its worker may still be at it"
    counter.desk.wait(seconds=post.LOST_AFTER.total_seconds())
    assert counter.work(order).state == State.UNCLEAR
    assert counter.plans() == []


def test_a_refusal_stands_beside_its_field_and_can_be_corrected(counter: Counter) -> None:
    form, data = counter.form()
    assert form.is_valid()
    # Meanwhile somebody put the work on a plan in Open Dental.
    counter.desk.act("plans", PatNum=counter.number, procNums=[counter.done], PayAmt=50)
    refused = counter.work(pages.place_new(counter.patient, form, data, actor="user:1", now=counter.desk.now()))
    assert (refused.state, refused.wrong_field, len(counter.plans())) == (State.REFUSED, "works", 1)
    assert "is on another payment plan already" in refused.state_reason
    offer, token = pages.read_offer(counter.patient, counter.desk.now())
    again = pages.again(refused, token)
    shown = pages.new_form(counter.patient, offer, token, again, counter.desk.now())
    page = pages.chooser(counter.patient, offer, shown, refused)
    assert refused.state_reason in page["form"].errors["works"]
    assert again["pay"] == "100"


@pytest.mark.parametrize(
    ("office", "words"),
    [
        ({"version": "22.2.20"}, "version of Open Dental can't make payment plans"),
        ({"version": "22.2.30"}, "22.4.16 or later"),
        ({"permissions": ["ApiReadAll", "ApiPayments"]}, "lacks the permission for payment plans"),
    ],
)
def test_an_office_that_takes_no_plans_says_so_before_the_form(
    open_desk: Callable[..., Desk], office: dict[str, Any], words: str
) -> None:
    desk = open_desk(**office)
    desk.connect()
    with pytest.raises(UnableToReadAccount, match=words) as refused:
        plan_production.read(desk.practice.pk, desk.patient(), desk.now())
    assert "Make the plan in Open Dental itself" in str(refused.value)


@pytest.mark.parametrize("status", [400, 410])
def test_a_deprecated_or_unknown_way_tells_staff_where_to_make_the_plan(counter: Counter, status: int) -> None:
    error = from_answer("POST", status, "This method is deprecated as of version 23.3.1.", retry_after=1)
    assert plan_refusals.explain(error, counter.order()) == ("", plan_refusals._OLD_OFFICE)


def test_what_could_not_be_sent_in_time_is_looked_for_and_not_sent_later(counter: Counter) -> None:
    """Also what a restored database still believes to be waiting."""
    order = counter.order()
    counter.desk.wait(minutes=6)
    for expected in (State.UNCLEAR, State.UNCLEAR, State.NOT_DONE):
        assert counter.work(order).state == expected
        counter.desk.wait(seconds=61)
    assert counter.plans() == []


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({"payments": "3"}, "pay", "either an amount or a number"),
        ({"pay": "a lot"}, "pay", "not an amount of money"),
        ({"works": []}, "works", "at least one"),
        ({"agreed": "2022-07-02"}, "agreed", "in the future"),
        ({"down": "400"}, "down", "more than the work chosen"),
        ({"apr": "99", "pay": "10", "locked": "on"}, "pay", "never end"),
        ({"guarantor": "999999"}, "guarantor", "not one of the available choices"),
    ],
)
def test_terms_that_make_no_plan_are_refused_beside_the_field(
    counter: Counter, wish: dict[str, Any], field: str, words: str
) -> None:
    form, _ = counter.form(**wish)
    assert not form.is_valid()
    assert words in str(form.errors[field])
    assert PlanOrder.objects.count() == 0


def test_interest_needs_a_disclosure_and_a_lock_where_the_office_wants_one(counter: Counter) -> None:
    Connection.objects.update(preferences={"PayPlanRequireLockForAPR": "1"})
    form, _ = counter.form(apr="10")
    assert not form.is_valid()
    assert "locked" in form.errors
    form, _ = counter.form(apr="10", locked="on")
    assert form.is_valid()
    assert form.preview is not None
    told = form.preview.disclosure
    assert told is not None
    assert (told.apr_words, told.amount_financed_cents) == ("10", form.preview.principal_cents)
    assert told.total_cents == form.preview.total_cents == told.amount_financed_cents + told.finance_charge_cents
    assert form.preview.rows[0].date == date(2022, 7, 24)
