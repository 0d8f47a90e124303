"""Read a trial: the effect of each action among its own customers, and what it teaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from retainkit._core.kernels.intervals import normal_quantile
from retainkit.policy import _kernel_trial as _kernel
from retainkit.policy._prices import LEVEL, ActionPrice, EffectSize
from retainkit.typing import BoolArray, FloatArray

COLUMNS: Final = (
    *("action", "group", "is_lost", "treated", "held_out", "without", "effect", "low", "high"),
    *("effect_share", "share_low", "share_high", "share_error", "cost"),
    *("planned", "actual", "actual_low", "actual_high", "finding"),
)
_LOST: Final = ("gone", "ended")
_JUDGED: Final = 30
"""Fewest customers on either side for a finding; below it there is an interval alone."""
_REACH: Final = normal_quantile(LEVEL) + float(ndtri(0.8))
"""Errors that an effect must measure to be found in 8 of 10 trials."""
_LEARNT: Final = normal_quantile(LEVEL)


class _Trial(NamedTuple):
    """The rows of a trial with what came of them; money and worth for the days of the trial."""

    rows: pd.DataFrame
    came: FloatArray
    forecast: FloatArray
    worth: FloatArray
    planned: FloatArray
    level: float


def read_trial(
    rows: pd.DataFrame, came: FloatArray, horizon_days: float, level: float
) -> pd.DataFrame:
    """Return the effects that the rows of a trial show, in the columns of `COLUMNS`."""
    days = (rows["trial_end"] - rows["trial_start"]).dt.days.to_numpy(dtype=np.float64)
    part = days / horizon_days
    cost = rows["cost"].to_numpy(dtype=np.float64)
    gross = rows["expected_gain"].to_numpy(dtype=np.float64) + cost
    trial = _Trial(
        rows=rows,
        came=came,
        forecast=np.nan_to_num(rows["expected_value"].to_numpy(dtype=np.float64)) * part,
        worth=np.nan_to_num(rows["worth"].to_numpy(dtype=np.float64)) * part,
        planned=gross * part - cost,
        level=level,
    )
    arm, lost = rows["arm"], rows["state"].isin(_LOST)
    key: list[pd.Series[Any]] = [rows["action"].astype(str), lost]
    tested = np.asarray(arm.isin(("treated", "held_out")))
    by_lot = np.asarray(arm.isin(("tried", "compared")))
    everybody = np.asarray(arm.isin(("treated", "held_out", "never_treated")))
    whole = list(_read(trial, tested, key, "all", arm == "treated"))
    found = [
        *whole,
        *_split(trial, tested, key, whole),
        *_read(trial, by_lot, key, "tried by lot", arm == "tried"),
        *_read(
            trial,
            everybody,
            [pd.Series("", index=rows.index), pd.Series(False, index=rows.index)],
            "all plans",
            arm != "never_treated",
        ),
    ]
    return pd.DataFrame(found, columns=pd.Index(COLUMNS))


def _read(
    trial: _Trial,
    inside: BoolArray,
    key: list[pd.Series[Any]],
    group: str,
    treated: pd.Series[bool],
) -> Iterator[dict[str, Any]]:
    """Yield one row per action and kind of customer (there or lost), in their order."""
    if not inside.any():
        return
    table = pd.DataFrame({f"k{i}": one.to_numpy() for i, one in enumerate(key)})[inside]
    code = table.groupby(list(table.columns), sort=True, observed=True).ngroup().to_numpy()
    names = table.assign(code=code).drop_duplicates("code").sort_values("code")
    n, on = len(names), np.asarray(treated)[inside]
    found = _kernel.read_effects(
        code, n, on, trial.came[inside], trial.forecast[inside], trial.level
    )

    def mean(values: FloatArray, rows: BoolArray) -> FloatArray:
        total = np.bincount(code[rows], weights=values[inside][rows], minlength=n)
        return np.asarray(total / np.maximum(np.bincount(code[rows], minlength=n), 1))

    everybody = np.ones(on.size, dtype=np.bool_)
    share, share_error = _kernel.read_shares(
        code, n, on, trial.came[inside], trial.forecast[inside], trial.worth[inside]
    )
    cost = mean(trial.rows["cost"].to_numpy(dtype=np.float64), everybody)
    planned = mean(trial.planned, on) * found.treated
    for i, name in enumerate(names.drop(columns="code").itertuples(index=False)):
        paid = 0.0 if np.isnan(cost[i]) else cost[i]
        net = [(x[i] - paid) * found.treated[i] for x in (found.effect, found.low, found.high)]
        words = [str(part) for part in name[2:]]
        yield {
            "action": name[0],
            "group": ", ".join(words) or group,
            "is_lost": bool(name[1]),
            "treated": int(found.treated[i]),
            "held_out": int(found.held[i]),
            "without": found.base[i],
            "effect": found.effect[i],
            "low": found.low[i],
            "high": found.high[i],
            "effect_share": share[i],
            "share_low": share[i] - _LEARNT * share_error[i],
            "share_high": share[i] + _LEARNT * share_error[i],
            "share_error": share_error[i],
            "cost": cost[i],
            "planned": planned[i],
            "actual": net[0],
            "actual_low": net[1],
            "actual_high": net[2],
            "finding": _finding(found, i, cost[i]),
        }


def _split(
    trial: _Trial, inside: BoolArray, key: list[pd.Series[Any]], whole: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the parts by state and tier of actions whose own effect every part could show."""
    size = {(row["action"], row["is_lost"]): abs(row["effect"]) for row in whole}
    parts: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    cells = [*key, trial.rows["state"].astype(str), trial.rows["tier"].astype(str)]
    for row in _read(trial, inside, cells, "", trial.rows["arm"] == "treated"):
        parts.setdefault((row["action"], row["is_lost"]), []).append(row)
    for name, rows in parts.items():
        errors = [(row["high"] - row["low"]) / (2.0 * normal_quantile(LEVEL)) for row in rows]
        if len(rows) > 1 and all(_REACH * error <= size[name] for error in errors):
            yield from rows


