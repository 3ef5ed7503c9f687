"""Planted bugs are caught: the same faults over the real sandboxes, without one line of defense, and the auditor tells.

Each runs twice: as the product is (the control: nothing is found), and with the bug. `bin/faults --plant NAME` shows
the same in the fault machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connections

from notifications.lookup import look_up_due
from notifications.send import send_due
from ops.audit import Books, audit
from ops.faults import planting
from ops.faults.__main__ import _parser, _wishes
from ops.faults.schedule import RATES
from payments import charging, inbox, reconcile, upward
from payments.claim import UnableToClaim
from payments.models import Attempt, DuePart
from practices import tenancy
from practices.models import Practice
from processors.stripe import ProcessorEvent
from processors.stripe.webhooks import API_VERSION, EVENTS
from tests.audit.town import Life, Town
from tests.plugins.stripe import POOR, VISA
from tests.races.conftest import CONSTRAINT, without_constraint

CONFIRM, POST = "POST /v1/payment_intents/*/confirm", "POST /api/v1/payments"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    running = Town.start(tmp_path_factory.mktemp("town"))
    yield running
    running.stop()


class Scene:
    """One practice with a plan whose first payment is due; the faults; and afterwards the auditor."""

    def __init__(self, town: Town, number: str = VISA) -> None:
        self.town, self.life = town, Life(town)
        with tenancy.scope(self.life.practice.pk):
            self.plan = self.life.plan("Anna", 1, number)
            self.life.desk.at("2022-07-10 10:05")
            self.life.desk.pull()

    @property
    def practice(self) -> Practice:
        return self.life.practice

    def collect(self, channel: str = Attempt.Channel.AUTOPAY) -> str:
        """Charge what is due today; the attempt's state."""
        with tenancy.scope(self.practice.pk):
            part = DuePart.objects.filter(installment__plan=self.plan, state="OPEN").order_by("next_try_at")[0]
            card = self.plan.autopay.card_id if channel == Attempt.Channel.PAY_NOW else None
            attempt = charging.collect(part.pk, channel=channel, actor="test", now=self.life.desk.now(), card_id=card)
            return str(attempt.state)

    def post(self) -> None:
        with tenancy.scope(self.practice.pk):
            self.life.desk.post()

    def rest(self) -> None:
        """The faults are over, hours pass, and everything that repairs has run."""
        for url in (self.town.stripe, self.town.opendental):
            url.http.delete("/_sandbox/faults")
        with tenancy.scope(self.practice.pk):
            for _ in range(5):
                self._round()

    def _round(self) -> None:
        now = self.life.desk.wait(minutes=16)
        self.life.desk.pull()
        self._webhooks(now)
        inbox.work_through(self.practice.pk, now=now)
        reconcile.reconcile(self.practice.pk, now=now, real_now=datetime.now(UTC) + timedelta(hours=1))
        self.life.desk.post()
        look_up_due(self.practice.pk, now)
        send_due(self.practice.pk, now)

    def _webhooks(self, now: datetime) -> None:
        account = self.life.shop.account
        events = self.town.stripe.http.get("/v1/events?limit=100", auth=(account.secret_key, "")).json()["data"]
        for event in events:
            if event["type"] in EVENTS:
                about = event["data"]["object"]["id"]
                found = ProcessorEvent(event["id"], event["type"], about, API_VERSION, "", is_live=False)
                inbox.store(account, found, now=now)

    def audit(self) -> list[str]:
        """The names of the checks that found something."""
        folder, into = self.town.folder, connections["default"].settings_dict
        url = urlsplit(os.environ["DATABASE_SUPERUSER_URL"])._replace(path=f"/{into['NAME']}").geturl()
        now = self.life.desk.now()
        books = Books(url, folder / "stripe", folder / "opendental", folder / "messaging", now)
        return sorted({violation.check for violation in audit(books)})


@pytest.fixture
def scene(town: Town, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    """scene(number): a new one in an emptied town."""
    monkeypatch.setattr(upward.handlers, "nudge", lambda _practice: None)
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    monkeypatch.setattr("processors.stripe.account.RESEND_AFTER_SECONDS", 0)
    for process in (town.stripe, town.opendental, town.messaging):
        process.http.delete("/_sandbox/faults").raise_for_status()
        process.http.post("/_sandbox/reset", json={}).raise_for_status()
    return lambda number=VISA: Scene(town, number)


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Callable[[str], None]]:
    """plant(name): the product has this bug until the end of the test."""
    with ExitStack() as database:

        def put(name: str) -> None:
            monkeypatch.setattr(planting, "put", monkeypatch.setattr)
            planting.PLANTS[name].function()
            if planting.PLANTS[name].sql:
                assert planting.PLANTS[name].sql == (f"DROP INDEX {CONSTRAINT}",)
                database.enter_context(without_constraint())

        yield put


