"""Past days to stand on: which, how far ahead, and what was known on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from retainkit._core.time import parse_as_of, to_day_numbers
from retainkit._pipeline._config import PipelineConfig, TableRules
from retainkit.errors import NotComputableError
from retainkit.typing import AsOf, BoolArray, IntArray

Folds: TypeAlias = int | Sequence[AsOf]
"""How many past days to stand on, or which."""

_LEAST_WINDOW = 7
"""Shortest window ahead that is tested [day]."""


class Fold(NamedTuple):
    """One past day to stand on."""

    cutoff: date
    window_days: int
    overlaps: bool
    """Whether its window shares days with that of the next one."""
    reason: str = ""
    """Why it cannot be tested; empty where it can."""


def lay_folds(first: date, as_of: date, horizon_days: int, folds: Folds) -> tuple[Fold, ...]:
    """Return the days to stand on, earliest first.

    The window ahead is the horizon, or half of the history where that is shorter. Windows end on
    `as_of` and lie end to end as long as half a window of history is left before the first; where
    fewer than asked for fit in that way they overlap, at least a quarter of a window apart.
    """
    if isinstance(folds, str):
        folds = (folds,)
    if not isinstance(folds, int):
        return _named(first, as_of, horizon_days, sorted({parse_as_of(day) for day in folds}))
    if folds < 1:
        raise NotComputableError(
            f"folds is {folds}",
            rule="at least one past day is stood on",
            where="folds",
            fix="folds=3, or name the days: folds=('2024-03-31', '2024-09-30')",
        )
    window = min(horizon_days, ((as_of - first).days + 1) // 2)
    latest = as_of - timedelta(days=window)
    room = (latest - first).days + 1 - window // 2
    steps = folds - 1
    step = window
    if room < steps * window:
        step = max(room // steps, window // 4, 1)
    days = [latest - timedelta(days=step * k) for k in range(steps + 1) if step * k <= max(room, 0)]
    return tuple(_fold(day, window, step < window and k > 0) for k, day in enumerate(days))[::-1]


def _fold(cutoff: date, window: int, overlaps: bool) -> Fold:
    reason = "" if window >= _LEAST_WINDOW else f"only {window} days can be looked ahead"
    return Fold(cutoff, window, overlaps, reason)


def _named(first: date, as_of: date, horizon: int, days: list[date]) -> tuple[Fold, ...]:
    """Return the days that were named, with the reason where one cannot be tested."""
    found: list[Fold] = []
    following = as_of
    for day in reversed(days):
        window = min(horizon, max((as_of - day).days, 0))
        fold = _fold(day, window, day + timedelta(days=window) > following)
        if day < first:
            fold = fold._replace(reason=f"no row up to this day: the first is of {first}")
        elif day >= as_of:
            fold = fold._replace(reason=f"nothing came after it: as_of is {as_of}")
        if not fold.reason:
            following = day
        found.append(fold)
    return tuple(reversed(found))


UNDATED = ("customers", "activities")
"""Tables that say what is known today, not since when: no earlier day may see them."""

_CONTRACT_DAYS = ("end", "cancel_requested", "billing_end", "past_due_since")


def known_by(tables: dict[str, pd.DataFrame], day: date) -> dict[str, pd.DataFrame]:
    """Return the rows of valid tables that were known at the end of a day."""
    known: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        if name == "contracts":
            known[name] = _contracts_by(table, day)
        elif name not in UNDATED:
            known[name] = table[~_is_after(table["timestamp"], day)].reset_index(drop=True)
    return {name: table for name, table in known.items() if len(table)}


def _contracts_by(table: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return contracts begun by a day; an end after it is known where notice had been given."""
    table = table[~_is_after(table["start"], day)].reset_index(drop=True)
    later = {name: _is_after(table[name], day) for name in _CONTRACT_DAYS if name in table}
    if "cancel_requested" in table:
        noticed = table["cancel_requested"].notna().to_numpy() & ~later["cancel_requested"]
        for name in ("end", "billing_end"):
            if name in later:
                later[name] &= ~noticed
    for name, rows in later.items():
        table[name] = table[name].mask(rows)
    for name in ("end_reason", "paused"):
        if name in table:
            table[name] = table[name].mask(later["end"] | table["end"].isna().to_numpy())
    return table


def _is_after(times: pd.Series[Any], day: date) -> BoolArray:
    midnight = np.datetime64(day, "D") + np.timedelta64(1, "D")
    values = times.to_numpy()
    return np.asarray(values >= midnight.astype("datetime64[s]"))


def days_of(table: pd.DataFrame, column: str = "timestamp") -> IntArray:
    """Return the calendar day of each row [days since 1970-01-01]."""
    return to_day_numbers(table[column].to_numpy())


def config_then(config: PipelineConfig, window_days: int) -> PipelineConfig:
    """Return what a past run is configured with.

    Its horizon is the window that is looked at, its money is not discounted, as what came is not,
    and what was decided on later days (overrides, goals, budgets) plays no part in it.
    """
    return config.replace(
        horizon_days=window_days,
        annual_discount_rate=0.0,
        rules=_accepting(config.rules),
        tier_overrides=(),
        activity_rates=(),
        cost_pools=(),
        budget=None,
        goals=None,
        owner_column=None,
        flows="none",
        trend_months=0,
        look_back=False,
    )


def _accepting(rules: TableRules) -> TableRules:
    """Return the rules without the search for duplicates, which is over once rows are valid."""
    over = {"duplicates": "keep", "duplicate_columns": None, "count_duplicates": False}
    return rules.replace(
        **{
            name: getattr(rules, name).replace(**over)
            for name in ("transactions", "contracts", "events", "surveys", "activities")
            if hasattr(getattr(rules, name), "duplicates")
        }
    )
