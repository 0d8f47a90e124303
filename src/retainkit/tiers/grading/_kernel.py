"""Cuts of a distribution, bands about them, and the odds of a tier: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]

SLACK = 1e-12
"""Relative slack when a running sum is compared with a share of its total: 0.1 + 0.2 is 0.3."""


class Ranked(NamedTuple):
    """Computable values, best first, and what every verb asks of them."""

    values: Float
    """Finite values, descending [money]."""
    running: Float
    """Running sum of `values` [money]."""
    n_missing: int
    """How many values were NaN."""
    n_positive: int
    """How many values are greater than zero."""
    n_negative: int
    """How many values are less than zero."""
    total: float
    """Sum of all values [money]."""
    positive_total: float
    """Sum of the positive values [money]."""


def rank(values: Float) -> Ranked:
    """Sort once, best first; NaN is left out and counted."""
    ascending = np.sort(values)  # NaN goes last
    n = int(np.searchsorted(ascending, np.nan))
    n_not_positive = int(np.searchsorted(ascending[:n], 0.0, side="right"))
    best_first = ascending[:n][::-1]
    n_positive = n - n_not_positive
    return Ranked(
        values=best_first,
        running=np.cumsum(best_first),
        n_missing=values.size - n,
        n_positive=n_positive,
        n_negative=int(np.searchsorted(ascending[:n], 0.0, side="left")),
        total=float(best_first.sum()),
        positive_total=float(best_first[:n_positive].sum()),
    )


def count_behind(running: Float, share: float) -> int:
    """Return the smallest count whose running sum reaches `share` of the last running sum.

    `running` ascends and its last entry is positive.
    """
    target = share * running[-1] - SLACK * running[-1]
    return int(np.searchsorted(running, target, side="left")) + 1


def count_behind_net(ranked: Ranked, share: float) -> int:
    """Return the smallest count of best customers that reaches `share` of the net total (> 0)."""
    rising = ranked.running[: ranked.n_positive]
    net = ranked.running[-1]
    found = int(np.searchsorted(rising, share * net - SLACK * net, side="left"))
    return min(found, rising.size - 1) + 1


def bound_of_few(ranked: Ranked, most_heads: float | None, least_of_mean: float | None) -> float:
    """Return the least value of a group of few: so many heads at most, so many times the mean.

    Values that do not all fit are left out together; the bound lies just above the best value
    where not even they fit.
    """
    bound, n = -np.inf, ranked.values.size
    if least_of_mean is not None and n:
        bound = least_of_mean * ranked.total / n
    if most_heads is not None and n:
        room = int(np.floor(most_heads * n + SLACK * n))
        if room < n:
            above = ranked.values[ranked.values > ranked.values[room]]
            fits = above[-1] if above.size else np.nextafter(ranked.values[0], np.inf)
            bound = max(bound, float(fits))
    return bound


def count_of_heads(n: int, share: float) -> int:
    """Return the smallest count that is at least `share` of `n` heads (at least 1)."""
    return max(1, int(np.ceil(share * n - SLACK * n)))


def tier_codes(values: Float, lower_bounds: Float) -> Codes:
    """Count the bounds each value misses: 0 is the best tier; NaN misses every bound.

    A bound that is NaN is reached by nobody.
    """
    codes = np.zeros(values.size, dtype=np.int8)
    for bound in lower_bounds:
        codes += ~(values >= bound)
    return codes


def tier_bounds(ranked: Ranked, lower_bounds: Float) -> npt.NDArray[np.int64]:
    """Return how many of the ranked customers are in the tiers down to each, best first."""
    ascending = ranked.values[::-1]
    n = ascending.size
    reached = [
        n - int(np.searchsorted(ascending, bound, side="left")) if bound == bound else 0
        for bound in lower_bounds
    ]
    return np.array([0, *reached, n], dtype=np.int64)


def group_sums(
    codes: Codes, values: Float, n_groups: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Float]:
    """Return heads, heads with a computable value, and value sum per group."""
    heads = np.bincount(codes, minlength=n_groups).astype(np.int64)
    missing = np.isnan(values)
    if missing.any():
        codes, values = codes[~missing], values[~missing]
    valued = np.bincount(codes, minlength=n_groups).astype(np.int64)
    sums = np.bincount(codes, weights=values, minlength=n_groups).astype(np.float64)
    return heads, valued, sums


def thin(n: int, keep: Sequence[int], most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` positions of 0..n, ascending, that hold both ends and `keep`."""
    wanted = np.array([0, n, *keep], dtype=np.int64)
    if n + 1 <= most:
        return np.arange(n + 1, dtype=np.int64)
    spread = np.linspace(0, n, most - len(keep)).round().astype(np.int64)
    return np.unique(np.concatenate([wanted, spread]))


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


Bool = npt.NDArray[np.bool_]
Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]

LONG = np.int16(32_000)
"""Counts of periods stop here."""
_MOST_EVIDENCE = 100


class Limits(NamedTuple):
    """The numbers that say when a tier changes."""

    hysteresis: float
    minimum_dwell: int
    promote_after: int
    demote_after: int


class State(NamedTuple):
    """What is remembered of each customer from one assessment to the next."""

    tier: Int8
    """Tier; -1: not assessed before."""
    periods: Int16
    """Assessments spent in it so far."""
    evidence: Int8
    """Assessments in a row that spoke for a better (positive) or worse (negative) tier."""
    candidate: Int8
    """The most that every one of them spoke for."""


