"""Contract spells as arrays, and whether their ends were recorded from the beginning."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.errors import AlignmentError, InvalidTableError
from retainkit.forecast._kernel_renewal import NEVER, Ints
from retainkit.typing import ArrayLike1D, BoolArray

MIN_ENDS = 20
"""Ends below which nothing is said about when recording began, and no origin is judged."""

_BIN_DAYS = 30
_SHARES = (0.0, 0.01, 0.02, 0.05, 0.10)
_FEW = 0.10
"""Ends before a day, as a share of those expected, below which they were not recorded."""


class Spells(NamedTuple):
    """Contracts in the order given; `end` is `NEVER` for those that run."""

    start: Ints
    end: Ints
    term: Ints
    plan: Ints
    customer: Ints | None
    next_start: Ints
    """Start of the next contract of the same customer; `NEVER` without one."""

    def take(self, rows: BoolArray | Ints) -> Spells:
        """Return some of them."""
        customer = None if self.customer is None else self.customer[rows]
        start, end, term, plan = (column[rows] for column in self[:4])
        return Spells(start, end, term, plan, customer, self.next_start[rows])

    def known_on(self, day: int) -> Spells:
        """Return all of them with later ends unknown; those that start later never begin."""
        return self._replace(
            start=np.where(self.start > day, NEVER, self.start),
            end=np.where(self.end > day, NEVER, self.end),
        )


def read_spells(
    start_day: ArrayLike1D,
    end_day: ArrayLike1D,
    term_months: ArrayLike1D | int,
    plan: ArrayLike1D | None,
    customer: ArrayLike1D | None,
) -> Spells:
    """Check the arrays and give them one shape."""
    start = as_days(start_day, "start_day")
    if np.any(start == NEVER):
        raise InvalidTableError(
            f"{int((start == NEVER).sum())} contracts without a start",
            rule="every contract has a first day",
            where="start_day",
            fix="leave such contracts out",
        )
    n = len(start)
    end = as_days(end_day, "end_day")
    owner = None if customer is None else np.unique(np.asarray(customer), return_inverse=True)[1]
    if owner is not None and len(owner) == len(end) == n:
        following = next_starts(start, end, owner)
    else:
        following = np.full(n, NEVER)
    spells = Spells(
        start,
        end,
        as_codes(term_months, n, "term_months"),
        as_codes(0 if plan is None else plan, n, "plan"),
        None if owner is None else owner.astype(np.int64),
        following,
    )
    for name, column in zip(Spells._fields, spells, strict=True):
        if column is not None and len(column) != n:
            raise AlignmentError(
                f"{n} starts and {len(column)} values",
                rule="one value per contract",
                where=name,
                fix="pass arrays of the same contracts in the same order",
            )
    if np.any(end < start) or np.any(spells.term < 1):
        raise InvalidTableError(
            f"{int((end < start).sum())} contracts end before they start, "
            f"{int((spells.term < 1).sum())} have a term below 1",
            rule="a contract ends on its first day or later; terms are whole months from 1",
            where="end_day, term_months",
            fix="correct the dates, or leave such contracts out",
        )
    return spells


def next_starts(start: Ints, end: Ints, owner: Ints) -> Ints:
    """Return the start of the same customer's next contract, in order of start."""
    order = np.lexsort((end, start, owner))
    same = owner[order][1:] == owner[order][:-1]
    following = np.full(len(start), NEVER)
    following[order[:-1][same]] = start[order][1:][same]
    return following


def as_days(days: ArrayLike1D, where: str) -> Ints:
    """Read day numbers; NaN becomes `NEVER`."""
    values = np.asarray(days)
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    numbers = values.astype(np.float64)
    known = np.isfinite(numbers)
    if np.any(numbers[known] != np.floor(numbers[known])):
        raise InvalidTableError(
            "day numbers that are not whole",
            rule="days are whole days since 1970-01-01, NaN where there is none",
            where=where,
            fix="convert timestamps to calendar days first",
        )
    return np.where(known, np.where(known, numbers, 0.0), float(NEVER)).astype(np.int64)


def as_codes(values: ArrayLike1D | int, n: int, where: str) -> Ints:
    """Read whole numbers, one per contract or one for all."""
    codes = np.asarray(values)
    if codes.dtype.kind not in "iu":
        numbers = codes.astype(np.float64)
        if not np.array_equal(numbers, np.floor(numbers)):
            raise InvalidTableError(
                f"{where} holds values that are not whole numbers",
                rule="terms are whole months, plans whole codes",
                where=where,
                fix="code plans as 0, 1, ...; leave out contracts without a term",
            )
    whole: npt.NDArray[np.int64] = codes.astype(np.int64)
    return np.full(n, whole) if whole.ndim == 0 else whole


class LateEntry(NamedTuple):
    """Ends are recorded only from a day on, though contracts started long before."""

    day: int
    before: int
    """Ends recorded before that day."""
    expected: float
    """Ends to be expected before it, at the hazard seen since."""


def find_late_entry(start: Ints, end: Ints, as_of: int) -> LateEntry | None:
    """Return from when ends are recorded, where that is later than the starts.

    For some early quantiles of the end dates: the hazard by tenure since that day, held against
    the contract days before it, gives the ends that should have been seen before.
    """
    seen = start <= as_of
    start, end = start[seen], np.where(end[seen] > as_of, NEVER, end[seen])
    ends = np.sort(end[end < NEVER])
    if len(ends) < MIN_ENDS:
        return None
    found: LateEntry | None = None
    for share in _SHARES:
        day = int(ends[int(share * len(ends))])
        before = int((ends < day).sum())
        expected = _expected_before(start, end, day, as_of)
        if expected >= MIN_ENDS / 2 and before <= _FEW * expected:
            ratio = before / expected
            if found is None or ratio < found.before / found.expected:
                found = LateEntry(day, before, expected)
    return found


def _expected_before(start: Ints, end: Ints, day: int, as_of: int) -> float:
    last = np.minimum(end, as_of)
    bins = int((as_of - int(start.min())) // _BIN_DAYS) + 2
    since = _days_by_tenure(np.maximum(start, day), last + 1, start, bins)
    earlier = _days_by_tenure(start, np.minimum(last + 1, day), start, bins)
    gone = (end <= as_of) & (end >= day)
    left = np.bincount((end[gone] - start[gone]) // _BIN_DAYS, minlength=bins)
    overall = left.sum() / max(int(since.sum()), 1)
    rate = np.where(since > 0, left / np.maximum(since, 1), overall)
    return float((rate * earlier).sum())


def _days_by_tenure(low: Ints, high: Ints, start: Ints, bins: int) -> Ints:
    """Return the contract days in [low, high) per bin of tenure."""
    rows = high > low
    first, last = low[rows] - start[rows], high[rows] - start[rows]
    edges = np.zeros(bins * _BIN_DAYS + 2, dtype=np.int64)
    edges += np.bincount(first, minlength=len(edges)) - np.bincount(last, minlength=len(edges))
    days: Ints = np.cumsum(edges)[: bins * _BIN_DAYS].reshape(bins, _BIN_DAYS).sum(axis=1)
    return days
