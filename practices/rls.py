"""Migration helpers: row-level security for practice tables and triggers that make a table append-only."""

from __future__ import annotations

from django.db.migrations import RunSQL

_POLICY = "practice_id = NULLIF(current_setting('kasperpay.practice', true), '')::bigint"


def protect(*tables: str) -> list[RunSQL]:
    """Rows are visible and writable only inside their practice's scope (the owner of the tables is exempt)."""
    return [
        RunSQL(
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY;'
            f'CREATE POLICY practice_rows ON "{table}" USING ({_POLICY}) WITH CHECK ({_POLICY});',
            f'DROP POLICY practice_rows ON "{table}"; ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY;',
        )
        for table in tables
    ]


def append_only(table: str) -> list[RunSQL]:
    """UPDATE and DELETE raise, whoever asks."""
    return [
        RunSQL(
            f"""CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$;
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}"
            FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only();""",
            f'DROP TRIGGER append_only ON "{table}"; DROP FUNCTION {table}_is_append_only();',
        )
    ]
