"""Settings → Open Dental, and the chip in the top bar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from opendental.models import Connection, QuarantinedRow
from practices.models import Event, PaymentSettings, Practice, User
from tests.staff.conftest import HTMX
from tests.staff.test_plans_tab import text

URL = "/settings/open-dental/"


@pytest.fixture
def office(practice: Practice, now: datetime) -> Connection:
    """A well connected office that synced 20 seconds ago."""
    return Connection.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", developer_key="dev", customer_key="cust", mode="REMOTE",
        connected_at=now, version="25.4.12.0", permissions=["ApiPayments", "ApiQueries"], pay_type_num=12,
        preferences={"RigorousAccounting": "0", "DynamicPayPlanRunTime": "0001-01-01 09:30:00", "ApiPaymentType": "12"},
        learned_at=now, last_answer_at=now, last_pull_at=now - timedelta(seconds=20),
        last_cycle={"calls": 3, "changed": 1, "seconds": 0.4},
    )  # fmt: skip


def chip(client: Client) -> str:
    return text(client.get(f"{URL}chip/", headers=HTMX).content.decode()).strip()


def test_the_page_says_what_the_office_is_and_can(desk: Client, office: Connection) -> None:
    page = text(desk.get(URL).content.decode())

    assert "Version 25.4.12.0" in page
    assert "Last look 3 questions 1 plan read · 0.4 s" in page
    assert "Plan charges are issued at 9:30 AM" in page
    assert "Fully enforced" in page
    assert "Nothing. KasperPay can use everything it knows." in page
    assert "Every row is understood" in page


def test_no_key_is_ever_on_the_page(admin: Client, office: Connection) -> None:
    page = admin.get(URL).content.decode()

    assert "cust" not in page.replace("customer", "")
    assert office.developer_key == "dev"


def test_what_is_missing_is_said_in_plain_sentences(desk: Client, office: Connection) -> None:
    office.permissions, office.version = [], "22.1.1.0"
    office.save(update_fields=["permissions", "version"])

    page = text(desk.get(URL).content.decode())

    assert "The key lacks the permission Payments: plans are shown, but nothing can be posted or collected." in page
    assert "22.1.1.0 is too old" in page


def test_a_problem_stands_on_top_with_its_age(desk: Client, office: Connection, now: datetime) -> None:
    office.problem, office.problem_since = "The office's Open Dental can't be reached.", now - timedelta(minutes=9)
    office.save(update_fields=["problem", "problem_since"])

    page = text(desk.get(URL).content.decode())

    assert "The office's Open Dental can't be reached. Since 9 min ago" in page
    assert chip(desk) == "Open Dental has a problem since 9 min ago"


def test_rows_left_aside_are_listed_until_they_are_understood(desk: Client, office: Connection, now: datetime) -> None:
    row = QuarantinedRow.objects.create(
        practice=office.practice, resource="payplans", row_key="233", reason="ChargeFrequency is not known",
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip

    assert "payplans 233 ChargeFrequency is not known just now" in text(desk.get(URL).content.decode())
    row.resolved_at = now
    row.save(update_fields=["resolved_at"])
    assert "Every row is understood" in desk.get(URL).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Open Dental synced 20 s ago"),
        ({"last_pull_at": None}, "Open Dental: first sync is running"),
        ({"last_pull_at": datetime.fromisoformat("2026-03-10T14:50:00Z")}, "Open Dental last synced 10 min ago"),
    ],
)
def test_the_chip_says_how_fresh_it_is(desk: Client, office: Connection, changes: dict[str, Any], words: str) -> None:
    Connection.objects.update(**changes)

    assert chip(desk) == words


def test_without_a_connection_page_and_chip_say_so(desk: Client) -> None:
    assert "Not connected yet" in desk.get(URL).content.decode()
    assert chip(desk) == "Open Dental not connected"


def test_testing_a_dead_office_says_what_is_wrong(admin: Client, office: Connection) -> None:
    page = admin.post(f"{URL}test/", follow=True).content.decode()

    assert "can&#x27;t be reached" in page
    assert Connection.objects.get().problem_since is not None


def test_testing_without_a_connection_is_not_found(admin: Client) -> None:
    assert admin.post(f"{URL}test/").status_code == 404


def test_an_admin_vouches_with_their_name_and_may_withdraw(admin: Client, office: Connection) -> None:
    dana = User.objects.get()

    admin.post(f"{URL}attest/card_tool_off/", {"given": "1"})
    assert PaymentSettings.objects.get().card_tool_off_attested_by == dana
    admin.post(f"{URL}attest/card_tool_off/", {"given": "0"})
    assert PaymentSettings.objects.get().card_tool_off_attested_by is None

    events = Event.objects.order_by("pk")
    assert [(event.kind, event.actor) for event in events] == [
        ("attested", f"user:{dana.pk}"), ("attest_withdrawn", f"user:{dana.pk}"),
    ]  # fmt: skip


def test_an_unknown_statement_is_not_found(admin: Client, office: Connection) -> None:
    assert admin.post(f"{URL}attest/everything/", {"given": "1"}).status_code == 404
    assert Event.objects.count() == 0
