"""assign_states: is the relation over? One state per customer, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_length
from retainkit._core.catalogue import read_labels
from retainkit._core.columns import Column
from retainkit._core.labels import Label
from retainkit._core.result import TranslatedTable
from retainkit._core.sentences import asked_for, fill, write_counts
from retainkit._core.time import day_number, from_day_numbers, parse_as_of
from retainkit.churn import _kernel
from retainkit.churn._state_scheme import HasActivity, StateScheme, judge
from retainkit.contracts._state import STATUSES
from retainkit.typing import AsOf, BoolArray, FloatArray, IntArray, Language

if TYPE_CHECKING:
    from retainkit.churn._state_scheme import HasActivity, StateScheme

STATES: Final = ("prospect", "new", "present", "quiet", "gone", "ended")
"""States of a relation, from before it to after it; the position is the code."""

STATE_LABELS: Final = read_labels("retainkit.churn", "states", "states")
"""Display names of the states."""

STATE_REASONS: Final = read_labels("retainkit.churn", "states", "reasons")
"""Why a customer is in its state; the position is the code."""

_NO_DAY = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StateTable(TranslatedTable):
    """Hold the state of the relation with each customer, why, and since when.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers, in the order they came in.
    as_of : datetime.date
        Last observed day.
    state : numpy.ndarray of int8
        Position in `states`.
    reason : numpy.ndarray of int8
        Position in `reasons`.
    since : numpy.ndarray of int32
        Day the state was reached [days since 1970-01-01]; int32 minimum: not known.
    activity : Activity
        What it was judged by.
    scheme : StateScheme
        Where the states begin.
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    states: ClassVar[tuple[str, ...]] = STATES
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("state", categories="states", ordered=True),
        Column("state_reason", "sentences"),
        Column("state_code", "reason", "reasons"),
        Column("state_since", lambda t: _dates(t.since)),
        Column("p_state", "activity.p_state"),
        Column("kept", "activity.kept"),
    )

    customer_id: pd.Index[Any]
    as_of: date
    state: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    since: npt.NDArray[np.int32]
    activity: HasActivity
    scheme: StateScheme

    def __len__(self) -> int:
        return self.state.size

    @property
    def is_current(self) -> BoolArray:
        """Who is there: new, present or quiet."""
        return np.isin(self.state, (_kernel.NEW, _kernel.PRESENT, _kernel.QUIET))

    @property
    def is_lost(self) -> BoolArray:
        """Who is gone or has ended."""
        return self.state >= _kernel.GONE

    @property
    def reasons(self) -> tuple[str, ...]:
        """Ids of the reasons; the position is the code."""
        return tuple(STATE_REASONS)

    def sentences(self, language: Language = "en") -> list[str]:
        """Return the reason of each state with the customer's own numbers.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        list of str
            One per customer.
        """
        texts = [label.text(language) for label in STATE_REASONS.values()]
        told = self.activity
        columns = {
            "silent": told.silent,
            "age": told.age,
            "p": 100.0 * told.p_state,
            "kept": 100.0 * told.kept,
        }
        window = f"{self.scheme.window_days:,}"
        out = np.empty(len(self), dtype=object)
        for code in np.unique(self.reason).tolist():
            (rows,) = np.nonzero(self.reason == code)
            text = texts[code].replace("{window}", window)
            written = {name: write_counts(columns[name][rows]) for name in asked_for(text)}
            out[rows] = fill(text, len(rows), written)
        return list(out)

    def summary(self) -> pd.DataFrame:
        """Return one row per state: both labels, customers and their share.

        In the order of a relation; states without customers have 0.
        """
        heads = np.bincount(self.state, minlength=len(STATES))
        labels: list[Label] = [STATE_LABELS[name] for name in STATES]
        return pd.DataFrame(
            {
                "state": list(STATES),
                "label_en": [label.en for label in labels],
                "label_zh": [label.zh for label in labels],
                "customers": heads,
                "share": heads / len(self) if len(self) else np.nan,
            }
        )


