"""assign_tiers: one tier per customer, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats, check_length, check_same_customers, index_of
from retainkit._core.columns import Column, plain, taken
from retainkit._core.frames import text_series
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit._core.time import parse_as_of
from retainkit.errors import AlignmentError
from retainkit.tiers._config import BAD, LOST, STANDINGS, TIER_LABELS, TIER_REASONS
from retainkit.tiers._standing import StandingTable
from retainkit.tiers.grading import _kernel
from retainkit.tiers.grading._confidence import ValueDistribution, tier_probabilities
from retainkit.tiers.grading._kernel import State
from retainkit.tiers.grading._scheme import TierScheme
from retainkit.tiers.grading._stability import (
    AppliedOverrides,
    StabilityConfig,
    TierOverride,
    TierState,
    apply_overrides,
)
from retainkit.typing import ArrayLike1D, AsOf, BoolArray, FloatArray

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
        band around a cut. Never of lost customers: no cut decides on them.
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


Int8 = npt.NDArray[np.int8]

_CODE = {reason: np.int8(code) for code, reason in enumerate(TIER_REASONS)}
_IS_BAD = STANDINGS.index("bad")


def assign_tiers(
    value: ArrayLike1D,
    scheme: TierScheme,
    *,
    customer_id: pd.Index[Any] | None = None,
    standing: StandingTable | None = None,
    previous: TierTable | TierState | None = None,
    stability: StabilityConfig = _DEFAULT,
    overrides: Sequence[TierOverride] = (),
    as_of: AsOf | None = None,
    distribution: ValueDistribution | None = None,
) -> TierTable:
    """Assign each customer to the best tier whose lower bound its value reaches.

    With a previous assessment the tier only changes on evidence: the value must leave a band
    around the cut, for enough assessments in a row, after a minimum time in the tier. A pure
    function of one customer's value, standing and previous state, and the scheme: it serves a
    base, a partition and one customer alike. New customers of equal value are always in the same
    tier. The tier that is shown is the value tier, unless one was set by hand or the standing is
    bad; the value tier stays beside it and goes its way underneath.

    Parameters
    ----------
    value : array_like of float, shape (n_customers,)
        What each customer is worth [money]; NaN: not computable.
    scheme : TierScheme
        The cuts, from `fit_tier_scheme`, on this base or an earlier one.
    customer_id : pandas.Index, optional
        The customers; by default the index of `value` if it is a Series, else 0 .. n - 1.
    standing : StandingTable, optional
        Standing of the same customers in the same order, from `assess_standing`.
    previous : TierTable or TierState, optional
        The last assessment, or what was stored of it; in any order, joined by customer. Its
        tiers must have the names of the scheme. Customers not in it are new.
    stability : StabilityConfig, default StabilityConfig()
        How much evidence a change needs; without `previous` only what counts as borderline.
    overrides : sequence of TierOverride, default ()
        Tiers set by hand. A bad standing outranks them.
    as_of : str, date or datetime, optional
        Day of the assessment; required with `overrides`, which hold up to their last day.
    distribution : ValueDistribution, optional
        What is known about each uncertain value, in the order of `value`; gives `confidence`.

    Returns
    -------
    TierTable
        In the order of `value`; tiers as int8 positions, best first. A value that is NaN gives
        the lowest tier with the reason "value_not_computable", or leaves the previous tier with
        the reason "kept_without_value".

    Raises
    ------
    SchemaError
        If `value` is not one-dimensional, not numeric or holds an infinity, or an override
        names another tier.
    AlignmentError
        If `customer_id`, `standing` or `distribution` describes other customers, or `previous`
        has other tiers.
    AsOfError
        If there are overrides and no `as_of`.
    InvalidTableError
        If a customer has two overrides in force.

    Notes
    -----
    With hysteresis h, a customer is promoted to the best tier whose bound c satisfies
    v >= c + h abs(c) and demoted below v < c - h abs(c); in between it stays. Where several
    assessments in a row are asked for, it moves to the tier that every one of them spoke for.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    >>> frame = assign_tiers([25.0, 24.9, float("nan")], scheme).to_frame()
    >>> frame[["tier", "reason", "margin"]]
           tier                reason  margin
    0       key           reaches_cut     0.0
    1  ordinary           reaches_cut    14.9
    2     small  value_not_computable     NaN

    A month later the first customer has slipped below the cut of 25, within the band:

    >>> before = assign_tiers([25.0, 24.9], scheme)
    >>> after = assign_tiers([24.0, 30.0], scheme, previous=before)
    >>> after.to_frame()[["tier", "reason", "borderline", "periods_in_tier"]]
      tier        reason  borderline  periods_in_tier
    0  key  held_by_band        True                2
    1  key   reaches_cut       False                1
    """
    values = as_floats(value, "value")
    ids = index_of(value, customer_id, values.size)
    bounds = scheme.lower_bounds
    if previous is None:
        memory, codes = None, _kernel.tier_codes(values, bounds)
        reasons = _reasons(values, codes, bounds)
    else:
        move = _stabilised(values, scheme, ids, previous, stability)
        memory, codes = move.state, move.state.tier
        reasons = _held_reasons(_reasons(values, codes, bounds), move)
    shown, applied = _shown(codes, reasons, scheme, ids, standing, overrides, as_of)
    return TierTable(
        customer_id=ids,
        value=values,
        value_tier=codes,
        tier=shown,
        reason=reasons,
        scheme=scheme,
        standing=standing,
        memory=memory,
        stability=stability,
        confidence=_confidence(codes, scheme, distribution),
        overrides=applied,
    )


def _reasons(values: FloatArray, codes: Int8, bounds: FloatArray) -> Int8:
    """Return why each customer has its tier where nothing holds it: cut, no value, no scheme."""
    lowest = codes == bounds.size
    without = "scheme_not_computable" if np.isnan(bounds).any() else "below_every_cut"
    reasons = np.where(lowest, _CODE[without], _CODE["reaches_cut"])
    reasons[np.isnan(values)] = _CODE["value_not_computable"]
    return reasons


def _stabilised(
    values: FloatArray,
    scheme: TierScheme,
    ids: pd.Index[Any],
    previous: TierTable | TierState,
    stability: StabilityConfig,
) -> _kernel.Move:
    """Move the previous tiers as far as the evidence allows."""
    state = previous.state if isinstance(previous, TierTable) else previous
    if state.names != scheme.names:
        raise AlignmentError(
            f"the previous tiers are {', '.join(state.names)}",
            rule=f"both assessments have the same tiers: {', '.join(scheme.names)}",
            where="previous",
            fix="start anew without previous= when the tiers change",
        )
    limits = _kernel.Limits(
        stability.hysteresis,
        stability.minimum_dwell,
        stability.promote_after,
        stability.demote_after,
    )
    return _kernel.stabilise(values, scheme.lower_bounds, state.aligned(ids), limits)


def _held_reasons(reasons: Int8, move: _kernel.Move) -> Int8:
    """Say of those who keep a tier the bare cuts would not give them what held them."""
    reasons[move.by_band] = _CODE["held_by_band"]
    reasons[move.by_evidence] = _CODE["awaiting_evidence"]
    reasons[move.by_dwell] = _CODE["held_by_dwell"]
    reasons[move.without_value] = _CODE["kept_without_value"]
    return reasons


def _shown(
    codes: Int8,
    reasons: Int8,
    scheme: TierScheme,
    ids: pd.Index[Any],
    standing: StandingTable | None,
    overrides: Sequence[TierOverride],
    as_of: AsOf | None,
) -> tuple[Int8, AppliedOverrides | None]:
    """Lay the tiers set by hand, then the bad standing, over the value tiers."""
    shown, applied, bad = codes, None, None
    if standing is not None:
        check_same_customers(standing.customer_id, ids, "standing")
        bad = standing.standing == _IS_BAD
    if overrides:
        day = parse_as_of(as_of)  # type: ignore[arg-type]  # None is refused with the fix
        applied = apply_overrides(
            overrides, customer_id=ids, names=scheme.names, as_of=day, is_bad=bad
        )
        rows, tiers = applied.row[applied.applied], applied.tier[applied.applied]
        shown = codes.copy()
        shown[rows], reasons[rows] = tiers, _CODE["manual_override"]
    if bad is not None:
        shown = np.where(bad, np.int8(len(scheme.names)), shown)
        reasons[bad] = _CODE["bad_standing"]
    return shown, applied


def _confidence(
    codes: Int8, scheme: TierScheme, distribution: ValueDistribution | None
) -> FloatArray | None:
    """Return the probability of each assigned tier; None without a distribution."""
    if distribution is None:
        return None
    chances = tier_probabilities(scheme, distribution)
    check_length(chances.shape[0], codes.size, "distribution")
    own: FloatArray = chances[np.arange(codes.size), codes]
    return own
