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


def paid_on_principal(splits: Iterable[PaidSplit], *, charged_interest_cents: int) -> int:
    """Cents of the splits that reduce principal, possibly more than was charged yet.

    Interest splits, then untyped ones, pay the charged interest; what either has left counts as principal.
    """
    counted = [split for split in splits if not split.is_unearned]
    interest, principal, unknown = (_net(counted, kind) for kind in _KINDS)
    surplus = max(0, interest - charged_interest_cents)
    unknown -= min(unknown, max(0, charged_interest_cents - interest))
    return surplus + principal + unknown


_KINDS = (DebitType.INTEREST, DebitType.PRINCIPAL, DebitType.UNKNOWN)


def _net(splits: list[PaidSplit], kind: DebitType) -> int:
    """Positive splits of `kind` less the negative ones; untyped refunds eat untyped money, principal, interest."""
    unknown_debt = max(0, -_sum(splits, DebitType.UNKNOWN))
    principal = max(0, _sum(splits, DebitType.PRINCIPAL))
    if kind is DebitType.UNKNOWN:
        return max(0, _sum(splits, kind))
    if kind is DebitType.PRINCIPAL:
        return max(0, principal - unknown_debt)
    return max(0, _sum(splits, kind) - max(0, unknown_debt - principal))


def _sum(splits: list[PaidSplit], kind: DebitType) -> int:
    return sum(split.amount_cents for split in splits if split.debit_type is kind)


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
