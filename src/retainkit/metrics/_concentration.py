"""How unequal a set of values is: the measured side of "80:20"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from retainkit.metrics import _kernel
from retainkit.metrics._kernel import (
    Statistic,
    bootstrap_bounds,
    gini_of,
    headcount_of,
    hhi_of,
    packing_error,
    top_share_of,
)
from retainkit.metrics._value import MetricValue, Reason
from retainkit.typing import ArrayLike1D, FloatArray

TOP_SHARE = 0.2
VALUE_SHARE = 0.8


class Terms(NamedTuple):
    """Numerator, denominator and what stops the division, if anything."""

    numerator: float
    denominator: float
    reason: Reason | None


def top_share(value: ArrayLike1D, *, share: float = TOP_SHARE) -> MetricValue:
    """Measure the part of the total value that the best `share` of customers hold.

    Whether 20 % of the customers make 80 % of the value is a question to this base, not a law.

    Parameters
    ----------
    value : array-like, shape (n,)
        Value per customer [money]; negative values count, NaN (unknown) is left out and noted.
    share : float, default 0.2
        Share of heads, in (0, 1]; the heads are rounded up.

    Returns
    -------
    MetricValue
        Value held by the top / total value; above 1 when other customers destroy value. None
        with reason `zero_denominator` when the total is 0, `non_positive_total` when negative.

    Raises
    ------
    ValueError
        If `share` is outside (0, 1].

    Examples
    --------
    >>> from retainkit.metrics import top_share
    >>> top_share([60.0, 20.0, 10.0, 5.0, 5.0])
    top_share = 60 / 100 = 0.6 (n = 5)
    """
    _check_share(share)
    return _measure("top_share", value, lambda x: top_share_terms(x, share))


def headcount_for_share(value: ArrayLike1D, *, share: float = VALUE_SHARE) -> MetricValue:
    """Measure the smallest part of the customers that makes `share` of the total value.

    Parameters
    ----------
    value : array-like, shape (n,)
        As in `top_share`.
    share : float, default 0.8
        Share of the total value to reach, in (0, 1].

    Returns
    -------
    MetricValue
        Heads / all heads: `numerator` is the number of customers. None as in `top_share`.

    Raises
    ------
    ValueError
        If `share` is outside (0, 1].

    Examples
    --------
    >>> from retainkit.metrics import headcount_for_share
    >>> headcount_for_share([60.0, 20.0, 10.0, 5.0, 5.0])
    headcount_for_share = 2 / 5 = 0.4 (n = 5)
    """
    _check_share(share)
    return _measure("headcount_for_share", value, lambda x: headcount_terms(x, share))


def gini(value: ArrayLike1D) -> MetricValue:
    """Measure inequality: 0 when all values are equal, towards 1 when one customer has all.

    Parameters
    ----------
    value : array-like, shape (n,)
        Value per customer [money], none negative; NaN (unknown) is left out and noted.

    Returns
    -------
    MetricValue
        The coefficient in [0, (n - 1) / n]. None with reason `negative_values` (use the whale
        curve) or `zero_denominator`.

    Notes
    -----
    ``G = sum_i (2 i - n - 1) x_(i) / (n sum x)``, x ascending: half the relative mean absolute
    difference of the customers themselves, without a small-sample correction.

    Examples
    --------
    >>> from retainkit.metrics import gini
    >>> gini([1.0, 1.0, 2.0]).value
    0.16666666666666666
    >>> gini([-1.0, 2.0])
    gini = not computable (negative_values: undefined for negative values; – / –; n = 2)
    """
    return _measure("gini", value, gini_terms)


def hhi(value: ArrayLike1D) -> MetricValue:
    """Measure concentration as the sum of squared value shares.

    Parameters
    ----------
    value : array-like, shape (n,)
        Value per customer [money], none negative; NaN (unknown) is left out and noted.

    Returns
    -------
    MetricValue
        The Herfindahl-Hirschman index in [1 / n, 1]; its inverse is the number of equal customers
        that would be as concentrated. None with reason `negative_values` or `zero_denominator`.

    Examples
    --------
    >>> from retainkit.metrics import hhi
    >>> hhi([50.0, 50.0]).value
    0.5
    """
    return _measure("hhi", value, hhi_terms)


def top_share_terms(ascending: FloatArray, share: float = TOP_SHARE) -> Terms:
    """Return the terms of `top_share` for values sorted ascending."""
    return _on_total(ascending, lambda x: _kernel.top_terms(x, share))


def headcount_terms(ascending: FloatArray, share: float = VALUE_SHARE) -> Terms:
    """Return the terms of `headcount_for_share` for values sorted ascending."""
    return _on_total(ascending, lambda x: (float(_kernel.heads_for_value(x, share)), float(len(x))))


def gini_terms(ascending: FloatArray) -> Terms:
    """Return the terms of `gini` for values sorted ascending."""
    return _without_negatives(ascending, _kernel.gini_terms)


def hhi_terms(ascending: FloatArray) -> Terms:
    """Return the terms of `hhi` for values sorted ascending."""
    return _without_negatives(ascending, _kernel.hhi_terms)


def concentration_parts(name: str, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what each customer adds to numerator and denominator of a concentration metric.

    Equal values share their ranks, so that equal customers add the same; only at the border of
    the top group the first of equals count.
    """
    n = len(value)
    order = np.argsort(value, kind="stable")
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    if name == "hhi":
        return value * value, value * float(value.sum())
    if name == "gini":
        rank = np.searchsorted(value[order], value) + np.searchsorted(
            value[order], value, side="right"
        )
        return (rank - n) * value, n * value
    if name == "top_share":
        return np.where(place >= n - _kernel.heads_in_share(n, TOP_SHARE), value, 0.0), value
    heads = _kernel.heads_for_value(value[order], VALUE_SHARE)
    return (place >= n - heads).astype(np.float64), np.ones(n)