def _finding(found: _kernel.Effects, i: int, cost: float) -> str:
    """Return what the interval says of the cost, or, where that is not known, of nothing."""
    low, high = found.low[i], found.high[i]
    if np.isnan(low) or min(found.treated[i], found.held[i]) < _JUDGED:
        return "too few"
    known = not np.isnan(cost)
    if low > (cost if known else 0.0):
        return "pays" if known else "works"
    if high < (cost if known else 0.0):
        return "loses" if known else "harms"
    return "not shown"


def learn_prices(prices: Sequence[ActionPrice], table: pd.DataFrame) -> tuple[ActionPrice, ...]:
    """Return the prices with effects that hold what a trial has shown of all of them."""
    own = table[table["group"].isin(("all", "tried by lot")) & table["share_error"].notna()]
    lost = own["is_lost"].astype(bool)
    there = _learn(prices, [price.effect for price in prices], own[~lost])
    gone = _learn(prices, [price.win_back for price in prices], own[lost])
    tried = set(own.loc[own["group"] == "all", "action"])  # a lot shows too little to count
    return tuple(
        price.replace(effect=one, win_back=other, trials=price.trials + (price.action in tried))
        for price, one, other in zip(prices, there, gone, strict=True)
    )


def _learn(
    prices: Sequence[ActionPrice], sizes: list[EffectSize | None], rows: pd.DataFrame
) -> list[EffectSize | None]:
    belief = _kernel.Belief(
        np.array([0.0 if size is None else size.value for size in sizes]),
        np.array([np.inf if size is None else size.deviation for size in sizes]),
    )
    place = {price.action: i for i, price in enumerate(prices)}
    weight, total = np.zeros(len(sizes)), np.zeros(len(sizes))
    for action, share, error in zip(
        rows["action"], rows["effect_share"], rows["share_error"], strict=True
    ):
        if action in place:
            weight[place[action]] += error**-2
            total[place[action]] += share * error**-2
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, error = total / weight, 1.0 / np.sqrt(weight)
    learnt = _kernel.update_together(belief, estimate, np.where(weight > 0.0, error, np.nan))
    return [
        size if not np.isfinite(deviation) else EffectSize.from_belief(max(mean, -1.0), deviation)
        for size, mean, deviation in zip(
            sizes, learnt.mean.tolist(), learnt.deviation.tolist(), strict=True
        )
    ]
