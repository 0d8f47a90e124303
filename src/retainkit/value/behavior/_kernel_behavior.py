"""Array kernels of consumption behaviour: gaps, regularity, preference, trend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import zeta

from retainkit._core.kernels.intervals import normal_quantile
from retainkit._core.kernels.sums import SumGrid, exact_sum, exact_sums

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]


_ROWS_PER_BLOCK = 1 << 17
_MOST_BLOCKS = 256


def customer_blocks(codes: IntArray, n: int) -> Iterator[tuple[slice, IntArray | slice]]:
    """Yield customers with neighbouring codes and the places of their rows, in the given order.

    A base is described block by block, so that what is needed on the way is small and stays in
    the processor's caches.
    """
    blocks = min(codes.size // _ROWS_PER_BLOCK + 1, _MOST_BLOCKS, max(n, 1))
    if blocks == 1:
        yield slice(0, n), slice(None)
        return
    width = -(-n // blocks)
    block = (codes // np.int32(width)).astype(np.uint8)
    ends = np.cumsum(np.bincount(block, minlength=blocks))
    # Whole numbers below 256 are sorted in one stable pass.
    order = np.argsort(block, kind="stable")
    for place, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        low = place * width
        if low < n:
            yield slice(low, min(low + width, n)), order[start:end]


class GapArrays(NamedTuple):
    """Days between successive occasions, one value per customer; NaN where there is none."""

    occasions: npt.NDArray[np.int32]
    mean: FloatArray
    median: FloatArray
    variation: FloatArray
    last: FloatArray
    ratios: FloatArray
    """last gap / (last + one before), of customers with two gaps."""


def gap_arrays(codes: IntArray, days: IntArray, n: int) -> GapArrays:
    """Return the gaps between the distinct days of customers 0..n-1 [day]."""
    if not codes.size:
        none = np.full(n, np.nan)
        zero = np.zeros(n, dtype=np.int32)
        return GapArrays(zero, none, none.copy(), none.copy(), none.copy(), np.zeros(0))
    low = int(days.min())
    bits = max((int(days.max()) - low).bit_length(), 1)
    # Sorted and thinned by hand: np.unique goes through a hash table, five times slower here.
    keys = codes.astype(np.int64)
    keys <<= bits
    keys |= days - low
    keys.sort()
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    who = keys >> bits
    occasions = np.bincount(who, minlength=n).astype(np.int32)
    same = who[1:] == who[:-1]
    owner, gap = who[1:][same], np.diff(keys)[same]
    count = np.maximum(occasions - 1, 0).astype(np.int64)
    ends = np.cumsum(count) - 1
    repeated = count > 0
    last = np.full(n, np.nan)
    last[repeated] = gap[ends[repeated]]
    twice = count > 1
    before = gap[ends[twice] - 1].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(owner, weights=gap, minlength=n) / count
        residual = gap - mean[owner]
        spread = np.bincount(owner, weights=residual * residual, minlength=n) / (count - 1)
    mean[~repeated] = np.nan
    spread[~twice] = np.nan
    return GapArrays(
        occasions=occasions,
        mean=mean,
        median=_medians(owner, gap, count, bits),
        variation=np.sqrt(spread) / mean,
        last=last,
        ratios=last[twice] / (last[twice] + before),
    )


def _medians(owner: IntArray, gap: IntArray, count: IntArray, bits: int) -> FloatArray:
    """Return the median gap of each customer: sorted as one integer per gap."""
    keys = (owner << bits) | gap
    keys.sort()
    sorted_gap = keys & ((1 << bits) - 1)
    median = np.full(count.size, np.nan)
    known = count > 0
    start = (np.cumsum(count) - count)[known]
    lower = sorted_gap[start + (count[known] - 1) // 2]
    median[known] = (lower + sorted_gap[start + count[known] // 2]) / 2.0
    return median


def regularity(ratios: FloatArray) -> tuple[float, float]:
    """Return k of gamma-distributed gaps and its standard error, from ratios of two gaps.

    g1 / (g1 + g2) of two gamma(k, .) gaps is Beta(k, k) whatever the customer's rate, with mean
    1/2 and variance v = 1 / (4 (2 k + 1)); so k = (1 - 4 v) / (8 v).
    """
    if ratios.size < 2:
        return float("nan"), float("nan")
    squares = (ratios - 0.5) ** 2
    v = exact_sum(squares) / squares.size
    if v == 0.0:
        return float("inf"), float("nan")
    spread = exact_sum((squares - v) ** 2) / (squares.size - 1)
    error = float(np.sqrt(spread / squares.size))
    return (1.0 - 4.0 * v) / (8.0 * v), error / (8.0 * v * v)


class PreferenceArrays(NamedTuple):
    """Where each customer's money goes."""

    top: npt.NDArray[np.int32]
    top_share: FloatArray
    entropy: FloatArray