def two_at_once(scene: Scene) -> list[str]:
    """Autopay and Pay Now reach for the same money at the same moment; what became of each."""
    gate = threading.Barrier(2)

    def one(channel: str) -> str:
        try:
            gate.wait(10)
            return scene.collect(channel)
        except UnableToClaim:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, [Attempt.Channel.AUTOPAY, Attempt.Channel.PAY_NOW]))


@pytest.mark.parametrize("bug", ["", "constraint_dropped"])
def test_claims_without_locks_and_constraint_are_caught(
    scene: Callable[..., Scene], plant: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    there = scene()
    if bug:
        # Their questions to the office come one after the other.
        monkeypatch.setattr(planting, "WINDOW_SECONDS", 3.0)
        plant(bug)
    results = sorted(two_at_once(there))
    there.rest()
    taken = there.life.shop.taken()
    if bug:
        assert (results, taken) == (["SUCCEEDED", "SUCCEEDED"], [100_00, 100_00])
        assert {"due_parts_have_one_attempt_that_counts", "we_collect_no_installment_twice"} <= set(there.audit())
    else:
        assert (results, taken, there.audit()) == (["SUCCEEDED", "refused"], [100_00], [])


@pytest.mark.parametrize("bug", ["", "key_changed_on_retry"])
def test_a_retry_under_another_key_is_caught(
    scene: Callable[..., Scene], plant: Callable[[str], None], bug: str
) -> None:
    there = scene()
    if bug:
        plant(bug)
    # The answer is lost twice: the confirm and its one repetition.
    there.town.stripe.fault(CONFIRM, "drop_after", times=2)
    there.collect()
    there.rest()
    if bug:
        assert there.life.shop.taken() == [100_00, 100_00]
        expected = {"attempts_keep_their_keys", "attempts_took_money_once", "captured_money_has_one_payment"}
        assert expected <= set(there.audit())
    else:
        assert (there.life.shop.taken(), there.audit()) == ([100_00], [])


@pytest.mark.parametrize("bug", ["", "settle_without_reread"])
@pytest.mark.parametrize(
    ("number", "check"), [(VISA, "webhooks_are_worked_through"), (POOR, "attempts_have_their_events")]
)
def test_settling_what_is_settled_already_is_caught(
    scene: Callable[..., Scene], plant: Callable[[str], None], bug: str, number: str, check: str
) -> None:
    """The worker has settled it; its webhook brings the same news late."""
    there = scene(number)
    if bug:
        plant(bug)
    there.collect()
    there.rest()
    assert there.audit() == [] if not bug else check in there.audit()


@pytest.mark.parametrize("bug", ["", "resend_without_search"])
def test_sending_a_posting_again_without_a_search_is_caught(
    scene: Callable[..., Scene], plant: Callable[[str], None], bug: str
) -> None:
    there = scene()
    if bug:
        plant(bug)
    there.town.opendental.fault(POST, "drop_after")
    there.collect()
    there.post()
    there.rest()
    posted = [row["amount_cents"] for row in there.life.desk.books("payments")]
    if bug:
        assert posted == [100_00, 100_00]
        assert "postings_are_in_the_ledger_once" in there.audit()
    else:
        assert (posted, there.audit()) == ([100_00], [])


@pytest.mark.parametrize("name", planting.PLANTS)
def test_the_machine_runs_with_each_bug_on_demand(name: str) -> None:
    (wish,) = _wishes(_parser().parse_args(["--plant", name]))
    assert (wish.functions, wish.sql) == ((f"ops.faults.planting:{name}",), planting.PLANTS[name].sql)
    assert set(wish.only) <= {*RATES, "clock"}
    assert getattr(planting, name) is planting.PLANTS[name].function


def test_the_machine_runs_without_any_bug_unless_asked() -> None:
    (wish,) = _wishes(_parser().parse_args([]))
    assert (wish.functions, wish.sql, wish.only, wish.strength) == ((), (), (), 1.0)
