"""Communication → patient → Payment Plans, and the practice-wide Payment Plans."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payments.models import DuePart
from practices.models import Practice
from tests import factories
from tests.staff import making
from tests.staff.conftest import DRAWER, HTMX


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    return making.scene(practice)


def text(page: str) -> str:
    """What a person reads."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace(" ,", ","))


def test_a_plan_shows_its_money_its_card_and_each_installment(desk: Client, scene: SimpleNamespace) -> None:
    page = text(desk.get(f"/communication/{scene.patient.pk}/plans/").content.decode())

    assert "Plan 169 · Ortho" in page
    assert "$128.60 paid $128.60 overdue $128.60 to come · ends Fri, Apr 10" in page
    assert "Autopay Visa •• 4242 up to $128.60" in page
    assert "Paid Visa 4242 · posted to Open Dental as payment 56734, read back" in page
    assert "Yesterday Failed Declined: insufficient funds. Next try tomorrow · 1 of 15 tries used" in page
    assert "Fri, Apr 10 Pending Will charge Visa 4242 Fri, Apr 10 at 10:00 AM" in page


def test_pay_now_stands_on_what_failed_only(desk: Client, scene: SimpleNamespace) -> None:
    page = desk.get(f"/communication/{scene.patient.pk}/plans/").content.decode()

    assert page.count(">Pay Now</a>") == 1
    # History on three, Receipt on the paid one; on the other two Pay Now, skip, move and another card.
    assert page.count('role="menuitem"') == 3 + 1 + 2 * 4


def test_an_auditor_sees_everything_and_can_press_nothing(auditor: Client, scene: SimpleNamespace) -> None:
    page = auditor.get(f"/communication/{scene.patient.pk}/plans/").content.decode()

    assert "Declined: insufficient funds." in page
    assert "Pay Now" not in page
    assert "Change card" not in page
    assert "Stop autopay" not in page


def test_a_plan_without_a_card_offers_the_plus(desk: Client, practice: Practice) -> None:
    plan = factories.PayPlanFactory.create(patient=making.patient(practice))
    factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 1))

    page = desk.get(f"/communication/{plan.patient_id}/plans/").content.decode()

    assert "No card attached" in page
    assert f'hx-get="/plans/{plan.pk}/autopay/"' in page
    assert "$128.60</span> will come due with nobody charged" in page


def test_an_insurance_plan_is_shown_and_offers_no_charge(desk: Client, practice: Practice) -> None:
    plan = factories.PayPlanFactory.create(patient=making.patient(practice), kind="INSURANCE")
    factories.InstallmentFactory.create(plan=plan)

    page = desk.get(f"/communication/{plan.patient_id}/plans/").content.decode()

    assert "Insurance plan, never charged" in page
    assert "Never charged by KasperPay." in page
    assert "Pay Now" not in page
    assert f"/plans/{plan.pk}/autopay/" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"is_closed": True}, "Closed in Open Dental"),
        ({"gone_at": factories.LONG_AGO}, "Deleted in Open Dental"),
        ({"schedule_problem": "The payment never covers the interest."}, "The payment never covers the interest."),
        ({"office_card_active": True}, "recurring card tool is active"),
    ],
)
def test_a_plan_that_needs_words_has_them(
    desk: Client, practice: Practice, fields: dict[str, object], words: str
) -> None:
    plan = factories.PayPlanFactory.create(patient=making.patient(practice), **fields)

    assert words in desk.get(f"/communication/{plan.patient_id}/plans/").content.decode()


def test_the_guarantor_sees_the_plan_of_their_child(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice, pat_num=72)
    ben = making.patient(practice, pat_num=73, first_name="Ben", guarantor_num=72)
    factories.PayPlanFactory.create(patient=ben, guarantor=ana, pay_plan_num=171)

    assert "Plan 171" in desk.get(f"/communication/{ana.pk}/plans/").content.decode()
    assert "paid by" in desk.get(f"/communication/{ben.pk}/plans/").content.decode()


def test_nobody_s_plans_teach_how_to_make_one(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice)

    assert "Make one here with New plan" in desk.get(f"/communication/{ana.pk}/plans/").content.decode()


def test_more_plans_cost_no_more_queries(desk: Client, practice: Practice) -> None:
    ana = making.scene(practice).patient
    url = f"/communication/{ana.pk}/plans/"
    desk.get(url)
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    for number in range(6):
        plan = factories.PayPlanFactory.create(patient=ana, pay_plan_num=500 + number)
        factories.AutopayFactory.create(plan=plan, card=factories.CardFactory.create(patient=ana, is_primary=False))
        for month in range(3):
            making.paid(factories.InstallmentFactory.create(plan=plan, due_date=date(2025, 1 + month, 1)))

    with CaptureQueriesContext(connection) as many:
        desk.get(url)

    assert len(many) == len(few)


