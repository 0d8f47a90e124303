"""Recurring revenue of contracts: level, price, loss."""

from __future__ import annotations

from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._documented import documented
from retainkit.metrics._evaluate import measure
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex
from retainkit.metrics._value import MetricValue


@documented
def gross_revenue_churn(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the recurring amount of the start that was lost or contracted.

    Exactly 1 minus `gross_revenue_retention`.

    For purchases the amount is the revenue of the `window_days` before each end of the period.

    Returns
    -------
    MetricValue
        Sum of (amount at start - min(amount at start, at end)) / sum of amount at start, over the
        customers of the start; in [0, 1]. None with the same reasons as gross retention.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, gross_revenue_churn
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-05"]),
    ...     "end": pd.to_datetime([None, "2026-03-10", None]),
    ...     "amount": [100.0, 60.0, 80.0],
    ... })
    >>> base = index_contracts(contracts, as_of="2026-03-31")
    >>> gross_revenue_churn(base, period=Period.month(2026, 3))
    gross_revenue_churn = 60 / 160 = 0.375 (n = 2; 2026-03)
    """
    return measure("gross_revenue_churn", base, period=period, convention=convention)


@documented
def recurring_revenue(
    base: ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Add up the recurring amount of the contracts that run at the end of the period.

    Several plans of one customer are added up.

    Returns
    -------
    MetricValue
        Money per billing period, as value and numerator; 0 means that nothing runs.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, recurring_revenue
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-05"]),
    ...     "end": pd.to_datetime([None, "2026-03-10", None]),
    ...     "amount": [100.0, 60.0, 80.0],
    ... })
    >>> base = index_contracts(contracts, as_of="2026-03-31")
    >>> recurring_revenue(base, period=Period.month(2026, 3))
    recurring_revenue = 180 (n = 2; 2026-03)
    """
    return measure("recurring_revenue", base, period=period, convention=convention)


@documented
def recurring_revenue_per_customer(
    base: ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the recurring amount per customer at the end of the period (ARPA).

    Times margin, over churn, it is the simplest lifetime value: `simple_lifetime_value`.

    Returns
    -------
    MetricValue
        Recurring amount at the end / customers at the end [money per billing period]. None with
        reason `zero_denominator` when nobody is left.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, recurring_revenue_per_customer
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-05"]),
    ...     "end": pd.to_datetime([None, "2026-03-10", None]),
    ...     "amount": [100.0, 60.0, 80.0],
    ... })
    >>> base = index_contracts(contracts, as_of="2026-03-31")
    >>> recurring_revenue_per_customer(base, period=Period.month(2026, 3))
    recurring_revenue_per_customer = 180 / 2 = 90 (n = 2; 2026-03)
    """
    return measure("recurring_revenue_per_customer", base, period=period, convention=convention)


@documented
def average_sale_price(
    base: ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the recurring amount per new customer of the period (ASP).

    New are those who joined in the period and are there at its end.

    Returns
    -------
    MetricValue
        Recurring amount of new customers / new customers [money per billing period]. None with
        reason `zero_denominator` when nobody joined.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, average_sale_price
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-05"]),
    ...     "end": pd.to_datetime([None, "2026-03-10", None]),
    ...     "amount": [100.0, 60.0, 80.0],
    ... })
    >>> base = index_contracts(contracts, as_of="2026-03-31")
    >>> average_sale_price(base, period=Period.month(2026, 3))
    average_sale_price = 80 / 1 = 80 (n = 1; 2026-03)
    """
    return measure("average_sale_price", base, period=period, convention=convention)
