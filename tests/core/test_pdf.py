"""Documents on paper: what they say, in any script, the same each time."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime

import pypdf
import pytest
import time_machine

from core.pdf import Column, Document

MADE = datetime(2026, 3, 5, 15, 30, tzinfo=UTC)
COLUMNS = [Column("Service", 3), Column("Amount", right=True)]


def _document(lines: int = 2, language: str = "en") -> Document:
    made = Document(
        "Receipt", head=["Maple Dental", "12 Main Street"], made_at=MADE, foot="Keep this", language=language
    )
    made.rows([("Paid by", "José Łukasz Nguyễn"), ("Paid", 123456)])
    made.heading("Ελένη Дмитрий")
    made.table(COLUMNS, [["Cleaning", 4500]] * lines, totals=[["Total", -4500 * lines]])
    made.paragraph("Thank you")
    return made


def _read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def test_says_names_of_any_alphabet_and_money_to_the_cent() -> None:
    reader = _read(_document().render())
    text = reader.pages[0].extract_text()
    lines = [
        "Maple Dental",
        "12 Main Street",
        "Receipt",
        "Paid by José Łukasz Nguyễn",
        "Paid $1,234.56",
        "Ελένη Дмитрий",
    ]
    rest = [
        "Service Amount",
        "Cleaning $45.00",
        "Cleaning $45.00",
        "Total −$90.00",
        "Thank you",
        "Page 1 of 1 Keep this",
    ]
    assert [line.strip() for line in text.splitlines()] == lines + rest
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == ("Receipt", "Maple Dental")
    assert reader.metadata.creation_date == MADE
    assert b"/Lang (en)" in _document().render()
    assert b"/DisplayDocTitle true" in _document().render()


def test_repeats_the_head_of_a_table_and_numbers_its_pages() -> None:
    pages = [page.extract_text() for page in _read(_document(lines=60).render()).pages]
    assert len(pages) == 3
    assert all("Service Amount" in page and f"Page {number} of 3" in page for number, page in enumerate(pages, 1))
    assert sum(page.count("Cleaning $45.00") for page in pages) == 60
    assert ["Maple Dental · Receipt" in page for page in pages] == [False, True, True]


def test_is_the_same_bytes_for_the_same_content_whatever_the_time() -> None:
    with time_machine.travel(MADE):
        first = _document().render()
    assert _document().render() == first
    assert _document(language="es").render() != first


def test_logs_no_name_it_can_not_draw(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    document = Document("Receipt", head=["Maple Dental"], made_at=MADE)
    document.paragraph("你好")
    assert _read(document.render()).pages[0].extract_text()
    assert "你" not in caplog.text
    assert "4f60" not in caplog.text
