"""Which tier each customer is in, by how much, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats, check_length, check_same_customers, index_of
from retainkit._core.time import parse_as_of
from retainkit.errors import AlignmentError
from retainkit.tiers import _kernel, _kernel_stability
from retainkit.tiers._catalog import STANDINGS, TIER_REASONS
from retainkit.tiers._confidence import ValueDistribution, tier_probabilities
from retainkit.tiers._overrides import AppliedOverrides, TierOverride, apply_overrides
from retainkit.tiers._scheme import TierScheme
from retainkit.tiers._stability import StabilityConfig, TierState
from retainkit.tiers._standing_table import StandingTable
from retainkit.tiers._tier_table import TierTable
from retainkit.typing import ArrayLike1D, AsOf, FloatArray

__all__ = ["assign_tiers"]

Int8 = npt.NDArray[np.int8]

_DEFAULT = StabilityConfig()
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
) -> _kernel_stability.Move:
    """Move the previous tiers as far as the evidence allows."""
    state = previous.state if isinstance(previous, TierTable) else previous
    if state.names != scheme.names:
        raise AlignmentError(
            f"the previous tiers are {', '.join(state.names)}",
            rule=f"both assessments have the same tiers: {', '.join(scheme.names)}",
            where="previous",
            fix="start anew without previous= when the tiers change",
        )
    limits = _kernel_stability.Limits(
        stability.hysteresis,
        stability.minimum_dwell,
        stability.promote_after,
        stability.demote_after,
    )
    return _kernel_stability.stabilise(values, scheme.lower_bounds, state.aligned(ids), limits)


def _held_reasons(reasons: Int8, move: _kernel_stability.Move) -> Int8:
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
