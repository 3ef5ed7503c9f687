"""Settings → Payment Settings → General."""

from __future__ import annotations

import pytest
from django.test import Client

from practices.models import Event, PaymentSettings, Practice, User
from tests.staff.conftest import SignIn

URL = "/settings/payments/general/"
AS_IT_IS: dict[str, object] = {
    "charge_hour": 10, "max_tries": 15, "retry_weekdays": [1, 2, 3, 4, 5, 6, 7], "quiet_until_hour": 8,
    "quiet_from_hour": 21, "notify_every_nth_failure": 3, "upcoming_days": 3, "move_days": 30,
    "patient_move_days": 14, "patient_moves": 2, "first_reminder_days": 2, "second_reminder_days": 5,
    "texts_per_day": 5,
}  # fmt: skip


@pytest.fixture
def manager(sign_in: SignIn) -> Client:
    return sign_in("MANAGER")


def test_the_page_shows_what_holds(manager: Client) -> None:
    page = manager.get(URL).content.decode()

    assert '<option value="10" selected>10:00 AM</option>' in page
    assert page.count('name="retry_weekdays"') == page.count("checked") == 7
    assert "The practice's time zone is America/New_York." in page


def test_a_change_is_saved_and_recorded_with_before_and_after(manager: Client) -> None:
    manager.post(URL, {**AS_IT_IS, "charge_hour": 14, "retry_weekdays": [1, 3, 5]})

    row, event = PaymentSettings.objects.get(), Event.objects.get()
    assert (row.charge_hour, row.retry_weekdays, row.max_tries) == (14, [1, 3, 5], 15)
    assert (event.kind, event.actor) == ("SETTINGS_CHANGED", f"user:{User.objects.get().pk}")
    assert event.before == {"charge_hour": 10, "retry_weekdays": [1, 2, 3, 4, 5, 6, 7]}
    assert event.after == {"charge_hour": 14, "retry_weekdays": [1, 3, 5]}


def test_saving_what_holds_records_nothing(manager: Client) -> None:
    page = manager.post(URL, AS_IT_IS, follow=True).content.decode()

    assert "Nothing was changed." in page
    assert Event.objects.count() == 0
    assert PaymentSettings.objects.get().retry_weekdays == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"charge_hour": 24}, "Select a valid choice."),
        ({"charge_hour": ""}, "This field is required."),
        ({"charge_hour": "noon"}, "Select a valid choice."),
        ({"max_tries": 0}, "greater than or equal to 1"),
        ({"max_tries": 16}, "less than or equal to 15"),
        ({"max_tries": "many"}, "Enter a whole number."),
        ({"retry_weekdays": []}, "Choose at least one day."),
        ({"retry_weekdays": [8]}, "Select a valid choice."),
        ({"quiet_until_hour": 7}, "Select a valid choice."),
        ({"quiet_from_hour": 22}, "Select a valid choice."),
        ({"quiet_until_hour": 12, "quiet_from_hour": 12}, "The end must be later than the start."),
        ({"upcoming_days": -1}, "greater than or equal to 0"),
        ({"notify_every_nth_failure": 0}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_answer_is_named_above_and_beside_its_field(
    manager: Client, change: dict[str, object], words: str
) -> None:
    answer = manager.post(URL, {**AS_IT_IS, **change})
    page = answer.content.decode()

    assert answer.status_code == 422
    assert page.count(words) == 2
    assert "One answer needs another look" in page
    assert Event.objects.count() == 0
    assert PaymentSettings.objects.get().charge_hour == 10


def test_a_practice_without_a_row_starts_with_the_defaults(manager: Client, practice: Practice) -> None:
    PaymentSettings.objects.all().delete()

    assert manager.get(URL).status_code == 200
    assert PaymentSettings.objects.get().practice == practice


def test_a_front_desk_is_told_who_can_change_it(desk: Client) -> None:
    answer = desk.get(URL)

    assert answer.status_code == 403
    assert "The role front desk may not change payment settings." in answer.content.decode()


def test_staff_read_english_whatever_the_browser_prefers(manager: Client) -> None:
    answer = manager.post(URL, {**AS_IT_IS, "charge_hour": ""}, headers={"Accept-Language": "es"})

    assert answer.content.decode().count("This field is required.") == 2
