"""Base of every result that is a table."""

from __future__ import annotations

import html
from typing import ClassVar

import pandas as pd


class ResultTable:
    """A read-only table: shows itself, gives copies, never prints.

    Subclasses are `@dataclass(frozen=True, slots=True, eq=False, kw_only=True)` and give
    `to_frame`, `summary` and `__len__`.
    """

    __slots__ = ()

    _what: ClassVar[str] = "rows"
    """What one row is, in the plural."""
    _next_step: ClassVar[str] = ".to_frame()"
    """What a reader would call next."""

    def __init_subclass__(cls) -> None:
        """Keep the one-line repr: `@dataclass` would write its own over an inherited one."""
        super().__init_subclass__()
        if "__repr__" not in vars(cls):
            cls.__repr__ = ResultTable.__repr__  # type: ignore[method-assign]

    def to_frame(self) -> pd.DataFrame:
        """Return the whole table as a new pandas frame."""
        raise NotImplementedError

    def summary(self) -> pd.DataFrame:
        """Return the few rows that say what the table holds."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} {self._what}; next: {self._next_step}>"

    def _repr_html_(self) -> str:
        return f"<p><code>{html.escape(repr(self))}</code></p>{frame_html(self.summary())}"


def frame_html(frame: pd.DataFrame) -> str:
    """Return an escaped HTML table with readable numbers."""
    return frame.to_html(float_format=_readable, na_rep="–", border=0, escape=True)


def _readable(x: float) -> str:
    """Return four significant digits; from a thousand on whole numbers, never an exponent."""
    return f"{x:,.0f}" if 1e3 <= abs(x) < 1e15 else f"{x:,.4g}"
