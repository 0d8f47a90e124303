"""A rate of one length of time, on another."""

from __future__ import annotations


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
