"""What a report is made of: sections of paragraphs, pictures, tables, cards; numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple, TypeAlias

UNDEFINED = "–"
"""What stands where there is no number."""

_SPACE = "\N{NO-BREAK SPACE}"


def write_number(x: float | None, decimals: int = 0) -> str:
    """Return `x` with thousands separators; undefined as a dash, never as 0."""
    if x is None or not isfinite(x):
        return UNDEFINED
    text = f"{x:,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def write_share(x: float | None, decimals: int = 1) -> str:
    """Return a share as a percentage with its unit."""
    number = write_number(None if x is None else 100.0 * x, decimals)
    return number if number == UNDEFINED else f"{number}{_SPACE}%"


def write_range(lower: float, upper: float) -> str:
    """Return two shares as one range with its unit."""
    return f"{write_number(100 * lower, 1)}–{write_share(upper)}"


def money_decimals(amounts: Iterable[float | None]) -> int:
    """Return how many decimals amounts of this size deserve: 2 below 1,000 [money], else 0."""
    known = [abs(x) for x in amounts if x is not None and isfinite(x)]
    whole = all(x == int(x) for x in known)
    return 0 if whole or max(known, default=0.0) >= 1_000 else 2


def write_money(x: float | None) -> str:
    """Return one amount; its size decides on decimals."""
    return write_number(x, money_decimals([x]))


def shorten(text: str, width: int) -> str:
    """Return one line of at most `width` columns; a wide character (CJK) takes two."""
    line = " ".join(text.split())
    if count_columns(line) <= width:
        return line
    kept, used = "", 1
    for character in line:
        used += count_columns(character)
        if used > width:
            break
        kept += character
    return f"{kept.rstrip()}…"


def count_columns(text: str) -> int:
    """Return how wide a text is; a wide character (CJK) takes two columns."""
    return sum(2 if "\u2e80" <= character <= "\uffdc" else 1 for character in text)


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
