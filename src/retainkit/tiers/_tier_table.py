"""One tier per customer, with the cut, the margin and the reason behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain, taken
from retainkit._core.frames import text_series
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit.tiers._catalog import BAD, LOST, TIER_LABELS, TIER_REASONS
from retainkit.tiers._kernel_stability import State
from retainkit.tiers._overrides import AppliedOverrides
from retainkit.tiers._scheme import TierScheme
from retainkit.tiers._stability import StabilityConfig, TierState
from retainkit.tiers._standing_table import StandingTable
from retainkit.typing import BoolArray, FloatArray

__all__ = ["TierTable"]

_REASONS = tuple(TIER_REASONS)
_DEFAULT = StabilityConfig()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierTable(ResultTable):
    """Hold one tier per customer with the cut, the margin and the reason behind it.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers, in the order they came in.
    value : ndarray of float
        What they were graded on [money]; NaN: not computable.
    value_tier : ndarray of int8
        Position in `scheme.names` that the value gives, stability considered.
    tier : ndarray of int8
        Position in `categories` that is shown: the value tier, one set by hand, "bad" or "lost".
    reason : ndarray of int8
        Position in `reasons`.
    scheme : TierScheme
        The cuts.
    standing : StandingTable or None
        The standing that was laid over the value tiers.
    memory : State or None
        Periods in the tier and evidence for a change, where there was a previous assessment.
    stability : StabilityConfig
        How much evidence a change needed.
    confidence : ndarray of float or None
        Probability that the value lies in the value tier; NaN: not known, or lost.
    overrides : AppliedOverrides or None
        The tiers that were set by hand.
    lost : ndarray of bool or None
        Who is gone or has ended: their `value_tier` is the one they had. None: not told.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> assign_tiers(value, fit_tier_scheme(value)).margin.round(1)
    array([35.,  0.,  0., nan, nan])
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "tier_pyramid(tiers) or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "value"),
        Column("tier", categories="categories", ordered=True),
        Column("value_tier", categories="scheme.names", ordered=True),
        Column("reason", categories=_REASONS),
        *plain("lower_bound", "margin", "relative_margin", "to_next_tier", "borderline"),
        Column("confidence"),
        Column("periods_in_tier", "memory.periods"),
        Column("evidence", "memory.evidence"),
        Column("standing", "standing.standing", "standing.standings", ordered=True),
        Column("standing_reason", "standing.reason", "standing.reasons"),
        *taken("_by_hand", "override_reason", "override_owner", "override_expires"),
    )
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    customer_id: pd.Index[Any]
    value: FloatArray
    value_tier: npt.NDArray[np.int8]
    tier: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    scheme: TierScheme
    standing: StandingTable | None = None
    memory: State | None = None
    stability: StabilityConfig = _DEFAULT
    confidence: FloatArray | None = None
    overrides: AppliedOverrides | None = None
    lost: BoolArray | None = None

    def __len__(self) -> int:
        return self.value.size

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the tiers that can be shown, best first, then "bad", then "lost" if told."""
        return (*self.scheme.names, BAD, *(() if self.lost is None else (LOST,)))

    @property
    def labels(self) -> tuple[Label, ...]:
        """Display texts of `categories`."""
        names = self.scheme.names
        others = (TIER_LABELS[name] for name in self.categories[len(names) :])
        return (*self.scheme.config.tier_labels, *others)

    @property
    def is_bad(self) -> BoolArray:
        """Whether the bad standing overrides the value tier."""
        bad: BoolArray = self.tier == len(self.scheme.names)
        return bad

    @property
    def lower_bound(self) -> FloatArray:
        """Lower bound of each customer's value tier [money]; NaN in the lowest tier and if lost."""
        return self._bound(np.append(self.scheme.lower_bounds, np.nan))

    @property
    def margin(self) -> FloatArray:
        """Value above the lower bound of the own value tier [money]; NaN in the lowest tier."""
        return self.value - self.lower_bound

    @property
    def relative_margin(self) -> FloatArray:
        """Return `margin` as a share of the bound's size; NaN where there is none or it is 0."""
        size, share = np.abs(self.lower_bound), np.full(len(self), np.nan)
        np.divide(self.margin, size, out=share, where=size > 0)
        return share

    @property
    def to_next_tier(self) -> FloatArray:
        """Value missing to the next better tier [money]; NaN in the best tier."""
        return self._bound(np.append(np.nan, self.scheme.lower_bounds)) - self.value

    def _bound(self, bounds: FloatArray) -> FloatArray:
        own: FloatArray = bounds[self.value_tier]
        return own if self.lost is None else np.where(self.lost, np.nan, own)

    def with_lost(self, lost: BoolArray, former_tier: npt.NDArray[np.int8]) -> TierTable:
        """Return the tiers with those who are gone shown as lost, the tier they had beside it.

        Parameters
        ----------
        lost : ndarray of bool
            Who is gone or has ended. A bad standing outranks it.
        former_tier : ndarray of int8
            Position in `scheme.names` of the tier each of them had; of the others it is not read.

        Returns
        -------
        TierTable
            A copy.

        Examples
        --------
        >>> import numpy as np
        >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
        >>> tiers = assign_tiers([60.0, 2.0], fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0]))
        >>> gone = tiers.with_lost(np.array([False, True]), np.array([0, 1], dtype=np.int8))
        >>> gone.to_frame()[["tier", "value_tier"]]
           tier value_tier
        0   key        key
        1  lost   ordinary
        """
        shown = lost & ~self.is_bad
        tier, reason = self.tier.copy(), self.reason.copy()
        tier[shown], reason[shown] = len(self.scheme.names) + 1, _REASONS.index(LOST)
        value_tier = np.where(lost, former_tier, self.value_tier).astype(np.int8)
        sure = None if self.confidence is None else np.where(lost, np.nan, self.confidence)
        return replace(
            self, value_tier=value_tier, tier=tier, reason=reason, confidence=sure, lost=lost
        )

    @property
    def state(self) -> TierState:
        """What the next assessment must know of this one."""
        memory = self.memory or State(
            self.value_tier,
            np.ones(len(self), dtype=np.int16),
            np.zeros(len(self), dtype=np.int8),
            self.value_tier,
        )
        return TierState(customer_id=self.customer_id, names=self.scheme.names, **memory._asdict())

    @property
    def borderline(self) -> BoolArray:
        """Whether the tier is doubtful.

        Where the confidence is known: it is below the limit. Elsewhere: the value is inside the
        band around a cut. Never of who is lost: no cut decides on them.
        """
        near = np.zeros(len(self), dtype=bool)
        for bound in self.scheme.lower_bounds:
            near |= np.abs(self.value - bound) <= self.stability.hysteresis * abs(bound)
        if self.lost is not None:
            near &= ~self.lost
        if self.confidence is None:
            return near
        unsure = self.confidence < self.stability.borderline_below
        return np.where(np.isnan(self.confidence), near, unsure)

    @property
    def _by_hand(self) -> pd.DataFrame | None:
        """Who set a tier by hand, why and until when; missing for everybody else."""
        if self.overrides is None:
            return None
        said = np.full((3, len(self)), None, dtype=object)
        for position in np.flatnonzero(self.overrides.applied):
            one = self.overrides.overrides[position]
            said[:, self.overrides.row[position]] = one.reason, one.owner, one.expires.isoformat()
        names = ("override_reason", "override_owner", "override_expires")
        return pd.DataFrame({name: text_series(row) for name, row in zip(names, said, strict=True)})

    def summary(self) -> pd.DataFrame:
        """Return one row per tier shown: both labels and the number of customers.

        Returns
        -------
        pandas.DataFrame
            Best tier first, "bad" last; tiers without customers have 0.
        """
        return pd.DataFrame(
            {
                "tier": self.categories,
                "label_en": [label.en for label in self.labels],
                "label_zh": [label.zh for label in self.labels],
                "customers": np.bincount(self.tier, minlength=len(self.categories)),
            }
        )
