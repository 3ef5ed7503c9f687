"""One id leads from the sweep to the ledger and the message through every worker's log, and nobody is named in it."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from kasperpay import logs
from notifications.models import Message
from payments.models import Attempt, LedgerPosting
from payments.tasks import sweep_one
from practices.models import Practice
from tests.ops.machines import Machine, machines, until
from tests.ops.town import Town
from tests.plugins.stripe import POOR

PERSON = {
    "LName": "Quillfeather", "FName": "Ottoline", "WirelessPhone": "(555)555-0193", "TxtMsgOk": "No",
    "Email": "ottoline@example.com", "Birthdate": "1979-08-21",
}  # fmt: skip


def written(machine: Machine) -> list[dict[str, Any]]:
    return [line for process in machine.processes for line in process.lines()]


def steps_of(trace: str, machine: Machine) -> list[str]:
    order = sorted((line for line in written(machine) if line.get("trace") == trace), key=lambda one: one["timestamp"])
    return list(dict.fromkeys(line["event"] for line in order))


def test_one_id_leads_from_the_sweep_to_the_posting_and_the_message_and_nobody_is_named(
    town: Town, tmp_path: Path
) -> None:
    good, poor = town.plans_with_cards(2, **PERSON)
    town.attach(poor, POOR)
    town.time_to_charge()
    with machines(tmp_path, "one") as (machine,):
        machine.default()
        machine.charges()
        sweep_one.delay(practice_id=town.practice.pk)
        until(lambda: Attempt.objects.filter(state="DECLINED").exists() and town.is_quiet(), "both are collected")
        until(lambda: not Message.objects.exclude(state="SENT").exists(), "the e-mails are out")

    charged = Attempt.objects.get(due_part__installment__plan=good)
    posting = LedgerPosting.objects.get()
    steps = steps_of(charged.trace, machine)
    assert steps[:4] == ["handed_over", "claimed", "message_queued", "settled"]
    # Two workers' tasks: whichever comes first.
    assert sorted(steps[4:]) == ["message_handed_over", "posting_worked_on"]
    lines = [line for line in written(machine) if line.get("trace") == charged.trace]
    assert {line.get("attempt") for line in lines} - {None} == {str(charged.uuid)}
    assert {line.get("reference") for line in lines} - {None} == {posting.reference}
    declined = Attempt.objects.get(due_part__installment__plan=poor)
    assert declined.trace != charged.trace
    assert steps_of(declined.trace, machine) == [
        "handed_over", "claimed", "message_queued", "settled", "message_handed_over"
    ]  # fmt: skip
    nobody_is_named(town, "\n".join(process.log.read_text() for process in machine.processes))


def nobody_is_named(town: Town, text: str) -> None:
    card = town.shop.account.secret_key
    connection = town.practice
    names = ["Quillfeather", "Ottoline", "555-0193", "5550193", "1979-08", "08/21/1979"]
    names += [connection.name, connection.phone]
    secrets = [card, town.shop.account.webhook_secret, town.desk.key, "dev-sandbox"]
    cards = ["4242424242424242", "4000000000009995"]
    assert [word for word in (*names, *secrets, *cards) if word.lower() in text.lower()] == []
    # Four digits alone are a year, a last4 or the end of a phone number; inside a time or an id they are chance.
    assert re.findall(r"(?<![0-9a-f.:-])(?:0193|1979|4242|9995)(?![0-9a-f.:-])", text) == []
    assert re.findall(r"[\w.]+@(?!one)[\w.]+", text) == []


def line_of(caught: BaseException | None = None, **more: Any) -> dict[str, Any]:
    """What the log would hold of one record."""
    record = logging.LogRecord("somebody", logging.ERROR, __file__, 1, more.pop("event", "x"), (), None)
    if caught:
        record.exc_info = (type(caught), caught, caught.__traceback__)
    found: dict[str, Any] = json.loads(logs.formatter().format(record))
    return found


@pytest.mark.parametrize(
    "secret",
    [
        "(555) 555-0142", "+15555550142", "555-555-0142", "ana@example.com", "4242 4242 4242 4242",
        "4242424242424242", "sk_test_maplegrove1", "whsec_abcdef123", "ODFHIR dev/key", "postgres://me:hush@host/db",
    ],
)  # fmt: skip
def test_what_looks_personal_is_cut_out_of_any_line(secret: str) -> None:
    line = line_of(event=f"before {secret} after")

    assert line["event"].startswith("before [removed]")
    assert line["event"].endswith("after") or "postgres" in secret
    assert not any(part in line["event"] for part in ("0142", "ana", "4242", "maple", "abcdef", "key", "hush"))


def test_ids_and_times_stay_whole() -> None:
    text = "posting KP-ABCDEFGH23456789 of attempt 0b5e5a6e-0000-4000-8000-123456789012 on 2026-03-10 at 15:00:00"

    assert line_of(event=text)["event"] == text


def test_an_exception_is_told_by_its_type_and_place_without_its_words() -> None:
    try:
        try:
            raise ValueError("Failing row contains (Quillfeather)")
        except ValueError as inner:
            raise RuntimeError("about Ottoline") from inner
    except RuntimeError as error:
        line = line_of(error)

    assert [one["type"] for one in line["exception"]] == ["RuntimeError", "ValueError"]
    assert all("tests/ops/test_logs.py:" in one["at"][-1] for one in line["exception"])
    assert "Quillfeather" not in json.dumps(line)
    assert "Ottoline" not in json.dumps(line)


def test_a_request_is_logged_by_the_pattern_of_its_address(
    client: Any, practice: Practice, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "abcdefghijklmnopqrstuvwxyz"
    with caplog.at_level(logging.INFO):
        client.get(f"/p/{practice.slug}/{secret}?q=Quillfeather")
        client.get("/communication/results/?q=Quillfeather")

    lines = [json.loads(logs.formatter().format(record)) for record in caplog.records]
    requests = [line["request"] for line in lines if line["event"] == "request_finished"]
    assert requests == ["GET /p/<slug:slug>/<slug:token>", "GET /communication/results/"]
    assert secret not in json.dumps(lines)
    assert "Quillfeather" not in json.dumps(lines)
