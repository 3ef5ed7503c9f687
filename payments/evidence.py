"""The evidence pack of a dispute: parts that staff tick, those that tell who was treated marked and off by default.

Nothing is sent from here: staff submit it in the processor's dashboard (ADR 10). Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.pdf import Cell, Column
from payments import evidence_money as of_money
from payments import evidence_person as of_person
from payments.evidence_shapes import Content, Table
from payments.models import Dispute

__all__ = ["Cell", "Column", "Content", "Kind", "Part", "Table", "chosen", "kinds", "parts"]


@dataclass(frozen=True)
class Kind:
    """What a part is. `is_phi`: it tells who was treated, or how to reach them (45 CFR 160.103)."""

    key: str
    title: str
    note: str
    is_phi: bool
    read: Callable[[Dispute], Content]


@dataclass(frozen=True)
class Part:
    kind: Kind
    content: Content

    @property
    def is_empty(self) -> bool:
        return not (self.content.facts or self.content.texts or any(table.rows for table in self.content.tables))

    @property
    def is_on(self) -> bool:
        """Ticked when the page opens."""
        return not self.kind.is_phi and not self.is_empty


KINDS = (
    Kind("payment", "Payment", "Amount, moment, card, how it was taken, what went back.", False, of_money.payment),
    Kind("consent", "Consent", "The words agreed to, their version, when, how and from which address.", False,
         of_money.consent),
    Kind("schedule", "Agreed schedule", "The due dates and amounts as they stood at the consent.", False,
         of_money.schedule),
    Kind("messages", "Messages sent", "Reminders, receipts and notices, with what the carrier said; no names, no "
         "addresses.", False, of_person.messages),
    Kind("earlier", "Earlier payments with this card", "What the payer paid before with the same card number, never "
         "disputed.", False, of_money.earlier),
    Kind("person", "Who paid", "Name, phone and e-mail of the payer.", True, of_person.person),
    Kind("work", "Itemized receipt", "Patients, dates of service, codes and services it paid for.", True,
         of_person.work),
    Kind("ledger", "Ledger read-back", "How it stands in Open Dental: account, payment number, splits.", True,
         of_money.ledger),
)  # fmt: skip


def kinds(keys: Iterable[str]) -> list[Kind]:
    """The kinds asked for, in the pack's order; what nobody knows is left out."""
    wanted = set(keys)
    return [kind for kind in KINDS if kind.key in wanted]


def parts(dispute: Dispute) -> list[Part]:
    """All there could be, for choosing."""
    return [Part(kind, kind.read(dispute)) for kind in KINDS]


def chosen(dispute: Dispute, keys: Iterable[str]) -> list[Part]:
    return [Part(kind, kind.read(dispute)) for kind in kinds(keys)]