def test_the_overview_part_lists_open_plans(desk: Client, scene: SimpleNamespace) -> None:
    factories.PayPlanFactory.create(patient=scene.patient, pay_plan_num=99, is_closed=True)

    page = text(desk.get(f"/communication/{scene.patient.pk}/plans/summary/", headers=HTMX).content.decode())

    assert "Plan 169 · Ortho $643.00 · 2 payments left Autopay on" in page
    assert "Plan 99" not in page


# The whole practice.


@pytest.fixture
def many(practice: Practice, scene: SimpleNamespace) -> SimpleNamespace:
    ben = making.patient(practice, pat_num=80, first_name="Ben", last_name="Placeholder")
    bare = factories.PayPlanFactory.create(patient=ben, pay_plan_num=201)
    factories.InstallmentFactory.create(plan=bare, due_date=date(2026, 3, 20), principal_cents=75_00)
    factories.PayPlanFactory.create(patient=ben, pay_plan_num=202, is_closed=True)
    factories.PayPlanFactory.create(patient=ben, pay_plan_num=203, kind="INSURANCE")
    held = factories.PayPlanFactory.create(patient=ben, pay_plan_num=204)
    factories.AutopayFactory.create(plan=held, card=factories.CardFactory.create(patient=ben))
    late = factories.InstallmentFactory.create(plan=held, due_date=date(2026, 3, 1), principal_cents=50_00)
    factories.DuePartFactory.create(installment=late, hold=DuePart.Hold.STAFF)
    return scene


def test_a_closed_plan_in_the_list_asks_for_nothing(desk: Client, many: SimpleNamespace) -> None:
    plan = many.plan
    plan.is_closed = True
    plan.save(update_fields=["is_closed"])

    page = desk.get("/plans/?filter=closed").content.decode()

    row = page[page.index("Sample-Ortiz, Ana") :].partition("</tr>")[0]
    assert "Closed" in row
    assert text(row).count("none") == 3
    assert '<tr class="attention">' not in page


def counts(page: str) -> dict[str, int]:
    nav = page[page.index('aria-label="Filter"') :].partition("</nav>")[0]
    return {label.strip(): int(n) for label, n in re.findall(r">([^<>]+)<span class=\"n\">(\d+)</span>", nav)}


def test_filters_count_what_they_show(desk: Client, many: SimpleNamespace) -> None:
    page = desk.get("/plans/").content.decode()

    assert counts(page) == {
        "All open": 3, "Autopay on": 2, "No card": 1, "Overdue": 2, "Failed": 1, "Held": 1, "Needs approval": 0,
        "Closed": 1, "Insurance": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["201", "204", "169"]),
        ("filter=autopay", ["204", "169"]),
        ("filter=no_card", ["201"]),
        ("filter=overdue", ["204", "169"]),
        ("filter=failed", ["169"]),
        ("filter=held", ["204"]),
        ("filter=closed", ["202"]),
        ("filter=insurance", ["203"]),
        ("filter=nonsense", ["201", "204", "169"]),
        ("sort=next", ["201", "169", "204"]),
        ("sort=overdue", ["169", "204", "201"]),
        ("sort=nonsense", ["201", "204", "169"]),
        ("q=placeholder", ["201", "204"]),
        ("q=169", ["169"]),
        ("q=nobody", []),
    ],
)
def test_the_list_shows(desk: Client, many: SimpleNamespace, query: str, numbers: list[str]) -> None:
    page = desk.get(f"/plans/?{query}").content.decode()

    assert re.findall(r'<td class="what">(\d+)', page) == numbers


def test_a_row_says_next_and_overdue(desk: Client, many: SimpleNamespace) -> None:
    page = text(desk.get("/plans/?filter=failed").content.decode())

    assert "Sample-Ortiz, Ana 169 · Ortho · $643.00 Payment failed Visa 4242" in page
    assert "Fri, Apr 10 in 31 days Next $128.60 Overdue $128.60" in page


def test_a_plan_opens_in_the_drawer_and_on_its_own_page(desk: Client, scene: SimpleNamespace) -> None:
    drawer = desk.get(f"/plans/{scene.plan.pk}/", headers=DRAWER).content.decode()
    page = desk.get(f"/plans/{scene.plan.pk}/").content.decode()

    assert drawer.strip().startswith('<div class="drawer-page">')
    assert "<html" not in drawer
    assert "<html" in page
    assert "Plan 169" in drawer
    assert "Plan 169" in page


def test_the_badge_counts_plans_with_a_failed_payment(desk: Client, many: SimpleNamespace) -> None:
    assert "1<span" in desk.get("/plans/badge/", headers=HTMX).content.decode()


def test_the_badge_is_empty_when_nothing_failed(desk: Client) -> None:
    assert desk.get("/plans/badge/", headers=HTMX).content.decode().strip() == ""


def test_an_empty_practice_is_taught(desk: Client) -> None:
    assert "No payment plans yet" in desk.get("/plans/").content.decode()
