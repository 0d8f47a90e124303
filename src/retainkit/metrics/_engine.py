"""The one place where terms become values: overall and by group, in one pass."""

from __future__ import annotations

import numpy as np

from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import jeffreys, normal_bounds, wilson
from retainkit.metrics._base import ContractIndex, CustomerBase
from retainkit.metrics._concentration import resampled_bounds
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._formulas import Formula, formula_for
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import NO_REASON, Cells, Groups, Snapshot, apply_convention, sums
from retainkit.metrics._value import REASONS, MetricValue, Reason
from retainkit.metrics.movements._churn_forms import (
    as_retention,
    churn_cells,
    describe_form,
    interval_name,
    is_plain,
)
from retainkit.typing import FloatArray

FEWEST_FOR_RATIO = 10
"""Customers below which ratios of sums and concentration get no interval: too few to know."""

_BOUNDED = ("gross_revenue_retention", "gross_revenue_churn")
_CHURN = ("churn_rate", "retention_rate")


def evaluate(name: str, snapshot: Snapshot, groups: Groups) -> Cells:
    """Return one metric for the whole base and for each group."""
    formula = formula_for(name, snapshot.base, snapshot.convention)
    reason = snapshot.reason(needs_history=formula.needs_history)
    if reason is not None:
        return _without_value(groups.size + 1, reason)
    if formula.distribution is not None:
        return _distribution_cells(name, formula, snapshot, groups)
    if name in _CHURN and not is_plain(snapshot.convention):
        lost = churn_cells(snapshot, groups)
        return lost if name == "churn_rate" else as_retention(lost, snapshot.convention)
    cells = _additive_cells(formula, snapshot, groups)
    kind = snapshot.convention.definition(name).kind
    if snapshot.convention.interval_method == "none" or kind == "count":
        return cells
    if kind == "ratio":
        cells = _with_ratio_interval(cells, formula, snapshot, groups)
        if name in _BOUNDED:
            bounds = np.maximum(cells.lower, 0.0), np.minimum(cells.upper, 1.0)
            return cells._replace(lower=bounds[0], upper=bounds[1])
        return cells
    return _with_interval(cells, snapshot.convention)


def _additive_cells(formula: Formula, snapshot: Snapshot, groups: Groups) -> Cells:
    """Return sums of terms and their quotient, overall and by group."""
    n = sums(formula.population(snapshot), groups)
    numerator = sums(formula.numerator(snapshot), groups)
    undefined = np.full(len(n), np.nan)
    reason = np.full(len(n), NO_REASON, dtype=np.int8)
    if formula.denominator is None:
        return Cells(
            numerator, numerator, undefined, n.astype(np.int64), undefined, undefined, reason
        )
    denominator = sums(formula.denominator(snapshot), groups)
    reason[denominator == 0] = REASONS.index("zero_denominator")
    if formula.refuses_negatives:
        negative = (formula.numerator(snapshot) < 0) | (formula.denominator(snapshot) < 0)
        reason[sums(negative, groups) > 0] = REASONS.index("negative_values")
    part = denominator - numerator if formula.complement else numerator
    value = np.divide(part, denominator, out=undefined.copy(), where=reason == NO_REASON)
    if formula.complement:
        value = 1.0 - value
    return Cells(value, numerator, denominator, n.astype(np.int64), undefined, undefined, reason)


def _with_interval(cells: Cells, convention: MetricConvention) -> Cells:
    """Add the interval of a proportion."""
    bounds = wilson if convention.interval_method == "wilson" else jeffreys
    lower, upper = bounds(cells.numerator, cells.denominator, convention.interval_level)
    return cells._replace(lower=lower, upper=upper)


def _with_ratio_interval(
    cells: Cells, formula: Formula, snapshot: Snapshot, groups: Groups
) -> Cells:
    """Add the interval of a ratio of sums from the spread of the customers' residuals."""
    assert formula.denominator is not None
    top = formula.numerator(snapshot).astype(np.float64, copy=False)
    bottom = formula.denominator(snapshot).astype(np.float64, copy=False)
    upper_square, cross, lower_square = (  # one product in memory at a time
        sums(x * y, groups) for x, y in ((top, top), (top, bottom), (bottom, bottom))
    )
    value = np.where(cells.reason == NO_REASON, cells.value, np.nan)
    residual = np.maximum(upper_square - 2.0 * value * cross + value**2 * lower_square, 0.0)
    n = np.where(cells.n >= FEWEST_FOR_RATIO, cells.n, np.nan).astype(np.float64)
    total = np.where(cells.denominator == 0, np.nan, cells.denominator)
    variance = residual * n / ((n - 1.0) * total**2)
    lower, upper = normal_bounds(value, np.sqrt(variance), snapshot.convention.interval_level)
    return cells._replace(lower=lower, upper=upper)


