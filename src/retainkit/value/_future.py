"""fit_future_value: choose the estimate of future value by evidence from inside the data."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._internal.time import parse_as_of
from retainkit.errors import ConvergenceError, NotComputableError, RetainkitWarning
from retainkit.typing import AsOf, CollapseUnit, FloatArray, TimeUnit
from retainkit.value._future_config import EstimatorEvidence, FutureEstimator, FutureValueConfig
from retainkit.value._future_model import (
    FutureReason,
    FutureValueModel,
    TwoPartModel,
    estimate_window,
    features_of,
    spend_per_day,
)
from retainkit.value._kernel_hurdle import (
    difference_of_shares,
    ridge_least_squares,
    ridge_logistic,
    standardize,
    top_of,
)
from retainkit.value._lifetime_value import expected_lifetime_value
from retainkit.value._summarize import summarize_customers
from retainkit.value._summary import CustomerSummary

_MIN_WINDOW_DAYS = 14


class _Window(NamedTuple):
    """Customers as known at an origin, and the money they brought in the days after it."""

    summary: CustomerSummary
    purchase_model: Any
    in_window: FloatArray
    actual: FloatArray
    days: int


class _Unsupported(Exception):  # noqa: N818 - a signal between two private functions
    def __init__(self, reason: FutureReason) -> None:
        super().__init__(reason)
        self.reason = reason


def fit_future_value(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    unit: TimeUnit = "week",
    collapse: CollapseUnit = "day",
    horizon_days: float = 365.25,
    config: FutureValueConfig | None = None,
) -> FutureValueModel:
    """Choose how to estimate future value on this base, and learn what the estimate needs.

    No estimator is best on every base: where buying is regular past spend is hard to beat, where
    customers come and go the lifetime model is. So each candidate is tried on a window inside the
    observed time, learnt only from what lay before that window, and the one that captures most
    money with its best customers is learnt again on the latest window.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions: `customer_id`, `timestamp`, `amount` [money].
    as_of : str, date, datetime or numpy.datetime64
        Last observed day; nothing after it is looked at.
    unit : {"day", "week", "month"}, default "week"
        Scale of time of the lifetime models inside.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which purchases count once.
    horizon_days : float, default 365.25
        Horizon the estimate is for [day]; the training window is at most as long.
    config : FutureValueConfig, optional
        Candidates and limits.

    Returns
    -------
    FutureValueModel
        The chosen estimator with the evidence. On a base too small or too short the lifetime
        model alone, and `reason` says why.

    Notes
    -----
    With c = `as_of`, t0 the first day and h the window: features at c - h and money in (c - h, c]
    teach the final estimate. The evidence is one origin earlier: learnt at c - h - h', with
    h' = min(h, half of what lies before c - h), and judged at c - h on the money of (c - h, c].
    An estimator counts as equal to the best if it captures less by no more than one standard
    error; among equals the order of `config.candidates` decides.

    Examples
    --------
    >>> import retainkit as rk
    >>> model = rk.fit_future_value(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> [entry.estimator for entry in model.evidence]
    ['two_part', 'blend', 'lifetime', 'spend', 'spend_rate']
    """
    config = config or FutureValueConfig()
    day = parse_as_of(as_of)
    rows = _sample(transactions, config.max_customers)
    window = _window_days(rows, day, horizon_days, config)
    try:
        if config.candidates == ("lifetime",):
            raise _Unsupported("only_candidate")
        final = _observe(rows, day - timedelta(days=window), window, unit, collapse, config)
        evidence = _compare(rows, final, unit, collapse, config)
        learnt = _learn(final, config)
    except _Unsupported as signal:
        return FutureValueModel(
            config=config, chosen="lifetime", reason=signal.reason, window_days=max(window, 1)
        )
    return FutureValueModel(
        config=config,
        chosen=_choose(evidence),
        reason="evidence",
        evidence=evidence,
        window_days=window,
        learnt_at=final.summary.as_of,
        two_part=learnt.two_part,
        factors=learnt.factors,
        n=len(final.summary),
    )


def _sample(transactions: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return all rows of at most `most` customers, chosen by a hash of their id."""
    ids = pd.Index(transactions["customer_id"].unique())
    if len(ids) <= most:
        return transactions
    hashed = _hash(ids)
    chosen = ids[hashed <= np.partition(hashed, most - 1)[most - 1]]
    return transactions[transactions["customer_id"].isin(chosen)]


def _hash(ids: pd.Index[Any]) -> npt.NDArray[np.uint64]:
    """Return a number per customer that depends on nothing but its id."""
    texts = ids.astype(str).to_numpy(dtype=object)
    return np.asarray(pd.util.hash_array(texts, categorize=False))


def _window_days(
    rows: pd.DataFrame, day: date, horizon_days: float, config: FutureValueConfig
) -> int:
    observed = (pd.Timestamp(day) - rows["timestamp"].min()).days + 1
    wanted = config.window_days or min(horizon_days, observed / 2)
    return int(wanted)


def _observe(
    rows: pd.DataFrame,
    origin: date,
    days: int,
    unit: TimeUnit,
    collapse: CollapseUnit,
    config: FutureValueConfig,
) -> _Window:
    """Take what was known at `origin` and what came in the `days` after it."""
    if days < _MIN_WINDOW_DAYS:
        raise _Unsupported("history_too_short")
    stamps = rows["timestamp"]
    start, end = pd.Timestamp(origin) + pd.Timedelta(days=1), pd.Timedelta(days=days)
    before, after = rows[stamps < start], rows[(stamps >= start) & (stamps < start + end)]
    if before["customer_id"].nunique() < config.min_customers:
        raise _Unsupported("too_few_customers")
    summary = summarize_customers(before, as_of=origin, unit=unit, collapse=collapse)
    summary = summary.take(~summary.never_purchased)
    actual = _money_after(summary, after, origin + timedelta(days=days))
    order = _order_of_facts(summary, actual)
    summary, actual = summary.take(order), actual[order]
    if np.count_nonzero(actual) < config.min_buyers:
        raise _Unsupported("too_few_buyers")
    purchase_model, in_window = _lifetime(summary, days)
    return _Window(
        summary=summary,
        purchase_model=purchase_model,
        in_window=in_window,
        actual=actual,
        days=days,
    )


def _order_of_facts(summary: CustomerSummary, actual: FloatArray) -> npt.NDArray[np.intp]:
    """Return an order that depends on no name and no row order, so that sums do not either."""
    keys = (summary.last_day, summary.first_day, summary.frequency, summary.total_amount, actual)
    return np.lexsort(keys)


def _money_after(summary: CustomerSummary, after: pd.DataFrame, end: date) -> FloatArray:
    """Return the net money of each customer in the window [money], never below 0."""
    actual = np.zeros(len(summary))
    if len(after):
        later = summarize_customers(after, as_of=end)
        places = summary.customer_id.get_indexer(later.customer_id)
        known = places >= 0
        actual[places[known]] = np.maximum(later.total_amount[known], 0.0)
    return actual


def _lifetime(summary: CustomerSummary, days: int) -> tuple[Any, FloatArray]:
    """Fit the lifetime models at an origin; return the purchase model and the money it expects."""
    from retainkit.lifetime import fit_gamma_gamma, fit_mbg_nbd

    try:
        with warnings.catch_warnings():
            # An optimum on the boundary is fine here; the fit on the whole base will say so.
            warnings.simplefilter("ignore", RetainkitWarning)
            purchase_model = fit_mbg_nbd(summary)
            spend_model = fit_gamma_gamma(summary.frequency, summary.monetary_value)
    except (NotComputableError, ConvergenceError):
        raise _Unsupported("lifetime_not_computable") from None
    in_window = expected_lifetime_value(
        summary,
        purchase_model,
        spend_model=spend_model,
        horizon_days=float(days),
        annual_discount_rate=0.0,
    )
    if not np.isfinite(in_window).all():
        raise _Unsupported("lifetime_not_computable")
    return purchase_model, in_window


def _compare(
    rows: pd.DataFrame,
    final: _Window,
    unit: TimeUnit,
    collapse: CollapseUnit,
    config: FutureValueConfig,
) -> tuple[EstimatorEvidence, ...]:
    """Judge every candidate on the final window, learnt only from what lay before it."""
    origin = final.summary.as_of
    before = (pd.Timestamp(origin) - rows["timestamp"].min()).days + 1
    days = int(min(final.days, before / 2))
    earlier = _observe(rows, origin - timedelta(days=days), days, unit, collapse, config)
    learnt = _learn(earlier, config)
    chosen = {
        name: top_of(
            estimate_window(name, final.summary, final.in_window, final.purchase_model, learnt),
            config.top_share,
        )
        for name in config.candidates
    }
    truth = top_of(final.actual, config.top_share)
    total = float(final.actual.sum())
    money = {name: float((final.actual * top).sum()) / total for name, top in chosen.items()}
    best = chosen[max(money, key=lambda name: money[name])]
    evidence = []
    for name, top in chosen.items():
        behind, error = difference_of_shares(final.actual, top, best)
        evidence.append(
            EstimatorEvidence(
                estimator=name,
                found=float((truth * top).sum() / truth.sum()),
                captured=money[name],
                behind=behind,
                standard_error=error,
            )
        )
    return tuple(evidence)


def _choose(evidence: tuple[EstimatorEvidence, ...]) -> FutureEstimator:
    """Return the first candidate that is no worse than the best by more than its error."""
    return next(e.estimator for e in evidence if e.behind <= e.standard_error)


def _learn(window: _Window, config: FutureValueConfig) -> FutureValueModel:
    """Learn the regression and the factors of past spend from one window."""
    net_spend = float(np.maximum(window.summary.total_amount, 0.0).sum())
    money_unit = net_spend / float(window.summary.occasions.sum()) or 1.0
    features = features_of(window.summary, window.in_window, window.purchase_model, money_unit)
    center, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    z = standardize(features, center, scale)
    bought = window.actual > 0.0
    buys = ridge_logistic(z, bought.astype(np.float64), config.ridge)
    amount = ridge_least_squares(z[bought], np.log(window.actual[bought]), config.ridge)
    raw = TwoPartModel(
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        buys=tuple(buys.tolist()),
        amount=tuple(amount.tolist()),
        money_unit=money_unit,
        factor=1.0,
    )
    total = float(window.actual.sum())
    two_part = raw.replace(factor=total / float(raw.predict(features).sum()))
    rate = float(spend_per_day(window.summary).sum())
    return FutureValueModel(
        config=config,
        chosen="two_part",
        reason="evidence",
        window_days=window.days,
        learnt_at=window.summary.as_of,
        two_part=two_part,
        factors=(
            ("spend", total / net_spend if net_spend > 0.0 else 0.0),
            ("spend_rate", total / rate if rate > 0.0 else 0.0),
        ),
        n=len(window.summary),
    )
