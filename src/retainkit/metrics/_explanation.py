"""Why a metric has its value: the formula with the numbers in it, and the people behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column, taken
from retainkit._core.result import ResultTable
from retainkit.metrics._base import ContractIndex, PurchaseIndex
from retainkit.metrics._concentration import concentration_parts
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._engine import latest_period, measure, settle_base
from retainkit.metrics._formulas import Formula, formula_for
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import Snapshot
from retainkit.metrics._value import MetricValue, shown_number, shown_value
from retainkit.metrics.movements._churn_forms import customer_days, departures, entered, is_plain

_CHURN = ("churn_rate", "retention_rate")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explanation(ResultTable):
    """One metric, explained.

    Attributes
    ----------
    value : MetricValue
        The metric.
    formula : str
        The formula in words.
    text : str
        The formula with the numbers in it, the period and the convention.
    customers : pandas.DataFrame
        `customer_id`, `numerator`, `denominator`: what each adds to both sums.
    """

    value: MetricValue
    formula: str
    text: str
    customers: pd.DataFrame

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".text, .numerator or .denominator"
    _schema: ClassVar[tuple[Column, ...]] = (
        *taken("customers", "customer_id", "numerator", "denominator"),
    )

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def numerator(self) -> pd.DataFrame:
        """Customers who add to the numerator, and how much."""
        return self._side("numerator")

    @property
    def denominator(self) -> pd.DataFrame:
        """Customers who add to the denominator, and how much."""
        return self._side("denominator")

    def _side(self, name: str) -> pd.DataFrame:
        """Return who adds to one of the sums, and how much."""
        own = self.customers[self.customers[name] != 0.0]
        return own[["customer_id", name]].reset_index(drop=True)

    def summary(self) -> pd.DataFrame:
        """Return formula, numbers and heads.

        One row.
        """
        return pd.DataFrame(
            {
                "metric": [self.value.name],
                "formula": [self.formula],
                "numerator": [self.value.numerator],
                "denominator": [self.value.denominator],
                "value": [self.value.value],
                "reason": [self.value.reason],
            }
        )


def explain(
    metric: str,
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> Explanation:
    """Explain a metric: the formula with its numbers, and the customers behind both sums.

    Parameters
    ----------
    metric : str
        A name from `METRIC_DEFINITIONS`.
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`.
    period : Period, optional
        Days measured; by default the window that ends with `as_of`.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    Explanation
        `.text`, `.numerator`, `.denominator`; no customers where there is no value.

    Raises
    ------
    NotComputableError
        If the base has no such metric.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, explain, index_contracts
    >>> base = index_contracts(pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"], "amount": [100.0, 80.0, 50.0],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-09"]),
    ...     "end": pd.to_datetime([None, "2026-03-20", None]),
    ... }), as_of="2026-03-31")
    >>> why = explain("retention_rate", base, period=Period.month(2026, 3))
    >>> print(why.text)
    retention_rate = active at the start and at the end / active at the start
                   = 1 / 2 = 0.5
    2026-03; convention retainkit: snapshot counting over the customers of the start
    >>> why.numerator["customer_id"].tolist(), why.denominator["customer_id"].tolist()
    (['a'], ['a', 'b'])
    """
    formula = formula_for(metric, base, convention)
    period = period or latest_period(base, convention)
    value = measure(metric, base, period=period, convention=convention)
    parts = np.zeros((2, len(base.customer_id)))
    if value.numerator is not None:
        snapshot = Snapshot(settle_base(base, convention), period, convention)
        parts = np.vstack(
            [np.asarray(x, dtype=np.float64) for x in _parts(metric, formula, snapshot)]
        )
    who = np.flatnonzero(parts.any(axis=0))
    words = convention.definition(metric).formula.en
    return Explanation(
        value=value,
        formula=words,
        text=_text(value, words),
        customers=pd.DataFrame(
            {
                "customer_id": base.customer_id.take(who),
                "numerator": parts[0, who],
                "denominator": parts[1, who],
            }
        ),
    )


def _parts(metric: str, formula: Formula, snapshot: Snapshot) -> tuple[Any, Any]:
    """Return what each customer adds to numerator and denominator."""
    convention = snapshot.convention
    if formula.distribution is not None:
        return _shares(metric, formula, snapshot)
    if metric not in _CHURN or is_plain(convention):
        below = None if formula.denominator is None else formula.denominator(snapshot)
        above = formula.numerator(snapshot)
        return above, np.zeros(len(above)) if below is None else below
    both = convention.same_period_join_leave == "count_both"
    if convention.denominator == "exposure":
        return departures(snapshot, flashes=True), customer_days(snapshot)
    joined = entered(snapshot)
    if convention.counting == "event" or convention.denominator == "daily":
        lost = departures(snapshot, flashes=both)
    else:
        lost = ((joined > 0) & ~snapshot.at_end).astype(np.int64)
    kept = metric == "retention_rate" and convention.denominator != "daily"
    return (joined - lost if kept else lost), joined


def _shares(metric: str, formula: Formula, snapshot: Snapshot) -> tuple[Any, Any]:
    """Return what each customer adds to the sums of a concentration metric."""
    who = np.flatnonzero(formula.population(snapshot))
    parts = concentration_parts(metric, formula.numerator(snapshot)[who])
    above, below = np.zeros((2, len(snapshot.base.customer_id)))
    above[who], below[who] = parts
    return above, below


def _text(value: MetricValue, words: str) -> str:
    """Return the formula with its numbers, the period and the convention."""
    convention = value.convention
    pad = " " * len(value.name)
    if value.value is None:
        numbers = f"not computable: {value.reason}"
    elif value.denominator is None:
        numbers = shown_value(value.value)
    elif any(note.startswith("churn = ") for note in value.notes):
        sides = f"{shown_number(value.numerator)}, {shown_number(value.denominator)}"
        numbers = f"{shown_value(value.value)} from {sides}"
    else:
        sides = f"{shown_number(value.numerator)} / {shown_number(value.denominator)}"
        numbers = f"{sides} = {shown_value(value.value)}"
    over = {
        "start": "over the customers of the start",
        "start_plus_new": "over the customers of the start and the new ones",
        "daily": "over the customers of each day",
        "exposure": "per customer-day",
    }[convention.denominator]
    lines = [f"{value.name} = {words}", f"{pad} = {numbers}"]
    lines.append(
        f"{value.period}; convention {convention.name}: {convention.counting} counting {over}"
    )
    return "\n".join([*lines, *(f"note: {note}" for note in value.notes)])
