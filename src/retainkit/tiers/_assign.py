"""Which tier each customer is in, by how much, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._internal.labels import Label
from retainkit._internal.result import ResultTable
from retainkit.tiers import _kernel
from retainkit.tiers._arrays import as_values, categorical, check_same_customers, index_of
from retainkit.tiers._catalog import BAD, STANDINGS, TIER_LABELS, TIER_REASONS
from retainkit.tiers._scheme import TierScheme
from retainkit.tiers._standing import StandingTable
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray

__all__ = ["TierTable", "assign_tiers"]

_REASONS = tuple(TIER_REASONS)
_CODE = {reason: np.int8(code) for code, reason in enumerate(_REASONS)}
_IS_BAD = STANDINGS.index("bad")


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
        Position in `scheme.names` that the value alone gives.
    tier : ndarray of int8
        Position in `categories` that is shown: the value tier, or "bad".
    reason : ndarray of int8
        Position in `reasons`.
    scheme : TierScheme
        The cuts.
    standing : StandingTable or None
        The standing that was laid over the value tiers.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> assign_tiers(value, fit_tier_scheme(value)).margin.round(1)
    array([35.,  0.,  0., nan, nan])
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "tier_pyramid(tiers) or .to_frame()"
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    customer_id: pd.Index[Any]
    value: FloatArray
    value_tier: npt.NDArray[np.int8]
    tier: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    scheme: TierScheme
    standing: StandingTable | None = None

    def __len__(self) -> int:
        return self.value.size

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the tiers that can be shown, best first, "bad" last."""
        return (*self.scheme.names, BAD)

    @property
    def labels(self) -> tuple[Label, ...]:
        """Display texts of `categories`."""
        return (*self.scheme.config.tier_labels, TIER_LABELS[BAD])

    @property
    def is_bad(self) -> BoolArray:
        """Whether the bad standing overrides the value tier."""
        bad: BoolArray = self.tier == len(self.scheme.names)
        return bad

    @property
    def lower_bound(self) -> FloatArray:
        """Lower bound of each customer's value tier [money]; NaN in the lowest tier."""
        return np.append(self.scheme.lower_bounds, np.nan)[self.value_tier]

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
        return np.append(np.nan, self.scheme.lower_bounds)[self.value_tier] - self.value

    def to_frame(self) -> pd.DataFrame:
        """Return one row per customer.

        Returns
        -------
        pandas.DataFrame
            `tier`, `value_tier` and `reason` are categoricals with every category present, the
            tiers ordered best first with "bad" last; `standing` and `standing_reason` only
            where a standing was given. Margins are NaN where there is no bound.
        """
        columns: dict[str, Any] = {
            "customer_id": self.customer_id,
            "value": self.value.copy(),
            "tier": categorical(self.tier, self.categories, ordered=True),
            "value_tier": categorical(self.value_tier, self.scheme.names, ordered=True),
            "reason": categorical(self.reason, self.reasons),
            "lower_bound": self.lower_bound,
            "margin": self.margin,
            "relative_margin": self.relative_margin,
            "to_next_tier": self.to_next_tier,
        }
        if self.standing is not None:
            columns |= self.standing.columns()
        return pd.DataFrame(columns)

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


def assign_tiers(
    value: ArrayLike1D,
    scheme: TierScheme,
    *,
    customer_id: pd.Index[Any] | None = None,
    standing: StandingTable | None = None,
) -> TierTable:
    """Assign each customer to the best tier whose lower bound its value reaches.

    A pure function of one customer's value (and standing) and the scheme: it serves a base, a
    partition and one customer alike. Equal values are always in the same tier. Only a bad
    standing overrides the tier that is shown; the value tier stays beside it.

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

    Returns
    -------
    TierTable
        In the order of `value`; tiers as int8 positions, best first. A value that is NaN gives
        the lowest tier with the reason "value_not_computable".

    Raises
    ------
    SchemaError
        If `value` is not one-dimensional, not numeric or holds an infinity.
    AlignmentError
        If `customer_id` or `standing` describes other customers.

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
    """
    values = as_values(value, "value")
    ids = index_of(value, customer_id, values.size)
    bounds = scheme.lower_bounds
    codes = _kernel.tier_codes(values, bounds)
    reasons = _reasons(values, codes, bounds)
    shown = codes
    if standing is not None:
        check_same_customers(standing.customer_id, ids, "standing")
        bad = standing.standing == _IS_BAD
        shown = np.where(bad, np.int8(len(scheme.names)), codes)
        reasons[bad] = _CODE["bad_standing"]
    return TierTable(
        customer_id=ids,
        value=values,
        value_tier=codes,
        tier=shown,
        reason=reasons,
        scheme=scheme,
        standing=standing,
    )


def _reasons(
    values: FloatArray, codes: npt.NDArray[np.int8], bounds: FloatArray
) -> npt.NDArray[np.int8]:
    lowest = codes == bounds.size
    without = "scheme_not_computable" if np.isnan(bounds).any() else "below_every_cut"
    reasons = np.where(lowest, _CODE[without], _CODE["reaches_cut"])
    reasons[np.isnan(values)] = _CODE["value_not_computable"]
    return reasons
