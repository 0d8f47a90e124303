"""At which stage of the relation each customer is, by rule, in its own rhythm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column, check_length, index_of
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenModel
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.tiers import _kernel
from retainkit.tiers._config import (
    STAGE_LABELS,
    STAGE_REASONS,
    STAGES,
    STAGES_OF_STATES,
    LifecycleConfig,
)
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, PositiveFloat

_DEFAULT = LifecycleConfig()
_REASONS = tuple(STAGE_REASONS)
_STAGE_OF = np.array(
    [*(STAGES.index(stage) for stage, _ in STAGE_REASONS.values()), -1], dtype=np.int8
)


class RelationHistory(Protocol):
    """What a stage is derived from; a `CustomerSummary` satisfies it."""

    @property
    def occasions(self) -> Any:
        """Purchase occasions; 0: never purchased."""

    @property
    def recency(self) -> Any:
        """Time from the first to the last purchase [unit]."""

    @property
    def age(self) -> Any:
        """Time from the first purchase to the last observed day [unit]."""

    @property
    def inactive_for(self) -> Any:
        """Time from the last purchase to the last observed day [unit]."""


class RelationArrays(NamedTuple):
    """Hold the history of relations given by hand.

    Parameters
    ----------
    occasions : array_like of int
        Purchase occasions; 0: never purchased.
    recency, age, inactive_for : array_like of float
        Times [unit]: first to last purchase, first purchase and last purchase to the last
        observed day; NaN where never purchased.
    """

    occasions: Any
    recency: Any
    age: Any
    inactive_for: Any


class LifecycleScheme(FrozenModel):
    """Hold the usual gap between purchases of a base, and the limits chosen.

    Parameters
    ----------
    config : LifecycleConfig
        The limits.
    usual_gap : float or None
        Mean over repeat customers of their own mean gap [unit], or the one configured; None
        where nobody has purchased on two days.
    n : int
        Repeat customers it was learnt from; 0 where it was configured.
    """

    config: LifecycleConfig
    usual_gap: PositiveFloat | None
    n: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LifecycleTable(ResultTable):
    """Hold one stage per customer with its reason and the rhythm it was judged in.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers, in the order they came in.
    stage : ndarray of int8
        Position in `stages`; -1: not computable, a time is missing.
    reason : ndarray of int8
        Position in `reasons`; -1 likewise.
    history : RelationHistory
        What the stage was derived from.
    scheme : LifecycleScheme
        The limits.
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("stage", categories=STAGES, ordered=True),
        Column("stage_reason", "reason", _REASONS),
        *plain("rhythm", "silence"),
    )
    stages: ClassVar[tuple[str, ...]] = STAGES
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    customer_id: pd.Index[Any]
    stage: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    history: RelationHistory
    scheme: LifecycleScheme

    def __len__(self) -> int:
        return self.stage.size

    @property
    def rhythm(self) -> FloatArray:
        """The customer's own gap between purchases, mixed with the usual one [unit]."""
        return _rhythm(_read(self.history), self.scheme)

    @property
    def silence(self) -> FloatArray:
        """Time since the last purchase, in own gaps."""
        arrays = _read(self.history)
        return arrays["inactive_for"] / _rhythm(arrays, self.scheme)

    def summary(self) -> pd.DataFrame:
        """Return one row per stage: both labels, the number and the share of customers.

        Stages without customers have 0; those not computable are left out of the counts.
        """
        counts = np.bincount(self.stage[self.stage >= 0], minlength=len(self.stages))
        labels = [STAGE_LABELS[stage] for stage in self.stages]
        return pd.DataFrame(
            {
                "stage": self.stages,
                "label_en": [label.en for label in labels],
                "label_zh": [label.zh for label in labels],
                "customers": counts,
                "customer_share": counts / len(self) if len(self) else np.nan,
            }
        )


