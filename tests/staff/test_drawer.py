"""Reports → Drawer: one person's day by means and channel, tied to the Payments list and the settlement to the cent."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest
from django.test import Client

from payments import drawer, settlement, settlement_rows, upward
from payments.drawer import Tie
from payments.models import Attempt
from payments.settlement_rows import Span
from practices.models import Event, Practice
from tests import factories
from tests.staff import making
from tests.staff.conftest import SignIn
from tests.staff.test_page_queries import own_queries
from tests.staff.test_plans_tab import text

DAY = date(2026, 3, 10)


@pytest.fixture
def scene(practice: Practice, nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """March 10. Dana: $70.00 cash of which $20.00 went back, checks of $30.00 and $25.00, a $128.60 Visa that was
    voided. Autopay: $128.60 that began on March 9 before midnight, and one that is done on March 11."""
    monkeypatch.setattr(upward.handlers, "payment_types", lambda _practice: {69: "Check", 70: "Cash"})
    dana = factories.MembershipFactory.create(practice=practice, role="FRONT_DESK").user
    actor, sale = f"user:{dana.pk}", making.family_sale(practice, now)
    cash = making.taken_at_the_desk(sale, 70_00, "Cash", now, actor)
    making.taken_at_the_desk(sale, 30_00, "Check 1044", now, actor)
    making.taken_at_the_desk(sale, 25_00, "Check", now + timedelta(minutes=1), actor)
    visa = _charged(practice, now, actor=actor, channel="PAY_NOW")
    making.refund(cash, 20_00, actor=actor, started_at=now, settled_at=now)
    making.refund(visa, 128_60, actor=actor, started_at=now, settled_at=now, reason="VOID")
    midnight = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
    late = _charged(practice, midnight + timedelta(seconds=5), began=midnight - timedelta(seconds=5))
    soon = _charged(practice, midnight + timedelta(days=1, seconds=5), began=midnight + timedelta(days=1, seconds=-5))
    return SimpleNamespace(actor=actor, dana=dana, late=late, soon=soon)


def _charged(practice: Practice, at: datetime, *, began: datetime | None = None, **fields: Any) -> Any:
    """$128.60 on a card, done at `at`."""
    made = making.payment(making.attempt(factories.collectable(practice), "SUCCEEDED", at=at))
    Attempt.objects.filter(pk=made.attempt_id).update(started_at=began or at, **fields)
    made.attempt.refresh_from_db()
    return made


def of(practice: Practice, actor: str = "", opening: int = 0) -> drawer.Drawer:
    return drawer.read(Span(practice, DAY, DAY), actor, opening)


def sums(groups: list[drawer.Group]) -> list[tuple[str, int, int, int, int]]:
    return [(one.name, one.taken, one.taken_cents, one.back, one.back_cents) for one in groups]


def test_a_person_s_day_by_means_and_channel_to_the_cent(practice: Practice, scene: SimpleNamespace) -> None:
    mine = of(practice, scene.actor, 100_00)

    assert sums(mine.means) == [
        ("Cash", 1, 70_00, 1, -20_00), ("Check", 2, 55_00, 0, 0), ("Visa", 1, 128_60, 1, -128_60),
    ]  # fmt: skip
    assert sums(mine.channels) == [
        ("Cash, check or other", 3, 125_00, 1, -20_00), ("Pay Now", 1, 128_60, 1, -128_60),
    ]  # fmt: skip
    assert sums([mine.total]) == [("Together", 4, 253_60, 2, -148_60)]
    assert (mine.expected_cash_cents, mine.total.net_cents) == (150_00, 105_00)
    assert [(one.number, one.cents) for one in mine.checks] == [("1044", 30_00), ("", 25_00)]
    assert [(one.cents, one.what) for one in mine.refunds] == [(-128_60, "Void"), (-20_00, "Refund")]
    assert mine.ties == []


def test_everyone_s_drawer_is_the_settlement_of_the_day_and_ties_to_the_payments_list(
    practice: Practice, scene: SimpleNamespace, admin: Client
) -> None:
    everyone = of(practice)
    settled = settlement.total(settlement_rows.days(Span(practice, DAY, DAY)))

    assert everyone.total.taken_cents == settled.taken.moved == 382_20
    assert everyone.total.back_cents == settled.refunds.moved == -148_60
    assert everyone.total.net_cents == 233_60
    listed = admin.get("/payments/?since=2026-03-10&until=2026-03-10").context["totals"]
    assert (listed.taken_cents, listed.net_cents) == (382_20, 233_60)
    assert (everyone.listed.taken_cents, everyone.listed.net_cents) == (listed.taken_cents, listed.net_cents)
    assert everyone.ties == [
        Tie("Payments list of this day", 233_60), Tie("Begun on this day, done on another", -128_60),
        Tie("Begun on another day, done on this one", 128_60),
    ]  # fmt: skip


def test_a_refund_that_is_done_on_another_day_is_a_line_between(
    practice: Practice, scene: SimpleNamespace, now: datetime, admin: Client
) -> None:
    making.refund(scene.late, 8_60, actor=scene.actor, started_at=now, settled_at=now + timedelta(days=1))
    making.refund(scene.late, 1_00, "FAILED", actor=scene.actor, started_at=now, settled_at=now)

    mine = of(practice, scene.actor)

    assert mine.total.net_cents == 105_00
    assert mine.ties == [Tie("Payments list of this day", 96_40), Tie("Begun on this day, done on another", 8_60)]
    address = f"/payments/?since=2026-03-10&until=2026-03-10&by={scene.actor}"
    assert admin.get(address).context["totals"].net_cents == mine.listed.net_cents == 96_40


def test_the_page_shows_it_with_few_questions_and_begins_with_one_s_own(
    sign_in: SignIn, practice: Practice, scene: SimpleNamespace
) -> None:
    client = Client()
    client.force_login(scene.dana)

    page = text(client.get("/reports/drawer/?opening=100").content.decode())
    assert "Expected in the drawer $150.00 $100.00 at the start, $70.00 taken, −$20.00 given back" in page
    assert "Check 1044 11:00 AM $30.00" in page
    assert "Check without a number" in page
    assert "Void · Visa 4242 11:00 AM −$128.60" in page
    assert "The same to the cent as the Payments list of this day" in page
    everyone = client.get("/reports/drawer/?by=everyone")
    assert "Begun on another day, done on this one $128.60" in text(everyone.content.decode())
    assert len(own_queries(client, "/reports/drawer/?by=everyone")) <= 12
    other = sign_in("FRONT_DESK").get("/reports/drawer/")
    assert "Nothing was taken or given back" in other.content.decode()


@pytest.mark.parametrize("query", ["day=soon", "day=1066-01-01", "by=user:999999", "opening=lots"])
def test_what_can_t_be_read_is_answered_beside_its_field(desk: Client, query: str) -> None:
    for path in ("drawer/", "drawer.csv", "drawer.pdf"):
        answer = desk.get(f"/reports/{path}?{query}")
        assert (answer.status_code, 'class="error"' in answer.content.decode()) == (422, True)
    assert Event.objects.count() == 0


def test_csv_and_pdf_say_the_same_and_stand_in_the_trail(
    auditor: Client, practice: Practice, scene: SimpleNamespace
) -> None:
    address = f"by={scene.actor}&opening=100&day=2026-03-10"
    answer: Any = auditor.get(f"/reports/drawer.csv?{address}")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert sum(round(float(row["Amount"]) * 100) for row in rows) == 105_00
    assert [(row["What"], row["Means"], row["Number"], row["Amount"], row["By"]) for row in rows[:3]] == [
        ("Void", "Visa", "", "-128.60", "Dana Desk"), ("Refund", "Cash", "", "-20.00", "Dana Desk"),
        ("Payment", "Check", "1044", "30.00", "Dana Desk"),
    ]  # fmt: skip

    paper: Any = auditor.get(f"/reports/drawer.pdf?{address}")
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper.content)).pages]
    lines = [line.strip() for line in "\n".join(pages).splitlines()]
    for line in (
        "Drawer of Tue, Mar 10, 2026", "Person Dana Desk", "Expected in the drawer $150.00",
        "Cash 1 $70.00 −$20.00 $50.00", "Together 4 $253.60 −$148.60 $105.00",
        "11:00 1044 Ána Sample-Ortiz Check $30.00", "11:00 Void Ana Sample-Ortiz Visa −$128.60",
    ):  # fmt: skip
        assert line in lines
    assert Event.objects.filter(kind="report_exported", text="Drawer of Dana Desk, 2026-03-10").count() == 2


def test_a_presented_card_counts_by_its_brand_and_another_type_by_its_name() -> None:
    types = {71: "CareCredit", 72: "Efectivo"}
    facts = {"brand": "mastercard", "last4": "1111"}
    for attempt, means in (
        (Attempt(channel="TERMINAL", card_facts=facts, paid_with="Mastercard 1111"), "Mastercard"),
        (Attempt(channel="RECORDED", pay_type_num=71, paid_with="CareCredit"), "CareCredit"),
        (Attempt(channel="RECORDED", pay_type_num=72, paid_with="Efectivo"), "Cash"),
        (Attempt(channel="RECORDED", pay_type_num=73, paid_with="Cheque 9"), "Check"),
    ):  # fmt: skip
        assert drawer.means_of(attempt, types) == means
