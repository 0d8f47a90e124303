"""Which state the relation with each customer is in: learn whether a claim holds, then judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.arrays import check_length
from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.intervals import ratio_bounds, wilson
from retainkit._core.time import day_number, parse_as_of
from retainkit.churn import _kernel_state as _kernel
from retainkit.churn._state_table import STATES, StateTable
from retainkit.contracts._state import STATUSES
from retainkit.typing import AsOf, BoolArray, FloatArray, IntArray, PositiveFloat, PositiveInt, Rate

_NO_DAY = np.iinfo(np.int32).min
_ONE_SIDED = 0.90
"""Level of an interval whose upper bound is a 95 % upper limit."""
_NOT_STARTED, _RUNNING, _PAUSED, _IN_GRACE, _ENDED = range(len(STATUSES))

Claim: TypeAlias = Literal["gone", "quiet"]


class HasActivity(Protocol):
    """Whether customers still buy; `forecast.Activity` offers it. NaN without a purchase."""

    @property
    def p_state(self) -> FloatArray:
        """Probability of a purchase within the window."""

    @property
    def kept(self) -> FloatArray:
        """That probability over the one on the day of the last purchase."""

    @property
    def silent(self) -> FloatArray:
        """Days since the last purchase [day]."""

    @property
    def own_gap(self) -> FloatArray:
        """Usual days between purchases [day]."""

    @property
    def age(self) -> FloatArray:
        """Days since the first purchase [day]."""


class HasPastActivity(Protocol):
    """Activity on an earlier day and who came back; `forecast.PastActivity` offers it."""

    @property
    def activity(self) -> HasActivity:
        """What was known then."""

    @property
    def returned(self) -> BoolArray:
        """Who bought again within the window after it."""

    @property
    def base_gap(self) -> float:
        """Mean days between purchases of one customer then [day]."""


class StateConfig(FrozenConfig):
    """Say where one state of a relation ends and the next begins.

    Parameters
    ----------
    gone_below, gone_kept : float, default 0.15 and 0.35
        Gone: the chance of a purchase within the window is below the first, and below this share
        of what it was on the day of the last purchase.
    gone_surely_below, gone_gaps : float, default 0.10 and 2
        Gone too: the chance is below the first and the silence is longer than this many mean
        gaps of the base. Who bought once never had a high chance to lose.
    quiet_kept : float, default 0.6
        Quiet: the chance is below this share of what it was.
    quiet_below, quiet_gaps : float, default 0.5 and 2.3
        Quiet too: the chance is below the first and the silence is longer than this many own
        gaps; 9 of 10 exponential gaps are shorter than 2.3 mean gaps.
    new_gaps : float, default 1
        New: the first purchase is at most this many mean gaps of the base ago.
    back_at_most : float, default 0.20
        "Gone" is used where the 95 % upper limit of the share that came back is at most this.
    quiet_at_most : float, default 0.7
        "Quiet" is used where those called so came back at most this many times as often as those
        present, and the 95 % upper limit of that ratio is below 1.
    least_checked : int, default 20
        Customers called so at earlier origins, from which on a claim can be checked.

    Examples
    --------
    >>> from retainkit.churn import StateConfig
    >>> StateConfig(gone_below=0.1).gone_kept
    0.35
    """

    gone_below: Rate = 0.15
    gone_kept: Rate = 0.35
    gone_surely_below: Rate = 0.10
    gone_gaps: PositiveFloat = 2.0
    quiet_kept: Rate = 0.6
    quiet_below: Rate = 0.5
    quiet_gaps: PositiveFloat = 2.3
    new_gaps: PositiveFloat = 1.0
    back_at_most: Rate = 0.20
    quiet_at_most: Rate = 0.7
    least_checked: PositiveInt = 20

    @model_validator(mode="after")
    def _gone_is_further(self) -> Self:
        if self.gone_below > self.quiet_below or self.gone_kept > self.quiet_kept:
            raise ValueError("gone asks for less chance than quiet: lower gone_below or gone_kept")
        return self


class StateCheck(FrozenModel):
    """How a claim held at earlier origins.

    Parameters
    ----------
    state : {"gone", "quiet"}
        What was claimed.
    customers, returned : int
        Customers called so at earlier origins, pooled, and how many bought within the window.
    figure : float or None
        Share that came back; for quiet over the share of those present. None: nobody.
    upper : float or None
        Its 95 % upper limit.
    holds : bool
        Whether the claim is used.

    Examples
    --------
    >>> from retainkit.churn import StateCheck
    >>> StateCheck(state="gone", customers=200, returned=12, figure=0.06, upper=0.09,
    ...            holds=True).words("en")
    '12 of 200 called gone at earlier origins came back (6 %, at most 9 %): used'
    """

    state: Claim
    customers: int
    returned: int
    figure: float | None
    upper: float | None
    holds: bool

    def words(self, language: Literal["en", "zh"] = "en") -> str:
        """Return the check as a sentence.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language.

        Returns
        -------
        str
            The sentence.
        """
        name = {"gone": "流失", "quiet": "沉寂"}[self.state]
        en = f"{self.returned:,} of {self.customers:,} called {self.state} at earlier origins"
        zh = f"以往判定为{name}的 {self.customers:,} 人中 {self.returned:,} 人回来"
        if self.figure is None or self.upper is None:
            en = f"{en} came back"
        elif self.state == "gone":
            en = f"{en} came back ({self.figure:.0%}, at most {self.upper:.0%})".replace("%", " %")
            zh = f"{zh}（{self.figure:.0%}，至多 {self.upper:.0%}）"
        else:
            en = f"{en} came back, {self.figure:.2f} times as often as those present"
            zh = f"{zh}，为在册活跃客户的 {self.figure:.2f} 倍"
        use = (
            ("used", "采用")
            if self.holds
            else ("not used, the milder state is", "不采用，取较轻状态")
        )
        return f"{zh}：{use[1]}" if language == "zh" else f"{en}: {use[0]}"


class StateScheme(FrozenModel):
    """Where one state ends and the next begins in a base, and which claims hold there.

    Parameters
    ----------
    config : StateConfig
        What the user chose.
    window_days : int
        Window in which a purchase is looked for [day]: whatever the horizon of a run.
    base_gap : float
        Mean days between purchases of one customer [day].
    checks : tuple of StateCheck
        How the claims held at earlier origins; a claim without a check is not used.

    Examples
    --------
    >>> from retainkit.churn import StateScheme, fit_state_scheme
    >>> scheme = fit_state_scheme((), window_days=90, base_gap=30.0)
    >>> scheme.uses("gone"), StateScheme.from_json(scheme.to_json()) == scheme
    (False, True)
    """

    config: StateConfig
    window_days: Annotated[int, Field(ge=0)]
    base_gap: float
    checks: tuple[StateCheck, ...] = ()

    def uses(self, claim: Claim) -> bool:
        """Return whether a state is used here.

        Parameters
        ----------
        claim : {"gone", "quiet"}
            The state.

        Returns
        -------
        bool
            Whether it held at earlier origins.
        """
        return any(check.holds for check in self.checks if check.state == claim)

    def limits(self) -> _kernel.Limits:
        """Return the limits as the kernel takes them."""
        chosen = self.config.model_dump(include=set(_kernel.Limits._fields))
        return _kernel.Limits(**chosen, base_gap=self.base_gap)


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
    cancellation_requested, payment_failed, complaint_open : numpy.ndarray of bool
        What makes a customer with a running contract quiet.
    likely_to_end : numpy.ndarray of bool
        Contracts whose chance to end at the next decision date is at least twice the base's.
    """

    ended: BoolArray | None = None
    ended_on: IntArray | None = None
    contract_status: npt.NDArray[np.int8] | None = None
    contract_ended_on: IntArray | None = None
    cancellation_requested: BoolArray | None = None
    payment_failed: BoolArray | None = None
    complaint_open: BoolArray | None = None
    likely_to_end: BoolArray | None = None


