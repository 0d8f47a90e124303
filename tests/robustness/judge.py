"""Hold what a default run says of a simulated firm against what came next."""

from __future__ import annotations

import inspect
import re
import time
import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import retainkit as rk
from retainkit.pipeline import RetentionResult
from retainkit.typing import BoolArray, FloatArray
from tests.robustness.firms import KINDS, Firm, make_firm
from tests.robustness.plain import auc, beyond_chance, plain_scores

BINS = 10


class Verdict(NamedTuple):
    """How a run on one firm did.

    Attributes
    ----------
    firm : str
        Name of the firm.
    seed : int
        Seed it was drawn with.
    auc, plain_auc, oracle_auc : float
        Ranking by `p_active`, by the best plain rule, and by the hidden truth; with contracts
        alone among running ones.
    oracle_beyond_chance : float
        Standard errors by which the hidden truth ranks better than chance.
    expected_over_actual : float
        Money expected over money that came, of customers with a forecast; NaN where none has one.
    oracle_over_actual : float
        The same of the hidden truth.
    notes : tuple of str
        What the run said about its forecast as a whole.
    noted : float
        Share of customers with a note of their own.
    named : bool
        Whether a note of either kind names what is special about the firm.
    empty : float
        Share of customers without a probability, a value or an interval.
    unexplained : float
        Share of customers without one of these and without a reason.
    calibration, noise : float
        Calibration error of `p_active` in ten bins, and what chance alone gives a perfect forecast.
    coverage, coverage_top : float
        Share of customers, and of the best fifth by forecast, whose money lies within the interval;
        NaN without intervals.
    ranks : str
        Whether the run says that it can rank: "yes", "no", "not known"; "not told" if it does not.
    worthless : int
        Running contracts worth nothing.
    seconds : float
        How long the run took.
    """

    firm: str
    seed: int
    auc: float
    plain_auc: float
    oracle_auc: float
    oracle_beyond_chance: float
    expected_over_actual: float
    oracle_over_actual: float
    notes: tuple[str, ...]
    noted: float
    named: bool
    empty: float
    unexplained: float
    calibration: float
    noise: float
    coverage: float
    coverage_top: float
    ranks: str
    worthless: int
    seconds: float

    @property
    def flagged(self) -> bool:
        """Whether the forecast as a whole carries a note."""
        return bool(self.notes)

    @property
    def behind(self) -> float:
        """How far the ranking is behind the best plain rule."""
        return self.plain_auc - self.auc

    @property
    def money_is_right(self) -> bool:
        """Whether the money expected is within a factor of 1.5 of what came."""
        return bool(0.67 <= self.expected_over_actual <= 1.5)


class Forecast(NamedTuple):
    """What a run says of each customer of a firm, NaN where it says nothing, and as a whole."""

    p_active: FloatArray
    value: FloatArray
    low: FloatArray | None
    high: FloatArray | None
    note: list[str]
    notes: tuple[str, ...]
    ranks: str


# ---------------------------------------------------------------- the interface of a run
def config_for(firm: Firm, **choices: Any) -> rk.PipelineConfig:
    """Return the default configuration with the firm's horizon and no discount."""
    chosen = {"horizon_days": firm.horizon_days, "annual_discount_rate": 0.0}
    if "horizon_days" in rk.PipelineConfig.model_fields:
        return rk.PipelineConfig.model_validate(chosen | choices)
    return rk.PipelineConfig.model_validate({"value": chosen} | choices)


def recorded_window(firm: Firm) -> dict[str, Any] | None:
    """Return the choice that names since when ends are on record; None where there is none.

    It is the argument of a run, or the field of its configuration or of a part of this, whose name
    begins with `recorded`.
    """
    if firm.recorded_from is None:
        return None
    day = firm.recorded_from.date().isoformat()
    for name in inspect.signature(rk.RetentionPipeline.run).parameters:
        if name.startswith("recorded"):
            return {name: day}
    for name, field in rk.PipelineConfig.model_fields.items():
        if name.startswith("recorded"):
            return {name: day}
        for part in getattr(field.annotation, "model_fields", {}):
            if part.startswith("recorded"):
                return {name: {part: day}}
    return None


def run(firm: Firm, **choices: Any) -> RetentionResult:
    """Run the pipeline on what the firm recorded."""
    fields = rk.PipelineConfig.model_fields
    chosen = {name: value for name, value in choices.items() if name in fields}
    arguments = {name: value for name, value in choices.items() if name not in fields}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rk.RetentionPipeline(config_for(firm, **chosen)).run(
            firm.transactions,
            contracts=firm.contracts,
            as_of=str(firm.as_of.date()),
            **arguments,
        )


def _column(view: pd.DataFrame, *names: str) -> FloatArray | None:
    """Return the first of these columns that there is."""
    found = [name for name in names if name in view.columns]
    return view[found[0]].to_numpy(dtype=np.float64) if found else None


