"""Arithmetic of movement between states: counts, rates with intervals, Markov chains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
