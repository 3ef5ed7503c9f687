"""bin/bench pages: the screens staff look at all day, with 100,000 patients and 1,000,000 installments in one practice.

Each page through the whole of Django (sign-in, middleware, templates) beside a bare view that renders the same bytes
from data at hand, alternately, in one process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import QueryDict
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from benchmarks import bare, printing, running, seed
from benchmarks.books import surname
from patients import pages as patient_pages
from patients.models import Patient
from payments import needs_posting, payment_list, plan_list, plan_pages
from practices import tenancy
from practices.models import Practice, User

STATEMENTS = ("SELECT", "(SELECT", "INSERT", "UPDATE")
MOST_TIMES, MOST_QUERIES = 3.0, 12
HTMX = {"HX-Request": "true"}
# What every signed-in request asks about session, person and memberships; the bare view does too.
SIGNED_IN = ("django_session", "practices_user", "practices_membership")


@dataclass(frozen=True)
class Screen:
    """`address` of the page about person number `i`; `at_hand`: template and context for the bare view."""

    name: str
    address: Callable[[int], str]
    at_hand: Callable[[Practice, int], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Speed:
    """Milliseconds at the 95th percentile, ours and bare; its own queries, without those of the sign-in."""

    name: str
    p95: float
    bare_p95: float
    queries: int

    @property
    def times(self) -> float:
        return self.p95 / self.bare_p95


def _patient(practice: Practice, i: int) -> Patient:
    return patient_pages.patient_or_404(practice, i + 1)


def _plans(practice: Practice, i: int) -> tuple[str, dict[str, Any]]:
    patient = _patient(practice, i)
    cards = plan_pages.cards_of(practice, plan_pages.plans_of(patient), running.now())
    head = patient_pages.head(patient, "patient_plans")
    return "payments/patient_plans.html", {**head, "poll": 1, "watch": False, "plans": cards}


def _board(practice: Practice, text: str) -> tuple[str, dict[str, Any]]:
    page = plan_list.listed(practice, chosen="", text=text, sort="", page="1", now=running.now())
    return "payments/plans.html", page


def _payments(practice: Practice, query: str) -> tuple[str, dict[str, Any]]:
    return "payments/payments.html", payment_list.page(practice, QueryDict(query), now=running.now())


def _queue(practice: Practice) -> tuple[str, dict[str, Any]]:
    return "payments/needs_posting.html", needs_posting.page(practice, QueryDict(""), now=running.now())


# Everything that can be combined but a search.
FILTERED = "filter=paid&channel=AUTOPAY&by=autopay&least=100&most=200&since=2020-01-01"

SCREENS = (
    Screen(
        "patient", lambda i: f"/communication/{i + 1}/",
        lambda practice, i: ("patients/overview.html", patient_pages.overview(_patient(practice, i))),
    ),
    Screen("patient's plans", lambda i: f"/communication/{i + 1}/plans/", _plans),
    Screen("plan board", lambda _: "/plans/", lambda practice, _: _board(practice, "")),
    Screen(
        "plan board, search", lambda i: f"/plans/?q={surname(i)}",
        lambda practice, i: _board(practice, surname(i)),
    ),
    Screen("payments", lambda _: "/payments/", lambda practice, _: _payments(practice, "")),
    Screen("payments, filtered", lambda _: f"/payments/?{FILTERED}", lambda practice, _: _payments(practice, FILTERED)),
    Screen(
        "payments, search", lambda i: f"/payments/?q={surname(i)}",
        lambda practice, i: _payments(practice, f"q={surname(i)}"),
    ),
    Screen("needs posting", lambda _: "/payments/needs-posting/", lambda practice, _: _queue(practice)),
    Screen(
        "search as you type", lambda i: f"/communication/results/?q={surname(i)[: 3 + i % 4]}",
        lambda practice, i: ("patients/results.html", patient_pages.results(practice, surname(i)[: 3 + i % 4])),
    ),
    Screen(
        "search", lambda i: f"/communication/?q={surname(i)}",
        lambda practice, i: ("patients/communication.html", patient_pages.directory(practice, surname(i), "1")),
    ),
)  # fmt: skip


def main(argv: list[str]) -> int:
    wish = printing.options("Pages of staff beside a bare view that renders the same bytes.", argv)
    out = printing.Report(only_json=wish.json)
    patients, rounds = (200, 5) if wish.tiny else (100_000, 150)
    made = seed.fill(patients)
    out.say(f"{patients:,} patients, {made.rows:,} rows in {made.seconds:.0f} s; {rounds} rounds\n")
    with override_settings(ROOT_URLCONF="benchmarks.bare"):
        client = Client()
        client.force_login(User.objects.get(memberships__practice=made.practices[0]))
        practice = Practice.objects.get(pk=made.practices[0])
        speeds = [_speed(client, practice, screen, patients, rounds) for screen in SCREENS]
    rows = [(one.name, f"{one.p95:.1f}", f"{one.bare_p95:.1f}", f"{one.times:.2f}", one.queries) for one in speeds]
    out.table(("page", "p95 ms", "bare p95 ms", "times", "queries"), rows)
    out.say(f"Goals: at most {MOST_TIMES} times, at most {MOST_QUERIES} queries.\n")
    return out.end(
        bench="pages",
        patients=patients,
        times={one.name: round(one.times, 2) for one in speeds},
        p95_ms={one.name: round(one.p95, 1) for one in speeds},
        queries={one.name: one.queries for one in speeds},
        worst_times=round(max(one.times for one in speeds), 2),
        most_queries=max(one.queries for one in speeds),
    )


def _speed(client: Client, practice: Practice, screen: Screen, patients: int, rounds: int) -> Speed:
    chance = random.Random(7)
    ours, plain = list[float](), list[float]()

    for number in range(rounds + 3):
        i = chance.randrange(patients)
        with tenancy.scope(practice.pk):
            bare.AT_HAND["now"] = screen.at_hand(practice, i)
        client.get("/bare/now/")  # Now the context has read whatever it reads.
        mine, other = _timed(client, screen.address(i)), _timed(client, "/bare/now/")
        if number >= 3:
            ours.append(mine)
            plain.append(other)
    with CaptureQueriesContext(connection) as captured:
        client.get(screen.address(0), headers=HTMX if "type" in screen.name else {})
    asked = [one["sql"] for one in captured.captured_queries if one["sql"].startswith(STATEMENTS)]
    own = [sql for sql in asked if "set_config" not in sql and not any(f'"{table}"' in sql for table in SIGNED_IN)]
    return Speed(screen.name, _p95(ours), _p95(plain), len(own))


def _timed(client: Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return 1000 * (time.perf_counter() - began)


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]
