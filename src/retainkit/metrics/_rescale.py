"""A rate of one length of time, on another."""

from __future__ import annotations

from retainkit.errors import NotComputableError
from retainkit.metrics._value import MetricValue

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
