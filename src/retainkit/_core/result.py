"""Base of every result that is a table."""

from __future__ import annotations

import html
from typing import ClassVar

import pandas as pd

from retainkit._core.columns import Column, describe, frame_of, list_columns
from retainkit.typing import Language


class ResultTable:
    """A read-only table: shows itself, gives copies, never prints.

    Subclasses are `@dataclass(frozen=True, slots=True, eq=False, kw_only=True)`; they declare
    their columns, or give `to_frame`, and give `summary` and `__len__`.
    """

    __slots__ = ()

    _what: ClassVar[str] = "rows"
    """What one row is, in the plural."""
    _next_step: ClassVar[str] = ".to_frame()"
    """What a reader would call next."""
    _schema: ClassVar[tuple[Column, ...]] = ()
    """The columns of `to_frame`, in order."""

    def __init_subclass__(cls) -> None:
        """List the columns in the docstring, and keep the one-line repr.

        `@dataclass` would write its own repr over an inherited one; it makes a class with slots
        twice.
        """
        super().__init_subclass__()
        if cls.__doc__ and "_schema" in vars(cls) and "`describe_columns`" not in cls.__doc__:
            cls.__doc__ = list_columns(cls.__doc__, cls._schema)
        if "__repr__" not in vars(cls):
            cls.__repr__ = ResultTable.__repr__  # type: ignore[method-assign]

    def to_frame(self) -> pd.DataFrame:
        """Return the whole table as a new frame; columns that do not apply are left out."""
        return self._frame("en")

    def _frame(self, language: Language | None) -> pd.DataFrame:
        if not self._schema:
            raise NotImplementedError
        return frame_of(self, self._schema, language)

    @classmethod
    def describe_columns(cls, *, language: Language = "en") -> pd.DataFrame:
        """Return what the columns of `to_frame` mean; nothing for a table of free columns.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the labels.

        Returns
        -------
        pandas.DataFrame
            `column`, `unit`, `label` and `note` (when a cell is missing, what is counted).
        """
        return describe(cls.__name__, cls._schema, language)

    def summary(self) -> pd.DataFrame:
        """Return the few rows that say what the table holds."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} {self._what}; next: {self._next_step}>"

    def _repr_html_(self) -> str:
        return f"<p><code>{html.escape(repr(self))}</code></p>{frame_html(self.summary())}"


class TranslatedTable(ResultTable):
    """A table with texts in its cells."""

    __slots__ = ()

    def to_frame(self, *, language: Language = "en") -> pd.DataFrame:
        """Return the whole table as a new frame, its texts in `language`."""
        return self._frame(language)


def frame_html(frame: pd.DataFrame) -> str:
    """Return an escaped HTML table with readable numbers."""
    return frame.to_html(float_format=_readable, na_rep="–", border=0, escape=True)


def _readable(x: float) -> str:
    """Return four significant digits; from a thousand on whole numbers, never an exponent."""
    return f"{x:,.0f}" if 1e3 <= abs(x) < 1e15 else f"{x:,.4g}"