def _distribution_cells(name: str, formula: Formula, snapshot: Snapshot, groups: Groups) -> Cells:
    """Return a metric of sorted values, overall and by group."""
    members = formula.population(snapshot)
    values = formula.numerator(snapshot)[members]
    order = np.lexsort((values, groups.codes[members]))
    ends = np.cumsum(np.bincount(groups.codes[members], minlength=groups.size))
    parts = [np.sort(values), *np.split(values[order], ends[:-1])][: groups.size + 1]
    assert formula.distribution is not None
    terms = [formula.distribution(part) for part in parts]
    reason = np.array(
        [NO_REASON if t.reason is None else REASONS.index(t.reason) for t in terms], dtype=np.int8
    )
    numerator = np.array([t.numerator for t in terms])
    denominator = np.array([t.denominator for t in terms])
    undefined = np.full(len(terms), np.nan)
    value = np.divide(numerator, denominator, out=undefined.copy(), where=reason == NO_REASON)
    n = np.array([len(part) for part in parts], dtype=np.int64)
    lower, upper = _bootstrapped(name, parts, value, snapshot.convention)
    return Cells(value, numerator, denominator, n, lower, upper, reason)


def _bootstrapped(
    name: str, parts: list[FloatArray], value: FloatArray, convention: MetricConvention
) -> tuple[FloatArray, FloatArray]:
    """Return bootstrap bounds of each part; NaN for few customers or where none are wanted."""
    bounds = np.full((len(parts), 2), np.nan)
    if convention.interval_method != "none":
        for at, part in enumerate(parts):
            if len(part) >= FEWEST_FOR_RATIO and np.isfinite(value[at]):
                bounds[at] = resampled_bounds(
                    name,
                    part,
                    float(value[at]),
                    seed=convention.bootstrap_seed,
                    resamples=convention.bootstrap_resamples,
                    level=convention.interval_level,
                )
    return bounds[:, 0], bounds[:, 1]


def _without_value(size: int, reason: Reason) -> Cells:
    """Return cells that all lack a value for one reason."""
    undefined = np.full(size, np.nan)
    codes = np.full(size, REASONS.index(reason), dtype=np.int8)
    nobody = np.zeros(size, dtype=np.int64)
    return Cells(undefined, undefined, undefined, nobody, undefined, undefined, codes)


def envelope(
    name: str,
    cells: Cells,
    at: int,
    *,
    period: Period,
    convention: MetricConvention,
    notes: tuple[str, ...] = (),
) -> MetricValue:
    """Return one cell as a `MetricValue`."""
    code = int(cells.reason[at])
    interval = None
    if np.isfinite(cells.lower[at]):
        interval = Interval(
            float(cells.lower[at]),
            float(cells.upper[at]),
            _interval_name(name, convention),
            convention.interval_level,
        )
    return MetricValue(
        name=name,
        value=_or_none(cells.value[at]),
        numerator=_or_none(cells.numerator[at]),
        denominator=_or_none(cells.denominator[at]),
        n=int(cells.n[at]),
        reason=None if code == NO_REASON else REASONS[code],
        interval=interval,
        convention=convention,
        period=period,
        notes=notes,
    )


def _interval_name(name: str, convention: MetricConvention) -> str:
    """Return how the interval of a metric is made."""
    kind = convention.definition(name).kind
    if kind in ("ratio", "distribution"):
        return "linearised" if kind == "ratio" else "bootstrap"
    return interval_name(convention) if name in _CHURN else convention.interval_method


def measure(
    name: str,
    base: CustomerBase,
    *,
    period: Period | None,
    window_days: int | None = None,
    convention: MetricConvention,
) -> MetricValue:
    """Return one metric of the whole base."""
    convention = settle_convention(convention, window_days)
    period = period or latest_period(base, convention)
    snapshot = Snapshot(settle_base(base, convention), period, convention)
    needs_history = formula_for(name, base, convention).needs_history
    everybody = Groups(np.zeros(len(base.customer_id), dtype=np.int8), 0)
    cells = evaluate(name, snapshot, everybody)
    notes = snapshot.notes(needs_history=needs_history)
    if name in _CHURN:
        notes = (*notes, *describe_form(convention, period.days))
    return envelope(name, cells, 0, period=period, convention=convention, notes=notes)


def settle_convention(convention: MetricConvention, window_days: int | None) -> MetricConvention:
    """Return the convention with the window asked for."""
    if window_days is None:
        return convention
    return convention.replace(window_days=window_days)


def settle_base(base: CustomerBase, convention: MetricConvention) -> CustomerBase:
    """Return the base as the convention sees it; purchases stay as they are."""
    if isinstance(base, ContractIndex):
        return apply_convention(base, convention=convention)
    return base


def latest_period(base: CustomerBase, convention: MetricConvention) -> Period:
    """Return the window that ends with `as_of`: always complete, as long as one window."""
    return Period.last_days(convention.window_days, as_of=base.as_of)


def _or_none(x: float) -> float | None:
    """Return a number, or None for NaN."""
    return None if np.isnan(x) else float(x)
