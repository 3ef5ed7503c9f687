"""How money already paid on a plan counts against its interest and principal (cents)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class DebitType(Enum):
    """Open Dental's PayPlanDebitType of a payment split."""

    UNKNOWN = "Unknown"
    PRINCIPAL = "Principal"
    INTEREST = "Interest"


@dataclass(frozen=True)
class PaidSplit:
    """A payment split on the plan. Unearned money (hidden prepayment or not) never counts as paid on a charge."""

    amount_cents: int
    debit_type: DebitType = DebitType.UNKNOWN
    is_unearned: bool = False


Pools = dict[DebitType, int]


def pools(splits: Iterable[PaidSplit]) -> Pools:
    """Money on the plan by what it was meant to pay; a refund eats its own kind, then untyped, principal, interest."""
    pool = dict.fromkeys(DebitType, 0)
    for split in splits:
        if not split.is_unearned:
            pool[split.debit_type] += split.amount_cents
    for kind in DebitType:
        for other in DebitType:
            eaten = min(max(0, -pool[kind]), max(0, pool[other]))
            pool[kind] += eaten
            pool[other] -= eaten
    return {kind: max(0, amount) for kind, amount in pool.items()}


def paid_on_principal(pool: Pools, *, charged_interest_cents: int) -> int:
    """Cents that reduce principal, possibly more than was charged yet.

    Interest splits, then untyped ones, pay the charged interest; what either has left counts as principal.
    """
    surplus = max(0, pool[DebitType.INTEREST] - charged_interest_cents)
    open_interest = max(0, charged_interest_cents - pool[DebitType.INTEREST])
    untyped = max(0, pool[DebitType.UNKNOWN] - open_interest)
    return surplus + pool[DebitType.PRINCIPAL] + untyped


@dataclass(frozen=True)
class Division:
    """A payment split the way Open Dental does it on one open charge."""

    interest_cents: int
    principal_cents: int
    unearned_cents: int


def divide_payment(cents: int, *, open_interest_cents: int, open_principal_cents: int) -> Division:
    """Interest first, then principal, the rest unearned (`POST /payments` with payPlanNum)."""
    interest = min(cents, open_interest_cents)
    principal = min(cents - interest, open_principal_cents)
    return Division(interest, principal, cents - interest - principal)
