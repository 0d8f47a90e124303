"""Plan against actual, explained: volume, mix and rate; and who answers for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pandas as pd

from retainkit._core.columns import Column, recorded
from retainkit._core.result import ResultTable
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.policy._plan import AnnualPlan


class Actual(NamedTuple):
    """What a tier or an account really brought.

    Attributes
    ----------
    customers : float
        Customers at the end of the year, or on average over it: as the plan counts them.
    profit : float
        Of the year [money].
    spent : float
        On measures [money]; NaN = not known.
    retention : float
        Share of customers kept; NaN = not known.

    Examples
    --------
    >>> from retainkit.policy import Actual
    >>> Actual(customers=10, profit=500.0).profit
    500.0
    """

    customers: float
    profit: float
    spent: float = math.nan
    retention: float = math.nan


class PlanVariance(NamedTuple):
    """Plan against actual of one tier or account.

    Attributes
    ----------
    kind, name : str
        The line of the plan.
    owner : str or None
        Who answers for it.
    planned, actual : float
        Profit [money].
    variance : float
        actual - planned = volume + mix + rate.
    volume : float
        Because the base is larger or smaller, at planned mix and profit per customer.
    mix : float
        Because the tier's part of the base differs from the plan.
    rate : float
        Because a customer brings more or less than planned.
    over_budget : float
        Spent - budget [money]; NaN where not known.
    retention_gap : float
        Retention - target; NaN where not known.

    Examples
    --------
    >>> from retainkit.policy import PlanVariance
    >>> PlanVariance._fields[5:9]
    ('variance', 'volume', 'mix', 'rate')
    """

    kind: str
    name: str
    owner: str | None
    planned: float
    actual: float
    variance: float
    volume: float
    mix: float
    rate: float
    over_budget: float
    retention_gap: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlanReview(ResultTable):
    """Hold plan against actual, one row per line of the plan.

    Attributes
    ----------
    year : str
        Name of the period.
    rows : tuple of PlanVariance
        In the order of the plan.

    Examples
    --------
    >>> from retainkit.policy import PlanReview
    >>> PlanReview(year="2026", rows=())
    <PlanReview: 0 lines; next: .summary() or .by_owner()>
    """

    _what: ClassVar[str] = "lines"
    _next_step: ClassVar[str] = ".summary() or .by_owner()"
    _schema: ClassVar[tuple[Column, ...]] = (*recorded("rows", *PlanVariance._fields),)

    year: str
    rows: tuple[PlanVariance, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def summary(self) -> pd.DataFrame:
        """Return the variance of each tier and of the base.

        Columns name, planned, actual, variance, volume, mix, rate [money]; the last row is "total".
        """
        columns = ["planned", "actual", "variance", "volume", "mix", "rate"]
        tiers = [row for row in self.rows if row.kind == "tier"]
        total = [math.fsum(getattr(row, c) for row in tiers) for c in columns]
        lines = [[row.name, *(getattr(row, c) for c in columns)] for row in tiers]
        return pd.DataFrame([*lines, ["total", *total]], columns=["name", *columns])

    def by_owner(self) -> pd.DataFrame:
        """Return the appraisal of those who own tiers and accounts, one row per owner, sorted.

        Columns owner, lines, planned, actual, variance, rate [money] and `attained` (actual /
        planned; missing when the plan is not positive). The rate is what an owner can answer for
        best: volume and mix follow from the base.
        """
        owners = sorted({row.owner for row in self.rows if row.owner is not None})
        lines = []
        for owner in owners:
            own = [row for row in self.rows if row.owner == owner]
            planned = math.fsum(row.planned for row in own)
            actual = math.fsum(row.actual for row in own)
            lines.append(
                {
                    "owner": owner,
                    "lines": len(own),
                    "planned": planned,
                    "actual": actual,
                    "variance": actual - planned,
                    "rate": math.fsum(row.rate for row in own),
                    "attained": actual / planned if planned > 0.0 else math.nan,
                }
            )
        columns = ["owner", "lines", "planned", "actual", "variance", "rate", "attained"]
        return pd.DataFrame(lines, columns=columns)


def review_plan(
    plan: AnnualPlan,
    tiers: Mapping[str, Actual],
    *,
    accounts: Mapping[str, Actual] | None = None,
) -> PlanReview:
    """Set plan against actual and explain the difference.

    Parameters
    ----------
    plan : AnnualPlan
        The plan.
    tiers : mapping of str to Actual
        What every tier brought.
    accounts : mapping of str to Actual, optional
        What named accounts brought; accounts not named are left out.

    Returns
    -------
    PlanReview
        In the order of the plan; volume + mix + rate = variance on every row, and the tiers add
        up to the base.

    Raises
    ------
    SchemaError
        If a tier has no actual, or a name is unknown.
    InvalidTableError
        If a number of customers is negative.

    Notes
    -----
    With n, m planned customers and profit per customer, n', m' actual ones and N, N' their sums:
    volume_i = (N' - N) n_i / N m_i; mix_i = (n'_i - N' n_i / N) m_i; rate_i = n'_i (m'_i - m_i).
    A tier planned empty has no planned profit per customer: all it brings is rate. An account is
    one customer: all of its variance is rate.

    Examples
    --------
    >>> from retainkit.policy import Actual, AnnualPlan, PlanLine, review_plan
    >>> nan = float("nan")
    >>> def line(name, customers, target):
    ...     return PlanLine("tier", name, None, customers, target, target, nan, nan, nan, nan,
    ...                     nan, (), 0.0, "goal")
    >>> plan = AnnualPlan(year="2026", lines=(line("key", 10, 1000.0), line("small", 90, 900.0)))
    >>> actual = {"key": Actual(12, 1320.0), "small": Actual(98, 882.0)}
    >>> review_plan(plan, actual).summary()
        name  planned  actual  variance  volume   mix  rate
    0    key   1000.0  1320.0     320.0   100.0 100.0 120.0
    1  small    900.0   882.0     -18.0    90.0 -10.0 -98.0
    2  total   1900.0  2202.0     302.0   190.0  90.0  22.0
    """
    known = {line.name for line in plan.tiers}
    if set(tiers) != known:
        raise SchemaError(
            f"actuals for {sorted(tiers)}", rule=f"one for each tier of the plan: {sorted(known)}"
        )
    named = accounts or {}
    unknown = set(named) - {line.name for line in plan.lines if line.kind == "account"}
    if unknown:
        raise SchemaError(f"no accounts {sorted(unknown)} in the plan", rule="as planned")
    for name, actual in [*tiers.items(), *named.items()]:
        if not actual.customers >= 0:
            raise InvalidTableError(f"{actual.customers} customers", rule="0 or more", where=name)
    heads = math.fsum(line.customers for line in plan.tiers)
    heads_now = math.fsum(one.customers for one in tiers.values())
    rows = []
    for line in plan.lines:
        found = tiers.get(line.name) if line.kind == "tier" else named.get(line.name)
        if found is None:
            continue
        volume = mix = 0.0
        if line.kind == "tier" and line.customers and heads:
            each = line.target_profit / line.customers
            part = line.customers / heads
            volume = (heads_now - heads) * part * each
            mix = (found.customers - heads_now * part) * each
        variance = found.profit - line.target_profit
        rows.append(
            PlanVariance(
                kind=line.kind,
                name=line.name,
                owner=line.owner,
                planned=line.target_profit,
                actual=found.profit,
                variance=variance,
                volume=volume,
                mix=mix,
                rate=variance - volume - mix,
                over_budget=found.spent - line.budget,
                retention_gap=found.retention - line.target_retention,
            )
        )
    return PlanReview(year=plan.year, rows=tuple(rows))
