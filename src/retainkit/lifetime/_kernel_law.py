"""What each law of buying and dropout knows of customers, and what is asked of it."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


class Known(Protocol):
    """What histories say of n customers: P(alive), and parameters of those who are alive.

    A customer who is alive buys as a new one would with the updated parameters; so every
    prediction is P(alive) times a function of them. The purchase rate is Gamma(s, c). Each law has
    one such record, a named tuple of arrays of shape (n,) and of numbers shared by all.
    """

    @property
    def p(self) -> Floats:
        """P(alive) now."""

    @property
    def s(self) -> Floats:
        """Shape of the purchase rate."""

    @property
    def c(self) -> Floats:
        """Scale of the purchase rate [unit of time]."""

    def expected_purchases(self, horizon: float | Floats) -> Floats:
        """Return expected purchases within the horizon, one for all or one each."""

    def p_alive_later(self, ahead: float) -> Floats:
        """Return P(alive) after some time more, from what is known now."""

    def discounted_purchases(self, force: float, horizon: float) -> Floats:
        """Return purchases within the horizon, which may be infinite, discounted at `force`."""

    def count_probability(self, horizon: float, count: int) -> Floats:
        """Return the probability of exactly `count` purchases within the horizon."""

    def count_probabilities(self, horizon: float, size: int) -> Floats:
        """Return the probabilities of 0, 1, ..., size - 1 purchases, shape (n, size)."""


K = TypeVar("K", bound=Known)


def take_rows(known: K, rows: Ints) -> K:
    """Return what is known of some of the customers; rows may repeat."""
    record: Any = known
    part: K = type(record)(*(v[rows] if np.ndim(v) else v for v in record))
    return part


def expected_at(known: Known, horizons: Floats) -> Floats:
    """Return expected purchases within each of k horizons, shape (n, k), in one go."""
    n, k = len(known.s), len(horizons)
    many = take_rows(known, np.repeat(np.arange(n), k))
    return many.expected_purchases(np.tile(horizons, n)).reshape(n, k)
