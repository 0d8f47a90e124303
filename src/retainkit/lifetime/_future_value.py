"""The distribution of a customer's future value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, logit

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.lifetime import _kernel_shared as kernel
from retainkit.lifetime._compress import CompressedHistories
from retainkit.lifetime._config import check_horizon
from retainkit.lifetime._histories import PurchaseHistory
from retainkit.lifetime._kernel_shared import Known, take_rows
from retainkit.lifetime._process import PurchasePredictions
from retainkit.lifetime.models._gamma_gamma import GammaGammaModel
from retainkit.typing import ArrayLike1D, FloatArray, IntArray

_TAIL = 1e-9
"""Probability of counts that are not looked at any more: they count as the last one that is."""
_INTERPOLATION = 1e-8
_CERTAIN = 1e-9
"""Chance below which a sum is taken as never, and above 1 less which as always, above the cut."""
_SIZES = np.unique(np.round(12.0 * 1.2 ** np.arange(41))).astype(np.int64)
_ROWS = 4096
_ELEMENTS = 1 << 20
_FEW = 48
"""Cuts up to which nodes of a grid would not save anything."""


class Asked(NamedTuple):
    """Customers: row of their history, purchases of their mean amount, log(scale / value)."""

    row: IntArray
    x: FloatArray
    z: FloatArray
    """Shape (n, k)."""


class _Grid(NamedTuple):
    """P(S_n > c) by n (rows), at all z asked for (columns) or at nodes with two derivatives."""

    tables: tuple[FloatArray, ...]
    place: IntArray | None
    """Column of each customer's z, where `tables` is exact."""
    low: float = 0.0
    step: float = 0.0


def mix_over_counts(
    model: PurchasePredictions,
    rows: CompressedHistories,
    asked: Asked,
    spend: GammaGammaModel,
    horizon: float,
) -> FloatArray:
    """Return sum_n P(N = n) P(S_n > c), shape (n, k), for customers of one x at a time."""
    found = np.empty(asked.z.shape)
    if not len(found):
        return found
    with np.errstate(all="ignore"):
        known = model._know(rows.frequency, rows.recency, rows.age)
        sizes = _sizes(known.s, known.s / known.c * horizon)
        # equal histories, and histories with about as many purchases to come, are neighbours
        order = np.lexsort((asked.row, sizes[asked.row], asked.x))
        edges = np.flatnonzero(np.diff(asked.x[order])) + 1
        for level in np.split(order, edges):
            shape = spend.q + spend.p * float(asked.x[level[0]])
            largest = int(sizes[asked.row[level[-1]]])
            z = _clipped(asked.z[level], shape, spend.p, largest)
            grid = _grid(z, shape, spend.p * np.arange(1.0, largest + 1.0))
            for part, row in _parts(asked.row[level], sizes):
                law = _count_law(known, row, horizon, int(sizes[row[-1]]))
                found[level[part]] = _chances(law, grid, asked.row[level[part]], z, part)
    return found


def _sizes(s: FloatArray, mean: FloatArray) -> IntArray:
    """Return counts enough for each history: P(N > size) <= `_TAIL` by Chernoff's bound.

    For a negative binomial N of shape s, log P(N >= n) <= -n log(n / mean) + (n + s) log((n + s) /
    (mean + s)) beyond the mean; dropout only makes large counts less likely.
    """
    size = np.full(len(s), len(_SIZES) - 1, dtype=np.int64)
    for i in range(len(_SIZES) - 2, -1, -1):
        n = float(_SIZES[i])
        bound = (n + s) * np.log((n + s) / (mean + s)) - n * np.log(n / mean)
        size[(n > mean) & ((bound <= np.log(_TAIL)) | (mean == 0.0))] = i
    return np.asarray(_SIZES[size])


def _clipped(z: FloatArray, shape: float, p: float, largest: int) -> FloatArray:
    """Return z no further out than where every sum, or none, exceeds the cut."""
    low = float(betaincinv(shape, p * largest, _CERTAIN))
    high = float(betaincinv(p, shape, _CERTAIN))
    return np.clip(z, logit(max(low, 1e-300)), -logit(max(high, 1e-300)))


def _grid(z: FloatArray, shape: float, b: FloatArray) -> _Grid:
    """Return the chances at each distinct z, or at nodes where those are fewer."""
    if z.size > _FEW and not np.isnan(z).all():
        low, high = float(np.nanmin(z)), float(np.nanmax(z))
        step = kernel.spacing(shape, float(b[-1]), _INTERPOLATION)
        nodes = low + step * np.arange(int((high - low) / step) + 2.0)
        if len(nodes) < z.size:
            tables = (kernel.above(shape, b, nodes), *kernel.slopes(shape, b, nodes))
            return _Grid(tables, None, low, step)
    values, place = np.unique(z, return_inverse=True)
    return _Grid((kernel.above(shape, b, values),), place.reshape(z.shape))


