"""Read events as statements: what each distinct (kind, code, source) says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.churn._config import SourceWeights
from retainkit.churn.causes._codes import CodeBook, CodeEntry, choose_entry, normalize_code
from retainkit.churn.causes._taxonomy import (
    CAUSE_CODE,
    MECHANISMS,
    CauseCatalog,
    ChurnCause,
    EventKindEntry,
    EvidenceSource,
    Mechanism,
    Signal,
)
from retainkit.typing import BoolArray, FloatArray

NONE = -1
"""Code of no leaf, no sub-reason, no mechanism."""
_EPOCH = date(1970, 1, 1).toordinal()
_SIGNALS: tuple[Signal, ...] = tuple(Signal)
_SOURCE_SPELLINGS = {"exit_survey": "survey", "agent_note": "agent"}


class CodeGap(StrEnum):
    """Why no entry of a code book covers a code."""

    NOT_LISTED = "not_listed"
    NOT_VALID = "not_valid"
    AMBIGUOUS = "ambiguous"


class Statement(NamedTuple):
    """One distinct reading of events: its texts, and what they stand for."""

    kind: str
    code: str | None
    source: str | None
    book: str | None
    entry: CodeEntry | None
    reading: EventKindEntry
    gap: CodeGap | None = None

    @property
    def name(self) -> str:
        """The kind, and the code where a book covers it; from when, where it changed meaning."""
        if self.entry is None:
            return self.kind
        begin = self.entry.valid_from
        return f"{self.kind}: {self.code}" + (f" (from {begin})" if begin else "")


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
    stated: BoolArray
    """A reason somebody gave by a code, or read in a text."""
    final: BoolArray
    weight: FloatArray

    def has(self, *signals: Signal) -> BoolArray:
        """Return which statements establish any of the signals."""
        mask = sum(1 << _SIGNALS.index(signal) for signal in signals)
        established: BoolArray = (self.signals & mask) != 0
        return established


def read_statements(
    events: pd.DataFrame, catalog: CauseCatalog, books: Sequence[CodeBook]
) -> tuple[tuple[Statement, ...], npt.NDArray[np.int32]]:
    """Return the distinct statements, sorted by text, and the place of each event among them.

    A code whose entries hold for a time only is read by the day of the event.
    """
    parts = [_factorize(events, name) for name in ("kind", "code", "source")]
    key = np.zeros(len(events), dtype=np.int64)
    for codes, texts in parts:
        key = key * (len(texts) + 1) + codes + 1
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    reader = _Reader(catalog, books)
    undated, dated = np.zeros(len(first), dtype=np.int32), []
    for number, row in enumerate(first):
        kind, code, source = (texts[c[row]] if c[row] >= 0 else None for c, texts in parts)
        asked = reader.ask(kind or "other", code, source)
        if not len(asked.edges):
            undated[number] = reader.enter(asked, date.min)
            continue
        rows = np.flatnonzero(place == number)
        days = events["timestamp"].iloc[rows].to_numpy().astype("datetime64[D]").astype(np.int64)
        span = np.searchsorted(asked.edges, days, side="right")
        for one in np.unique(span):
            day = date.fromordinal(_EPOCH + int(days[span == one][0]))
            dated.append((rows[span == one], reader.enter(asked, day)))
    position = undated[place]
    for rows, entered in dated:
        position[rows] = entered
    order = sorted(reader.found)
    rank = np.empty(len(order), dtype=np.int32)
    rank[[reader.found[name][0] for name in order]] = np.arange(len(order))
    return tuple(reader.found[name][1] for name in order), rank[position]


class _Asked(NamedTuple):
    """What the books say of one kind, code and source, on any day."""

    reading: EventKindEntry
    code: str | None
    source: str | None
    listed: tuple[tuple[str, tuple[CodeEntry, ...]], ...]
    edges: npt.NDArray[np.int64]
    """Days since 1970 on which what the books say changes."""


class _Reader:
    """Looks codes up in the books that apply, and numbers the distinct readings."""

    def __init__(self, catalog: CauseCatalog, books: Sequence[CodeBook]) -> None:
        self.catalog = catalog
        self.books = [(book, book.index()) for book in books]
        self.found: dict[tuple[str, ...], tuple[int, Statement]] = {}

    def ask(self, kind: str, code: str | None, source: str | None) -> _Asked:
        """Return every entry for the code, in the order of the books."""
        reading = self.catalog.event_kind(kind)
        listed: list[tuple[str, tuple[CodeEntry, ...]]] = []
        if code is not None and reading.reads_code:
            named = [pair for pair in self.books if source in (pair[0].name, pair[0].system)]
            for book, index in named or [p for p in self.books if not p[0].needs_source]:
                if code in index and (not book.kinds or reading.kind in book.kinds):
                    listed.append((book.name, index[code]))
        entries = [entry for _, group in listed for entry in group]
        edges = {e.valid_from.toordinal() - _EPOCH for e in entries if e.valid_from}
        edges |= {e.valid_until.toordinal() - _EPOCH + 1 for e in entries if e.valid_until}
        return _Asked(reading, code, source, tuple(listed), np.array(sorted(edges), dtype=np.int64))

    def enter(self, asked: _Asked, day: date) -> int:
        """Return the number of what the code says on a day, a new one where it is new."""
        statement = _read(asked, day)
        entry = statement.entry
        span = f"{entry.valid_from} {entry.valid_until}" if entry and entry.is_dated else ""
        name = (asked.reading.kind, asked.code or "", asked.source or "", span, statement.gap or "")
        return self.found.setdefault(name, (len(self.found), statement))[0]


def _read(asked: _Asked, day: date) -> Statement:
    """Return the reading of the first book with an entry for the day, or why none covers it."""
    reading, code, source, listed, _ = asked
    for book, entries in listed:
        entry = choose_entry(entries, day)
        if entry is not None:
            return Statement(reading.kind, code, source, book, entry, reading)
        if any(one.holds_on(day) for one in entries):
            return Statement(reading.kind, code, source, None, None, reading, CodeGap.AMBIGUOUS)
    gap = CodeGap.NOT_VALID if listed else CodeGap.NOT_LISTED
    silent = code is None or not reading.reads_code
    return Statement(reading.kind, code, source, None, None, reading, None if silent else gap)


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
    columns = list(zip(*rows, strict=True)) if rows else [()] * 11
    types = (
        *(np.int8, np.int16, np.int8, np.int16, np.int8, np.int8, np.int32),
        *(np.bool_, np.bool_, np.bool_, np.float64),
    )
    arrays: list[Any] = [
        np.array(column, dtype=dtype) for column, dtype in zip(columns, types, strict=True)
    ]
    return StatementTable(statements, *arrays)


def _row(
    statement: Statement, reasons: dict[str, int], weights: SourceWeights
) -> tuple[int, int, int, int, int, int, int, bool, bool, bool, float]:
    """Return what one statement stands for, in the order of the columns."""
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
        _states_reason(entry, kind),
        kind.final,
        weights.of(_source(statement)) * reliability,
    )


def _states_reason(entry: CodeEntry | None, kind: EventKindEntry) -> bool:
    """Return whether a code gives a reason; that a payment did not come is none."""
    return entry is not None and kind.states_reason and Signal.MISSED_PAYMENT not in entry.signals


def _source(statement: Statement) -> EvidenceSource:
    """Return the source an event names, else that of its kind."""
    text = _SOURCE_SPELLINGS.get(statement.source or "", statement.source or "")
    known = text in EvidenceSource.__members__.values()
    return EvidenceSource(text) if known else statement.reading.source


def _leaf(cause: ChurnCause | None) -> int:
    """Return the code of a leaf; -1 = none."""
    return NONE if cause is None else CAUSE_CODE[cause]


def _mechanism(mechanism: Mechanism | None) -> int:
    """Return the code of a mechanism; -1 = none."""
    return NONE if mechanism is None else MECHANISMS.index(mechanism)
