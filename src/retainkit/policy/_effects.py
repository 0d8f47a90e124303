"""Effects of measures per customer: the protocol, and two learners that need numpy only."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from scipy.special import expit

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.glm import center_and_scale, fit_logistic, ridge_penalty, standardize
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.policy import _kernel_learn
from retainkit.policy._logged import MIN_SUPPORT, read_features
from retainkit.typing import FloatArray, IntArray, NonNegativeFloat


class EffectModel(Protocol):
    """What was learnt: the effect of each action on customers with given features."""

    def effects(self, features: FloatArray) -> FloatArray:
        """Return the effect of each action over the first one [money], shape (n, n_actions)."""


class EffectEstimator(Protocol):
    """Anything that learns effects from a randomised history; wrap other packages in it.

    Examples
    --------
    An estimator of another package becomes one with a few lines::

        class Forest:
            def fit_effects(self, features, action, outcome, propensity):
                self.inner = CausalForestDML(discrete_treatment=True)
                self.inner.fit(outcome, action, X=features)
                return self

            def effects(self, features):
                others = self.inner.const_marginal_effect(features)
                return numpy.column_stack([numpy.zeros(len(features)), others])
    """

    def fit_effects(
        self, features: FloatArray, action: IntArray, outcome: FloatArray, propensity: FloatArray
    ) -> EffectModel:
        """Learn from n customers; `propensity` has one column per action."""


class LinearEffects(FrozenModel):
    """Effects that are linear in the features, or differences of logistic chances.

    Parameters
    ----------
    center, scale : tuple of float
        Centre and scale of each feature.
    coefficients : tuple of tuple of float
        Per action: constant, then one number per standardised feature.
    link : {"identity", "logistic"}
        How a linear score becomes an expected outcome.
    penalties : tuple of float or None
        Penalty chosen per action; None = so strong that the effect is one constant.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import LinearEffects
    >>> model = LinearEffects(center=(0.0,), scale=(1.0,), coefficients=((0.0, 0.0), (1.0, 2.0)))
    >>> model.effects(np.array([[0.5]]))
    array([[0., 2.]])
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...]
    link: Literal["identity", "logistic"] = "identity"
    penalties: tuple[float | None, ...] = ()

    def effects(self, features: Any) -> FloatArray:
        """Return the effect of each action over the first one [unit of the outcome].

        `features` as in the fit (else AlignmentError), shape (n_customers, n_features); the first
        of the n_actions columns is 0.
        """
        table = read_features(features, len(features))
        if table.shape[1] != len(self.center):
            raise AlignmentError(
                f"{table.shape[1]} features, the model was fitted on {len(self.center)}",
                rule="the same features in the same order",
            )
        x = standardize(table, np.array(self.center), np.array(self.scale))
        score = x @ np.array(self.coefficients).T
        means = expit(score) if self.link == "logistic" else score
        difference: FloatArray = means - means[:, :1]
        return difference


class TLearner(FrozenConfig):
    """One regression per action; effects are their differences.

    Parameters
    ----------
    outcome : {"money", "binary"}
        "money": ridge regression; "binary": logistic regression of an outcome of 0 or 1.
    penalty : float
        Penalty per customer on standardised features.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import TLearner
    >>> rng = np.random.default_rng(0)
    >>> x, a = rng.normal(size=(2000, 1)), rng.integers(0, 2, 2000)
    >>> y = x[:, 0] + a * (1 + 2 * x[:, 0]) + 0.1 * rng.normal(size=2000)
    >>> model = TLearner().fit_effects(x, a, y, np.full((2000, 2), 0.5))
    >>> model.effects([[0.0], [1.0]])[:, 1].round(1)
    array([1., 3.])
    """

    outcome: Literal["money", "binary"] = "money"
    penalty: NonNegativeFloat = 0.001

    def fit_effects(
        self, features: Any, action: IntArray, outcome: FloatArray, propensity: FloatArray
    ) -> LinearEffects:
        """Learn the expected outcome of each action; of `propensity` only the width is used.

        The arguments are those of `DRLearner.fit_effects`.

        Examples
        --------
        >>> import numpy as np
        >>> from retainkit.policy import TLearner
        >>> a = np.arange(400) % 2
        >>> y = np.where(np.arange(400) % 20 < 2 + 4 * a, 1.0, 0.0)  # 1 in 10, 3 in 10
        >>> model = TLearner(outcome="binary").fit_effects(
        ...     np.empty((400, 0)), a, y, np.full((400, 2), 0.5))
        >>> model.effects(np.empty((1, 0)))[0, 1].round(3)
        np.float64(0.2)
        """
        table, codes, outcome, propensity = in_order(features, action, outcome, propensity)
        center, scale = center_and_scale(table)
        x = standardize(table, center, scale)
        rows = []
        for code in range(propensity.shape[1]):
            own = codes == code
            check_support(int(own.sum()), code)
            if self.outcome == "binary":
                weight = ridge_penalty(x.shape[1], self.penalty * float(own.sum()))
                beta = fit_logistic(x[own], outcome[own], penalty=weight).coefficients
            else:
                part = x[own]
                beta = _kernel_learn.ridge(
                    part.T @ part, part.T @ outcome[own], float(own.sum()), self.penalty
                )
            rows.append(tuple(beta.tolist()))
        return LinearEffects(
            center=tuple(center.tolist()),
            scale=tuple(scale.tolist()),
            coefficients=tuple(rows),
            link="logistic" if self.outcome == "binary" else "identity",
            penalties=(self.penalty,) * len(rows),
        )


