"""Hold what a default run says of a simulated firm against what came next."""

from __future__ import annotations

import re
import time
import warnings
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

import retainkit as rk
from retainkit._core.time import parse_as_of
from retainkit._pipeline._gather import gather_facts
from retainkit._pipeline._histories import open_history
from retainkit._pipeline._models import predict
from retainkit._pipeline._tables import TableColumns, sift_tables
from retainkit.forecast import ForecastTable, _from_tables
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
        Ranking by `active_score`, by the best plain rule, and by the hidden truth; with contracts
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
        with contracts alone among running ones; NaN without intervals.
    ranks : str
        Whether the run says that it can rank: "yes", "no", "not known".
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
    """What a run says of each customer of a firm, NaN where it says nothing, and as a whole.

    `order` ranks customers by being there, also where no chance can be stated.
    """

    p_active: FloatArray
    order: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    note: list[str]
    notes: tuple[str, ...]
    ranks: str


# ---------------------------------------------------------------- the interface of a run
def config_for(firm: Firm, **choices: Any) -> rk.PipelineConfig:
    """Return the default configuration with the firm's horizon and no discount."""
    chosen = {"horizon_days": firm.horizon_days, "annual_discount_rate": 0.0}
    return rk.PipelineConfig.model_validate(chosen | choices)


def run(firm: Firm, **choices: Any) -> RetentionResult:
    """Run the pipeline on what the firm recorded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rk.RetentionPipeline(config_for(firm, **choices)).run(
            firm.transactions, contracts=firm.contracts, as_of=str(firm.as_of.date())
        )


def forecast_part(firm: Firm, **choices: Any) -> ForecastTable:
    """Return the forecast of a run from the parts that lead to it; nothing is graded or measured.

    How long contracts last to the long end is learnt by the simpler model, and states are not
    learnt at all: they are no part of this.
    """
    config = config_for(firm, contract_model="shifted_beta_geometric", **choices)
    day = parse_as_of(str(firm.as_of.date()))
    frames = dict.fromkeys(("customers", "events", "surveys", "activities"))
    known = {"transactions": firm.transactions, "contracts": firm.contracts}
    names = TableColumns(None, None, None, None, None, None)
    stateless = patch.object(_from_tables, "fit_activity", lambda *_: (None, ()))
    with warnings.catch_warnings(), stateless:
        warnings.simplefilter("ignore")
        tables = sift_tables(known | frames, names, config.rules, day, lambda _: None)
        history, tables = open_history(tables, day, config)
        summary = history.summarize()
        facts = gather_facts(
            history, summary, None, payments=None, strategic_flags=(), config=config
        )
        models = history.learn(summary, lambda _: None)
        forecast = predict(summary, models, config, facts).forecast
    assert forecast is not None
    return forecast


def read(forecast: ForecastTable, firm: Firm) -> Forecast:
    """Read the forecast of each of the firm's customers, whatever their order in the table."""
    view = forecast.to_frame()
    view = view.set_index(view["customer_id"].astype(int)).reindex(np.arange(len(firm)))

    def column(name: str) -> FloatArray:
        return view[name].to_numpy(dtype=np.float64)

    return Forecast(
        p_active=column("p_active"),
        order=column("active_score"),
        value=column("expected_value"),
        low=column("expected_value_low"),
        high=column("expected_value_high"),
        note=view["forecast_note"].astype(object).fillna("").astype(str).tolist(),
        notes=forecast.notes,
        ranks=forecast.ranks,
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
    """Return the share of empty rows without a note."""
    without = np.array([not one for one in forecast.note], dtype=np.bool_)
    return float((empty & without).mean())


def _coverage(forecast: Forecast, firm: Firm) -> tuple[float, float]:
    """Return the share covered, of all and of the best fifth: of whom a ranking is about."""
    inside = (firm.money >= forecast.low - 1e-9) & (firm.money <= forecast.high + 1e-9)
    known = np.flatnonzero(_ranked(firm) & ~np.isnan(forecast.low) & ~np.isnan(forecast.high))
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
    order = np.where(np.isnan(forecast.order), np.nanmean(forecast.order), forecast.order)
    missing = [forecast.p_active, forecast.value, forecast.low, forecast.high]
    empty: BoolArray = np.asarray(np.isnan(np.array(missing)).any(axis=0))
    pattern = re.compile(KINDS[name].cause, re.IGNORECASE)
    coverage, coverage_top = _coverage(forecast, firm)
    plain = [auc(score[rows], active) for score in plain_scores(firm).values()]
    return Verdict(
        firm=name,
        seed=seed,
        auc=auc(order[rows], active),
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
    """Make a firm and forecast it with the defaults of a run."""
    firm = make_firm(name, seed, customers)
    before = time.perf_counter()
    forecast = read(forecast_part(firm), firm)
    return Run(firm, forecast, time.perf_counter() - before)


@cache
def judge(name: str, seed: int) -> Verdict:
    """Measure a default run on a firm."""
    return assess(name, seed, *forecast_of(name, seed))


@cache
def judge_recorded(name: str, seed: int) -> Verdict | None:
    """Measure a forecast that is told since when ends are recorded; None where all are."""
    firm = make_firm(name, seed)
    if firm.recorded_from is None:
        return None
    chosen = {"recorded_from": firm.recorded_from.date()}
    return assess(name, seed, firm, read(forecast_part(firm, forecast=chosen), firm))