def _parts(row: IntArray, sizes: IntArray) -> Iterator[tuple[slice, IntArray]]:
    """Cut customers, in order of their history, where a table of distinct histories is full."""
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    step = int(min(_ROWS, max(1, _ELEMENTS // int(sizes[row[-1]]))))
    for i in range(0, len(starts), step):
        end = int(starts[i + step]) if i + step < len(starts) else len(row)
        yield slice(int(starts[i]), end), row[starts[i : i + step]]


def _count_law(known: Known, row: IntArray, horizon: float, size: int) -> FloatArray:
    """Return P(N = 1), ..., P(N = size), shape (m, size); the rest counts as the last one."""
    law = take_rows(known, row).count_probabilities(horizon, size + 1)
    left = 1.0 - np.cumsum(law, axis=1)
    used = int(np.count_nonzero((left > _TAIL).any(axis=0))) + 1
    law = law[:, : max(used, 2)]
    law[:, -1] += np.maximum(1.0 - law.sum(axis=1), 0.0)
    return np.ascontiguousarray(law[:, 1:])


def _chances(law: FloatArray, grid: _Grid, row: IntArray, z: FloatArray, part: slice) -> FloatArray:
    """Mix the tables by each history's law, and read each customer's z off them."""
    mixed = [law @ table[: law.shape[1]] for table in grid.tables]
    here = np.cumsum(np.diff(row, prepend=row[0]) != 0)
    if grid.place is not None:
        chance = mixed[0][here[:, None], grid.place[part]]
    else:
        several = np.repeat(here, z.shape[1])
        flat = kernel.read(
            (mixed[0], mixed[1], mixed[2]), grid.low, grid.step, several, z[part].ravel()
        )
        chance = flat.reshape(-1, z.shape[1])
    clipped: FloatArray = np.clip(chance, 0.0, 1.0)
    return clipped


def probability_value_exceeds(
    cut: float | ArrayLike1D,
    history: PurchaseHistory,
    *,
    monetary_value: ArrayLike1D,
    purchase_model: PurchasePredictions,
    spend_model: GammaGammaModel,
    horizon: float,
    annual_discount_rate: float = 0.0,
    margin_rate: float | ArrayLike1D = 1.0,
) -> FloatArray:
    """Return how likely each customer's future value is to exceed a cut.

    With the cut of the key tier it is the probability of being, or becoming, a key customer.

    Parameters
    ----------
    cut : float or array-like of shape (n,)
        Value to be exceeded [money].
    history : PurchaseHistory of n customers
        In the unit of the purchase model.
    monetary_value : array-like of shape (n,)
        Mean amount per repeat purchase [money]; NaN where there was none.
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or BoundCovariateModel
        Law of the number of purchases.
    spend_model : GammaGammaModel
        Law of the amounts.
    horizon : float
        Length of the future considered [unit].
    annual_discount_rate : float, default 0.0
        Yearly rate; each customer's purchases are discounted by their mean factor.
    margin_rate : float or array-like of shape (n,), default 1.0
        Profit per unit of purchases, above 0; NaN where it is not known.

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1], in the order of the customers; NaN where age, cut or margin is NaN.

    Raises
    ------
    NotComputableError
        If the horizon is negative or not finite, or a margin is not above 0.
    AlignmentError
        If the arrays differ in length.
    UnitError
        If the history is in another unit of time.

    Notes
    -----
    sum_n P(N = n) P(S_n > c), c = cut / (margin * mean discount). Given n purchases and a history
    of x with mean m, the sum S_n of n amounts over gamma + x m is beta prime (p n, q + p x):
    both factors are exact, so that nothing is drawn and memory stays at a few numbers each.
    The result is within 1.3e-8 of that sum: 1e-9 each for the last counts and for sums that almost
    never, or almost always, exceed c, and 1e-8, a proven bound, where P(S_n > c) is read off
    between nodes because many customers share x.

    Examples
    --------
    >>> from retainkit.lifetime import (
    ...     GammaGammaModel, MbgNbdModel, PurchaseHistories, probability_value_exceeds)
    >>> history = PurchaseHistories(
    ...     frequency=[2, 9], recency=[30.43, 37], age=[38.86, 38.86], unit="week")
    >>> probability_value_exceeds(
    ...     100.0, history, monetary_value=[22.35, 40.0], horizon=52,
    ...     purchase_model=MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    ...     spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44)).round(3)
    array([0.116, 0.752])
    """
    cuts = np.asarray(cut, dtype=np.float64)
    n = len(history.frequency)
    if cuts.ndim and cuts.shape != (n,):
        raise AlignmentError(f"{cuts.size} cuts for {n} histories", rule="one for all, or one each")
    found: FloatArray = probability_value_exceeds_at(
        np.reshape(cuts, (-1, 1)) if cuts.ndim else np.reshape(cuts, 1),
        history,
        monetary_value=monetary_value,
        purchase_model=purchase_model,
        spend_model=spend_model,
        horizon=horizon,
        annual_discount_rate=annual_discount_rate,
        margin_rate=margin_rate,
    )[:, 0]
    return found


def probability_value_exceeds_at(
    cuts: ArrayLike1D,
    history: PurchaseHistory,
    *,
    monetary_value: ArrayLike1D,
    purchase_model: PurchasePredictions,
    spend_model: GammaGammaModel,
    horizon: float,
    annual_discount_rate: float = 0.0,
    margin_rate: float | ArrayLike1D = 1.0,
) -> FloatArray:
    """Return how likely each customer's future value is to exceed each of several cuts.

    With the cuts of a tier scheme, differences of neighbouring columns are the probabilities of
    the tiers. The numbers are those of `probability_value_exceeds`; laws of counts and amounts
    are worked out once for all cuts.

    Parameters
    ----------
    cuts : array-like of shape (k,) or (n, k)
        Values to be exceeded [money], for all customers or one row each, in any order.
    history, monetary_value, purchase_model, spend_model, horizon, annual_discount_rate, margin_rate
        As in `probability_value_exceeds`, and so are the errors.

    Returns
    -------
    ndarray of shape (n, k)
        In [0, 1], in the order of the customers and cuts; NaN where age, cut or margin is NaN.

    Examples
    --------
    >>> from retainkit.lifetime import (
    ...     GammaGammaModel, MbgNbdModel, PurchaseHistories, probability_value_exceeds_at)
    >>> history = PurchaseHistories(
    ...     frequency=[2, 9], recency=[30.43, 37], age=[38.86, 38.86], unit="week")
    >>> probability_value_exceeds_at(
    ...     [100.0, 400.0], history, monetary_value=[22.35, 40.0], horizon=52,
    ...     purchase_model=MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    ...     spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44)).round(3)
    array([[0.116, 0.001],
           [0.752, 0.274]])
    """
    check_horizon(horizon)
    n = len(history.frequency)
    money, margin = as_column(monetary_value, "monetary_value"), _margins(margin_rate, n)
    limits = np.atleast_2d(np.asarray(cuts, dtype=np.float64))
    if len(money) != n or len(limits) not in (1, n):
        raise AlignmentError(
            f"{len(money)} monetary values and {len(limits)} rows of cuts for {n} histories",
            rule="one each; cuts may be one row for all",
        )
    model, rows = purchase_model._merge(history)
    discount = _mean_discount(model, rows, horizon, annual_discount_rate)
    customers = np.flatnonzero(rows.inverse >= 0)
    row = rows.inverse[customers]
    x = np.where(np.isnan(money[customers]), 0.0, rows.frequency[row])
    scale = spend_model.gamma + np.where(x > 0.0, x * money[customers], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = margin if margin.ndim == 0 else margin[customers]
        shared = limits if len(limits) == 1 else limits[customers]
        needed = shared / np.reshape(worth * discount[row], (-1, 1))
        z = np.log(scale)[:, None] - np.log(needed)
    found = mix_over_counts(model, rows, Asked(row, x, z), spend_model, float(horizon))
    found[needed < 0.0] = 1.0
    found[np.isnan(needed)] = np.nan
    result = np.full((n, limits.shape[1]), np.nan)
    result[customers] = found
    return result


def _margins(margin_rate: float | ArrayLike1D, n: int) -> FloatArray:
    """Return one margin, or one per customer."""
    margin = np.asarray(margin_rate, dtype=np.float64)
    if margin.ndim and margin.shape != (n,):
        raise AlignmentError(
            f"{margin.size} margin rates for {n} histories", rule="one for all, or one each"
        )
    bad = (margin <= 0.0) | np.isinf(margin)
    if bad.any() or (not margin.ndim and np.isnan(margin)):
        first = float(margin) if not margin.ndim else float(margin[bad][0])
        raise NotComputableError(
            f"margin_rate is {first!r}", rule="profit per unit of purchases, above 0"
        )
    return margin


def _mean_discount(
    model: PurchasePredictions, rows: CompressedHistories, horizon: float, rate: float
) -> FloatArray:
    if rate == 0.0:
        return np.ones(len(rows))
    plain = model.expected_purchases(rows, horizon=horizon)
    faded = model.discounted_purchases(rows, annual_discount_rate=rate, horizon=horizon)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(plain > 0.0, faded / plain, 1.0)
