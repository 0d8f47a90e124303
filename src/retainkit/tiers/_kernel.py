"""Transitions, stages and cells of customers: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from retainkit._core.kernels.sums import exact_sum

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def count_moves(source: Int, target: Int, n_sources: int, n_targets: int) -> Int:
    """Return how many customers went from each state to each."""
    cells = np.bincount(source * n_targets + target, minlength=n_sources * n_targets)
    return cells.astype(np.int64).reshape(n_sources, n_targets)


def sum_moves(source: Int, target: Int, values: Float, n_sources: int, n_targets: int) -> Float:
    """Return the sum of the values of those who went from each state to each; NaN adds nothing."""
    cells = np.bincount(
        source * n_targets + target,
        weights=np.nan_to_num(values),
        minlength=n_sources * n_targets,
    )
    return cells.astype(np.float64).reshape(n_sources, n_targets)


def row_shares(counts: Float, smoothing: float) -> Float:
    """Return (n_ij + a) / (n_i + k a); rows that nobody was in stay NaN, whatever a is."""
    heads = counts.sum(axis=1, keepdims=True)
    k = counts.shape[1]
    shares = np.full(counts.shape, np.nan)
    np.divide(counts + smoothing, heads + k * smoothing, out=shares, where=heads > 0)
    return shares


def reaches(transition: Float, states: Bool) -> Bool:
    """Return which states can get to any of `states`, these themselves included."""
    steps = np.nan_to_num(transition) > 0
    found = states.copy()
    for _ in range(states.size):
        found |= steps @ found
    return found


def markov_value(transition: Float, reward: Float, discount: float) -> Float:
    """Solve V = R + P V / (1 + d); NaN for states that can get to one with an unknown row.

    States with an unknown reward count as unknown. Without discounting a state whose rewards
    never end has no finite value: NaN unless they are all 0.
    """
    unknown = np.isnan(transition).any(axis=1) | np.isnan(reward)
    if discount == 0.0:
        unknown |= _endless(transition, reward)
    safe = ~reaches(transition, unknown)
    value = np.full(reward.size, np.nan)
    # states whose rewards are all 0 from here on are worth 0; without them the rest is regular
    earning = reaches(transition, reward != 0) & safe
    value[safe] = 0.0
    inner = transition[np.ix_(earning, earning)] / (1.0 + discount)
    value[earning] = np.linalg.solve(np.eye(int(earning.sum())) - inner, reward[earning])
    return value


def _endless(transition: Float, reward: Float) -> Bool:
    """Return the states of closed classes in which something is earned for ever."""
    n = reward.size
    steps = np.nan_to_num(transition) > 0
    reach = np.eye(n, dtype=bool) | steps
    for _ in range(n):
        reach = reach | (reach @ reach)
    closed = np.array([bool((reach[:, state] | ~reach[state]).all()) for state in range(n)])
    endless: Bool = closed & (reach @ (np.nan_to_num(reward) != 0))
    return endless


def finite_value(transition: Float, reward: Float, discount: float, periods: int) -> Float:
    """Return the sum over t = 0..periods of P^t R / (1 + d)^t; unknown rows stay unknown."""
    unknown = np.isnan(transition).any(axis=1) | np.isnan(reward)
    known = np.nan_to_num(transition) / (1.0 + discount)
    gain = np.nan_to_num(reward)
    value = gain.copy()
    for _ in range(periods):
        value = gain + known @ value
    blocked = unknown if periods == 0 else reaches(transition, unknown)
    return np.where(blocked | np.isnan(reward), np.nan, value)


def usual_gap(occasions: Float, recency: Float) -> tuple[float, int]:
    """Return the mean over repeat customers of the own mean gap, and how many they are."""
    repeats = (occasions > 1) & (recency > 0)
    n = int(repeats.sum())
    if not n:
        return np.nan, 0
    return exact_sum(recency[repeats] / (occasions[repeats] - 1.0)) / n, n


def mixed_gap(gaps: Float, length: Float, usual: float, prior_gaps: float) -> Float:
    """Return the mean of `gaps` own gaps that take `length` and `prior_gaps` usual ones.

    No own gap and no prior gap leave the usual one; NaN where nothing is known.
    """
    weight = prior_gaps if usual == usual else 0.0
    known = weight * usual if weight else 0.0
    weights = np.maximum(gaps, 0.0)
    weights += weight
    mixed = np.full(gaps.size, usual)
    np.divide(length + known, weights, out=mixed, where=weights > 0)
    return mixed


def first_rule(rules: Sequence[npt.NDArray[np.bool_] | None], n: int) -> npt.NDArray[np.int8]:
    """Return the position of the first rule that holds, or behind the last; None holds nowhere."""
    codes = np.full(n, len(rules), dtype=np.int8)
    for code in range(len(rules) - 1, -1, -1):
        rule = rules[code]
        if rule is not None:
            codes[rule] = code
    return codes


Codes = npt.NDArray[np.int16]


class Association(NamedTuple):
    """How two dimensions go together; NaN where one of them does not vary."""

    n: int
    chi_square: float
    degrees_of_freedom: int
    p_value: float
    cramers_v: float
    mutual_information: float
    normalised_information: float
    small_expected: float


def cell_numbers(codes: Sequence[Codes], sizes: Sequence[int]) -> Int:
    """Return the number of each customer's cell; codes of -1 take the last place of their axis."""
    places = [np.where(code < 0, size - 1, code) for code, size in zip(codes, sizes, strict=True)]
    return np.ravel_multi_index(tuple(places), tuple(sizes)).astype(np.int64)


def associate(table: Int) -> Association:
    """Return chi-square, Cramer's V and mutual information [bit] of a table of counts."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (rows, columns) = int(table.sum()), table.shape
    if n == 0 or rows < 2 or columns < 2:
        nan = float("nan")
        return Association(n, nan, 0, nan, nan, nan, nan, nan)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chi_square = float(((table - expected) ** 2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    shares = table / n
    information = float((special.xlogy(shares, table / expected)).sum() / np.log(2.0))
    least = min(_entropy(shares.sum(axis=1)), _entropy(shares.sum(axis=0)))
    return Association(
        n=n,
        chi_square=chi_square,
        degrees_of_freedom=freedom,
        p_value=float(special.chdtrc(freedom, chi_square)),
        cramers_v=float(np.sqrt(chi_square / (n * (min(rows, columns) - 1)))),
        mutual_information=max(information, 0.0),
        normalised_information=max(information, 0.0) / least,
        small_expected=float((expected < 5).mean()),
    )


def _entropy(shares: Float) -> float:
    """Return the entropy of shares [bit]."""
    return float(special.entr(shares).sum() / np.log(2.0))
