"""How well a forecast did: arrays in, numbers out."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_BINS = 10


def ranks_of(values: FloatArray) -> FloatArray:
    """Return average ranks 1 ... n."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(values)]
    average = np.repeat((starts + ends + 1) / 2.0, ends - starts)
    ranks = np.empty(len(values))
    ranks[order] = average
    return ranks


def rank_correlation(x: FloatArray, y: FloatArray) -> float:
    """Return Spearman's rank correlation; NaN where one does not vary."""
    a, b = ranks_of(x), ranks_of(y)
    a -= a.mean()
    b -= b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0.0 else float("nan")


def area_under_curve(score: FloatArray, positive: BoolArray) -> float:
    """Return the probability that one who did outranks one who did not; NaN where all agree."""
    n1 = int(positive.sum())
    n0 = len(positive) - n1
    if not n1 or not n0:
        return float("nan")
    return float((ranks_of(score)[positive].sum() - n1 * (n1 + 1) / 2.0) / (n1 * n0))


def calibration_error(p: FloatArray, happened: BoolArray) -> float:
    """Return the mean absolute distance of forecast and frequency over ten equal groups."""
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, _BINS)
    gaps = [abs(p[i].mean() - happened[i].mean()) * len(i) for i in parts if len(i)]
    return float(sum(gaps) / len(p))


def noise_floor(p: FloatArray) -> float:
    """Return the calibration error that chance alone gives a perfect forecast.

    Sum over ten equal groups of sqrt(2 / pi) times the standard error of the frequency: the mean
    of the absolute value of a normal variable.
    """
    order = np.argsort(p, kind="stable")
    parts = [order[i] for i in np.array_split(np.arange(len(p)), _BINS) if len(i)]
    errors = [np.sqrt((p[i] * (1.0 - p[i])).sum()) for i in parts]
    return float(np.sqrt(2.0 / np.pi) * sum(errors) / len(p))


def found_and_captured(score: FloatArray, money: FloatArray, share: float) -> tuple[float, float]:
    """Return the share of the best found among the top, and the share of money they brought."""
    most = min(int(share * len(score)), int((money > 0.0).sum()))
    total = float(money.sum())
    if most < 1 or total <= 0.0:
        return float("nan"), float("nan")
    top = np.argsort(-score, kind="stable")[:most]
    best = np.argsort(-money, kind="stable")[:most]
    return len(np.intersect1d(top, best)) / most, float(money[top].sum()) / total


def normalised_gini(score: FloatArray, money: FloatArray) -> float:
    """Return the Gini of money sorted by the forecast over that of money sorted by itself."""
    perfect = _gini(money, money)
    return _gini(score, money) / perfect if perfect else float("nan")


def _gini(score: FloatArray, money: FloatArray) -> float:
    ordered = money[np.argsort(-score, kind="stable")]
    total = float(ordered.sum())
    if total <= 0.0:
        return 0.0
    n = len(money)
    return float((np.cumsum(ordered) / total).sum() / n - 0.5 - 0.5 / n)


def decile_error(forecast: FloatArray, money: FloatArray) -> float:
    """Return the mean absolute percentage error of the totals of forecast deciles (decile MAPE)."""
    parts = [p for p in np.array_split(np.argsort(-forecast, kind="stable"), _BINS) if len(p)]
    gaps = [
        abs(forecast[p].sum() - money[p].sum()) / abs(money[p].sum())
        for p in parts
        if money[p].sum() != 0.0
    ]
    return float(np.mean(gaps)) if gaps else float("nan")


def r_squared(forecast: FloatArray, money: FloatArray) -> float:
    """Return 1 - residual over total sum of squares."""
    spread = float(((money - money.mean()) ** 2).sum())
    return 1.0 - float(((money - forecast) ** 2).sum()) / spread if spread else float("nan")


