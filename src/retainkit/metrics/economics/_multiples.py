"""What keeping is worth at constant rates: multiples, lifetimes, other lengths of time."""

from __future__ import annotations

from retainkit._core.intervals import Interval
from retainkit.errors import NotComputableError
from retainkit.metrics._value import MetricValue


def margin_multiple(retention: float, *, discount_rate: float) -> float:
    """Return the value of a customer in yearly margins: the margin multiple.

    Parameters
    ----------
    retention : float
        Retention per period, in [0, 1].
    discount_rate : float
        Discount rate per period.

    Returns
    -------
    float
        ``r / (1 + i - r)``: the margin at the end of each period, infinitely long.

    Raises
    ------
    ValueError
        If ``r >= 1 + i`` or retention is negative.

    References
    ----------
    Gupta, S. & Lehmann, D. R. (2003). Customers as assets. Journal of Interactive Marketing
    17(1), 9-24.

    Examples
    --------
    >>> from retainkit.metrics import margin_multiple
    >>> round(margin_multiple(0.9, discount_rate=0.12), 2)
    4.09
    """
    _check_multiple(retention, discount_rate)
    return retention / (1.0 + discount_rate - retention)


def retention_elasticity(retention: float, *, discount_rate: float) -> float:
    """Return by how many percent the value grows per percent of retention.

    Parameters
    ----------
    retention, discount_rate : float
        As in `margin_multiple`.

    Returns
    -------
    float
        ``(1 + i) / (1 + i - r)``; published studies find 3 to 7, against about 1 for margin and
        0.02 to 0.3 for acquisition cost. It equals the duration of the customer asset.

    Raises
    ------
    ValueError
        If ``r >= 1 + i`` or retention is negative.

    References
    ----------
    Gupta, S., Lehmann, D. R. & Stuart, J. A. (2004). Valuing customers. Journal of Marketing
    Research 41(1), 7-18. Pfeifer, P. & Farris, P. (2004), The elasticity of customer value to
    retention: the duration of a customer relationship.

    Examples
    --------
    >>> from retainkit.metrics import retention_elasticity
    >>> round(retention_elasticity(0.8, discount_rate=0.12), 2)
    3.5
    """
    _check_multiple(retention, discount_rate)
    return (1.0 + discount_rate) / (1.0 + discount_rate - retention)


def expected_lifetime(
    churn: float, *, churn_interval: Interval[float] | None = None
) -> MetricValue:
    """Return the mean lifetime in periods at constant churn.

    Valid only if every period has the same hazard; `RetentionCurve.mean_lifetime` needs no such
    assumption.

    Parameters
    ----------
    churn : float
        Churn per period, in [0, 1].
    churn_interval : Interval, optional
        The interval of churn (`churn_rate(...).interval`), which then gives that of the lifetime.

    Returns
    -------
    MetricValue
        1 / churn [periods], with interval when churn has one that is above 0; None with reason
        `no_churn` at 0.

    Raises
    ------
    ValueError
        If churn lies outside [0, 1].

    Examples
    --------
    >>> from retainkit.metrics import expected_lifetime
    >>> expected_lifetime(0.05).value, expected_lifetime(0.0).reason
    (20.0, 'no_churn')
    """
    _check_churn(churn)
    if churn == 0.0:
        return MetricValue("expected_lifetime", None, 1.0, 0.0, 0, reason="no_churn")
    note = ("assumes the same churn in every period",)
    bounds = _inverted(1.0, churn_interval)
    return MetricValue("expected_lifetime", 1.0 / churn, 1.0, churn, 0, interval=bounds, notes=note)


def simple_lifetime_value(
    revenue_per_customer: float,
    *,
    margin_rate: float,
    churn: float,
    churn_interval: Interval[float] | None = None,
) -> MetricValue:
    """Return revenue per customer x margin / churn, the simplest lifetime value.

    Parameters
    ----------
    revenue_per_customer : float
        Per period [money], for example `recurring_revenue_per_customer`.
    margin_rate : float
        Profit / revenue.
    churn, churn_interval
        As in `expected_lifetime`; revenue and margin are taken as known.

    Returns
    -------
    MetricValue
        Money, not discounted; None with reason `no_churn` at churn 0.

    Raises
    ------
    ValueError
        If churn lies outside [0, 1].

    References
    ----------
    ChartMogul: customer lifetime value = ARPA x gross margin / customer churn rate.

    Examples
    --------
    >>> from retainkit.metrics import simple_lifetime_value
    >>> simple_lifetime_value(90.0, margin_rate=0.6, churn=0.05).value
    1080.0
    """
    _check_churn(churn)
    margin = revenue_per_customer * margin_rate
    if churn == 0.0:
        return MetricValue("simple_lifetime_value", None, margin, 0.0, 0, reason="no_churn")
    bounds = _inverted(margin, churn_interval)
    return MetricValue("simple_lifetime_value", margin / churn, margin, churn, 0, interval=bounds)


