"""Many metrics in one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.metrics._cells import Cells
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._evaluate import evaluate, latest_period, settle_base, settle_convention
from retainkit.metrics._formulas import available_metrics, formula_for
from retainkit.metrics._groups import OVERALL, read_groups
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex, index_purchases
from retainkit.metrics._snapshot import Snapshot
from retainkit.metrics._table import MetricTable
from retainkit.typing import AsOf


def compute_metrics(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    metrics: Sequence[str] | None = None,
    by: pd.Series[Any] | None = None,
    period: Period | None = None,
    periods: Sequence[Period] | None = None,
    window_days: int | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
    observed_from: AsOf | None = None,
) -> MetricTable:
    """Compute many metrics from transactions, overall and by group, for one or several periods.

    The rows are read once, however many metrics, groups and periods are asked for.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions (see `retainkit.tables.validate_transactions`): `customer_id`,
        `timestamp`, `amount` [money].
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive.
    metrics : sequence of str, optional
        Names from `METRIC_DEFINITIONS`; by default every metric of purchase data.
    by : pandas.Series, optional
        One label per customer, indexed by `customer_id`. Categories keep their order and empty
        ones are shown; customers without a label form the group "unlabelled".
    period : Period, optional
        Days measured, half-open; by default the window that ends with `as_of`.
    periods : sequence of Period, optional
        Several periods, each once; instead of `period`.
    window_days : int, optional
        A customer is active at the end of a day if they bought within this many days up to and
        including it [day]; by default `convention.window_days`.
    convention : MetricConvention, optional
        What the words mean.
    observed_from : str, date, datetime or numpy.datetime64, optional
        First observed day; by default the first day with a row.

    Returns
    -------
    MetricTable
        A row per period, metric and group; `compare_groups` gives differences and ratios. What
        cannot be computed has value NaN and a reason.

    Raises
    ------
    SchemaError
        If the frame is not a valid transactions table, or group names clash.
    AsOfError
        If `as_of` is not a day or lies before every row.
    AlignmentError
        If `by` labels a customer twice or none of the customers.
    NotComputableError
        If a metric is unknown, or the convention asks for a setting that is not honoured.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, compute_metrics
    >>> table = compute_metrics(
    ...     load_cdnow_sample(), as_of="1998-06-30", period=Period.quarter(1998, 2),
    ...     metrics=("active_customers", "retention_rate", "churn_rate"), window_days=91,
    ... )
    >>> table
    <MetricTable: 3 values; next: .get("retention_rate")>
    """
    base = index_purchases(transactions, as_of=as_of, observed_from=observed_from)
    return tabulate_metrics(
        base,
        metrics=metrics,
        by=by,
        period=period,
        periods=periods,
        window_days=window_days,
        convention=convention,
    )


def tabulate_metrics(
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
    >>> from retainkit.metrics import Period, index_purchases, tabulate_metrics
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> halves = pd.Series(base.customer_id % 2 == 0, index=base.customer_id)
    >>> table = tabulate_metrics(
    ...     base, metrics=["active_customers"], by=halves, period=Period.month(1998, 6)
    ... )
    >>> table.groups
    ('overall', 'False', 'True')
    """
    names = available_metrics(base) if metrics is None else tuple(metrics)
    if len(set(names)) < len(names) or not names:
        raise SchemaError(
            f"metrics are {list(names)}",
            rule="at least one metric, each once",
            where="metrics",
            fix=f"choose from {', '.join(available_metrics(base))}",
        )
    convention = settle_convention(convention, window_days)
    seen = settle_base(base, convention)
    days = _periods(period, periods, latest_period(base, convention))
    groups, group_names = read_groups(by, base.customer_id)
    needs_history = any(formula_for(name, base).needs_history for name in names)
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
