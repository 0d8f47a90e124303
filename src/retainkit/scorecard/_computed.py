"""Measures of the map that customers, tiers, metrics and the input tables give."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.metrics import (
    MetricConvention,
    MetricTable,
    MetricValue,
    Period,
    share_of_wallet,
)
from retainkit.tiers import TierPyramid, WhaleCurve
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary

EVENT_MEASURES: Final[dict[str, str]] = {
    "trial_users": "trial",
    "leads": "lead",
    "referrals": "referral",
    "testimonials": "testimonial",
    "suggestions": "suggestion",
}
"""Measures that count events, and the `kind` they count."""


def measure_tables(
    *,
    period: Period,
    transactions: pd.DataFrame | None = None,
    customers: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    surveys: pd.DataFrame | None = None,
    top_satisfaction: float | None = None,
    strategic_flag: str | None = None,
) -> dict[str, MetricValue]:
    """Compute the measures of the map that the given tables hold, for `build_scorecard`.

    What a table does not hold is left out, so that it stays missing on the map: a kind of event
    that never occurs in the table was not recorded, which is not the same as zero.

    Parameters
    ----------
    period : Period
        Days measured, half-open.
    transactions, customers, events, surveys : pandas.DataFrame, optional
        Valid tables (see `retainkit.tables`); `category_spending` is that of a time as long as
        the period.
    top_satisfaction : float, optional
        Lowest `satisfaction` of the top class, on the survey's scale.
    strategic_flag : str, optional
        Column of truth values in `customers` that marks strategic accounts.

    Returns
    -------
    dict of str to MetricValue
        By measure id: revenue_from_new_customers, relationship_depth,
        revenue_beyond_entry_product (with `business_line`), share_of_wallet (with
        `category_spending`), strategic_accounts, highly_satisfied_share,
        complaint_resolution_time (with `resolved_at`) and counts of events: trial_users, leads,
        referrals, testimonials, suggestions.

    Raises
    ------
    SchemaError
        If `strategic_flag` is no column.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period
    >>> from retainkit.scorecard import measure_tables
    >>> events = pd.DataFrame({"customer_id": [1, 2], "kind": ["referral", "referral"],
    ...                        "timestamp": pd.to_datetime(["2026-03-02", "2026-04-02"])})
    >>> found = measure_tables(period=Period.month(2026, 3), events=events)
    >>> {name: value.value for name, value in found.items()}
    {'referrals': 1.0}
    """
    found: dict[str, MetricValue] = {}
    if transactions is not None:
        found |= _from_transactions(transactions, period)
        if customers is not None and "category_spending" in customers.columns:
            found["share_of_wallet"] = _wallet(transactions, customers, period)
    if customers is not None and strategic_flag is not None:
        if strategic_flag not in customers.columns:
            raise SchemaError(
                f"no column {strategic_flag!r}",
                rule="strategic accounts are marked in the customers table",
                where="customers",
                fix=f"choose from {list(map(str, customers.columns))[:8]}",
            )
        marked = float(customers[strategic_flag].astype("boolean").fillna(False).sum())
        found["strategic_accounts"] = _value(
            "strategic_accounts", marked, None, len(customers), period
        )
    if events is not None:
        found |= _from_events(events, period)
    if surveys is not None and top_satisfaction is not None and "satisfaction" in surveys.columns:
        answers = surveys.loc[_inside(surveys["timestamp"], period), "satisfaction"].dropna()
        top = float((answers >= top_satisfaction).sum())
        name = "highly_satisfied_share"
        found[name] = _value(name, top, float(len(answers)), len(answers), period)
    return found


def _from_transactions(transactions: pd.DataFrame, period: Period) -> dict[str, MetricValue]:
    """Return revenue of new customers and beyond the entry line."""
    bought = transactions[transactions["amount"] >= 0.0]
    first = bought.groupby("customer_id")["timestamp"].min()
    new = first.index[_inside(first, period)]
    now = transactions[_inside(transactions["timestamp"], period)]
    own = now[now["customer_id"].isin(new)]
    name = "revenue_from_new_customers"
    found = {name: _value(name, float(own["amount"].sum()), None, len(new), period)}
    if "business_line" not in transactions.columns:
        return found
    buyers = now.loc[now["amount"] >= 0.0, ["customer_id", "business_line"]].drop_duplicates()
    heads = buyers["customer_id"].nunique()
    name = "relationship_depth"
    found[name] = _value(name, float(len(buyers)), float(heads), heads, period)
    entry = bought.sort_values(["timestamp", "amount"], kind="stable").drop_duplicates(
        "customer_id"
    )
    line = now["customer_id"].map(entry.set_index("customer_id")["business_line"].astype("object"))
    other = now["business_line"].astype("object") != line
    name = "revenue_beyond_entry_product"
    found[name] = _value(name, float(now.loc[other, "amount"].sum()), None, heads, period)
    return found


def _wallet(transactions: pd.DataFrame, customers: pd.DataFrame, period: Period) -> MetricValue:
    """Return the share of wallet of the period."""
    now = transactions[_inside(transactions["timestamp"], period)]
    spent = now.groupby("customer_id")["amount"].sum().reindex(customers["customer_id"])
    wallet = customers["category_spending"].to_numpy(dtype=np.float64, na_value=np.nan)
    value = share_of_wallet(spent.fillna(0.0).to_numpy(), wallet, source="customers table")
    return value._replace(period=period)


def _from_events(events: pd.DataFrame, period: Period) -> dict[str, MetricValue]:
    """Return counts of events and the time to resolve complaints."""
    kind = events["kind"].astype("object")
    inside = _inside(events["timestamp"], period)
    found = {}
    for name, word in EVENT_MEASURES.items():
        if (kind == word).any():
            count = float((inside & (kind == word)).sum())
            found[name] = _value(name, count, None, int(count), period)
    if "resolved_at" in events.columns and (kind == "complaint").any():
        solved = events[inside & (kind == "complaint") & events["resolved_at"].notna()]
        took = (solved["resolved_at"] - solved["timestamp"]).dt.total_seconds() / 86_400.0
        name = "complaint_resolution_time"
        value = _value(name, float(took.sum()), float(len(took)), len(took), period)
        unsolved = int((inside & (kind == "complaint")).sum()) - len(took)
        notes = (f"{unsolved:,} complaints are not resolved yet",) if unsolved else ()
        found[name] = value._replace(notes=notes)
    return found


def _inside(timestamp: Any, period: Period) -> Any:
    """Return which times lie in the period."""
    return (timestamp >= pd.Timestamp(period.start)) & (timestamp < pd.Timestamp(period.end))


def _value(
    name: str, numerator: float, denominator: float | None, n: int, period: Period
) -> MetricValue:
    """Return the envelope of a count or a quotient."""
    empty = denominator == 0.0
    value = numerator if denominator is None else None if empty else numerator / denominator
    return MetricValue(
        name=name,
        value=value,
        numerator=numerator,
        denominator=denominator,
        n=n,
        reason="zero_denominator" if empty else None,
        convention=MetricConvention(),
        period=period,
    )


def measure_customers(
    summary: CustomerSummary,
    *,
    lifetime_value: FloatArray | None,
    metrics: MetricTable,
    pyramid: TierPyramid,
    whale: WhaleCurve,
) -> dict[str, MetricValue | float | None]:
    """Compute the measures of the map that summary, tiers and metrics give, for `build_scorecard`.

    Parameters
    ----------
    summary : CustomerSummary
        What each customer bought.
    lifetime_value : ndarray of float, shape (n,), or None
        Expected discounted profit of each customer to the end of the relation [money]; NaN = not
        known. None: not computed; what is expected of one horizon is not a lifetime.
    metrics : MetricTable
        Metrics of the base.
    pyramid : TierPyramid
        Heads per tier, the best first.
    whale : WhaleCurve
        Contribution so far.

    Returns
    -------
    dict of str to (MetricValue, float or None)
        By measure id: premium_customers, customer_lifetime_value (mean of the known ones; None
        without any), retention_rate and average_revenue_per_customer as far as `metrics` holds
        them, products_per_customer (with business lines), and unprofitable_share
        where contributions are profits; profit_per_customer where the cost to serve is known too.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.scorecard import measure_customers
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> found = measure_customers(
    ...     result.history, lifetime_value=result.scores.lifetime_value,
    ...     metrics=result.metrics, pyramid=result.pyramid, whale=result.whale)
    >>> bool(found["premium_customers"] == result.pyramid.customers[0])
    True
    """
    found: dict[str, MetricValue | float | None] = {
        "premium_customers": float(pyramid.customers[0]),
    }
    if lifetime_value is not None:
        known = lifetime_value[np.isfinite(lifetime_value)]
        found["customer_lifetime_value"] = _mean(known)
    for name in ("retention_rate", "average_revenue_per_customer"):
        if name in set(metrics.to_frame()["metric"]):  # contracts have no average revenue
            found[name] = metrics.get(name)
    if summary.basis == "profit":
        if summary.cost_to_serve is not None:
            found["profit_per_customer"] = whale.total / whale.n if whale.n else None
        found["unprofitable_share"] = whale.n_unprofitable / whale.n if whale.n else None
    if summary.breadth is not None:
        found["products_per_customer"] = float(summary.breadth.mean())
    return found


def _mean(values: FloatArray) -> float | None:
    """Return the mean, the same to the last bit in any order; None without values."""
    return math.fsum(values) / len(values) if len(values) else None
