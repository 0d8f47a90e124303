"""Forecasts held against what came, from the tidy frame of a backtest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.forecast import judge_forecast

_GROUPS = 10
_TIERS = ("key", "ordinary", "small", "bad", "lost")


def score_backtest(frame: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Score forecasts against what came, again and without a new run.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `BacktestResult.to_frame`; rows may be left out, and rows of a candidate of your own
        added.
    by : str, optional
        A further column to judge apart by, for example "tier".

    Returns
    -------
    pandas.DataFrame
        One row per `cutoff`, `candidate` and group, in this order; then the fields of
        `retainkit.forecast.ForecastMeasures`. NaN where a measure is undefined.

    Raises
    ------
    SchemaError
        If a column is missing.

    Examples
    --------
    >>> import retainkit as rk
    >>> frame = rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=1).to_frame()
    >>> rk.score_backtest(frame[frame.candidate != "recency"])["candidate"].tolist()
    ['run', 'past_spend', 'recent_spend']
    """
    keys = ["cutoff", "candidate", *([] if by is None else [by])]
    said = ("expected_value", "p_active", "score", "low", "high")
    needed = [*keys, *said, "actual_value", "actual_active"]
    missing = [name for name in needed if name not in frame]
    if missing:
        raise SchemaError(
            f"no column {missing[0]!r} in the frame of a backtest",
            rule="it has what was said and what came",
            where="score_backtest",
            fix="pass backtest(...).to_frame(), with rows left out or added",
        )
    records = []
    for key, rows in _in_order(frame, keys, by):
        columns = {name: rows[name].to_numpy(dtype=np.float64) for name in said}
        measures = judge_forecast(
            columns["expected_value"],
            rows["actual_value"].to_numpy(dtype=np.float64),
            actual_active=rows["actual_active"].to_numpy(dtype=np.bool_),
            p_active=columns["p_active"],
            score=columns["score"],
            low=columns["low"],
            high=columns["high"],
        )
        records.append(dict(zip(keys, key, strict=True)) | measures._asdict())
    return pd.DataFrame(records)


def _in_order(frame: pd.DataFrame, keys: list[str], by: str | None) -> list[tuple[Any, Any]]:
    """Return the groups, days and candidates as they come, `by` in the order of its categories.

    Texts keep the order of tiers (key, ordinary, small, bad, lost) where they are tiers.
    """
    groups = list(frame.groupby(keys, observed=True, sort=False, dropna=False))
    if by is None:
        return groups
    column = frame[by]
    known = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else _TIERS
    place = {name: rank for rank, name in enumerate(known)}
    seen = {key[:2]: rank for rank, (key, _) in reversed(list(enumerate(groups)))}
    return sorted(groups, key=lambda one: (seen[one[0][:2]], place.get(one[0][2], len(place))))


def outcomes_of(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return what the customers of each group did after each cutoff."""
    if not len(rows):
        names = ("cutoff", by, "customers", "p_active", "active", "expected", "actual", "share")
        return pd.DataFrame(columns=pd.Index(names))
    rows = rows[rows["candidate"] == "run"]
    found = (
        rows.groupby(["cutoff", by], observed=True, sort=True)
        .agg(
            customers=("customer_id", "size"),
            p_active=("p_active", "mean"),
            active=("actual_active", "mean"),
            expected=("expected_value", "mean"),
            actual=("actual_value", "mean"),
            money=("actual_value", "sum"),
        )
        .reset_index()
    )
    whole = found.groupby("cutoff")["money"].transform("sum")
    found["share"] = (found.pop("money") / whole).where(whole > 0.0)
    return found


def calibration_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return forecast and frequency of being active in ten equal groups by the forecast."""
    names = ("cutoff", "group", "customers", "p_active", "active")
    records = []
    told = rows[rows["candidate"] == "run"] if len(rows) else rows
    for cutoff, part in told.groupby("cutoff", sort=True):
        p = part["p_active"].to_numpy(dtype=np.float64)
        known = np.flatnonzero(np.isfinite(p))
        order = known[np.argsort(p[known], kind="stable")]
        active = part["actual_active"].to_numpy(dtype=np.bool_)
        for group, who in enumerate(np.array_split(order, _GROUPS)):
            if len(who):
                records.append((cutoff, group, len(who), p[who].mean(), active[who].mean()))
    return pd.DataFrame(records, columns=pd.Index(names))
