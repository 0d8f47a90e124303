"""Arithmetic of judging predictions by what happened; arrays in, numbers out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit.lifetime._kernel_law import Known, take_rows

Floats = npt.NDArray[np.float64]


def expected_since(new: Known, time: Floats) -> Floats:
    """Return expected repeat purchases of new customers who have been there for each time."""
    after = np.maximum(time, 0.0)
    many = take_rows(new, np.zeros(len(time), dtype=np.int64))
    with np.errstate(all="ignore"):
        expected: Floats = many.expected_purchases(after)
    return np.where(after > 0.0, expected, 0.0)


def relative(difference: float, base: float) -> float:
    """Return the difference over the base; NaN without one."""
    return float(difference / base) if base else float("nan")


def mean_error(guess: Floats, actual: Floats) -> float:
    """Return the mean absolute error relative to the mean of what happened."""
    if not len(actual):
        return float("nan")
    return relative(float(np.abs(guess - actual).mean()), float(actual.mean()))


def customer_errors(guess: Floats, actual: Floats) -> tuple[float, float, float, float, float]:
    """Return mean absolute error, root mean square error, correlation, gini and lift."""
    error = guess - actual
    flat = guess.std() == 0.0 or actual.std() == 0.0
    correlation = float("nan") if flat else float(np.corrcoef(guess, actual)[0, 1])
    perfect = _concentration(actual, actual)
    gini = relative(_concentration(guess, actual), perfect)
    return (
        float(np.abs(error).mean()),
        float(np.sqrt(np.mean(error**2))),
        correlation,
        gini,
        lift(guess, actual, 0.2),
    )


def _concentration(order: Floats, actual: Floats) -> float:
    """Return the area between the gains curve in this order and the diagonal; ties share."""
    levels, place = np.unique(-order, return_inverse=True)
    heads = np.bincount(place, minlength=len(levels)).astype(np.float64)
    sums = np.bincount(place, weights=actual, minlength=len(levels))
    total = float(sums.sum())
    if total == 0.0:
        return float("nan")
    x = np.concatenate([[0.0], np.cumsum(heads)]) / heads.sum()
    y = np.concatenate([[0.0], np.cumsum(sums)]) / total
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)) - 0.5


def lift(order: Floats, actual: Floats, share: float) -> float:
    """Return what the first share of customers bought over that share of all purchases."""
    levels, place = np.unique(-order, return_inverse=True)
    heads = np.bincount(place, minlength=len(levels)).astype(np.float64)
    sums = np.bincount(place, weights=actual, minlength=len(levels))
    x, y = (np.concatenate([[0.0], np.cumsum(v)]) for v in (heads, sums))
    captured = float(np.interp(share * x[-1], x, y))
    return relative(captured, share * float(y[-1]))
