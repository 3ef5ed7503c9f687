"""The rows of a seeded database: who has which plan, what was paid, failed, is due. Ids follow from one another.

Plan number i belongs to patient i + 1. The first `due` plans have an installment due today; of the others 14 in 20 are
on autopay, one of these failed last month; one in 20 is overdue without a card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from benchmarks.copying import Table
from cards.models import Autopay, Card, Consent
from core.calendar import add_months
from patients.models import Patient
from payments.models import Allocation, Attempt, DuePart, LedgerPosting, Payment
from payplans.models import ChargeRow, Installment, PayPlan
from practices.models import Event

ROWS, PAST = 10, 4  # installments a plan, and how many of them lie before today
CENTS = 128_60
Row = tuple[Any, ...]
_SYLLABLES = (
    "zar",
    "vol",
    "mek",
    "tin",
    "pol",
    "dra",
    "sum",
    "rik",
    "hob",
    "lan",
    "fex",
    "gud",
    "wim",
    "quo",
    "bex",
    "jul",
)


@dataclass(frozen=True)
class Books:
    """Patients 1 to `patients`, dealt out to the practices in turn."""

    patients: int
    due: int
    practices: list[int]
    now: datetime

    def tables(self) -> Iterator[tuple[Table, Iterator[Row]]]:
        """In an order in which every row finds what it points at."""
        yield from (self._people(), self._plans(), self._cards(), self._consents(), self._autopays())
        yield from (self._installments(), self._charge_rows(), self._parts())
        yield from (self._attempts(), self._payments(), self._allocations(), self._postings(), self._events())

    @property
    def today(self) -> date:
        return self.now.date()

    def _practice(self, i: int) -> int:
        return self.practices[i % len(self.practices)]

    def _has_autopay(self, i: int) -> bool:
        return i < self.due or i % 20 < 14

    def _has_failed(self, i: int) -> bool:
        return i >= self.due and i % 20 == 0

    def _due_date(self, i: int, j: int) -> date:
        first = self.today if i < self.due else self.today + timedelta(days=1 + i % 27)
        return add_months(first, j - PAST) if j != PAST else first

    def _is_open(self, i: int, j: int) -> bool:
        return j >= PAST or j == PAST - 1 and (self._has_failed(i) or i >= self.due and i % 20 == 19)

    def _rows(self) -> Iterator[tuple[int, int]]:
        return ((i, j) for i in range(self.patients) for j in range(ROWS))

    def _paid(self) -> Iterator[tuple[int, int, int]]:
        """(attempt id, plan, row) of everything autopay has taken."""
        for i in range(self.patients):
            if self._has_autopay(i):
                for j in range(PAST):
                    if not self._is_open(i, j):
                        yield i * ROWS + j + 1, i, j

    def _people(self) -> tuple[Table, Iterator[Row]]:
        varying = ("id", "practice", "pat_num", "guarantor_num", "first_name", "last_name", "mobile_phone",
                   "search_text", "birth_date")  # fmt: skip
        table = Table(Patient, *varying, email="patient@example.com", texting_wish="Yes", synced_at=self.now)
        return table, (self._person(i) for i in range(self.patients))

    def _person(self, i: int) -> Row:
        first, last = f"Testa{i % 97}", surname(i)
        digits = f"{200 + i // 100 % 800}55501{i % 100:02}"
        born = date(1950, 1, 1) + timedelta(days=i * 7 % 20_000)
        search = f"{first} {last} {digits} {i + 1}".lower()
        return i + 1, self._practice(i), i + 1, i + 1, first, last, f"+1{digits}", search, born

    def _plans(self) -> tuple[Table, Iterator[Row]]:
        total = ROWS * CENTS
        table = Table(
            PayPlan, "id", "practice", "patient", "guarantor", "pay_plan_num", kind="DYNAMIC", synced_at=self.now,
            agreed_date=self.today - timedelta(days=130), start_date=self.today - timedelta(days=120),
            pay_amount_cents=CENTS, principal_cents=total, completed_cents=total,
        )  # fmt: skip
        return table, ((i + 1, self._practice(i), i + 1, i + 1, i + 1) for i in range(self.patients))

    def _cards(self) -> tuple[Table, Iterator[Row]]:
        table = Table(
            Card, "id", "practice", "patient", "customer", "payment_method", "fingerprint", "last4", brand="visa",
            exp_month=12, exp_year=self.today.year + 4, funding="credit", is_primary=True, saved_at=self.now,
        )  # fmt: skip
        rows = ((i + 1, self._practice(i), i + 1, f"cus_{i}", f"pm_{i}", f"fp_{i}", f"{i % 10_000:04}")
                for i in range(self.patients))  # fmt: skip
        return table, rows

    def _consents(self) -> tuple[Table, Iterator[Row]]:
        table = Table(
            Consent, "id", "practice", "patient", "card", "plan", kind="AUTOPAY", text_version="bench", channel="STAFF",
            text="I agree that my card is charged for this plan.", card_last4="4242", max_charge_cents=CENTS,
            given_by="user:1", given_at=self.now - timedelta(days=130), schedule=[{"amount_cents": CENTS}],
        )  # fmt: skip
        return table, ((i + 1, self._practice(i), i + 1, i + 1, i + 1) for i in self._on_autopay())

    def _autopays(self) -> tuple[Table, Iterator[Row]]:
        since = self.now - timedelta(days=130)
        table = Table(Autopay, "id", "practice", "plan", "card", "consent", is_on=True, since=since)
        return table, ((i + 1, self._practice(i), i + 1, i + 1, i + 1) for i in self._on_autopay())

    def _on_autopay(self) -> Iterator[int]:
        return (i for i in range(self.patients) if self._has_autopay(i))

    def _installments(self) -> tuple[Table, Iterator[Row]]:
        varying = ("id", "practice", "plan", "due_date", "first_due_date", "is_issued", "status", "collected_cents",
                   "office_paid_cents")  # fmt: skip
        return Table(Installment, *varying, principal_cents=CENTS), (self._installment(i, j) for i, j in self._rows())

    def _installment(self, i: int, j: int) -> Row:
        day, is_open, ours = self._due_date(i, j), self._is_open(i, j), self._has_autopay(i)
        status = "FAILED" if is_open and j < PAST and ours else "PENDING" if is_open else "PAID"
        paid = 0 if is_open else CENTS
        issued = j < PAST or (j == PAST and i < self.due)
        return (i * ROWS + j + 1, self._practice(i), i + 1, day, day, issued, status,
                paid if ours else 0, 0 if ours else paid)  # fmt: skip

    def _charge_rows(self) -> tuple[Table, Iterator[Row]]:
        table = Table(ChargeRow, "id", "practice", "installment", "pay_plan_charge_num", "charge_date",
                      principal_cents=CENTS, interest_cents=0)  # fmt: skip
        rows = ((i * ROWS + j + 1, self._practice(i), i * ROWS + j + 1, i * ROWS + j + 1, self._due_date(i, j))
                for i, j in self._rows() if j < PAST or (j == PAST and i < self.due))  # fmt: skip
        return table, rows

    def _parts(self) -> tuple[Table, Iterator[Row]]:
        varying = ("id", "practice", "installment", "payer", "state", "hold", "next_try_at", "is_automatic")
        return Table(DuePart, *varying, kind="INSTALLMENT", amount_cents=CENTS), (
            self._part(i, j) for i, j in self._rows()
        )

    def _part(self, i: int, j: int) -> Row:
        number = i * ROWS + j + 1
        state = "OPEN" if self._is_open(i, j) else "PAID" if self._has_autopay(i) else "CLOSED"
        hold = "NEW_CARD" if state == "OPEN" and j < PAST and self._has_autopay(i) else ""
        at = datetime.combine(self._due_date(i, j), time(0), UTC)
        return number, self._practice(i), number, i + 1, state, hold, at, self._has_autopay(i)

    def _attempts(self) -> tuple[Table, Iterator[Row]]:
        varying = ("id", "uuid", "practice", "due_part", "card", "state", "reference", "started_at", "settled_at")
        params = {"amount": CENTS, "currency": "usd", "customer": "cus_0", "payment_method": "pm_0"}
        table = Table(
            Attempt, *varying, number=1, amount_cents=CENTS, channel="AUTOPAY", actor="autopay", create_params=params,
            confirm_params={"off_session": True},
        )  # fmt: skip
        return table, self._tries()

    def _tries(self) -> Iterator[Row]:
        for number, i, j in self._paid():
            yield self._try(number, i, j, "SUCCEEDED")
        for i in range(self.due, self.patients):
            if self._has_failed(i):
                yield self._try(i * ROWS + PAST, i, PAST - 1, "DECLINED")

    def _try(self, number: int, i: int, j: int, state: str) -> Row:
        at = self._paid_at(i, j)
        return number, f"{number:032x}", self._practice(i), number, i + 1, state, f"pi_old_{number}", at, at

    def _paid_at(self, i: int, j: int) -> datetime:
        return datetime.combine(self._due_date(i, j), time(15), UTC)

    def _payments(self) -> tuple[Table, Iterator[Row]]:
        varying = ("id", "practice", "attempt", "payer", "paid_at", "processor_reference")
        rows = ((n, self._practice(i), n, i + 1, self._paid_at(i, j), f"pi_old_{n}") for n, i, j in self._paid())
        return Table(Payment, *varying, amount_cents=CENTS), rows

    def _allocations(self) -> tuple[Table, Iterator[Row]]:
        rows = ((n, self._practice(i), n, n) for n, i, _ in self._paid())
        return Table(Allocation, "id", "practice", "payment", "installment", amount_cents=CENTS), rows

    def _postings(self) -> tuple[Table, Iterator[Row]]:
        varying = ("id", "practice", "payment", "reference", "patient", "plan", "pay_num", "created_at", "next_at")
        table = Table(LedgerPosting, *varying, amount_cents=CENTS, state="MATCHED", route="CHARGE_ROWS")
        rows = ((n, self._practice(i), n, f"KP-{n:016d}", i + 1, i + 1, n, self._paid_at(i, j), self._paid_at(i, j))
                for n, i, j in self._paid())  # fmt: skip
        return table, rows

    def _events(self) -> tuple[Table, Iterator[Row]]:
        table = Table(Event, "id", "practice", "at", "about", kind="payment_succeeded", actor="autopay", text="Charged")
        rows = ((n, self._practice(i), self._paid_at(i, j), f'{{"patient": {i + 1}, "plan": {i + 1}, "attempt": {n}}}')
                for n, i, j in self._paid())  # fmt: skip
        return table, rows


def surname(i: int) -> str:
    """One of 4,096 invented names with a number behind the more common ones."""
    a, b, c = i % 16, i // 16 % 16, i // 256 % 16
    return f"{_SYLLABLES[a]}{_SYLLABLES[b]}{_SYLLABLES[c]}".title()
