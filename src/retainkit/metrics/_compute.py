"""The metrics by name: the everyday five, any single one, and many in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.metrics._base import ContractIndex, PurchaseIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._engine import (
    evaluate,
    latest_period,
    measure,
    settle_base,
    settle_convention,
)
from retainkit.metrics._formulas import available_metrics, formula_for
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import Cells, Snapshot
from retainkit.metrics._table import OVERALL, MetricTable, read_groups
from retainkit.metrics._value import MetricValue


def compute_metric(
    base: PurchaseIndex | ContractIndex,
    metric: str,
    *,
    period: Period | None = None,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Compute one metric of the whole base, by name.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`.
    metric : str
        A name from `METRIC_DEFINITIONS`, which has its formula in words, or one of the
        convention's `own_metrics`.
    period : Period, optional
        Days measured, half-open; by default the window that ends with the base's `as_of`.
    window_days : int, optional
        Purchase data: a customer is active at the end of a day if they bought within this many
        days up to and including it [day]; by default `convention.window_days`. Contracts have no
        window.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    MetricValue
        The metric with numerator, denominator and interval; a count has neither denominator nor
        interval, and 0 means that the period was observed and nobody did. None with a reason, such
        as `zero_denominator`, `incomplete_period`, `not_observed` or `insufficient_history` (the
        window before the period starts before the data).

    Raises
    ------
    NotComputableError
        If this kind of base has no such metric, or the convention asks for a setting that is not
        honoured.

    Notes
    -----
    Amounts of purchases at an end of the period are the revenue of the `window_days` before it.
    `textbook_retention_rate` counts customers who return as kept, so it can exceed 1. Gross revenue
    retention takes the minimum of both ends per customer, so growth of one cannot hide the loss of
    another.

    References
    ----------
    Gold, C. (2020). Fighting Churn with Data, ch. 2. ChartMogul and Paddle, subscription metrics
    (recurring revenue, ARPA, ASP).

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, compute_metric, index_purchases
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> compute_metric(base, "active_customers", period=Period.quarter(1998, 1))
    active_customers = 384 (n = 384; 1998-Q1)
    >>> compute_metric(base, "textbook_retention_rate", period=Period.quarter(1998, 1))
    textbook_retention_rate = 385 / 402 = 0.9577 (95 % linearised 0.863 to 1.052; n = 402; 1998-Q1)
    """
    return measure(metric, base, period=period, window_days=window_days, convention=convention)


def retention_rate(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the customers of the start who are still there at the end.

    New and returned customers never enter the numerator.

    Parameters
    ----------
    base, period, window_days, convention
        As in `compute_metric`.

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
    return compute_metric(
        base, "retention_rate", period=period, window_days=window_days, convention=convention
    )


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

    Parameters
    ----------
    base, period, window_days, convention
        As in `compute_metric`.

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
    return compute_metric(
        base, "churn_rate", period=period, window_days=window_days, convention=convention
    )


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

    Parameters
    ----------
    base, period, window_days, convention
        As in `compute_metric`.

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
    return compute_metric(
        base, "reactivation_rate", period=period, window_days=window_days, convention=convention
    )


def repeat_rate(
    base: PurchaseIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the part of the buyers who bought on at least two days of the period.

    Purchases on one day are one occasion.

    Parameters
    ----------
    base, period, convention
        As in `compute_metric`.

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
    return compute_metric(base, "repeat_rate", period=period, convention=convention)


def net_revenue_retention(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure the recurring amount at the end of the customers of the start.

    The customers are fixed at the start: new and returned customers never enter.

    For purchases the amount is the revenue of the `window_days` before each end of the period.

    Parameters
    ----------
    base, period, convention
        As in `compute_metric`.

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
    return compute_metric(base, "net_revenue_retention", period=period, convention=convention)


def compute_metrics(
    base: PurchaseIndex | ContractIndex,
    *,
    metrics: Sequence[str] | None = None,
    by: pd.Series[Any] | None = None,
    period: Period | None = None,
    periods: Sequence[Period] | None = None,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricTable:
    """Compute many metrics from an indexed base, overall and by group, for several periods.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`; indexed once, it serves many periods.
    metrics : sequence of str, optional
        Names from `METRIC_DEFINITIONS`; by default every metric this kind of base has.
    by : pandas.Series, optional
        One label per customer, indexed by `customer_id`.
    period : Period, optional
        Days measured, half-open; by default the window that ends with the base's `as_of`.
    periods : sequence of Period, optional
        Several periods, each once; instead of `period`.
    window_days : int, optional
        Window of activity for purchase data [day]; by default `convention.window_days`.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    MetricTable
        A row per period, metric and group; `compare_groups` gives differences and ratios. What
        cannot be computed has value NaN and a reason.

    Raises
    ------
    NotComputableError
        If a metric is unknown to this kind of base, or the convention asks for a setting that is
        not honoured.
    AlignmentError
        If `by` labels a customer twice or none of the customers.
    SchemaError
        If group or metric names repeat.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, compute_metrics
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> halves = pd.Series(base.customer_id % 2 == 0, index=base.customer_id)
    >>> table = compute_metrics(
    ...     base, metrics=["active_customers"], by=halves, period=Period.month(1998, 6)
    ... )
    >>> table.groups
    ('overall', 'False', 'True')
    """
    names = available_metrics(base, convention) if metrics is None else tuple(metrics)
    if len(set(names)) < len(names) or not names:
        raise SchemaError(
            f"metrics are {list(names)}",
            rule="at least one metric, each once",
            where="metrics",
            fix=f"choose from {', '.join(available_metrics(base, convention))}",
        )
    convention = settle_convention(convention, window_days)
    seen = settle_base(base, convention)
    days = _periods(period, periods, latest_period(base, convention))
    groups, group_names = read_groups(by, base.customer_id)
    needs_history = any(formula_for(name, base, convention).needs_history for name in names)
    columns, notes = [], []
    for one in days:
        snapshot = Snapshot(seen, one, convention)
        for name in names:
            columns.append(evaluate(name, snapshot, groups))
            snapshot.forget_numbers()
        notes.append(snapshot.notes(needs_history=needs_history))
    cells = Cells(*(np.concatenate(parts) for parts in zip(*columns, strict=True)))
    return MetricTable(
        metrics=names,
        groups=(OVERALL, *group_names),
        **cells._asdict(),
        periods=days,
        as_of=base.as_of,
        convention=convention,
        period_notes=tuple(notes),
    )


def _periods(
    one: Period | None, several: Sequence[Period] | None, latest: Period
) -> tuple[Period, ...]:
    """Return the periods asked for, each once."""
    days = (one or latest,) if several is None else tuple(several)
    if not days or len(set(days)) < len(days) or (one is not None and several is not None):
        raise SchemaError(
            f"period is {one}, periods are {[str(day) for day in several or ()]}",
            rule="either one period, or several, each once",
            where="periods",
            fix="periods=[Period.month(2026, 1), Period.month(2026, 2)]",
        )
    return days
