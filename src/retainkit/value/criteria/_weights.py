"""Weights of the criteria: from pairwise judgements (AHP) or from the data (entropy)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from retainkit._core.config import FrozenModel
from retainkit.errors import NotComputableError, SchemaError
from retainkit.typing import FloatArray

_RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Mean consistency index of random judgements of 1, 2, ... things (Saaty 1980, p. 21)."""

_ACCEPTABLE = 0.10


class JudgedWeights(FrozenModel):
    """Weights from pairwise judgements, and how far the judgements contradict each other.

    Parameters
    ----------
    names : tuple of str
        What was compared, in order of first mention.
    weights : tuple of float
        Principal eigenvector of the judgements; they sum to 1.
    eigenvalue : float
        Principal eigenvalue; equal to the number of things if no judgement contradicts another.
    consistency_index : float
        (eigenvalue - m) / (m - 1) of m things.
    consistency_ratio : float
        The index over that of random judgements; above 0.1 the judgements should be revised.
    most_contradicted : tuple of str or None
        The pair whose judgement lies farthest from the ratio of the weights; None where all agree.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    eigenvalue: float
    consistency_index: float
    consistency_ratio: float
    most_contradicted: tuple[str, str] | None

    @property
    def is_consistent(self) -> bool:
        """Whether the consistency ratio is at most 0.1."""
        return self.consistency_ratio <= _ACCEPTABLE

    def as_dict(self) -> dict[str, float]:
        """Return the weight of each name, for `ValueConfig.with_weights`."""
        return dict(zip(self.names, self.weights, strict=True))


def judge_weights(judgements: Mapping[tuple[str, str], float]) -> JudgedWeights:
    """Turn "how many times as important is a as b" into weights, with their consistency ratio.

    Parameters
    ----------
    judgements : mapping of (str, str) to float
        Every pair once: 3 for (a, b) says a is three times as important as b, 1/3 the reverse.

    Returns
    -------
    JudgedWeights
        Weights in order of first mention.

    Raises
    ------
    SchemaError
        If a pair is missing, given twice, or not a positive number; or there are more than 10
        things to compare.

    Notes
    -----
    The weights are the right eigenvector of the largest eigenvalue of the reciprocal matrix.

    References
    ----------
    Saaty, T. L. (1980). The Analytic Hierarchy Process. McGraw-Hill: chapter 2.
    Saaty, T. L. (2008). Decision making with the analytic hierarchy process. International
    Journal of Services Sciences 1(1), 83-98: table 2.

    Examples
    --------
    >>> from retainkit.value import ValueConfig, judge_weights
    >>> judged = judge_weights({
    ...     ("future_potential", "historical_contribution"): 2.0,
    ...     ("future_potential", "business_breadth"): 4.0,
    ...     ("historical_contribution", "business_breadth"): 3.0})
    >>> [round(w, 3) for w in judged.weights], round(judged.consistency_ratio, 3)
    ([0.558, 0.32, 0.122], 0.016)
    >>> ValueConfig().with_weights(judged.as_dict()).future_potential.weight == judged.weights[0]
    True
    """
    names = tuple(dict.fromkeys(name for pair in judgements for name in pair))
    matrix = _matrix(judgements, names)
    values, vectors = np.linalg.eig(matrix)
    largest = int(values.real.argmax())
    vector = np.abs(vectors[:, largest].real)
    weights = vector / vector.sum()
    m, eigenvalue = len(names), max(float(values[largest].real), float(len(names)))
    index = (eigenvalue - m) / (m - 1)
    chance = _RANDOM_INDEX[m - 1]
    contradiction = np.abs(np.log(matrix * weights[None, :] / weights[:, None]))
    worst = np.unravel_index(int(contradiction.argmax()), contradiction.shape)
    agree = float(contradiction.max()) < 1e-9
    return JudgedWeights(
        names=names,
        weights=tuple(weights.tolist()),
        eigenvalue=eigenvalue,
        consistency_index=index,
        consistency_ratio=index / chance if chance else 0.0,
        most_contradicted=None if agree else (names[worst[0]], names[worst[1]]),
    )


def _matrix(judgements: Mapping[tuple[str, str], float], names: tuple[str, ...]) -> FloatArray:
    """Return the reciprocal matrix of judgements, refusing gaps and contradictions of form."""
    m = len(names)
    if not 2 <= m <= len(_RANDOM_INDEX):
        raise _wrong(f"{m} things are compared", "2 to 10 things can be compared at once")
    matrix = np.full((m, m), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for (a, b), ratio in judgements.items():
        i, j = names.index(a), names.index(b)
        if not (np.isfinite(ratio) and ratio > 0):
            raise _wrong(f"the judgement of {a} and {b} is {ratio}", "a judgement is above 0")
        if not np.isnan(matrix[i, j]):
            raise _wrong(f"{a} and {b} are judged twice", "every pair is judged once")
        matrix[i, j], matrix[j, i] = ratio, 1.0 / ratio
    if np.isnan(matrix).any():
        i, j = np.argwhere(np.isnan(matrix))[0]
        raise _wrong(f"{names[i]} and {names[j]} are not judged", "every pair is judged once")
    return matrix


def _wrong(wrong: str, rule: str) -> SchemaError:
    """Return the error that the judgements do not fit."""
    return SchemaError(wrong, rule=rule, where="judgements", fix="give {(a, b): ratio, ...}")


def entropy_weights(values: Mapping[str, FloatArray]) -> dict[str, float]:
    """Return weights from the data: a criterion that tells customers apart weighs more.

    Parameters
    ----------
    values : mapping of str to numpy.ndarray of float64, shape (n,)
        Each criterion's values, larger is better; NaN = not known; below 0 counts as 0.

    Returns
    -------
    dict of str to float
        Weights that sum to 1, for `ValueConfig.with_weights`.

    Raises
    ------
    NotComputableError
        If no criterion tells customers apart.

    Notes
    -----
    With p the share of the base's total that a customer has, the entropy of a criterion is
    e = -sum p ln p / ln n over the n customers it is known of, and its weight is proportional to
    1 - e. The weight says how unequal customers are, not how important the criterion is to the
    firm: judgement is for `judge_weights`.

    References
    ----------
    Hwang, C.-L. & Yoon, K. (1981). Multiple Attribute Decision Making. Springer: section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.value import entropy_weights
    >>> entropy_weights({"same": np.ones(4), "apart": np.array([4.0, 0.0, 0.0, 0.0])})
    {'same': 0.0, 'apart': 1.0}
    """
    spread = {name: _divergence(np.asarray(column)) for name, column in values.items()}
    total = sum(spread.values())
    if not total > 1e-12:
        raise NotComputableError(
            "all customers are equal in every criterion",
            rule="entropy weights need a criterion that tells customers apart",
            where="values",
            fix="choose weights in the config or by judge_weights",
        )
    return {name: divergence / total for name, divergence in spread.items()}


def _divergence(column: FloatArray) -> float:
    """Return 1 minus the relative entropy of a column."""
    known = np.maximum(column[~np.isnan(column)], 0.0)
    if known.size < 2 or not known.sum() > 0:
        return 0.0
    p = known[known > 0] / known.sum()
    return max(1.0 + float(p @ np.log(p)) / float(np.log(known.size)), 0.0)
