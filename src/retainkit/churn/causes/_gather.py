"""gather_evidence: what contracts, credit standing and surveys say of those who left, as events."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.config import FrozenConfig
from retainkit._core.frames import text_series
from retainkit._core.time import day_number, from_day_numbers, parse_as_of
from retainkit.churn._config import DetectionConfig
from retainkit.churn._detect import ChurnTable
from retainkit.churn.causes._coding import require_event_columns
from retainkit.contracts import ContractConvention, Contracts, read_contracts
from retainkit.contracts._read import DEFAULT_CONTRACTS
from retainkit.contracts._spells import NO_DAY
from retainkit.contracts._state import date_and_join
from retainkit.tables import align_customer_ids
from retainkit.typing import AsOf, BoolArray, PositiveFloat

_TEXTS = ("kind", "code", "source")


class GatherConfig(FrozenConfig):
    """Say which facts outside the events table speak of a cause.

    Parameters
    ----------
    default_standings, fraud_standings : tuple of str
        Values of `credit_standing` that mean a debt in default, and established fraud.
    dissatisfied_at : float, default 2
        Satisfaction up to this counts as dissatisfied [points of the survey's scale].
    survey_days : float, default 180
        A survey older than this when the customer left says nothing of it [day].
    """

    default_standings: tuple[str, ...] = ("default",)
    fraud_standings: tuple[str, ...] = ("fraud",)
    dissatisfied_at: float = 2.0
    survey_days: PositiveFloat = 180.0


def gather_evidence(
    events: pd.DataFrame,
    *,
    churn: ChurnTable,
    as_of: AsOf,
    contracts: pd.DataFrame | Contracts | None = None,
    customers: pd.DataFrame | None = None,
    surveys: pd.DataFrame | None = None,
    config: GatherConfig = GatherConfig(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Add to the events what other tables say of why customers left, each as an event of its own.

    Many who leave leave no event behind. Their contract may say how it ended and whether bills were
    open; their credit standing, that a debt is in default or fraud established; their last survey,
    that they were dissatisfied. What is added is weighed, vetoed and accounted for like any event.

    Parameters
    ----------
    events : pandas.DataFrame
        Valid events; may have no rows.
    churn : ChurnTable
        Who left; only of them facts are added.
    as_of : str, date or datetime
        Last observed day, inclusive.
    contracts : pandas.DataFrame or Contracts, optional
        Valid contracts: the last ended one gives `service_ended` with its `end_reason` as code, and
        `bills_unpaid` where `paid` is False.
    customers : pandas.DataFrame, optional
        Valid customers: `credit_standing` gives `debt_default` or `fraud`.
    surveys : pandas.DataFrame, optional
        Valid surveys: a last satisfaction at or under `config.dissatisfied_at` gives
        `low_satisfaction`.
    config : GatherConfig, optional
        What counts.

    Returns
    -------
    pandas.DataFrame
        The events, in their order, then the facts added: customer_id, timestamp, kind, code, source
        and the other columns of `events`. A contract's facts are dated on its end, a survey on its
        day, a standing, which has no date, on the customer's last other evidence, else on `as_of`.

    Raises
    ------
    SchemaError
        If a table lacks a column it needs.

    See Also
    --------
    attribute_causes : What the result is for.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, detect_churn, gather_evidence
    >>> churn = detect_churn([0.1, 0.1], customer_id=["a", "b"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> customers = pd.DataFrame({"customer_id": ["a", "b"],
    ...                           "credit_standing": ["good", "default"]})
    >>> more = gather_evidence(events, churn=churn, as_of="2026-03-31", customers=customers)
    >>> list(attribute_causes(more, churn=churn).cause)
    ['active.fault', 'passive.malicious']
    """
    require_event_columns(events)
    day = np.datetime64(parse_as_of(as_of), "D")
    left = pd.Series(churn.customer_id[np.flatnonzero(churn.churned)])
    effective = _effective(churn)
    parts = [_plain(events)]
    if contracts is not None and len(contracts):
        parts += _from_contracts(read_contracts(contracts), left, as_of, churn.config)
    if surveys is not None and len(surveys):
        parts.append(_from_surveys(surveys, left, effective, _latest(parts), config))
    if customers is not None and "credit_standing" in customers.columns:
        parts.append(_from_standing(customers, left, _latest(parts), day, config))
    return pd.concat(parts, ignore_index=True)


def _plain(events: pd.DataFrame) -> pd.DataFrame:
    """Return the events with texts as texts, so that others can be put below."""
    out = events.copy()
    for name in _TEXTS:
        if name in out.columns:
            texts = out[name].astype("object").where(out[name].notna(), None)
            out[name] = text_series(texts.tolist()).to_numpy()
    out["timestamp"] = out["timestamp"].astype("datetime64[us]")
    return out


def _facts(
    ids: pd.Series[Any], stamps: Any, kind: str, *, code: Any = None, source: str = "record"
) -> pd.DataFrame:
    """Return facts as events of one kind."""
    size = len(ids)
    return pd.DataFrame(
        {
            "customer_id": ids.to_numpy(),
            "timestamp": pd.Series(np.asarray(stamps).astype("datetime64[us]")),
            "kind": text_series([kind] * size),
            "code": text_series([None] * size if code is None else list(code)),
            "source": text_series([source] * size),
        }
    )


def _effective(churn: ChurnTable) -> npt.NDArray[np.datetime64]:
    """Return the day each customer who left did so; NaT where unknown."""
    rows = np.flatnonzero(churn.churned)
    if churn.effective_day is None:
        return np.full(len(rows), np.datetime64("NaT", "us"))
    days = churn.effective_day[rows]
    out = from_day_numbers(np.where(days == NO_DAY, 0, days)).astype("datetime64[us]")
    out[days == NO_DAY] = np.datetime64("NaT", "us")
    return out


def _latest(parts: list[pd.DataFrame]) -> pd.Series[Any]:
    """Return the last day of each customer with evidence so far."""
    both = pd.concat([part[["customer_id", "timestamp"]] for part in parts])
    return both.groupby("customer_id")["timestamp"].max()


def _from_contracts(
    contracts: Contracts,
    left: pd.Series[Any],
    as_of: AsOf,
    config: DetectionConfig | ContractConvention,
) -> list[pd.DataFrame]:
    """Return how the last contract of each who left ended, and whether bills were open."""
    convention = config if isinstance(config, ContractConvention) else DEFAULT_CONTRACTS
    today = day_number(parse_as_of(as_of))
    dated, _ = date_and_join(contracts, today=today, convention=convention)
    frame = contracts.frame.assign(_end=dated.end)[dated.end <= today]
    frame = frame[align_customer_ids(frame["customer_id"], pd.Index(left)) >= 0]
    frame = frame.sort_values(["_end", "start"], kind="stable")
    last = frame.drop_duplicates("customer_id", keep="last")
    stamps = from_day_numbers(last["_end"].to_numpy())
    parts = []
    if "end_reason" in last.columns:
        told = last["end_reason"].notna().to_numpy(dtype=np.bool_)
        reason = last.loc[told, "end_reason"].astype("str")
        parts.append(
            _facts(last.loc[told, "customer_id"], stamps[told], "service_ended", code=reason)
        )
    if "paid" in last.columns:
        unpaid = ~last["paid"].astype("boolean").fillna(True).to_numpy(dtype=np.bool_)
        parts.append(_facts(last.loc[unpaid, "customer_id"], stamps[unpaid], "bills_unpaid"))
    return parts


def _from_surveys(
    surveys: pd.DataFrame,
    left: pd.Series[Any],
    effective: npt.NDArray[np.datetime64],
    latest: pd.Series[Any],
    config: GatherConfig,
) -> pd.DataFrame:
    """Return who was dissatisfied in the last survey before the end, or of all where undated."""
    place = align_customer_ids(surveys["customer_id"], pd.Index(left))
    frame = surveys.assign(_place=place, _when=surveys["timestamp"].astype("datetime64[us]"))
    frame = frame[(place >= 0) & surveys["satisfaction"].notna().to_numpy(dtype=np.bool_)]
    end = effective[frame["_place"].to_numpy()]
    known = latest.reindex(frame["customer_id"]).to_numpy().astype("datetime64[us]")
    end = np.where(np.isnat(end), known, end)
    age = (end - frame["_when"].to_numpy()) / np.timedelta64(1, "D")
    in_time: BoolArray = np.isnat(end) | ((age >= 0.0) & (age <= config.survey_days))
    frame = frame[in_time].sort_values(["_when", "satisfaction"], kind="stable")
    last = frame.drop_duplicates("customer_id", keep="last")
    sour = last[last["satisfaction"].to_numpy() <= config.dissatisfied_at]
    return _facts(
        sour["customer_id"], sour["_when"].to_numpy(), "low_satisfaction", source="survey"
    )


def _from_standing(
    customers: pd.DataFrame,
    left: pd.Series[Any],
    latest: pd.Series[Any],
    day: np.datetime64,
    config: GatherConfig,
) -> pd.DataFrame:
    """Return whose debt is in default, or whose fraud is established."""
    frame = customers[align_customer_ids(customers["customer_id"], pd.Index(left)) >= 0]
    standing = frame["credit_standing"].astype("str").str.strip().str.casefold()
    parts = []
    for kind, values, source in (
        ("debt_default", config.default_standings, "record"),
        ("fraud", config.fraud_standings, "verified"),
    ):
        ids = frame.loc[standing.isin(values), "customer_id"]
        stamps = latest.reindex(ids).to_numpy().astype("datetime64[us]")
        stamps = np.where(np.isnat(stamps), day.astype("datetime64[us]"), stamps)
        parts.append(_facts(ids, stamps, kind, source=source))
    return pd.concat(parts, ignore_index=True)
