"""Row-level security: what one practice can see of another is nothing, even without a filter."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from patients.models import Patient
from practices import tenancy
from practices.models import Event, Practice
from practices.models.rows import PracticeRow
from tests import factories


def practice_tables() -> list[str]:
    return [model._meta.db_table for model in apps.get_models() if issubclass(model, PracticeRow)]


@pytest.mark.django_db
def test_the_application_role_is_not_privileged() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("kasperpay_app", False, False)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = 'kasperpay_app'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_every_practice_table_is_protected() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity")
        protected = {name for (name,) in cursor.fetchall()}
    assert set(practice_tables()) == protected


def test_rows_of_another_practice_are_invisible_without_any_filter(practice: Practice) -> None:
    factories.PatientFactory(practice=practice)
    other = factories.PracticeFactory()

    with tenancy.scope(other.pk):
        assert Patient.objects.count() == 0
    assert Patient.objects.count() == 1


def test_rows_cannot_be_written_into_another_practice(practice: Practice) -> None:
    other = factories.PracticeFactory()

    with pytest.raises(DatabaseError), transaction.atomic():
        factories.PatientFactory(practice=other)
    with tenancy.scope(other.pk):
        assert Patient.objects.count() == 0


@pytest.mark.django_db
def test_without_a_scope_nothing_is_visible_or_writable() -> None:
    other = factories.PracticeFactory()

    assert Patient.objects.count() == 0
    with pytest.raises(DatabaseError), transaction.atomic():
        factories.PatientFactory(practice=other)


def test_events_are_append_only(practice: Practice, now: datetime) -> None:
    event = Event.record(practice.pk, kind="test", actor="test", now=now, about={"patient": 1})

    with pytest.raises(DatabaseError, match="append-only"):
        Event.objects.filter(pk=event.pk).update(text="changed")
    with pytest.raises(DatabaseError, match="append-only"):
        Event.objects.filter(pk=event.pk).delete()
    assert Event.objects.get().text == ""


@pytest.mark.django_db
def test_functions_with_the_owners_rights_look_for_temporary_tables_last() -> None:
    """Else a caller's own temporary table stands in for one they read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, proconfig FROM pg_proc WHERE prosecdef ORDER BY proname")
        paths = {name: [one for one in settings or [] if one.startswith("search_path=")] for name, settings in cursor}

    assert set(paths) >= {"events_about", "kasperpay_numbers", "patients_matching"}
    assert set(map(tuple, paths.values())) == {("search_path=pg_catalog, public, pg_temp",)}


def test_functions_with_the_owners_rights_see_only_the_practice_in_scope(practice: Practice) -> None:
    mine = factories.PatientFactory.create(practice=practice, search_text="ana sample", last_name="Sample")
    Event.record(practice.pk, kind="seen", actor="sync", now=factories.LONG_AGO, about={"patient": mine.pk})
    other = factories.PracticeFactory.create()
    ask = "SELECT patients_matching(%s::text[], %s::bigint[], NULL)", "SELECT events_about(%s::jsonb)"

    def seen() -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(ask[0], [["sample"], [mine.pk]])
            patients = len(cursor.fetchall())
            cursor.execute(ask[1], [json.dumps({"patient": mine.pk})])
            return patients, len(cursor.fetchall())

    assert seen() == (1, 1)
    with tenancy.scope(other.pk):
        assert seen() == (0, 0)
    with tenancy.scope(0):
        assert seen() == (0, 0)