def share_inside(
    money: FloatArray,
    low: FloatArray | None,
    high: FloatArray | None,
    score: FloatArray,
    share: float,
) -> tuple[float, float]:
    """Return the share of money within its interval: of all who have one, and at the top."""
    nothing = float("nan")
    if low is None or high is None:
        return nothing, nothing
    known = np.isfinite(low) & np.isfinite(high)
    inside = (money >= low) & (money <= high)
    top = np.argsort(-score, kind="stable")[: int(share * len(score))]
    top = top[known[top]]
    overall = float(inside[known].mean()) if known.any() else nothing
    return overall, float(inside[top].mean()) if len(top) else nothing


class Bands(NamedTuple):
    """Predicted sizes that end each group, and the interval of what its members brought.

    `beyond` is the interval of the largest group per unit of predicted size: sizes there have no
    upper end, so bounds go in proportion; None where sizes of 0 are among them.
    """

    edge: FloatArray
    lower: FloatArray
    upper: FloatArray
    beyond: tuple[float, float] | None = None


_CUTS = (*(i / 10 for i in range(9)), 0.84, 0.88, 0.92, 0.95, 0.975, 1.0)
"""Groups by predicted size: tenths, and finer ones at the top, where it matters most."""
_FEWEST = 20
_ROUNDING = 1e-9


def predictive_bands(size: FloatArray, actual: FloatArray, level: float) -> Bands:
    """Return the interval that held `level` of what customers of each predicted size brought.

    Where bringing nothing is likelier than the lower tail, the interval begins at 0 and the whole
    tail lies above: it then covers `level`, and is [0, 0] where nothing is that likely.
    """
    order = np.argsort(size, kind="stable")
    cuts = (np.array(_CUTS) * len(size)).astype(np.int64)
    ordered = size[order]
    # customers of one predicted size stay together
    cuts[1:] = np.searchsorted(ordered, ordered[np.maximum(cuts[1:], 1) - 1], side="right")
    kept = [0]
    for cut in cuts[1:]:
        if cut - kept[-1] >= _FEWEST:
            kept.append(int(cut))
    kept[-1] = len(size)
    edge, lower, upper = [], [], []
    for start, end in pairwise(kept):
        low, high = _interval(np.sort(actual[order[start:end]]), level)
        edge.append(size[order[end - 1]])
        lower.append(low)
        upper.append(high)
    largest = order[kept[-2] :]
    beyond = None
    if (size[largest] > 0.0).all():
        beyond = _interval(np.sort(actual[largest] / size[largest]), level)
    return Bands(np.array(edge), np.array(lower), np.array(upper), beyond)


def _interval(ordered: FloatArray, level: float) -> tuple[float, float]:
    """Return the interval of ordered values whose share is nearest to `level`.

    Where amounts come in steps no interval may hold `level` exactly; of the two ends around it the
    one whose share is nearer is taken.
    """
    k, tail = len(ordered), (1.0 - level) / 2.0
    below = float((ordered < 0.0).mean())
    nothing = float((ordered == 0.0).mean())
    if below < tail <= below + nothing:
        low, top = 0.0, min(level + below, 1.0)
    else:
        low, top = float(ordered[max(0, int(np.floor((k + 1) * tail + _ROUNDING)) - 1)]), 1.0 - tail
    high = float(ordered[min(k - 1, int(np.ceil((k + 1) * top - _ROUNDING)) - 1)])
    near = _ROUNDING * abs(high)  # sums of one amount differ in their last bits
    smaller = np.searchsorted(ordered, high - near)
    reached = np.searchsorted(ordered, high + near, side="right") / k
    if smaller and top - smaller / k < reached - top:
        high = float(ordered[smaller - 1])
    return low, max(high, low)


def apply_bands(bands: Bands, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the interval of each predicted size; of the largest group in proportion to the size.

    Where all sizes are one group, only those beyond all that were learnt from are in proportion.
    """
    last = len(bands.edge) - 1
    place = np.minimum(np.searchsorted(bands.edge, size), last)
    low, high = bands.lower[place], bands.upper[place]
    if bands.beyond is None:
        return low, high
    large = size > bands.edge[max(last - 1, 0)]
    return (
        np.where(large, bands.beyond[0] * size, low),
        np.where(large, bands.beyond[1] * size, high),
    )
