"""Maximise a smooth function of a few unbounded parameters by safeguarded Newton steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEP_LIMIT = 2.0
"""Longest step in log-parameters: a factor of e^2 in one go."""
RUNAWAY = 12.0
"""Log-distance from the start beyond which a parameter counts as running to a boundary."""
RUNAWAY_DECREMENT = 0.02
"""Decrement below which a runaway is over: the value is within 0.0002 of its supremum."""
FLAT = 1e-2
"""Curvature below which a direction is flat: its standard error exceeds 10 log-units."""
_HALVINGS = 40
_PATIENCE, _LEAST_GAIN = 15, 1e-3
"""Iterations after which a search that has gained less than this is given up: it has stalled."""
_STRETCH = 4.0
"""Most Newton steps taken in one where they follow each other along a ridge to infinity."""


class Evaluation(NamedTuple):
    """Value, gradient (k,) and Hessian (k, k) at one point."""

    value: float
    gradient: Floats
    hessian: Floats


class Optimum(NamedTuple):
    """Where the search ended and how good that point is."""

    theta: Floats
    at: Evaluation
    iterations: int
    decrement: float
    """sqrt(g' I^-1 g): distance to the optimum [standard errors]."""
    converged: bool


def maximise(
    objective: Callable[[Floats], Evaluation],
    start: Floats,
    *,
    tolerance: float,
    max_iterations: int,
) -> Optimum:
    """Climb from `start` until the Newton decrement is below `tolerance`, or tell it is not."""
    theta, at = start, objective(start)
    last, last_decrement, stretch = np.zeros_like(start), np.inf, 1.0
    values: list[float] = []
    for iteration in range(max_iterations):
        step, decrement, concave = _newton_step(at)
        ridge = _follows(last, step) and decrement > 0.3 * last_decrement
        stretch = min(2.0 * stretch, _STRETCH) if ridge else 1.0
        last, last_decrement = step, decrement
        runaway = float(np.abs(theta - start).max()) > RUNAWAY
        done = decrement <= tolerance or (runaway and decrement <= RUNAWAY_DECREMENT)
        if done and concave:
            return Optimum(theta, at, iteration, decrement, True)
        values.append(at.value)
        if iteration >= _PATIENCE and at.value - values[-1 - _PATIENCE] < _LEAST_GAIN:
            return Optimum(theta, at, iteration, decrement, False)
        reached = _line_search(objective, theta, at, step, stretch)
        if reached is None:  # rounding noise: no better point exists in floating point
            return Optimum(theta, at, iteration, decrement, concave and decrement <= 1e-5)
        theta, at = reached
    _, decrement, _ = _newton_step(at)
    return Optimum(theta, at, max_iterations, decrement, False)


def _newton_step(at: Evaluation) -> tuple[Floats, float, bool]:
    """Solve with |curvature|, which climbs from saddles and valleys too."""
    curvature, axes = np.linalg.eigh(-at.hessian)
    slope = axes.T @ at.gradient
    largest = max(float(np.abs(curvature).max()), 1e-300)
    size = np.maximum(np.abs(curvature), 1e-13 * largest)
    step = axes @ (slope / size)
    length = float(np.linalg.norm(step))
    decrement = float(np.sqrt(np.sum(slope**2 / size)))
    concave = bool(curvature.min() > -max(1e-9 * largest, FLAT))
    return step * min(1.0, STEP_LIMIT / max(length, 1e-300)), decrement, concave


def _follows(last: Floats, step: Floats) -> bool:
    """Tell whether two steps have the same direction and are long: the way to infinity."""
    lengths = float(np.linalg.norm(last) * np.linalg.norm(step))
    return float(np.linalg.norm(step)) > 0.5 and float(last @ step) > 0.99 * lengths


def _line_search(
    objective: Callable[[Floats], Evaluation],
    theta: Floats,
    at: Evaluation,
    step: Floats,
    stretch: float,
) -> tuple[Floats, Evaluation] | None:
    """Halve the step until the value rises enough (Armijo), give or take rounding noise."""
    gain = float(at.gradient @ step)
    noise = 1e-13 * abs(at.value)
    for halving in range(_HALVINGS):
        scale = stretch * 0.5**halving
        there = objective(theta + scale * step)
        if np.isfinite(there.value) and there.value >= at.value + 1e-4 * scale * gain - noise:
            return theta + scale * step, there
    return None


def inner(u: Floats, v: Floats) -> float:
    """Sum u v by pairs: more exact than BLAS, and the same whatever the number of threads."""
    return float(np.add.reduce(u * v, axis=None))


def log_covariance(information: Floats) -> Floats:
    """Invert the information of log-parameters; NaN for parameters that lie in a flat direction."""
    curvature, axes = np.linalg.eigh(information)
    flat = curvature < FLAT
    inverse = (axes[:, ~flat] / curvature[~flat]) @ axes[:, ~flat].T
    lost = (np.abs(axes[:, flat]) > 1e-3).any(axis=1)
    inverse[lost, :] = np.nan
    inverse[:, lost] = np.nan
    symmetric: Floats = (inverse + inverse.T) / 2.0
    return symmetric
