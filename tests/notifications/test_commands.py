"""Connecting the carrier says plainly what is missing; the sender survives a kill at the worst moment."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from core import clock
from notifications import tasks
from notifications.models import Message, MessagingAccount
from patients.models import Patient
from practices.models import Practice
from tests import factories
from tests.notifications.conftest import OUR_NUMBER, SID, TOKEN, texts
from tests.notifications.making import failed_notice, reread, walk
from tests.outside import ROOT, Outside

State = Message.State


def connect(practice: Practice, base_url: str, **changes: str) -> str:
    options: dict[str, Any] = {"base_url": base_url, "sid": SID, "token": TOKEN, "from_number": OUR_NUMBER, **changes}
    out = io.StringIO()
    call_command("connect_messaging", practice=practice.slug, stdout=out, **options)
    return out.getvalue()


def test_connecting_stores_the_account_encrypted_and_says_that_replies_do_not_arrive_yet(
    practice: Practice, carrier: Outside
) -> None:
    said = connect(practice, carrier.url)

    assert f"texts go out from {OUR_NUMBER}" in said
    assert f"http://testserver/webhooks/twilio/{practice.slug}/inbound" in said
    account = MessagingAccount.objects.get()
    assert (account.base_url, account.sid, account.token, account.is_live) == (carrier.url, SID, TOKEN, False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM notifications_messagingaccount")
        assert TOKEN not in cursor.fetchone()[0]


def test_connecting_again_replaces_the_account_and_clears_its_problem(practice: Practice, carrier: Outside) -> None:
    connect(practice, carrier.url)
    MessagingAccount.objects.update(problem="The carrier refuses the account")
    number = {"number": OUR_NUMBER, "inbound_url": f"http://testserver/webhooks/twilio/{practice.slug}/inbound"}
    carrier.http.post("/_sandbox/numbers", json=number).raise_for_status()

    assert "To do" not in connect(practice, carrier.url)

    assert MessagingAccount.objects.get().problem == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token": "wrong"}, "does not know this account or its token: check --sid and --token"),
        ({"sid": "AC404"}, "does not know this account or its token"),
        ({"from_number": "+12125550177"}, "+12125550177 is not a number of this account: check --from"),
        ({"base_url": "http://127.0.0.1:9"}, "No answer from http://127.0.0.1:9"),
    ],
)
def test_connecting_says_what_is_wrong_and_stores_nothing(
    practice: Practice, carrier: Outside, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(CommandError) as refusal:
        connect(practice, changes.pop("base_url", carrier.url), **changes)

    assert words in str(refusal.value)
    assert MessagingAccount.objects.count() == 0


def test_a_live_account_is_refused_where_the_clock_can_be_moved(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "is_movable", lambda: True)

    with pytest.raises(CommandError, match="only a sandbox on this machine"):
        connect(practice, "https://api.twilio.com")

    assert MessagingAccount.objects.count() == 0


def test_commands_name_a_practice_that_does_not_exist(practice: Practice) -> None:
    with pytest.raises(CommandError, match="There is no practice 'nobody'"):
        call_command("send_messages", practice="nobody")


def test_send_messages_reports_what_it_did(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient
) -> None:
    failed_notice(ana, clock.now() - timedelta(days=1))
    Message.objects.update(not_before=clock.now())
    # Noon somewhere: the test runs at any hour, so nothing may be quiet.
    practice_settings = {"quiet_from_hour": 0, "quiet_until_hour": 0}
    type(account).objects.model._meta.apps.get_model("practices", "PaymentSettings").objects.update(**practice_settings)
    out = io.StringIO()

    call_command("send_messages", practice=practice.slug, json=True, stdout=out)

    assert json.loads(out.getvalue()) == {"practice": practice.slug, "sent": 1, "found": 0}
    assert len(texts(carrier)) == 1


@pytest.mark.parametrize(
    ("fault", "sent", "found"),
    # The request arrives after the worker's death, or never.
    [("slow", 0, 1), ("drop_before", 1, 0)],
)
def test_a_sender_killed_while_the_carrier_answers_sends_the_message_once(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime,
    tmp_path: Path, fault: str, sent: int, found: int,
) -> None:  # fmt: skip
    message = failed_notice(ana, now)
    carrier.fault("POST */Messages.json", fault, seconds=4)

    worker = _sender(tmp_path, now)
    _wait(lambda: reread(message).state == State.SENDING)
    _wait(lambda: carrier.http.get("/_sandbox/faults").json()[0]["hits"] == 1)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    _wait(lambda: len(texts(carrier)) == found)
    assert tasks.run(practice.pk, now) == {"sent": 0, "found": 0}
    Message.objects.update(claimed_at=Now() - timedelta(minutes=3))

    assert walk(practice, now, minutes=6) == {"sent": sent, "found": found}
    assert (len(texts(carrier)), reread(message).state) == (1, State.SENT)


def _sender(folder: Path, now: datetime) -> subprocess.Popen[bytes]:
    """manage.py send_messages as a process of its own, on the test's database and business time."""
    clock_file = folder / "clock.json"
    clock_file.write_text(json.dumps({"offset_seconds": (now - clock.now()).total_seconds()}))
    where = connection.settings_dict
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**where)
    environment = {**os.environ, "DATABASE_URL": url, "CLOCK_FILE": str(clock_file)}
    return subprocess.Popen([sys.executable, "manage.py", "send_messages"], cwd=ROOT, env=environment)


def _wait(condition: Any) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)


def test_the_timetable_gives_every_active_practice_a_pass_of_its_own(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    closed = factories.PracticeFactory.create(is_active=False)
    failed_notice(ana, now)
    monkeypatch.setattr(clock, "now", lambda: now)
    queued: list[int] = []
    monkeypatch.setattr(tasks.send_one, "apply_async", lambda *, kwargs, priority: queued.append(kwargs["practice_id"]))

    tasks.send_all()
    for practice_id in queued:
        tasks.send_one(practice_id=practice_id)

    assert (queued, closed.pk in queued) == ([practice.pk], False)
    assert len(texts(carrier)) == 1
