"""The Dashboard and the drawer of a leak: sums that are those of the rows, few queries, who may do what."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from leakage import pages, trend
from leakage.models import Leak, LeakDay
from practices import rounds
from practices.models import Event, Practice
from tests import factories
from tests.leakage.conftest import Look
from tests.leakage.test_causes import fail, pay


def test_the_first_page_is_the_dashboard_and_orders_the_next_look(
    desk: Client, practice: Practice, woken: list[int]
) -> None:
    assert desk.get("/")["Location"] == "/dashboard/"
    shown = desk.get("/dashboard/").content.decode()

    assert "Nothing leaks" in shown
    assert "$0.00" in shown
    assert woken == [practice.pk]


def test_without_a_broker_the_last_look_is_shown(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(rounds, "wake", down)

    assert desk.get("/dashboard/").status_code == 200


def test_it_shows_what_leaks_with_the_button_that_fixes_it(desk: Client, practice: Practice, look: Look) -> None:
    part = fail(factories.collectable(practice))
    look()

    shown = desk.get("/dashboard/").content.decode()

    assert "Ana Sample-Ortiz" in shown
    assert "insufficient funds" in shown
    assert f"/installments/{part.installment_id}/pay-now/" in shown
    assert shown.count("$128.60") == 4, "leaking now, this week, the row, the foot"


def test_the_headline_is_the_sum_of_the_rows_and_filters_add_up(desk: Client, practice: Practice, look: Look) -> None:
    for hold in ("", "NEW_CARD", "STAFF"):
        fail(factories.collectable(practice), hold=hold)
    paid = factories.collectable(practice)
    pay(paid)
    paid.attempts.get().payment.postings.update(state="REFUSED")
    look()

    page = desk.get("/dashboard/").context

    assert page["leaking"] == sum(row.leak.amount_cents for row in page["rows"]) == 4 * 128_60
    counts = {one.label: one.count for one in page["filters"]}
    assert counts == {"All": 4, "Cards": 3, "Posting": 1}
    assert desk.get("/dashboard/?filter=posting").context["cents"] == 128_60
    assert desk.get("/dashboard/?filter=nonsense").context["chosen"] == "all"


def test_it_asks_few_questions_however_many_leak(desk: Client, practice: Practice, look: Look) -> None:
    for _ in range(2):
        fail(factories.collectable(practice))
    look()
    few = asked(desk)
    for _ in range(4):
        fail(factories.collectable(practice))
    look()

    assert asked(desk) == few <= 12


def asked(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/dashboard/").status_code == 200
    return len([one for one in captured if "set_config" not in one["sql"]])


def test_recovered_money_of_this_month_is_counted_and_listed(desk: Client, practice: Practice, look: Look) -> None:
    part = fail(factories.collectable(practice))
    look()
    pay(part)
    look()

    page = desk.get("/dashboard/?filter=closed").context

    assert (page["recovered"], page["recovered_cents"], page["put_right_cents"]) == (1, 128_60, 0)
    assert (page["cents"], page["leaking"]) == (128_60, 0)
    assert "Recovered: Autopay" in desk.get("/dashboard/?filter=closed").content.decode()


def test_a_leak_is_taken_noted_and_snoozed_with_a_reason(
    desk: Client, practice: Practice, look: Look, now: datetime
) -> None:
    fail(factories.collectable(practice))
    look()
    leak = Leak.objects.get()

    desk.post(f"/dashboard/leaks/{leak.pk}/take/")
    desk.post(f"/dashboard/leaks/{leak.pk}/note/", {"text": "Called, calls back on Friday"})
    assert desk.get("/dashboard/?filter=mine").context["page"].paginator.count == 1
    answer = desk.post(f"/dashboard/leaks/{leak.pk}/snooze/", {"until": "2026-03-13", "reason": "Payday"})

    assert answer.status_code == 302
    leak.refresh_from_db()
    assert leak.snoozed_until == datetime(2026, 3, 13, 4, tzinfo=now.tzinfo)
    page = desk.get("/dashboard/").context
    assert (page["leaking"], page["snoozed_cents"], list(page["rows"])) == (0, 128_60, [])
    assert pages.attention(practice, now) == 0
    assert pages.attention(practice, leak.snoozed_until) == 1, "it comes back by itself"
    shown = desk.get(f"/dashboard/leaks/{leak.pk}/").content.decode()
    assert "Called, calls back on Friday" in shown
    assert "Payday" in shown
    assert list(Event.objects.about(leak=leak.pk).order_by("pk").values_list("kind", flat=True)) == [
        "leak_taken", "leak_note", "leak_snoozed",
    ]  # fmt: skip
    desk.post(f"/dashboard/leaks/{leak.pk}/wake/")
    assert pages.attention(practice, now) == 1
    look()
    assert Leak.objects.get().owner is not None, "a look keeps what people did"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"until": "", "reason": "x"}, "Enter the day on which it comes back."),
        ({"until": "soon", "reason": "x"}, "Enter a day."),
        ({"until": "2026-03-10", "reason": "x"}, "Choose a day after today."),
        ({"until": "2026-06-09", "reason": "x"}, "At most 90 days: what waits longer is forgotten."),
        ({"until": "2026-03-12", "reason": ""}, "Say why it can wait."),
    ],
)
def test_a_snooze_that_can_not_be_is_refused_beside_its_field(
    desk: Client, practice: Practice, look: Look, given: dict[str, str], words: str
) -> None:
    fail(factories.collectable(practice))
    look()
    leak = Leak.objects.get()

    answer = desk.post(f"/dashboard/leaks/{leak.pk}/snooze/", given)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    leak.refresh_from_db()
    assert (leak.snoozed_until, Event.objects.about(leak=leak.pk).count()) == (None, 0)


def test_several_are_taken_at_once_and_only_open_ones_of_this_practice(
    desk: Client, practice: Practice, look: Look
) -> None:
    for _ in range(2):
        fail(factories.collectable(practice))
    look()
    first, second = Leak.objects.order_by("pk")
    second.delete()

    desk.post("/dashboard/leaks/", {"leak": [str(first.pk), str(second.pk), "nonsense"], "do": "take"})
    first.refresh_from_db()
    assert first.owner is not None
    assert desk.post("/dashboard/leaks/", {}).status_code == 302
    desk.post("/dashboard/leaks/", {"leak": [str(first.pk)], "do": "hand_back"})
    first.refresh_from_db()
    assert first.owner is None


def test_an_auditor_looks_and_changes_nothing(auditor: Client, practice: Practice, look: Look) -> None:
    fail(factories.collectable(practice))
    look()
    leak = Leak.objects.get()

    assert "Take the ticked" not in auditor.get("/dashboard/").content.decode()
    assert auditor.get(f"/dashboard/leaks/{leak.pk}/").status_code == 200
    assert auditor.post(f"/dashboard/leaks/{leak.pk}/take/").status_code == 403
    assert not Event.objects.about(leak=leak.pk).exists()


def test_the_trend_shows_the_last_look_of_each_week_and_nothing_for_a_week_without(
    practice: Practice, now: datetime
) -> None:
    today = date(2026, 3, 10)
    for days, cents in ((0, 50_00), (3, 999_00), (7, 100_00), (8, 1_00), (21, 0)):
        LeakDay.objects.create(practice=practice, day=today - timedelta(days=days), leaks=1, cents=cents, looked_at=now)

    weeks = trend.weeks(practice, today)

    assert [week.cents for week in weeks] == [None, None, None, None, 0, None, 100_00, 50_00]
    assert [(bar.height, bar.is_now) for bar in trend.bars(weeks)] == [(66, False), (33, True)]
    assert trend.bars([]) == []
