"""Migrations that would break the previous release's code are refused; those of the tree do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import AddIndex, CreateModel
from django.db.migrations.loader import MigrationLoader

from ops import check, compatible
from ops.children import ROOT


def migration(operation: str) -> str:
    return f"class Migration(migrations.Migration):\n    operations = [{operation}]\n"


def test_no_migration_keeps_writers_waiting_while_it_builds_an_index() -> None:
    """An index on a table of an earlier migration is built concurrently; on one made just now there is nothing yet."""
    blocking = set()
    for migration in MigrationLoader(None).disk_migrations.values():
        new = {operation.name_lower for operation in migration.operations if isinstance(operation, CreateModel)}
        added = [operation for operation in migration.operations if isinstance(operation, AddIndex)]
        late = [one for one in added if migration.name != "0001_initial" and one.model_name.lower() not in new]
        blocking |= {one.index.name for one in late if not isinstance(one, AddIndexConcurrently) or migration.atomic}

    # Of a short list of work, built in no time.
    assert blocking == {"plans_to_read_in_order"}


ADD = "migrations.AddField(model_name='card', name='x', field=models.{})"


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("migrations.RemoveField(model_name='card', name='last4')", "drops a column"),
        ("migrations.RenameField('card', 'last4', 'ending')", "renames a column"),
        ("migrations.DeleteModel(name='card')", "deletes a table"),
        ("migrations.RenameModel('Card', 'Plastic')", "renames a table"),
        ("migrations.AlterField(model_name='card', name='x', field=models.TextField())", "alters a column"),
        ("migrations.RunSQL('ALTER TABLE a DROP COLUMN b')", "its SQL takes away or makes stricter"),
        ("migrations.RunSQL('ALTER TABLE a ALTER b SET NOT NULL')", "its SQL takes away or makes stricter"),
        (
            "migrations.AddConstraint(model_name='card', constraint=models.UniqueConstraint(fields=['x'], name='y'))",
            "adds a constraint that the previous release does not know",
        ),
        (
            ADD.format("TextField(default='')"),
            "adds a column that the previous release's INSERT leaves empty: give it null=True or a db_default",
        ),
    ],
)
def test_what_the_previous_release_could_not_work_with_is_named(operation: str, what: str) -> None:
    assert compatible.of_text(migration(operation)) == [(2, what)]


@pytest.mark.parametrize(
    "operation",
    [
        ADD.format("TextField(null=True)"),
        "migrations.AddField('card', 'x', models.TextField(null=True))",
        ADD.format("TextField(default='', db_default='')"),
        "migrations.CreateModel(name='New', fields=[]), "
        "migrations.AddConstraint(model_name='new', constraint=models.UniqueConstraint(fields=['x'], name='y'))",
        "migrations.AddIndex(model_name='card', index=models.Index(fields=['x'], name='y'))",
        "migrations.RunSQL('CREATE FUNCTION f() ...', 'DROP FUNCTION f()')",
        "migrations.RemoveIndex(model_name='card', name='y')",
    ],
)
def test_what_it_does_not_notice_is_let_through(operation: str) -> None:
    assert compatible.of_text(migration(operation)) == []


def test_a_persons_judgment_is_believed_when_it_says_why() -> None:
    drop = migration("migrations.RemoveField(model_name='card', name='last4')")

    assert compatible.of_text(f"# compatible: release 7 stopped using it\n{drop}") == []
    assert len(compatible.of_text(f"# compatible:\n{drop}")) == 1


def test_the_migrations_of_the_tree_are_compatible_and_checked_by_bin_check() -> None:
    files = check.tracked_files()

    assert compatible.violations(ROOT, files) == []
    assert "migrations suit the last release" in [one.name for one in check.checks(files)]


def test_a_new_migration_of_the_tree_is_judged(tmp_path: Path) -> None:
    folder = tmp_path / "cards/migrations"
    folder.mkdir(parents=True)
    for name in ("0001_initial.py", "0009_later.py"):
        (folder / name).write_text(migration("migrations.DeleteModel(name='card')"))

    found = compatible.violations(tmp_path, [f"cards/migrations/{one.name}" for one in folder.iterdir()])

    assert found == ["cards/migrations/0009_later.py:2: deletes a table"]
