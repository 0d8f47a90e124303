"""What an action did: always beside customers it was withheld from."""

from __future__ import annotations

import numpy as np

from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import newcombe_difference, normal_bounds, wilson
from retainkit.metrics._value import MetricValue
from retainkit.typing import ArrayLike1D

_LEVEL = 0.95


def incremental_rate(
    treated_kept: int,
    treated: int,
    *,
    control_kept: int | None,
    control: int | None,
    name: str = "incremental_retention",
) -> MetricValue:
    """Measure by how much an action raised a rate over customers held out at random.

    Parameters
    ----------
    treated_kept, treated : int
        Customers kept and customers treated.
    control_kept, control : int or None
        The same of those held out; None or 0 = there were none.
    name : str, default "incremental_retention"
        Name of the metric, such as "save_rate" (of customers about to leave, whom an offer kept)
        or "win_back_rate" (of lost ones, whom it brought back).

    Returns
    -------
    MetricValue
        Rate of the treated minus rate of the held out, with Newcombe's interval; `numerator` is
        the customers this adds up to, `denominator` the treated. None with reason
        `no_control_group` without a hold-out: a rate of the treated alone says nothing.

    Raises
    ------
    ValueError
        If counts are negative or more are kept than there were.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent
    proportions. Statistics in Medicine 17, 873-890, method 10. Ascarza, E. (2018). Retention
    futility. Journal of Marketing Research 55(1), 80-98.

    Examples
    --------
    >>> from retainkit.metrics import incremental_rate
    >>> result = incremental_rate(56, 70, control_kept=48, control=80)
    >>> round(result.value, 2), round(result.interval.lower, 4), round(result.interval.upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    counts = (treated_kept, treated, control_kept or 0, control or 0)
    if min(counts) < 0 or treated_kept > treated or counts[2] > counts[3]:
        msg = f"impossible counts: {treated_kept} of {treated}, {control_kept} of {control}"
        raise ValueError(msg)
    if not control or not treated:
        reason = "no_control_group" if not control else "zero_denominator"
        return MetricValue(name, None, None, float(treated), treated, reason=reason)  # type: ignore[arg-type]
    top = np.array([treated_kept, counts[2]], dtype=np.float64)
    bottom = np.array([treated, control], dtype=np.float64)
    rate = top / bottom
    low, high = wilson(top, bottom, _LEVEL)
    lower, upper = newcombe_difference(rate[:1], (low[:1], high[:1]), rate[1:], (low[1:], high[1:]))
    value = float(rate[0] - rate[1])
    return MetricValue(
        name=name,
        value=value,
        numerator=value * treated,
        denominator=float(treated),
        n=treated + control,
        interval=Interval(float(lower[0]), float(upper[0]), "newcombe", _LEVEL),
        notes=(
            f"treated {treated_kept:,} of {treated:,}, held out {control_kept:,} of {control:,}",
        ),
    )


def return_on_customer_data(
    treated_profit: ArrayLike1D, *, control_profit: ArrayLike1D | None, cost: float
) -> MetricValue:
    """Measure the profit that data-driven actions added, per unit of what data and actions cost.

    Parameters
    ----------
    treated_profit : array-like, shape (n,)
        Profit per customer of those the actions reached [money].
    control_profit : array-like or None
        The same of those held out at random [money].
    cost : float
        Cost of customer data and of the programme over the same time [money].

    Returns
    -------
    MetricValue
        ``n (mean treated - mean held out) / cost`` with Welch's interval. None with reason
        `no_control_group` without at least two customers held out, `zero_denominator` without
        cost.

    Raises
    ------
    ValueError
        If the cost is negative or not a number.

    Examples
    --------
    >>> from retainkit.metrics import return_on_customer_data
    >>> result = return_on_customer_data([12.0, 16.0], control_profit=[10.0, 12.0], cost=4.0)
    >>> result.value
    1.5
    >>> return_on_customer_data([12.0], control_profit=None, cost=4.0).reason
    'no_control_group'
    """
    if not cost >= 0:
        msg = f"cost is {cost}; it is a number not below 0"
        raise ValueError(msg)
    name = "return_on_customer_data"
    treated = np.asarray(treated_profit, dtype=np.float64)
    control = np.asarray([] if control_profit is None else control_profit, dtype=np.float64)
    n = len(treated)
    if len(control) < 2 or n < 2:
        return MetricValue(name, None, None, cost, n, reason="no_control_group")
    if cost == 0:
        return MetricValue(name, None, None, 0.0, n, reason="zero_denominator")
    gain = n * float(treated.mean() - control.mean())
    variance = n**2 * (treated.var(ddof=1) / n + control.var(ddof=1) / len(control)) / cost**2
    low, high = normal_bounds(gain / cost, variance**0.5, _LEVEL)
    return MetricValue(
        name=name,
        value=gain / cost,
        numerator=gain,
        denominator=cost,
        n=n + len(control),
        interval=Interval(low, high, "normal", _LEVEL),
    )
