"""An installment at a terminal: the same attempt path as a desk sale, and due as before when nothing was taken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from payments import guards
from payments.claim import UnableToClaim
from payments.models import Attempt, DuePart, Payment
from payments.upward import ReaderWish, UnableToTakeThere
from payplans.models import Installment
from terminals import asking, run_pages, sweeping, taking
from terminals.models import ReaderRun
from tests.terminals.conftest import Till


def take(till: Till, part: DuePart, newest: int) -> None:
    asking.take(ReaderWish(part, till.counter.reader.pk, "", "user:1", till.now, newest))


def step(part: DuePart) -> str:
    at = datetime.now(UTC)
    shown: run_pages.Step = run_pages.page(part, 0, since=at, real_now=at)["step"]
    return shown.name


def test_an_installment_is_taken_at_a_terminal_once_and_again_only_after_nothing_was_taken(
    till: Till, part: DuePart
) -> None:
    take(till, part, 0)
    assert (till.counter.screen, step(part)) == ("waiting", "waiting")
    with pytest.raises(UnableToTakeThere, match="at a terminal already"):
        take(till, part, 0)
    with pytest.raises(UnableToClaim, match="under way"):
        guards.refuse_unless_open(part)

    taking.cancel(part, now=till.now, actor="user:1")
    first = Attempt.objects.get(due_part=part)
    part.refresh_from_db()
    assert (first.state, part.state, part.hold, till.counter.shop.taken()) == ("NOT_TAKEN", "OPEN", "", [])
    # A second click of the page from before.
    take(till, part, 0)
    assert (ReaderRun.objects.latest("pk").code, Attempt.objects.filter(due_part=part).count()) == ("refused", 1)
    assert step(part) == "refused"

    take(till, part, first.pk)
    till.counter.tap()
    sweeping.heard(part.practice_id, till.counter.reader.reference, now=till.now)
    installment = Installment.objects.get(due_parts=part)
    assert (installment.status, installment.owed_cents, step(part)) == ("PAID", 0, "approved")
    assert (till.counter.shop.taken(), Payment.objects.get().attempt.means) == ([128_60], "Visa 4242")
    assert Payment.objects.get().postings.get().plan_id == installment.plan_id