def preferences(
    codes: IntArray, labels: IntArray, amounts: FloatArray, n: int, grid: SumGrid | None = None
) -> PreferenceArrays:
    """Return the favourite label, its share and the entropy of spend; labels < 0 are unknown."""
    top, share, entropy = np.full(n, -1, dtype=np.int32), np.full(n, np.nan), np.full(n, np.nan)
    known = (labels >= 0) & (amounts > 0)
    if not known.any():
        return PreferenceArrays(top, share, entropy)
    width = int(labels.max()) + 1
    cells, cell = np.unique(
        codes[known].astype(np.int64) * width + labels[known], return_inverse=True
    )
    money = exact_sums(cell, amounts[known], cells.size, grid=grid)
    who, what = cells // width, cells % width
    total = np.bincount(who, weights=money, minlength=n)
    part = money / total[who]
    mass = np.bincount(who, weights=-part * np.log(part), minlength=n)
    bought = total > 0
    entropy[bought] = np.maximum(mass[bought], 0.0)
    # The largest part last within each customer; of equal ones the smaller label.
    order = np.lexsort((-what, money, who))
    best = order[np.append(who[order][1:] != who[order][:-1], True)]
    top[who[best]] = what[best]
    share[who[best]] = part[best]
    return PreferenceArrays(top, share, entropy)


class TrendArrays(NamedTuple):
    """Relative change of spending with its interval, drawn towards the base's."""

    change: FloatArray
    low: FloatArray
    high: FloatArray
    base: float
    """Relative change of the base; NaN where nobody is known."""


def trend_of(
    recent: FloatArray, earlier: FloatArray, squares: FloatArray, level: float
) -> TrendArrays:
    """Return recent / earlier - 1 of each customer with an interval; NaN where nothing is known.

    `squares` are the sums of squared amounts of both windows. Spending is a compound Poisson sum,
    so total**2 / squares is the number of equal purchases that say as much. The share of the
    recent window is beta-binomial in that number: a customer's own share is drawn towards the
    base's by credibility; the interval is that of the log odds of its beta distribution.
    """
    a, b = np.maximum(recent, 0.0), np.maximum(earlier, 0.0)
    total = a + b
    known = (total > 0) & (squares > 0)
    out = [np.full(a.size, np.nan) for _ in range(3)]
    base = float("nan")
    if known.any():
        own = a[known] / total[known]
        n = np.maximum(total[known] ** 2 / squares[known], 1.0)
        rate = exact_sum(own * n) / exact_sum(n)
        base = rate / (1.0 - rate) - 1.0 if rate < 1.0 else float("inf")
        pull = _pull(own, n, rate)
        up, down = own * n + rate * pull, (1.0 - own) * n + (1.0 - rate) * pull
        # The log odds of a beta(up, down) share have variance trigamma(up) + trigamma(down).
        reach = normal_quantile(level) * np.sqrt(zeta(2.0, up) + zeta(2.0, down))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for array, shift in zip(out, (0.0, -reach, reach), strict=True):
                array[known] = up / down * np.exp(shift) - 1.0
    return TrendArrays(out[0], out[1], out[2], base)


def _pull(own: FloatArray, n: FloatArray, rate: float) -> float:
    """Return the purchases at which a customer's own share weighs one half (beta-binomial).

    Binomial shares have E[n (own - rate)^2] = rate (1 - rate) (1 + (n - 1) r), where r is the
    correlation that differences between customers cause; the pull is 1 / r - 1. Where r is not
    above 0 nobody can be told apart: all have the base's share, known from all purchases.
    """
    spread, more = rate * (1.0 - rate), exact_sum(n - 1.0)
    excess = exact_sum(n * (own - rate) ** 2) - own.size * spread
    if not spread > 0.0 or not more > 0.0 or excess <= 0.0:
        return exact_sum(n)
    return max(spread * more / excess - 1.0, 0.0)