def _dates(since: npt.NDArray[np.int32]) -> npt.NDArray[np.datetime64]:
    """Return days as dates; NaT where not known."""
    days = from_day_numbers(np.where(since == _NO_DAY, 0, since))
    days[since == _NO_DAY] = np.datetime64("NaT")
    return days


_NOT_STARTED, _RUNNING, _PAUSED, _IN_GRACE, _ENDED = range(len(STATUSES))


class StateFacts(NamedTuple):
    """What is on record of customers and decides before any judgement; None: not recorded.

    Attributes
    ----------
    ended : numpy.ndarray of bool
        Who died or closed down: final.
    ended_on : numpy.ndarray of int32
        The day [days since 1970-01-01].
    contract_status : numpy.ndarray of int8
        Position in `contracts.ContractStatus`; -1 without a contract.
    contract_ended_on : numpy.ndarray of int32
        The day the contract ended [days since 1970-01-01].
    contract_paid_through : numpy.ndarray of int32
        The last day that is paid for: only a purchase after it is a return. None: the day it ended.
    cancellation_requested, payment_failed, complaint_open : numpy.ndarray of bool
        What makes a customer with a running contract quiet.
    likely_to_end : numpy.ndarray of bool
        Contracts whose chance to end at the next decision date is at least twice the base's.
    """

    ended: BoolArray | None = None
    ended_on: IntArray | None = None
    contract_status: npt.NDArray[np.int8] | None = None
    contract_ended_on: IntArray | None = None
    contract_paid_through: IntArray | None = None
    cancellation_requested: BoolArray | None = None
    payment_failed: BoolArray | None = None
    complaint_open: BoolArray | None = None
    likely_to_end: BoolArray | None = None


def assign_states(
    activity: HasActivity,
    scheme: StateScheme,
    *,
    as_of: AsOf,
    customer_id: pd.Index[Any] | None = None,
    facts: StateFacts | None = None,
    previous: StateTable | None = None,
) -> StateTable:
    """Tell the state of the relation with each customer, its reason and its day.

    Facts on record first, then the chance of a purchase, then silence against the own rhythm. A
    pure function of one customer's activity and facts, its previous state, and the scheme.

    Parameters
    ----------
    activity : Activity
        Whether customers still buy, from `ActivityModel.read`; NaN without a purchase, and
        `p_state` and `kept` NaN where it could not be learnt.
    scheme : StateScheme
        From `fit_state_scheme`.
    as_of : str, date, datetime or numpy.datetime64
        Last observed day.
    customer_id : pandas.Index, optional
        The customers; 0 .. n - 1 by default.
    facts : StateFacts, optional
        What is on record.
    previous : StateTable, optional
        The last run: without a purchase since then nobody moves nearer by judgement alone.

    Returns
    -------
    StateTable
        In the order of `activity`.

    Raises
    ------
    AlignmentError
        If ids or facts are for another number of customers.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.churn import StateCheck, StateConfig, StateScheme, assign_states
    >>> from retainkit.forecast import Activity
    >>> yes = dict(customers=200, returned=12, figure=0.06, upper=0.09, holds=True)
    >>> scheme = StateScheme(config=StateConfig(), window_days=90, base_gap=30.0, checks=(
    ...     StateCheck(state="gone", **yes), StateCheck(state="quiet", **yes)))
    >>> activity = Activity(p_state=np.array([0.9, 0.4, 0.02]), kept=np.array([1.0, 0.5, 0.05]),
    ...     silent=np.array([10.0, 60.0, 300.0]), own_gap=np.array([30.0, 25.0, 30.0]),
    ...     age=np.array([200.0, 200.0, 400.0]))
    >>> states = assign_states(activity, scheme, as_of="2026-03-31")
    >>> states.to_frame()[["state", "state_since"]]
         state state_since
    0  present  2026-03-21
    1    quiet  2026-03-29
    2     gone  2025-09-02
    """
    day = parse_as_of(as_of)
    today, n = float(day_number(day)), len(activity.silent)
    ids = pd.RangeIndex(n) if customer_id is None else customer_id
    check_length(len(ids), n, "customer_id")
    limits = scheme.limits()
    judged, reason = judge(activity, limits)
    state = _kernel.milder(judged, gone=scheme.uses("gone"), quiet=scheme.uses("quiet"))
    reason[(state != judged) & (state == _kernel.PRESENT)] = _kernel.UNPROVEN
    last, first = today - activity.silent, today - activity.age
    if previous is not None:
        _hold(state, reason, last, ids, previous)
    since = _kernel.days_reached(
        state, last, first, activity.own_gap, float(scheme.window_days), limits
    )
    since = np.minimum(since, today)
    if facts is not None:
        _apply_facts(state, reason, since, last, facts)
    return StateTable(
        customer_id=ids,
        as_of=day,
        state=state,
        reason=reason,
        since=np.where(np.isnan(since), _NO_DAY, since).astype(np.int32),
        activity=activity,
        scheme=scheme,
    )


