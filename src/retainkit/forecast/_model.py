"""ForecastModel: what was learnt of a base, small and applied to each customer on its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.time import DAYS_PER_YEAR
from retainkit.errors import AlignmentError, SchemaError
from retainkit.forecast._activity import Activity, ActivityModel
from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._estimator import (
    EstimatorFailure,
    EstimatorTrial,
    ValueEstimator,
    estimated_sizes,
    refused,
    require_estimator,
)
from retainkit.forecast._evidence import Origin, Trust
from retainkit.forecast._kernel_features import Scales, own_gap
from retainkit.forecast._kernel_judge import Bands, apply_bands
from retainkit.forecast._kernel_log import Known
from retainkit.forecast._kernel_ridge import logit
from retainkit.forecast._learn import (
    Regressions,
    carry_chance,
    columns_of,
    lifetime_chance,
)
from retainkit.forecast._months import MonthAhead
from retainkit.forecast._notes import NO_FORECAST, NO_PURCHASE
from retainkit.forecast._purchase_facts import PurchaseFacts, covariate_columns, known_of
from retainkit.forecast._table import ForecastTable
from retainkit.forecast._value_notes import PastYear, look_back
from retainkit.forecast._ways import Mix, lifetime_money, tell_ways
from retainkit.lifetime import Covariates, PurchaseModelUnion
from retainkit.typing import FloatArray

_CHUNK = 16_384
_NEVER = np.iinfo(np.int32).min
_Z90 = 1.6448536269514722


class Interval(FrozenConfig):
    """Expected values that end each group [baskets], and what held most of its members [money].

    `beyond` is what held most of the largest group per unit of its expected value: it goes on in
    proportion, also past the largest value that was learnt from.
    """

    edge: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    beyond: tuple[float, float] | None = None

    def bands(self) -> Bands:
        """Return the arrays."""
        edge, lower, upper = np.array(self.edge), np.array(self.lower), np.array(self.upper)
        return Bands(edge, lower, upper, self.beyond)


class Rhythm(FrozenConfig):
    """Gaps to the next purchase in units of the own usual gap: a low, a middle and a high one."""

    low: float
    middle: float
    high: float


class ForecastModel(FrozenModel):
    """Who will buy within the horizon and for how much: learnt from a base, judged on its past.

    Parameters
    ----------
    config : ForecastConfig
        What the user chose.
    as_of : datetime.date
        Last observed day of the base it was learnt on.
    horizon_days : int
        Days ahead the forecast speaks of [day].
    tested_days : int
        Longest window ahead that was learnt from [day]; beyond it the forecast is carried.
    base_gap : float
        Mean days between purchases of one customer [day].
    basket : float
        Mean net money of a purchase day [money].
    regressions : Regressions or None
        What was learnt; None where too little happened: then the lifetime model alone.
    lifetime : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or None
        Model of buying and dropout, one of the candidates.
    mix : Mix or None
        What each way to expect a customer's money weighs; None without regressions.
    factor : float
        What makes the expected values add up to the total.
    interval : Interval or None
        What customers of each predicted size brought.
    drift : float
        Standard deviation of the log-odds by which the level of earlier forecasts was off.
    rhythm : Rhythm
        How long until the next purchase, in own gaps.
    totals, weights : tuple of (str, float)
        The total told in each way over the last span of the same length, and the weight of each.
    total_ratio : float
        Total over the money of the last span of the same length, everybody counted.
    trust : Trust
        Whether the ranking beats chance.
    origins : tuple of Origin
        Earlier forecasts and what came.
    estimator : EstimatorTrial or None
        How an estimator of the user's own did on earlier days; None where none was given.
    notes : tuple of str
        What a reader must know before acting on it.
    carry : float or None
        Where less than half of the horizon was tested: customers are described for the window that
        was, and the chance of no purchase in it is raised to this power; None otherwise.
    activity : ActivityModel or None
        Whether a customer buys within the window of its state, whatever the horizon; None where
        too little happened.
    months : tuple of MonthAhead
        How the money of the horizon spreads over calendar months; empty where nothing is expected.
    covariates : tuple of str
        Covariates that the regressions use beside what was bought.

    Examples
    --------
    >>> import retainkit as rk
    >>> model = rk.fit_forecast(rk.load_cdnow_sample(), as_of="1998-06-30", horizon_days=180)
    >>> rk.ForecastModel.from_json(model.to_json()) == model
    True
    >>> one = rk.summarize_customer(["1998-01-10", "1998-05-02"], [20.0, 35.0], as_of="1998-06-30")
    >>> model.apply(one).p_active.round(1).tolist()
    [0.4]
    """

    config: ForecastConfig
    as_of: date
    horizon_days: int
    tested_days: int
    base_gap: float
    basket: float
    regressions: Regressions | None
    lifetime: PurchaseModelUnion | None
    mix: Mix | None = None
    factor: float
    interval: Interval | None
    drift: float
    rhythm: Rhythm
    totals: tuple[tuple[str, float], ...]
    weights: tuple[tuple[str, float], ...]
    total_ratio: float | None
    trust: Trust
    origins: tuple[Origin, ...]
    estimator: EstimatorTrial | None = None
    notes: tuple[str, ...] = ()
    carry: float | None = None
    activity: ActivityModel | None = None
    months: tuple[MonthAhead, ...] = ()
    covariates: tuple[str, ...] = ()

    @property
    def scales(self) -> Scales:
        """Rhythm [day] and basket [money] of the base."""
        return Scales(self.base_gap, self.basket)

    def apply(
        self,
        summary: PurchaseFacts,
        *,
        margin_rate: float | FloatArray = 1.0,
        annual_discount_rate: float = 0.0,
        estimator: ValueEstimator | None = None,
        covariates: Covariates | None = None,
    ) -> ForecastTable:
        """Forecast each customer; the result for one does not depend on the others.

        Parameters
        ----------
        summary : CustomerSummary
            Customers, from `summarize_customers` or `summarize_customer`.
        margin_rate : float or numpy.ndarray of shape (n,), default 1.0
            Profit per unit of purchases net of returns (`net_margin_rates`).
        annual_discount_rate : float, default 0.0
            Yearly rate; the money of the horizon is taken to come evenly.
        estimator : ValueEstimator, optional
            The fitted object of your own, where `fit_forecast` was given one. It is not part of
            the model's JSON, so it must be passed again; it is used where it was chosen.
        covariates : Covariates, optional
            Of the same customers in the same order, where it was learnt with covariates.

        Returns
        -------
        ForecastTable
            In the order of `summary`.

        Raises
        ------
        SchemaError
            If the summary was put together without its recent purchases, or an estimator of your
            own was chosen and is not given or fails, or covariates it was learnt with are missing.
        AlignmentError
            If `margin_rate` is for another number of customers.
        """
        if summary.recent_days is None or summary.recent_amount is None:
            raise SchemaError(
                "the summary has no recent purchases",
                rule="a forecast reads what a customer bought in the days before its last purchase",
                where="CustomerSummary.recent_days",
                fix="summarise with summarize_customers or summarize_customer",
            )
        n = len(summary.customer_id)
        margin = (
            np.broadcast_to(np.asarray(margin_rate, dtype=np.float64), (n,))
            if (np.ndim(margin_rate) == 0 or np.shape(margin_rate) == (n,))
            else None
        )
        if margin is None:
            raise AlignmentError(
                f"margin_rate has shape {np.shape(margin_rate)}, the summary {n:,} customers",
                rule="one margin for all or one per customer, in order",
                where="margin_rate",
                fix="pass net_margin_rates(summary, margin)",
            )
        own = None
        if self.estimator is not None and self.estimator.chosen:
            own = require_estimator(estimator)
        traits = covariate_columns(self.covariates, covariates, n)
        out, total = _Columns(n), summary.total_amount
        for start in range(0, n, _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, n))
            bought = rows[summary.occasions[rows] > 0]
            self._fill(out, bought, known_of(summary, bought, traits, money=total), own)
        out.note[summary.occasions == 0] = NO_PURCHASE
        money = margin * discount_factor(self.horizon_days, annual_discount_rate)
        table = out.table(summary.customer_id, money, self.config.level, margin)
        return replace(table, ranks=self.trust.ranks, notes=self.notes)

    def read_activity(
        self, summary: PurchaseFacts, covariates: Covariates | None = None
    ) -> Activity:
        """Return what tells the state of each customer; NaN without a purchase.

        Parameters
        ----------
        summary : CustomerSummary
            Customers.
        covariates : Covariates, optional
            As for `apply`.

        Returns
        -------
        Activity
            In the order of `summary`; `p_state` and `kept` are NaN where they were not learnt.
        """
        n, total = len(summary.customer_id), summary.total_amount
        traits = covariate_columns(self.covariates, covariates, n)
        out = Activity(*(np.full(n, np.nan) for _ in Activity._fields))
        for start in range(0, n, _CHUNK):
            rows = start + np.flatnonzero(summary.occasions[start : start + _CHUNK] > 0)
            if not len(rows):
                continue
            known = known_of(summary, rows, traits, money=total)
            out.silent[rows], out.age[rows] = known.day - known.last, known.day - known.first
            out.own_gap[rows] = own_gap(known, self.base_gap)
            if self.activity is not None:
                read = self.activity.read(known)
                out.p_state[rows], out.kept[rows] = read.p_state, read.kept
                out.own_gap[rows] = read.own_gap
        return out

    def expect(self, known: Known) -> tuple[FloatArray, FloatArray]:
        """Return probability and money [money] of customers as known on a day."""
        assert self.regressions is not None
        window, scales = float(self.horizon_days), Scales(self.base_gap, self.basket)
        columns = columns_of(self.regressions, self.lifetime, known, window, scales)
        size = self._sizes(columns, known, None)
        return self._chance(known, columns), size * self.basket * self.factor

    def _chance(self, known: Known, columns: list[FloatArray]) -> FloatArray:
        """Return the probability of buying; beyond the tested days it is carried on."""
        assert self.regressions is not None
        if self.carry is None:
            return self.regressions.p_active(columns)
        tested = float(self.tested_days)
        near = columns_of(self.regressions, self.lifetime, known, tested, self.scales)
        return carry_chance(self.regressions.p_active(near), self.carry)

    def _fill(
        self,
        out: _Columns,
        rows: npt.NDArray[np.int64],
        known: Known,
        own: ValueEstimator | None,
    ) -> None:
        """Forecast the customers at `rows`."""
        if not len(rows):
            return
        window, scales = float(self.horizon_days), self.scales
        if self.regressions is not None:
            columns = columns_of(self.regressions, self.lifetime, known, window, scales)
            p = self._chance(known, columns)
            size = self._sizes(columns, known, own)
        elif self.lifetime is not None:
            p = lifetime_chance(self.lifetime, known, window)
            size = lifetime_money(self.lifetime, known, window, scales)
        else:
            out.note[rows] = NO_FORECAST
            return
        unit = self.basket * self.factor
        out.p[rows] = p
        shift = _Z90 * self.drift
        out.p_low[rows], out.p_high[rows] = expit(logit(p) - shift), expit(logit(p) + shift)
        out.p_low[rows] = np.minimum(out.p_low[rows], p)
        out.p_high[rows] = np.maximum(out.p_high[rows], p)
        out.value[rows] = size * unit
        if self.interval is not None:
            low, high = apply_bands(self.interval.bands(), size * self.factor)
            out.low[rows] = np.minimum(low, size * unit)  # a skewed quantile may fall short
            out.high[rows] = np.maximum(high, size * unit)
        self._fill_next(out, rows, known, p)
        told = self.interval is not None
        past = look_back(known, horizon_days=self.horizon_days, scales=scales, has_interval=told)
        out.remember(rows, past)

    def _sizes(
        self, columns: list[FloatArray], known: Known, own: ValueEstimator | None
    ) -> FloatArray:
        """Return expected values up to a common factor."""
        assert self.regressions is not None
        if own is None:
            assert self.mix is not None
            window, scales = float(self.horizon_days), Scales(self.base_gap, self.basket)
            ways = tell_ways(self.regressions, columns, known, window, scales, self.lifetime)
            return self.mix.blend(ways)
        try:
            return estimated_sizes(own, columns)
        except EstimatorFailure as failure:
            raise refused(failure) from failure

    def _fill_next(
        self, out: _Columns, rows: npt.NDArray[np.int64], known: Known, p: FloatArray
    ) -> None:
        """Expect the next purchase after the own rhythm, or by the chance where that has passed."""
        silent, gap = known.day - known.last, own_gap(known, self.base_gap)
        out.overdue[rows] = np.maximum(silent - gap * self.rhythm.middle, 0.0)
        for target, share, ratio in (
            (out.next_low, 0.05, self.rhythm.low),
            (out.next, 0.5, self.rhythm.middle),
            (out.next_high, 0.95, self.rhythm.high),
        ):
            with np.errstate(divide="ignore"):
                wait = self.horizon_days * np.log1p(-share) / np.log1p(-np.minimum(p, 1 - 1e-12))
            by_rhythm = gap * ratio - silent
            days = np.ceil(np.where(by_rhythm >= 1.0, np.minimum(by_rhythm, wait), wait))
            days = np.maximum(days, 1.0)
            inside = (days <= self.horizon_days) & (p >= share)
            target[rows] = np.where(inside, known.day + days, float(_NEVER)).astype(np.int32)
        # a rhythm that has passed for one end and not for the other must not turn them about
        middle, high = out.next[rows], out.next_high[rows]
        expected = middle > _NEVER
        out.next_low[rows] = np.where(
            expected, np.minimum(out.next_low[rows], middle), out.next_low[rows]
        )
        out.next_high[rows] = np.where(high > _NEVER, np.maximum(high, middle), high)


class _Columns:
    """The columns of the table while they are filled."""

    def __init__(self, n: int) -> None:
        self.p, self.p_low, self.p_high = (np.full(n, np.nan) for _ in range(3))
        self.value, self.low, self.high = (np.full(n, np.nan) for _ in range(3))
        self.next, self.next_low, self.next_high = (
            np.full(n, _NEVER, dtype=np.int32) for _ in range(3)
        )
        self.overdue = np.full(n, np.nan)
        self.note = np.zeros(n, dtype=np.int8)
        self.past = PastYear.unknown(n)

    def remember(self, rows: npt.NDArray[np.int64], past: PastYear) -> None:
        """Keep what some customers brought."""
        self.past = self.past.filled(rows, past)

    def table(
        self, customer_id: pd.Index[Any], money: FloatArray, level: float, rate: FloatArray
    ) -> ForecastTable:
        bounds = np.sort(np.stack([self.low * money, self.high * money]), axis=0)
        past = self.past.worth(rate)
        told = ForecastTable(
            customer_id=customer_id,
            p_active=self.p,
            p_active_low=self.p_low,
            p_active_high=self.p_high,
            active_score=self.p,
            expected_value=self.value * money,
            expected_value_low=bounds[0],
            expected_value_high=bounds[1],
            next_purchase=self.next,
            next_purchase_low=self.next_low,
            next_purchase_high=self.next_high,
            days_overdue=self.overdue,
            note=self.note,
            level=level,
            past=past,
        )
        return told.with_values(told.expected_value, bounds[0], bounds[1])


def discount_factor(horizon_days: float, annual_rate: float) -> float:
    """Return the mean of (1 + rate)^(-t / 365.25) over the horizon."""
    force = np.log1p(annual_rate) * horizon_days / DAYS_PER_YEAR
    return float(-np.expm1(-force) / force) if force > 0.0 else 1.0
