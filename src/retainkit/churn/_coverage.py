"""CodeCoverage: which reason codes the code books cover, and which nobody has mapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.churn._catalog import default_catalog, default_code_books
from retainkit.churn._codes import CodeBook, catalog_code_book, check_code_book
from retainkit.churn._statements import Statement, read_statements
from retainkit.churn._taxonomy import CauseCatalog
from retainkit.errors import SchemaError
from retainkit.typing import BoolArray

_ENDS = ("deceased", "closed_down")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CodeCoverage(ResultTable):
    """One row per distinct (kind, code, source) with a code: how often, and which book reads it.

    Parameters
    ----------
    statements : tuple of Statement
        The distinct codes with their readings.
    events, customers : numpy.ndarray of int64
        Rows that carry the code, and distinct customers among them.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import check_codes
    >>> events = pd.DataFrame({"customer_id": [1, 2, 2], "kind": "survey_reason",
    ...                        "timestamp": pd.to_datetime(["2026-01-05"] * 3),
    ...                        "code": ["moved", "Moved", "bored"]})
    >>> coverage = check_codes(events)
    >>> coverage
    <CodeCoverage: 2 codes; next: .uncovered()>
    >>> round(coverage.share, 3), coverage.uncovered()["code"].tolist()
    (0.667, ['bored'])
    """

    statements: tuple[Statement, ...]
    events: npt.NDArray[np.int64]
    customers: npt.NDArray[np.int64]

    _what: ClassVar[str] = "codes"
    _next_step: ClassVar[str] = ".uncovered()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("kind", "statements.kind", dtype="str"),
        Column("code", "statements.code", dtype="str"),
        Column("source", "statements.source", dtype="str"),
        Column("book", "statements.book", dtype="str"),
        Column("cause", "statements.entry.cause.value", dtype="str"),
        Column(
            "covered",
            lambda t: np.array([said.entry is not None for said in t.statements], dtype=np.bool_),
        ),
        Column("reason", "statements.gap", dtype="str"),
        *plain("events", "customers"),
    )

    def __len__(self) -> int:
        return len(self.statements)

    @property
    def share(self) -> float:
        """Share of the coded events that a book covers; NaN when no event carries a code."""
        total = int(self.events.sum())
        covered = sum(int(n) for s, n in zip(self.statements, self.events, strict=True) if s.entry)
        return covered / total if total else float("nan")

    def uncovered(self) -> pd.DataFrame:
        """Return the codes no book covers, most frequent first.

        Returns
        -------
        pandas.DataFrame
            Rows of `to_frame` that are not covered.
        """
        frame = self.to_frame()
        missing = frame[~frame["covered"]]
        order = missing.sort_values(["events", "kind", "code"], ascending=[False, True, True])
        return order.reset_index(drop=True)

    def summary(self) -> pd.DataFrame:
        """Return codes and events, covered and not.

        Returns
        -------
        pandas.DataFrame
            Two rows: covered (True, False), codes, events.
        """
        frame = self.to_frame()
        covered = frame["covered"].to_numpy(dtype=np.bool_)
        events = frame["events"].to_numpy()
        return pd.DataFrame(
            {
                "covered": [True, False],
                "codes": [int(covered.sum()), int((~covered).sum())],
                "events": [int(events[covered].sum()), int(events[~covered].sum())],
            }
        )


def check_codes(
    events: pd.DataFrame,
    *,
    catalog: CauseCatalog | None = None,
    code_books: Sequence[CodeBook] | None = None,
) -> CodeCoverage:
    """Report which reason codes of the events the code books cover.

    Parameters
    ----------
    events : pandas.DataFrame
        Valid events: customer_id, timestamp, kind; code and source where there are any.
    catalog : CauseCatalog, optional
        The taxonomy; the built-in one by default.
    code_books : sequence of CodeBook, optional
        Your own books, in the order tried; the built-in ones (`default_code_books()`) follow them.

    Returns
    -------
    CodeCoverage
        One row per distinct code, kind and source; events without a code are left out.

    Raises
    ------
    SchemaError
        If a column is missing or a book names an unknown sub-reason.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import check_codes
    >>> events = pd.DataFrame({"customer_id": [1], "timestamp": pd.to_datetime(["2026-01-05"]),
    ...                        "kind": ["service_ended"], "code": ["4"], "source": ["apple"]})
    >>> check_codes(events).to_frame()[["book", "cause"]]
                          book           cause
    0  apple.expiration_intent  administrative
    """
    checked_catalog, books = resolve_books(catalog, code_books)
    require_event_columns(events)
    statements, place = read_statements(events, checked_catalog, books)
    return count_codes(events, statements, place)


def resolve_books(
    catalog: CauseCatalog | None, code_books: Sequence[CodeBook] | None
) -> tuple[CauseCatalog, tuple[CodeBook, ...]]:
    """Return the catalogue and books in use, checked against each other.

    Own books add to the built-in ones and are tried first; beside a catalogue of one's own they add
    to its own names.
    """
    used = default_catalog() if catalog is None else catalog
    books = default_code_books()
    if code_books is not None:
        more = books if used is default_catalog() else (catalog_code_book(used),)
        own = tuple(code_books)
        books = (*own, *(book for book in more if book not in own))
    if used is not default_catalog() or code_books is not None:
        for book in books:
            check_code_book(book, used)
    return used, books


def record_an_end(
    events: pd.DataFrame, *, code_books: Sequence[CodeBook] | None = None
) -> BoolArray:
    """Return which events record a death or a closure: by their kind, or by a covered code."""
    catalog, books = resolve_books(None, code_books)
    statements, place = read_statements(events, catalog, books)
    ends = np.array([_is_end(statement) for statement in statements], dtype=np.bool_)
    return ends[place]


def _is_end(statement: Statement) -> bool:
    """Return whether a statement says that there is no customer any more."""
    coded = statement.entry is not None and statement.entry.sub_reason in _ENDS
    return coded or (statement.reading.final and statement.reading.sub_reason in _ENDS)


def require_event_columns(events: pd.DataFrame) -> None:
    """Raise unless the frame looks like valid events."""
    missing = [c for c in ("customer_id", "timestamp", "kind") if c not in events.columns]
    dated = not missing and (events["timestamp"].dtype.kind == "M" or not len(events))
    if missing or not dated or bool(events["timestamp"].isna().any()):
        wrong = f"events lack the columns {missing}" if missing else "timestamps are not all days"
        raise SchemaError(
            wrong,
            rule="an event has a customer, a naive timestamp and a kind",
            where="events",
            fix="pass the frame that validate_table returns",
        )


def count_codes(
    events: pd.DataFrame, statements: tuple[Statement, ...], place: npt.NDArray[np.int32]
) -> CodeCoverage:
    """Count events and distinct customers per statement that carries a code."""
    size = len(statements)
    customer, _ = pd.factorize(events["customer_id"])
    rows = np.bincount(place, minlength=size)
    key = place.astype(np.int64) * (int(customer.max(initial=0)) + 2) + customer + 1
    distinct = np.unique(key, return_index=True)[1]
    people = np.bincount(place[distinct], minlength=size)
    coded = [i for i, s in enumerate(statements) if s.code is not None and s.reading.reads_code]
    return CodeCoverage(
        statements=tuple(statements[i] for i in coded),
        events=rows[coded].astype(np.int64) if coded else np.empty(0, np.int64),
        customers=people[coded].astype(np.int64) if coded else np.empty(0, np.int64),
    )