def fit_lifecycle_scheme(
    history: RelationHistory, *, config: LifecycleConfig = _DEFAULT
) -> LifecycleScheme:
    """Learn the usual gap between purchases of a base.

    Parameters
    ----------
    history : RelationHistory
        A `CustomerSummary`, or `RelationArrays`.
    config : LifecycleConfig, default LifecycleConfig()
        The limits; a `usual_gap` given there is taken over.

    Returns
    -------
    LifecycleScheme
        Reusable on new and on single customers.

    Raises
    ------
    SchemaError
        If an entry is not a number.
    AlignmentError
        If the arrays differ in length.

    Notes
    -----
    Each repeat customer counts once, with the mean gap recency / (occasions - 1), so that a few
    heavy buyers do not set the rhythm of all. It is the mean of observed gaps: silence that has
    not ended yet is not in it.

    Examples
    --------
    >>> from retainkit.tiers import RelationArrays, fit_lifecycle_scheme
    >>> history = RelationArrays([1, 3, 2], [0.0, 8.0, 6.0], [9.0, 9.0, 9.0], [9.0, 1.0, 3.0])
    >>> fit_lifecycle_scheme(history).n
    2
    """
    if config.usual_gap is not None:
        return LifecycleScheme(config=config, usual_gap=config.usual_gap, n=0)
    arrays = _read(history)
    gap, n = _kernel.usual_gap(arrays["occasions"], arrays["recency"])
    return LifecycleScheme(config=config, usual_gap=gap if n else None, n=n)


def lifecycle_stage(
    history: RelationHistory,
    scheme: LifecycleScheme,
    *,
    p_alive: ArrayLike1D | None = None,
    spending_trend: ArrayLike1D | None = None,
    last_gap: ArrayLike1D | None = None,
    state: npt.NDArray[np.int8] | None = None,
    was_gone: BoolArray | None = None,
    customer_id: pd.Index[Any] | None = None,
) -> LifecycleTable:
    """Tell at which stage of the relation each customer is.

    The first rule that holds decides, and the last one holds for everybody. Each optional
    array switches on rules; NaN in it leaves that customer to the other rules.

    Parameters
    ----------
    history : RelationHistory
        A `CustomerSummary`, or `RelationArrays`.
    scheme : LifecycleScheme
        From `fit_lifecycle_scheme`.
    p_alive : array_like of float, shape (n_customers,), optional
        Probability that the customer is still a customer.
    spending_trend : array_like of float, shape (n_customers,), optional
        Relative change of recent spending against earlier spending (0.2 = 20 % more).
    last_gap : array_like of float, shape (n_customers,), optional
        Time between the last two purchase occasions [unit], or what it is at least.
    state : ndarray of int8, optional
        State of each relation, a position in (prospect, new, present, quiet, gone, ended): the
        stage then follows it. `p_alive` and silence are not looked at.
    was_gone : ndarray of bool, optional
        Who was gone in the last run.
    customer_id : pandas.Index, optional
        The customers; by default the index of `history.occasions` if it is a Series,
        else 0 .. n - 1.

    Returns
    -------
    LifecycleTable
        In the order of `history`; stages as int8 positions. A customer who has purchased but
        lacks a time has the stage -1.

    Raises
    ------
    SchemaError
        If an entry is not a number.
    AlignmentError
        If the arrays differ in length.

    Notes
    -----
    The own rhythm is g = (recency + k u) / (occasions - 1 + k), with the usual gap u and
    k = `prior_gaps`; silence is inactive_for / g. In this order:

    1. prospect: never purchased;
    2. lapsed: p_alive < `lapsed_below`; where it is not known, silence > `lapsed_gaps`;
    3. declining: silence > `declining_gaps`;
    4. won back: the last gap was longer than `lapsed_gaps` of the rhythm before it;
    5. new: one purchase, or age <= `new_gaps` u;
    6. declining or growing: spending changed by at least `trend`;
    7. growing: fewer occasions than `settled_occasions`;
    8. mature.

    With `state` the catalogue says which of these may speak in each state: who is quiet is
    declining, who is gone or has ended lapsed, who is new new (or won back), and behaviour decides
    among the stages of those present.

    Examples
    --------
    >>> from retainkit.tiers import RelationArrays, fit_lifecycle_scheme, lifecycle_stage
    >>> history = RelationArrays(
    ...     occasions=[0, 1, 3, 6, 4],
    ...     recency=[float("nan"), 0.0, 8.0, 20.0, 12.0],
    ...     age=[float("nan"), 2.0, 9.0, 23.0, 60.0],
    ...     inactive_for=[float("nan"), 2.0, 1.0, 3.0, 48.0],
    ... )
    >>> table = lifecycle_stage(history, fit_lifecycle_scheme(history))
    >>> table.to_frame()["stage"].tolist()
    ['prospect', 'new', 'growing', 'mature', 'lapsed']
    """
    arrays = _read(history)
    n = arrays["occasions"].size
    hints = {"p_alive": p_alive, "spending_trend": spending_trend, "last_gap": last_gap}
    arrays |= {name: _hint(values, n, name) for name, values in hints.items() if values is not None}
    reason = _reason(arrays, scheme, state, was_gone)
    return LifecycleTable(
        customer_id=index_of(history.occasions, customer_id, n),
        stage=_STAGE_OF[reason],
        reason=reason,
        history=history,
        scheme=scheme,
    )


