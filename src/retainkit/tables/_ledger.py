"""The ledger: where every input row went, and why, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.columns import Column, recorded
from retainkit._core.frames import text_series
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit.typing import IntArray, Language

_REASONS = read_labels("retainkit.tables", "reasons", "reasons")
_PREFIXES = read_labels("retainkit.tables", "reasons", "prefixes")


def describe_reason(reason: str, *, language: Language = "en") -> str:
    """Say what a reason code of the ledger means.

    Parameters
    ----------
    reason : str
        A code as it stands in `Ledger.to_frame()["reason"]`.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    str
        One short phrase; an unknown code comes back unchanged.

    Examples
    --------
    >>> from retainkit.tables import describe_reason
    >>> describe_reason("missing_customer_id")
    'customer_id is missing'
    >>> describe_reason("after_as_of", language="zh")
    '日期晚于观察截止日'
    """
    if reason in _REASONS:
        return _REASONS[reason].text(language)
    for prefix, label in _PREFIXES.items():
        if reason.startswith(prefix):
            return label.text(language).format(field=reason.removeprefix(prefix))
    return reason


EntryKind: TypeAlias = Literal["input", "accepted", "excluded", "rejected", "notice"]
"""excluded = left out by a declared policy; rejected = broke a rule; notice = kept, but odd."""


class LedgerEntry(NamedTuple):
    """One line of the ledger."""

    table: str
    """Which table the rows came from."""
    kind: EntryKind
    """Input and accepted totals, what was taken out, and notices about kept rows."""
    reason: str
    """Reason code; empty for the totals."""
    rows: int
    """Rows attributed to this line: each taken-out row counts under the first rule it broke."""
    rows_matching: int
    """All rows of the input that break the rule, whatever else they break."""
    exact_amount: Fraction | None
    """Sum of the readable amounts of `rows` without rounding [money]; None without amounts."""
    unreadable_amounts: int
    """How many of `rows` have no finite amount, and so add nothing to `exact_amount`."""
    policy: str
    """The rule that was applied."""
    examples: tuple[str, ...]
    """The first rows and their values."""
    says: Label | None = None
    """What a person should know or decide about the rows; None = nothing beside the count."""

    @property
    def amount(self) -> float | None:
        """The amount [money], rounded once."""
        return None if self.exact_amount is None else float(self.exact_amount)


class TakenRows(NamedTuple):
    """The rows one rule took out; kept in their own types, written as text only on demand."""

    table: str
    kind: EntryKind
    reason: str
    rows: IntArray
    customer_id: pd.Series[Any]
    values: pd.Series[Any]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ledger(ResultTable):
    """Account for every input row: accepted + excluded + rejected = input.

    Parameters
    ----------
    entries : tuple of LedgerEntry
        Per table: `input`, `accepted`, one line per reason, then the notices.
    parts : tuple of TakenRows
        The rows behind each line that took rows out; `rows()` shows them.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import split_valid_transactions
    >>> frame = pd.DataFrame({"customer_id": [1, 2, None], "timestamp": ["2025-01-31"] * 3,
    ...                       "amount": [10.0, 20.0, 5.0]})
    >>> valid, ledger = split_valid_transactions(frame)
    >>> ledger
    <Ledger: 3 entries; next: .to_frame(), .rows()>
    >>> ledger.counts(), ledger.reconciles
    ({'missing_customer_id': 1}, True)
    """

    entries: tuple[LedgerEntry, ...]
    parts: tuple[TakenRows, ...]

    _what: ClassVar[str] = "entries"
    _next_step: ClassVar[str] = ".to_frame(), .rows()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *recorded("entries", "table", "kind", "reason"),
        Column("rows", "entries.rows", dtype="int64"),
        Column("rows_matching", "entries.rows_matching", dtype="int64"),
        Column("amount", "entries.amount", dtype="float64"),
        Column("unreadable_amounts", "entries.unreadable_amounts", dtype="int64"),
        Column("policy", "entries.policy"),
        Column("meaning", lambda t: [describe_reason(entry.reason) for entry in t.entries]),
        Column("examples", lambda t: ["; ".join(entry.examples) for entry in t.entries]),
    )

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def combine(cls, *ledgers: Ledger) -> Ledger:
        """Put the ledgers of several tables into one, in the order given."""
        entries = tuple(entry for ledger in ledgers for entry in ledger.entries)
        parts = tuple(part for ledger in ledgers for part in ledger.parts)
        return cls(entries=entries, parts=parts)

    @property
    def reconciles(self) -> bool:
        """Whether rows and amounts add up exactly, table by table."""
        return all(_adds_up(self._of(table)) for table in self.tables)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables accounted for, in order."""
        return tuple(dict.fromkeys(entry.table for entry in self.entries))

    @property
    def rejected(self) -> pd.DataFrame:
        """The rows that broke a rule (`rows()` also has those left out by policy)."""
        return _list_rows([part for part in self.parts if part.kind == "rejected"])

    def rows(self) -> pd.DataFrame:
        """List every input row that was not accepted.

        Returns
        -------
        pandas.DataFrame
            `table`, `row` (position in the input, from 0), `kind`, `reason`, `customer_id` and
            `value` (the offending value) as text; by table, then by row.
        """
        return _list_rows(self.parts)

    def counts(self) -> dict[str, int]:
        """Count the rows not accepted by reason, over all tables; notices are not in it."""
        found: dict[str, int] = {}
        for entry in self.entries:
            if entry.kind in ("excluded", "rejected"):
                found[entry.reason] = found.get(entry.reason, 0) + entry.rows
        return found

    def notes(self, language: Language = "en") -> tuple[str, ...]:
        """Say how doubtful cells were understood, and ask where they could mean something else."""
        said = (entry.says.text(language) for entry in self.entries if entry.says is not None)
        return tuple(dict.fromkeys(said))

    def summary(self) -> pd.DataFrame:
        """Say where the rows went: table, kind, reason, rows, amount [money], one row per entry."""
        return self.to_frame()[["table", "kind", "reason", "rows", "amount"]]

    def _of(self, table: str) -> tuple[LedgerEntry, ...]:
        return tuple(entry for entry in self.entries if entry.table == table)


