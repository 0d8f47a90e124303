"""Which gaps a run has."""

from __future__ import annotations

from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._gaps import Gap, make_gap
from retainkit._pipeline._grade import FEW_ACCOUNTS
from retainkit._pipeline._tables import ValidTables

_TABLE_GAPS: dict[str, tuple[str, ...]] = {
    "customers": ("standing", "background", "wallet"),
    "contracts": ("contract_metrics",),
    "events": ("causes",),
    "surveys": ("satisfaction",),
    "activities": ("cost_to_serve",),
}
"""What each table enables, by the ids of the catalogue."""


def find_gaps(
    tables: ValidTables,
    scores: CustomerScores,
    of_history: tuple[Gap, ...],
    notes: tuple[str, ...],
    config: PipelineConfig,
    *,
    doubts: tuple[str, ...],
    no_start: str = "",
    one_time: bool = False,
) -> tuple[Gap, ...]:
    """List what a run did not compute: tables, columns and models that were missing."""
    missing = [name for name in _TABLE_GAPS if getattr(tables, name) is None]
    gaps = [make_gap(gap_id) for name in missing for gap_id in _TABLE_GAPS[name]]
    if tables.events is not None:
        gaps.extend(make_gap("evidence", doubt) for doubt in doubts)
    gaps.extend(of_history)
    if tables.activities is not None and scores.history.cost_to_serve is None:
        priced = config.activity_rates or config.cost_pools
        gaps.append(make_gap("profit_for_costs" if priced else "rates"))
    if tables.customers is not None and scores.share_of_wallet is None:
        gaps.append(make_gap("category_spending"))
    if config.behavior is None and scores.share_of_wallet is None:
        gaps.append(make_gap("behavior"))
    if not scores.policy.catalog.priced and (scores.policy.measure < 0).all():
        gaps.append(make_gap("prices"))
    checks = scores.states.scheme.checks
    gaps.extend(
        make_gap("states", check.words()) for check in checks if check.customers and not check.holds
    )
    if one_time:
        gaps.append(make_gap("one_time"))
    if len(scores) < FEW_ACCOUNTS:
        gaps.append(make_gap("few_accounts"))
    if no_start:
        gaps.append(make_gap("start", no_start))
    check = scores.potential.check
    if check is not None and not check.known:
        gaps.append(make_gap("potential", check.words()))
    return (*gaps, *(make_gap("lifetime", note) for note in notes))