class Move(NamedTuple):
    """What the assessment makes of it."""

    state: State
    hard: Int8
    """Tier by the bare cuts."""
    by_band: Bool
    """The bare cuts say another tier, the band holds."""
    by_evidence: Bool
    """The value speaks for a tier further away, but not for long enough."""
    by_dwell: Bool
    """It has, but the customer has not been in the tier for long enough."""
    without_value: Bool
    """No value, so no evidence for a change."""


def banded(values: Float, bounds: Float, previous: Int8, hysteresis: float) -> Int8:
    """Return the tier the value speaks for, seen from the previous tier.

    Up where it reaches a bound raised by the band, down where it misses a bound lowered by it.
    """
    margin = hysteresis * np.abs(bounds)
    reached = tier_codes(values, bounds + margin)
    kept = tier_codes(values, bounds - margin)
    target: Int8 = np.clip(previous, kept, reached)
    return target


def _keep_score(target: Int8, before: State) -> tuple[Int8, Int8]:
    """Return how often in a row, and what tier at most, a change has been spoken for."""
    up, down = target < before.tier, target > before.tier
    going_up, going_down = before.evidence > 0, before.evidence < 0
    evidence = np.zeros(target.size, dtype=np.int8)
    evidence[up] = np.where(going_up, before.evidence, 0)[up] + 1
    evidence[down] = np.where(going_down, before.evidence, 0)[down] - 1
    np.clip(evidence, -_MOST_EVIDENCE, _MOST_EVIDENCE, out=evidence)
    candidate = target.copy()
    more_up, more_down = up & going_up, down & going_down
    candidate[more_up] = np.maximum(target, before.candidate)[more_up]
    candidate[more_down] = np.minimum(target, before.candidate)[more_down]
    return evidence, candidate


def stabilise(values: Float, bounds: Float, before: State, limits: Limits) -> Move:
    """Change tiers only on evidence: each customer from its own value and memory alone."""
    hard = tier_codes(values, bounds)
    known = before.tier >= 0
    missing = np.isnan(values) & known
    previous = np.where(known, before.tier, hard).astype(np.int8)
    target = banded(values, bounds, previous, limits.hysteresis)
    target[missing] = previous[missing]
    evidence, candidate = _keep_score(target, before._replace(tier=previous))
    wanted = evidence != 0
    enough = (evidence >= limits.promote_after) | (-evidence >= limits.demote_after)
    rested = before.periods >= limits.minimum_dwell
    moved = wanted & enough & rested
    tier = np.where(moved, candidate, previous).astype(np.int8)
    periods = np.where(known & ~moved, np.minimum(before.periods, LONG - 1) + 1, 1)
    state = State(
        tier=tier,
        periods=periods.astype(np.int16),
        evidence=np.where(moved, 0, evidence).astype(np.int8),
        candidate=np.where(moved, tier, candidate).astype(np.int8),
    )
    by_dwell = wanted & enough & ~rested
    by_evidence = wanted & (tier != target) & ~by_dwell
    return Move(
        state=state,
        hard=hard,
        by_band=known & ~missing & (hard != tier) & ~by_evidence & ~by_dwell,
        by_evidence=by_evidence,
        by_dwell=by_dwell,
        without_value=missing,
    )


def normal_exceeds(mean: Float, sd: Float, amount: float) -> Float:
    """Return P(V >= amount) of normal values; with sd 0 the value is certain."""
    certain = np.where(np.isnan(mean), np.nan, (mean >= amount).astype(np.float64))
    z = np.divide(mean - amount, sd, out=np.zeros_like(mean), where=sd > 0)
    return np.where(sd > 0, special.ndtr(z), np.where(sd == 0, certain, np.nan))


def gamma_exceeds(mean: Float, sd: Float, amount: float) -> Float:
    """Return P(V >= amount) of gamma values of that mean and sd; negative values do not occur."""
    if amount <= 0:
        return np.where(np.isnan(mean) | np.isnan(sd), np.nan, 1.0)
    certain = np.where(np.isnan(mean), np.nan, (mean >= amount).astype(np.float64))
    spread = (sd > 0) & (mean > 0)
    safe_sd, safe_mean = np.where(spread, sd, 1.0), np.where(spread, mean, 1.0)
    shape = (safe_mean / safe_sd) ** 2
    tail = special.gammaincc(shape, shape * amount / safe_mean)
    return np.where(spread, tail, np.where(np.isnan(sd), np.nan, certain))


def quantile_exceeds(levels: Float, quantiles: Float, amount: float) -> Float:
    """Return P(V >= amount) by linear interpolation between quantiles.

    The mass beyond the outermost quantiles lies at them: nothing is known about the tails.
    """
    n, k = quantiles.shape
    below = (quantiles < amount).sum(axis=1)
    right = np.clip(below, 1, k - 1)
    rows = np.arange(n)
    low, high = quantiles[rows, right - 1], quantiles[rows, right]
    share = np.divide(amount - low, high - low, out=np.zeros(n), where=high > low)
    between = levels[right - 1] + np.clip(share, 0.0, 1.0) * (levels[right] - levels[right - 1])
    reached = np.where(below == 0, 1.0, np.where(below == k, 0.0, 1.0 - between))
    return np.where(np.isnan(quantiles).any(axis=1), np.nan, reached)


def tier_probabilities(reaching: list[Float], n: int) -> Float:
    """Return P(tier) per customer and tier from P(V >= bound) per bound, best first."""
    steps = np.column_stack([np.zeros(n), *reaching, np.ones(n)])
    probability = np.diff(steps, axis=1)
    probability[np.isnan(steps).any(axis=1)] = np.nan
    return np.clip(probability, 0.0, 1.0)
