"""Did it work, would it work: the value of a policy from a randomised history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import normal_bounds
from retainkit._core.result import ResultTable
from retainkit.policy._logged import (
    Logged,
    read_features,
    read_logged,
    read_policy,
    refuse_without_support,
    scores,
)
from retainkit.typing import FloatArray, IntArray

METHODS = ("dr", "snips", "ips", "dm")
_PENALTY = 1e-3
_SALT = "evaluate"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PolicyEvaluation(ResultTable):
    """Hold the value of one policy per customer, by four estimators, and how far to trust it.

    Attributes
    ----------
    value : ndarray of float64
        Value per customer [money] by method: "dr" (doubly robust, cross-fitted; the one to use),
        "snips", "ips", "dm" (model alone).
    standard_error : ndarray of float64
        Of each; NaN for "dm": a model does not know its own error.
    level : float
        Coverage of the intervals.
    n : int
        Customers in the history.
    effective_n : float
        (sum w)^2 / sum w^2 of the weights of those who got what the policy wants.
    largest_weight : float
        Largest of these weights.
    overlap : tuple of (str, str, int, int)
        Tier, action, customers the policy wants it for, customers who got it.

    Examples
    --------
    >>> from retainkit.policy import evaluate_policy
    >>> outcome = [0, 0, 0, 0, 0, 9, 9, 9, 9, 9]
    >>> result = evaluate_policy([1] * 10, [0] * 5 + [1] * 5, outcome=outcome,
    ...                          propensity=[0.5, 0.5], measures=("none", "mail"))
    >>> result
    <PolicyEvaluation: 4 methods; next: .to_frame() or .summary()>
    """

    _what: ClassVar[str] = "methods"
    _next_step: ClassVar[str] = ".to_frame() or .summary()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("method", "methods"),
        *plain("value", "standard_error"),
        Column("low", lambda t: t._bounds[0]),
        Column("high", lambda t: t._bounds[1]),
    )
    methods: ClassVar[tuple[str, ...]] = METHODS

    value: FloatArray
    standard_error: FloatArray
    level: float
    n: int
    effective_n: float
    largest_weight: float
    overlap: tuple[tuple[str, str, int, int], ...]

    def __len__(self) -> int:
        return self.value.size

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the doubly robust value."""
        return normal_bounds(float(self.value[0]), float(self.standard_error[0]), self.level)

    @property
    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        return normal_bounds(self.value, self.standard_error, self.level)

    def summary(self) -> pd.DataFrame:
        """Return where the policy wants what was tried how often: tier, action, wanted, tried."""
        return pd.DataFrame(self.overlap, columns=["tier", "action", "wanted", "tried"])


def evaluate_policy(
    policy: Any,
    action: IntArray | Sequence[int],
    *,
    outcome: Any,
    propensity: Any = None,
    measures: Sequence[str],
    cost: Any = None,
    features: Any = None,
    tier: IntArray | None = None,
    tier_names: Sequence[str] = (),
    customer_id: pd.Index[Any] | None = None,
    folds: int = 5,
    level: float = 0.95,
) -> PolicyEvaluation:
    """Estimate what a policy earns per customer from a history in which chance chose.

    Parameters
    ----------
    policy : array_like of int, shape (n_customers,), or of float, shape (n_customers, n_actions)
        Action the policy wants for each customer, or the probability of each action.
    action : array_like of int, shape (n_customers,)
        Action each customer really got: positions in `measures`.
    outcome : array_like of float, shape (n_customers,)
        What came of it [money], before the cost of the action.
    propensity : array_like of float, optional
        Probability with which each action was chosen: one per action, or per customer and
        action. Default: the shares logged, by tier; right where chance chose within tiers.
    measures : sequence of str
        Names of the actions, doing nothing among them.
    cost : array_like of float, optional
        Cost of each action [money], or per customer and action; default 0.
    features : array_like of float, shape (n_customers, n_features), optional
        What the outcome may depend on, known before the action; narrows the interval.
    tier : array of int, optional
        Tier of each customer; support is checked in every tier.
    tier_names : sequence of str
        Names of the tiers.
    customer_id : pandas.Index, optional
        Customers; decides the folds, so that the order of rows changes nothing.
    folds : int
        Folds for cross-fitting.
    level : float
        Coverage of the intervals.

    Returns
    -------
    PolicyEvaluation
        Value per customer, net of cost.

    Raises
    ------
    NotComputableError
        If the policy wants an action in a tier where fewer than five customers got it.

    Notes
    -----
    With pi the policy, e the propensity, m(a) the ridge-regression mean of the outcome learnt on
    other folds, and w = pi(A) / e(A): ips = mean(w Y); snips = sum(w Y) / sum(w); dm =
    mean(sum_a pi(a) m(a)); dr = dm + mean(w (Y - m(A))). Evaluate on customers that were not
    used to learn the policy, or its value is too good (winner's curse).

    References
    ----------
    M. Dudik, J. Langford, L. Li (2011), "Doubly robust policy evaluation and learning", ICML.
    V. Chernozhukov et al. (2018), "Double/debiased machine learning", Econometrics Journal 21.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import evaluate_policy
    >>> rng = np.random.default_rng(0)
    >>> x, mailed = rng.normal(size=4000), rng.integers(0, 2, 4000)
    >>> spend = 5 + x + mailed * x + rng.normal(size=4000)  # mail pays where x > 0
    >>> result = evaluate_policy((x > 0).astype(int), mailed, outcome=spend,
    ...     measures=("none", "mail"), features=x[:, None])
    >>> truth = 5 + np.maximum(x, 0).mean()
    >>> low, high = result.interval
    >>> bool(low < truth < high)
    True
    """
    logged = read_logged(
        action,
        outcome,
        propensity=propensity,
        cost=cost,
        measures=measures,
        tier=tier,
        tier_names=tier_names,
        customer_id=customer_id,
    )
    wanted = read_policy(policy, logged.n, logged.m)
    refuse_without_support(wanted, logged)
    table = read_features(features, logged.n)
    means, robust = scores(logged, table, logged.fold(folds, _SALT), _PENALTY)
    return _evaluation(wanted, logged, means, robust, level)


