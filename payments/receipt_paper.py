"""A receipt as a PDF, in the language in force: what people hand in to a health account or file."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.pdf import Cell, Column, Document
from payments.receipts import Line, Receipt, Section, day_words
from practices.models import Practice
from practices.templatetags.show import phone


def head_of(practice: Practice) -> list[str]:
    """The practice as it stands on top of a document: name, address, phone."""
    return [practice.name, *(line for line in (practice.address, phone(practice.phone)) if line)]


def document(receipt: Receipt) -> Document:
    made = Document(
        _("Receipt"), head=head_of(receipt.practice), made_at=receipt.made_at, language=(get_language() or "en")[:2],
        foot=_("Please keep this receipt for your records."), page_words=_("Page {page} of {pages}"),
    )  # fmt: skip
    made.rows([
        (_("Paid on"), day_words(timezone.localdate(receipt.paid_at))),
        (_("Paid by"), receipt.payer),
        (_("Paid with"), receipt.means),
        (_("Amount"), receipt.amount_cents),
        (_("Reference"), receipt.reference),
        *receipt.chip,
    ])  # fmt: skip
    for section in receipt.sections:
        made.heading(_("For %(patient)s") % {"patient": section.patient})
        _add_lines(made, section, with_sum=len(receipt.sections) > 1)
    made.heading(_("Summary"))
    made.table([Column("", 3), Column(_("Amount"), right=True)], _summary(receipt))
    return made


def _add_lines(made: Document, section: Section, *, with_sum: bool) -> None:
    has_work = any(line.service_date for line in section.lines)
    columns = [Column(_("For"), 3), Column(_("Amount"), right=True)]
    if has_work:
        columns = [
            Column(_("Date of service"), 1.2), Column(_("Code"), 0.8), Column(_("Service"), 2.6),
            Column(_("Provider"), 0.9), Column(_("Amount"), right=True),
        ]  # fmt: skip
    rows = [_cells(line, has_work=has_work) for line in section.lines]
    blank: list[Cell] = [""] * (len(columns) - 2)
    totals = [[_("Together"), *blank, section.amount_cents]] if with_sum else []
    made.table(columns, rows, totals=totals)


def _cells(line: Line, *, has_work: bool) -> list[Cell]:
    if not has_work:
        return [line.words, line.amount_cents]
    day = day_words(line.service_date) if line.service_date else ""
    return [day, line.code, line.words, line.provider, line.amount_cents]


def _summary(receipt: Receipt) -> list[list[Cell]]:
    """From the work to what stays paid."""
    rows: list[list[Cell]] = [[words, cents] for words, cents in receipt.extras]
    work = sum(section.amount_cents for section in receipt.sections)
    if rows:
        rows.insert(0, [_("Services"), work])
    rows.append([_("Paid"), receipt.amount_cents])
    rows += [[f"{one.words}, {day_words(timezone.localdate(one.at))}", one.amount_cents] for one in receipt.refunds]
    if receipt.back_cents:
        rows.append([_("Stays paid"), receipt.kept_cents])
    if receipt.balance is not None:
        as_of = _("as of %(day)s") % {"day": day_words(timezone.localdate(receipt.made_at))}
        rows.append([f"{receipt.balance.words}, {as_of}", receipt.balance.amount_cents])
    return rows


def answer(receipt: Receipt) -> HttpResponse:
    """The download. Its name tells nothing about anybody."""
    made = HttpResponse(document(receipt).render(), content_type="application/pdf")
    made["Content-Disposition"] = f'attachment; filename="receipt-{timezone.localdate(receipt.paid_at)}.pdf"'
    made["Cache-Control"] = "no-store"
    return made
