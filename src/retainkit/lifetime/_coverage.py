"""How often customers' later purchases fall into the interval a model predicted for each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit._core.arrays import as_column, check_level
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime._arguments import check_horizon
from retainkit.lifetime._compress import compress_rows
from retainkit.lifetime._histories import PurchaseHistories, history_columns
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray

_ELEMENTS = 1 << 20


class IntervalCoverage(NamedTuple):
    """How a prediction interval of each customer's purchases held.

    Attributes
    ----------
    exact : float
        Share of customers inside the central interval, those at its ends counted with the part
        that makes the interval hold exactly its level: the level itself, in expectation, for a
        true model.
    inside : float
        Share of customers within the interval, ends included. Counts are whole numbers, so the
        interval holds at least its level, and more for those who are expected to buy little.
    below, above : float
        Share of customers who bought less, or more, than the interval says.
    n : float
        Customers it is taken over.
    """

    exact: float
    inside: float
    below: float
    above: float
    n: float


def measure_coverage(
    model: ProcessModel,
    history: PurchaseHistory,
    *,
    purchases: ArrayLike1D,
    horizon: float,
    level: float = 0.9,
) -> IntervalCoverage:
    """Measure how often what customers bought later lies in the interval predicted for each.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Fitted on the histories, for example by a `HoldoutSplit`.
    history : PurchaseHistory of n customers
        What was known; rows without an age are left out.
    purchases : array-like of shape (n,)
        Purchases in the `horizon` after it [count].
    horizon : float
        Length of time over which they were observed [unit].
    level : float, default 0.9
        Probability content of the central interval.

    Returns
    -------
    IntervalCoverage
        Shares of customers.

    Raises
    ------
    NotComputableError
        If nobody has an age, the horizon is negative or not finite, or the level is not between
        0 and 1.
    AlignmentError
        If histories and purchases differ in number.
    InvalidTableError
        If a purchase count is negative or not whole.

    Notes
    -----
    With F the predicted law of a customer's count and y what was bought, `exact` is the mean of
    the part of (F(y-1), F(y)) inside the level: the chance that the randomised probability
    integral transform falls there (Czado, Gneiting & Held, 2009, Biometrics 65(4), 1254-1261).

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import fit_mbg_nbd, measure_coverage, split_histories
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(cdnow["customer_id"], cdnow["timestamp"],
    ...                         calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> model = fit_mbg_nbd(split.history)
    >>> found = measure_coverage(
    ...     model, split.history, purchases=split.purchases, horizon=split.horizon)
    >>> round(found.exact, 3), round(found.inside, 3)
    (0.887, 0.946)
    """
    check_horizon(horizon)
    check_level(level)
    x, t, T = history_columns(history, unit=model.unit)
    y = as_column(purchases, "purchases")
    if len(y) != len(x):
        raise AlignmentError(f"{len(y)} purchases for {len(x)} histories", rule="one each")
    keep = ~np.isnan(T)
    bad = keep & ~((y >= 0.0) & (y == np.rint(y)))
    if bad.any():
        raise InvalidTableError(
            f"{np.count_nonzero(bad):,} unusable purchase counts, first {float(y[bad][0])!r}",
            rule="purchases are counted: whole numbers, not negative",
            where="purchases",
        )
    if not keep.any():
        raise NotComputableError("no customer has an age", rule="coverage is taken over customers")
    columns, weights, _ = compress_rows((y, x, t, T), weights=None, keep=keep)
    lower, upper = _cumulated(model, columns, float(horizon))
    low, high = (1.0 - level) / 2.0, (1.0 + level) / 2.0
    overlap = np.clip(np.minimum(upper, high) - np.maximum(lower, low), 0.0, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(upper > lower, overlap / (upper - lower), 0.0)
    n = float(weights.sum())

    def share(values: FloatArray) -> float:
        return float(np.sum(weights * values)) / n

    below = share((upper < low).astype(np.float64))
    above = share((lower >= high).astype(np.float64))
    return IntervalCoverage(share(part), 1.0 - below - above, below, above, n)


def _cumulated(
    model: ProcessModel, columns: tuple[FloatArray, ...], horizon: float
) -> tuple[FloatArray, FloatArray]:
    """Return P(N < y) and P(N <= y) of rows in ascending order of y."""
    y, x, t, T = columns
    lower, upper = np.empty(len(y)), np.empty(len(y))
    start = 0
    while start < len(y):
        rows = max(1, _ELEMENTS // (int(y[min(start + 4096, len(y)) - 1]) + 1))
        cut = slice(start, min(start + min(rows, 4096), len(y)))
        history = PurchaseHistories(frequency=x[cut], recency=t[cut], age=T[cut], unit=model.unit)
        most = int(y[cut][-1])
        law = model.purchase_probabilities(history, horizon=horizon, max_count=most)
        total, here = np.cumsum(law, axis=1), np.arange(len(law))
        bought = y[cut].astype(np.int64)
        upper[cut] = total[here, bought]
        lower[cut] = np.where(bought > 0, total[here, bought - 1], 0.0)
        start = cut.stop
    return lower, upper
