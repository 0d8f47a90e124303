"""How many customers bought how often, and how many a model expects to: fit in the sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.lifetime._arguments import check_count
from retainkit.lifetime._compress import check_weights
from retainkit.lifetime._histories import history_columns
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D


def compare_frequencies(
    model: ProcessModel,
    history: PurchaseHistory,
    *,
    max_count: int = 7,
    weights: ArrayLike1D | None = None,
) -> pd.DataFrame:
    """Count customers by repeat purchases, and how many a model expects with each number.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Fitted, as a rule, on the same customers.
    history : PurchaseHistory of n customers
        In the unit of the model; rows without an age are left out.
    max_count : int, default 7
        Last group: customers with that many repeat purchases or more.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.

    Returns
    -------
    pandas.DataFrame
        Index `frequency`, 0 to `max_count`; columns `actual` and `expected` [customers], both
        adding up to the number of customers.

    Raises
    ------
    NotComputableError
        If `max_count` is not from 0 to 100,000.
    UnitError
        If the history is in another unit of time.

    Notes
    -----
    Expected customers are sum_i P(X(T_i) = x), T_i the age of customer i. The sum of (actual -
    expected)^2 / expected is the chi-squared of the papers.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). Marketing Science 24(2), 275-284: figure 2.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.lifetime import compare_frequencies
    >>> summary = rk.summarize_customers(
    ...     rk.load_cdnow_sample(), as_of="1997-09-30", unit="week")
    >>> compare_frequencies(rk.fit_mbg_nbd(summary), summary, max_count=3).round(1)
               actual  expected
    frequency
    0          1411.0    1418.6
    1           439.0     429.1
    2           214.0     198.6
    3           293.0     310.7
    """
    check_count(max_count)
    x, _, T = history_columns(history, unit=model.unit)
    w = check_weights(weights, len(x))
    w = np.ones(len(x)) if w is None else w
    known = ~np.isnan(T)
    group = np.minimum(x[known], max_count).astype(np.int64)
    ages, place = np.unique(T[known], return_inverse=True)
    customers = np.bincount(place, weights=w[known], minlength=len(ages))
    expected = np.zeros(max_count + 1)
    for age, count in zip(ages.tolist(), customers.tolist(), strict=True):
        if max_count:
            expected[:-1] += count * model.purchase_probabilities_new(age, max_count=max_count - 1)
    expected[-1] = customers.sum() - expected[:-1].sum()
    actual = np.bincount(group, weights=w[known], minlength=max_count + 1)
    index = pd.RangeIndex(max_count + 1, name="frequency")
    return pd.DataFrame({"actual": actual, "expected": expected}, index=index)
