"""Ways to expect a customer's money, and how much each weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from retainkit._core.config import FrozenConfig
from retainkit.forecast._kernel_features import Scales
from retainkit.forecast._kernel_log import Known
from retainkit.forecast._kernel_mix import Past, learn_mix
from retainkit.forecast._learn import Regressions, lifetime_purchases
from retainkit.typing import FloatArray

Ways = Mapping[str, FloatArray]
"""Expected money of each customer [baskets], by the name of what expects it."""

PRIOR = {"log_ridge": 0.6, "lifetime": 0.3, "past": 0.1}
"""Weights before anything was judged; what earlier days say is added to as many buyers."""
_STRENGTH = 20.0


class Mix(FrozenConfig):
    """What each way weighs: its share over its mean, so that they are pooled whatever their level.

    Parameters
    ----------
    shares : tuple of (str, float)
        Name and share of each; shares add up to 1.
    means : tuple of float
        Mean of each over the customers it was learnt on [baskets].
    """

    shares: tuple[tuple[str, float], ...]
    means: tuple[float, ...]

    def blend(self, ways: Ways) -> FloatArray:
        """Return the mean of the square roots, squared: in units of about the mean customer.

        Between the arithmetic mean, in which the highest way decides of whom hardly anything is
        expected, and the geometric mean, in which the lowest does.
        """
        (first, share), *others = self.shares
        root = share * np.sqrt(ways[first] / self.means[0])
        for (name, weight), mean in zip(others, self.means[1:], strict=True):
            root = root + weight * np.sqrt(ways[name] / mean)
        return np.asarray(root * root)

    def on(self, ways: Ways) -> Mix:
        """Return the same shares for another day, of the ways that spoke on it."""
        spoke = [(name, share) for name, share in self.shares if name in ways and ways[name].any()]
        whole = sum(share for _, share in spoke)
        return Mix(
            shares=tuple((name, share / whole) for name, share in spoke),
            means=tuple(float(ways[name].mean()) for name, _ in spoke),
        )


def tell_ways(
    learnt: Regressions,
    columns: list[FloatArray],
    known: Known,
    window: float,
    scales: Scales,
    lifetime: Any,
) -> dict[str, FloatArray]:
    """Return the money expected in each way, and by the regression that tells the total."""
    ways = learnt.money_ways(columns)
    if lifetime is not None:
        ways["lifetime"] = lifetime_money(lifetime, known, window, scales)
    ways["past"] = np.maximum(known.money, 0.0) / scales.basket + 0.5
    return ways


def lifetime_money(lifetime: Any, known: Known, window: float, scales: Scales) -> FloatArray:
    """Return expected purchases times own spend, the latter drawn by two baskets to the base's."""
    spend = (np.maximum(known.money, 0.0) / scales.basket + 2.0) / (known.purchases + 2.0)
    return np.asarray(lifetime_purchases(lifetime, known, window) * spend)


class EarlierWays(NamedTuple):
    """What each way expected, on an earlier day, of those who then brought money."""

    sizes: dict[str, FloatArray]
    money: FloatArray
    mass: float

    @classmethod
    def of(cls, ways: Ways, money: FloatArray, share: float) -> EarlierWays:
        """Keep sizes in units of their mean; a day counts its buyers, times its share."""
        buyers = money > 0.0
        sizes = {n: way[buyers] / float(way.mean()) for n, way in ways.items() if way.any()}
        return cls(sizes, money[buyers], share * float(buyers.sum()))


def mix_ways(ways: Ways, earlier: Sequence[EarlierWays]) -> Mix:
    """Weigh the ways by earlier days on which all of them spoke."""
    names = [name for name in PRIOR if name in ways and ways[name].any()]
    past = [
        Past(np.array([one.sizes[name] for name in names]), one.money, one.mass)
        for one in earlier
        if one.mass > 0.0 and all(name in one.sizes for name in names)
    ]
    weights = learn_mix(past, np.array([PRIOR[name] for name in names]), _STRENGTH)
    return Mix(
        shares=tuple(zip(names, weights.tolist(), strict=True)),
        means=tuple(float(ways[name].mean()) for name in names),
    )
