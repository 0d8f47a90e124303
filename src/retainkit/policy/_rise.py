"""What may tell who rises: a default set of features from the tables of one assessment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.arrays import as_floats, check_same_customers
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.policy._upgrade_model import UpgradeModel, fit_upgrade_model
from retainkit.tables import align_customer_ids
from retainkit.tiers import LifecycleTable, TierTable
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, IntArray
from retainkit.value import CustomerSummary

_FARTHEST = 1e-3
_SUREST = 1e-4


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class UpgradeFeatures(ResultTable):
    """Hold what was known about each customer when its chance to rise is asked for.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order given.
    names : tuple of str
        Names of the features.
    table : ndarray of float64, shape (n_customers, n_features)
        Finite numbers; 0 beside a feature "..._known" of 0 means unknown.
    tier : ndarray of int8
        Value tier, 0 = best.
    open : ndarray of bool
        Who can rise: a tier lies above, its cut is above 0, and the value is known. The others'
        rows mean nothing.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.policy import upgrade_features
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> from retainkit.value import summarize_customers
    >>> history = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> scheme = fit_tier_scheme(history.total_amount)
    >>> tiers = assign_tiers(history.total_amount, scheme, customer_id=history.customer_id)
    >>> upgrade_features(tiers, history)
    <UpgradeFeatures: 2,357 customers; next: .to_frame() or fit_upgrades([(features, after)])>
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".to_frame() or fit_upgrades([(features, after)])"

    customer_id: pd.Index[Any]
    names: tuple[str, ...]
    table: FloatArray
    tier: IntArray
    open: BoolArray

    def __len__(self) -> int:
        return len(self.customer_id)

    def probability(self, model: UpgradeModel) -> FloatArray:
        """Return each customer's probability of reaching the next tier, for `assess_potential`.

        NaN for customers who cannot rise; AlignmentError if the model knows other features.
        """
        if model.features != self.names:
            raise AlignmentError(
                f"features {self.names}, the model knows {model.features}",
                rule="the same features in the same order",
                fix="build them from the same tables as in the fit",
            )
        return np.where(self.open, model.probability(self.table), np.nan)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per customer: customer_id, the features, `open`.

        Returns
        -------
        pandas.DataFrame
            In the order given.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from retainkit.policy import UpgradeFeatures
        >>> UpgradeFeatures(customer_id=pd.Index(["a"]), names=("trend",),
        ...     table=np.array([[0.1]]), tier=np.array([1]), open=np.array([True])).to_frame()
          customer_id  trend  open
        0           a    0.1  True
        """
        frame = pd.DataFrame(self.table, columns=list(self.names))
        frame.insert(0, "customer_id", self.customer_id)
        frame["open"] = self.open
        return frame

    def summary(self) -> pd.DataFrame:
        """Return one row per feature over the customers who can rise: feature, mean, deviation.

        NaN where nobody can rise.
        """
        inside = self.table[self.open]
        empty = np.full(len(self.names), np.nan)
        return pd.DataFrame(
            {
                "feature": self.names,
                "mean": inside.mean(axis=0) if len(inside) else empty,
                "deviation": inside.std(axis=0) if len(inside) else empty,
            }
        )


def upgrade_features(
    tiers: TierTable,
    history: CustomerSummary,
    *,
    chance: ArrayLike1D | None = None,
    trend: ArrayLike1D | None = None,
    share_of_wallet: ArrayLike1D | None = None,
    lifecycle: LifecycleTable | None = None,
) -> UpgradeFeatures:
    """Return the default features of rising: headroom, tier, rhythm, tenure, further evidence.

    Parameters
    ----------
    tiers : TierTable
        Present tiers, with the values they were given by.
    history : CustomerSummary
        Purchases of the same customers in the same order.
    chance : array_like of float, optional
        Probability that the value exceeds the cut of the next tier, from the predictive
        distribution: `probability_value_exceeds(next_cuts(tiers), history, ...)`; NaN = unknown.
    trend : array_like of float, optional
        Relative growth of spending, as `BehaviorTable.trend_beyond_base`; NaN = unknown.
    share_of_wallet : array_like of float, optional
        Share of the customer's category spending, as `WalletTable.share`; NaN = unknown.
    lifecycle : LifecycleTable, optional
        Silence in own gaps between purchases.

    Returns
    -------
    UpgradeFeatures
        In the order given.

    Raises
    ------
    AlignmentError
        If a table describes other customers or another order.

    Notes
    -----
    With v the value, c the cut of the next tier and logs within bounds: reach = log(v / c), by
    tier; chance = log odds; trend = log(1 + trend); wallet_room = -log(share); tenure, inactive =
    log(1 + days); purchases = log(1 + repeat purchases); silence = log(1 + gaps). Evidence that
    is missing for a customer is 0, and its "..._known" 0.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.policy import upgrade_features
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> from retainkit.value import summarize_customers
    >>> history = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> scheme = fit_tier_scheme(history.total_amount)
    >>> tiers = assign_tiers(history.total_amount, scheme, customer_id=history.customer_id)
    >>> upgrade_features(tiers, history).names
    ('reach', 'tier_ordinary', 'reach_ordinary', 'tenure', 'inactive', 'purchases')
    """
    check_same_customers(tiers.customer_id, history.customer_id, "history")
    n = len(tiers)
    days = history.with_unit("day")
    cut = next_cuts(tiers)
    with np.errstate(invalid="ignore", divide="ignore"):
        able = (cut > 0.0) & ~np.isnan(tiers.value) & ~np.isnan(days.age)
        reach = np.log(np.clip(tiers.value / cut, _FARTHEST, 1.0 / _FARTHEST))
    columns: dict[str, FloatArray] = {"reach": reach}
    for code, name in enumerate(tiers.scheme.names[1:-1], start=1):
        inside = (tiers.value_tier == code).astype(np.float64)
        columns[f"tier_{name}"] = inside
        columns[f"reach_{name}"] = np.where(inside > 0.0, reach, 0.0)
    columns["tenure"] = np.log1p(days.age)
    columns["inactive"] = np.log1p(days.inactive_for)
    columns["purchases"] = np.log1p(history.frequency.astype(np.float64))
    if chance is not None:
        p = as_floats(chance, "chance", n=n, bounds=(0.0, 1.0))
        p = np.clip(p, _SUREST, 1.0 - _SUREST)
        columns |= _evidence("chance", np.log(p / (1.0 - p)))
    if trend is not None:
        growth = np.clip(1.0 + as_floats(trend, "trend", n=n), 0.05, 20.0)
        columns |= _evidence("trend", np.log(growth))
    if share_of_wallet is not None:
        share = as_floats(share_of_wallet, "share_of_wallet", n=n, bounds=(0.0, 1.0))
        columns |= _evidence("wallet_room", -np.log(np.maximum(share, 0.01)))
    if lifecycle is not None:
        check_same_customers(lifecycle.customer_id, tiers.customer_id, "lifecycle")
        columns |= _evidence("silence", np.log1p(lifecycle.silence))
    table = np.column_stack(list(columns.values()))
    table[~able] = 0.0
    return UpgradeFeatures(
        customer_id=tiers.customer_id,
        names=tuple(columns),
        table=table,
        tier=tiers.value_tier,
        open=able,
    )


def next_cuts(tiers: TierTable) -> FloatArray:
    """Return the value each customer needs to reach the tier above.

    Parameters
    ----------
    tiers : TierTable
        Present tiers.

    Returns
    -------
    ndarray of float64
        [money], in the order given; NaN in the highest tier.

    Examples
    --------
    >>> from retainkit.policy import next_cuts
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> next_cuts(assign_tiers(value, fit_tier_scheme(value)))
    array([nan, nan, 25., 10., 10.])
    """
    bounds = np.array([None, *tiers.scheme.cuts], dtype=np.float64)
    cuts: FloatArray = bounds[tiers.value_tier]
    return cuts


def fit_upgrades(periods: Sequence[tuple[UpgradeFeatures, TierTable]]) -> UpgradeModel:
    """Learn who rises from pairs of assessments, and check it on customers held out.

    Parameters
    ----------
    periods : sequence of (UpgradeFeatures, TierTable)
        What was known at the start of a horizon, and the tiers at its end by the same scheme, one
        pair per origin; all horizons of the same length. Customers who are not among the tiers
        at the end have not risen. A customer is held out in all periods or in none.

    Returns
    -------
    UpgradeModel
        Probability of reaching a higher tier within that horizon, with its reliability on held
        out customers beside that of the migration matrix (each tier's share that rose).

    Raises
    ------
    AlignmentError
        If periods differ in their features, or the tiers in number.
    NotComputableError
        If nobody can rise, or fewer than ten rose, or stayed, in a part of the data.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.policy import fit_upgrades, upgrade_features
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> from retainkit.value import summarize_customers
    >>> rows = load_cdnow_sample()
    >>> then = summarize_customers(rows, as_of="1997-09-30")
    >>> now = summarize_customers(rows, as_of="1998-03-31")
    >>> scheme = fit_tier_scheme(then.total_amount)
    >>> before = assign_tiers(then.total_amount, scheme, customer_id=then.customer_id)
    >>> after = assign_tiers(now.total_amount, scheme, customer_id=now.customer_id)
    >>> model = fit_upgrades([(upgrade_features(before, then), after)])
    >>> model.brier < model.matrix_brier < model.base_brier
    True
    """
    rises = [_rose(before, after) for before, after in periods]
    if not any(before.open.any() for before, _ in periods):
        raise NotComputableError("nobody can rise", rule="a tier above, with a cut above 0")
    first = periods[0][0]
    different = [before.names for before, _ in periods if before.names != first.names]
    if different:
        raise AlignmentError(
            f"features {different[0]} in one period, {first.names} in the first",
            rule="the same features in every period",
        )
    tables = [before for before, _ in periods]
    ids = [before.customer_id[before.open] for before in tables]
    return fit_upgrade_model(
        np.concatenate([before.table[before.open] for before in tables]),
        np.concatenate([rose[x.open] for rose, x in zip(rises, tables, strict=True)]),
        names=first.names,
        customer_id=ids[0] if len(ids) == 1 else ids[0].append(ids[1:]),
        tier=np.concatenate([before.tier[before.open] for before in tables]),
    )


def _rose(before: UpgradeFeatures, after: TierTable) -> BoolArray:
    """Return who of the customers before is in a better tier after."""
    if int(before.tier.max(initial=0)) >= len(after.scheme.names):
        raise AlignmentError("tiers of another scheme", rule="both by the scheme of the start")
    place = np.full(len(before), -1, dtype=np.int64)
    found = align_customer_ids(after.customer_id, before.customer_id)
    place[found[found >= 0]] = np.flatnonzero(found >= 0)
    rose: BoolArray = (place >= 0) & (after.value_tier[place] < before.tier)
    return rose


def _evidence(name: str, values: FloatArray) -> dict[str, FloatArray]:
    """Return a feature and whether it is known: 0 and 0 where it is not."""
    known = ~np.isnan(values)
    return {name: np.where(known, values, 0.0), f"{name}_known": known.astype(np.float64)}
