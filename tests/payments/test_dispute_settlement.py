"""A disputed payment in payouts and the daily settlement: every cent is counted once, open, won and lost."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from payments import settlement, settlement_rows
from payments.models import DuePart, LedgerPosting, PayoutLine
from tests.payments import disputing, payouts_making
from tests.payments.refunding import paid
from tests.plugins.stripe import Shop


@pytest.mark.parametrize(
    ("statuses", "kinds", "other", "paid_out"),
    [
        # 128.60 less 4.03; 128.60 taken and 15.00 for it.
        ((), ["DISPUTE", "PAYMENT"], -128_60, -19_03),
        (("won",), ["DISPUTE", "DISPUTE", "PAYMENT"], 0, 128_60 - 19_03),
        (("lost",), ["DISPUTE", "PAYMENT"], -128_60, -19_03),
    ],
    ids=["open", "won", "lost"],
)
def test_the_day_adds_up_to_the_cent(
    shop: Shop, part: DuePart, nudged: list[int], now: datetime,
    statuses: tuple[str, ...], kinds: list[str], other: int, paid_out: int,
) -> None:  # fmt: skip
    payment = paid(part, now)
    reference = disputing.dispute(shop, payment)
    disputing.go_on(shop, reference, *statuses)
    disputing.hear(shop, reference, now)
    payouts_making.pay_out(shop, "paid")
    payouts_making.hear(shop, now)
    LedgerPosting.objects.update(state="MATCHED")

    lines = PayoutLine.objects.order_by("kind", "pk")
    assert [line.kind for line in lines] == kinds
    assert {line.payment_id for line in lines} == {payment.pk}
    span = settlement_rows.Span(payment.practice, date(2026, 1, 1), date(2026, 12, 31))
    day = settlement.total(settlement_rows.days(span))
    assert (day.taken.moved, day.refunds.moved, day.other.moved) == (128_60, 0, other)
    assert (day.paid_out_cents, day.ledger_difference_cents) == (paid_out, 0)
    assert [(line.words, line.cents) for line in day.explained] == [("Fees the card processor kept", 19_03)]
    assert day.difference_cents == 19_03
