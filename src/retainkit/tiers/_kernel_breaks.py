"""Breaks that lie in the values themselves: Fisher-Jenks and head/tail, on arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

MOST_EXACT = 1_000
"""Up to so many distinct values every partition is compared."""
_MOST_ROUNDS = 200


class Breaks(NamedTuple):
    """Lower bounds of the classes, best first, and how well they fit."""

    cuts: tuple[float, ...]
    explained: float
    """Share of the variance that lies between the classes; NaN where there is none."""


class _Sums(NamedTuple):
    """Running sums of distinct ascending values, each with a 0 in front."""

    heads: Float
    first: Float
    second: Float

    def within(self, start: Int | int, end: Int | int) -> Float:
        """Return the squared deviation inside positions start..end-1."""
        heads = self.heads[end] - self.heads[start]
        first = self.first[end] - self.first[start]
        second = self.second[end] - self.second[start]
        deviation: Float = np.maximum(second - first * first / heads, 0.0)
        return deviation


def natural_breaks(ascending: Float, n_classes: int) -> Breaks:
    """Split values so that the squared deviation inside the classes is smallest.

    Exact up to `MOST_EXACT` distinct values; beyond, exact on as many bins and then improved
    on all values until no single bound can be bettered.
    """
    distinct, counts = np.unique(ascending, return_counts=True)
    sums = _sums(distinct, counts.astype(np.float64))
    classes = min(n_classes, distinct.size)
    if distinct.size <= MOST_EXACT:
        starts = _best_starts(sums, classes)
    else:
        edges = _bin_edges(distinct, sums)
        binned = _Sums(*(running[edges] for running in sums))
        starts = _improve(distinct, sums, edges[_best_starts(binned, classes)])
    return Breaks(_bounds(distinct, starts, n_classes), _explained(sums, starts))


def head_tail_breaks(ascending: Float, n_classes: int) -> Breaks:
    """Split at the mean, then the head at its mean, and so on (Jiang 2013)."""
    distinct, counts = np.unique(ascending, return_counts=True)
    sums = _sums(distinct, counts.astype(np.float64))
    starts = [0]
    while len(starts) < min(n_classes, distinct.size) and starts[-1] < distinct.size - 1:
        head = starts[-1]
        mean = np.average(distinct[head:], weights=counts[head:])
        above = int(np.searchsorted(distinct, mean, side="left"))
        starts.append(min(max(above, head + 1), distinct.size - 1))
    found = np.array(starts, dtype=np.int64)
    return Breaks(_bounds(distinct, found, n_classes), _explained(sums, found))


def _sums(distinct: Float, counts: Float) -> _Sums:
    """Return running sums of heads, values and squares about the mean."""
    # about the mean, so that large amounts lose no digits in their squares
    centred = distinct - np.average(distinct, weights=counts)
    parts = (counts, counts * centred, counts * centred * centred)
    return _Sums(*(np.append(0.0, np.cumsum(part)) for part in parts))


def _best_starts(sums: _Sums, classes: int) -> Int:
    """Return where each class starts in the best of all partitions (dynamic programme)."""
    n = sums.heads.size - 1
    ends = np.arange(1, n + 1)
    best = sums.within(0, ends)
    came_from = []
    for depth in range(1, classes):
        last = np.zeros(n, dtype=np.int64)
        total = np.full(n, np.inf)
        for end in range(depth, n):
            starts = np.arange(depth, end + 1)
            sums_here = best[starts - 1] + sums.within(starts, end + 1)
            at = int(np.argmin(sums_here))
            last[end], total[end] = starts[at], sums_here[at]
        came_from.append(last)
        best = total
    starts_of, end = [], n - 1
    for last in reversed(came_from):
        starts_of.append(int(last[end]))
        end = starts_of[-1] - 1
    return np.array([0, *reversed(starts_of)], dtype=np.int64)


def _bin_edges(distinct: Float, sums: _Sums) -> Int:
    """Return bin starts, half of them by heads and half by amount, and the end."""
    n, half = distinct.size, MOST_EXACT // 2
    by_heads = np.searchsorted(sums.heads[:-1], np.linspace(0, sums.heads[-1], half))
    by_amount = np.searchsorted(distinct, np.linspace(distinct[0], distinct[-1], half))
    edges: Int = np.unique(np.concatenate([[0, n], by_heads, by_amount])).astype(np.int64)
    return edges[edges <= n]


def _improve(distinct: Float, sums: _Sums, starts: Int) -> Int:
    """Move each bound to the middle between its two class means until nothing moves."""
    centre = np.average(distinct, weights=np.diff(sums.heads))
    for _ in range(_MOST_ROUNDS):
        ends = np.append(starts[1:], distinct.size)
        heads = sums.heads[ends] - sums.heads[starts]
        means = (sums.first[ends] - sums.first[starts]) / heads + centre
        middles = (means[1:] + means[:-1]) / 2.0
        moved = np.append(0, np.searchsorted(distinct, middles, side="right")).astype(np.int64)
        if (np.diff(moved) <= 0).any() or _within(sums, moved) >= _within(sums, starts):
            break
        starts = moved
    return starts


def _within(sums: _Sums, starts: Int) -> float:
    """Return the squared deviations within the classes."""
    ends = np.append(starts[1:], sums.heads.size - 1)
    return float(sums.within(starts, ends).sum())


def _explained(sums: _Sums, starts: Int) -> float:
    """Return the share of the variance that the classes explain."""
    whole = float(sums.within(0, sums.heads.size - 1))
    return 1.0 - _within(sums, starts) / whole if whole > 0 else float("nan")


def _bounds(distinct: Float, starts: Int, n_classes: int) -> tuple[float, ...]:
    """Return the lowest value of each class but the worst, best first.

    With fewer distinct values than classes the classes between the best and the worst that
    are not needed stay empty.
    """
    found = [float(distinct[start]) for start in starts[:0:-1]] or [float(distinct[-1])]
    return (*found, *([found[-1]] * (n_classes - 1 - len(found))))
