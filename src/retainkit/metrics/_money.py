"""Money and purchases per customer, and recurring revenue kept."""

from __future__ import annotations

from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._documented import documented
from retainkit.metrics._evaluate import measure
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex
from retainkit.metrics._value import MetricValue


@documented
def purchases_per_customer(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure how often those who bought in the period did so.

    Purchases on one day are one occasion.

    Returns
    -------
    MetricValue
        Purchase occasions (distinct customer and day) / buyers.
        None with reason `zero_denominator` (nobody bought), `incomplete_period` or
        `not_observed`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, purchases_per_customer
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> purchases_per_customer(base, period=Period.quarter(1998, 1))
    purchases_per_customer = 656 / 384 = 1.708 (95 % linearised 1.577 to 1.840; n = 384; 1998-Q1)
    """
    return measure("purchases_per_customer", base, period=period, convention=convention)


@documented
def average_order_value(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the revenue per purchase occasion.

    Returns of the period lower the revenue of its buyers unless the convention ignores refunds;
    returns of customers who bought nothing in the period are left out.

    Returns
    -------
    MetricValue
        Revenue / purchase occasions (distinct customer and day) [money].
        None with reason `zero_denominator` (nobody bought), `incomplete_period` or
        `not_observed`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, average_order_value
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> average_order_value(base, period=Period.quarter(1998, 1))
    average_order_value = 24,886.58 / 656 = 37.94 (95 % linearised 35.16 to 40.71; n = 384; 1998-Q1)
    """
    return measure("average_order_value", base, period=period, convention=convention)


@documented
def average_revenue_per_customer(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the revenue per customer who bought in the period.

    It is the product of `purchases_per_customer` and `average_order_value`.

    Returns
    -------
    MetricValue
        Revenue / buyers [money].
        None with reason `zero_denominator` (nobody bought), `incomplete_period` or
        `not_observed`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, average_revenue_per_customer
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> result = average_revenue_per_customer(base, period=Period.quarter(1998, 1))
    >>> print(f"{result.value:.2f}, {result.interval.lower:.2f} to {result.interval.upper:.2f}")
    64.81, 57.85 to 71.77
    """
    return measure("average_revenue_per_customer", base, period=period, convention=convention)


@documented
def gross_revenue_retention(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the recurring amount of the start that was kept.

    The minimum is taken per customer, so growth of one cannot hide the loss of another.

    For purchases the amount is the revenue of the `window_days` before each end of the period.

    Returns
    -------
    MetricValue
        Sum of min(amount at start, amount at end) / sum of amount at start, over the customers of
        the start; in [0, 1]. None with reason `zero_denominator`,
        `negative_values`, `incomplete_period` or `not_observed`.

    References
    ----------
    Gold, C. (2020). Fighting Churn with Data, sections 2.1 and 2.4.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, gross_revenue_retention
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-01"]),
    ...     "end": pd.to_datetime([None, "2026-03-10", "2026-03-20"]),
    ...     "amount": [100.0, 100.0, 100.0],
    ... })
    >>> upgrade = pd.DataFrame({
    ...     "customer_id": ["b"], "start": pd.to_datetime(["2026-03-10"]),
    ...     "end": pd.to_datetime([None]), "amount": [150.0],
    ... })
    >>> base = index_contracts(pd.concat([contracts, upgrade]), as_of="2026-03-31")
    >>> gross_revenue_retention(base, period=Period.month(2026, 3))
    gross_revenue_retention = 200 / 300 = 0.6667 (n = 3; 2026-03)
    """
    return measure("gross_revenue_retention", base, period=period, convention=convention)


@documented
def net_revenue_retention(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the recurring amount at the end of the customers of the start.

    The customers are fixed at the start: new and returned customers never enter.

    For purchases the amount is the revenue of the `window_days` before each end of the period.

    Returns
    -------
    MetricValue
        Sum of amount at end / sum of amount at start, over the customers of the start; above 1
        when growth exceeds loss. None with reason `zero_denominator`,
        `negative_values`, `incomplete_period` or `not_observed`.

    References
    ----------
    Gold, C. (2020). Fighting Churn with Data, sections 2.1 and 2.4.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, net_revenue_retention
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-01"]),
    ...     "end": pd.to_datetime([None, "2026-03-10", "2026-03-20"]),
    ...     "amount": [100.0, 100.0, 100.0],
    ... })
    >>> upgrade = pd.DataFrame({
    ...     "customer_id": ["b"], "start": pd.to_datetime(["2026-03-10"]),
    ...     "end": pd.to_datetime([None]), "amount": [150.0],
    ... })
    >>> base = index_contracts(pd.concat([contracts, upgrade]), as_of="2026-03-31")
    >>> net_revenue_retention(base, period=Period.month(2026, 3))
    net_revenue_retention = 250 / 300 = 0.8333 (n = 3; 2026-03)
    """
    return measure("net_revenue_retention", base, period=period, convention=convention)
