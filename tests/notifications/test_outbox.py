"""What goes into the outbox: once per event, to the right address, in the right language, at a decent hour."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from notifications import send, templates, texting, zones
from notifications.codes import spoken_code
from notifications.defaults import TemplateText
from notifications.models import Kind, Message, MessagingAccount, TextingConsent
from patients.models import Patient
from practices import tenancy
from practices.models import Practice
from tests import factories
from tests.notifications.conftest import texts
from tests.notifications.making import failed_notice, receipt, reread
from tests.outside import Outside

State = Message.State
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    """Wall time in New York."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def test_the_same_event_makes_one_message_and_returns_it(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    first = failed_notice(ana, now)

    again = failed_notice(ana, now + timedelta(hours=1), values={"Transaction Amount": "$1.00"})

    assert (again.pk, again.body, Message.objects.count()) == (first.pk, first.body, 1)


def test_two_transactions_that_queue_the_same_event_at_once_make_one_message(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    barrier = threading.Barrier(4)
    seen: list[int] = []

    def settle() -> None:
        with tenancy.scope(practice.pk), transaction.atomic():
            barrier.wait()
            seen.append(failed_notice(ana, now).pk)
        connection.close()

    threads = [threading.Thread(target=settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(seen), len(set(seen)), Message.objects.count()) == (4, 1, 1)


def test_a_message_queued_in_a_transaction_that_rolls_back_is_gone(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    with transaction.atomic():
        failed_notice(ana, now)
        transaction.set_rollback(True)

    assert Message.objects.count() == 0


def test_txtmsgok_yes_is_imported_as_a_dated_consent_once(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    failed_notice(ana, now)
    receipt(ana, now + timedelta(days=1))

    [consent] = TextingConsent.objects.all()
    assert (consent.phone, consent.allowed, consent.at) == (ana.mobile_phone, True, now)
    assert consent.source == "Open Dental TxtMsgOk"


@pytest.mark.parametrize("wish", ["No", "Unknown"])
def test_without_consent_the_message_goes_by_e_mail(
    practice: Practice, account: MessagingAccount, now: datetime, wish: str
) -> None:
    patient = factories.PatientFactory.create(practice=practice, texting_wish=wish)

    message = failed_notice(patient, now)

    assert (message.channel, message.to, message.state) == ("EMAIL", "ana@example.com", State.QUEUED)
    assert TextingConsent.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"texting_wish": "Unknown"}, "No consent to texts, and no e-mail address"),
        ({"texting_wish": "No"}, "Open Dental says no texts, and no e-mail address"),
        ({"mobile_phone": ""}, "No mobile number, and no e-mail address"),
        ({"mobile_phone": "", "email": "none@"}, "No mobile number, and no e-mail address"),
    ],
)
def test_whoever_cannot_be_reached_is_a_task_with_the_reason(
    practice: Practice, account: MessagingAccount, carrier: Outside, now: datetime, fields: dict[str, str], reason: str
) -> None:
    patient = factories.PatientFactory.create(practice=practice, **{"email": "", **fields})

    message = failed_notice(patient, now)

    assert (message.state, message.state_reason) == (State.BLOCKED, reason)
    assert send.send_due(practice.pk, now) == 0
    assert texts(carrier) == []


def test_without_a_carrier_account_messages_go_by_e_mail(practice: Practice, ana: Patient, now: datetime) -> None:
    assert failed_notice(ana, now).channel == "EMAIL"


