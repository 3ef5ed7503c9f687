"""How a sale's money is to be spread: chosen or oldest procedures first, then the rest. Pure, in cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from payments.account import Account, OpenProcedure
from payments.models import Sale, SaleLine

Kind, Basis = SaleLine.Kind, Sale.Basis


class UnableToAllocate(ValueError):
    """Nothing can be taken like this; the text says why, for staff."""


@dataclass(frozen=True)
class Line:
    """`procedure` None for the rest and for a prepayment."""

    kind: str
    pat_num: int
    cents: int
    procedure: OpenProcedure | None = None


def lines(account: Account, basis: str, *, chosen: Sequence[int] = (), cents: int | None = None) -> list[Line]:
    """The lines of a sale. `chosen`: ProcNums. `cents` None: all that the basis stands for. Raises UnableToAllocate."""
    if basis == Basis.PREPAYMENT:
        return [Line(Kind.PREPAYMENT, account.pat_num, _needed(cents))]
    if basis == Basis.PROCEDURES:
        return _of_procedures(account, chosen, cents)
    people = account.family if basis == Basis.FAMILY else [account.pat_num]
    wanted = _needed(cents) if basis == Basis.CUSTOM else account.owed_cents(*people) if cents is None else cents
    if wanted < 1:
        raise UnableToAllocate("Nothing is owed outside payment plans.")
    return _oldest_first(account, account.procedures_of(people), wanted)


def _needed(cents: int | None) -> int:
    if cents is None or cents < 1:
        raise UnableToAllocate("Enter an amount.")
    return cents


def _of_procedures(account: Account, chosen: Sequence[int], cents: int | None) -> list[Line]:
    found = [one for one in account.procedures if one.proc_num in set(chosen)]
    if not found:
        raise UnableToAllocate("Choose at least one procedure.")
    if len(found) < len(set(chosen)):
        raise UnableToAllocate("A chosen procedure is not open any more: choose again.")
    total = sum(one.open_cents for one in found)
    if cents is not None and cents > total:
        raise UnableToAllocate("The amount is more than the chosen procedures still ask.")
    return _oldest_first(account, found, total if cents is None else _needed(cents))


def _oldest_first(account: Account, procedures: Sequence[OpenProcedure], cents: int) -> list[Line]:
    """The patient's own procedures are not preferred: Open Dental pays the oldest first, and so do we."""
    left, found = cents, list[Line]()
    for one in procedures if not account.no_names else ():
        part = min(left, one.open_cents)
        if part > 0:
            found.append(Line(Kind.PROCEDURE, one.pat_num, part, one))
            left -= part
    if left and account.all_or_nothing:
        return [Line(Kind.REST, account.pat_num, cents)]
    return [*found, Line(Kind.REST, account.pat_num, left)] if left else found
