"""How a desk sale's payment gets into the ledger, and what its read-back must show (docs/money.md, routes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.money import format_cents
from opendental import features
from opendental.models import Connection
from opendental.verify import Verdict
from opendental.wire import SplitFacts
from payments.models import Allocation, DuePart, LedgerPosting, Move, SaleLine, TenderFee

Route, Kind = LedgerPosting.Route, SaleLine.Kind


@dataclass(frozen=True)
class Part:
    """Cents of a line that a posting puts there."""

    line: SaleLine | None
    amount_cents: int


def allocations(posting: LedgerPosting) -> Sequence[Allocation | Part]:
    """What the payment pays of its sale, or where a move puts it; [] when it is of no sale."""
    if posting.plan_id is not None:
        return []
    if posting.move is not None:
        return target(posting.move)
    found = posting.payment.allocations.filter(line__isnull=False).select_related("line__sale")
    return list(found.order_by("pk"))


def target(move: Move) -> list[Part]:
    """Where it puts the payment."""
    return [Part(line, line.amount_cents) for line in move.target.lines.order_by("pk")]


def route(connection: Connection, parts: Sequence[Allocation | Part]) -> str:
    """By what the lines name, as far as the office can be told."""
    kinds = {_line(part).kind for part in parts}
    if kinds == {Kind.PREPAYMENT}:
        return Route.UNEARNED if features.at_least(connection, "22.4.8") else Route.PATIENT
    if Kind.PROCEDURE in kinds and features.at_least(connection, "22.4.16"):
        return Route.PROCEDURES
    return Route.PATIENT


def fields(parts: Sequence[Allocation | Part], route: str) -> dict[str, Any]:
    """What POST /payments says beside amount and reference."""
    if route == Route.UNEARNED:
        return {"isPrepayment": "true"}
    return {"procNums": list(wanted(parts))} if route == Route.PROCEDURES else {}


def words(part: DuePart) -> list[str]:
    """For the payment's note: what staff wrote, and what was charged beside it and stays out of the ledger (ADR 8)."""
    found = [part.sale.note] if part.sale is not None else []
    if part.fee is not None and part.fee.kind == TenderFee.Kind.SURCHARGE:
        found.append(f"A card surcharge of {format_cents(part.fee.fee_cents)} was charged beside it")
    return found


def wanted(parts: Sequence[Allocation | Part]) -> dict[int, int]:
    """Cents by ProcNum, in the order of the lines."""
    return {_line(part).proc_num: part.amount_cents for part in parts if _line(part).proc_num}


def judge(posting: LedgerPosting, parts: Sequence[Allocation | Part], splits: Sequence[SplitFacts]) -> Verdict:
    """Compare the splits with the lines. A rest may lie wherever Open Dental put it. Pure but for `parts`."""
    total = sum(split.amount_cents for split in splits)
    if total != posting.amount_cents:
        there, ours = format_cents(total), format_cents(posting.amount_cents)
        return Verdict(False, f"Open Dental shows {there} for this payment, {ours} was posted.")
    if posting.route == Route.UNEARNED:
        elsewhere = sum(split.amount_cents for split in splits if not split.unearned_type)
    elif posting.route == Route.PROCEDURES:
        elsewhere = _missing(wanted(parts), splits)
    else:
        elsewhere = 0
    if not elsewhere:
        return Verdict(True)
    return Verdict(
        False,
        f"{format_cents(elsewhere)} of {format_cents(total)} is not where it should be in Open Dental.",
        rows_missed=posting.route == Route.PROCEDURES,
    )


def _missing(asked: dict[int, int], splits: Sequence[SplitFacts]) -> int:
    """Cents that should stand on a procedure and don't."""
    there = dict.fromkeys(asked, 0)
    for split in splits:
        if split.proc_num in there and not split.unearned_type and not split.pay_plan_num:
            there[split.proc_num] += split.amount_cents
    return sum(max(0, cents - there[number]) for number, cents in asked.items())


def amounts(connection: Connection, posting: LedgerPosting, parts: Sequence[Allocation | Part]) -> list[dict[str, Any]]:
    """For PUT Partial; [] where it can't be repaired so: an older office, or a rest, which names nothing."""
    asked = wanted(parts)
    if not features.at_least(connection, "25.1.11") or sum(asked.values()) != posting.amount_cents:
        return []
    return [{"ProcNum": number, "Amount": cents / 100} for number, cents in asked.items()]


def _line(part: Allocation | Part) -> SaleLine:
    if part.line is None:
        raise ValueError(f"{part} is not of a sale")
    return part.line
