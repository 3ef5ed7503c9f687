"""A town of fake offices, each with a connection and postings to come; it runs a worker and says how old things got."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock

import httpx
from django.db import connections
from django.utils.crypto import get_random_string

from benchmarks.offices import HANGS, THROTTLES
from benchmarks.queueing import FAILED, Worker
from cards.models import Card
from core import broker, clock
from opendental import breaker, client, pacing, tasks
from opendental.models import Connection
from ops import ports
from patients.models import Patient
from payments import upward
from payments.models import Attempt, AttemptState, DuePart, LedgerPosting, Payment
from practices import tenancy
from practices.models import PaymentSettings, Practice

CENTS = 100_00


@dataclass(frozen=True)
class Size:
    """`each_sick` offices hang, as many refuse, as many throttle. `scale`: real seconds of one second of theirs."""

    offices: int
    each_sick: int
    scale: float
    # Real seconds of a run; the first third is what it takes to settle.
    seconds: float
    threads: int = 8
    postings: int = 100

    @property
    def sick(self) -> int:
        return 3 * self.each_sick


@dataclass(frozen=True)
class Seen:
    """Real seconds, of the healthy offices only. `onset_*` are of the first third of the run, the rest of the rest."""

    sync_p50: float
    sync_p95: float
    onset_sync_p50: float
    posting_p50: float
    posting_p95: float
    pulls: int
    asked_sick: int
    opened: int
    unposted: int
    errors: int


class Town:
    def __init__(self, size: Size, port: int) -> None:
        self.size, self.port = size, port
        self._now = clock.now()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10)
        self.closed_port = ports.free_port()
        self.practices = [self._practice(number) for number in range(size.offices)]
        sick = size.each_sick
        self.hanging, self.refusing = self.practices[:sick], self.practices[sick : 2 * sick]
        self.throttling, self.healthy = self.practices[2 * sick : 3 * sick], self.practices[3 * sick :]

    def _practice(self, number: int) -> int:
        practice = Practice.objects.create(slug=f"town-{get_random_string(8)}-{number}", name=f"Sample Dental {number}")
        with tenancy.scope(practice.pk):
            PaymentSettings.objects.create(practice=practice)
            Connection.objects.create(
                practice=practice, base_url=f"http://127.0.0.1:{self.port}/{practice.pk}", developer_key="d",
                customer_key=str(practice.pk), mode="SERVICE", connected_at=clock.now(), version="25.4.10",
                permissions=["ApiPayments", "ApiQueries"], pay_type_num=1,
            )  # fmt: skip
        return practice.pk

    def warm(self) -> None:
        """The first sync of every office, which reads everything: it is not what is compared."""
        with self._shrunk(guarded=True), ThreadPoolExecutor(self.size.threads) as pool:
            for outcome in pool.map(_first_pull, self.practices):
                if outcome:
                    raise RuntimeError(f"an office of the town does not work: {outcome}")

    def run(self, *, sick: bool, guarded: bool = True) -> Seen:
        """One run from a fresh start. `guarded` False: as if breaker, bulkhead and short limits did not exist."""
        self._start_over(sick)
        postings = self._postings()
        asked = self._asked_sick()
        with self._shrunk(guarded), Worker(self.size.threads, self.size.scale).running() as worker:
            began = time.monotonic()
            released = self._release(postings, began + self.size.seconds)
            ended = time.monotonic()
        delays, unposted = self._delays(worker, released)
        third = began + self.size.seconds / 3
        onset, settled = self._ages(worker, began, began, third), self._ages(worker, began, third, ended)
        pulls = sum(map(len, worker.done["pull"].values()))
        return Seen(
            _p50(settled), _p95(settled), _p50(onset), _p50(delays), _p95(delays), pulls,
            self._asked_sick() - asked, self._opened(), unposted,
            len(worker.errors),
        )  # fmt: skip

    def _start_over(self, sick: bool) -> None:
        broker.client().flushdb()
        behavior = {str(pk): HANGS for pk in self.hanging} | {str(pk): THROTTLES for pk in self.throttling}
        self.http.post("/_behave", json=behavior if sick else {}).raise_for_status()
        refused = set(self.refusing) if sick else set()
        for practice_id in self.practices:
            port = self.closed_port if practice_id in refused else self.port
            with tenancy.scope(practice_id):
                Connection.objects.update(
                    base_url=f"http://127.0.0.1:{port}/{practice_id}", failures=0, away_since=None, next_try_at=None,
                    problem="", problem_since=None,
                )  # fmt: skip

    def _postings(self) -> list[LedgerPosting]:
        """Money taken at random healthy offices, not to be posted yet."""
        chosen = random.Random(7).choices(self.healthy, k=self.size.postings)
        return [self._posting(practice_id) for practice_id in chosen]

    @staticmethod
    def _posting(practice_id: int) -> LedgerPosting:
        never, now, key = datetime(9999, 1, 1, tzinfo=UTC), clock.now(), get_random_string(12)
        with tenancy.scope(practice_id):
            patient = Patient.objects.filter(practice_id=practice_id).first() or Patient.objects.create(
                practice_id=practice_id, pat_num=1, guarantor_num=1, first_name="Pat", last_name="Sample", synced_at=now
            )
            card = Card.objects.create(
                practice_id=practice_id, patient=patient, customer=key, payment_method=key, exp_month=1, exp_year=2040,
                brand="visa", last4="4242", funding="credit", fingerprint=key, saved_at=now,
            )  # fmt: skip
            part = DuePart.objects.create(
                practice_id=practice_id, kind=DuePart.Kind.REQUEST, payer=patient, amount_cents=CENTS, state="PAID"
            )
            attempt = Attempt.objects.create(
                practice_id=practice_id, due_part=part, number=1, amount_cents=CENTS, card=card, channel="PAY_NOW",
                actor="town", state=AttemptState.SUCCEEDED, create_params={}, confirm_params={}, reference=key,
                started_at=now,
            )  # fmt: skip
            payment = Payment.objects.create(
                practice_id=practice_id, attempt=attempt, payer=patient, amount_cents=CENTS, paid_at=now,
                processor_reference=key,
            )  # fmt: skip
            return LedgerPosting.objects.create(
                practice_id=practice_id, payment=payment, patient=patient, amount_cents=CENTS, next_at=never,
                created_at=now,
            )  # fmt: skip

    def _release(self, postings: list[LedgerPosting], until: float) -> list[tuple[LedgerPosting, float]]:
        """One after another over the middle of the run they are due, and the poster is woken as settle() does."""
        released, began = [], time.monotonic()
        pause = (until - began) * 0.8 / len(postings)
        for place, posting in enumerate(postings):
            time.sleep(max(0.0, began + (place + 1) * pause - time.monotonic()))
            with tenancy.scope(posting.practice_id):
                LedgerPosting.objects.filter(pk=posting.pk).update(next_at=clock.now())
            released.append((posting, time.monotonic()))
            upward.handlers.nudge(posting.practice_id)
        time.sleep(max(0.0, until - time.monotonic()))
        return released

    def _delays(self, worker: Worker, released: list[tuple[LedgerPosting, float]]) -> tuple[list[float], int]:
        """Seconds from due to posted and read back; and how many were not."""
        delays, unposted = [], 0
        for posting, at in released:
            with tenancy.scope(posting.practice_id):
                posting.refresh_from_db()
            jobs = worker.done["post"][posting.practice_id]
            ended = next((end for _, end, worked in jobs if worked not in (0, FAILED) and end >= at), None)
            if posting.state == LedgerPosting.State.MATCHED and ended is not None:
                delays.append(ended - at)
            else:
                unposted += 1
        return delays or [0.0], unposted

    def _ages(self, worker: Worker, began: float, since: float, until: float) -> list[float]:
        """How old what we know of each healthy office was, looked at forty times. Before the run nothing was known."""
        looks = [since + (until - since) * place / 40 for place in range(1, 41)]
        ages = []
        for practice_id in self.healthy:
            pulls = worker.done["pull"][practice_id]
            for look in looks:
                known = (begun for begun, ended, problem in pulls if ended <= look and not problem)
                ages.append(look - max(known, default=began))
        return ages

    def _asked_sick(self) -> int:
        asked = self.http.get("/_asked").json()
        return sum(asked.get(str(pk), 0) for pk in (*self.hanging, *self.throttling))

    def _opened(self) -> int:
        opened = 0
        for practice_id in self.practices:
            with tenancy.scope(practice_id):
                opened += Connection.objects.filter(failures__gte=breaker.OPENS_AT).count()
        return opened

    @contextmanager
    def _shrunk(self, guarded: bool) -> Iterator[None]:
        """Business time runs faster and limits are shorter by the same scale."""
        began, base, scale = time.monotonic(), self._now, self.size.scale
        limits = {"FIRST": (5, 10), "PROBE": (3, 5), "PATIENT": (5, 65)}
        with ExitStack() as stack:
            put = _putter(stack)
            put(clock, "now", lambda: base + timedelta(seconds=(time.monotonic() - began) / scale))
            for name, (connect, read) in limits.items():
                read = read if guarded else 65
                put(client, name, httpx.Timeout(connect=connect * scale, read=read * scale, write=5, pool=5))
            put(upward.handlers, "nudge", _nudge)
            if not guarded:
                put(breaker, "probe", lambda *_, **__: "")
                put(breaker, "holds_postings", lambda *_, **__: False)
                put(pacing, "_POLL_SILENT_MS", 10**9)
                put(pacing, "_URGENT_SILENT_MS", 10**9)
            yield
            # The next run goes on from here: business time never runs back.
            self._now = clock.now()


def _first_pull(practice_id: int) -> str:
    try:
        return str(tasks.pull_one.run(practice_id=practice_id))
    finally:
        connections.close_all()


def _putter(stack: ExitStack) -> Callable[[object, str, object], None]:
    def put(place: object, name: str, value: object) -> None:
        stack.enter_context(mock.patch.object(place, name, value))

    return put


def _nudge(practice_id: int) -> None:
    tasks.post_one.delay(practice_id=practice_id)


def _p50(values: list[float]) -> float:
    return statistics.median(values)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95) - 1]
