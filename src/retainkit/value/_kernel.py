"""Sums per customer, discounting, ranks and scores: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, exp, log1p, log2
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import Counts, Money, recent_counts, recent_money
from retainkit._core.kernels.sums import SumGrid, exact_sum, row_blocks, row_counts
from retainkit._core.kernels.sums import exact_sums as exact_sums

FloatArray = npt.NDArray[np.float64]


def apportion(
    cents: int, weights: FloatArray, order: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.int64]:
    """Return whole parts of `cents` in proportion to `weights` that add up to it exactly.

    Largest remainders: each part is rounded down and the cents left go one each to the largest
    fractions, equal ones in `order`. No part is a cent or more off its exact value.
    """
    total = float(weights.sum())
    if cents == 0 or not total > 0.0:
        return np.zeros(weights.size, dtype=np.int64)
    exact = weights * (cents / total)
    parts = np.floor(exact).astype(np.int64)
    left = cents - int(parts.sum())
    # Rounding in `exact` may leave more or fewer cents than parts: hand out, or take back.
    step = 1 if left > 0 else -1
    rank = np.lexsort((order, -step * (exact - parts)))
    takers = rank[weights[rank] > 0]
    parts[takers[: abs(left)]] += step
    return parts


IntArray = npt.NDArray[np.integer[Any]]

_YEAR = 365.25
_ONE_PANEL = 10.0
"""Horizon up to which one panel of nodes does [year]."""
_FIRST_PANEL = 60.0
"""Length of the first of several panels, at most [day]."""
_PANEL_NODES = 10
_FADED = 45.0
"""Discount exponent beyond which the future is worth nothing: e^-45 = 3e-20."""


@lru_cache(maxsize=64)
def discount_nodes(
    horizon_days: float, annual_discount_rate: float
) -> tuple[tuple[float, float], ...]:
    """Return (day, weight) pairs so that sum of weight * E(day) discounts purchases when they come.

    With E(t) purchases expected within t and force of interest g = ln(1 + rate) / year, by parts:
    int exp(-g t) dE(t) = exp(-g H) E(H) + g int_0^H exp(-g t) E(t) dt. The integrand is smooth and
    its weight small, so within ten years a few Gauss-Legendre nodes do what hundreds of monthly
    steps would. Beyond, panels that double in length take `_PANEL_NODES` each, up to where the
    discount has left nothing.
    """
    force = log1p(annual_discount_rate) / _YEAR
    if force == 0.0:
        return ((horizon_days, 1.0),)
    end = min(horizon_days, _FADED / force)
    if end <= _ONE_PANEL * _YEAR:
        edges, count = np.array([0.0, end]), 2 + ceil(end / _YEAR)
    else:
        doublings = ceil(log2(end / _FIRST_PANEL))
        edges = np.concatenate([[0.0], end * 2.0 ** -np.arange(float(doublings), -1.0, -1.0)])
        count = _PANEL_NODES
    nodes, weights = np.polynomial.legendre.leggauss(count)
    widths = np.diff(edges)[:, None]
    days = (edges[:-1, None] + (nodes + 1.0) / 2.0 * widths).ravel()
    shares = (weights / 2.0 * widths).ravel() * force * np.exp(-force * days)
    pairs = zip(days.tolist(), shares.tolist(), strict=True)
    return (*pairs, (end, exp(-force * end)))


def distinct_histories(
    occasions: IntArray, first: IntArray, last: IntArray
) -> tuple[IntArray, IntArray]:
    """Return one position per distinct (occasions, first, last), and where each row is there."""
    key = np.zeros(occasions.size, dtype=np.int64)
    bits = 0
    for column in (last, first, occasions):
        low = int(column.min())
        width = (int(column.max()) - low).bit_length()
        bits += width
        if bits > 62:  # does not fit into one integer: every row is its own
            rows = np.arange(occasions.size)
            return rows, rows
        key <<= width
        key |= column.astype(np.int64) - low
    _, positions, places = np.unique(key, return_index=True, return_inverse=True)
    return positions, places


BoolArray = npt.NDArray[np.bool_]
Int32Array = npt.NDArray[np.int32]

DAYS_OF_YEAR = 365
"""Days of the year that ends with the last purchase, that day included [day]."""
NEVER = int(np.iinfo(np.int32).min)
"""Stands for "no such day" where a customer never purchased."""


class SummaryArrays(NamedTuple):
    """The columns of a customer summary, one value per customer."""

    occasions: Int32Array
    first_day: Int32Array
    last_day: Int32Array
    transactions: Int32Array
    monetary_value: FloatArray
    purchase_amount: FloatArray
    return_amount: FloatArray
    profit: FloatArray | None
    breadth: Int32Array | None
    recent_days: Counts
    recent_amount: Money
    year_amount: FloatArray
    year_profit: FloatArray | None


def summarize_rows(
    codes: IntArray,
    days: Int32Array,
    amounts: FloatArray,
    *,
    n: int,
    profit: FloatArray | None = None,
    lines: IntArray | None = None,
) -> SummaryArrays:
    """Return the summary of customers 0..n-1 from rows; `days` are already collapsed."""
    earned = None if profit is None else exact_sums(codes, profit, n)
    is_purchase = amounts >= 0
    bought = None if is_purchase.all() else is_purchase
    returned = np.zeros(n) if bought is None else exact_sums(codes, amounts, n, keep=~bought)
    breadth = None if lines is None else distinct_counts(codes, lines, n, keep=bought)
    occasions, first, last, recent = occasion_days(codes, days, n, keep=bought)
    ages = last[codes].astype(np.int64) - days
    purchased, repeated = purchase_sums(codes, days, amounts, first, keep=bought)
    repeated[occasions < 2] = np.nan
    year = ages < DAYS_OF_YEAR
    repeated /= np.maximum(occasions - 1, 1)
    return SummaryArrays(
        occasions=occasions,
        first_day=first,
        last_day=last,
        transactions=row_counts(codes, n, keep=bought),
        monetary_value=repeated,
        purchase_amount=purchased,
        return_amount=returned,
        profit=earned,
        breadth=breadth,
        recent_days=recent,
        recent_amount=recent_money(codes, ages, amounts, n),
        year_amount=exact_sums(codes, amounts, n, keep=year),
        year_profit=None if profit is None else exact_sums(codes, profit, n, keep=year),
    )


def collapse_days(days: Int32Array, unit: str) -> Int32Array:
    """Return the first day of the calendar unit (day, ISO week, month) each day lies in."""
    if unit == "day" or not days.size:
        return days
    low = int(days.min())
    calendar = np.arange(low, int(days.max()) + 1, dtype=np.int64)
    if unit == "week":
        # 1970-01-01 was a Thursday: Mondays are the days with (day + 3) % 7 == 0.
        starts = (calendar + 3) // 7 * 7 - 3
    else:
        starts = calendar.astype("datetime64[D]").astype("datetime64[M]")
        starts = starts.astype("datetime64[D]").astype(np.int64)
    return starts.astype(np.int32)[days - low]


def occasion_days(
    codes: IntArray, days: Int32Array, n: int, *, keep: BoolArray | None = None
) -> tuple[Int32Array, Int32Array, Int32Array, Counts]:
    """Return each customer's distinct days, first and last day (or `NEVER`), and recent days."""
    occasions = np.zeros(n, dtype=np.int32)
    first = np.full(n, NEVER, dtype=np.int32)
    last = np.full(n, NEVER, dtype=np.int32)
    low = int(days.min()) if days.size else 0
    bits = (int(days.max()) - low).bit_length() if days.size else 0
    keys = _distinct_keys(codes, days, n, low=low, bits=bits, keep=keep)
    if keys.size:
        starts, ends = _runs(keys >> bits)
        known = keys[starts] >> bits
        mask = (1 << bits) - 1
        first[known] = (keys[starts] & mask) + low
        last[known] = (keys[ends] & mask) + low
        occasions[known] = ends - starts + 1
    who = keys >> bits
    recent = recent_counts(who, last[who] - low - (keys & ((1 << bits) - 1)), n)
    return occasions, first, last, recent