def _inverted(top: float, churn: Interval[float] | None) -> Interval[float] | None:
    """Return the interval of top / churn; None while churn may be 0 and there is no upper bound."""
    if churn is None or churn.lower <= 0.0:
        return None
    bounds = sorted((top / churn.upper, top / churn.lower))
    return Interval(bounds[0], bounds[1], churn.method, churn.level)


def _check_multiple(retention: float, discount_rate: float) -> None:
    """Refuse rates for which the sum has no limit."""
    if not 0.0 <= retention < 1.0 + discount_rate:
        msg = (
            f"retention {retention} must be at least 0 and below 1 + discount rate {discount_rate}"
        )
        raise ValueError(msg)


def _check_churn(churn: float) -> None:
    """Refuse churn outside [0, 1]."""
    if not 0.0 <= churn <= 1.0:
        msg = f"churn is {churn}; it must lie in [0, 1]"
        raise ValueError(msg)


_CHURN = ("churn_rate", "gross_revenue_churn")
_RETENTION = (
    "retention_rate",
    "textbook_retention_rate",
    "gross_revenue_retention",
    "net_revenue_retention",
)


def rescale_rate(churn: float, *, from_days: float, to_days: float) -> float:
    """Return the churn of another length of time at the same constant hazard.

    Never multiply churn by twelve: 10 % a month leaves 28 % after a year, not -20 %.

    Parameters
    ----------
    churn : float
        Churn over `from_days`, in [0, 1].
    from_days, to_days : float
        Lengths [day]; a month is 365 / 12 days, a year 365.

    Returns
    -------
    float
        ``1 - (1 - churn)^(to_days / from_days)``.

    Raises
    ------
    ValueError
        If churn is outside [0, 1] (net revenue churn may be: rescale its retention with
        `rescale_retention`) or a length is not positive.

    References
    ----------
    Gold, C. (2020). Fighting Churn with Data, sections 2.5 and 2.8.

    Examples
    --------
    >>> from retainkit.metrics import rescale_rate
    >>> round(rescale_rate(1 / 3, from_days=31, to_days=365), 5)
    0.99155
    """
    if not 0.0 <= churn <= 1.0:
        msg = f"churn is {churn}; it must lie in [0, 1]: use rescale_retention for net revenue"
        raise ValueError(msg)
    return 1.0 - rescale_retention(1.0 - churn, from_days=from_days, to_days=to_days)


def rescale_retention(retention: float, *, from_days: float, to_days: float) -> float:
    """Return the retention of another length of time at the same constant rate.

    Parameters
    ----------
    retention : float
        Retention over `from_days`; above 1 for net revenue that grows.
    from_days, to_days : float
        Lengths [day].

    Returns
    -------
    float
        ``retention^(to_days / from_days)``.

    Raises
    ------
    ValueError
        If retention is negative or a length is not positive.

    Examples
    --------
    >>> from retainkit.metrics import rescale_retention
    >>> round(rescale_retention(1.01, from_days=365 / 12, to_days=365), 4)
    1.1268
    """
    if not retention >= 0.0 or not from_days > 0 or not to_days > 0:
        msg = f"retention {retention}, from {from_days} to {to_days} days; none may be negative"
        raise ValueError(msg)
    return float(retention ** (to_days / from_days))


def rescale_metric(value: MetricValue, *, to_days: float) -> MetricValue:
    """Return a measured churn or retention on another length of time, with its interval.

    Parameters
    ----------
    value : MetricValue
        A churn or retention of a period; its length is that of the period.
    to_days : float
        Length [day]; a month is 365 / 12 days, a year 365.

    Returns
    -------
    MetricValue
        Value and interval rescaled at the same constant rate, noted; numerator, denominator and
        reason stay.

    Raises
    ------
    NotComputableError
        If the metric is neither churn nor retention of a period.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, rescale_metric, retention_rate
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> quarter = retention_rate(base, period=Period.quarter(1998, 2))
    >>> year = rescale_metric(quarter, to_days=365)
    >>> bool(year.interval.lower < year.value < year.interval.upper < quarter.value)
    True
    """
    if value.name not in (*_CHURN, *_RETENTION) or value.period is None:
        raise NotComputableError(
            f"{value.name} has no length of time to leave",
            rule=f"rescaled are {', '.join((*_CHURN, *_RETENTION))} of a period",
            where="rescale_metric",
            fix="measure one of these over a period",
        )
    days = value.period.days
    rescale = rescale_rate if value.name in _CHURN else rescale_retention

    def scaled(part: float) -> float:
        """Return a part of the metric on the other length of time."""
        return rescale(part, from_days=days, to_days=to_days)

    if value.value is None:
        return value
    interval = value.interval
    if interval is not None:
        bounds = scaled(max(interval.lower, 0.0)), scaled(interval.upper)
        interval = interval._replace(lower=bounds[0], upper=bounds[1])
    note = f"rescaled from {days} to {to_days:g} days at a constant rate"
    return value._replace(value=scaled(value.value), interval=interval, notes=(*value.notes, note))
