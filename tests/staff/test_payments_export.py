"""The CSV of the Payments list: what stands in it, that nothing in it runs, and that its size costs nothing more."""

from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from patients.models import Patient
from payments.models import Attempt
from practices.models import Event, Practice
from tests import factories
from tests.staff import making
from tests.staff.conftest import SignIn

URL = "/payments/export.csv"


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    return making.scene(practice)


def chunks(client: Client, query: str = "") -> Iterator[bytes]:
    """As they are sent."""
    answer: Any = client.get(f"{URL}?{query}")
    assert answer.streaming
    return iter(answer.streaming_content)


def lines(client: Client, query: str = "") -> list[dict[str, str]]:
    page = b"".join(chunks(client, query)).decode()
    return list(csv.DictReader(StringIO(page.removeprefix("\ufeff"))))


def test_payments_and_refunds_stand_in_it_with_what_people_need(biller: Client, scene: SimpleNamespace) -> None:
    making.refund(scene.payment, 28_60, actor="processor", started_at=datetime(2026, 3, 10, 3, 30, tzinfo=UTC))

    refund, declined, paid = lines(biller)

    assert paid == {
        "Day": "2026-03-09", "Time": "11:01", "Kind": "Payment", "Status": "Succeeded", "Reason": "",
        "Amount": "128.60", "Given back of it": "28.60", "Channel": "Autopay", "By": "Autopay", "Paid with": "visa",
        "Last 4": "4242", "Payer PatNum": "72", "Payer": "Ana Sample-Ortiz", "Patient PatNum": "72",
        "Patient": "Ana Sample-Ortiz", "Plan": "169", "Due": "2026-02-10", "Reference": scene.posting.reference,
        "Open Dental": "Posted and read back", "PayNum": "56734", "Posted at": "", "Posting note": "",
        "Processor reference": scene.payment.processor_reference,
    }  # fmt: skip
    assert [declined[name] for name in ("Status", "Reason", "Amount", "PayNum")] == [
        "Declined", "insufficient funds", "128.60", "",
    ]  # fmt: skip
    assert [refund[name] for name in ("Day", "Time", "Kind", "Status", "Amount", "By", "Payer")] == [
        "2026-03-09", "23:30", "Refund", "Given back", "-28.60", "Somebody at the card processor", "Ana Sample-Ortiz",
    ]  # fmt: skip


def test_it_is_the_list_as_it_is_filtered(biller: Client, scene: SimpleNamespace) -> None:
    assert [line["Status"] for line in lines(biller, "filter=declined")] == ["Declined"]
    assert [line["Amount"] for line in lines(biller, "filter=paid&q=sample&least=128.60")] == ["128.60"]
    assert lines(biller, "channel=PAY_NOW") == []


def test_no_cell_is_a_formula(biller: Client, scene: SimpleNamespace) -> None:
    Patient.objects.update(first_name="=HYPERLINK(1)", last_name="Example")
    Attempt.objects.filter(pk=scene.attempt.pk).update(reason="@SUM(A1)")

    declined, paid = lines(biller)

    assert paid["Payer"] == "'=HYPERLINK(1) Example"
    assert declined["Reason"] == "'@SUM(A1)"


def test_who_took_it_out_stands_in_the_trail_without_names(biller: Client, scene: SimpleNamespace) -> None:
    lines(biller, "filter=paid&q=Ana+Sample&since=2026-03-01")

    [event] = Event.objects.filter(kind="payments_exported")
    assert event.actor.startswith("user:")
    assert event.text == "Payments exported: Paid, of a search"
    assert event.after == {"filter": "paid", "since": "2026-03-01"}


def test_the_front_desk_takes_no_list_out(desk: Client, auditor: Client, scene: SimpleNamespace) -> None:
    assert desk.get(URL).status_code == 403
    assert "Export CSV" not in desk.get("/payments/").content.decode()
    assert Event.objects.filter(kind="payments_exported").count() == 0
    assert f'href="{URL}?filter=paid&amp;"' in auditor.get("/payments/?filter=paid").content.decode()
    assert len(lines(auditor)) == 2


def test_another_practice_s_payments_are_not_in_it(scene: SimpleNamespace, sign_in: SignIn) -> None:
    other = factories.PracticeFactory.create()
    assert lines(sign_in("ADMIN", other)) == []


def many(scene: SimpleNamespace, count: int) -> None:
    old = scene.attempt
    Attempt.objects.bulk_create(
        Attempt(
            practice=old.practice, due_part=old.due_part, number=n, amount_cents=100 + n, card=old.card,
            actor="autopay", channel="AUTOPAY", state="DECLINED", create_params={}, confirm_params={},
            started_at=old.started_at,
        )
        for n in range(count)
    )  # fmt: skip


def test_twenty_thousand_rows_cost_no_more_questions_and_no_more_memory(biller: Client, scene: SimpleNamespace) -> None:
    with CaptureQueriesContext(connection) as few:
        assert len(lines(biller)) == 2
    many(scene, 20_000)

    tracemalloc.start()
    with CaptureQueriesContext(connection) as asked:
        sizes = [len(chunk) for chunk in chunks(biller)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(asked) == len(few)
    assert len(sizes) == 42
    assert sum(sizes) > 2_000_000
    assert max(sizes) < 100_000
    assert peak < 6_000_000
