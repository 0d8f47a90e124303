"""What is known of a customer at a moment, and how estimates compare: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FEATURES = (
    "log_frequency",
    "log_age",
    "log_inactive_for",
    "log_spend",
    "log_spend_per_occasion",
    "log_idle_share",
    "log_rows",
    "log_expected_value",
    "p_alive",
    "log_expected_value_alive",
    "log_spend_alive",
)
"""Columns of the design, in order; times in days, money in units of a usual purchase."""

FARTHEST = 6.0
"""Standard deviations from the mean beyond which a feature counts no further."""


def design(
    frequency: Array,
    age_days: Array,
    inactive_days: Array,
    spend: Array,
    rows: Array,
    expected_value: Array,
    p_alive: Array,
    money_unit: float,
) -> Array:
    """Return the design matrix, shape (n, 11): what is known at one moment, on a log scale.

    Money is counted in `money_unit`, so that the currency of the data does not matter.
    """
    spend = np.maximum(spend, 0.0) / money_unit
    log_value = np.log1p(np.maximum(expected_value, 0.0) / money_unit)
    log_spend = np.log1p(spend)
    return np.column_stack(
        [
            np.log1p(frequency),
            np.log1p(age_days),
            np.log1p(inactive_days),
            log_spend,
            np.log1p(spend / (frequency + 1.0)),
            np.log1p(inactive_days / np.maximum(age_days, 1.0)),
            np.log1p(rows),
            log_value,
            p_alive,
            log_value * p_alive,
            log_spend * p_alive,
        ]
    )


def add_terms(z: Array, coefficients: tuple[float, ...]) -> Array:
    """Return z b, each row the same to the last bit whatever the other rows are.

    A matrix product may add in another order for another number of rows; a customer scored alone
    must not fall to the other side of a cut for that.
    """
    total = np.zeros(len(z))
    for column, coefficient in enumerate(coefficients):
        total += z[:, column] * coefficient
    return total


def top_of(values: Array, share: float) -> Array:
    """Return how far each customer is among the highest `share` of values, in [0, 1].

    1 above the cut, 0 below it; customers tied at the cut share the places that are left, so
    that neither their order nor their names matter.
    """
    places = max(1, int(np.ceil(share * len(values))))
    cut = np.partition(values, len(values) - places)[len(values) - places]
    above, tied = values > cut, values == cut
    left = (places - np.count_nonzero(above)) / np.count_nonzero(tied)
    return np.where(above, 1.0, np.where(tied, left, 0.0))


def difference_of_shares(money: Array, here: Array, there: Array) -> tuple[float, Array]:
    """Return how much less of all money `here` holds than `there`, and each customer's residual.

    The share is a ratio of sums over customers; the residuals are those of the linearised ratio,
    and the square root of the sum of their squares is its standard error.
    """
    total = float(money.sum())
    if not total > 0.0:
        return 0.0, np.zeros(len(money))
    each = money * (there - here)
    difference = float(each.sum()) / total
    return difference, (each - difference * money) / total


def clustered_error(
    who: Sequence[npt.NDArray[np.intp]], residuals: Sequence[Array], n: int
) -> float:
    """Return the standard error of the mean of several ratios over the same n customers.

    `who` numbers the customers of each ratio 0..n-1; a customer's residuals are added up before
    they are squared, so that one who is in all of them is not taken for several.
    """
    together = np.zeros(n)
    for customers, part in zip(who, residuals, strict=True):
        np.add.at(together, customers, part)
    return float(np.sqrt((together * together).sum())) / len(residuals)


def level_correction(levels: Array) -> float:
    """Return the factor that takes back a bias of the level, as far as the origins agree on it.

    With m the mean of the log levels and e its standard error, exp(-m max(0, 1 - e^2 / m^2)): the
    positive-part shrinkage of James and Stein. Windows that overlap by half are correlated by
    about 1/2 with their neighbours, so that e^2 = s^2 (2 K - 1) / (K (K - 1)) for K of them.
    """
    count = levels.size
    if count < 2 or not (levels > 0.0).all():
        return 1.0
    logs = np.log(levels)
    mean, spread = float(logs.mean()), float(logs.var(ddof=1))
    error = spread * (2 * count - 1) / (count * (count - 1))
    if not mean * mean > error:
        return 1.0
    return float(np.exp(-mean * (1.0 - error / (mean * mean))))
