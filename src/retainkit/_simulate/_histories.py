"""Purchase histories alone, for the tests and benchmarks of lifetime models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from retainkit._core.time import DAYS_PER_UNIT
from retainkit._simulate._config import PurchaseProcess
from retainkit._simulate._kernel import draw_repeat_purchases
from retainkit._simulate._population import Stream, make_generator
from retainkit.errors import NotComputableError
from retainkit.typing import BoolArray, FloatArray, TimeUnit


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SimulatedHistories:
    """Purchase histories with the truth beside them; one entry per customer.

    Attributes
    ----------
    frequency : numpy.ndarray of float64
        Repeat purchases.
    recency, age : numpy.ndarray of float64
        Time from the first to the last purchase, and to the end of observation [unit].
    unit : TimeUnit
        The scale of time.
    rate, dropout_probability : numpy.ndarray of float64
        The customer's true purchases per `unit` while alive, and true chance of dropping out
        after a purchase.
    alive : numpy.ndarray of bool
        Whether the customer had not dropped out at the end of observation.
    """

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    unit: TimeUnit
    rate: FloatArray
    dropout_probability: FloatArray
    alive: BoolArray

    def __len__(self) -> int:
        return len(self.frequency)

    def __repr__(self) -> str:
        return f"<SimulatedHistories: {len(self):,} customers in {self.unit}s; next: .frequency>"


def make_purchase_histories(
    n_customers: int,
    *,
    seed: int,
    r: float = 0.525,
    alpha: float = 6.183,
    a: float = 0.891,
    b: float = 1.614,
    age_range: tuple[float, float] = (27.0, 39.0),
    unit: TimeUnit = "week",
    grid: Literal["day", "none"] = "day",
) -> SimulatedHistories:
    """Simulate purchase histories from an MBG/NBD model with known parameters.

    Parameters
    ----------
    n_customers : int
        Number of customers, at least 1.
    seed : int
        Non-negative seed; the same arguments give the same arrays bit for bit.
    r, alpha : float
        Shape, and scale [unit], of the gamma distribution of purchase rates.
    a, b : float
        Parameters of the beta distribution of dropout probabilities.
    age_range : tuple of float, default (27.0, 39.0)
        Shortest and longest age [unit]; ages are spread evenly between them.
    unit : {"day", "week", "month"}, default "week"
        The scale of `alpha`, `age_range` and of the result.
    grid : {"day", "none"}, default "day"
        Whether ages and purchase times fall on whole days (times rounded up) or anywhere.

    Returns
    -------
    SimulatedHistories
        Arrays of length `n_customers`, float64 without NaN. Repeat purchases of one day count
        each, so `frequency` follows the model exactly on either grid.

    Raises
    ------
    pydantic.ValidationError
        If a parameter is not a positive finite number.
    NotComputableError
        If `n_customers` is less than 1 or `age_range` is not an ascending pair of at least a day.

    Notes
    -----
    The defaults are the model fitted to the CDNOW sample. The share of customers without a
    repeat purchase at age `T`, for one dropout probability `p`, is
    `p + (1 - p) * (alpha / (alpha + T)) ** r`; on average over customers,
    `a / (a + b) + b / (a + b) * (alpha / (alpha + T)) ** r`.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of
    models for customer base analysis. International Journal of Research in Marketing 24(3).

    Examples
    --------
    >>> from retainkit.simulate import make_purchase_histories
    >>> histories = make_purchase_histories(1000, seed=1)
    >>> histories
    <SimulatedHistories: 1,000 customers in weeks; next: .frequency>
    >>> bool((histories.recency <= histories.age).all())
    True
    """
    law = PurchaseProcess(r=r, alpha=alpha, a=a, b=b)
    scale = DAYS_PER_UNIT[unit]
    _check_sizes(n_customers, age_range=age_range, scale=scale)
    rng = make_generator(seed, Stream.PURCHASES)
    days = rng.uniform(age_range[0] * scale, age_range[1] * scale, size=n_customers)
    if grid == "day":
        days = np.maximum(np.round(days), 1.0)
    rate = rng.gamma(law.r, 1.0 / law.alpha, size=n_customers)
    dropout = rng.beta(law.a, law.b, size=n_customers)
    made = draw_repeat_purchases(rng, rate=rate / scale, dropout=dropout, span=days)
    time = np.ceil(made.time) if grid == "day" else made.time
    frequency = np.bincount(made.owner, minlength=n_customers)
    last = np.append(time, 0.0)[np.cumsum(frequency) - 1]
    return SimulatedHistories(
        frequency=frequency.astype(np.float64),
        recency=np.where(frequency > 0, last, 0.0) / scale,
        age=days / scale,
        unit=unit,
        rate=rate,
        dropout_probability=dropout,
        alive=np.isnan(made.dropout_time),
    )


def _check_sizes(n_customers: int, *, age_range: tuple[float, float], scale: float) -> None:
    if n_customers < 1:
        raise NotComputableError(
            f"n_customers is {n_customers}", rule="a base has a customer", fix="ask for 1 or more"
        )
    low, high = age_range
    if not 1.0 / scale <= low <= high < float("inf"):
        raise NotComputableError(
            f"age_range is {age_range}",
            rule="ages are finite, ascending and at least one day",
            fix="for example age_range=(27.0, 39.0)",
        )