def fit_state_scheme(
    past: Sequence[HasPastActivity],
    *,
    window_days: int,
    base_gap: float,
    config: StateConfig | None = None,
) -> StateScheme:
    """Check at earlier origins which claims hold in a base.

    Parameters
    ----------
    past : sequence of PastActivity
        Activity at earlier origins and who bought again within the window after each.
    window_days : int
        The window [day].
    base_gap : float
        Mean days between purchases of one customer [day].
    config : StateConfig, optional
        Where the states begin.

    Returns
    -------
    StateScheme
        With the checks; without an earlier origin no claim is used.

    Notes
    -----
    Gone holds with at least `least_checked` customers called so (all origins together) if the
    one-sided 95 % Wilson limit of the share that came back is at most `back_at_most`. Quiet is
    checked with those who fall to it where gone does not hold; the ratio of the shares has the
    square-and-add interval (MOVER-R).

    Examples
    --------
    >>> from retainkit.churn import fit_state_scheme
    >>> fit_state_scheme((), window_days=90, base_gap=30.0).checks[0].holds
    False
    """
    config = config or StateConfig()
    bare = StateScheme(config=config, window_days=window_days, base_gap=base_gap)
    told = [_judge(one.activity, bare.limits()._replace(base_gap=one.base_gap))[0] for one in past]
    state = np.concatenate([np.zeros(0, dtype=np.int8), *told])
    back = np.concatenate([np.zeros(0, dtype=np.bool_), *(one.returned for one in past)])
    gone = _check_gone(back[state == _kernel.GONE], config)
    shown = _kernel.milder(state, gone=gone.holds, quiet=True)
    there = back[shown == _kernel.PRESENT]
    quiet = _check_quiet(back[shown == _kernel.QUIET], there, config)
    return bare.replace(checks=(gone, quiet))