def distinct_counts(
    codes: IntArray, labels: IntArray, n: int, *, keep: BoolArray | None = None
) -> Int32Array:
    """Return how many different labels (0, 1, ...; negative = unknown) each customer has."""
    counts = np.zeros(n, dtype=np.int32)
    known = labels >= 0
    if keep is not None:
        known &= keep
    bits = int(labels.max()).bit_length() if known.any() else 0
    keys = _distinct_keys(codes, labels, n, low=0, bits=bits, keep=known)
    if keys.size:
        keys >>= bits
        starts, ends = _runs(keys)
        counts[keys[starts]] = ends - starts + 1
    return counts


def _distinct_keys(
    codes: IntArray, minor: IntArray, n: int, *, low: int, bits: int, keep: BoolArray | None
) -> IntArray:
    """Return the sorted distinct code * 2**bits + minor - low of kept rows, in narrow integers."""
    narrow = bits + n.bit_length() < 32
    keys: IntArray = codes.astype(np.int32 if narrow else np.int64)
    keys <<= bits
    keys += minor
    keys -= low
    if keep is not None:
        keys = keys[keep]
    if not keys.size:
        return keys
    keys.sort()
    fresh = _changes(keys)
    return keys if fresh.all() else keys[fresh]


def _runs(values: IntArray) -> tuple[IntArray, IntArray]:
    """Return the first and last position of each run of equal values."""
    starts = np.flatnonzero(_changes(values))
    ends = np.empty_like(starts)
    ends[:-1] = starts[1:] - 1
    ends[-1] = values.size - 1
    return starts, ends


