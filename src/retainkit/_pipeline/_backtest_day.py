"""Standing on one past day: what the run and plain rules said, and what came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.labels import Label
from retainkit._core.time import day_number
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._folds import UNDATED, Fold, config_then, days_of, known_by
from retainkit._pipeline._run import RetentionPipeline
from retainkit._pipeline._tables import TableColumns, sift_tables
from retainkit.contracts import list_charges
from retainkit.errors import SchemaError
from retainkit.tables import align_customer_ids
from retainkit.typing import IntArray, IntoFrame

_GROUPS = ("tier", "stance", "state", "action")
"""What a run says of a customer in words, beside its forecast."""

COLUMNS = pd.Index(
    (
        *("cutoff", "window_days", "candidate", "customer_id", "p_active", "expected_value"),
        *("low", "high", "score", "tier", "actual_active", "actual_value"),
    )
)


class Past(NamedTuple):
    """Valid tables, the rows that money is counted from, and where they begin and end."""

    tables: dict[str, pd.DataFrame]
    money: pd.DataFrame
    """customer_id, day, amount of purchases and returns or of charges, value counted."""
    first_day: date
    as_of: date
    notes: tuple[str, ...]


def open_past(
    frames: dict[str, IntoFrame | None],
    names: TableColumns,
    config: PipelineConfig,
    as_of: date,
    progress: Callable[[str], None],
) -> Past:
    """Sift the tables once; refuse what no past day could be run on."""
    sifted = sift_tables(frames, names, config.rules, as_of, progress)
    valid = sifted._asdict() | {"contracts": sifted.contracts and sifted.contracts.frame}
    tables = {name: valid[name] for name in frames if valid[name] is not None and len(valid[name])}
    if "transactions" in tables:
        rows = tables["transactions"]
    elif "contracts" in tables:
        rows = list_charges(tables["contracts"], as_of=as_of)
    else:
        raise SchemaError(
            "no transaction and no contract was given or accepted",
            rule="a backtest starts from purchases or, for a contract business, from contracts",
            where="backtest",
            fix="pass transactions=, or contracts=; check as_of and the column names",
        )
    days, amount = days_of(rows), rows["amount"].to_numpy(dtype=np.float64)
    value = rows["profit"].to_numpy(dtype=np.float64) if "profit" in rows else amount
    if "profit" not in rows and config.value.margin_rate is not None:
        value = amount * config.value.margin_rate
    money = pd.DataFrame(
        {"customer_id": rows["customer_id"], "day": days, "amount": amount, "value": value}
    )
    notes = tuple(
        f"the {name} table was not shown to the past runs: it does not say since when it is known"
        for name in UNDATED
        if name in tables
    )
    first = date.fromordinal(int(days.min()) + date(1970, 1, 1).toordinal())
    return Past(tables, money, first, as_of, notes)


def plan_row(past: Past, fold: Fold) -> dict[str, Any]:
    """Return one past day as a row of the plan: its window, who was known, why it is left out."""
    known = past.money["day"] <= day_number(fold.cutoff)
    row = fold._asdict()
    reason = row.pop("reason")
    return row | {"customers": past.money.loc[known, "customer_id"].nunique(), "reason": reason}


class Part(NamedTuple):
    """The rows of one past day, the money of those there and of entrants, the names of tiers."""

    rows: pd.DataFrame
    money: dict[str, float]
    tier_labels: dict[str, Label]


def stand_on(past: Past, fold: Fold, config: PipelineConfig) -> Part:
    """Run on what was known, apply the plain rules, and join what came."""
    known: dict[str, Any] = dict(known_by(past.tables, fold.cutoff))
    result = RetentionPipeline(config_then(config, fold.window_days)).run(
        as_of=fold.cutoff, **known
    )
    view = result.customers.to_frame()
    view = view.iloc[np.argsort(view["customer_id"].astype(str).to_numpy(), kind="stable")]
    ids = pd.Index(view["customer_id"])
    start, end = day_number(fold.cutoff), day_number(fold.cutoff) + fold.window_days
    place = align_customer_ids(past.money["customer_id"], ids)
    came = _look_ahead(past, fold, ids, place)
    base = pd.DataFrame(
        {"cutoff": fold.cutoff, "window_days": fold.window_days, "customer_id": ids.to_numpy()}
    )
    words = {name: view[name].reset_index(drop=True) for name in _GROUPS if name in view}
    parts = [
        base.assign(candidate=name, **columns, **words, **came)
        for name, columns in _candidates(view, past.money, place, start, fold.window_days).items()
    ]
    inside = (past.money["day"].to_numpy() > start) & (past.money["day"].to_numpy() <= end)
    late = inside & (place < 0)
    money = {
        "customers": len(ids),
        "actual": float(came["actual_value"].sum()),
        "entrants": int(past.money.loc[late, "customer_id"].nunique()),
        "entrants_actual": float(past.money.loc[late, "value"].sum()),
    }
    rows = pd.concat(parts, ignore_index=True)
    order = [*COLUMNS[:9], *words, *COLUMNS[10:]]
    labels = dict(zip(result.tiers.categories, result.tiers.labels, strict=True))
    return Part(rows[order], money, labels)


def _look_ahead(past: Past, fold: Fold, ids: pd.Index[Any], place: IntArray) -> dict[str, Any]:
    """Return who was active and the money each brought within the window."""
    day = past.money["day"].to_numpy()
    start, end = day_number(fold.cutoff), day_number(fold.cutoff) + fold.window_days
    inside = (day > start) & (day <= end) & (place >= 0)
    value = past.money["value"].to_numpy()[inside]
    brought = np.bincount(place[inside], weights=np.nan_to_num(value), minlength=len(ids))
    active = np.zeros(len(ids), dtype=np.bool_)
    if "transactions" in past.tables:
        active[place[inside & (past.money["amount"].to_numpy() > 0.0)]] = True
    else:
        contracts = past.tables["contracts"]
        begun = days_of(contracts, "start") <= end
        ends = contracts["end"].to_numpy()
        over = np.datetime64(end, "D").astype("datetime64[s]")
        stays = begun & (np.isnat(ends) | (ends > over))
        who = align_customer_ids(contracts["customer_id"], ids)
        active[who[stays & (who >= 0)]] = True
    return {"actual_active": active, "actual_value": brought}


def _candidates(
    view: pd.DataFrame, money: pd.DataFrame, place: IntArray, start: int, window: int
) -> dict[str, dict[str, Any]]:
    """Return what the run and each plain rule say of every customer."""
    n = len(view)
    nothing = np.full(n, np.nan)
    day = money["day"].to_numpy()
    known = (day <= start) & (place >= 0)
    who, value = place[known], np.nan_to_num(money["value"].to_numpy()[known])
    spent = np.bincount(who, weights=value, minlength=n)
    lately = day[known] > start - window
    recent = np.bincount(who[lately], weights=value[lately], minlength=n)
    last = np.full(n, day[known].min() - 1.0, dtype=np.float64)
    bought = money["amount"].to_numpy()[known] > 0.0
    np.maximum.at(last, who[bought], day[known][bought].astype(np.float64))

    def said(score: Any, **columns: Any) -> dict[str, Any]:
        blank = dict.fromkeys(("p_active", "expected_value", "low", "high"), nothing)
        return blank | columns | {"score": score}

    def told(name: str) -> Any:
        return view[name].to_numpy(dtype=np.float64) if name in view else nothing

    expected = told("expected_value")
    return {
        "run": said(
            expected,
            p_active=told("p_active"),
            expected_value=expected,
            low=told("expected_value_low"),
            high=told("expected_value_high"),
        ),
        "recency": said(last - start),
        "past_spend": said(spent, expected_value=spent),
        "recent_spend": said(recent, expected_value=recent),
    }
