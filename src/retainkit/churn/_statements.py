"""Read events as statements: what each distinct (kind, code, source) says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.churn._causes import (
    CAUSE_CODE,
    MECHANISMS,
    ChurnCause,
    EvidenceSource,
    Mechanism,
    Signal,
)
from retainkit.churn._codes import CodeBook, CodeEntry, normalize_code
from retainkit.churn._config import SourceWeights
from retainkit.churn._taxonomy import CauseCatalog, EventKindEntry
from retainkit.typing import BoolArray, FloatArray

NONE = -1
"""Code of no leaf, no sub-reason, no mechanism."""
_SIGNALS: tuple[Signal, ...] = tuple(Signal)
_SOURCE_SPELLINGS = {"exit_survey": "survey", "agent_note": "agent"}


class Statement(NamedTuple):
    """One distinct reading of events: its texts, and what they stand for."""

    kind: str
    code: str | None
    source: str | None
    book: str | None
    entry: CodeEntry | None
    reading: EventKindEntry


class StatementTable(NamedTuple):
    """The readings as parallel arrays, one place per distinct statement, sorted by text."""

    statements: tuple[Statement, ...]
    cause: npt.NDArray[np.int8]
    sub_reason: npt.NDArray[np.int16]
    passive_cause: npt.NDArray[np.int8]
    passive_sub_reason: npt.NDArray[np.int16]
    fallback: npt.NDArray[np.int8]
    mechanism: npt.NDArray[np.int8]
    signals: npt.NDArray[np.int32]
    end_record: BoolArray
    weight: FloatArray

    def has(self, *signals: Signal) -> BoolArray:
        """Return which statements establish any of the signals."""
        mask = sum(1 << _SIGNALS.index(signal) for signal in signals)
        established: BoolArray = (self.signals & mask) != 0
        return established


def read_statements(
    events: pd.DataFrame, catalog: CauseCatalog, books: Sequence[CodeBook]
) -> tuple[tuple[Statement, ...], npt.NDArray[np.int32]]:
    """Return the distinct statements, sorted by text, and the place of each event among them."""
    parts = [_factorize(events, name) for name in ("kind", "code", "source")]
    key = np.zeros(len(events), dtype=np.int64)
    for codes, texts in parts:
        key = key * (len(texts) + 1) + codes + 1
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    found: dict[tuple[str, str, str], Statement] = {}
    reader = _Reader(catalog, books)
    names = []
    for row in first:
        kind, code, source = (texts[c[row]] if c[row] >= 0 else None for c, texts in parts)
        reading = reader.catalog.event_kind(kind or "other")
        name = (reading.kind, code or "", source or "")
        names.append(name)
        if name not in found:
            found[name] = reader.read(reading, code, source)
    order = {name: position for position, name in enumerate(sorted(found))}
    position = np.array([order[name] for name in names], dtype=np.int32)
    return tuple(found[name] for name in order), position[place.reshape(-1)]


class _Reader:
    """Looks codes up in the books that apply."""

    def __init__(self, catalog: CauseCatalog, books: Sequence[CodeBook]) -> None:
        self.catalog = catalog
        self.books = [(book, book.index()) for book in books]

    def read(self, reading: EventKindEntry, code: str | None, source: str | None) -> Statement:
        book, entry = (None, None)
        if code is not None and reading.reads_code:
            book, entry = self._find(reading.kind, code, source)
        return Statement(reading.kind, code, source, book, entry, reading)

    def _find(
        self, kind: str, code: str, source: str | None
    ) -> tuple[str | None, CodeEntry | None]:
        named = [pair for pair in self.books if source in (pair[0].name, pair[0].system)]
        for book, index in named or [p for p in self.books if not p[0].needs_source]:
            if code in index and (not book.kinds or kind in book.kinds):
                return book.name, index[code]
        return None, None


def _factorize(events: pd.DataFrame, name: str) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return codes (-1 = empty) and normalised texts of one column; all empty if absent."""
    if name not in events.columns:
        return np.full(len(events), NONE, dtype=np.int64), []
    codes, unique = pd.factorize(events[name], use_na_sentinel=True)
    texts = [normalize_code(str(text)) for text in unique]
    blank = np.array([not text for text in texts] + [True])
    return np.where(blank[codes], NONE, codes).astype(np.int64), texts


def tabulate_statements(
    statements: tuple[Statement, ...], catalog: CauseCatalog, weights: SourceWeights
) -> StatementTable:
    """Return what the statements stand for as arrays."""
    reasons = {reason: code for code, reason in enumerate(catalog.sub_reason_labels)}
    rows = [_row(statement, reasons, weights) for statement in statements]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 9
    types = (np.int8, np.int16, np.int8, np.int16, np.int8, np.int8, np.int32, np.bool_, np.float64)
    arrays: list[Any] = [
        np.array(column, dtype=dtype) for column, dtype in zip(columns, types, strict=True)
    ]
    return StatementTable(statements, *arrays)


def _row(
    statement: Statement, reasons: dict[str, int], weights: SourceWeights
) -> tuple[int, int, int, int, int, int, int, bool, float]:
    entry, kind = statement.entry, statement.reading
    named = entry is not None and not (entry.cause is ChurnCause.UNKNOWN and kind.cause is not None)
    cause, reason = (
        (entry.cause, entry.sub_reason) if entry and named else (kind.cause, kind.sub_reason)
    )
    passive, passive_reason = kind.passive_cause, kind.passive_sub_reason
    if entry is not None and entry.passive_cause is not None:
        passive, passive_reason = entry.passive_cause, entry.passive_sub_reason
    elif cause is not None and cause.startswith("passive."):
        passive = passive_reason = None
    signals = kind.signals | (entry.signals if entry else frozenset())
    reliability = kind.reliability * (entry.reliability if entry else 1.0)
    return (
        _leaf(cause),
        NONE if reason is None else reasons[reason],
        _leaf(passive),
        NONE if passive_reason is None else reasons[passive_reason],
        _leaf(entry.fallback if entry else None),
        _mechanism(entry.mechanism if entry and entry.mechanism else kind.mechanism),
        sum(1 << _SIGNALS.index(signal) for signal in signals),
        kind.end_record,
        weights.of(_source(statement)) * reliability,
    )


def _source(statement: Statement) -> EvidenceSource:
    text = _SOURCE_SPELLINGS.get(statement.source or "", statement.source or "")
    known = text in EvidenceSource.__members__.values()
    return EvidenceSource(text) if known else statement.reading.source


def _leaf(cause: ChurnCause | None) -> int:
    return NONE if cause is None else CAUSE_CODE[cause]


def _mechanism(mechanism: Mechanism | None) -> int:
    return NONE if mechanism is None else MECHANISMS.index(mechanism)