def _changes(values: IntArray) -> npt.NDArray[np.bool_]:
    """Return where a value differs from the one before (the first one always does)."""
    changes = np.empty(values.size, dtype=np.bool_)
    changes[0] = True
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def purchase_sums(
    codes: IntArray,
    days: Int32Array,
    amounts: FloatArray,
    first: Int32Array,
    *,
    keep: BoolArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return each customer's sum over all purchases and over those after the first occasion."""
    n = first.size
    grid = SumGrid.covering(codes, amounts, n, keep)
    high, low = np.zeros(2 * n), np.zeros(2 * n)
    for rows in row_blocks(codes.size, keep):
        slots = codes[rows].astype(np.intp)
        slots += n * (days[rows] != first[slots])
        grid.add(slots, amounts[rows], high, low)
    repeated = high[n:] + low[n:]
    high[:n] += high[n:]
    low[:n] += low[n:]
    return high[:n] + low[:n], repeated


Int8Array = npt.NDArray[np.int8]


def saturate(values: FloatArray, threshold: float) -> FloatArray:
    """Return x / (x + threshold) for x > 0, else 0: in [0, 1], rising, 0.5 at the threshold."""
    gain = np.maximum(values, 0.0)
    whole = gain + threshold
    # Where x and threshold are both 0 the quotient is undefined: nothing above 0, so 0.
    np.divide(gain, whole, out=gain, where=whole > 0)
    return gain


def score_parts(
    values: Sequence[FloatArray | None],
    thresholds: Sequence[float | None],
    weights: Sequence[float],
) -> list[FloatArray | None]:
    """Return what each criterion adds to the score; NaN (or None for all) where it does not apply.

    The weights of the criteria that apply to a customer are rescaled to sum to one.
    """
    parts = [
        None if value is None or threshold is None or not weight else saturate(value, threshold)
        for value, threshold, weight in zip(values, thresholds, weights, strict=True)
    ]
    total: Any = 0.0
    for part, weight in zip(parts, weights, strict=True):
        if part is not None:
            total = total + weight * ~np.isnan(part)
    for part, weight in zip(parts, weights, strict=True):
        if part is not None:
            with np.errstate(divide="ignore"):
                part *= weight / total
    return parts


def add_parts(parts: Sequence[FloatArray | None], n: int) -> FloatArray:
    """Return the parts' sum from first to last; NaN where no criterion applies."""
    score = np.zeros(n)
    scored = np.zeros(n, dtype=np.bool_)
    for part in parts:
        if part is not None:
            known = ~np.isnan(part)
            np.add(score, part, out=score, where=known)
            scored |= known
    score[~scored] = np.nan
    return score


def yearly_contribution(
    contribution: FloatArray, age_years: FloatArray, min_years: float
) -> FloatArray:
    """Return contribution per year of relation, a relation counting at least `min_years`."""
    return contribution / np.fmax(age_years, min_years)


def bin_scores(values: FloatArray, edges: FloatArray) -> Int8Array:
    """Return 1 + the number of ascending edges a value beats; on an edge's ties, the middle.

    A value equal to several edges is a tie that spans several bins: all its holders share the
    middle one (the lower of two), so a constant column scores the neutral middle.
    """
    beaten = np.searchsorted(edges, values, side="left")
    beaten += np.searchsorted(edges, values, side="right")
    beaten //= 2
    beaten += 1
    return beaten.astype(np.int8)


def fit_credibility(own: FloatArray, occasions: FloatArray, rate: float) -> float | None:
    """Return k, the occasions at which a customer's own rate weighs one half; None pools fully.

    Moments of Var(own_i) = a + s2 / n_i: E[n (own - rate)^2] = a n + s2, summed once plainly and
    once weighted by n, are two linear equations in a and s2; k = s2 / a. Where the n are all equal
    or a is not above 0, the data cannot tell customers' rates from noise.
    """
    squares = own - rate
    squares *= squares
    squares *= occasions
    count, n, nn = own.size, exact_sum(occasions), exact_sum(occasions * occasions)
    first, second = exact_sum(squares), exact_sum(squares * occasions)
    determinant = count * nn - n * n
    if determinant <= 1e-9 * count * nn:
        return None
    between = (count * second - n * first) / determinant
    within = (nn * first - n * second) / determinant
    return None if between <= 0.0 else max(within, 0.0) / between


def own_rates(earned: FloatArray, bought: FloatArray, low: float, high: float) -> FloatArray:
    """Return earned / bought within [low, high]; NaN where nothing was bought."""
    own = np.full(bought.size, np.nan)
    np.divide(earned, bought, out=own, where=bought > 0)
    np.clip(own, low, high, out=own)
    return own


def shrunk_rates(
    own: FloatArray, occasions: FloatArray, rate: float, k: float | None
) -> FloatArray:
    """Return (n * own + k * rate) / (n + k); the base's rate where own is NaN or k is None."""
    rates = np.full(own.size, rate)
    if k is not None:
        known = ~np.isnan(own)
        np.divide(occasions * own + k * rate, occasions + k, out=rates, where=known)
    return rates
