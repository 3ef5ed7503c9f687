"""bin/backup and bin/restore: what they write, what they refuse, what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from kasperpay.beat import broker
from ops import backup
from ops.children import ROOT
from ops.console import UnableToStart
from payplans.models import PayPlan
from practices.models import Practice
from tests import factories
from tests.ops import runs
from tests.ops.conftest import owner_url
from tests.ops.town import Town

ONE = {"Email": "pat@example.com"}


def test_a_restore_gives_no_id_of_the_lost_days_out_again_and_keeps_practices_apart(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    restore = lose_everything_since()
    highest = PayPlan.objects.latest("pk").pk

    restore()

    assert PayPlan.objects.count() == 1
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('kasperpay.practice', '', false)")
        cursor.execute("SELECT count(*) FROM payplans_payplan")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT nextval(pg_get_serial_sequence('payplans_payplan', 'id'))")
        assert cursor.fetchone()[0] >= highest + backup.SKIPPED_IDS


def test_a_restore_refuses_while_somebody_is_connected(elsewhere: str, tmp_path: Path) -> None:
    file = tmp_path / "kasperpay.dump"
    backup.dump(elsewhere, file)
    with psycopg.connect(elsewhere), pytest.raises(UnableToStart, match="stop web, workers and beats first"):
        backup.load(file, elsewhere, "kasperpay_app")


def test_a_database_is_marked_as_soon_as_it_is_restored_also_practices_that_sleep(
    practice: Practice, elsewhere: str, tmp_path: Path
) -> None:
    factories.PracticeFactory.create(is_active=False)
    file = tmp_path / "kasperpay.dump"
    backup.dump(owner_url(), file)

    since = backup.load(file, elsewhere, str(connections["default"].settings_dict["USER"]))

    with psycopg.connect(elsewhere) as database:
        assert database.execute("SELECT recover_since FROM practices_practice").fetchall() == [(since,), (since,)]


def test_a_backup_says_when_it_was_begun(elsewhere: str, tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    backup.dump(elsewhere, tmp_path / "one.dump")

    assert before <= backup.begun(tmp_path / "one.dump") <= datetime.now(UTC)
    assert (tmp_path / "one.dump").stat().st_mode & 0o077 == 0


def command(what: str, data: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """bin/backup or bin/restore as a person types it, past its set-up."""
    return subprocess.run(
        [sys.executable, "-m", "ops.backup", what, str(file), "--data", str(data)],
        cwd=ROOT, env=runs.clean_environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_two_commands_bring_a_data_folder_back_and_mark_it(data: Path, tmp_path: Path) -> None:
    file, named = tmp_path / "kasperpay.dump", "SELECT slug, recover_since IS NOT NULL FROM practices_practice"
    add = "INSERT INTO practices_practice (slug, name, timezone, phone, email, address, state, is_active, created_at) "
    first = runs.start(data).until_up()
    first.sql(f"{add} VALUES ('early', 'Early', 'America/New_York', '', '', '', '', true, now())")
    made = command("backup", data, file)
    first.sql(f"{add} VALUES ('late', 'Late', 'America/New_York', '', '', '', '', true, now())")
    too_early = command("restore", data, file)
    first.interrupt()

    done = command("restore", data, file)

    assert (made.returncode, made.stdout.startswith(f"{file}: 0.")) == (0, True), made.stderr
    assert (too_early.returncode, "already running" in too_early.stderr) == (1, True), too_early.stderr
    assert done.returncode == 0, done.stderr
    assert "early: recovers since" in done.stdout
    second = runs.start(data).until_up()
    try:
        assert second.sql(named) == [("early", True)]
    finally:
        second.interrupt()


def test_a_restore_refuses_while_a_timetable_runs_although_its_workers_are_idle(transactional_db: None) -> None:
    broker().set("beat:holder", "somebody", px=5000)

    with pytest.raises(UnableToStart, match="a timetable runs"):
        backup._refuse_if_it_runs(os.environ["REDIS_URL"])


def test_a_file_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    said = command("restore", data, tmp_path / "nothing.dump")

    assert (said.returncode, "holds no database" in said.stderr) == (1, True)
