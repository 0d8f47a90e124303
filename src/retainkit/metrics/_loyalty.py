"""What customers say and how healthy accounts look."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import median_bounds, normal_bounds
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex
from retainkit.metrics._spells import as_contracts
from retainkit.metrics._value import MetricValue
from retainkit.typing import ArrayLike1D


def net_promoter_score(rating: ArrayLike1D, *, level: float = 0.95) -> MetricValue:
    """Measure promoters minus detractors among the answers to "would you recommend us".

    Parameters
    ----------
    rating : array-like, shape (n,)
        Whole numbers 0 to 10; NaN = no answer, left out.
    level : float, default 0.95
        Coverage of the interval.

    Returns
    -------
    MetricValue
        (ratings 9 and 10 - ratings 0 to 6) / answers, in [-1, 1], with the normal interval of its
        standard error; None with reason `zero_denominator` without answers.

    Raises
    ------
    ValueError
        If a rating is not a whole number from 0 to 10.

    Notes
    -----
    ``SE = sqrt((p + d - (p - d)^2) / n)``.

    Examples
    --------
    >>> from retainkit.metrics import net_promoter_score
    >>> result = net_promoter_score([10, 9, 9, 8, 7, 6, 3, 10, 9, 8])
    >>> result.value, result.numerator
    (0.3, 3.0)
    """
    answers = np.asarray(rating, dtype=np.float64)
    answers = answers[~np.isnan(answers)]
    if not np.isin(answers, np.arange(11)).all():
        msg = "a rating is not a whole number from 0 to 10"
        raise ValueError(msg)
    n = len(answers)
    if n == 0:
        return MetricValue("net_promoter_score", None, 0.0, 0.0, 0, reason="zero_denominator")
    promoters = int(np.count_nonzero(answers >= 9))
    detractors = int(np.count_nonzero(answers <= 6))
    value = (promoters - detractors) / n
    variance = ((promoters + detractors) / n - value**2) / n
    low, high = normal_bounds(value, variance**0.5, level)
    interval = Interval(max(low, -1.0), min(high, 1.0), "normal", level)
    return MetricValue(
        name="net_promoter_score",
        value=value,
        numerator=float(promoters - detractors),
        denominator=float(n),
        n=n,
        interval=interval,
        notes=(f"{promoters:,} promoters, {detractors:,} detractors",),
    )


def health_score(
    parts: pd.DataFrame, *, weights: Mapping[str, float], minimum_known: float = 0.5
) -> pd.DataFrame:
    """Combine signs of health into one score per customer.

    Missing parts are left out and the weights of the known ones rescaled: a customer without a
    survey is judged on what is known, and on nothing if too little is.

    Parameters
    ----------
    parts : pandas.DataFrame
        One row per customer, one column per part in [0, 1], 1 = healthy; NaN = unknown. Common
        parts are use, support, survey, timely payment and reference.
    weights : mapping of str to float
        Weight per column, positive.
    minimum_known : float, default 0.5
        Share of the total weight that must be known for a score.

    Returns
    -------
    pandas.DataFrame
        `score` in [0, 1] (NaN where too little is known) and `known`, the share of the weight, in
        the rows' order and index.

    Raises
    ------
    ValueError
        If a part lies outside [0, 1], a weight is not positive or has no column.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import health_score
    >>> parts = pd.DataFrame({"use": [0.8, None], "payment": [0.4, 1.0]})
    >>> health_score(parts, weights={"use": 3.0, "payment": 1.0})["score"].round(2).tolist()
    [0.7, nan]
    """
    names = list(weights)
    values = parts[names].to_numpy(dtype=np.float64)
    weight = np.array([weights[name] for name in names], dtype=np.float64)
    known = ~np.isnan(values)
    if not (weight > 0).all() or ((values < 0) | (values > 1)).any():
        msg = "parts lie in [0, 1] and weights are positive"
        raise ValueError(msg)
    share = (known * weight).sum(axis=1) / weight.sum()
    total = np.where(known, values, 0.0) @ weight / weight.sum()
    enough = (share >= minimum_known) & (share > 0)
    score = np.divide(total, share, out=np.full(len(share), np.nan), where=enough)
    return pd.DataFrame({"score": score, "known": share}, index=parts.index)


def resurrection_latency(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure how long those who came back in the period had been gone.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`. Purchase customers are gone from the end of
        their window, so silence is `window_days` longer.
    period : Period
        Days on which they came back, half-open.
    convention : MetricConvention, optional
        When somebody is gone.

    Returns
    -------
    MetricValue
        Median days between leaving and returning; numerator: sum of the days, denominator:
        returns. The interval of the median rests on order statistics and needs at least six
        returns (at 95 %). None with reason `zero_denominator` when nobody came back.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, resurrection_latency
    >>> base = index_contracts(pd.DataFrame({
    ...     "customer_id": ["a", "a"], "amount": [70.0, 70.0],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-03-12"]),
    ...     "end": pd.to_datetime(["2026-02-01", None]),
    ... }), as_of="2026-03-31")
    >>> resurrection_latency(base, period=Period.month(2026, 3)).value
    39.0
    """
    from retainkit.metrics._churn_forms import changes_in
    from retainkit.metrics._evaluate import settle_base
    from retainkit.metrics._snapshot import Snapshot

    if isinstance(base, PurchaseIndex):
        base = as_contracts(base, convention=convention)
    snapshot = Snapshot(settle_base(base, convention), period, convention)
    reason = snapshot.reason(needs_history=False)
    if reason is not None:
        return MetricValue(
            "resurrection_latency", None, None, None, 0, reason=reason, period=period
        )
    changes = changes_in(snapshot)
    turns = changes.take((changes.running_before > 0) != (changes.running_after > 0))
    back = np.flatnonzero(
        (turns.running_before[1:] == 0)
        & (turns.customer[1:] == turns.customer[:-1])
        & (turns.day[1:] >= period.start_day)
    )
    gap = np.sort((turns.day[back + 1] - turns.day[back]).astype(np.float64))
    level = convention.interval_level
    low, high = median_bounds(gap, level)
    known = np.isfinite(low) and convention.interval_method != "none"
    return MetricValue(
        name="resurrection_latency",
        value=float(np.median(gap)) if len(gap) else None,
        numerator=float(gap.sum()),
        denominator=float(len(gap)),
        n=len(np.unique(turns.customer[back])),
        reason=None if len(gap) else "zero_denominator",
        interval=Interval(low, high, "order statistics", level) if known else None,
        convention=convention,
        period=period,
        notes=("the value is the median",),
    )
