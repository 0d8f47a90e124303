"""detect_churn, and the silence that a probability is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from retainkit._core.arrays import check_shapes
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenModel
from retainkit._core.result import ResultTable
from retainkit._core.time import from_day_numbers
from retainkit.churn._config import DetectionConfig
from retainkit.contracts import ContractConvention
from retainkit.contracts._spells import NO_DAY
from retainkit.errors import AlignmentError, ConvergenceError, NotComputableError, SchemaError
from retainkit.lifetime import PurchaseHistory
from retainkit.typing import (
    ArrayLike1D,
    BoolArray,
    FloatArray,
    PositiveFloat,
    PositiveInt,
    TimeUnit,
)

Int8Array: TypeAlias = npt.NDArray[np.int8]
Int32Array: TypeAlias = npt.NDArray[np.int32]


class ChurnReason(StrEnum):
    """The ground of a churn verdict."""

    PROBABLY_GONE = "probably_gone"
    PROBABLY_ALIVE = "probably_alive"
    NEVER_PURCHASED = "never_purchased"
    NOT_OBSERVABLE = "not_observable"
    CONTRACT_ENDED = "contract_ended"
    CONTRACT_RUNNING = "contract_running"
    IN_GRACE = "in_grace"
    NOT_STARTED = "not_started"
    PAUSED = "paused"


REASONS: tuple[ChurnReason, ...] = tuple(ChurnReason)
REASON_CODE: dict[ChurnReason, int] = {reason: code for code, reason in enumerate(REASONS)}


def to_categorical(
    codes: npt.NDArray[np.integer[Any]], names: Sequence[str]
) -> pd.Categorical[Any]:
    """Return codes as a categorical over all names, in their order; -1 = empty."""
    categories: pd.Index[Any] = pd.Index([str(name) for name in names])
    return pd.Categorical.from_codes(codes, categories=categories)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ChurnTable(ResultTable):
    """One row per customer: probability of having left, verdict and ground.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, each once.
    p_churned : numpy.ndarray of float64
        Probability of having left [share]; NaN where it cannot be known, `reason` says why.
    churned : numpy.ndarray of bool
        The verdict; False where `p_churned` is NaN.
    reason_code : numpy.ndarray of int8
        Position of the ground in `ChurnReason`.
    effective_day : numpy.ndarray of int32 or None
        First day without service of those who left [days since 1970-01-01]; int32 minimum where
        not known. None where leaving is never observed (non-contract business).
    spells : numpy.ndarray of int32 or None
        Times the customer joined; 2 or more = it came back. None without contracts.
    config : DetectionConfig or ContractConvention
        The settings used.
    """

    customer_id: pd.Index
    p_churned: FloatArray
    churned: BoolArray
    reason_code: Int8Array
    effective_day: Int32Array | None = None
    spells: Int32Array | None = None
    config: DetectionConfig | ContractConvention

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "attribute_causes(events, churn=churn)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "p_churned", "churned", "reason"),
        Column("effective_at", "_effective_at"),
        Column("spells"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def p_active(self) -> FloatArray:
        """Probability of still being a customer: 1 - `p_churned`; NaN where that is not known."""
        return 1.0 - self.p_churned

    @property
    def reason(self) -> pd.Categorical[Any]:
        """The ground of each verdict, as an unordered categorical with all grounds."""
        return to_categorical(self.reason_code, REASONS)

    @property
    def _effective_at(self) -> npt.NDArray[np.datetime64] | None:
        """First day without service; NaT for customers who are still there."""
        if self.effective_day is None:
            return None
        known = self.effective_day != NO_DAY
        days = from_day_numbers(np.where(known, self.effective_day, 0))
        return np.where(known, days, np.datetime64("NaT", "s"))

    def summary(self) -> pd.DataFrame:
        """Return customers and expected losses by ground.

        One row per ground that occurs: reason, customers, share, churned, expected_churned
        (sum of the known probabilities).
        """
        n, size = len(self), len(REASONS)
        counts = np.bincount(self.reason_code, minlength=size)
        gone = np.bincount(self.reason_code, weights=self.churned, minlength=size)
        known = np.nan_to_num(self.p_churned, nan=0.0)
        expected = np.bincount(self.reason_code, weights=known, minlength=size)
        frame = pd.DataFrame(
            {
                "reason": [str(reason) for reason in REASONS],
                "customers": counts,
                "share": counts / n if n else np.full(size, np.nan),
                "churned": gone.astype(np.int64),
                "expected_churned": expected,
            }
        )
        return frame[frame["customers"] > 0].reset_index(drop=True)


def detect_churn(
    p_alive: ArrayLike1D,
    *,
    customer_id: ArrayLike1D | pd.Index,
    never: ArrayLike1D | None = None,
    config: DetectionConfig = DetectionConfig(),  # noqa: B008 - frozen
) -> ChurnTable:
    """Judge who has left from each customer's probability of being alive.

    In business without contracts nobody sees a customer leave: the verdict is a probability with
    a threshold, and stays one.

    Parameters
    ----------
    p_alive : array_like, shape (n,)
        Probability of still being a customer [share]; NaN where no model can say.
    customer_id : array_like or pandas.Index, shape (n,)
        Customers, each once.
    never : array_like of bool, shape (n,), optional
        Who never purchased: it cannot have left, whatever `p_alive` says.
    config : DetectionConfig, optional
        The threshold.

    Returns
    -------
    ChurnTable
        In the order given. `p_churned` = 1 - p_alive float64, NaN where not observable; such a
        customer is not counted as gone, and its reason says why.

    Raises
    ------
    AlignmentError
        If lengths differ or a customer appears twice.
    SchemaError
        If a probability is outside [0, 1].

    Examples
    --------
    >>> from retainkit.churn import detect_churn
    >>> churn = detect_churn([0.9, 0.5, float("nan")], customer_id=[1, 2, 3])
    >>> churn.churned.tolist(), list(churn.reason)
    ([False, True, False], ['probably_alive', 'probably_gone', 'not_observable'])
    """
    ids = customer_id if isinstance(customer_id, pd.Index) else pd.Index(customer_id)
    alive = np.asarray(p_alive, dtype=np.float64)
    absent = np.zeros(len(ids), dtype=np.bool_) if never is None else np.asarray(never, np.bool_)
    _check(ids, alive, absent)
    p_churned = np.where(absent, np.nan, 1.0 - alive)
    known = ~np.isnan(p_churned)
    churned: BoolArray = known & (p_churned >= config.threshold)
    reason = np.full(len(ids), REASON_CODE[ChurnReason.NOT_OBSERVABLE], dtype=np.int8)
    reason[known] = REASON_CODE[ChurnReason.PROBABLY_ALIVE]
    reason[churned] = REASON_CODE[ChurnReason.PROBABLY_GONE]
    reason[absent] = REASON_CODE[ChurnReason.NEVER_PURCHASED]
    return ChurnTable(
        customer_id=ids, p_churned=p_churned, churned=churned, reason_code=reason, config=config
    )


def _check(ids: pd.Index, alive: FloatArray, never: BoolArray) -> None:
    """Refuse lengths that differ, customers twice, and probabilities outside [0, 1]."""
    check_shapes(len(ids), p_alive=alive, never=never)
    # asked of a series: an index would build a hash table for it, and keep it
    counted = isinstance(ids, pd.RangeIndex) or len(ids) < 2
    if not counted and not pd.Series(ids, copy=False).is_unique:
        doubled = ids[ids.duplicated()]
        raise AlignmentError(
            f"{len(doubled)} customers appear twice, for example {list(doubled[:3])}",
            rule="each customer once",
            where="customer_id",
        )
    outside = (alive < 0.0) | (alive > 1.0)
    if outside.any():
        raise SchemaError(
            f"{int(outside.sum())} of {len(alive)} probabilities lie outside [0, 1], "
            f"for example {alive[outside][:3].tolist()}",
            rule="p_alive is a probability, or NaN where it is not known",
            where="p_alive",
            fix="pass PurchaseModel.p_alive(summary)",
        )


class RhythmModel(FrozenModel):
    """How long the gaps between purchases are, from customer to customer.

    Parameters
    ----------
    r, alpha : float
        Shape, and scale [unit], of the gamma distribution of purchase rates.
    unit : {"day", "week", "month"}
        Scale of time.
    n : int
        Customers with a repeat purchase it was learnt from.
    """

    r: PositiveFloat
    alpha: PositiveFloat
    unit: TimeUnit
    n: PositiveInt

    def silence(self, history: PurchaseHistory) -> FloatArray:
        """Return how unusual each customer's present silence is.

        The share of the customer's gaps expected to be shorter than its silence so far; NaN for
        customers without a purchase. It is no probability of having left: a hold-out period tells
        what it means (`fit_calibration`). With x gaps over a time t and a silence of s it is 1 -
        ((alpha + t) / (alpha + t + s))**(r + x): the customer's own gaps count in full, the base's
        speak for customers with few. SchemaError if the history is in another unit.
        """
        if history.unit != self.unit:
            raise SchemaError(
                f"the history is in {history.unit}s, the rhythm in {self.unit}s",
                rule="both share one unit",
                where="history",
            )
        x = np.asarray(history.frequency, dtype=np.float64)
        t = np.asarray(history.recency, dtype=np.float64)
        silent = np.asarray(history.age, dtype=np.float64) - t
        base = np.log1p(silent / (self.alpha + t))
        return -np.expm1(-(self.r + x) * base)


def fit_rhythm(history: PurchaseHistory) -> RhythmModel:
    """Learn the rhythm of buying of a base from the gaps its customers have shown.

    Parameters
    ----------
    history : PurchaseHistory
        frequency, recency and age, such as a `CustomerSummary`.

    Returns
    -------
    RhythmModel
        The learnt rhythm.

    Raises
    ------
    NotComputableError
        If fewer than ten customers have purchased again.
    ConvergenceError
        If the optimum was not found.

    Notes
    -----
    Gaps are exponential with a rate per customer, rates gamma distributed; maximum likelihood on
    the completed gaps. The present silence is left out: it may be an absence for good.

    Examples
    --------
    >>> from retainkit.churn import fit_rhythm
    >>> from retainkit.simulate import make_purchase_histories
    >>> history = make_purchase_histories(2000, seed=1)
    >>> level = fit_rhythm(history).silence(history)
    >>> bool((level >= 0).all() and (level < 1).all())
    True
    """
    from scipy import optimize

    x = np.asarray(history.frequency, dtype=np.float64)
    t = np.asarray(history.recency, dtype=np.float64)
    again = (x >= 1.0) & (t > 0.0)
    if int(again.sum()) < 10:
        raise NotComputableError(
            f"{int(again.sum())} customers have purchased again",
            rule="a rhythm is learnt from the gaps of ten customers or more",
            where="history",
        )
    x, t = x[again], t[again]
    order = np.lexsort((t, x))  # sums do not depend on the order of rows
    x, t = x[order], t[order]

    def loss(logs: FloatArray) -> float:
        """Return minus the log-likelihood."""
        r, alpha = np.exp(logs)
        gain = special.gammaln(r + x) - special.gammaln(r)
        gain += r * np.log(alpha) - (r + x) * np.log(alpha + t)
        return -float(gain.mean())

    start = np.log([1.0, float(t.sum() / x.sum())])
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6})
    if not found.success:
        raise ConvergenceError(f"rhythm: {found.message}", rule="the likelihood has an optimum")
    r, alpha = np.exp(found.x).tolist()
    return RhythmModel(r=r, alpha=alpha, unit=history.unit, n=int(again.sum()))


class ThresholdChoice(NamedTuple):
    """From which probability on it pays to treat a customer as gone.

    Attributes
    ----------
    threshold : float
        The cheapest threshold on the hold-out; above 1 where acting never pays.
    cost : float
        Mean cost per customer at it [money].
    calibrated_threshold : float
        cost_false_alarm / (cost_false_alarm + cost_missed): the cheapest one if the probabilities
        mean what they say. Far from `threshold`, they do not.
    table : pandas.DataFrame
        threshold, alarms, false_alarms, missed, cost (mean per customer [money]); one row per
        distinct probability and one for "nobody".
    """

    threshold: float
    cost: float
    calibrated_threshold: float
    table: pd.DataFrame


def choose_threshold(
    p_churned: ArrayLike1D,
    *,
    outcome: ArrayLike1D,
    cost_missed: float,
    cost_false_alarm: float,
) -> ThresholdChoice:
    """Choose the threshold of `detect_churn` by what errors cost on a hold-out period.

    Parameters
    ----------
    p_churned : array_like, shape (n,)
        Probabilities of having left, judged before the hold-out; NaN is left out.
    outcome : array_like of bool, shape (n,)
        Who did not come back in the hold-out.
    cost_missed : float
        Cost of taking a lost customer for a present one [money].
    cost_false_alarm : float
        Cost of taking a present customer for a lost one [money].

    Returns
    -------
    ThresholdChoice
        The cheapest threshold, ties to the higher one, with the table of all.

    Raises
    ------
    AlignmentError
        If lengths differ.
    SchemaError
        If a cost is negative or both are 0.
    NotComputableError
        If no probability is known.

    Examples
    --------
    >>> from retainkit.churn import DetectionConfig, choose_threshold
    >>> choice = choose_threshold([0.2, 0.6], outcome=[False, True], cost_missed=1.0,
    ...                           cost_false_alarm=1.0)
    >>> DetectionConfig(threshold=choice.threshold).threshold
    0.6
    """
    p, gone = np.asarray(p_churned, dtype=np.float64), np.asarray(outcome, dtype=np.bool_)
    check_shapes(p.size, p_churned=p, outcome=gone)
    if cost_missed < 0.0 or cost_false_alarm < 0.0 or cost_missed + cost_false_alarm <= 0.0:
        raise SchemaError(
            f"costs are {cost_missed} and {cost_false_alarm}",
            rule="costs are not negative and not both 0",
            where="cost_missed, cost_false_alarm",
        )
    known = ~np.isnan(p)
    if not known.any():
        raise NotComputableError("no probability is known", rule="costs are counted on customers")
    levels, place = np.unique(p[known], return_inverse=True)
    lost = np.bincount(place, weights=gone[known], minlength=len(levels))
    size = np.bincount(place, minlength=len(levels))
    alarms = np.append(np.cumsum(size[::-1])[::-1], 0)
    caught = np.append(np.cumsum(lost[::-1])[::-1], 0.0)
    false, missed = alarms - caught, lost.sum() - caught
    cost = (cost_missed * missed + cost_false_alarm * false) / int(known.sum())
    table = pd.DataFrame(
        {
            "threshold": np.append(levels, np.inf),
            "alarms": alarms,
            "false_alarms": false.astype(np.int64),
            "missed": missed.astype(np.int64),
            "cost": cost,
        }
    )
    best = len(cost) - 1 - int(np.argmin(cost[::-1]))
    return ThresholdChoice(
        threshold=float(table["threshold"].iloc[best]),
        cost=float(cost[best]),
        calibrated_threshold=cost_false_alarm / (cost_false_alarm + cost_missed),
        table=table,
    )