class DRLearner(FrozenConfig):
    """Ridge regression of doubly robust scores; shrinks towards one effect for all.

    Parameters
    ----------
    folds : int
        Folds for cross-fitting the outcome and for choosing the penalty.
    outcome_penalty : float
        Penalty of the outcome regressions.
    effect_penalty : float or None
        Penalty on differences between customers; None = chosen by cross-validation, up to
        infinity: then every customer has the mean effect.

    References
    ----------
    E. H. Kennedy (2023), "Towards optimal doubly robust estimation of heterogeneous causal
    effects", Electronic Journal of Statistics 17.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import DRLearner
    >>> rng = np.random.default_rng(0)
    >>> x, a = rng.normal(size=(4000, 1)), rng.integers(0, 2, 4000)
    >>> y = x[:, 0] + a * (1 + 2 * x[:, 0]) + 0.1 * rng.normal(size=4000)
    >>> model = DRLearner().fit_effects(x, a, y, np.full((4000, 2), 0.5))
    >>> model.effects([[0.0], [1.0]])[:, 1].round(1)
    array([1., 3.])
    """

    folds: int = 5
    outcome_penalty: NonNegativeFloat = 0.001
    effect_penalty: NonNegativeFloat | None = None

    def fit_effects(
        self, features: Any, action: IntArray, outcome: FloatArray, propensity: FloatArray
    ) -> LinearEffects:
        """Learn the effect of each action over the first one.

        Parameters
        ----------
        features : array_like of float, shape (n_customers, n_features)
            Known before the action.
        action : ndarray of int, shape (n_customers,)
            Action taken.
        outcome : ndarray of float, shape (n_customers,)
            What came of it.
        propensity : ndarray of float, shape (n_customers, n_actions)
            Chance of each action.

        Returns
        -------
        LinearEffects
            The model; `penalties` says how far each effect was shrunk.

        Raises
        ------
        NotComputableError
            If an action was hardly tried.

        Examples
        --------
        >>> import numpy as np
        >>> from retainkit.policy import DRLearner
        >>> rng = np.random.default_rng(1)
        >>> x, a = rng.normal(size=(500, 1)), rng.integers(0, 2, 500)
        >>> y = rng.normal(size=500)  # no effect for anybody
        >>> DRLearner().fit_effects(x, a, y, np.full((500, 2), 0.5)).penalties[1] is None
        True
        """
        table, codes, outcome, propensity = in_order(features, action, outcome, propensity)
        for code in range(propensity.shape[1]):
            check_support(int((codes == code).sum()), code)
        center, scale = center_and_scale(table)
        x = standardize(table, center, scale)
        fold = np.arange(codes.size) % self.folds
        n_actions = propensity.shape[1]
        means = _kernel_learn.out_of_fold_means(
            x, codes, outcome, fold, n_actions=n_actions, penalty=self.outcome_penalty
        )
        scores = _kernel_learn.robust_scores(means, codes, outcome, propensity)
        rows: list[tuple[float, ...]] = [(0.0,) * x.shape[1]]
        penalties: list[float | None] = [None]
        for code in range(1, n_actions):
            beta, chosen = self._regress(x, scores[:, code] - scores[:, 0], fold)
            rows.append(tuple(beta.tolist()))
            penalties.append(None if np.isinf(chosen) else chosen)
        return LinearEffects(
            center=tuple(center.tolist()),
            scale=tuple(scale.tolist()),
            coefficients=tuple(rows),
            penalties=tuple(penalties),
        )

    def _regress(
        self, x: FloatArray, target: FloatArray, fold: IntArray
    ) -> tuple[FloatArray, float]:
        if self.effect_penalty is None:
            return _kernel_learn.ridge_cross_validated(x, target, fold)
        beta = _kernel_learn.ridge(x.T @ x, x.T @ target, target.size, self.effect_penalty)
        return beta, self.effect_penalty


def in_order(
    features: Any, action: IntArray, outcome: FloatArray, propensity: FloatArray
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """Return the history sorted by its contents: folds and sums do not depend on the order of rows.

    Customers alike in all columns are interchangeable, so nothing else is needed to tell the order.
    """
    codes, y = np.asarray(action).astype(np.int64), np.asarray(outcome, dtype=np.float64)
    table, chance = read_features(features, codes.size), np.asarray(propensity, dtype=np.float64)
    order = np.lexsort((*chance.T, y, codes, *table.T))
    return table[order], codes[order], y[order], chance[order]


def check_support(count: int, code: int) -> None:
    """Refuse to learn from an action that was hardly tried."""
    if count < MIN_SUPPORT:
        raise NotComputableError(
            f"action {code} was tried on {count} customers",
            rule=f"an effect needs at least {MIN_SUPPORT} customers with each action",
            fix="leave the action out, or try it on a random group first",
        )
