"""What was done to whom and what came of it, read and checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats, check_codes, check_length
from retainkit._core.kernels.glm import center_and_scale, standardize
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError, SchemaError
from retainkit.policy import _kernel_learn
from retainkit.policy._holdout import hash_customers
from retainkit.typing import FloatArray, IntArray

MIN_SUPPORT = 5
"""Fewest customers with an action, in a tier, for it to count as tried there."""


class Logged(NamedTuple):
    """A history of actions: arrays of n customers, tables of n x m actions."""

    action: npt.NDArray[np.int64]
    outcome: FloatArray
    propensity: FloatArray
    cost: FloatArray
    measures: tuple[str, ...]
    tier: npt.NDArray[np.int64]
    tier_names: tuple[str, ...]
    customer_id: pd.Index[Any]

    @property
    def n(self) -> int:
        return self.action.size

    @property
    def m(self) -> int:
        return len(self.measures)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Customers per tier and action."""
        cell = self.tier * self.m + self.action
        return np.bincount(cell, minlength=len(self.tier_names) * self.m).reshape(-1, self.m)

    def fold(self, folds: int, salt: str) -> npt.NDArray[np.int64]:
        """Return each customer's fold; depends on its id and the salt only."""
        units = hash_customers(self.customer_id, salt)
        return (units * folds).astype(np.int64)

    def take(self, rows: npt.NDArray[Any]) -> Logged:
        """Return the history of some customers."""
        return self._replace(
            action=self.action[rows],
            outcome=self.outcome[rows],
            propensity=self.propensity[rows],
            cost=self.cost[rows],
            tier=self.tier[rows],
            customer_id=self.customer_id[rows],
        )


def read_logged(
    action: IntArray | Sequence[int],
    outcome: Any,
    *,
    propensity: Any,
    cost: Any,
    measures: Sequence[str],
    tier: IntArray | None,
    tier_names: Sequence[str],
    customer_id: pd.Index[Any] | None,
) -> Logged:
    """Return a checked history; propensities not given are the logged shares by tier."""
    codes = np.asarray(action).astype(np.int64)
    n, m = codes.size, len(tuple(measures))
    check_codes(codes, m, "action")
    result = as_floats(outcome, "outcome", n=n)
    if np.isnan(result).any():
        raise InvalidTableError(
            f"{int(np.isnan(result).sum()):,} outcomes are missing",
            rule="every customer of the history has an outcome; nothing bought is 0",
            where="outcome",
        )
    tiers = np.zeros(n, dtype=np.int64) if tier is None else np.asarray(tier).astype(np.int64)
    names = ("all",) if tier is None else tuple(tier_names)
    check_length(tiers.size, n, "tier")
    check_codes(tiers, len(names), "tier")
    ids = pd.RangeIndex(n) if customer_id is None else customer_id
    check_length(len(ids), n, "customer_id")
    if not n:
        raise NotComputableError("an empty history", rule="a trial needs customers")
    logged = Logged(
        codes,
        result,
        np.empty((0, m)),
        spread(cost, n, m, "cost"),
        tuple(measures),
        tiers,
        names,
        ids,
    )
    if propensity is None:
        counts = logged.counts
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return logged._replace(propensity=shares[tiers])
    given = spread(propensity, n, m, "propensity")
    if not ((given >= 0.0) & (given <= 1.0)).all():
        raise InvalidTableError("propensities outside [0, 1]", rule="probabilities per action")
    if (given[np.arange(n), codes] <= 0.0).any():
        raise InvalidTableError(
            "an action was taken whose propensity is 0",
            rule="the propensity is the probability with which the action was chosen",
            where="propensity",
        )
    return logged._replace(propensity=given)


def spread(values: Any, n: int, m: int, what: str) -> FloatArray:
    """Return one number per customer and action from one number, one per action, or a table."""
    table = np.asarray(0.0 if values is None else values, dtype=np.float64)
    if not np.isfinite(table).all():
        raise SchemaError("missing or infinite entries", rule="finite numbers", where=what)
    try:
        return np.broadcast_to(table, (n, m))
    except ValueError:
        raise AlignmentError(
            f"shape {table.shape} for {n:,} customers and {m} actions",
            rule="one number, one per action, or one per customer and action",
            where=what,
        ) from None


def read_features(features: Any, n: int) -> FloatArray:
    """Return features as a table of numbers; no features is a table without columns."""
    if features is None:
        return np.empty((n, 0))
    try:
        table = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"not numbers: {error}",
            rule="features are numbers",
            where="features",
            fix="encode categories, for example with pandas.get_dummies",
        ) from None
    if table.ndim != 2 or not np.isfinite(table).all():
        raise SchemaError(
            f"{table.ndim} dimensions, or missing or infinite entries",
            rule="one row of finite numbers per customer",
            where="features",
        )
    check_length(table.shape[0], n, "features")
    return table


def read_policy(policy: Any, n: int, m: int, what: str = "policy") -> FloatArray:
    """Return the probability of each action per customer from codes or probabilities."""
    table = np.asarray(policy)
    check_length(table.shape[0] if table.ndim else 0, n, what)
    if table.ndim == 1:
        codes = table.astype(np.int64)
        check_codes(codes, m, what)
        chosen = np.zeros((n, m))
        chosen[np.arange(n), codes] = 1.0
        return chosen
    wide = table.astype(np.float64)
    if wide.shape != (n, m) or (wide < 0).any() or not np.allclose(wide.sum(axis=1), 1.0):
        raise InvalidTableError(
            f"a policy of shape {wide.shape}",
            rule="one action code per customer, or probabilities of all actions that sum to 1",
            where=what,
        )
    return wide


def refuse_without_support(policy: FloatArray, logged: Logged, what: str = "the policy") -> None:
    """Refuse a policy that wants an action where it was hardly or never tried."""
    wanted = np.zeros(logged.counts.shape)
    np.add.at(wanted, logged.tier, policy)
    bare = (wanted > 0.0) & (logged.counts < MIN_SUPPORT)
    impossible = (policy > 0.0) & (logged.propensity <= 0.0)
    if not (bare.any() or impossible.any()):
        return
    cells = [
        f"{logged.measures[j]} in tier {logged.tier_names[i]} ({logged.counts[i, j]} tried)"
        for i, j in np.argwhere(bare).tolist()
    ]
    cells = cells or [logged.measures[j] for j in np.flatnonzero(impossible.any(axis=0)).tolist()]
    raise NotComputableError(
        f"{what} wants actions that were not tried: {'; '.join(cells[:5])}",
        rule=f"an action can be judged where at least {MIN_SUPPORT} customers got it by chance",
        fix="try it on a small random group first, or leave it out there",
    )


def scores(
    logged: Logged, features: FloatArray, fold: IntArray, penalty: float
) -> tuple[FloatArray, FloatArray]:
    """Return cross-fitted means and doubly robust scores per action, net of cost."""
    x = standardize(features, *center_and_scale(features))
    means = _kernel_learn.out_of_fold_means(
        x, logged.action, logged.outcome, fold, n_actions=logged.m, penalty=penalty
    )
    robust = _kernel_learn.robust_scores(
        means, logged.action, logged.outcome, np.maximum(logged.propensity, 1e-12)
    )
    return means - logged.cost, robust - logged.cost
