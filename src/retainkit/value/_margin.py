"""Profit margins: learnt per customer where profit is known, else assumed and said so."""

from __future__ import annotations

from typing import Literal

import numpy as np

from retainkit._core.config import FrozenModel
from retainkit._core.kernels.sums import exact_sum
from retainkit.errors import NotComputableError
from retainkit.typing import FloatArray, NonNegativeFloat
from retainkit.value._kernel_score import fit_credibility, own_rates, shrunk_rates
from retainkit.value._summary import CustomerSummary


class MarginModel(FrozenModel):
    """Margin per unit of purchases: the base's rate and how far to trust a customer's own.

    Parameters
    ----------
    rate : float
        Earnings of the base divided by its purchases, returns and their losses included.
    credibility_occasions : float or None
        Purchase occasions at which a customer's own rate weighs one half; None pools fully.
    lowest_own_rate, highest_own_rate : float
        Own rates are taken within these, the 1 % and 99 % quantiles of the base: a cent bought and
        a hundred returned is no margin of -10,000.
    basis : {"profit", "assumed", "revenue"}
        Where earnings come from: known profit; revenue net of returns times `assumed_rate`; revenue
        net of returns, because no profit is known and none was assumed.
    assumed_rate : float or None
        The rate that was assumed.
    n : int
        Customers it was learnt from.

    Examples
    --------
    >>> from retainkit.value import MarginModel
    >>> MarginModel(rate=0.3, credibility_occasions=None, lowest_own_rate=0.3, basis="assumed",
    ...             highest_own_rate=0.3, assumed_rate=0.3, n=9).basis
    'assumed'
    """

    rate: float
    credibility_occasions: NonNegativeFloat | None
    lowest_own_rate: float
    highest_own_rate: float
    basis: Literal["profit", "assumed", "revenue"]
    assumed_rate: float | None = None
    n: int


def fit_margin(summary: CustomerSummary, *, assumed_rate: float | None = None) -> MarginModel:
    """Learn the margin per unit of purchases, and how far each customer's own is credible.

    Parameters
    ----------
    summary : CustomerSummary
        Customers to learn from.
    assumed_rate : float, optional
        Profit per unit of revenue to assume where `summary` has no profit; ignored where it has.

    Returns
    -------
    MarginModel
        Its `basis` says whether the margin was measured, assumed, or is one of revenue only.

    Raises
    ------
    NotComputableError
        If nobody in `summary` bought anything.

    Notes
    -----
    With n occasions and own rate x = earnings / purchases per customer, Var(x) = a + s2 / n: a is
    how much customers differ, s2 / n the noise that many occasions average out. Both come from two
    sums of squares; `credibility_occasions` = s2 / a. Where a is not above 0, or all n are equal,
    own rates carry no usable evidence and are pooled. Occasions, not money, are the exposure: one
    large order is no steadier than a small one.

    References
    ----------
    Bühlmann, H. & Gisler, A. (2005). A Course in Credibility Theory. Springer: section 4.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import fit_margin, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 3], "amount": [100.0, 100.0, 200.0],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> fit_margin(summary, assumed_rate=0.3).rate, fit_margin(summary).basis
    (0.3, 'revenue')
    """
    bought = summary.purchase_amount
    buyers = bought > 0
    if not buyers.any():
        raise NotComputableError(
            "no customer has purchases above 0",
            rule="margin = earnings / purchases",
            where="CustomerSummary.purchase_amount",
            fix="summarise transactions with positive amounts",
        )
    known = summary.profit is not None
    assumed = None if known else assumed_rate
    earned = _earnings(summary, assumed)[buyers]
    rate = exact_sum(earned) / exact_sum(bought)
    own = own_rates(earned, bought[buyers], -np.inf, np.inf)
    low, high = np.quantile(own, (0.01, 0.99), method="inverted_cdf").tolist()
    occasions = summary.occasions[buyers].astype(np.float64)
    return MarginModel(
        rate=rate,
        credibility_occasions=fit_credibility(np.clip(own, low, high), occasions, rate),
        lowest_own_rate=low,
        highest_own_rate=high,
        basis="profit" if known else ("revenue" if assumed is None else "assumed"),
        assumed_rate=assumed,
        n=int(np.count_nonzero(buyers)),
    )


def margin_rates(summary: CustomerSummary, margin: MarginModel) -> FloatArray:
    """Return each customer's margin per unit of purchases, shrunk towards the base's.

    Parameters
    ----------
    summary : CustomerSummary
        Customers, with profit if `margin` was learnt from profit.
    margin : MarginModel
        What `fit_margin` learnt.

    Returns
    -------
    numpy.ndarray of float64
        Rate per customer, in order; the base's rate for who bought nothing. It may be negative.

    Raises
    ------
    NotComputableError
        If `margin` is one of profit and `summary` has none.

    Notes
    -----
    (n * own + k * rate) / (n + k) with n occasions and k = `credibility_occasions`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import MarginModel, margin_rates, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2], "amount": [100.0, 300.0],
    ...                      "profit": [50.0, 30.0], "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> margin = MarginModel(rate=0.2, credibility_occasions=3.0, lowest_own_rate=-1.0,
    ...                      highest_own_rate=1.0, basis="profit", n=2)
    >>> margin_rates(summary, margin).round(4).tolist()  # own margins are 0.5 and 0.1
    [0.275, 0.175]
    """
    if margin.basis == "profit" and summary.profit is None:
        raise NotComputableError(
            "the margin was learnt from profit and the summary has none",
            rule="learn and apply a margin on the same basis",
            where="CustomerSummary.profit",
            fix="give a profit or cost column, or fit_margin(summary, assumed_rate=...)",
        )
    own = own_rates(
        _earnings(summary, margin.assumed_rate),
        summary.purchase_amount,
        margin.lowest_own_rate,
        margin.highest_own_rate,
    )
    occasions = summary.occasions.astype(np.float64)
    return shrunk_rates(own, occasions, margin.rate, margin.credibility_occasions)


def _earnings(summary: CustomerSummary, assumed_rate: float | None) -> FloatArray:
    """Return profit; contribution times the assumed rate where no profit is known."""
    if summary.profit is not None or assumed_rate is None:
        return summary.contribution
    return summary.contribution * assumed_rate