def as_text(values: pd.Series[Any]) -> list[str]:
    """Return values as texts; missing ones as the empty text."""
    codes, uniques = pd.factorize(values.to_numpy() if values.dtype == object else values)
    texts = np.array([*map(str, uniques), ""], dtype=object)  # code -1 = missing = the last one
    return list(texts[codes])


def _list_rows(parts: Sequence[TakenRows]) -> pd.DataFrame:
    rows = np.concatenate([np.empty(0, dtype=np.int64), *(part.rows for part in parts)])
    sizes = [len(part.rows) for part in parts]
    columns = {
        "table": np.repeat(np.array([part.table for part in parts], dtype=object), sizes),
        "row": rows,
        "kind": np.repeat(np.array([part.kind for part in parts], dtype=object), sizes),
        "reason": np.repeat(np.array([part.reason for part in parts], dtype=object), sizes),
        "customer_id": [text for part in parts for text in as_text(part.customer_id)],
        "value": [text for part in parts for text in as_text(part.values)],
    }
    tables = [part.table for part in parts]
    first = {table: tables.index(table) for table in tables}
    order = np.lexsort((rows, np.repeat(np.array([first[t] for t in tables], dtype=int), sizes)))
    frame = pd.DataFrame(
        {name: v if name == "row" else text_series(v) for name, v in columns.items()}
    )
    return frame.iloc[order].reset_index(drop=True)


def _adds_up(entries: tuple[LedgerEntry, ...]) -> bool:
    whole = [entry for entry in entries if entry.kind == "input"]
    parts = [entry for entry in entries if entry.kind in ("accepted", "excluded", "rejected")]
    return (
        sum(e.rows for e in whole) == sum(e.rows for e in parts)
        and sum(e.unreadable_amounts for e in whole) == sum(e.unreadable_amounts for e in parts)
        and _total(whole) == _total(parts)
    )


def _total(entries: list[LedgerEntry]) -> Fraction:
    return sum((e.exact_amount or Fraction(0) for e in entries), Fraction(0))
