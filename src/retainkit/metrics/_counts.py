"""Counts of customers in a period."""

from __future__ import annotations

from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._documented import documented
from retainkit.metrics._evaluate import measure
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex
from retainkit.metrics._value import MetricValue


@documented
def active_customers(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Count the customers who bought in the period.

    Returns
    -------
    MetricValue
        The count, as value and numerator; no denominator. None with reason
        `incomplete_period` or `not_observed`; 0 means that the period was observed and nobody
        did.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, active_customers
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> active_customers(base, period=Period.quarter(1998, 1))
    active_customers = 384 (n = 384; 1998-Q1)
    """
    return measure("active_customers", base, period=period, convention=convention)


@documented
def new_customers(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Count the customers who joined in the period.

    Joining is the first observed purchase or the first contract; by default a contract customer
    who also left within the period is not counted (`convention.same_period_join_leave`).

    Returns
    -------
    MetricValue
        The count, as value and numerator; no denominator. None with reason
        `incomplete_period` or `not_observed`; 0 means that the period was observed and nobody
        did.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, new_customers
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> new_customers(base, period=Period.quarter(1997, 1))
    new_customers = 2,357 (n = 2,357; 1997-Q1)
    """
    return measure("new_customers", base, period=period, convention=convention)


@documented
def returning_customers(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Count the customers who bought in the period and had bought before it.

    Returns
    -------
    MetricValue
        The count, as value and numerator; no denominator. None with reason
        `incomplete_period` or `not_observed`; 0 means that the period was observed and nobody
        did.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, returning_customers
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> returning_customers(base, period=Period.quarter(1998, 1))
    returning_customers = 384 (n = 384; 1998-Q1)
    """
    return measure("returning_customers", base, period=period, convention=convention)
