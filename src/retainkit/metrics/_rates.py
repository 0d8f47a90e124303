"""Rates of customers: kept, lost, returned, repeating."""

from __future__ import annotations

from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._documented import documented
from retainkit.metrics._evaluate import measure
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex
from retainkit.metrics._value import MetricValue


@documented
def retention_rate(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the customers of the start who are still there at the end.

    New and returned customers never enter the numerator.

    Returns
    -------
    MetricValue
        Active at both ends / active at the start, with an interval. None with reason
        `zero_denominator` (nobody was active), `insufficient_history` (the window before the
        period starts before the data), `incomplete_period` or `not_observed`.

    Notes
    -----
    Both ends are looked at when the day before them is over: a customer is active at the start
    if a purchase lies in ``[start - window_days, start)``, or a contract covers the last day
    before `start`. With a window as long as the period, retention is the share of the buyers of
    one window who buy again in the next.

    References
    ----------
    Gold, C. (2020). Fighting Churn with Data, sections 2.2 and 2.3.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, retention_rate
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> retention_rate(base, period=Period.quarter(1998, 1), window_days=91)
    retention_rate = 197 / 402 = 0.49 (95 % jeffreys 0.441 to 0.539; n = 402; 1998-Q1)
    """
    return measure(
        "retention_rate", base, period=period, window_days=window_days, convention=convention
    )


@documented
def churn_rate(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the customers of the start who are gone at the end.

    Exactly 1 minus `retention_rate` in the same convention. For purchase data it is silence, not
    a certain departure: a customer counts as gone when no purchase lies in the window.

    Returns
    -------
    MetricValue
        1 - retention; the numerator is the number of customers gone. None with the same
        reasons as `retention_rate`.

    Notes
    -----
    By `convention.denominator`:

    - "start": gone / customers of the start; "start_plus_new": gone / (those + new ones);
    - "daily": sum over days of departures / customers at the start of the day; a day with nobody
      adds nothing, and over long periods the sum may exceed 1;
    - "exposure": ``1 - exp(-departures / customer-days x days)``: unbiased with joiners, returns
      and periods observed in part.

    With `convention.counting` = "event" every departure counts, also of those who come back.

    References
    ----------
    Gold, C. (2020). Fighting Churn with Data, ch. 2; ChartMogul, Churn rate formulas ("Shopify"
    for the daily sum); Stripe Support, Calculating subscriber churn rate in Billing.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, churn_rate
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> churn_rate(base, period=Period.quarter(1998, 1), window_days=91)
    churn_rate = 205 / 402 = 0.51 (95 % jeffreys 0.461 to 0.559; n = 402; 1998-Q1)
    """
    return measure(
        "churn_rate", base, period=period, window_days=window_days, convention=convention
    )


@documented
def textbook_retention_rate(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure (customers at the end - new customers) / customers at the start.

    The formula of most textbooks. Customers who return count as kept, so it exceeds
    `retention_rate` whenever somebody came back, and can exceed 1.

    Returns
    -------
    MetricValue
        The ratio; its interval is that of a ratio of sums, as it is no proportion. None with the
        same reasons as `retention_rate`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, textbook_retention_rate
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> textbook_retention_rate(base, period=Period.quarter(1998, 1), window_days=91)
    textbook_retention_rate = 385 / 402 = 0.9577 (95 % linearised 0.863 to 1.052; n = 402; 1998-Q1)
    """
    return measure(
        "textbook_retention_rate",
        base,
        period=period,
        window_days=window_days,
        convention=convention,
    )


@documented
def reactivation_rate(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the dormant customers who are active again at the end.

    Dormant are those who joined before the period and were not active at its start; customers
    lost during the period are not in the denominator.

    Returns
    -------
    MetricValue
        Dormant at the start and active at the end / dormant at the start, with an interval.
        None with the same reasons as `retention_rate`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, reactivation_rate
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> reactivation_rate(base, period=Period.quarter(1998, 1), window_days=91)
    reactivation_rate = 188 / 1,955 = 0.09616 (95 % jeffreys ... n = 1,955; 1998-Q1)
    """
    return measure(
        "reactivation_rate", base, period=period, window_days=window_days, convention=convention
    )


@documented
def repeat_rate(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the buyers who bought on at least two days of the period.

    Purchases on one day are one occasion.

    Returns
    -------
    MetricValue
        Buyers with two or more occasions / buyers, with an interval.
        None with reason `zero_denominator` (nobody bought), `incomplete_period` or
        `not_observed`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, repeat_rate
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> repeat_rate(base, period=Period(start="1997-01-01", end="1998-07-01"))
    repeat_rate = 1,139 / 2,357 = 0.4832 (95 % jeffreys ... n = 2,357; ...)
    """
    return measure("repeat_rate", base, period=period, convention=convention)