def _evaluation(
    wanted: FloatArray, logged: Logged, means: FloatArray, robust: FloatArray, level: float
) -> PolicyEvaluation:
    rows = np.arange(logged.n)
    weight = wanted[rows, logged.action] / logged.propensity[rows, logged.action]
    net = logged.outcome - logged.cost[rows, logged.action]
    dr, ips = (wanted * robust).sum(axis=1), weight * net
    total = float(weight.sum())
    snips = float(ips.sum()) / total if total > 0.0 else np.nan
    value = [dr.mean(), snips, ips.mean(), (wanted * means).sum(axis=1).mean()]
    influence = weight * (net - snips) / (total / logged.n) if total > 0.0 else ips * np.nan
    error = [_error(dr), _error(influence), _error(ips), np.nan]
    wish = np.zeros(logged.counts.shape)
    np.add.at(wish, logged.tier, wanted)
    return PolicyEvaluation(
        value=np.array(value),
        standard_error=np.array(error),
        level=level,
        n=logged.n,
        effective_n=total**2 / float((weight**2).sum()) if total > 0.0 else 0.0,
        largest_weight=float(weight.max(initial=0.0)),
        overlap=tuple(
            (tier, name, round(float(wish[i, j])), int(logged.counts[i, j]))
            for i, tier in enumerate(logged.tier_names)
            for j, name in enumerate(logged.measures)
        ),
    )


def _error(values: FloatArray) -> float:
    return float(values.std(ddof=1)) / np.sqrt(values.size) if values.size > 1 else np.nan


def compare_policies(
    policies: Mapping[str, Any],
    action: IntArray | Sequence[int],
    *,
    outcome: Any,
    propensity: Any = None,
    measures: Sequence[str],
    cost: Any = None,
    features: Any = None,
    tier: IntArray | None = None,
    tier_names: Sequence[str] = (),
    customer_id: pd.Index[Any] | None = None,
    folds: int = 5,
    reference: str,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare policies (none, all, current, risk-ranked, ...) on one randomised history.

    Parameters
    ----------
    policies : mapping of str to array_like
        Policies by name, as in `evaluate_policy`.
    action, outcome, propensity, measures, cost, features, tier, tier_names, customer_id, folds
        As in `evaluate_policy`.
    reference : str
        Name of the policy the others are compared with.
    level : float
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per policy in the order given: policy, treated (share of customers that get
        anything but the first action), value (doubly robust, per customer, net of cost),
        standard_error, gain (over the reference), gain_low, gain_high, effective_n. The interval
        of the gain is that of the paired difference, narrower than two separate ones.

    Raises
    ------
    NotComputableError
        If a policy wants an action in a tier where it was not tried.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import compare_policies
    >>> rng = np.random.default_rng(0)
    >>> x, mailed = rng.normal(size=4000), rng.integers(0, 2, 4000)
    >>> spend = 5 + x + mailed * x + rng.normal(size=4000)
    >>> policies = {"none": np.zeros(4000), "all": np.ones(4000), "rule": x > 0}
    >>> table = compare_policies(policies, mailed, outcome=spend, reference="none",
    ...     measures=("none", "mail"), features=x[:, None])
    >>> table["policy"][table["gain_low"] > 0].tolist()
    ['rule']
    """
    logged = read_logged(
        action,
        outcome,
        propensity=propensity,
        cost=cost,
        measures=measures,
        tier=tier,
        tier_names=tier_names,
        customer_id=customer_id,
    )
    wanted = {name: read_policy(p, logged.n, logged.m, name) for name, p in policies.items()}
    for name, table in wanted.items():
        refuse_without_support(table, logged, f"policy {name!r}")
    fold = logged.fold(folds, _SALT)
    means, robust = scores(logged, read_features(features, logged.n), fold, _PENALTY)
    base = (wanted[reference] * robust).sum(axis=1)
    rows = []
    for name, table in wanted.items():
        result = _evaluation(table, logged, means, robust, level)
        difference = (table * robust).sum(axis=1) - base
        gain = float(difference.mean())
        low, high = normal_bounds(gain, _error(difference), level)
        rows.append(
            {
                "policy": name,
                "treated": float(1.0 - table[:, 0].mean()),
                "value": float(result.value[0]),
                "standard_error": float(result.standard_error[0]),
                "gain": gain,
                "gain_low": low,
                "gain_high": high,
                "effective_n": result.effective_n,
            }
        )
    return pd.DataFrame(rows)
