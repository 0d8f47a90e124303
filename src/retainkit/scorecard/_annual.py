"""Two fronts of a year: winning new customers beside keeping and growing those we have."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.catalogue import Catalogue, read_catalogue, read_labels
from retainkit._core.columns import Column, taken
from retainkit._core.labels import Label
from retainkit._core.result import TranslatedTable, frame_html
from retainkit.errors import SchemaError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    PurchaseIndex,
    compute_metric,
    net_revenue_retention,
    retention_rate,
    revenue_movements,
)
from retainkit.typing import Language

_CONVENTION = MetricConvention()


class FrontLine(NamedTuple):
    """One line of a front.

    Attributes
    ----------
    id : str
        Stable name.
    front : str
        "expansion" (new customers) or "consolidation" (existing ones).
    unit : str
        "customers", "money" or "share".
    direction : str
        "up" or "down": what is better.
    name : Label
        Both display names.
    """

    id: str
    front: str
    unit: str
    direction: str
    name: Label


FRONT_NAMES: Final = read_labels("retainkit.scorecard", "names", "fronts")
"""Display names of the two fronts."""

_FIELDS = read_labels("retainkit.scorecard", "names", "fields")
_MARKS = {"en": ("yes", "no"), "zh": ("是", "否")}


def _read_lines() -> Mapping[str, FrontLine]:
    rows = read_catalogue("retainkit.scorecard", "fronts")
    return {
        line: FrontLine(id=line, **{**row, "name": Label(**row["name"])})
        for line, row in rows.items()
    }


FRONT_LINES: Final[Mapping[str, FrontLine]] = Catalogue(_read_lines)
"""Lines of the annual view, in display order."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TwoFronts(TranslatedTable):
    """Expansion and consolidation side by side, per period, against plan.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per period and line; read it through `to_frame`, which copies.
    periods : tuple of Period
        Periods measured.
    """

    frame: pd.DataFrame
    periods: tuple[Period, ...]

    _what: ClassVar[str] = "lines"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *taken("frame", "period", "front", "line"),
        Column("name", "_names"),
        *taken("frame", "unit", "actual", "plan", "gap", "on_plan", "reason"),
    )

    def __len__(self) -> int:
        return len(self.frame)

    def _names(self, language: Language) -> pd.Series[str]:
        return self.frame["line"].map(lambda line: FRONT_LINES[line].name.text(language))

    def summary(self) -> pd.DataFrame:
        """Return the last period with both fronts side by side.

        Index `line`; columns `front`, `actual`, `plan`, `gap`.
        """
        last = self.frame[self.frame["period"] == str(self.periods[-1])]
        return last.set_index("line")[["front", "actual", "plan", "gap"]]

    def side_by_side(
        self, *, period: Period | None = None, language: Language = "en"
    ) -> pd.DataFrame:
        """Return one period as a page to read: expansion on the left, consolidation on the right.

        Parameters
        ----------
        period : Period, optional
            One of `periods`; by default the last.
        language : {"en", "zh"}
            Language of all words.

        Returns
        -------
        pandas.DataFrame
            Texts; columns in two levels: front, and line, actual, plan, on plan. Shares in
            percent, "–" where there is no value; empty where one front has fewer lines.

        Raises
        ------
        SchemaError
            If the period was not measured.

        Examples
        --------
        >>> from retainkit.datasets import load_cdnow_sample
        >>> from retainkit.metrics import Period, index_purchases
        >>> from retainkit.scorecard import compare_fronts
        >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
        >>> page = compare_fronts(base, periods=[Period.quarter(1998, 1)]).side_by_side()
        >>> page.iloc[1].tolist()[4:]
        ['Retention rate', '49.0 %', '–', '–']
        """
        chosen = self.periods[-1] if period is None else period
        if chosen not in self.periods:
            raise SchemaError(
                f"period {chosen} was not measured",
                rule=f"periods are {', '.join(map(str, self.periods))}",
                where="period",
                fix="choose one of these",
            )
        own = self.frame[self.frame["period"] == str(chosen)]
        sides = [
            [_cells(row, language) for row in own[own["front"] == front].to_dict("records")]
            for front in FRONT_NAMES
        ]
        blank = ("",) * len(_FIELDS)
        rows = [left + right for left, right in zip_longest(*sides, fillvalue=blank)]
        heads = [name.text(language) for name in FRONT_NAMES.values()]
        fields = [name.text(language) for name in _FIELDS.values()]
        return pd.DataFrame(rows, columns=pd.MultiIndex.from_product([heads, fields]))

    def _repr_html_(self) -> str:
        head = f"<p><code>{escape(repr(self))}</code><br>{escape(str(self.periods[-1]))}</p>"
        return head + frame_html(self.side_by_side())


