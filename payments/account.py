"""What a family owes outside payment plans, as Open Dental showed it. Pure: opendental/account.py reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class OpenProcedure:
    """A completed procedure on no plan of which its patient still owes something (cents)."""

    proc_num: int
    pat_num: int
    service_date: date | None
    code: str
    description: str
    provider: str
    open_cents: int
    # Expected from insurance, with its write-off; not part of `open_cents`.
    pending_cents: int = 0


@dataclass(frozen=True)
class Member:
    """One person of the family; `balance_cents` is Open Dental's own, plans counted as the office chose."""

    pat_num: int
    name: str
    balance_cents: int
    # Adjustments that hang on no procedure, less what was paid on them; negative is a credit.
    loose_cents: int = 0
    unearned_cents: int = 0


@dataclass(frozen=True)
class Account:
    """`members`: the patient first; `procedures`: the oldest first.

    `no_names` says why money can't be put on procedures by name; '' = it can.
    """

    read_at: datetime
    members: tuple[Member, ...]
    procedures: tuple[OpenProcedure, ...] = field(default=())
    no_names: str = ""
    # The office splits nothing by itself: either every cent is put on a procedure, or staff allocate all of it.
    all_or_nothing: bool = False

    def procedures_of(self, pat_nums: Iterable[int]) -> list[OpenProcedure]:
        wanted = set(pat_nums)
        return [one for one in self.procedures if one.pat_num in wanted]

    def open_by_procedure(self) -> dict[int, int]:
        return {one.proc_num: one.open_cents for one in self.procedures}

    def owed_cents(self, *pat_nums: int) -> int:
        """What these people owe outside plans: procedures and loose adjustments less unearned money. Never negative.

        Not Open Dental's balance, which counts plans in one of four ways (preference PayPlansVersion).
        """
        people = [one for one in self.members if one.pat_num in pat_nums]
        loose = sum(one.loose_cents - one.unearned_cents for one in people)
        return max(0, sum(one.open_cents for one in self.procedures_of(pat_nums)) + loose)

    @property
    def pat_num(self) -> int:
        """Whose account was asked for."""
        return self.members[0].pat_num

    @property
    def family(self) -> list[int]:
        return [one.pat_num for one in self.members]