def _check_gone(back: BoolArray, config: StateConfig) -> StateCheck:
    n, came = len(back), int(back.sum())
    if not n:
        return StateCheck(
            state="gone", customers=0, returned=0, figure=None, upper=None, holds=False
        )
    upper = float(wilson(np.array([came]), np.array([n]), _ONE_SIDED)[1][0])
    holds = n >= config.least_checked and upper <= config.back_at_most
    return StateCheck(
        state="gone", customers=n, returned=came, figure=came / n, upper=upper, holds=holds
    )


def _check_quiet(back: BoolArray, there: BoolArray, config: StateConfig) -> StateCheck:
    n, came = len(back), int(back.sum())
    ratio: float | None = None
    upper: float | None = None
    if n and there.any():
        ratio = came / n / float(there.mean())
        counts = np.array([max(came, 0.5), there.sum()])  # half a customer: a logarithm needs one
        share = counts / [n, len(there)]
        low, high = wilson(counts, np.array([n, len(there)]), _ONE_SIDED)
        bounds = [(low[i : i + 1], high[i : i + 1]) for i in (0, 1)]
        limit = ratio_bounds(share[:1], bounds[0], share[1:], bounds[1])[1]
        upper = float(limit[0]) if np.isfinite(limit[0]) else None
    enough = min(n, len(there)) >= config.least_checked and ratio is not None and upper is not None
    holds = enough and ratio <= config.quiet_at_most and upper < 1.0
    return StateCheck(
        state="quiet", customers=n, returned=came, figure=ratio, upper=upper, holds=holds
    )


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
    judged, reason = _judge(activity, limits)
    state = _kernel.milder(judged, gone=scheme.uses("gone"), quiet=scheme.uses("quiet"))
    withdrawn = (state != judged) & (state == _kernel.PRESENT)
    reason[withdrawn] = _kernel.IN_RHYTHM
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


def _judge(
    activity: HasActivity, limits: _kernel.Limits
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    signs = _kernel.Signs(*(getattr(activity, name) for name in _kernel.Signs._fields))
    return _kernel.judge(signs, limits)


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
        settled = there & (state != _kernel.NEW)
        since[there & (state >= _kernel.QUIET)] = np.nan
        state[settled], reason[settled] = _kernel.PRESENT, _kernel.CONTRACT_RUNNING
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
            left = (status == _ENDED) & ~(last > facts.contract_ended_on)
            state[left], reason[left] = _kernel.GONE, _kernel.CONTRACT_ENDED
            since[left] = facts.contract_ended_on[left]
    if facts.ended is not None:
        state[facts.ended], reason[facts.ended] = _kernel.ENDED, _kernel.END_ON_RECORD
        if facts.ended_on is not None:
            known = facts.ended & (facts.ended_on != _NO_DAY)
            since[known] = facts.ended_on[known]


assert len(STATES) == _kernel.ENDED + 1
