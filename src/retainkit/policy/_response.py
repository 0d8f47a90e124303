"""Effects where hardly anybody buys: rank by response, read the effect off the ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.glm import center_and_scale, poisson_mean, standardize
from retainkit.errors import AlignmentError, InvalidTableError
from retainkit.policy import _kernel_learn, _kernel_rank
from retainkit.policy._effects import check_support, in_order
from retainkit.policy._logged import read_features
from retainkit.typing import FloatArray, IntArray, PositiveFloat, PositiveInt


class RankedEffects(FrozenModel):
    """Effects read off a rising curve over a ranking of customers.

    Parameters
    ----------
    center, scale : tuple of float
        Centre and scale of each feature.
    coefficients : tuple of tuple of float
        Per action: constant, then one number per standardised feature, of the log of the
        expected outcome.
    bounds : tuple of tuple of float
        Per action but the first: bounds between equal groups of customers, ranked by the
        difference of expected outcomes.
    curves : tuple of tuple of float
        Per action but the first: the effect in each of these groups; never falls.

    Examples
    --------
    >>> from retainkit.policy import RankedEffects
    >>> model = RankedEffects(center=(0.0,), scale=(1.0,), coefficients=((0.0, 0.0), (0.0, 1.0)),
    ...                       bounds=((0.0,),), curves=((0.1, 0.4),))
    >>> model.effects([[-1.0], [1.0]])
    array([[0. , 0.1],
           [0. , 0.4]])
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...]
    bounds: tuple[tuple[float, ...], ...]
    curves: tuple[tuple[float, ...], ...]

    def effects(self, features: Any) -> FloatArray:
        """Return the effect of each action over the first one, as `LinearEffects.effects` does."""
        table = read_features(features, len(features))
        if table.shape[1] != len(self.center):
            raise AlignmentError(
                f"{table.shape[1]} features, the model was fitted on {len(self.center)}",
                rule="the same features in the same order",
            )
        x = standardize(table, np.array(self.center), np.array(self.scale))
        means = [poisson_mean(x @ np.array(beta)) for beta in self.coefficients]
        effects = np.zeros((table.shape[0], len(means)))
        for code in range(1, len(means)):
            effects[:, code] = _kernel_rank.at_rank(
                means[code] - means[0],
                np.array(self.bounds[code - 1]),
                np.array(self.curves[code - 1]),
            )
        return effects


class ResponseLearner(FrozenConfig):
    """Rank by the response to each action, then read the effect off a curve over the ranking.

    For outcomes of which most are 0 (purchases after a contact): a log-linear model weighs them
    as they vary, and a curve over the ranking corrects its level, which decides who pays.

    Parameters
    ----------
    folds : int
        Folds for the curve: no customer is ranked by a model that saw its outcome.
    prior_scale : float
        Standard deviation of the normal prior of each coefficient, per standardised feature.
    degree : int
        Degree of the polynomial over ranks, before it is made to rise.

    Notes
    -----
    Per action: quasi-Poisson regression of the outcome with a normal prior. Coefficients without
    a fold come from one Newton step. In each fold customers are ranked by the difference of
    expected outcomes; doubly robust scores are regressed on the rank; isotonic regression makes
    the curve rise. A ranking without merit gives a flat curve: one effect for all.

    References
    ----------
    V. Chernozhukov, M. Demirer, E. Duflo, I. Fernandez-Val (2018), "Generic machine learning
    inference on heterogeneous treatment effects", NBER 24678: effects by group of a ranking.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import ResponseLearner
    >>> rng = np.random.default_rng(0)
    >>> x, a = rng.normal(size=(20_000, 1)), rng.integers(0, 2, 20_000)
    >>> y = (rng.random(20_000) < 0.02 + 0.2 * a * (x[:, 0] > 0)).astype(float)
    >>> model = ResponseLearner().fit_effects(x, a, y, np.full((20_000, 2), 0.5))
    >>> low, high = model.effects([[-1.5], [1.5]])[:, 1]
    >>> bool(low < 0.05), bool(high > 0.15)
    (True, True)
    """

    folds: PositiveInt = Field(default=5, ge=2)
    prior_scale: PositiveFloat = 0.3
    degree: PositiveInt = 2

    def fit_effects(
        self, features: Any, action: IntArray, outcome: FloatArray, propensity: FloatArray
    ) -> RankedEffects:
        """Learn the effect of each action over the first one.

        The arguments are those of `DRLearner.fit_effects`; InvalidTableError if an outcome is
        negative.

        Examples
        --------
        >>> import numpy as np
        >>> from retainkit.policy import ResponseLearner
        >>> a = np.arange(400) % 2
        >>> y = np.where(np.arange(400) % 20 < 2 + 4 * a, 1.0, 0.0)  # 1 in 10, 3 in 10
        >>> model = ResponseLearner().fit_effects(
        ...     np.empty((400, 0)), a, y, np.full((400, 2), 0.5))
        >>> model.effects(np.empty((1, 0)))[0, 1].round(3)
        np.float64(0.2)
        """
        table, codes, y, propensity = in_order(features, action, outcome, propensity)
        if (y < 0.0).any():
            raise InvalidTableError(
                f"{int((y < 0.0).sum()):,} outcomes are negative",
                rule="a log-linear response needs outcomes of 0 or more",
                fix="use DRLearner",
            )
        center, scale = center_and_scale(table)
        x = standardize(table, center, scale)
        fold = np.random.default_rng(0).permutation(codes.size) % self.folds
        betas, means = self._responses(x, codes, y, fold, propensity.shape[1])
        scores = _kernel_learn.robust_scores(means, codes, y, propensity)
        now = np.column_stack([poisson_mean(x @ beta) for beta in betas])
        bounds, curves = [], []
        for code in range(1, propensity.shape[1]):
            rank = _kernel_rank.rank_within(means[:, code] - means[:, 0], fold, self.folds)
            worth = scores[:, code] - scores[:, 0]
            curve = _kernel_rank.rising_curve(rank, worth, self.degree)
            curves.append(tuple(curve.tolist()))
            bounds.append(tuple(_kernel_rank.quantiles(now[:, code] - now[:, 0]).tolist()))
        return RankedEffects(
            center=tuple(center.tolist()),
            scale=tuple(scale.tolist()),
            coefficients=tuple(tuple(beta.tolist()) for beta in betas),
            bounds=tuple(bounds),
            curves=tuple(curves),
        )

    def _responses(
        self, x: FloatArray, action: IntArray, y: FloatArray, fold: IntArray, n_actions: int
    ) -> tuple[list[FloatArray], FloatArray]:
        """Return coefficients per action, and each row's means by models that did not see it."""
        betas = []
        means = np.zeros((action.size, n_actions))
        for code in range(n_actions):
            own = action == code
            check_support(int(own.sum()), code)
            model = _kernel_rank.log_linear(x[own], y[own], self.prior_scale)
            betas.append(model.beta)
            others = _kernel_rank.without_fold(x[own], y[own], model, fold[own], self.folds)
            for k, beta in enumerate(others):
                rows = fold == k
                means[rows, code] = poisson_mean(x[rows] @ beta)
        return betas, means
