"""Attempts: every news in every state as on paper; and long walks with crashes, lost replies, others in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from payments import charging, inbox, outcomes, reconcile
from payments.claim import UnableToClaim
from payments.models import Alarm, Attempt, AttemptState, DuePart, LedgerPosting, Payment, WebhookEvent
from practices.models import Practice
from processors.port import Declined, NotTaken, Outcome, Pending, Succeeded, Unknown
from processors.stripe.account import API_VERSION
from tests import factories
from tests.model import paper
from tests.model.bank import ANSWERS, POINTS, Bank, Plan
from tests.model.killed import Killed, explore, survive
from tests.model.watching import Differs, watched
from tests.payments.making import autopay_of, installment_of

NEWS: dict[str, Outcome] = {
    "Succeeded": Succeeded("pi_news", 128_60),
    "Declined": Declined("pi_news", "insufficient_funds"),
    "NotTaken": NotTaken("throttled"),
    "Pending": Pending("pi_news"),
    "Unknown": Unknown("lost", "pi_news"),
}


@pytest.fixture
def bank(nudged: list[int], monkeypatch: pytest.MonkeyPatch) -> Bank:
    bank = Bank()
    monkeypatch.setattr("processors.accounts.for_practice", lambda _practice: bank)
    return bank


def new_part(practice: Practice) -> DuePart:
    part = factories.collectable(practice)
    # The plan goes on, so that "plan completed" is not a second message.
    assert part.installment is not None
    factories.InstallmentFactory.create(plan=part.installment.plan, due_date=datetime(2027, 3, 10).date())
    return part


def attempt_in(state: str, practice: Practice, now: datetime) -> Attempt:
    part = new_part(practice)
    return Attempt.objects.create(
        practice=practice, due_part=part, number=1, amount_cents=part.amount_cents, card=autopay_of(part).card,
        channel="AUTOPAY", actor="autopay", state=state, create_params={}, confirm_params={}, started_at=now,
    )  # fmt: skip


def test_the_table_has_every_state_and_every_news_and_no_other() -> None:
    table = paper.table("attempt")

    assert paper.states(table) == set(AttemptState.values)
    assert set(paper.news(table)) == {outcome.__name__ for outcome in Outcome.__args__}
    assert len(table) == len(AttemptState.values) * len(NEWS)


@pytest.mark.parametrize("news", NEWS)
@pytest.mark.parametrize("state", AttemptState.values)
def test_each_cell_is_what_settle_does(
    practice: Practice, nudged: list[int], now: datetime, state: str, news: str
) -> None:
    attempt = attempt_in(state, practice, now)

    watched(outcomes.settle, paper.table("attempt"))(attempt.pk, NEWS[news], now=now, actor="test")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("| UNKNOWN | SUCCEEDED · payment, allocation, posting, receipt |", "| UNKNOWN | — |"),
        ("| STARTED | SUCCEEDED · payment, allocation, posting, receipt |", "| STARTED | SUCCEEDED · payment |"),
        ("| SUCCEEDED | — | — · alarm |", "| SUCCEEDED | — | — |"),
        ("| PENDING | SUCCEEDED · payment, allocation, posting, receipt | DECLINED · verdict |",
         "| PENDING | SUCCEEDED · payment, allocation, posting, receipt | NOT_TAKEN |"),
    ],
)  # fmt: skip
def test_a_wrong_cell_on_paper_is_noticed(
    practice: Practice, nudged: list[int], now: datetime, right: str, wrong: str
) -> None:
    page = paper.PAGE.read_text()
    assert page.count(right) == 1
    wrong_table = paper.table("attempt", page.replace(right, wrong))
    [(state, news)] = [at for at, cell in wrong_table.items() if cell != paper.table("attempt")[at]]
    attempt = attempt_in(state, practice, now)

    with pytest.raises(Differs):
        watched(outcomes.settle, wrong_table)(attempt.pk, NEWS[news], now=now, actor="test")


class Walk(RuleBasedStateMachine):
    """One due part per walk; the practice and the bank live on."""

    bank: ClassVar[Bank]
    practice: ClassVar[Practice]
    start: ClassVar[datetime]

    def __init__(self) -> None:
        super().__init__()
        self.now = self.start
        self.part = new_part(self.practice)
        self.bank.intents, self.bank.is_away, self.bank.next = {}, False, Plan()

    def others(self) -> dict[str, Any]:
        return {"reconciler": self.reconciler, "webhooks": self.webhooks, "second worker": self.second_worker}

    @rule(
        answer=st.sampled_from(ANSWERS), is_lost=st.booleans(), killed_at=st.sampled_from(["", "", *POINTS]),
        point=st.sampled_from(POINTS), other=st.sampled_from(["", "reconciler", "webhooks", "second worker"]),
        channel=st.sampled_from(["AUTOPAY", "PAY_NOW"]),
    )  # fmt: skip
    def collect(self, answer: str, is_lost: bool, killed_at: str, point: str, other: str, channel: str) -> None:
        between = {point: self.others()[other]} if other else {}
        self.bank.next = Plan(answer, is_lost, killed_at, between)
        survive(lambda: self._collect(channel))
        self.bank.next = Plan()

    def _collect(self, channel: str) -> None:
        card = None if channel == "AUTOPAY" else autopay_of(self.part).card.pk
        try:
            charging.collect(self.part.pk, channel=channel, actor="model", now=self.now, card_id=card)
        except UnableToClaim:
            return

    def second_worker(self) -> None:
        self.bank.next = Plan()
        self._collect("PAY_NOW")

    @rule()
    def reconciler(self) -> None:
        reconcile.reconcile(self.practice.pk, now=self.now, real_now=datetime.now(UTC) + timedelta(minutes=2))

    @rule()
    def webhooks(self) -> None:
        """Late, again, and in any order: one for every intent there is."""
        for reference in reversed(list(self.bank.intents)):
            WebhookEvent.objects.create(
                practice=self.practice, event_id=f"evt_{WebhookEvent.objects.count()}", object_id=reference,
                type="payment_intent.processing", api_version=API_VERSION, received_at=self.now,
            )  # fmt: skip
        inbox.work_through(self.practice.pk, now=self.now)

    @rule(succeeds=st.booleans())
    def the_bank_decides(self, succeeds: bool) -> None:
        self.bank.finish(succeeds)

    @rule(is_away=st.booleans())
    def the_processor_goes_away_or_comes_back(self, is_away: bool) -> None:
        self.bank.is_away = is_away

    @rule(days=st.integers(0, 2))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days, minutes=6)

    @precondition(lambda self: True)
    @rule()
    def settle_dies_before_its_commit(self) -> None:
        waiting = Attempt.objects.filter(due_part__installment=self.part.installment_id, state="STARTED").first()
        if waiting is None:
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transaction, "on_commit", _die)
            survive(lambda: outcomes.settle(waiting.pk, NotTaken("x"), now=self.now, actor="model"))
        waiting.refresh_from_db()
        assert waiting.state == "STARTED"

    def teardown(self) -> None:
        """Faults stop, time passes: then nothing is open and every cent that moved is booked once."""
        self.bank.is_away = False
        self.bank.finish(succeeds=True)
        self.now += timedelta(minutes=11)
        self.webhooks()
        for _ in range(2):
            self.reconciler()
        moved = {one for one, intent in self.bank.intents.items() if intent.status == "succeeded"}
        ours = Payment.objects.filter(attempt__due_part__installment=self.part.installment_id)
        assert set(ours.values_list("processor_reference", flat=True)) == moved
        assert len(moved) <= 1, "the cardholder paid twice"
        assert LedgerPosting.objects.filter(payment__in=ours).count() == len(moved)
        assert not Attempt.objects.filter(state__in=AttemptState.open()).exists()
        assert not Alarm.objects.filter(kind="CONTRADICTION").exists()
        installment = installment_of(self.part)
        assert installment.collected_cents == 128_60 * len(moved)


def machine(bank: Bank, practice: Practice, start: datetime) -> type[RuleBasedStateMachine]:
    return type("Walk", (Walk,), {"bank": bank, "practice": practice, "start": start})


def _die(*_: object, **__: object) -> None:
    raise Killed("in settle")


def test_walks_with_crashes_lost_replies_and_others_in_between_stay_on_paper(
    bank: Bank, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "settle", watched(outcomes.settle, paper.table("attempt")))

    explore(machine(bank, practice, now), examples=20, steps=12)


def test_a_walk_notices_a_wrong_cell(
    bank: Bank, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = paper.table("attempt") | {("STARTED", "Declined"): paper.Cell("NOT_TAKEN", frozenset())}
    monkeypatch.setattr(outcomes, "settle", watched(outcomes.settle, wrong))

    with pytest.raises(Differs, match="STARTED × Declined"):
        explore(machine(bank, practice, now), examples=20, steps=12)
