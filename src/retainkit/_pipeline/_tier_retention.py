"""Retention by tier: by the tier at the start of the period, beside the circular figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import jeffreys
from retainkit._core.result import ResultTable
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._history import Indexed
from retainkit._pipeline._start import PeriodStart
from retainkit.metrics import MetricConvention, Period
from retainkit.metrics._snapshot import Snapshot
from retainkit.tables import align_values
from retainkit.typing import FloatArray, IntArray

_FEWEST = 30
"""Customers at the start from which on a group is ranked among the others [count]."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierRetention(ResultTable):
    """Who of each tier was kept over the period, by the tier at its start and by that of today.

    Today's tiers look at what followed: who stayed is in a better one, so that rates by them say
    what was put in. They stand beside for comparison alone.

    Parameters
    ----------
    period : Period
        Days measured.
    groups : tuple of str
        Tiers at the start, best first, then "gone_then", "ended_then" and "entrants": every
        customer of the base is in one of them. Today's tiers where nothing is known of the start.
    at_start : bool
        Whether the groups are those of the start.
    customers : ndarray of int
        Customers of each group [count].
    active, kept : ndarray of int
        Of these, active when the period began, and of those active at its end too [count].
    now_active, now_kept : ndarray of int
        The same by the tier of today; 0 for groups that today's tiers do not have.
    level : float
        Confidence level of intervals.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> table = result.tier_retention
    >>> int(table.customers.sum()) == len(result), str(table.period.start)
    (True, '1998-04-01')
    """

    _what: ClassVar[str] = "groups"
    _next_step: ClassVar[str] = ".to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("tier", lambda t: np.arange(len(t)), "groups", ordered=True),
        *plain("customers", "active", "kept", "retention", "lower", "upper", "rank"),
        *plain("retention_by_tier_now"),
    )

    period: Period
    groups: tuple[str, ...]
    at_start: bool
    customers: npt.NDArray[np.int64]
    active: npt.NDArray[np.int64]
    kept: npt.NDArray[np.int64]
    now_active: npt.NDArray[np.int64]
    now_kept: npt.NDArray[np.int64]
    level: float

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def retention(self) -> FloatArray:
        """Kept / active at the start; NaN where nobody was."""
        return _share(self.kept, self.active)

    @property
    def lower(self) -> FloatArray:
        """Lower end of the Jeffreys interval."""
        return jeffreys(self.kept, self.active, self.level)[0]

    @property
    def upper(self) -> FloatArray:
        """Upper end of the Jeffreys interval."""
        return jeffreys(self.kept, self.active, self.level)[1]

    @property
    def rank(self) -> FloatArray:
        """1 = best kept; NaN with fewer than 30 customers active at the start."""
        shown = np.where(self.active >= _FEWEST, self.retention, np.nan)
        better = (shown[None, :] > shown[:, None]).sum(axis=1)
        return np.where(np.isnan(shown), np.nan, better + 1.0)

    @property
    def retention_by_tier_now(self) -> FloatArray:
        """The circular figure: the same by the tier of today; NaN where nobody was active."""
        return _share(self.now_kept, self.now_active)

    def summary(self) -> pd.DataFrame:
        """Return the groups and a last row with the whole base.

        Returns
        -------
        pandas.DataFrame
            Tier, customers, active at the start, kept, retention.
        """
        frame = self.to_frame()[["tier", "customers", "active", "kept", "retention"]]
        active, kept = int(self.active.sum()), int(self.kept.sum())
        total = {
            "tier": "total",
            "customers": int(self.customers.sum()),
            "active": active,
            "kept": kept,
            "retention": kept / active if active else np.nan,
        }
        return pd.concat([frame.astype({"tier": object}), pd.DataFrame([total])], ignore_index=True)


def retention_by_tier(
    indexed: Indexed,
    scores: CustomerScores,
    start: PeriodStart | None,
    period: Period,
    convention: MetricConvention,
) -> TierRetention:
    """Count who was active when the period began, and who of these still is, by tier."""
    snapshot = Snapshot(indexed.base, period, convention)
    active, kept = snapshot.at_start, snapshot.at_start & snapshot.at_end
    names = scores.tiers.categories
    now: IntArray = align_values(
        scores.tiers.tier, scores.customer_id, to=indexed.customer_id, missing=len(names)
    )
    groups, codes = names, now
    if start is not None:
        groups, codes = start.groups, start.codes(indexed.customer_id)
    size = len(groups)

    def count(group: IntArray, of: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int64]:
        inside = group < size
        rows = group[inside if of is None else inside & of]
        return np.bincount(rows, minlength=size)[:size].astype(np.int64)

    shared = np.where(now < len(scores.tiers.scheme.names) + 1, now, size)
    return TierRetention(
        period=period,
        groups=groups,
        at_start=start is not None,
        customers=count(codes),
        active=count(codes, active),
        kept=count(codes, kept),
        now_active=count(shared, active),
        now_kept=count(shared, kept),
        level=convention.interval_level,
    )


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> FloatArray:
    share = np.full(len(part), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