def _hold(
    state: npt.NDArray[np.int8],
    reason: npt.NDArray[np.int8],
    last: FloatArray,
    ids: pd.Index[Any],
    previous: StateTable,
) -> None:
    """Let nobody move nearer who has not bought since the last run; new may become present."""
    place = previous.customer_id.get_indexer(ids)
    before = np.append(previous.state, np.int8(-1))[place]
    idle = last <= day_number(previous.as_of)
    held = idle & np.isin(before, (_kernel.QUIET, _kernel.GONE)) & (state < before)
    state[held], reason[held] = before[held], _kernel.HELD


def _apply_facts(
    state: npt.NDArray[np.int8],
    reason: npt.NDArray[np.int8],
    since: FloatArray,
    last: FloatArray,
    facts: StateFacts,
) -> None:
    """Lay what is on record over what was judged, in place."""
    status = facts.contract_status
    if status is not None:
        there = np.isin(status, (_RUNNING, _PAUSED, _IN_GRACE))
        since[there & (state == _kernel.GONE)] = np.nan
        state[there & (state == _kernel.GONE)] = _kernel.QUIET
        bare = there & np.isin(reason, (_kernel.NEVER_BOUGHT, _kernel.NOT_JUDGED))
        state[bare], reason[bare] = _kernel.PRESENT, _kernel.CONTRACT_RUNNING
        waiting = status == _NOT_STARTED
        state[waiting], reason[waiting] = _kernel.NEW, _kernel.CONTRACT_NOT_STARTED
        signs = (
            (status == _IN_GRACE, _kernel.CONTRACT_IN_GRACE),
            (facts.likely_to_end, _kernel.LIKELY_TO_END),
            (facts.complaint_open, _kernel.COMPLAINT_OPEN),
            (facts.payment_failed, _kernel.PAYMENT_FAILED),
            (facts.cancellation_requested, _kernel.CANCELLATION_REQUESTED),
        )
        for met, why in signs:
            if met is not None:
                state[there & met], reason[there & met] = _kernel.QUIET, why
        if facts.contract_ended_on is not None:
            through = facts.contract_paid_through
            through = facts.contract_ended_on if through is None else through
            left = (status == _ENDED) & ~(last > through)
            state[left], reason[left] = _kernel.GONE, _kernel.CONTRACT_ENDED
            since[left] = facts.contract_ended_on[left]
    if facts.ended is not None:
        state[facts.ended], reason[facts.ended] = _kernel.ENDED, _kernel.END_ON_RECORD
        if facts.ended_on is not None:
            known = facts.ended & (facts.ended_on != _NO_DAY)
            since[known] = facts.ended_on[known]


assert len(STATES) == _kernel.ENDED + 1