def test_an_opt_out_outlives_a_later_yes_in_open_dental_and_start_undoes_it(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    texting.record(practice.pk, ana.mobile_phone, allowed=False, source="reply: STOP", now=now)
    assert failed_notice(ana, now, dedupe_key="1").channel == "EMAIL"

    texting.record(practice.pk, ana.mobile_phone, allowed=True, source="reply: START", now=now + timedelta(days=1))

    assert failed_notice(ana, now + timedelta(days=2), dedupe_key="2").channel == "SMS"


def test_a_later_no_in_open_dental_ends_texts(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    assert failed_notice(ana, now, dedupe_key="1").channel == "SMS"
    ana.texting_wish = "No"

    assert failed_notice(ana, now, dedupe_key="2").channel == "EMAIL"


def test_a_spanish_speaker_is_written_to_in_spanish(
    practice: Practice, account: MessagingAccount, now: datetime
) -> None:
    patient = factories.PatientFactory.create(practice=practice, language="spa")

    message = failed_notice(patient, now)

    assert message.body == (
        "Maple Grove Dental: no se pudo cobrar $128.60. Otra tarjeta: [[link]] STOP para salir. "
        f"Codigo {message.spoken_code}"
    )


def test_a_template_whose_variable_has_no_value_this_time_falls_back_to_the_default(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    own = TemplateText("", "{Practice Name}: next try {Next Try Date}. {Link to Pay} Reply STOP to opt out.")
    templates.save_version(practice, Kind.PAYMENT_FAILED, "SMS", "en", own, user=None, now=now)

    with_date = failed_notice(ana, now, dedupe_key="1", values={"Next Try Date": now.date()})
    without = failed_notice(ana, now, dedupe_key="2")

    assert with_date.body == (
        "Maple Grove Dental: next try Mar 10, 2026. [[link]] Reply STOP to opt out. "
        f"Code {spoken_code(uuid.UUID(int=7))}"
    )
    assert without.body.startswith("Maple Grove Dental: your $128.60 payment failed.")


def test_a_text_that_cannot_be_made_is_a_task_and_does_not_break_the_callers_transaction(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    with transaction.atomic():
        message = failed_notice(ana, now, link_nonce=None)

    assert (message.state, message.state_reason) == (
        State.BLOCKED, "The text could not be made: no value for {Link to Pay}",
    )  # fmt: skip


def test_the_copy_of_a_consent_goes_by_e_mail_with_its_exact_words(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    values = {"Consent Text": "I agree to {this} exactly.", "Card Last 4": "4242"}

    message = receipt(ana, now, kind=Kind.CONSENT_COPY, values=values)

    assert message.channel == "EMAIL"
    assert "I agree to {this} exactly." in message.body


@pytest.mark.parametrize(
    ("zip_code", "moment", "expected"),
    [
        # New York, by the practice's clock: 2 AM waits for 8 AM, 8:59 PM goes, 9 PM waits for the morning.
        ("", "2026-03-10T02:00", "2026-03-10T08:00"),
        ("", "2026-03-10T20:59", "2026-03-10T20:59"),
        ("", "2026-03-10T21:00", "2026-03-11T08:00"),
        ("", "2026-03-10T08:00", "2026-03-10T08:00"),
        # The night of the spring change (March 8) and of the autumn change (November 1).
        ("10001", "2026-03-07T23:30", "2026-03-08T08:00"),
        ("10001", "2026-10-31T23:30", "2026-11-01T08:00"),
        # Honolulu is 6 hours behind New York after the change, 5 before it; it has no summer time.
        ("96814", "2026-03-10T10:00", "2026-03-10T14:00"),
        ("96814-1234", "2026-03-06T10:00", "2026-03-06T13:00"),
        ("96814", "2026-03-10T23:00", "2026-03-10T23:00"),
        # Pensacola is Central although Florida is Eastern; a Canadian code falls back to the practice.
        ("32501", "2026-03-10T08:30", "2026-03-10T09:00"),
        ("M5V 2T6", "2026-03-10T08:30", "2026-03-10T08:30"),
        # A prefix on both sides of a border waits for the later morning and keeps the earlier evening.
        ("38501", "2026-03-10T08:30", "2026-03-10T09:00"),
        ("38501", "2026-03-10T21:30", "2026-03-11T09:00"),
    ],
)
def test_quiet_hours_follow_the_clock_where_the_person_lives(
    practice: Practice, account: MessagingAccount, zip_code: str, moment: str, expected: str
) -> None:
    patient = factories.PatientFactory.create(practice=practice, zip_code=zip_code)

    assert failed_notice(patient, at(moment)).not_before == at(expected)


def test_a_failure_at_two_in_the_morning_is_texted_when_the_window_opens(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient
) -> None:
    failed_notice(ana, at("2026-03-10T02:00"))

    assert send.send_due(practice.pk, at("2026-03-10T07:59")) == 0
    assert send.send_due(practice.pk, at("2026-03-10T08:00")) == 1

    assert len(texts(carrier)) == 1


def test_quiet_hours_are_looked_at_again_when_the_message_is_sent(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient
) -> None:
    message = failed_notice(ana, at("2026-03-10T20:30"))

    assert send.send_due(practice.pk, at("2026-03-10T21:10")) == 0

    assert (reread(message).state, reread(message).not_before) == (State.QUEUED, at("2026-03-11T08:00"))
    assert reread(message).sends == 0
    assert texts(carrier) == []


def test_every_zip_prefix_has_zones_that_exist_and_ranges_do_not_overlap() -> None:
    found = {prefix: zones.zones_of(f"{prefix:03d}01", NEW_YORK) for prefix in range(1000)}

    assert found[968] == (ZoneInfo("Pacific/Honolulu"),)
    assert found[850] == (ZoneInfo("America/Phoenix"),)
    assert found[997] == (ZoneInfo("America/Anchorage"),)
    assert found[606] == (ZoneInfo("America/Chicago"),)
    ranges = zones._RANGES
    assert all(first <= last for first, last, _ in ranges)
    assert all(before[1] < after[0] for before, after in zip(ranges, ranges[1:], strict=False))
