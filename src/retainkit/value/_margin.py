"""Profit margins: learnt per customer where profit is known, else assumed and said so."""

from __future__ import annotations

from typing import Literal

import numpy as np

from retainkit._internal.config import FrozenModel
from retainkit.errors import NotComputableError
from retainkit.typing import FloatArray, NonNegativeFloat
from retainkit.value._kernel_score import fit_credibility, shrunk_rates
from retainkit.value._summary import CustomerSummary


class MarginModel(FrozenModel):
    """Margin per unit of purchases: the base's rate and how far to trust a customer's own.

    Parameters
    ----------
    rate : float
        Earnings of the base divided by its purchases, returns and their losses included.
    credibility_amount : float or None
        Purchases [money] at which a customer's own rate weighs one half; None pools fully.
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
    >>> MarginModel(rate=0.3, credibility_amount=None, basis="assumed", assumed_rate=0.3, n=9).basis
    'assumed'
    """

    rate: float
    credibility_amount: NonNegativeFloat | None
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
    With w purchases [money] and x = earnings / w per customer, Var(x) = a + s2 / w: a differs
    between customers, s2 / w is noise that many purchases average out. Both come from two weighted
    sums of squares; `credibility_amount` = s2 / a, cut at 0. Where a is not above 0, or all w are
    equal, the customers' own margins carry no usable evidence and are pooled.

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
    earned = summary.contribution * (1.0 if assumed is None else assumed)
    rate, amount = fit_credibility(earned[buyers], bought[buyers])
    return MarginModel(
        rate=rate,
        credibility_amount=amount,
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
    (earnings + k * rate) / (purchases + k) with k = `credibility_amount`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import MarginModel, margin_rates, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2], "amount": [100.0, 300.0],
    ...                      "profit": [50.0, 30.0], "timestamp": pd.to_datetime("2024-01-31")})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> margin = MarginModel(rate=0.2, credibility_amount=100.0, basis="profit", n=2)
    >>> margin_rates(summary, margin).tolist()
    [0.35, 0.125]
    """
    if margin.basis == "profit" and summary.profit is None:
        raise NotComputableError(
            "the margin was learnt from profit and the summary has none",
            rule="learn and apply a margin on the same basis",
            where="CustomerSummary.profit",
            fix="give a profit or cost column, or fit_margin(summary, assumed_rate=...)",
        )
    earned = summary.contribution
    if margin.assumed_rate is not None:
        earned = earned * margin.assumed_rate
    return shrunk_rates(earned, summary.purchase_amount, margin.rate, margin.credibility_amount)
