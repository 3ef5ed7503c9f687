"""Refunds of the lost hours: booked again once, never given twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import call_command

from payments import refund_outcomes, refunds
from payments.models import Alarm, LedgerPosting, Payment, Refund
from payments.refunds import UnableToRefund
from practices.models import Practice
from processors import accounts
from processors.port import NotTaken
from tests.ops.test_restore import ONE, charge, reconcile, work
from tests.ops.town import Town

WISH = refunds.Wish(cents=40_00, reason="OTHER", actor="user:1")


def test_a_refund_made_after_the_backup_is_booked_again_once_and_its_posting_is_looked_for_first(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]]
) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    charge(town)
    work(town)
    restore = lose_everything_since()
    given = refunds.refund(Payment.objects.get().pk, WISH, now=town.desk.now())
    lost = LedgerPosting.objects.get(amount_cents=-40_00)

    restore()
    # Nothing may be given back before the processor was asked: it would be the second time.
    with pytest.raises(UnableToRefund, match="looked for first"):
        refunds.refund(Payment.objects.get().pk, WISH, now=town.desk.now())
    town.shop.fault("GET /v1/refunds", "error_before", times=9)
    with pytest.raises(Exception, match="Not every practice"):
        call_command("reconcile", practice=town.practice.slug)
    assert Practice.objects.get().recover_since is not None
    town.shop.process.http.delete("/_sandbox/faults")
    for _ in range(2):
        reconcile(town)
    assert Practice.objects.get().recover_since is None

    found, posting = Refund.objects.get(), LedgerPosting.objects.get(amount_cents=-40_00)
    assert (found.uuid, found.reference, found.state) == (given.uuid, given.reference, "SUCCEEDED")
    assert (posting.reference, posting.state, posting.sends) == (lost.reference, "UNCLEAR", 1)
    assert not Alarm.objects.filter(kind="REFUND_ELSEWHERE").exists()
    assert [row["amount"] for row in town.shop.books("refunds")] == [40_00]


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_refund_that_was_under_way_at_the_backup_is_looked_up_but_never_asked_again(
    town: Town, lose_everything_since: Callable[[], Callable[[], None]], is_asked: bool
) -> None:
    town.plans_with_cards(1, **ONE)
    town.time_to_charge()
    charge(town)
    payment = Payment.objects.get().pk
    begun = refunds.claim(payment, WISH, now=town.desk.now())
    restore = lose_everything_since()
    if is_asked:
        refunds.ask(accounts.for_practice(town.practice.pk), begun)
    else:
        # It came to nothing, and staff ordered the same once more.
        refund_outcomes.settle_refund(begun.pk, NotTaken("Refused"), now=town.desk.now(), actor="user:1")
        refunds.refund(payment, WISH, now=town.desk.now())

    restore()
    reconcile(town)
    reconcile(town)

    assert [row["amount"] for row in town.shop.books("refunds")] == [40_00]
    ended = dict(Refund.objects.values_list("uuid", "state"))
    assert ended.pop(begun.uuid) == ("SUCCEEDED" if is_asked else "NOT_TAKEN")
    assert list(ended.values()) == ([] if is_asked else ["SUCCEEDED"])
