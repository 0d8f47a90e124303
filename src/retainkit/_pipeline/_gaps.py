"""What a run could not compute, why, and which table would enable it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from retainkit._core.catalogue import read_catalogue
from retainkit._pipeline._config import PipelineConfig
from retainkit.typing import Language

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
    id : str, default ""
        Its name in the catalogue.

    Examples
    --------
    >>> from retainkit.pipeline import Gap
    >>> Gap(what="cause of leaving", why="no events table", enabled_by="events=").enabled_by
    'events='
    """

    what: str
    why: str
    enabled_by: str
    id: str = ""

    def words(self, language: Language = "en") -> tuple[str, str, str]:
        """Return what is missing, why, and what would enable it, for display.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Display language.

        Returns
        -------
        tuple of str
            What the run itself worded, such as the message of a model, stays in English.

        Examples
        --------
        >>> from retainkit.pipeline import Gap
        >>> gap = Gap("lifetime model", "two customers", "more repeat purchases", "lifetime")
        >>> gap.words("zh")
        ('终身价值模型', 'two customers', '更多的重复购买')
        """
        known = read_catalogue("retainkit._pipeline", "gaps").get(self.id, {})
        what, why, enabled_by = (
            known.get(part, {}).get(language, getattr(self, part)) for part in self._fields[:3]
        )
        return what, why, enabled_by


_TABLE_GAPS: dict[str, tuple[str, ...]] = {
    "customers": ("standing", "background", "wallet"),
    "contracts": ("contract_metrics",),
    "events": ("causes",),
    "surveys": ("satisfaction",),
    "activities": ("cost_to_serve",),
}
"""What each table enables, by the ids of the catalogue."""


def make_gap(gap_id: str, why: str = "") -> Gap:
    """Return a gap of the catalogue; some are given their reason by the run."""
    return Gap(*Gap("", why, "", gap_id).words(), gap_id)


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
    checks = scores.states.scheme.checks
    gaps.extend(
        make_gap("states", check.words()) for check in checks if check.customers and not check.holds
    )
    return (*gaps, *(make_gap("lifetime", note) for note in notes))
