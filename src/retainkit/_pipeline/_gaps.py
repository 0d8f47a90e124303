"""What a run could not compute, why, and which table would enable it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from retainkit._pipeline._config import PipelineConfig

if TYPE_CHECKING:
    from retainkit._pipeline._customers import CustomerScores
    from retainkit._pipeline._tables import ValidTables


class Gap(NamedTuple):
    """One thing that a run did not compute.

    Attributes
    ----------
    what : str
        The result that is missing.
    why : str
        The reason.
    enabled_by : str
        The table, column or setting that would enable it.

    Examples
    --------
    >>> from retainkit.pipeline import Gap
    >>> Gap(what="cause of leaving", why="no events table", enabled_by="events=").enabled_by
    'events='
    """

    what: str
    why: str
    enabled_by: str


_TABLE_GAPS: dict[str, tuple[Gap, ...]] = {
    "customers": (
        Gap("standing (bad payers)", "no customers table", "customers= with credit_standing"),
        Gap("background of business customers", "no customers table", "customers= with kind"),
        Gap("share of wallet", "no customers table", "customers= with category_spending"),
    ),
    "contracts": (
        Gap("contract retention, revenue retention", "no contracts table", "contracts="),
    ),
    "events": (Gap("cause of leaving", "no events table", "events="),),
    "surveys": (Gap("satisfaction and recommendation", "no surveys table", "surveys="),),
    "activities": (
        Gap("cost to serve", "no activities table", "activities= and activity_rates or cost_pools"),
    ),
}

NO_PROFIT = Gap(
    "profit per customer", "transactions carry neither profit nor cost", "a profit or cost column"
)
NO_CONTRACT_PROFIT = Gap(
    "profit per customer", "contracts carry no cost", "value.margin_rate in the configuration"
)
NO_PLANS = Gap("business breadth", "contracts name no plan", "contracts= with plan")
NO_LINES = Gap("business breadth", "transactions carry no business line", "a business_line column")
_NO_RATES = Gap(
    "cost to serve",
    "activities have no rates",
    "activity_rates or cost_pools in the configuration",
)
_NO_WALLET = Gap(
    "share of wallet",
    "nobody's spending in the whole category is known",
    "customers= with category_spending",
)
_NO_BEHAVIOR = Gap(
    "rhythm, preference and trend of spending", "not asked for", "behavior in the configuration"
)
_NO_PROFIT_FOR_COSTS = Gap(
    "cost to serve", "it is taken from profit, and none is known", "a profit or cost column"
)


def find_gaps(
    tables: ValidTables,
    scores: CustomerScores,
    of_history: tuple[Gap, ...],
    notes: tuple[str, ...],
    config: PipelineConfig,
    *,
    doubts: tuple[str, ...],
) -> tuple[Gap, ...]:
    """List what a run did not compute: tables, columns and models that were missing."""
    gaps = [
        gap for name in _TABLE_GAPS if getattr(tables, name) is None for gap in _TABLE_GAPS[name]
    ]
    if tables.events is not None:
        what, needed = "worth of evidence", "more losses with evidence"
        gaps.extend(Gap(what, doubt, needed) for doubt in doubts)
    gaps.extend(of_history)
    if tables.activities is not None and scores.history.cost_to_serve is None:
        gaps.append(
            _NO_PROFIT_FOR_COSTS if config.activity_rates or config.cost_pools else _NO_RATES
        )
    if tables.customers is not None and scores.share_of_wallet is None:
        gaps.append(_NO_WALLET)
    if config.behavior is None and scores.share_of_wallet is None:
        gaps.append(_NO_BEHAVIOR)
    return (*gaps, *(Gap("lifetime model", note, "more repeat purchases") for note in notes))
