"""The metrics: names in both languages, formulas in words, units."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label

MetricKind = Literal["proportion", "ratio", "count", "distribution"]


class MetricDefinition(FrozenConfig):
    """One metric as data: what a table of contents, a report or a scorecard shows.

    Parameters
    ----------
    name : str
        Name in code and in tables.
    label : Label
        Display name in English and Chinese.
    formula : str
        Numerator / denominator in words.
    kind : {"proportion", "ratio", "count", "distribution"}
        A proportion has an interval; a distribution is measured on sorted values.
    unit : {"share", "money", "customers", "occasions"}
        Unit of the value.

    Examples
    --------
    >>> from retainkit.metrics import METRIC_DEFINITIONS
    >>> METRIC_DEFINITIONS["retention_rate"].label.zh
    '客户保持率'
    """

    name: str
    label: Label
    formula: str
    kind: MetricKind
    unit: Literal["share", "money", "customers", "occasions"]


_Unit = Literal["share", "money", "customers", "occasions"]


def _define(
    name: str, kind: MetricKind, unit: _Unit, texts: tuple[str, str], formula: str
) -> MetricDefinition:
    """Return one definition."""
    label = Label(en=texts[0], zh=texts[1])
    return MetricDefinition(name=name, label=label, formula=formula, kind=kind, unit=unit)


METRIC_DEFINITIONS: Mapping[str, MetricDefinition] = MappingProxyType(
    {
        definition.name: definition
        for definition in (
            _define(
                "active_customers",
                "count",
                "customers",
                ("Active customers", "活跃客户数"),
                "customers who bought in the period",
            ),
            _define(
                "new_customers",
                "count",
                "customers",
                ("New customers", "新客户数"),
                "customers whose first purchase or contract lies in the period",
            ),
            _define(
                "returning_customers",
                "count",
                "customers",
                ("Returning customers", "回头客户数"),
                "customers who bought in the period and before it",
            ),
            _define(
                "retention_rate",
                "proportion",
                "share",
                ("Retention rate", "客户保持率"),
                "active at the start and at the end / active at the start",
            ),
            _define(
                "churn_rate",
                "proportion",
                "share",
                ("Churn rate", "客户流失率"),
                "active at the start and not at the end / active at the start",
            ),
            _define(
                "textbook_retention_rate",
                "ratio",
                "share",
                ("Retention rate (E - N) / S", "客户保持率（教科书公式）"),
                "(active at the end - new in the period) / active at the start",
            ),
            _define(
                "reactivation_rate",
                "proportion",
                "share",
                ("Reactivation rate", "客户唤回率"),
                "dormant at the start and active at the end / dormant at the start",
            ),
            _define(
                "repeat_rate",
                "proportion",
                "share",
                ("Repeat purchase rate", "重复购买率"),
                "buyers with at least two occasions in the period / buyers in the period",
            ),
            _define(
                "purchases_per_customer",
                "ratio",
                "occasions",
                ("Purchases per customer", "人均购买次数"),
                "purchase occasions / buyers in the period",
            ),
            _define(
                "average_order_value",
                "ratio",
                "money",
                ("Average order value", "客单价"),
                "revenue / purchase occasions in the period",
            ),
            _define(
                "average_revenue_per_customer",
                "ratio",
                "money",
                ("Average revenue per customer", "客均收入"),
                "revenue of the buyers / buyers in the period",
            ),
            _define(
                "gross_revenue_retention",
                "ratio",
                "share",
                ("Gross revenue retention", "总收入留存率"),
                "sum of min(amount at start, at end) / amount at start, customers of the start",
            ),
            _define(
                "net_revenue_retention",
                "ratio",
                "share",
                ("Net revenue retention", "净收入留存率"),
                "amount at end / amount at start, customers of the start",
            ),
            _define(
                "gross_revenue_churn",
                "ratio",
                "share",
                ("Gross revenue churn", "总收入流失率"),
                "sum of what was lost or contracted / amount at start, customers of the start",
            ),
            _define(
                "recurring_revenue",
                "count",
                "money",
                ("Recurring revenue", "经常性收入"),
                "amount of the contracts that run at the end",
            ),
            _define(
                "recurring_revenue_per_customer",
                "ratio",
                "money",
                ("Recurring revenue per customer", "客均经常性收入"),
                "recurring revenue at the end / customers at the end",
            ),
            _define(
                "average_sale_price",
                "ratio",
                "money",
                ("Average sale price", "平均签约单价"),
                "recurring revenue at the end of new customers / new customers still there",
            ),
            _define(
                "top_share",
                "distribution",
                "share",
                ("Share of the top 20 % of customers", "前20%客户的贡献占比"),
                "value of the best fifth of heads (rounded up) / total value",
            ),
            _define(
                "headcount_for_share",
                "distribution",
                "share",
                ("Customers behind 80 % of value", "贡献80%价值的客户占比"),
                "fewest heads whose values reach 80 % of the total / heads",
            ),
            _define(
                "gini",
                "distribution",
                "share",
                ("Gini coefficient", "基尼系数"),
                "sum of (2 i - n - 1) x_i / (n sum of x), ascending",
            ),
            _define(
                "hhi",
                "distribution",
                "share",
                ("Herfindahl-Hirschman index", "赫芬达尔指数"),
                "sum of squared values / squared sum",
            ),
        )
    }
)
"""Every metric of `tabulate_metrics`, by name, in display order."""
