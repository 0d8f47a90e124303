"""p_active_within: the chance of a purchase within another window than the horizon."""

from __future__ import annotations

import numpy as np

from retainkit.forecast._learn import columns_of, lifetime_chance
from retainkit.forecast._model import ForecastModel
from retainkit.forecast._purchase_facts import PurchaseFacts, covariate_columns, known_of
from retainkit.lifetime import Covariates
from retainkit.typing import FloatArray

_LEAST_SHARE = 0.5
"""Of the tested window: times are counted in windows, and shorter windows are another matter."""


def p_active_within(
    model: ForecastModel,
    summary: PurchaseFacts,
    *,
    window_days: int,
    covariates: Covariates | None = None,
) -> FloatArray:
    """Ask a forecast for the chance of a purchase within fewer days than its horizon.

    Parameters
    ----------
    model : ForecastModel
        What was learnt.
    summary : CustomerSummary of n customers
        Customers, from `summarize_customers` or `summarize_customer`.
    window_days : int
        Days ahead, from half of the longest window that was learnt from to the whole [day].
    covariates : Covariates, optional
        As for `ForecastModel.apply`.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Probability of at least one purchase. NaN without a purchase so far, outside of these
        windows, and where neither regressions nor a lifetime model were learnt.

    Notes
    -----
    The regressions count times in units of the window, so they can be asked for another. Learnt
    for one year and asked for half of it they were off by .01 to .02 more than ones learnt for
    half a year; for a quarter by .03 and more: that is not answered.

    Examples
    --------
    >>> import numpy as np
    >>> import retainkit as rk
    >>> from retainkit.forecast import p_active_within
    >>> rows = rk.load_cdnow_sample()
    >>> model = rk.fit_forecast(rows, as_of="1998-06-30", horizon_days=180)
    >>> summary = rk.summarize_customers(rows, as_of="1998-06-30")
    >>> half = p_active_within(model, summary, window_days=90)
    >>> bool((half <= model.apply(summary).p_active).mean() > 0.99)
    True
    """
    n, window = len(summary.customer_id), float(window_days)
    p = np.full(n, np.nan)
    most = min(model.tested_days, model.horizon_days) or model.horizon_days
    least = _LEAST_SHARE * model.tested_days
    if not max(least, 1.0) <= window <= most:
        return p
    rows = np.flatnonzero(summary.occasions > 0)
    known = known_of(summary, rows, covariate_columns(model.covariates, covariates, n))
    if model.regressions is None:
        if model.lifetime is not None:
            p[rows] = lifetime_chance(model.lifetime, known, window)
        return p
    columns = columns_of(model.regressions, model.lifetime, known, window, model.scales)
    p[rows] = model.regressions.p_active(columns)
    return p
