"""Everything the checks look at, read once: the product's tables by raw SQL, the processor, the offices, the inbox."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from ops.audit.books import Books
from ops.audit.sources import Office, Processor, Row, read_inbox

Key = TypeVar("Key")
# What is younger may still be on its way.
GRACE = timedelta(minutes=10)


class World:
    """A snapshot. `rows("payments_attempt")` are dicts of one table of the product, by id."""

    # Open Dental's PaymentSource of what came in by the API: by us, as opposed to the desk.
    BY_API = 13

    def __init__(self, books: Books, database: psycopg.Connection[Row]) -> None:
        self.now = books.now
        self.database = database
        self.processor = Processor.read(books.stripe)
        self.offices = Office.read_all(books.opendental)
        self.inbox = read_inbox(books.messaging)
        self._tables: dict[str, list[Row]] = {}
        self._ids: dict[str, dict[int, Row]] = {}
        self._events: dict[str, list[Row]] = {}

    def is_old(self, at: datetime) -> bool:
        """Old enough to be judged."""
        return at <= self.now - GRACE

    def query(self, sql: str, **values: Any) -> list[Row]:
        return self.database.execute(sql, values).fetchall()

    def rows(self, table: str) -> list[Row]:
        if table not in self._tables:
            self._tables[table] = self.query(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
        return self._tables[table]

    def one(self, table: str, row_id: int) -> Row:
        return self._by_id(table)[row_id]

    def _by_id(self, table: str) -> dict[int, Row]:
        if table not in self._ids:
            self._ids[table] = {row["id"]: row for row in self.rows(table)}
        return self._ids[table]

    @cached_property
    def card_payments(self) -> list[Row]:
        """Payments that the processor took; cash and checks have no reference there."""
        return [row for row in self.rows("payments_payment") if row["processor_reference"]]

    @cached_property
    def attempts_by_uuid(self) -> dict[str, Row]:
        return {str(row["uuid"]): row for row in self.rows("payments_attempt")}

    @cached_property
    def intents_by_id(self) -> dict[str, Row]:
        return {intent["id"]: intent for intent in self.processor.intents}

    @cached_property
    def intents_by_attempt(self) -> dict[str, list[Row]]:
        return grouped(self.processor.intents, lambda intent: str(intent["metadata"].get("attempt", "")))

    @cached_property
    def charges_by_intent(self) -> dict[str, list[Row]]:
        return grouped(self.processor.charges, lambda charge: charge["payment_intent"])

    @cached_property
    def allocations_by_payment(self) -> dict[int, list[Row]]:
        return grouped(self.rows("payments_allocation"), lambda row: row["payment_id"])

    @cached_property
    def fee_of_part(self) -> dict[int, Row]:
        """Due part → the fee of that tender."""
        return {row["due_part_id"]: row for row in self.rows("payments_tenderfee")}

    @cached_property
    def installments_of_payment(self) -> dict[int, list[int]]:
        return {
            payment: [row["installment_id"] for row in found if row["installment_id"]]
            for payment, found in self.allocations_by_payment.items()
        }

    @cached_property
    def installments_by_plan(self) -> dict[int, list[Row]]:
        return grouped(self.rows("payplans_installment"), lambda row: row["plan_id"])

    @cached_property
    def charge_rows_by_installment(self) -> dict[int, list[Row]]:
        return grouped(self.rows("payplans_chargerow"), lambda row: row["installment_id"])

    def events_of(self, kind: str) -> list[Row]:
        if kind not in self._events:
            self._events[kind] = self.query("SELECT * FROM practices_event WHERE kind = %(kind)s", kind=kind)
        return self._events[kind]

    def events_about(self, name: str) -> dict[int, Counter[str]]:
        """Row id → kinds of the events that carry it under this name."""
        found: dict[int, Counter[str]] = {}
        sql = (
            "SELECT (about->>%(name)s)::bigint AS id, kind, count(*) AS n FROM practices_event "
            "WHERE about ? %(name)s GROUP BY 1, 2"
        )
        for row in self.query(sql, name=name):
            found.setdefault(row["id"], Counter())[row["kind"]] = row["n"]
        return found

    @cached_property
    def adopted(self) -> set[int]:
        """Postings of which a person said which payment in Open Dental they are."""
        return {row["about"]["posting"] for row in self.events_of("posting_adopted")}

    @cached_property
    def moved(self) -> set[int]:
        """Payments whose allocations say where they were moved to, not where they were posted first."""
        return {row["payment_id"] for row in self.rows("payments_move") if row["state"] != "REFUSED"}

    @cached_property
    def refunded_by_payment(self) -> Counter[int]:
        """Payment → cents that went back for certain."""
        found: Counter[int] = Counter()
        for row in self.rows("payments_refund"):
            found[row["payment_id"]] += row["amount_cents"] if row["state"] == "SUCCEEDED" else 0
        return found

    @cached_property
    def kept_by_allocation(self) -> dict[int, int]:
        """Allocation → its cents less what was given back, which a payment's allocations bear in turn."""
        kept = {}
        for payment, allocations in self.allocations_by_payment.items():
            back = self.refunded_by_payment[payment]
            for row in allocations:
                part = min(back, row["amount_cents"])
                back -= part
                kept[row["id"]] = row["amount_cents"] - part
        return kept

    # -- alarms ---------------------------------------------------------------------------------------------------

    @cached_property
    def _alarms(self) -> dict[tuple[int, str], list[Row]]:
        return grouped(self.rows("payments_alarm"), lambda row: (row["practice_id"], row["key"]))

    def is_told(self, practice_id: int, key: str) -> bool:
        """The alarm is open, or a person has closed it."""
        return any(
            row["closed_at"] is None or row["closed_by"].startswith("user:")
            for row in self._alarms.get((practice_id, key), [])
        )

    def is_mentioned(self, *words: str) -> bool:
        """Some alarm, open or closed, names one of these."""
        return any(
            word in f"{row['key']} {row['text']}" for row in self.rows("payments_alarm") for word in words if word
        )

    # -- offices --------------------------------------------------------------------------------------------------

    @cached_property
    def office_of(self) -> dict[int, Office]:
        """Practice → its office: the one that holds its references, else the one that has its plans."""
        found = {}
        for practice in self.rows("practices_practice"):
            scores = [(self._likeness(practice["id"], office), office.key, office) for office in self.offices]
            best = max(scores, key=lambda score: score[:2], default=None)
            if best is not None and best[0] > 0:
                found[practice["id"]] = best[2]
        return found

    def _likeness(self, practice_id: int, office: Office) -> int:
        plans = {(row["PayPlanNum"], row["PatNum"], row["Guarantor"]) for row in office.tables["payplan"]}
        references = {row["CheckNum"].upper() for row in office.tables["payment"]}
        people = self._by_id("patients_patient")
        ours = [row for row in self.rows("payplans_payplan") if row["practice_id"] == practice_id]
        same = sum(
            (row["pay_plan_num"], people[row["patient_id"]]["pat_num"], people[row["guarantor_id"]]["pat_num"]) in plans
            for row in ours
        )
        postings = [row for row in self.rows("payments_ledgerposting") if row["practice_id"] == practice_id]
        return same + 1000 * sum(row["reference"] in references for row in postings)


def grouped(found: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in found:
        groups[key(row)].append(row)
    return dict(groups)


@contextmanager
def open_world(books: Books) -> Iterator[World]:
    """All of the product's tables as of one moment; nothing is written."""
    with psycopg.connect(books.database, row_factory=dict_row) as database:
        database.read_only = True
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield World(books, database)
