"""Refunds: every news in every state as on paper; and long walks with crashes, lost replies and late failures."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.core.cache import cache
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from payments import outcomes, refund_news, refund_outcomes, refunds
from payments.models import Alarm, LedgerPosting, Payment, Refund, RefundState, WebhookEvent
from payments.refunds import UnableToRefund
from payplans.models import Installment
from practices.models import Practice
from processors.port import (
    Failed,
    NotTaken,
    Pending,
    RefundFacts,
    RefundOrder,
    RefundOutcome,
    RefundQuestion,
    Succeeded,
    UnableToReachProcessor,
    Unknown,
)
from tests.model import paper
from tests.model.killed import Killed, explore, survive
from tests.model.test_attempts import attempt_in
from tests.model.watching import Differs, judge

PAID = 128_60
NEWS: dict[str, RefundOutcome] = {
    "Succeeded": Succeeded("re_news", 50_00),
    "Failed": Failed("re_news", "declined"),
    "NotTaken": NotTaken("throttled"),
    "Pending": Pending("re_news"),
    "Unknown": Unknown("lost", "re_news"),
}
_numbers = itertools.count(1)


class Till:
    """Refunds as the processor has them; it tells the truth, loses replies, keeps keys, and lets workers die."""

    def __init__(self) -> None:
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answer, self.is_lost, self.killed_at, self.is_away = "succeeded", False, "", False

    def refund(self, order: RefundOrder) -> RefundOutcome:
        if self.killed_at == "before":
            raise Killed("before the refund is asked")
        if self.is_away:
            return Unknown("The processor did not answer")
        reference = next((one for one, row in self.refunds.items() if row["key"] == order.key), "")
        if not reference:
            reference = self.add(order.params["payment_intent"], order.params["amount"], order)
        if not reference:
            return NotTaken("The processor refuses the request (charge_already_refunded)")
        if self.killed_at == "after":
            raise Killed("after the refund is asked")
        return Unknown("The processor did not answer") if self.is_lost else self.tell(reference)

    def add(self, intent: str, cents: int, order: RefundOrder | None = None) -> str:
        given = sum(row["cents"] for row in self.refunds.values() if row["status"] != "failed")
        if given + cents > PAID:
            return ""
        reference = f"re_model{next(_numbers)}"
        self.refunds[reference] = {
            "intent": intent, "cents": cents, "status": self.answer, "key": order.key if order else "",
            "uuid": order.params["metadata"]["refund"] if order else "", "at": datetime.now(UTC),
        }  # fmt: skip
        return reference

    def tell(self, reference: str) -> RefundOutcome:
        row = self.refunds[reference]
        match row["status"]:
            case "succeeded":
                return Succeeded(reference, row["cents"])
            case "failed":
                return Failed(reference, "declined")
        return Pending(reference)

    def look_up_refund(self, question: RefundQuestion) -> RefundOutcome | None:
        if self.is_away:
            return Unknown("The processor did not answer", question.reference)
        found = [
            one for one, row in self.refunds.items() if one == question.reference or row["uuid"] == question.refund_uuid
        ]
        return self.tell(found[0]) if found else None

    def refund_facts(self, reference: str) -> RefundFacts:
        if self.is_away:
            raise UnableToReachProcessor("The processor did not answer")
        row = self.refunds[reference]
        return RefundFacts(reference, row["uuid"], row["intent"], row["cents"], row["at"], self.tell(reference))

    def recent_refunds(self, since: datetime) -> list[RefundFacts]:
        return [self.refund_facts(reference) for reference in self.refunds]


def written() -> Counter[str]:
    return Counter({
        "posting": LedgerPosting.objects.filter(movement="REFUND").exclude(state="WITHDRAWN").count(),
        "posting withdrawn": LedgerPosting.objects.filter(state="WITHDRAWN").count(),
        "alarm": Alarm.objects.filter(kind__in=["CONTRADICTION", "REFUND_FAILED"]).count(),
    })  # fmt: skip


def watched(settle: Callable[..., bool], table: paper.Table) -> Callable[..., bool]:
    def watching(refund_id: int, outcome: RefundOutcome, **more: Any) -> bool:
        refund = Refund.objects.get(pk=refund_id)
        had, owed = written(), collected(refund.payment)
        changed = settle(refund_id, outcome, **more)
        after, news = Refund.objects.get(pk=refund_id).state, type(outcome).__name__
        effects = {name for name, count in (written() - had).items() if count}
        change = collected(refund.payment) - owed
        effects |= {"owed again"} if change == -refund.amount_cents else set()
        effects |= {"paid again"} if change == refund.amount_cents else set()
        judge(table, refund.state, news, after, effects)
        if changed != (after != refund.state):
            raise Differs(f"{refund.state} × {news}: settle_refund() said {changed}")
        return changed

    return watching


def collected(payment: Payment) -> int:
    return Installment.objects.get(allocations__payment=payment).collected_cents


def new_payment(practice: Practice, now: datetime) -> Payment:
    """A payment of $128.60 that was settled and whose own posting waits."""
    attempt = attempt_in("STARTED", practice, now)
    outcomes.settle(attempt.pk, Succeeded(f"pi_{attempt.pk}", PAID), now=now, actor="test")
    return Payment.objects.get(attempt=attempt)


def refund_in(state: str, payment: Payment, now: datetime) -> Refund:
    refund = refunds.claim(payment.pk, refunds.Wish(cents=50_00, reason="OTHER", actor="user:1"), now=now)
    if state in ("SUCCEEDED", "FAILED"):
        news = Succeeded("re_news", 50_00) if state == "SUCCEEDED" else Failed("re_news", "declined")
        refund_outcomes.settle_refund(refund.pk, news, now=now, actor="test")
        Alarm.objects.all().delete()
    Refund.objects.filter(pk=refund.pk).update(state=state)
    return refund


@pytest.fixture
def till(nudged: list[int], monkeypatch: pytest.MonkeyPatch) -> Till:
    till = Till()
    monkeypatch.setattr("processors.accounts.for_practice", lambda _practice: till)
    return till


def test_the_table_has_every_state_and_every_news_and_no_other() -> None:
    table = paper.table("refund")

    assert paper.states(table) == set(RefundState.values)
    assert set(paper.news(table)) == {outcome.__name__ for outcome in RefundOutcome.__args__}
    assert len(table) == len(RefundState.values) * len(NEWS)


@pytest.mark.parametrize("news", NEWS)
@pytest.mark.parametrize("state", RefundState.values)
def test_each_cell_is_what_settle_refund_does(
    practice: Practice, nudged: list[int], now: datetime, state: str, news: str
) -> None:
    refund = refund_in(state, new_payment(practice, now), now)

    watched(refund_outcomes.settle_refund, paper.table("refund"))(refund.pk, NEWS[news], now=now, actor="test")


@pytest.mark.parametrize("at", [("STARTED", "Succeeded"), ("SUCCEEDED", "Failed"), ("NOT_TAKEN", "Pending")])
def test_a_wrong_cell_on_paper_is_noticed(
    practice: Practice, nudged: list[int], now: datetime, at: tuple[str, str]
) -> None:
    wrong = paper.table("refund") | {at: paper.Cell(None, frozenset())}
    refund = refund_in(at[0], new_payment(practice, now), now)

    with pytest.raises(Differs):
        watched(refund_outcomes.settle_refund, wrong)(refund.pk, NEWS[at[1]], now=now, actor="test")


class Walk(RuleBasedStateMachine):
    """One payment per walk; the practice and the till live on."""

    till: ClassVar[Till]
    practice: ClassVar[Practice]
    start: ClassVar[datetime]

    def __init__(self) -> None:
        super().__init__()
        self.now = self.start
        self.till.__init__()  # type: ignore[misc]
        self.payment = new_payment(self.practice, self.start)

    @rule(
        cents=st.sampled_from([1, 28_60, 50_00, 100_00, PAID]),
        answer=st.sampled_from(["succeeded", "pending", "failed"]),
        is_lost=st.booleans(), killed_at=st.sampled_from(["", "", "before", "after"]),
    )  # fmt: skip
    def give_back(self, cents: int, answer: str, is_lost: bool, killed_at: str) -> None:
        self.till.answer, self.till.is_lost, self.till.killed_at = answer, is_lost, killed_at
        survive(lambda: self._give_back(cents))
        self.till.answer, self.till.is_lost, self.till.killed_at = "succeeded", False, ""

    def _give_back(self, cents: int) -> None:
        try:
            refunds.refund(self.payment.pk, refunds.Wish(cents=cents, reason="OTHER", actor="user:1"), now=self.now)
        except UnableToRefund:
            return

    @rule(cents=st.sampled_from([1, 28_60, 100_00]))
    def somebody_refunds_at_the_processor(self, cents: int) -> None:
        self.till.add(self.payment.processor_reference, cents)

    @rule(hours=st.sampled_from([0, 1, 24]))
    def reconciler(self, hours: int) -> None:
        cache.clear()
        soon = datetime.now(UTC) + timedelta(hours=hours, minutes=2)
        refund_news.reconcile_refunds(self.practice.pk, now=self.now, real_now=soon)

    @rule()
    def webhooks(self) -> None:
        """Late, again, and in any order: one for every refund there is."""
        for reference in reversed(list(self.till.refunds)):
            try:
                state, _ = refund_news.heard(self.till, reference, self.now)  # type: ignore[arg-type]
            except UnableToReachProcessor:
                continue
            assert state == WebhookEvent.State.DONE

    @rule(status=st.sampled_from(["succeeded", "failed"]), number=st.integers(0, 3))
    def the_bank_decides(self, status: str, number: int) -> None:
        """Also late: what succeeded may fail, what failed stays so."""
        rows = list(self.till.refunds.values())
        if number < len(rows) and rows[number]["status"] != "failed":
            rows[number]["status"] = status

    @rule(is_away=st.booleans())
    def the_processor_goes_away_or_comes_back(self, is_away: bool) -> None:
        self.till.is_away = is_away

    def teardown(self) -> None:
        """Faults stop: then nothing is open, and what went back is what we hold, is owed, and is to be posted."""
        self.till.is_away = False
        for row in self.till.refunds.values():
            row["status"] = "succeeded" if row["status"] == "pending" else row["status"]
        self.webhooks()
        for _ in range(2):
            self.reconciler(0)
        back = sum(row["cents"] for row in self.till.refunds.values() if row["status"] == "succeeded")
        assert back <= PAID
        assert Refund.refunded_cents(self.payment) == back
        assert not Refund.objects.filter(state__in=RefundState.open()).exists()
        assert collected(self.payment) == PAID - back
        postings = LedgerPosting.objects.filter(payment=self.payment, movement="REFUND")
        assert -sum(one.amount_cents for one in postings.exclude(state="WITHDRAWN")) == back
        assert not Alarm.objects.filter(kind="CONTRADICTION").exists()


def machine(till: Till, practice: Practice, start: datetime) -> type[RuleBasedStateMachine]:
    return type("Walk", (Walk,), {"till": till, "practice": practice, "start": start})


def test_walks_with_crashes_lost_replies_and_late_failures_stay_on_paper(
    till: Till, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = watched(refund_outcomes.settle_refund, paper.table("refund"))
    monkeypatch.setattr(refund_outcomes, "settle_refund", settle)
    monkeypatch.setattr(refund_news, "settle_refund", settle)

    explore(machine(till, practice, now), examples=14, steps=12)


def test_a_walk_notices_a_wrong_cell(
    till: Till, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = paper.table("refund") | {("STARTED", "Succeeded"): paper.Cell("SUCCEEDED", frozenset())}
    monkeypatch.setattr(refund_outcomes, "settle_refund", watched(refund_outcomes.settle_refund, wrong))

    with pytest.raises(Differs, match="STARTED × Succeeded"):
        explore(machine(till, practice, now), examples=40, steps=12)
