"""What a run knows of each customer that an action depends on: permission, complaint, cause, ..."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import DAYS_PER_UNIT, to_day_numbers
from retainkit._pipeline._facts import CustomerFacts
from retainkit.churn import CauseTable, StateTable
from retainkit.contracts import ContractState
from retainkit.contracts._spells import NO_DAY
from retainkit.policy import Circumstances
from retainkit.tables import align_customer_ids
from retainkit.tiers import LifecycleTable
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary

_Codes = npt.NDArray[np.int8]
_Days = npt.NDArray[np.int32]

_PERMISSIONS = ("all", "service_only", "none")
_PERMISSION_EVENTS = {"opt_in": 0, "opt_out": 1, "do_not_contact": 2}
"""Kinds of events that give or take permission to contact; the latest one holds."""

_UNDER_WAY, _AFTER = 3.0, 30.0
"""Days after a purchase on which it is still under way, and lately made [day]."""
_DUE_FROM, _DUE_UNTIL = 0.75, 1.5
"""Own gaps of silence between which the next purchase is due."""
_RENEWAL = 60.0
"""Days before the end of a term from which on its renewal is due [day]."""
_MOST_CHANNELS = 30
"""Names of channels beyond which they are no channels but free text."""


def read_contact(
    customers: pd.DataFrame | None, events: pd.DataFrame | None, customer_id: pd.Index[Any]
) -> _Codes | None:
    """Return what each customer may be contacted for, the latest event before the table.

    None where neither says anything; who is not spoken of may be contacted for anything.
    """
    contact: _Codes | None = None
    if customers is not None and "contact" in customers.columns:
        told = pd.Categorical(customers["contact"], categories=list(_PERMISSIONS))
        contact = np.zeros(len(customer_id), dtype=np.int8)
        place = np.asarray(align_customer_ids(customer_id, pd.Index(customers["customer_id"])))
        known = np.append(told.codes, np.int8(-1))[place]
        contact[known >= 0] = known[known >= 0]
    if events is None:
        return contact
    kind = events["kind"].astype(str)
    rows = np.flatnonzero(kind.isin(list(_PERMISSION_EVENTS)).to_numpy())
    if not len(rows):
        return contact
    place = np.asarray(align_customer_ids(events["customer_id"].iloc[rows], customer_id))
    said = kind.iloc[rows].map(_PERMISSION_EVENTS).to_numpy(dtype=np.int8)
    day = to_day_numbers(events["timestamp"].iloc[rows].to_numpy()).astype(np.int64)
    order = np.lexsort((said, day))  # the latest counts, of one day the stricter one
    order = order[place[order] >= 0]
    contact = np.zeros(len(customer_id), dtype=np.int8) if contact is None else contact
    contact[place[order]] = said[order]
    return contact


def read_open_complaints(events: pd.DataFrame, customer_id: pd.Index[Any]) -> _Days | None:
    """Return since when the oldest unsettled complaint of each customer is open; NO_DAY: none.

    None where the events do not say when a complaint was settled.
    """
    if "resolved_at" not in events.columns:
        return None
    kind = events["kind"].astype(str).to_numpy()
    rows = np.flatnonzero((kind == "complaint") & events["resolved_at"].isna().to_numpy())
    place = np.asarray(align_customer_ids(events["customer_id"].iloc[rows], customer_id))
    day = to_day_numbers(events["timestamp"].iloc[rows].to_numpy()).astype(np.int32)
    last = np.iinfo(np.int32).max
    since = np.full(len(customer_id), last, dtype=np.int32)
    np.minimum.at(since, place[place >= 0], day[place >= 0])
    return np.where(since == last, np.int32(NO_DAY), since)


def read_cause(causes: CauseTable | None, customer_id: pd.Index[Any]) -> _Codes | None:
    """Return why each customer left, as a position in `ChurnCause`; -1 for who did not."""
    if causes is None or not len(causes):
        return None
    place = np.asarray(align_customer_ids(customer_id, causes.customer_id))
    return np.append(causes.cause_code, np.int8(-1))[place]


def read_recoverable(
    causes: CauseTable | None, customer_id: pd.Index[Any]
) -> npt.NDArray[np.bool_] | None:
    """Return whose cause of leaving an offer can mend; also where the cause is not known."""
    if causes is None or not len(causes):
        return None
    place = np.asarray(align_customer_ids(customer_id, causes.customer_id))
    return np.append(causes.recoverable.to_numpy(dtype=np.bool_, na_value=True), True)[place]


def read_channel(rows: pd.DataFrame, n: int) -> tuple[_Codes, tuple[str, ...]] | None:
    """Return the channel through which each customer bought most often; ties take the first name.

    None without a column of channels, or with too many names for channels.
    """
    if "channel" not in rows.columns:
        return None
    codes, names = number_ids(rows["channel"])
    if not 0 < len(names) <= _MOST_CHANNELS:
        return None
    order = np.argsort(np.asarray(names.astype(str)), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    who, known = rows["customer_id"].to_numpy(), codes >= 0
    who, code = who[known], rank[codes[known]]
    top, most = np.full(n, -1, dtype=np.int8), np.zeros(n, dtype=np.int64)
    for place in range(len(names)):
        count = np.bincount(who[code == place], minlength=n)
        top[count > most] = place
        np.maximum(most, count, out=most)
    return top, tuple(str(names[i]) for i in order)


def days_to_renewal(contracts: ContractState) -> FloatArray:
    """Return the days until the running term ends; NaN for monthly contracts and where none runs.

    A contract with a known end renews on that day, another after whole terms of its months. Where
    nothing is paid nothing comes of a renewal: NaN too.
    """
    month = DAYS_PER_UNIT["month"]
    term, charged = np.maximum(contracts.term_months, 1), contracts.charged
    left = np.where(np.isfinite(contracts.charges_left), contracts.charges_left, -charged % term)
    due = contracts.days_to_next + month * left
    yearly = contracts.is_in("running") & ((term > 1) | np.isfinite(contracts.charges_left))
    yearly &= ~(contracts.price <= 0.0)
    return np.where(yearly, due, np.nan)


def tell_circumstances(
    summary: CustomerSummary,
    states: StateTable,
    lifecycle: LifecycleTable,
    facts: CustomerFacts | None,
) -> Circumstances:
    """Put together what is known of the customers that an action may depend on."""
    breadth = summary.breadth
    told = Circumstances(
        stage=lifecycle.stage,
        phase=_phase(states),
        breadth=None if breadth is None else _coded(breadth > 1, breadth > 0),
    )
    if facts is None:
        return told
    since, renewal = facts.complaint_since, facts.days_to_renewal
    channel, channels = facts.channel or (None, ())
    if facts.contracts is not None:  # billed by contract: no rhythm of purchases to care for
        told = told._replace(phase=None)
    return told._replace(
        complaint=None if since is None else _coded(since == NO_DAY),
        cause=facts.cause,
        loss_reason=facts.loss_reason,
        renewal=None if renewal is None else _coded(renewal > _RENEWAL, ~np.isnan(renewal)),
        channel=channel,
        channels=channels,
    )


def _coded(second: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_] | None = None) -> _Codes:
    """Return 1 where `second`, else 0; -1 where it is not known."""
    code = second.astype(np.int8)
    return code if known is None else np.where(known, code, np.int8(-1))


def _phase(states: StateTable) -> _Codes:
    """Return where each customer is in its rhythm: before, during, after or between purchases."""
    silent, gap = states.activity.silent, states.activity.own_gap
    with np.errstate(invalid="ignore", divide="ignore"):
        share = silent / gap
        phase = np.select(
            [
                silent <= _UNDER_WAY,
                (share >= _DUE_FROM) & (share <= _DUE_UNTIL),
                silent <= _AFTER,
            ],
            [1, 0, 2],
            3,
        )
    return np.where(np.isnan(silent) | np.isnan(gap), -1, phase).astype(np.int8)
