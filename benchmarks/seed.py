"""bin/bench seed: fills the database by COPY with practices, patients, plans and their money, as a year leaves it.

Every person, number and address is invented.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from benchmarks import printing
from benchmarks.books import ROWS, Books
from practices import tenancy
from practices.models import Membership, PaymentSettings, Practice, User
from processors.models import ProcessorAccount

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Seeded:
    """Ids of the practices; rows written by COPY and the seconds that took, statistics included."""

    practices: list[int]
    rows: int
    seconds: float


def fill(patients: int, *, due: int = 0, practices: int = 1, processor: str = "http://127.0.0.1:9") -> Seeded:
    """Each patient gets one plan of ten installments; the first `due` have one due today. On an empty database."""
    now = datetime.now(UTC)
    made = [_practice(number, processor, now) for number in range(practices)]
    began = time.perf_counter()
    with psycopg.connect(address(), autocommit=True) as database:
        # In this role no foreign key is checked; the rows fit together.
        database.execute("SET session_replication_role = replica")
        rows = sum(table.copy(database, lines) for table, lines in Books(patients, due, made, now).tables())
        database.execute("VACUUM ANALYZE")
    return Seeded(made, rows, time.perf_counter() - began)


def empty() -> None:
    """Remove every row of the product's tables, so that another size can be built."""
    kept = {"django_migrations", "django_content_type"}
    tables = [name for name in connection.introspection.table_names() if name not in kept]
    with psycopg.connect(address(), autocommit=True) as database:
        names = sql.SQL(", ").join(sql.Identifier(name) for name in tables)
        database.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))


def address() -> str:
    """The superuser's address of this measurement's database."""
    name = settings.DATABASES["default"]["NAME"]
    return os.environ["DATABASE_SUPERUSER_URL"].rsplit("/", 1)[0] + f"/{name}"


def _practice(number: int, processor: str, now: datetime) -> int:
    practice = Practice.objects.create(
        slug=f"bench-{number}", name=f"Sample Dental {number}", phone="(555) 555-0100", timezone="UTC"
    )
    user = User.objects.create_user(email=f"desk{number}@example.com", password=PASSWORD, name="Dana Desk")
    Membership.objects.create(user=user, practice=practice, role=Membership.Role.ADMIN)
    with tenancy.scope(practice.pk):
        # From midnight on, so that what is due today is due whenever this runs.
        PaymentSettings.objects.create(practice=practice, charge_hour=0)
        ProcessorAccount.objects.create(
            practice=practice, base_url=processor, secret_key=f"sk_test_bench{number}", connected_at=now,
            webhook_secret=f"whsec_bench{number}",
        )  # fmt: skip
    return practice.pk


def main(argv: list[str]) -> int:
    wish = printing.options("Builds 100,000 patients with 1,000,000 installments and says how long it took.", argv)
    out = printing.Report(only_json=wish.json)
    patients = 200 if wish.tiny else 100_000
    seeded = fill(patients)
    per_second = round(seeded.rows / seeded.seconds)
    out.say(f"{seeded.rows:,} rows in {seeded.seconds:.1f} s: {per_second:,} rows/s, indexes and statistics included")
    return out.end(
        bench="seed", patients=patients, installments=patients * ROWS, rows=seeded.rows,
        seconds=round(seeded.seconds, 2), rows_per_second=per_second,
    )  # fmt: skip
