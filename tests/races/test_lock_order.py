"""The one lock order, as the database sees it: installments, due part, attempt, cards. And what would deadlock else."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Q

from cards.models import Card
from payments import attaching, catch_up, locks, outcomes, sweep
from payments.claim import claim
from payments.models import Attempt, DuePart, Payment
from payplans.models import Installment
from practices.models import Practice
from processors.port import Declined, NotTaken, Outcome, Succeeded, Unknown
from tests import factories
from tests.cards.test_autopay import DESK
from tests.outside import ROOT
from tests.payments.making import autopay_of, plan_of
from tests.plugins.lock_order import ORDER, tables_of, violations
from tests.races.conftest import Together, failures


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The tables that are locked inside the block, in order, transaction by transaction."""
    locked: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if "FOR UPDATE" in sql or "FOR NO KEY UPDATE" in sql:
            found = re.search(r'FROM "(\w+)"', sql)
            assert found is not None
            locked.append(found[1])
        if sql.startswith(("INSERT", "UPDATE")) and not locked:
            locked.append("written before anything was locked: " + sql[:60])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield locked


def in_order(locked: list[str]) -> None:
    ranks = [ORDER.index(table) for table in locked if table in ORDER]
    first_time = list(dict.fromkeys(ranks))
    assert first_time == sorted(first_time), locked


@pytest.fixture
def part(practice: Practice) -> DuePart:
    return factories.collectable(practice)


def test_a_claim_locks_in_order(part: DuePart, now: datetime) -> None:
    with recorded() as locked:
        claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)

    assert locked == ["payplans_installment", "payments_duepart", "cards_card"]


@pytest.mark.parametrize(
    "news",
    [
        Succeeded("pi_1", 128_60),
        Succeeded("pi_1", 100_00),
        Declined("pi_1", "insufficient_funds"),
        Declined("pi_1", "lost_card"),
        NotTaken("throttled"),
        Unknown("lost"),
    ],
)
def test_a_settle_locks_in_order(part: DuePart, now: datetime, news: Outcome) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)

    with recorded() as locked:
        outcomes.settle(attempt.pk, news, now=now, actor="autopay")

    assert locked[:3] == ["payplans_installment", "payments_duepart", "payments_attempt"]
    in_order(locked)


def test_attaching_detaching_and_sweeping_lock_in_order(part: DuePart, now: datetime) -> None:
    card = factories.CardFactory.create(patient=part.payer, is_primary=False)
    for work in (
        lambda: attaching.attach(plan_of(part), card, max_charge_cents=128_60, witness=DESK, now=now),
        lambda: attaching.detach(plan_of(part), actor="user:1", reason="", now=now),
    ):
        with recorded() as locked:
            work()
        assert locked[0] == "payplans_installment"
        in_order(locked)
    with recorded() as locked:
        sweep.sweep(now=now, hand_over=lambda _: None)
    assert set(locked) <= {"payments_duepart"}


@pytest.fixture
def two(part: DuePart, now: datetime) -> list[Attempt]:
    """Two installments of one plan, both being charged."""
    other = factories.InstallmentFactory.create(plan=plan_of(part), due_date=date(2026, 3, 9))
    second = factories.DuePartFactory.create(installment=other)
    factories.DueCheckFactory.create(due_part=second)
    return [claim(one.pk, channel="AUTOPAY", actor="autopay", now=now) for one in (part, second)]


def settle_both(two: list[Attempt], now: datetime, together: Together) -> list[Any]:
    paid = [Succeeded(f"pi_{attempt.pk}", 128_60) for attempt in two]
    return together(
        lambda: outcomes.settle(two[0].pk, paid[0], now=now, actor="test"),
        lambda: outcomes.settle(two[1].pk, paid[1], now=now, actor="test"),
    )


def test_control_two_installments_of_a_plan_deadlock_when_each_settle_locks_only_its_own(
    two: list[Attempt], now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)

    def own_only(due_part_id: int, _plan_id: int, *_along: str) -> DuePart:
        found = DuePart.objects.get(pk=due_part_id)
        assert found.installment_id is not None
        installment = Installment.objects.select_for_update().get(pk=found.installment_id)
        found = DuePart.objects.select_for_update().get(pk=due_part_id)
        found.installment = installment
        both.wait(10)
        return found

    monkeypatch.setattr(locks, "_due_part", own_only)

    results = settle_both(two, now, together)

    assert [type(error) for error in failures(results)] == [OperationalError]


def test_two_installments_of_a_plan_settle_at_once(two: list[Attempt], now: datetime, together: Together) -> None:
    assert settle_both(two, now, together) == [True, True]
    assert Payment.objects.count() == 2


def test_settling_attaching_sweeping_and_claiming_one_plan_at_once_never_deadlock(
    two: list[Attempt], now: datetime, together: Together
) -> None:
    part = two[0].due_part
    cards = [factories.CardFactory.create(patient=part.payer, is_primary=False) for _ in range(3)]
    plan = plan_of(part)

    results = together(
        lambda: outcomes.settle(two[0].pk, Declined("pi_1", "lost_card"), now=now, actor="test"),
        lambda: outcomes.settle(two[1].pk, Succeeded("pi_2", 128_60), now=now, actor="test"),
        lambda: attaching.attach(plan, cards[0], max_charge_cents=128_60, witness=DESK, now=now),
        lambda: attaching.attach(plan, cards[1], max_charge_cents=128_60, witness=DESK, now=now),
        lambda: sweep.sweep(now=now, hand_over=lambda _: None),
        lambda: attaching.detach(plan, actor="user:1", reason="", now=now),
    )

    assert failures(results) == []
    assert autopay_of(part).card in [*cards, two[0].card]


