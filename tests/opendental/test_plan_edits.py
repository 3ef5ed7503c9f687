"""Terms changed and plans closed from KasperPay: shown before, equal after, once; and paying a plan off."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict

from opendental import pay_off, plan_orders
from opendental import plan_edit_pages as pages
from opendental.models import PlanOrder
from opendental.pay_off import UnableToPayOff
from opendental.plan_forms import ClosePlanForm, EditPlanForm
from payments.models import DuePart
from payplans.models import PayPlan
from tests import factories
from tests.opendental.desk import Desk, plan_of, schedule
from tests.opendental.test_plan_orders import nobody_woken
from tests.opendental.test_sales import Counter as SaleCounter
from tests.plugins.stripe import Shop

__all__ = ["nobody_woken"]
State = PlanOrder.State


@pytest.fixture
def plan(desk: Desk) -> PayPlan:
    """$500 at 12 %, $100 a month from July 1, the first one issued."""
    number = desk.plan(desk.patient(), APR=12, IsLocked="true")
    desk.pull(cycles=2)
    return plan_of(number)


def edited(desk: Desk, plan: PayPlan, **wish: str) -> EditPlanForm:
    given = {
        "pay": "100", "frequency": "Monthly", "apr": "12", "agreed": plan.agreed_date, "locked": "on",
        "reason": "New job", "order": uuid.uuid4(), **wish,
    }  # fmt: skip
    data = QueryDict(mutable=True)
    data.update({name: str(value) for name, value in given.items()})
    return pages.edit_form(plan, data, desk.now())


def worked(desk: Desk, order: PlanOrder) -> PlanOrder:
    plan_orders.work_through(desk.practice.pk, now=desk.wait(seconds=1))
    order.refresh_from_db()
    return order


def place_edit(desk: Desk, plan: PayPlan, **wish: str) -> PlanOrder:
    form = edited(desk, plan, **wish)
    assert form.is_valid(), form.errors
    return pages.place_edit(plan, form, actor="user:1", now=desk.now())


@pytest.mark.parametrize(
    ("wish", "body"),
    [
        ({"pay": "60"}, {"PayAmt": 60.0}),
        ({"frequency": "Weekly"}, {"ChargeFrequency": "Weekly"}),
        ({"apr": "6"}, {"APR": 6.0, "IsLocked": "true"}),
        ({"pay": "", "payments": "8"}, {"NumberOfPayments": 8}),
    ],
)
def test_changed_terms_are_sent_alone_and_give_the_schedule_that_was_shown(
    desk: Desk, plan: PayPlan, wish: dict[str, str], body: dict[str, Any]
) -> None:
    order = place_edit(desk, plan, **wish)
    assert order.body == body
    worked(desk, order)
    assert (order.state, order.differences) == (State.DONE, [])
    coming = [(row["date"], row["principal_cents"] + row["interest_cents"]) for row in order.expected]
    assert [row[:2] for row in schedule(plan.pay_plan_num)][1:] == coming


def test_terms_that_are_the_same_or_never_end_are_refused(desk: Desk, plan: PayPlan) -> None:
    assert "has now" in str(edited(desk, plan).errors)
    assert "never end" in str(edited(desk, plan, pay="3").errors["pay"])


def test_above_the_agreed_maximum_it_says_so_before_and_is_held_after(desk: Desk, plan: PayPlan) -> None:
    card = factories.CardFactory.create(patient=plan.guarantor)
    consent = factories.ConsentFactory.create(card=card, plan=plan, max_charge_cents=100_00)
    factories.AutopayFactory.create(plan=plan, card=card, consent=consent)
    form = edited(desk, plan, pay="150")
    assert form.is_valid()
    assert pages.compared(plan, form, desk.now())["consent"] == "ABOVE"
    assert worked(desk, place_edit(desk, plan, pay="150")).state == State.DONE
    holds = DuePart.objects.filter(state="OPEN", installment__is_issued=False).values_list("hold", flat=True)
    assert "ABOVE_CONSENT" in set(holds)


def test_a_lost_answer_to_new_terms_is_read_from_the_plan(desk: Desk, plan: PayPlan) -> None:
    order = place_edit(desk, plan, pay="60")
    desk.outside.fault("PUT /api/v1/payplans/*", "drop_after", times=1)
    assert worked(desk, order).state == State.UNCLEAR
    desk.wait(seconds=61)
    assert worked(desk, order).state == State.DONE


def close(desk: Desk, plan: PayPlan) -> PlanOrder:
    data = QueryDict(mutable=True)
    data.update({"reason": "Moves away", "order": str(uuid.uuid4())})
    form = ClosePlanForm(data)
    assert form.is_valid()
    return pages.place_close(plan, form, actor="user:1", now=desk.now())


def test_closing_makes_due_what_was_shown_and_no_more_interest(desk: Desk, plan: PayPlan) -> None:
    quote = pages.quote(plan, desk.now())
    first = plan.installments.get(is_issued=True)
    assert (quote.unpaid_cents, quote.principal_left_cents) == (100_00, 500_00 - first.principal_cents)
    assert quote.pay_off_cents == 500_00 + first.interest_cents
    order = worked(desk, close(desk, plan))
    assert order.state == State.DONE
    assert plan_of(plan.pay_plan_num).is_closed
    rows = desk.books("payplancharges")
    assert sum(row["principal_cents"] + row["interest_cents"] for row in rows) == quote.pay_off_cents
    # Lost or pressed again: it is closed, and says so.
    assert pages.refusal(plan_of(plan.pay_plan_num), "CLOSE") == "The plan is closed already."


def test_a_lost_answer_to_closing_is_read_from_the_plan(desk: Desk, plan: PayPlan) -> None:
    order = close(desk, plan)
    desk.outside.fault("PUT /api/v1/payplans/*", "drop_after", times=1)
    assert worked(desk, order).state == State.UNCLEAR
    desk.wait(seconds=61)
    assert worked(desk, order).state == State.DONE


def counter_of(desk: Desk, shop: Shop, plan: PayPlan) -> SaleCounter:
    counter = SaleCounter.__new__(SaleCounter)
    counter.desk, counter.shop, counter.number, counter.patient = desk, shop, plan.patient.pat_num, plan.patient
    return counter


def test_a_plan_is_paid_off_by_closing_it_and_taking_the_quote_at_the_desk(
    desk: Desk, plan: PayPlan, shop: Shop
) -> None:
    order = worked(desk, close(desk, plan))
    cents, counter = order.form["quote_cents"], counter_of(desk, shop, plan)
    sale = pay_off.draft(order, actor="user:1", now=desk.now())
    assert [(line.kind, line.amount_cents) for line in sale.lines.all()] == [("REST", cents)]
    order.refresh_from_db()
    assert pay_off.draft(order, actor="user:2", now=desk.now()) == sale, "two desks take one quote"
    counter.charge(sale, cents)
    with pytest.raises(UnableToPayOff, match="not in Open Dental yet"):
        pay_off.draft(order, actor="user:1", now=desk.now())
    desk.wait(minutes=1)
    desk.post()
    on_plan = sum(one["amount_cents"] for one in desk.books("paysplits") if one["PayPlanNum"] == plan.pay_plan_num)
    assert on_plan == cents
    # Pressed again it finds that nothing is owed any more.
    with pytest.raises(UnableToPayOff, match="Nothing of this plan is owed any more"):
        pay_off.draft(order, actor="user:1", now=desk.wait(minutes=1))


def test_work_that_closing_puts_back_on_the_account_is_paid_off_by_name(desk: Desk, shop: Shop) -> None:
    patient = desk.patient()
    works = [desk.act("procedures", PatNum=patient, ProcFee=fee)["ProcNum"] for fee in (300, 200)]
    # Other work of the patient stands on no plan, and paying the plan off is not about it.
    other = desk.act("procedures", PatNum=patient, ProcFee=75)["ProcNum"]
    body = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": desk.now().date().isoformat(), "IsLocked": "false"}
    number = int(desk.act("plans", procNums=works, **body)["PayPlanNum"])
    desk.pull(cycles=2)
    order = worked(desk, close(desk, plan_of(number)))
    sale = pay_off.draft(order, actor="user:1", now=desk.now())
    assert sorted((line.kind, line.proc_num, line.amount_cents) for line in sale.lines.all()) == [
        ("PROCEDURE", works[1], 200_00), ("REST", 0, 300_00),
    ]  # fmt: skip
    counter_of(desk, shop, plan_of(number)).charge(sale, 500_00)
    desk.wait(minutes=1)
    desk.post()
    paid = desk.books("paysplits")
    assert sum(one["amount_cents"] for one in paid if one["ProcNum"] == works[1]) == 200_00
    assert (sum(one["amount_cents"] for one in paid), [one for one in paid if one["ProcNum"] == other]) == (500_00, [])


def test_an_office_whose_version_can_not_says_where_it_is_done(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(version="24.2.10")
    desk.connect()
    number = desk.plan(desk.patient())
    desk.pull(cycles=2)
    plan = plan_of(number)
    assert "25.3.31 or later lets programs change terms; this office has 24.2.10" in pages.refusal(plan, "TERMS")
    assert pages.refusal(plan, "CLOSE") == ""
    assert pages.fresh(plan, desk.wait(seconds=5)) == ""
