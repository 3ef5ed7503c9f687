"""Postings: every news in every state as on paper; and long walks of the real poster with crashes and lost answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from opendental import marking, outbox, post_move, refund_by_hand
from opendental.models import Connection
from opendental.post import Poster
from payments import outcomes, refund_aftermath, voids
from payments.models import Alarm, LedgerPosting, Payment
from payplans.models import ChargeRow
from practices.models import Practice
from processors.port import Succeeded
from tests.model import paper
from tests.model.killed import explore, survive
from tests.model.ledger_book import FAULTS, Book
from tests.model.test_attempts import attempt_in
from tests.model.watching import Differs, judge

State = LedgerPosting.State
SPLIT = ["REFUSED, never sent", "REFUSED, sent", "MARKED, without a number", "MARKED, with its number"]
ROWS = [state for state in State if state not in (State.REFUSED, State.MARKED)] + SPLIT
News = Callable[[LedgerPosting, datetime], object]
# The news, and the state in which the worker that brings it last saw the posting (None: as it is).
NEWS: dict[str, tuple[str | None, News]] = {
    "claim": (None, lambda one, now: outbox.claim(one, route="CHARGE_ROWS", body={"PatNum": 1}, now=now)),
    "number": (State.SENDING, lambda one, now: outbox.posted(one, 5000 + one.pk, now=now)),
    "lost": (State.SENDING, lambda one, now: outbox.unclear(one, "No answer.", now=now)),
    "later": (State.SENDING, lambda one, now: outbox.put_back(one, "Offline.", now=now)),
    "refused": (State.SENDING, lambda one, now: outbox.stuck(one, State.REFUSED, "No.", now=now)),
    "never found": (State.UNCLEAR, lambda one, now: outbox.stuck(one, State.REFUSED, "Not there.", now=now)),
    "equal": (State.POSTED, lambda one, now: outbox.matched(one, now=now)),
    "different": (State.POSTED, lambda one, now: outbox.stuck(one, State.MISMATCH, "Elsewhere.", now=now)),
    "look again": (None, lambda one, now: outbox.look_again(one, now=now)),
    "adopted": (None, lambda one, now: outbox.adopted(one, 6000 + one.pk, route="CHARGE_ROWS", now=now)),
    "marked": (None, lambda one, now: marking.mark(one, reason="On the deposit", actor="user:1", now=now)),
    "unmarked": (None, lambda one, now: marking.unmark(one, actor="user:1", now=now)),
    "by staff": (None, lambda one, now: refund_by_hand.hand_over(one, now=now)),
    "entered": (None, lambda one, now: refund_by_hand.entered(one, 7000 + one.pk, now)),
    "withdrawn": (None, lambda one, now: refund_aftermath.withdraw(one, now)),
    "over": (None, lambda one, now: refund_by_hand.drop(one, now=now)),
    "voided": (None, lambda one, now: voids.withdraw(one, now)),
    "void failed": (None, lambda one, now: voids.post_after_all(one, now)),
    "not taken off": (None, lambda one, now: post_move.not_taken_off(one, "No.", now=now)),
}  # fmt: skip


def new_posting(practice: Practice, now: datetime) -> LedgerPosting:
    attempt = attempt_in("STARTED", practice, now)
    outcomes.settle(attempt.pk, Succeeded(f"pi_{attempt.pk}", 128_60), now=now, actor="test")
    return LedgerPosting.objects.get(payment__attempt=attempt)


def posting_in(row: str, practice: Practice, now: datetime) -> LedgerPosting:
    state, _, more = row.partition(", ")
    posting = new_posting(practice, now)
    number = 8000 + posting.pk if more == "with its number" else None
    LedgerPosting.objects.filter(pk=posting.pk).update(state=state, sends=int(more == "sent"), pay_num=number)
    posting.refresh_from_db()
    return posting


def bring(table: paper.Table, row: str, news: str, posting: LedgerPosting, now: datetime) -> None:
    """The news reaches the row as it is; compares with paper."""
    seen, tell = NEWS[news]
    had = Alarm.objects.count()
    posting.state = seen or posting.state
    tell(posting, now)
    after = LedgerPosting.objects.get(pk=posting.pk).state
    judge(
        table,
        row,
        news,
        row if after == row.split(",")[0] else after,
        {"alarm"} if Alarm.objects.count() > had else set(),
    )


def test_the_table_has_every_state_and_every_news_and_no_other() -> None:
    table = paper.table("posting")

    assert paper.states(table) == set(ROWS)
    assert paper.news(table) == list(NEWS)
    assert len(table) == len(ROWS) * len(NEWS)


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_what_the_outbox_does(practice: Practice, nudged: list[int], now: datetime, row: str) -> None:
    for news in NEWS:
        bring(paper.table("posting"), row, news, posting_in(row, practice, now), now)


@pytest.mark.parametrize("at", [("SENDING", "lost"), ("MATCHED", "refused"), ("REFUSED, sent", "look again")])
def test_a_wrong_cell_on_paper_is_noticed(
    practice: Practice, nudged: list[int], now: datetime, at: tuple[str, str]
) -> None:
    right = paper.table("posting")
    wrong = right | {at: paper.Cell("QUEUED" if right[at].state else "REFUSED", frozenset())}

    with pytest.raises(Differs):
        bring(wrong, *at, posting_in(at[0], practice, now), now)


def ways(table: paper.Table) -> set[tuple[str, str]]:
    """From which state to which a posting may go, by any news."""
    return {(at.split(",")[0], cell.state) for (at, _), cell in table.items() if cell.state}


class OurBook(Book):
    def row_of(self, plan: int) -> int:
        row = ChargeRow.objects.filter(installment__plan__pay_plan_num=plan).order_by("pk").first()
        assert row is not None
        return row.pay_plan_charge_num


@pytest.fixture
def book(practice: Practice, nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch) -> Book:
    Connection.objects.create(
        practice=practice, base_url="http://127.0.0.1:1", developer_key="dev", customer_key="key", mode="SERVICE",
        connected_at=now, version="25.4.48.0", permissions=["ApiReadAll", "ApiPayments", "ApiQueries"],
        pay_type_num=71, preferences={"RigorousAccounting": "0"},
    )  # fmt: skip
    # The mirror of the plan is right as it is.
    monkeypatch.setattr(Poster, "_read_plan", lambda *_: None)
    return OurBook()


def machine(book: Book, practice: Practice, start: datetime) -> type[RuleBasedStateMachine]:
    days = itertools.count(0)

    class Walk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            book.__init__()  # type: ignore[misc]
            self.now = start + timedelta(days=next(days))
            self.postings = [new_posting(practice, self.now)]

        def run(self) -> None:
            office: Any = book
            survive(lambda: Poster(Connection.objects.get(), office, self.now).run())

        @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=4), misses=st.booleans(), is_overtaken=st.booleans())
        def poster(self, faults: list[str], misses: bool, is_overtaken: bool) -> None:
            book.faults, book.misses_the_row = faults, misses
            book.meanwhile = self.another_worker if is_overtaken else None
            self.run()
            book.faults, book.meanwhile = [], None

        def another_worker(self) -> None:
            """Our answer takes three minutes: another worker takes us for dead and looks for the payment."""
            self.now += timedelta(minutes=3)
            book.faults, faults = [], book.faults
            self.run()
            book.faults = faults

        @rule()
        def another_payment(self) -> None:
            if len(self.postings) < 3:
                self.postings.append(new_posting(practice, self.now))

        @rule(seconds=st.sampled_from([20, 61, 130]))
        def time_passes(self, seconds: int) -> None:
            self.now += timedelta(seconds=seconds)

        @rule()
        def staff_look_again(self) -> None:
            for posting in LedgerPosting.objects.filter(state__in=[State.REFUSED, State.MISMATCH]):
                outbox.look_again(posting, now=self.now)

        def teardown(self) -> None:
            """Faults stop, time passes, staff look again: each is in the ledger once, where it belongs."""
            for _ in range(8):
                self.now += timedelta(minutes=16)
                self.run()
                self.staff_look_again()
            for posting in self.postings:
                posting.refresh_from_db()
                assert posting.state == State.MATCHED, posting.state_reason
                assert book.numbers_of(posting.reference) == [posting.pay_num], "posted twice or lost"
                assert posting.plan is not None
                right = (OurBook().row_of(posting.plan.pay_plan_num), 128_60)
                assert book.payments[posting.pay_num or 0]["splits"] == [right]
            assert Payment.objects.count() == LedgerPosting.objects.count()

    return Walk


def watch_moves(table: paper.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed, right = ways(table), outbox.move

    def watching(posting: LedgerPosting, **more: Any) -> bool:
        before = LedgerPosting.objects.get(pk=posting.pk).state
        moved = right(posting, **more)
        after = LedgerPosting.objects.get(pk=posting.pk).state
        if after != before and (before, after) not in allowed:
            raise Differs(f"paper knows no way from {before} to {after}")
        return moved

    monkeypatch.setattr(outbox, "move", watching)


def test_walks_of_the_poster_with_crashes_and_lost_answers_stay_on_paper(
    book: Book, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_moves(paper.table("posting"), monkeypatch)

    explore(machine(book, practice, now), examples=15, steps=10)


def test_a_walk_notices_a_wrong_cell(
    book: Book, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {at: cell for at, cell in paper.table("posting").items() if at != ("POSTED", "equal")}
    watch_moves(wrong, monkeypatch)

    with pytest.raises(Differs, match="from POSTED to MATCHED"):
        explore(machine(book, practice, now), examples=15, steps=10)
