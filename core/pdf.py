"""Documents on paper: a head, rows, and tables of money, as a PDF that is the same bytes for the same content.

The fonts come from a package (Noto Sans, and FiraGO for scripts it lacks); what neither has is drawn as an empty box.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pymupdf_fonts
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, VAlign, XPos, YPos
from fpdf.fonts import FontFace
from fpdf.prefs import ViewerPreferences

from core.money import format_cents

# Both write the characters of a text into the log, and texts here are names.
logging.getLogger("fpdf").setLevel(logging.ERROR)
logging.getLogger("fontTools").setLevel(logging.ERROR)

_TEXT, _OTHER_SCRIPTS = "text", "other"
_FONTS = ((_TEXT, "", "notos"), (_TEXT, "B", "notosbo"), (_OTHER_SCRIPTS, "", "figo"), (_OTHER_SCRIPTS, "B", "figbo"))
_INK, _DIM, _LINE = (24, 28, 36), (92, 99, 112), (205, 210, 218)
# Points and millimeters, on US letter paper.
_MARGIN, _FOOT, _LABEL_WIDTH = 19.0, 18.0, 42.0
_BODY, _SMALL = 10.0, 8.5

# Text, or cents that are shown as dollars.
Cell = str | int


@dataclass(frozen=True)
class Column:
    """One column of a table. `width` counts in proportion to the others'; money and numbers stand on the right."""

    label: str
    width: float = 1.0
    right: bool = False


class Document:
    """What is added is laid out by `render`, top to bottom, over as many pages as it takes.

    `head` is the practice: its name, then lines under it. `made_at` (aware) is the only moment inside the file.
    `language` is a BCP 47 code, and `page_words` says "Page {page} of {pages}" in it.
    """

    def __init__(
        self, title: str, *, head: Sequence[str], made_at: datetime, language: str = "en", foot: str = "",
        page_words: str = "Page {page} of {pages}",
    ) -> None:  # fmt: skip
        self._title, self._head, self._foot, self._page_words = title, head, foot, page_words
        self._made_at, self._language = made_at, language
        self._parts: list[Callable[[_Paper], None]] = []

    def heading(self, text: str) -> None:
        self._parts.append(lambda paper: paper.heading(text))

    def paragraph(self, text: str, *, dim: bool = False) -> None:
        self._parts.append(lambda paper: paper.paragraph(text, dim=dim))

    def rows(self, pairs: Sequence[tuple[str, Cell]]) -> None:
        """Labels with what they name, one under the other."""
        self._parts.append(lambda paper: paper.rows(pairs))

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, totals: Sequence[Sequence[Cell]] = ()
    ) -> None:
        """A table whose head is repeated on each page; `totals` are rows in bold under it."""
        self._parts.append(lambda paper: paper.grid(columns, rows, totals))

    def render(self) -> bytes:
        """The PDF. About 0.2 s, so not in a loop inside a request."""
        paper = _Paper(self._title, self._head[:1], self._foot, self._page_words)
        paper.set_creation_date(self._made_at)
        paper.set_lang(self._language)
        paper.set_title(self._title)
        paper.set_author(" ".join(self._head[:1]))
        paper.viewer_preferences = ViewerPreferences(display_doc_title=True)
        with TemporaryDirectory() as folder:
            paper.load_fonts(Path(folder))
            paper.add_page()
            paper.letterhead(self._head)
            for lay_out in self._parts:
                lay_out(paper)
            return bytes(paper.output())


class _Paper(FPDF):
    """Letter paper with our fonts, a head on later pages and a numbered foot."""

    def __init__(self, title: str, owner: Sequence[str], foot: str, page_words: str) -> None:
        super().__init__(format="letter")
        self._running_head = " · ".join([*owner, title])
        self._running_title, self._foot_text, self._page_words = title, foot, page_words
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=_MARGIN + 5)

    def load_fonts(self, folder: Path) -> None:
        """The library reads fonts from files only; the package holds them as bytes."""
        for family, style, name in _FONTS:
            file = folder / f"{name}.ttf"
            file.write_bytes(pymupdf_fonts.myfont(name))
            self.add_font(family, style, file)
        self.set_fallback_fonts([_OTHER_SCRIPTS])

    def header(self) -> None:
        if self.page_no() > 1:
            self._pen(_SMALL, _DIM)
            self._line(self._running_head)
            self.ln(3)

    def footer(self) -> None:
        self.set_y(-_FOOT)
        self._pen(_SMALL, _DIM)
        self._line(self._page_words.format(page=self.page_no(), pages="{nb}"), stay=True)
        if self._foot_text:
            self.set_x(self.l_margin + _LABEL_WIDTH)
            self.multi_cell(0, 4, self._foot_text, align=Align.R)

    def letterhead(self, head: Sequence[str]) -> None:
        for name in head[:1]:
            self._pen(13, _INK, bold=True)
            self._line(name)
        for line in head[1:]:
            self._pen(_SMALL + 0.5, _DIM)
            self._line(line)
        self.ln(3)
        self.set_draw_color(*_LINE)
        self.line(self.l_margin, self.y, self.w - self.r_margin, self.y)
        self.ln(5)
        self._pen(20, _INK, bold=True)
        self._line(self._running_title)
        self.ln(3)

    def heading(self, text: str) -> None:
        # A heading stays with at least a line of what it is over.
        self._keep_together(22)
        self.ln(4)
        self._pen(12, _INK, bold=True)
        self._line(text)
        self.ln(1.5)

    def paragraph(self, text: str, *, dim: bool) -> None:
        self._pen(_SMALL + 0.5 if dim else _BODY, _DIM if dim else _INK)
        self._line(text)
        self.ln(2)

    def rows(self, pairs: Sequence[tuple[str, Cell]]) -> None:
        for label, told in pairs:
            self._keep_together(9)
            self._pen(_BODY, _DIM)
            self.multi_cell(_LABEL_WIDTH, self.font_size * 1.25, label, align=Align.L, new_x=XPos.RIGHT, new_y=YPos.TOP)
            self._pen(_BODY, _INK)
            self.set_x(self.l_margin + _LABEL_WIDTH)
            self._line(_shown(told))
            self.ln(0.8)
        self.ln(2)

    def grid(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], totals: Sequence[Sequence[Cell]]) -> None:
        self._keep_together(16)
        self._pen(_BODY - 0.5, _INK)
        self.set_draw_color(*_LINE)
        with self.table(
            borders_layout=TableBordersLayout.HORIZONTAL_LINES, col_widths=[column.width for column in columns],
            text_align=[Align.R if column.right else Align.L for column in columns], v_align=VAlign.T,
            padding=(1.4, 1.2), headings_style=FontFace(emphasis="BOLD", color=_DIM, size_pt=_SMALL), line_height=4.6,
        ) as table:  # fmt: skip
            table.row([column.label for column in columns])
            for row in rows:
                table.row([_shown(cell) for cell in row])
            for row in totals:
                table.row([_shown(cell) for cell in row], style=FontFace(emphasis="BOLD"))
        self.ln(3)

    def _keep_together(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def _pen(self, size: float, color: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font(_TEXT, "B" if bold else "", size)
        self.set_text_color(*color)

    def _line(self, text: str, *, stay: bool = False) -> None:
        down = YPos.TOP if stay else YPos.NEXT
        self.multi_cell(0, self.font_size * 1.25, text, align=Align.L, new_x=XPos.LMARGIN, new_y=down)


def _shown(cell: Cell) -> str:
    return cell if isinstance(cell, str) else format_cents(cell)
