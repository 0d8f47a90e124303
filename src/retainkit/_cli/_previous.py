"""The files of an earlier run, read back: tiers, states, the list of actions, prices learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from retainkit._cli._complaints import explain_validation
from retainkit._cli._toml import read_toml, write_tables
from retainkit._core.time import to_day_numbers
from retainkit.churn import StateTable
from retainkit.contracts._spells import NO_DAY
from retainkit.errors import SchemaError
from retainkit.forecast import Activity
from retainkit.pipeline import PreviousRun, ResultDocument, RetentionResult
from retainkit.policy import ActionPlan, ActionPrice
from retainkit.tiers import TierTable
from retainkit.tiers._config import BAD, LOST

PRICES = "prices.toml"
_NEEDED = ("customers.csv", "plan.csv", "result.json")
_COLUMNS = ("customer_id", "tier", "value_tier", "state", "state_since")


def read_previous(folder: Path) -> PreviousRun:
    """Read what a run takes over from the folder an earlier one has written."""
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise SchemaError(
            f"{folder} has no {', '.join(missing)}",
            rule="the folder that an earlier run wrote to (--out)",
            where="--previous",
            fix="give that folder with its files, or leave --previous out",
        )
    try:
        document = ResultDocument.from_json((folder / "result.json").read_text(encoding="utf-8"))
    except ValidationError as error:
        text = explain_validation(error, ResultDocument, str(folder / "result.json"))
        raise SchemaError(text) from None
    view = _read(folder / "customers.csv")
    needed = (*_COLUMNS, document.model.tier_basis)
    absent = [name for name in needed if name not in view]
    if absent:
        raise SchemaError(
            f"customers.csv has no column {absent[0]!r}",
            rule="customers.csv as a run has written it",
            where="--previous",
        )
    ids, model = pd.Index(view["customer_id"]), document.model
    names = model.tier_scheme.names
    tier = pd.Categorical(view["value_tier"], categories=names).codes.astype(np.int8)
    states = _states(view, ids, document)
    shown = pd.Categorical(view["tier"], categories=(*names, BAD, LOST)).codes.astype(np.int8)
    value = pd.to_numeric(view[model.tier_basis].replace("", None)).to_numpy(dtype=np.float64)
    known = (tier >= 0) & (shown >= 0)
    return PreviousRun(
        tiers=TierTable(
            customer_id=ids[known],
            value=value[known],
            value_tier=tier[known],
            tier=shown[known],
            reason=np.zeros(int(known.sum()), dtype=np.int8),
            scheme=model.tier_scheme,
            lost=states.is_lost[known],
        ),
        states=states,
        model=model,
        plan=ActionPlan.from_frame(_read(folder / "plan.csv")),
        prices=_read_prices(folder / PRICES),
    )


def write_plan(result: RetentionResult, folder: Path, language: Any) -> None:
    """Write the list of actions, and what is known of their prices."""
    plan = result.plan.to_frame(language=language)
    plan.to_csv(folder / "plan.csv", index=False, encoding="utf-8")
    if result.prices:
        text = "# What actions cost and bring, as learnt so far: copy it into the configuration.\n"
        (folder / PRICES).write_text(text + write_tables("prices", result.prices), "utf-8")


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _states(view: pd.DataFrame, ids: pd.Index[Any], document: ResultDocument) -> StateTable:
    """Return the states of a customers file; what they were judged by is not in it."""
    n, nothing = len(ids), np.full(len(ids), np.nan)
    since = pd.to_datetime(view["state_since"].replace("", None)).to_numpy()
    days = np.full(n, NO_DAY, dtype=np.int32)
    dated = ~np.isnat(since)
    days[dated] = to_day_numbers(since[dated])
    return StateTable(
        customer_id=ids,
        as_of=document.as_of,
        state=pd.Categorical(view["state"], categories=StateTable.states).codes.astype(np.int8),
        reason=np.zeros(n, dtype=np.int8),
        since=days,
        activity=Activity(nothing, nothing, nothing, nothing, nothing),
        scheme=document.model.state_scheme,
    )


def _read_prices(path: Path) -> tuple[ActionPrice, ...]:
    if not path.is_file():
        return ()
    try:
        return tuple(ActionPrice.model_validate(row) for row in read_toml(path)["prices"])
    except (ValidationError, KeyError) as error:
        raise SchemaError(
            f"{path} cannot be read: {error}",
            rule="[[prices]] tables as a run has written them",
            where="--previous",
        ) from None
