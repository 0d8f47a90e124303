"""Who rises to the next tier: learnt and judged on earlier days of the same base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from retainkit._pipeline._config import PipelineConfig, TierBasis
from retainkit.churn import StateScheme
from retainkit.churn._kernel import GONE, milder
from retainkit.churn._state_scheme import judge
from retainkit.errors import RetainkitError
from retainkit.forecast import ForecastModel
from retainkit.forecast._past_values import COLUMNS, PastValue, describe_rows
from retainkit.lifetime import Covariates
from retainkit.policy import RiseCheck, RiseModel
from retainkit.policy._rise_check import PastRises, learn_rises
from retainkit.tiers import TierTable, fit_tier_scheme
from retainkit.typing import BoolArray, FloatArray, IntArray
from retainkit.value import CustomerSummary

_FARTHEST = 1e-3
_YEAR = 365.25
_CHUNK = 32_768


def learn_rises_of(
    past: Sequence[PastValue], basis: TierBasis, states: StateScheme, config: PipelineConfig
) -> tuple[RiseModel | None, RiseCheck]:
    """Learn who rises from what earlier days expected, and judge it there."""
    if basis not in ("expected_value", "contribution", "historical_contribution"):
        return None, RiseCheck(finding="no_money")
    found = [_rises(one, basis, states, config) for one in past]
    return learn_rises([one for one in found if one is not None], config.potential)


def chance_to_rise(
    forecast: ForecastModel,
    model: RiseModel,
    summary: CustomerSummary,
    tiers: TierTable,
    basis: TierBasis,
    window_days: int,
    covariates: Covariates | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return each customer's probability of reaching the next tier, and that of its like.

    NaN for who cannot rise.
    """
    chance, usual = (np.full(len(summary), np.nan) for _ in range(2))
    window = forecast.horizon_days if basis == "expected_value" else window_days
    if window <= 0:  # nothing was judged: there is no window to speak of
        return chance, usual
    next_cut = _next_cuts(tiers.value_tier, tiers.scheme.cuts)
    rows = np.flatnonzero(_open(tiers.value, next_cut) & (summary.occasions > 0))
    if tiers.lost is not None:
        rows = rows[~tiers.lost[rows]]
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        own = describe_rows(forecast, summary, part, float(window), covariates)
        value, tier = tiers.value[part], tiers.value_tier[part]
        chance[part], usual[part] = model.chances(
            _table(value, next_cut[part], tier, len(tiers.scheme.names), own)
        )
    return chance, usual


def _rises(
    past: PastValue, basis: TierBasis, states: StateScheme, config: PipelineConfig
) -> PastRises | None:
    """Grade the customers of an earlier day, and see who reached the next tier's cut."""
    there = np.ones(len(past.came), dtype=np.bool_)
    if past.activity is not None:
        state, _ = judge(past.activity, states.limits()._replace(base_gap=past.base_gap))
        there = milder(state, gone=states.uses("gone"), quiet=True) != GONE
    value, after = _graded(past, basis)
    try:
        scheme = fit_tier_scheme(value[there], config=config.tiers)
    except RetainkitError:
        return None
    bounds = np.array(scheme.cuts, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        tier = bounds.size - (value[:, None] >= bounds[None, :]).sum(axis=1)
    cut = _next_cuts(tier, scheme.cuts)
    rows = np.flatnonzero(there & _open(value, cut))
    names = ("reach", *_tier_names(scheme.names), *COLUMNS)
    return PastRises(
        names=names,
        near=len(names) - len(COLUMNS),
        features=_table(value[rows], cut[rows], tier[rows], len(scheme.names), past.columns[rows]),
        tier=tier[rows],
        value=value[rows],
        rose=after[rows] >= cut[rows],
        customer_id=pd.Index(past.who[rows]),
        window_days=past.window_days,
    )


def _graded(past: PastValue, basis: TierBasis) -> tuple[FloatArray, FloatArray]:
    """Return what customers were graded by on a day, and what they had come to after the window."""
    if basis == "expected_value":
        return past.expected, past.came
    before, after = past.known.money, past.known.money + past.came
    if basis == "contribution":
        return before, after
    age = (past.day - past.known.first + 1.0) / _YEAR
    years = np.maximum(age, 1.0), np.maximum(age + past.window_days / _YEAR, 1.0)
    return before / years[0], after / years[1]


def _next_cuts(tier: IntArray, cuts: tuple[float | None, ...]) -> FloatArray:
    return np.array([None, *cuts], dtype=np.float64)[tier]


def _open(value: FloatArray, next_cut: FloatArray) -> BoolArray:
    """Return who can rise: a tier lies above, its cut is above 0, and the value is known."""
    with np.errstate(invalid="ignore"):
        return np.asarray((next_cut > 0.0) & ~np.isnan(value))


def _tier_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{kind}_{name}" for name in names[1:-1] for kind in ("tier", "reach"))


def _table(
    value: FloatArray, cut: FloatArray, tier: IntArray, tiers: int, columns: FloatArray
) -> FloatArray:
    """Return nearness to the cut, by tier, beside what describes the customer."""
    reach = np.log(np.clip(value / cut, _FARTHEST, 1.0 / _FARTHEST))
    near = [reach]
    for code in range(1, tiers - 1):
        inside = (tier == code).astype(np.float64)
        near += [inside, inside * reach]
    return np.column_stack([*near, columns])