def _cells(row: Mapping[Hashable, Any], language: Language) -> tuple[str, ...]:
    """Return one line as texts: name, actual, plan, on plan."""
    line = FRONT_LINES[row["line"]]
    yes, no = _MARKS[language]
    mark = "–" if pd.isna(row["on_plan"]) else yes if row["on_plan"] else no
    actual, plan = (_shown(row[name], line.unit) for name in ("actual", "plan"))
    return line.name.text(language), actual, plan, mark


def _shown(value: float, unit: str) -> str:
    """Return a number as a reader wants it; a dash for none."""
    if np.isnan(value):
        return "–"
    if unit == "share":
        return f"{100.0 * value:.1f} %"
    return f"{value:,.2f}" if unit == "money" and abs(value) < 1000.0 else f"{value:,.0f}"


def compare_fronts(
    base: PurchaseIndex | ContractIndex,
    *,
    periods: Sequence[Period],
    plan: Mapping[str, float] | None = None,
    acquisition_cost: float | None = None,
    retention_cost: float | None = None,
    convention: MetricConvention = _CONVENTION,
) -> TwoFronts:
    """Put market expansion and consolidation side by side, with plan and actual.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `retainkit.metrics.index_purchases` or `index_contracts`.
    periods : sequence of Period
        Consecutive periods, usually years; plan and costs belong to the last one.
    plan : mapping of str to float, optional
        Planned values by line, such as "retention_rate"; the frame has all lines.
    acquisition_cost, retention_cost : float, optional
        Money spent on winning and on keeping in the last period.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    TwoFronts
        Lines of both fronts; money is recurring (contracts) or of the last `window_days`
        (purchases).

    Raises
    ------
    SchemaError
        If the plan names no line.
    NotComputableError
        If periods leave gaps.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases
    >>> from retainkit.scorecard import compare_fronts
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> fronts = compare_fronts(base, periods=[Period.quarter(1998, 1)],
    ...                         plan={"retention_rate": 0.55}, retention_cost=985.0)
    >>> kept = fronts.summary().loc["retention_rate"]
    >>> print(kept["front"], round(kept["actual"], 4), round(kept["gap"], 4))
    consolidation 0.49 -0.06
    >>> float(fronts.summary().loc["cost_per_kept_customer", "actual"])
    5.0
    """
    planned = dict(plan or {})
    unknown = sorted(set(planned) - set(FRONT_LINES))
    if unknown:
        raise SchemaError(
            f"the plan names {unknown}",
            rule=f"lines are {', '.join(FRONT_LINES)}",
            where="plan",
            fix="choose from these lines",
        )
    table = revenue_movements(base, periods=periods, convention=convention)
    heads, money = table.heads(), table.summary()
    parts = []
    for at, period in enumerate(periods):
        last = at == len(periods) - 1
        complete = bool(table.complete[at]) or convention.incomplete_period == "mark"
        kept = retention_rate(base, period=period, convention=convention)
        gross = compute_metric(
            base, "gross_revenue_retention", period=period, convention=convention
        )
        net = net_revenue_retention(base, period=period, convention=convention)
        count, value = heads.iloc[at], money.iloc[at]
        actual = {
            "new_customers": count["new"],
            "new_revenue": value["new"],
            "cost_per_new_customer": _per(acquisition_cost if last else None, count["new"]),
            "returned_customers": count["reactivation"],
            "retention_rate": kept.value,
            "lost_customers": count["churn"],
            "gross_revenue_retention": gross.value,
            "net_revenue_retention": net.value,
            "expansion_revenue": value["expansion"],
            "lost_revenue": value["contraction"] + value["churn"],
            "cost_per_kept_customer": _per(
                retention_cost if last else None, count["opening"] - count["churn"]
            ),
        }
        reason = kept.reason if not complete or kept.reason == "not_observed" else None
        parts.append(_period_frame(period, actual, planned if last else {}, reason))
    return TwoFronts(frame=pd.concat(parts, ignore_index=True), periods=tuple(periods))


def _per(cost: float | None, customers: float) -> float | None:
    """Return a cost per customer; None without cost or customers."""
    return None if cost is None or not customers else cost / float(customers)


def _period_frame(
    period: Period,
    actual: Mapping[str, float | None],
    plan: Mapping[str, float],
    reason: str | None,
) -> pd.DataFrame:
    """Return the lines of one period beside their plan."""
    rows = []
    for line in FRONT_LINES.values():
        value = None if reason else actual[line.id]
        goal = plan.get(line.id)
        gap = np.nan if value is None or goal is None else float(value) - goal
        better = gap >= 0 if line.direction == "up" else gap <= 0
        rows.append(
            {
                "period": str(period),
                "front": line.front,
                "line": line.id,
                "unit": line.unit,
                "actual": np.nan if value is None else float(value),
                "plan": np.nan if goal is None else float(goal),
                "gap": gap,
                "on_plan": pd.NA if np.isnan(gap) else better,
                "reason": (reason or "not_supplied") if value is None else None,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype({"on_plan": "boolean"})
