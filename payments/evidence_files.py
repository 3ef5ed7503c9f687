"""The chosen evidence as a PDF and as JSON. Both say what they are and whether they tell who was treated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core.calendar import local_date
from core.money import format_cents
from core.pdf import Cell, Document
from payments import dispute_words
from payments.evidence import Part
from payments.evidence_shapes import Table, day, moment
from payments.models import Dispute
from payments.receipt_paper import head_of

PHI = "Contains health information: share it with the card processor only as far as the dispute needs it."


def _about(dispute: Dispute) -> list[tuple[str, Cell]]:
    zone = dispute.practice.zone
    return [
        ("Dispute", dispute.reference),
        ("Amount", dispute.amount_cents),
        ("The cardholder says", dispute_words.why(dispute.reason).words),
        ("Code of the network", dispute.network_code or "none given"),
        ("Disputed on", day(local_date(dispute.made_at, zone))),
        ("Reply by", moment(dispute.reply_by, zone) or "none given"),
    ]


def pdf(dispute: Dispute, parts: Iterable[Part], *, now: datetime) -> bytes:
    shown = list(parts)
    foot = PHI if any(part.kind.is_phi for part in shown) else ""
    made = Document("Evidence in a dispute", head=head_of(dispute.practice), made_at=now, foot=foot)
    made.rows(_about(dispute))
    for part in shown:
        made.heading(part.kind.title)
        _add(made, part)
    return made.render()


def _add(made: Document, part: Part) -> None:
    if part.is_empty:
        made.paragraph("Nothing of this is on record.", dim=True)
    if part.content.facts:
        made.rows(part.content.facts)
    for text in part.content.texts:
        made.paragraph(text)
    for table in part.content.tables:
        made.table(table.columns, table.rows)


def as_json(dispute: Dispute, parts: Iterable[Part], *, now: datetime) -> dict[str, Any]:
    """Money is {"cents": n, "text": "$…"}; moments are practice-local with their zone."""
    shown = list(parts)
    return {
        "practice": dispute.practice.name,
        "made_at": now.isoformat(),
        "contains_health_information": any(part.kind.is_phi for part in shown),
        "dispute": {name: _cell(value) for name, value in _about(dispute)},
        "parts": [_part(part) for part in shown],
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "part": part.kind.key,
        "title": part.kind.title,
        "is_health_information": part.kind.is_phi,
        "facts": {name: _cell(value) for name, value in part.content.facts},
        "texts": list(part.content.texts),
        "tables": [_rows(table) for table in part.content.tables],
    }


def _rows(table: Table) -> list[dict[str, Any]]:
    names = [column.label for column in table.columns]
    return [dict(zip(names, map(_cell, row), strict=True)) for row in table.rows]


def _cell(value: Cell) -> Any:
    return value if isinstance(value, str) else {"cents": value, "text": format_cents(value)}
