"""The patient's head, Overview and Activity."""

from __future__ import annotations

import re
from datetime import datetime

from django.test import Client

from patients.models import Patient
from practices.models import Event, Practice, User
from tests import factories
from tests.staff import making


def test_the_overview_shows_balance_contact_and_family(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice, pat_num=72, balance_cents=482_00, family_balance_cents=602_00)
    making.patient(practice, pat_num=73, guarantor_num=72, first_name="Ben", balance_cents=120_00)
    making.patient(practice, pat_num=90, first_name="Rui", last_name="Fictional")

    page = desk.get(f"/communication/{ana.pk}/").content.decode()

    for text in ("Ana Sample-Ortiz", "$482.00", "$602.00", "(555) 555-0142", "ana@example.com", "Ben Sample-Ortiz"):
        assert text in page
    assert "Rui Fictional" not in page


def test_the_tabs_keep_their_names_and_order(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice)

    page = desk.get(f"/communication/{ana.pk}/").content.decode()
    tabs = page[page.index('<nav class="tabs"') :].partition("</nav>")[0]

    assert re.findall(r">([^<]+)</a>", tabs) == [
        "Overview", "Payments", "Payment Plans", "Cards", "Messages", "Activity",
    ]  # fmt: skip


def test_somebody_who_was_not_asked_about_texts_is_said_so(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice, texting_wish="Unknown")

    assert "Not asked" in desk.get(f"/communication/{ana.pk}/").content.decode()


def test_a_patient_open_dental_lost_is_marked(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice, gone_at=factories.LONG_AGO)

    assert "Open Dental no longer has this patient." in desk.get(f"/communication/{ana.pk}/").content.decode()


def test_names_are_shown_as_text(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice, first_name="<b>Ana</b>")

    assert "<b>Ana" not in desk.get(f"/communication/{ana.pk}/").content.decode()


def test_activity_says_what_happened_and_who_did_it(desk: Client, practice: Practice, now: datetime) -> None:
    ana, other = making.patient(practice), making.patient(practice, pat_num=999)
    actor = User.objects.get()
    record(practice, ana, now, kind="card_saved", actor=f"user:{actor.pk}", text="Visa 4242 saved")
    record(practice, ana, now, kind="attempt_declined", actor="autopay", text="Declined: insufficient funds")
    record(practice, other, now, kind="card_saved", actor="sweep", text="Not hers")

    page = desk.get(f"/communication/{ana.pk}/activity/").content.decode()

    assert "Visa 4242 saved" in page
    assert "· Dana Desk" in page
    assert "Declined: insufficient funds" in page
    assert "Not hers" not in page
    assert "2 in all" in page


def test_a_patient_without_events_is_taught_what_will_be_there(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice)

    assert "Nothing has happened yet" in desk.get(f"/communication/{ana.pk}/activity/").content.decode()


def record(practice: Practice, patient: Patient, now: datetime, *, kind: str, actor: str, text: str) -> None:
    Event.record(practice.pk, kind=kind, actor=actor, now=now, about={"patient": patient.pk}, text=text)
