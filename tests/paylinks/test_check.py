"""The page on which a patient checks the code of a text."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.core.cache import cache
from django.test import Client

from notifications.models import Message
from patients.models import Patient
from practices.models import Practice
from tests import factories
from tests.notifications.making import failed_notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(practice: Practice, now: datetime) -> Message:
    cache.clear()
    ana: Patient = factories.PatientFactory.create(practice=practice)
    message = failed_notice(ana, now, link_nonce=None, kind="PAYMENT_SUCCESSFUL")
    Message.objects.update(sent_at=now, state="SENT", channel="SMS", to="+15555550142")
    return message


def ask(practice: Practice, code: str, **headers: str) -> tuple[int, str]:
    answer = Client().post(f"/check/{practice.slug}/", {"code": code}, headers=headers)
    return answer.status_code, answer.content.decode()


def test_a_code_of_ours_says_when_and_where_and_nothing_else(practice: Practice, sent: Message) -> None:
    status, page = ask(practice, sent.spoken_code)

    assert status == 200
    assert "Yes. Maple Grove Dental sent it on" in page
    assert "ends in 42" in page
    assert "Ana" not in page
    assert "128.60" not in page


@pytest.mark.parametrize("wrong", ["000 000", "12", "abc", "9" * 20])
def test_any_other_code_is_not_ours(practice: Practice, sent: Message, wrong: str) -> None:
    status, page = ask(practice, wrong)

    assert status == 404
    assert "We sent no text with this code." in page


def test_a_message_that_was_not_sent_vouches_for_nothing(practice: Practice, sent: Message) -> None:
    Message.objects.update(sent_at=None, state="QUEUED")

    assert ask(practice, sent.spoken_code)[0] == 404


def test_guessing_is_stopped_after_twenty_wrong_codes(practice: Practice, sent: Message) -> None:
    statuses = [ask(practice, f"{number:06d}")[0] for number in range(21)]

    assert statuses == [404] * 20 + [429]


def test_the_page_opens_without_a_code_and_in_spanish(practice: Practice) -> None:
    cache.clear()
    answer = Client().get(f"/check/{practice.slug}/", headers={"Accept-Language": "es"})

    assert answer.status_code == 200
    assert "¿De verdad es nuestro este mensaje?" in answer.content.decode()
    assert Client().get("/check/nobody/").status_code == 404
