"""Short words for the tests of payouts and their reports."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.core.cache import cache

from payments import payouts
from payments.models import Payout, PayoutLine
from practices.models import Practice
from tests.plugins.stripe import Shop


def pay_out(shop: Shop, status: str = "in_transit") -> dict[str, Any]:
    """The whole balance goes to the bank now; the payout as the processor has it."""
    found: dict[str, Any] = shop.control("payouts/make", account_key=shop.account.secret_key, status=status)
    return found


def finish(shop: Shop, payout: dict[str, Any], status: str) -> None:
    shop.control(f"payouts/{payout['id']}/finish", status=status)


def add_line(shop: Shop, word: str, cents: int, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = shop.control(
        "balance/line", account_key=shop.account.secret_key, type=word, amount=cents, **more
    )
    return found


def hear(shop: Shop, now: datetime) -> int:
    """The list, as if hours had passed since the last one, and whatever is to be read."""
    cache.clear()
    return payouts.hear(shop.account.practice_id, now=now)


def lines(payout: Payout | None = None) -> list[tuple[str, int, int, int]]:
    """(kind, amount, fee, net) of every line, in the order they were made."""
    rows = PayoutLine.objects.filter(payout=payout) if payout else PayoutLine.objects.all()
    found = rows.order_by("made_at", "pk").values_list("kind", "amount_cents", "fee_cents", "net_cents")
    return sorted(found)


def payout(practice: Practice, cents: int = 0, state: str = "PAID", **fields: Any) -> Payout:
    """A payout that was read and adds up, due at the bank on March 12 2026."""
    usual = {
        "reference": f"po_{Payout.objects.count() + 1}", "made_at": datetime(2026, 3, 10, tzinfo=UTC),
        "arrives_date": date(2026, 3, 12), "is_complete": True, "read_at": datetime(2026, 3, 10, 1, tzinfo=UTC),
        "difference_cents": 0,
    }  # fmt: skip
    return Payout.objects.create(practice=practice, amount_cents=cents, state=state, **{**usual, **fields})


def line(of: Payout, kind: str, cents: int, fee: int = 0, **fields: Any) -> PayoutLine:
    """A line of this payout, booked on March 10 2026; the payout's amount follows it."""
    of.amount_cents += cents - fee
    of.save(update_fields=["amount_cents"])
    usual = {
        "reference": f"txn_{PayoutLine.objects.count() + 1}", "word": kind.lower(),
        "made_at": datetime(2026, 3, 10, 16, tzinfo=UTC),
    }  # fmt: skip
    return PayoutLine.objects.create(
        practice_id=of.practice_id, payout=of, kind=kind, amount_cents=cents, fee_cents=fee, net_cents=cents - fee,
        **{**usual, **fields},
    )  # fmt: skip