def _read(history: RelationHistory) -> dict[str, FloatArray]:
    """Return the history as arrays of one length."""
    names = ("occasions", "recency", "age", "inactive_for")
    arrays = {name: as_column(getattr(history, name), name) for name in names}
    for name in names:
        check_length(arrays[name].size, arrays["occasions"].size, name)
    if not (arrays["occasions"] >= 0).all():
        raise SchemaError(
            "occasions are missing or negative",
            rule="a customer has 0 or more purchase occasions",
            where="history.occasions",
            fix="pass 0 for a customer who has never purchased",
        )
    return arrays


def _hint(values: ArrayLike1D, n: int, name: str) -> FloatArray:
    """Return an optional column, checked for its length."""
    return as_column(values, name, n=n)


def _rhythm(
    arrays: Mapping[str, FloatArray], scheme: LifecycleScheme, *, less: FloatArray | None = None
) -> FloatArray:
    """Return the own gap; with `less`, as it was before the last purchase, `less` earlier."""
    usual = np.nan if scheme.usual_gap is None else scheme.usual_gap
    gaps, length = arrays["occasions"] - 1.0, arrays["recency"]
    if less is not None:
        gaps, length = gaps - 1.0, length - less
    return _kernel.mixed_gap(gaps, length, usual, scheme.config.prior_gaps)


def _reason(
    arrays: Mapping[str, FloatArray],
    scheme: LifecycleScheme,
    state: npt.NDArray[np.int8] | None,
    was_gone: BoolArray | None,
) -> npt.NDArray[np.int8]:
    """Return the first rule that holds for each customer; -1 without a history."""
    config, occasions = scheme.config, arrays["occasions"]
    usual = np.nan if scheme.usual_gap is None else scheme.usual_gap
    silence = arrays["inactive_for"] / _rhythm(arrays, scheme)
    holds = {
        "never_purchased": occasions == 0,
        "silent_beyond_rhythm": silence > config.lapsed_gaps,
        "silence_growing": silence > config.declining_gaps,
        "first_purchase": occasions == 1,
        "relation_young": arrays["age"] <= config.new_gaps * usual,
        "relation_forming": occasions < config.settled_occasions,
    }
    if "p_alive" in arrays:
        holds["probably_left"] = arrays["p_alive"] < config.lapsed_below
        holds["silent_beyond_rhythm"] &= np.isnan(arrays["p_alive"])
    if "last_gap" in arrays:
        lapse = config.lapsed_gaps * _rhythm(arrays, scheme, less=arrays["last_gap"])
        holds["returned_after_lapse"] = (occasions > 1) & (arrays["last_gap"] > lapse)
    if "spending_trend" in arrays:
        holds["spending_falling"] = arrays["spending_trend"] <= -config.trend
        holds["spending_rising"] = arrays["spending_trend"] >= config.trend
    if was_gone is not None:
        again = was_gone & (occasions > 0)
        holds["returned_after_lapse"] = holds.get("returned_after_lapse", again) | again
    if state is not None:
        everybody = np.ones(occasions.size, dtype=np.bool_)
        holds |= dict.fromkeys(("state_new", "state_quiet", "state_lost"), everybody)
        for name in holds:
            speaks = np.array([name in said for said in STAGES_OF_STATES.values()], dtype=np.bool_)
            holds[name] = holds[name] & speaks[state]
    reason = _kernel.first_rule([holds.get(name) for name in _REASONS[:-1]], occasions.size)
    for name in ("recency", "age", "inactive_for"):
        reason[np.isnan(arrays[name]) & (occasions > 0)] = -1
    return reason
