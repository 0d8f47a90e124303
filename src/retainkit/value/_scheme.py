"""fit_value_scheme: the thresholds of the four criteria, learnt once and reusable."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from retainkit._core.arrays import check_shapes
from retainkit._core.config import FrozenModel
from retainkit.typing import FloatArray, NonNegativeFloat
from retainkit.value._catalog import ValueCriterion
from retainkit.value._config import CriterionConfig, ValueConfig
from retainkit.value._kernel_score import yearly_contribution
from retainkit.value._summary import Basis, CustomerSummary

_YEAR_DAYS = 365.25


class ValueScheme(FrozenModel):
    """Thresholds of the four criteria: what `score_value` needs besides the customers.

    Parameters
    ----------
    config : ValueConfig
        What was chosen.
    basis : {"profit", "revenue"}
        What contributions were counted in when the scheme was learnt.
    historical_contribution, business_breadth, future_potential, background : float or None
        Threshold of each criterion; None where the base gave no value to learn a quantile from: the
        criterion is then not scored.
    n : int
        Customers it was learnt from.

    Examples
    --------
    >>> from retainkit.value import ValueConfig, ValueScheme
    >>> scheme = ValueScheme(config=ValueConfig(), basis="profit", historical_contribution=100.0,
    ...                      business_breadth=1.0, future_potential=50.0, background=0.0, n=3)
    >>> ValueScheme.from_json(scheme.to_json()) == scheme
    True
    """

    config: ValueConfig
    basis: Basis
    historical_contribution: NonNegativeFloat | None
    business_breadth: NonNegativeFloat | None
    future_potential: NonNegativeFloat | None
    background: NonNegativeFloat | None
    n: int

    def threshold(self, criterion: ValueCriterion) -> float | None:
        """Return the amount a customer must exceed to pass `criterion` [unit of the criterion]."""
        amount: float | None = getattr(self, criterion.value)
        return amount

    def weight(self, criterion: ValueCriterion) -> float:
        """Return the configured weight of `criterion`, not below 0, before it is shared out."""
        config: CriterionConfig = getattr(self.config, criterion.value)
        return config.weight


def fit_value_scheme(
    summary: CustomerSummary,
    *,
    future_value: FloatArray | None = None,
    background: FloatArray | None = None,
    business_breadth: FloatArray | None = None,
    config: ValueConfig | None = None,
) -> ValueScheme:
    """Learn the threshold of each criterion from a base of customers.

    Parameters
    ----------
    summary : CustomerSummary
        The base.
    future_value : numpy.ndarray of float64, shape (n,), optional
        Expected future value [money], for example `expected_lifetime_value`.
    background : numpy.ndarray of float64, shape (n,), optional
        Strategic facts per customer (NaN = not known); needed only for a quantile of them.
    business_breadth : numpy.ndarray of float64, shape (n,), optional
        Breadth to judge instead of the number of lines, for example the effective number
        `behavior.lines.effective`, in which a line bought from once in passing hardly counts.
    config : ValueConfig, optional
        What was chosen; the defaults of `ValueConfig` when None.

    Returns
    -------
    ValueScheme
        Absolute thresholds as given; quantiles as the customer's value at that share of the base
        (inverse of the empirical distribution), or 0 if that is negative.

    Raises
    ------
    AlignmentError
        If an array does not have one value per customer.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.value import fit_value_scheme, summarize_customers
    >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> scheme = fit_value_scheme(summary)
    >>> scheme.historical_contribution, scheme.business_breadth, scheme.future_potential
    (93.76, 1.0, None)
    """
    config = ValueConfig() if config is None else config
    check_shapes(
        len(summary),
        future_value=future_value,
        background=background,
        business_breadth=business_breadth,
    )
    past = historical_contribution(summary, config)
    breadth = known_breadth(summary) if business_breadth is None else business_breadth
    return ValueScheme(
        config=config,
        basis=summary.basis,
        historical_contribution=_learn(config.historical_contribution, past),
        business_breadth=_learn(config.business_breadth, breadth),
        future_potential=_learn(config.future_potential, future_value),
        background=_learn(config.background, background),
        n=len(summary),
    )


def historical_contribution(summary: CustomerSummary, config: ValueConfig) -> FloatArray:
    """Return the yearly contribution so far [money/year]."""
    years = summary.with_unit("day").age
    years /= _YEAR_DAYS
    return yearly_contribution(summary.contribution, years, config.min_relation_days / _YEAR_DAYS)


def known_breadth(summary: CustomerSummary) -> FloatArray | None:
    """Return distinct business lines, NaN where none is known; None without the column."""
    if summary.breadth is None:
        return None
    return np.where(summary.breadth > 0, summary.breadth, np.nan)


def or_unknown(values: FloatArray | None, n: int) -> FloatArray:
    """Return `values`; for None one NaN seen n times, which takes no memory."""
    return np.broadcast_to(np.float64(np.nan), (n,)) if values is None else values


def _learn(criterion: CriterionConfig, values: npt.NDArray[Any] | None) -> float | None:
    """Return the threshold of a criterion; None where the base gives no quantile."""
    if criterion.quantile is None:
        return criterion.threshold
    if values is None:
        return None
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    # inverted_cdf returns a value of the base: no interpolation noise between tied customers.
    return max(float(np.quantile(known, criterion.quantile, method="inverted_cdf")), 0.0)