def test_parts_are_let_go_without_waiting_for_one_that_somebody_is_at_work_on(
    practice: Practice, now: datetime, together: Together
) -> None:
    """settle() holds its own part and then locks the plan's others: waiting here could close a circle."""
    free, busy = factories.collectable(practice), factories.collectable(practice)
    DuePart.objects.update(leased_until=now + sweep.LEASE)
    assert aside(busy, together, lambda: catch_up.let_go(Q(wait_reason=""), now=now)) == 1
    assert leases(free, busy) == [None, now + sweep.LEASE]


def test_a_sweep_gives_back_what_has_no_room_without_waiting(
    practice: Practice, now: datetime, together: Together
) -> None:
    free, busy = factories.collectable(practice), factories.collectable(practice)
    leased, locked = threading.Event(), threading.Event()

    def no_room(_: int) -> int:
        leased.set()
        assert locked.wait(10)
        return 0

    def work() -> int:
        return sweep.sweep(now=now, hand_over=lambda _: None, room=no_room)

    assert aside(busy, together, work, after=leased, then=locked) == 0
    assert leases(free, busy) == [None, now + sweep.LEASE]


def aside(
    busy: DuePart, together: Together, work: Callable[[], int], *, after: threading.Event | None = None,
    then: threading.Event | None = None,
) -> int:  # fmt: skip
    """What `work` returns, in a thread, while this one holds the part; fails when that must wait for it."""
    held, done = threading.Event(), threading.Event()

    def hold() -> bool:
        assert after is None or after.wait(10)
        with transaction.atomic():
            DuePart.objects.select_for_update().get(pk=busy.pk)
            held.set()
            if then is not None:
                then.set()
            return done.wait(5)

    def at_work() -> int:
        assert after is not None or held.wait(10)
        result = work()
        done.set()
        return result

    ended_meanwhile, result = together(hold, at_work)
    assert ended_meanwhile is True
    return int(result)


def leases(*parts: DuePart) -> list[datetime | None]:
    return [DuePart.objects.get(pk=part.pk).leased_until for part in parts]


# Who may lock rows at all. A new file belongs here only after its place in the order was thought about.
LOCKING = {
    "cards/autopay.py", "cards/saving.py", "notifications/inbound.py", "notifications/send.py", "opendental/attest.py",
    "opendental/fingerprints.py", "opendental/store.py", "payments/catch_up.py", "payments/due_parts.py",
    "payments/locks.py", "payments/recover.py", "payments/sweep.py",
    # A request, a receipt's link, a wish to keep a card: each alone, or last.
    "paylinks/receipt_links.py", "paylinks/requests.py", "terminals/keeping.py",
    # Leaks alone.
    "leakage/work.py",
    # An order that is carried out, then a sale that is new.
    "opendental/pay_off.py",
}  # fmt: skip


def test_rows_are_locked_only_where_the_order_is_known() -> None:
    apps = ["cards", "leakage", "notifications", "opendental", "paylinks", "patients", "payments", "payplans",
            "processors", "terminals"]  # fmt: skip
    modules = [path for app in apps for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    found = {
        str(path.relative_to(ROOT))
        for path in modules
        if re.search(r"select_for_update\(|pg_advisory_(xact_)?lock", path.read_text())
    }
    assert found - LOCKING == set()


def lock_backwards(part: DuePart) -> None:
    with transaction.atomic():
        DuePart.objects.select_for_update().get(pk=part.pk)
        locks.installments(plan_of(part).pk)


def test_the_watch_over_all_tests_sees_a_wrong_order_in_any_thread(
    part: DuePart, together: Together, out_of_order_on_purpose: None
) -> None:
    """tests/plugins/lock_order.py watches the whole suite; this is what its failures look like."""
    lock_backwards(part)
    assert [seen.splitlines()[0] for seen in violations] == ["payplans_installment is locked after payments_duepart:"]

    together(lambda: lock_backwards(part))
    assert len(violations) == 2


def test_the_watch_forgets_between_transactions_and_counts_updates_and_inserts(
    part: DuePart, now: datetime, out_of_order_on_purpose: None
) -> None:
    with transaction.atomic():
        DuePart.objects.filter(pk=part.pk).update(hold="")
    with transaction.atomic():
        locks.installments(plan_of(part).pk)
        with transaction.atomic():
            DuePart.objects.filter(pk=part.pk).update(hold="")
    assert violations == []

    with transaction.atomic():
        Card.objects.filter(pk=autopay_of(part).card.pk).update(is_primary=False)
        factories.DuePartFactory.create(installment=factories.InstallmentFactory.create(plan=plan_of(part)))
    assert [seen.split(":")[0] for seen in violations] == ["payplans_installment is locked after cards_card"]

    violations.clear()
    with transaction.atomic():
        list(Installment.objects.select_for_update().filter(plan=plan_of(part)))
    assert [seen.split(":")[0] for seen in violations] == ["several rows are locked without an order"]


def test_a_lock_over_a_join_counts_for_every_table_it_locks() -> None:
    joined = 'SELECT 1 FROM "cards_autopay" INNER JOIN "cards_card" ON (1 = 1) WHERE 1 = 1 FOR UPDATE'
    assert tables_of(joined) == {"cards_card"}
    assert tables_of(joined + ' OF "cards_autopay"') == set()
    assert tables_of('SELECT 1 FROM "payments_duepart" FOR UPDATE OF "payments_duepart" SKIP LOCKED') == {
        "payments_duepart"
    }
    assert tables_of('SELECT 1 FROM "payments_duepart"') == set()