RESAMPLED: dict[str, Statistic] = {
    "top_share": partial(top_share_of, share=TOP_SHARE),
    "headcount_for_share": partial(headcount_of, share=VALUE_SHARE),
    "gini": gini_of,
    "hhi": hhi_of,
}
"""The metrics as statistics of packed samples, for their bootstrap intervals."""


def resampled_bounds(
    name: str, ascending: FloatArray, value: float, *, seed: int, resamples: int, level: float
) -> tuple[float, float]:
    """Return the bootstrap bounds of a metric of sorted values; NaN where there are none."""
    statistic = RESAMPLED[name]
    bounds = bootstrap_bounds(ascending, statistic, seed=seed, resamples=resamples, level=level)
    error = packing_error(ascending, statistic, value)
    return bounds[0] + error, bounds[1] + error


def _without_negatives(
    ascending: FloatArray, terms: Callable[[FloatArray], tuple[float, float]]
) -> Terms:
    """Return the terms, or the reason why negative values have none."""
    if len(ascending) and ascending[0] < 0.0:
        return Terms(np.nan, np.nan, "negative_values")
    return _on_total(ascending, terms)


def _on_total(ascending: FloatArray, terms: Callable[[FloatArray], tuple[float, float]]) -> Terms:
    """Return the terms, or the reason why the total allows none."""
    if len(ascending) and not np.isfinite(ascending[[0, -1]]).all():
        return Terms(np.nan, np.nan, "non_finite_values")
    total = float(np.sum(ascending))
    if total == 0.0:
        return Terms(0.0, 0.0, "zero_denominator")
    if total < 0.0:
        return Terms(np.nan, total, "non_positive_total")
    return Terms(*terms(ascending), None)


def _measure(name: str, value: ArrayLike1D, terms: Callable[[FloatArray], Terms]) -> MetricValue:
    """Return the envelope of a metric of one array."""
    values = np.asarray(value, dtype=np.float64)
    if values.ndim != 1:
        msg = f"value has {values.ndim} dimensions; one number per customer is needed"
        raise ValueError(msg)
    known = np.sort(values[~np.isnan(values)])
    unknown = len(values) - len(known)
    numerator, denominator, reason = terms(known)
    return MetricValue(
        name=name,
        value=None if reason else numerator / denominator,
        numerator=None if np.isnan(numerator) else numerator,
        denominator=None if np.isnan(denominator) else denominator,
        n=len(known),
        reason=reason,
        notes=(f"{unknown:,} customers of unknown value are left out",) if unknown else (),
    )


def _check_share(share: float) -> None:
    """Refuse a share outside (0, 1]."""
    if not 0.0 < share <= 1.0:
        msg = f"share is {share}; it must lie in (0, 1]"
        raise ValueError(msg)
