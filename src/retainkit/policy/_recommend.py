"""One measure for all, or one for each: whatever the evidence supports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from retainkit._core.columns import Column, recorded
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError
from retainkit.policy._effects import DRLearner, EffectEstimator, EffectModel
from retainkit.policy._logged import (
    MIN_SUPPORT,
    Logged,
    read_features,
    read_logged,
    scores,
    spread,
)
from retainkit.policy._response import ResponseLearner
from retainkit.typing import FloatArray, IntArray

_SALT = "recommend"
_PENALTY = 1e-3
_SPARSE = 0.5


class PolicyCandidate(NamedTuple):
    """One policy that was weighed.

    Attributes
    ----------
    name : str
        A measure for everybody, or "personal: " and the learner.
    value : float
        Doubly robust value per customer, net of cost [money].
    gain : float
        Over the best single measure [money per customer].
    standard_error : float
        Of the gain.
    gain_low : float
        Lower confidence bound of the gain, for all learners tried together.
    treated : float
        Share of customers who get anything but the first action.

    Examples
    --------
    >>> from retainkit.policy import PolicyCandidate
    >>> PolicyCandidate("mail", 1.4, 0.0, 0.0, 0.0, 1.0).name
    'mail'
    """

    name: str
    value: float
    gain: float
    standard_error: float
    gain_low: float
    treated: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PolicyRecommendation(ResultTable):
    """Hold what is recommended, what else was weighed, and why.

    Attributes
    ----------
    measures : tuple of str
        The actions, the first is doing nothing.
    kind : {"uniform", "personal"}
        One measure for all, or one for each.
    uniform : int
        Position of the best single measure.
    cost : ndarray of float64
        Cost of each action the recommendation was made for, per customer on average [money].
    candidates : tuple of PolicyCandidate
        Everything weighed.
    model : EffectModel or None
        The effects behind a personal policy, learnt on all customers.
    level : float
        Confidence of the lower bound.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import recommend_policy
    >>> rng = np.random.default_rng(0)
    >>> x, mailed = rng.normal(size=(4000, 1)), rng.integers(0, 2, 4000)
    >>> spend = 5 + mailed * x[:, 0] + rng.normal(size=4000)
    >>> recommend_policy(mailed, spend, features=x, measures=("none", "mail"))
    <PolicyRecommendation: 3 candidates; next: .reason, .summary() or .choose(features)>
    """

    _what: ClassVar[str] = "candidates"
    _next_step: ClassVar[str] = ".reason, .summary() or .choose(features)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("policy", "candidates.name"),
        *recorded("candidates", *PolicyCandidate._fields[1:]),
        Column("recommended", "_recommended"),
    )

    measures: tuple[str, ...]
    kind: Literal["uniform", "personal"]
    uniform: int
    cost: FloatArray
    candidates: tuple[PolicyCandidate, ...]
    model: EffectModel | None
    level: float

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def value(self) -> float:
        """Estimated value per customer of what is recommended, net of cost [money]."""
        return self._chosen.value

    @property
    def _chosen(self) -> PolicyCandidate:
        if self.kind == "uniform":
            return self.candidates[self.uniform]
        return max(self.candidates[len(self.measures) :], key=lambda one: one.gain_low)

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        best = self.measures[self.uniform]
        personal = self.candidates[len(self.measures) :]
        if self.kind == "personal":
            one = self._chosen
            return (
                f"{one.name} for each customer: gains {one.gain:.4g} per customer over {best!r} "
                f"for all, at least {one.gain_low:.4g} with {self.level:.1%} confidence"
            )
        if not personal:
            return f"{best!r} for all: no features to tell customers apart"
        one = max(personal, key=lambda other: other.gain_low)
        return (
            f"{best!r} for all: choosing per customer ({one.name}) is estimated to gain "
            f"{one.gain:.4g} but only {one.gain_low:.4g} is certain at {self.level:.1%} confidence"
        )

    def choose(self, features: Any, *, cost: Any = None) -> npt.NDArray[np.int64]:
        """Return the recommended action of each customer, as positions in `measures`.

        `features` as in `recommend_policy`; `cost` of each action, or per customer and action
        [money], is by default the mean costs the recommendation was made for. Ties go to the best
        single measure, then to the first.

        Examples
        --------
        >>> import numpy as np
        >>> from retainkit.policy import recommend_policy
        >>> rng = np.random.default_rng(0)
        >>> x, mailed = rng.normal(size=(4000, 1)), rng.integers(0, 2, 4000)
        >>> spend = 5 + mailed * x[:, 0] + rng.normal(size=4000)
        >>> advice = recommend_policy(mailed, spend, features=x, measures=("none", "mail"))
        >>> advice.kind, advice.choose([[-2.0], [2.0]])
        ('personal', array([0, 1]))
        """
        n = len(features)
        if self.model is None or self.kind == "uniform":
            return np.full(n, self.uniform, dtype=np.int64)
        table = read_features(features, n)
        costs = spread(self.cost if cost is None else cost, n, len(self.measures), "cost")
        return _best(self.model.effects(table) - costs, self.uniform)

    @property
    def _recommended(self) -> list[bool]:
        chosen = self.candidates.index(self._chosen)
        return [i == chosen for i in range(len(self))]

    def summary(self) -> pd.DataFrame:
        """Return the candidates as in `to_frame`, the recommended one first."""
        frame = self.to_frame()
        return frame.sort_values("recommended", ascending=False, kind="stable", ignore_index=True)


def recommend_policy(
    action: IntArray | Sequence[int],
    outcome: Any,
    *,
    features: Any = None,
    measures: Sequence[str],
    propensity: Any = None,
    cost: Any = None,
    learners: Sequence[EffectEstimator] | None = None,
    customer_id: pd.Index[Any] | None = None,
    folds: int = 5,
    level: float = 0.95,
) -> PolicyRecommendation:
    """Recommend a measure for all, or a measure for each only where evidence supports it.

    Parameters
    ----------
    action : array_like of int, shape (n_customers,)
        Action each customer got, chosen by chance: positions in `measures`.
    outcome : array_like of float, shape (n_customers,)
        What came of it [money], before the cost of the action.
    features : array_like of float, shape (n_customers, n_features), optional
        What may tell customers apart, known before the action.
    measures : sequence of str
        Names of the actions; the first is doing nothing.
    propensity : array_like of float, optional
        Chance of each action, or per customer and action; default the logged shares.
    cost : array_like of float, optional
        Cost of each action [money], or per customer and action; default 0.
    learners : sequence of EffectEstimator, optional
        Who may propose a personal policy. Default: `ResponseLearner()` where no outcome is
        negative and most are 0, otherwise `DRLearner()`.
    customer_id : pandas.Index, optional
        Customers; decides the folds.
    folds : int
        Folds for cross-fitting.
    level : float
        Confidence with which a personal policy must beat the best single measure.

    Returns
    -------
    PolicyRecommendation
        What to do, what else was weighed, and why.

    Raises
    ------
    NotComputableError
        If fewer than five customers got one of the actions.

    Notes
    -----
    Every rule is learnt without the customers it is judged on: in each fold a learner proposes
    the action of the largest effect less cost, and doubly robust scores give the paired gain
    over the single measure that is best in the whole history. A personal policy is recommended
    if the lower bound of that gain is above 0; several learners share the error (Bonferroni).
    Otherwise everybody gets the best single measure. The learner itself shrinks differences
    between customers towards the mean effect as far as cross-validation asks.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import recommend_policy
    >>> rng = np.random.default_rng(0)
    >>> x, mailed = rng.normal(size=(4000, 1)), rng.integers(0, 2, 4000)
    >>> noise = rng.normal(size=4000)
    >>> recommend_policy(mailed, 5 + mailed * x[:, 0] + noise, features=x,
    ...                  measures=("none", "mail")).kind
    'personal'
    >>> recommend_policy(mailed, 5 + 0.3 * mailed + noise, features=x,
    ...                  measures=("none", "mail")).kind
    'uniform'
    """
    logged = read_logged(
        action,
        outcome,
        propensity=propensity,
        cost=cost,
        measures=measures,
        tier=None,
        tier_names=(),
        customer_id=customer_id,
    )
    logged, table = _canonical(logged, read_features(features, logged.n))
    _check_all_tried(logged)
    fold = logged.fold(folds, _SALT)
    _, robust = scores(logged, table, fold, _PENALTY)
    means = robust.mean(axis=0)
    uniform = int(np.argmax(means))
    candidates = [
        _candidate(name, robust[:, j], robust[:, uniform], 0.0, float(j > 0))
        for j, name in enumerate(logged.measures)
    ]
    tried = _default_learners(logged.outcome) if learners is None else tuple(learners)
    if not table.shape[1]:
        tried = ()
    z = float(ndtri(1.0 - (1.0 - level) / max(len(tried), 1)))
    for learner in tried:
        chosen = _cross_fitted(learner, logged, table, fold, uniform)
        name = f"personal: {type(learner).__name__}"
        own = robust[np.arange(logged.n), chosen]
        candidates.append(_candidate(name, own, robust[:, uniform], z, float((chosen > 0).mean())))
    personal = candidates[logged.m :]
    best = int(np.argmax([one.gain_low for one in personal])) if personal else -1
    supported = best >= 0 and personal[best].gain_low > 0.0
    return PolicyRecommendation(
        measures=logged.measures,
        kind="personal" if supported else "uniform",
        uniform=uniform,
        cost=logged.cost.mean(axis=0),
        candidates=tuple(candidates),
        model=_fit(tried[best], logged, table) if supported else None,
        level=level,
    )


def _default_learners(outcome: FloatArray) -> tuple[EffectEstimator, ...]:
    """Return who proposes by default; the outcomes alone decide, not what actions did."""
    sparse = bool((outcome >= 0.0).all()) and float((outcome == 0.0).mean()) > _SPARSE
    return (ResponseLearner(),) if sparse else (DRLearner(),)


def _canonical(logged: Logged, table: FloatArray) -> tuple[Logged, FloatArray]:
    """Return the history in the order of ids, so that the order of rows changes nothing."""
    if logged.customer_id.is_monotonic_increasing:
        return logged, table
    order = np.asarray(logged.customer_id.argsort())
    return logged.take(order), table[order]


def _check_all_tried(logged: Logged) -> None:
    few = np.flatnonzero(logged.counts[0] < MIN_SUPPORT).tolist()
    if few:
        raise NotComputableError(
            f"hardly tried: {[logged.measures[j] for j in few]}",
            rule=f"at least {MIN_SUPPORT} customers with each action, by chance",
            fix="leave these actions out of `measures`, or try them first",
        )


def _candidate(
    name: str, own: FloatArray, base: FloatArray, z: float, treated: float
) -> PolicyCandidate:
    gain = own - base
    error = float(gain.std(ddof=1)) / np.sqrt(gain.size)
    mean = float(gain.mean())
    return PolicyCandidate(name, float(own.mean()), mean, float(error), mean - z * error, treated)


def _fit(learner: EffectEstimator, logged: Logged, table: FloatArray) -> EffectModel:
    return learner.fit_effects(table, logged.action, logged.outcome, logged.propensity)


def _cross_fitted(
    learner: EffectEstimator, logged: Logged, table: FloatArray, fold: IntArray, uniform: int
) -> npt.NDArray[np.int64]:
    """Return for each customer what a rule says that was learnt on the other folds."""
    chosen = np.full(logged.n, uniform, dtype=np.int64)
    for k in np.unique(fold).tolist():
        inside = fold == k
        model = _fit(learner, logged.take(~inside), table[~inside])
        net = model.effects(table[inside]) - logged.cost[inside]
        chosen[inside] = _best(net, uniform)
    return chosen


def _best(net: FloatArray, uniform: int) -> npt.NDArray[np.int64]:
    best = np.asarray(net.argmax(axis=1), dtype=np.int64)
    tied = net[:, uniform] >= net.max(axis=1)
    best[tied] = uniform
    return best