def read(result: RetentionResult, firm: Firm) -> Forecast:
    """Read the forecast of each of the firm's customers, whatever their order in the result."""
    view = result.customers.to_frame()
    view = view.set_index(view["customer_id"].astype(int)).reindex(np.arange(len(firm)))
    p_active = _column(view, "p_active")
    if p_active is None:
        p_active = 1.0 - view["p_churned"].to_numpy(dtype=np.float64)
    value = _column(view, "expected_value", "lifetime_value")
    assert value is not None
    note = [""] * len(firm)
    if "forecast_note" in view.columns:
        note = view["forecast_note"].astype(object).fillna("").astype(str).tolist()
    judged = getattr(result, "forecast", None)
    said = tuple(getattr(judged, "notes", ())) if judged is not None else result.model.notes
    return Forecast(
        p_active=p_active,
        value=value,
        low=_column(view, "expected_value_low"),
        high=_column(view, "expected_value_high"),
        note=note,
        notes=tuple(str(one) for one in said),
        ranks=str(getattr(judged, "ranks", "not told")),
    )


# ---------------------------------------------------------------- measures
def calibration_error(p: FloatArray, active: BoolArray) -> float:
    """Return the mean distance of forecast and outcome over ten bins of equal size."""
    order = np.argsort(p, kind="stable")
    bins = [rows for rows in np.array_split(order, BINS) if len(rows)]
    return float(sum(abs(p[i].mean() - active[i].mean()) * len(i) for i in bins) / len(p))


def noise(p: FloatArray) -> float:
    """Return the calibration error that chance alone gives a perfect forecast."""
    g = np.random.default_rng(0)
    return float(np.mean([calibration_error(p, g.random(len(p)) < p) for _ in range(20)]))


def _unexplained(forecast: Forecast, empty: BoolArray) -> float:
    """Return the share of empty rows without a note.

    A run that has no notes of customers gives its reasons as a whole.
    """
    without = np.array([not one for one in forecast.note], dtype=np.bool_)
    if without.all() and forecast.ranks == "not told" and forecast.notes:
        without[:] = False
    return float((empty & without).mean())


def _coverage(forecast: Forecast, firm: Firm) -> tuple[float, float]:
    if forecast.low is None or forecast.high is None:
        return float("nan"), float("nan")
    inside = (firm.money >= forecast.low - 1e-9) & (firm.money <= forecast.high + 1e-9)
    known = np.flatnonzero(~np.isnan(forecast.low) & ~np.isnan(forecast.high))
    if not known.size:
        return float("nan"), float("nan")
    best = known[np.argsort(-np.nan_to_num(forecast.value[known]), kind="stable")]
    return float(inside[known].mean()), float(inside[best[: max(1, len(best) // 5)]].mean())


def _money(value: FloatArray, firm: Firm) -> float:
    known = ~np.isnan(value)
    actual = firm.money[known].sum()
    return float(value[known].sum() / actual) if known.any() and actual > 0 else float("nan")


def _ranked(firm: Firm) -> BoolArray:
    """Return whom a ranking is about: running contracts where there is nothing else, or all."""
    alone = firm.contracts is not None and firm.transactions is None
    return firm.running if alone else np.ones(len(firm), dtype=np.bool_)


def assess(name: str, seed: int, firm: Firm, forecast: Forecast, seconds: float = 0.0) -> Verdict:
    """Measure a forecast."""
    rows = _ranked(firm)
    active = firm.active[rows]
    known = ~np.isnan(forecast.p_active)
    p = np.where(known, forecast.p_active, forecast.p_active[known].mean() if known.any() else 0.5)
    missing = [forecast.p_active, forecast.value, forecast.low, forecast.high]
    empty = np.isnan(np.array([column for column in missing if column is not None])).any(axis=0)
    pattern = re.compile(KINDS[name].cause, re.IGNORECASE)
    coverage, coverage_top = _coverage(forecast, firm)
    plain = [auc(score[rows], active) for score in plain_scores(firm).values()]
    return Verdict(
        firm=name,
        seed=seed,
        auc=auc(p[rows], active),
        plain_auc=max(plain, default=float("nan")),
        oracle_auc=auc(firm.p_active[rows], active),
        oracle_beyond_chance=beyond_chance(firm.p_active[rows], active),
        expected_over_actual=_money(forecast.value, firm),
        oracle_over_actual=_money(firm.expected_money, firm),
        notes=forecast.notes,
        noted=float(np.mean([bool(one) for one in forecast.note])),
        named=any(pattern.search(one) for one in {*forecast.notes, *forecast.note}),
        empty=float(empty.mean()),
        unexplained=_unexplained(forecast, empty),
        calibration=calibration_error(p[rows], active),
        noise=noise(np.clip(p[rows], 0, 1)),
        coverage=coverage,
        coverage_top=coverage_top,
        ranks=forecast.ranks,
        worthless=int((firm.running & (forecast.value <= 0)).sum()),
        seconds=seconds,
    )


class Run(NamedTuple):
    """A firm, what a run said of it, and how long it took [s]."""

    firm: Firm
    forecast: Forecast
    seconds: float


def forecast_of(name: str, seed: int, customers: int | None = None) -> Run:
    """Make a firm and run the pipeline on it with its defaults."""
    firm = make_firm(name, seed, customers)
    before = time.perf_counter()
    forecast = read(run(firm), firm)
    return Run(firm, forecast, time.perf_counter() - before)


@cache
def judge(name: str, seed: int) -> Verdict:
    """Measure a default run on a firm."""
    return assess(name, seed, *forecast_of(name, seed))


@cache
def judge_recorded(name: str, seed: int) -> Verdict | None:
    """Measure a run that names the recorded window; None where it cannot be named."""
    firm = make_firm(name, seed)
    choice = recorded_window(firm)
    return None if choice is None else assess(name, seed, firm, read(run(firm, **choice), firm))
