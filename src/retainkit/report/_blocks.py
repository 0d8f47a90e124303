"""What a report is made of: sections of paragraphs, pictures, tables, cards and details."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from retainkit.report._numbers import count_columns


class Cell(NamedTuple):
    """One cell of a table: a text of one or more lines, and what stands below in small letters."""

    text: str
    detail: str = ""

    @property
    def is_short(self) -> bool:
        """Whether the text fits on one line and should stay there."""
        return "\n" not in self.text and count_columns(self.text) <= 18


class Column(NamedTuple):
    """One column: its heading, and whether it holds numbers (aligned to the right)."""

    title: str
    is_number: bool = False


class Paragraph(NamedTuple):
    """Running text."""

    text: str
    kind: str = "paragraph"


class Bullets(NamedTuple):
    """A list."""

    items: tuple[str, ...]
    kind: str = "bullets"


class Table(NamedTuple):
    """A table whose first column names the rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total_row: bool = False
    """Whether the last row sums up the others."""
    quiet: bool = False
    """Whether the caption only repeats a heading: then it is read out, not shown."""
    kind: str = "table"


class Picture(NamedTuple):
    """A drawing; `svg` is our own markup with every text of it escaped."""

    svg: str
    caption: str = ""
    kind: str = "picture"


class Card(NamedTuple):
    """One headline number."""

    label: str
    value: str
    details: tuple[str, ...] = ()


class Cards(NamedTuple):
    """The headline numbers."""

    cards: tuple[Card, ...]
    kind: str = "cards"


class Folded(NamedTuple):
    """Something long behind a click: preformatted text or a table."""

    title: str
    text: str = ""
    table: Table | None = None
    kind: str = "folded"


Block: TypeAlias = Paragraph | Bullets | Table | Picture | Cards | Folded
"""One piece of a section."""


class Section(NamedTuple):
    """One numbered part of the report."""

    id: str
    title: str
    blocks: tuple[Block, ...]


def tabulate(
    caption: str,
    columns: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[str | Cell]],
    *,
    total_row: bool = False,
    quiet: bool = False,
) -> Table:
    """Return a table of texts; `columns` says heading and whether it holds numbers."""
    cells = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
    )
    return Table(caption, tuple(Column(*column) for column in columns), cells, total_row, quiet)
