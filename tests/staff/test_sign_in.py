"""Signing in, the growing lockout, signing out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from practices.models import Event, Membership, Practice, SignInAttempt, User
from practices.sign_in import wait_after
from tests import factories

PASSWORD = "correct horse battery"


@pytest.fixture
def dana(practice: Practice) -> User:
    user: User = factories.MembershipFactory.create(
        practice=practice, user__email="dana@example.com", user__name="Dana Ruiz", role=Membership.Role.FRONT_DESK
    ).user
    return user


def try_to(
    password: str, *, email: str = "dana@example.com", client: Client | None = None, ip: str = "10.0.0.9"
) -> str:
    answer = (client or Client()).post("/sign-in/", {"email": email, "password": password}, REMOTE_ADDR=ip)
    return f"{answer.status_code} {answer.get('Location', '')}{'|'.join(shown(answer.content.decode()))}"


def shown(page: str) -> list[str]:
    return [text for text in (WRONG, LOCKED) if text in page]


WRONG = "That e-mail and password do not belong together."
LOCKED = "Too many wrong tries."


def test_the_right_password_leads_to_communication(dana: User) -> None:
    client = Client()

    assert try_to(PASSWORD, client=client) == "302 /"
    assert client.get("/")["Location"] == "/dashboard/"
    assert "Dana Ruiz · Front desk" in client.get("/communication/").content.decode()


def test_the_e_mail_may_be_typed_in_capitals(dana: User) -> None:
    assert try_to(PASSWORD, email=" Dana@Example.com ") == "302 /"


def test_after_signing_in_one_is_back_where_one_wanted_to_go(dana: User) -> None:
    answer = Client().post("/sign-in/?next=/plans/", {"email": "dana@example.com", "password": PASSWORD})

    assert answer["Location"] == "/plans/"


def test_the_way_back_never_leads_to_another_site(dana: User) -> None:
    for elsewhere in ("https://evil.example.com/", "//evil.example.com", "javascript:alert(1)"):
        answer = Client().post(f"/sign-in/?next={elsewhere}", {"email": "dana@example.com", "password": PASSWORD})
        assert answer["Location"] == "/"


def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer(dana: User) -> None:
    assert try_to("wrong") == f"422 {WRONG}"
    assert try_to("wrong", email="nobody@example.com") == f"422 {WRONG}"
    assert SignInAttempt.objects.count() == 2


def test_a_wrong_password_is_an_event_of_the_practice(dana: User) -> None:
    try_to("wrong")

    event = Event.objects.get()
    assert (event.kind, event.actor, event.about) == ("SIGN_IN_FAILED", "visitor", {"user": dana.pk})
    assert event.text == "Wrong password from 10.0.0.9"


def test_the_sixth_try_waits_even_with_the_right_password(dana: User) -> None:
    answers = [try_to("wrong") for _ in range(5)]

    assert answers == [f"422 {WRONG}"] * 4 + [f"422 {LOCKED}"]
    assert try_to(PASSWORD) == f"422 {LOCKED}"
    assert SignInAttempt.objects.count() == 5


@pytest.mark.django_db
def test_an_unknown_e_mail_is_locked_the_same_way() -> None:
    answers = [try_to("wrong", email="nobody@example.com") for _ in range(6)]

    assert answers == [f"422 {WRONG}"] * 4 + [f"422 {LOCKED}"] * 2


def test_the_wait_ends_and_a_right_password_clears_it(dana: User, now: datetime) -> None:
    for _ in range(5):
        try_to("wrong")

    with time_machine.travel(now + timedelta(seconds=29), tick=False):
        assert try_to(PASSWORD) == f"422 {LOCKED}"
    with time_machine.travel(now + timedelta(seconds=30), tick=False):
        assert try_to(PASSWORD) == "302 /"
    assert SignInAttempt.objects.count() == 0


def test_the_wait_doubles_up_to_an_hour() -> None:
    waits = [int(wait_after(tries).total_seconds()) for tries in (0, 4, 5, 6, 7, 11, 12, 400)]

    assert waits == [0, 0, 30, 60, 120, 1920, 3600, 3600]


def test_nobody_can_lock_out_somebody_at_another_address(dana: User) -> None:
    for _ in range(6):
        try_to("wrong", ip="10.66.6.6")

    assert try_to(PASSWORD) == "302 /"


def test_a_deactivated_person_gets_the_same_answer_as_a_stranger(dana: User) -> None:
    User.objects.filter(pk=dana.pk).update(is_active=False)

    assert try_to(PASSWORD) == f"422 {WRONG}"


@pytest.mark.parametrize("form", [{}, {"email": "no address", "password": "x"}, {"email": "dana@example.com"}])
def test_an_incomplete_form_is_answered_and_not_counted(dana: User, form: dict[str, str]) -> None:
    answer = Client().post("/sign-in/", form)

    assert answer.status_code == 422
    assert SignInAttempt.objects.count() == 0


def test_signing_out_ends_the_session(dana: User) -> None:
    client = Client()
    try_to(PASSWORD, client=client)

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/communication/").status_code == 302


def test_a_session_ends_after_fifteen_idle_minutes(dana: User, now: datetime) -> None:
    client = Client()
    try_to(PASSWORD, client=client)

    with time_machine.travel(now + timedelta(minutes=14), tick=False):
        assert client.get("/stay/").status_code == 204
    with time_machine.travel(now + timedelta(minutes=28), tick=False):
        assert client.get("/communication/").status_code == 200
    with time_machine.travel(now + timedelta(minutes=44), tick=False):
        assert client.get("/communication/").status_code == 302


def test_passwords_are_kept_as_argon2(dana: User) -> None:
    assert dana.password.startswith("argon2$argon2id$")
