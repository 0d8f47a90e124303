"""Who the customers are and when they buy: the hidden truth every table is written from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from retainkit._core.time import day_number, parse_as_of
from retainkit._simulate._config import SimulationConfig
from retainkit._simulate._kernel import assign_in_order, draw_repeat_purchases
from retainkit.errors import NotComputableError
from retainkit.typing import AsOf, BoolArray, FloatArray, IntArray

FUTURE_DAYS = 365
"""Length of the future the truth tells of [day]."""


class Stream(IntEnum):
    """One independent random stream per table: one table more never changes another."""

    POPULATION = 0
    PURCHASES = 1
    TRANSACTIONS = 2
    TRAITS = 3
    CUSTOMERS = 4
    CONTRACTS = 5
    EVENTS = 6
    SURVEYS = 7
    ACTIVITIES = 8


def make_generator(seed: int, stream: Stream) -> np.random.Generator:
    """Return the generator of `stream`, a child of `seed` independent of its sisters."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(stream,))))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Population:
    """Truth per customer before anything is recorded; days are since 1970-01-01."""

    seed: int
    config: SimulationConfig
    as_of: int
    join_day: IntArray
    rate: FloatArray
    """Purchases per week while alive."""
    dropout: FloatArray
    spend_rate: FloatArray
    """Rate nu of the customer's Gamma(p, nu) spend."""
    satisfaction: FloatArray
    perceived_value: FloatArray
    switching_cost: FloatArray

    def __len__(self) -> int:
        return len(self.join_day)

    @property
    def horizon(self) -> int:
        """Last day of the simulated future."""
        return self.as_of + FUTURE_DAYS


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Purchases:
    """Every purchase occasion up to the horizon, at most one per customer and day."""

    owner: IntArray
    day: IntArray
    dropout_day: IntArray
    """Per customer: day of the last purchase ever; past the horizon if still alive then."""


def draw_population(
    n_customers: int, *, seed: int, config: SimulationConfig, as_of: AsOf
) -> Population:
    """Draw joining days, rates, dropout probabilities, spend levels and attitudes."""
    if n_customers < 1:
        raise NotComputableError(
            f"n_customers is {n_customers}", rule="a base has a customer", fix="ask for 1 or more"
        )
    rng = make_generator(seed, Stream.POPULATION)
    last = day_number(parse_as_of(as_of))
    first = last - config.observed_days + 1
    law, n = config.purchases, n_customers
    attitudes = rng.standard_normal((4, n))
    return Population(
        seed=seed,
        config=config,
        as_of=last,
        join_day=rng.integers(first, first + config.joining_days, size=n),
        rate=rng.gamma(law.r, 1.0 / law.alpha, size=n),
        dropout=assign_in_order(
            rng.beta(law.a, law.b, size=n),
            score=_staying_score(attitudes, strength=config.satisfaction_strength),
        ),
        spend_rate=np.maximum(rng.gamma(config.spend.q, 1.0 / config.spend.gamma, size=n), 1e-9),
        satisfaction=attitudes[0],
        perceived_value=attitudes[1],
        switching_cost=attitudes[2],
    )


def _staying_score(attitudes: FloatArray, *, strength: float) -> FloatArray:
    """Satisfaction counts little in the middle and much at the ends; noise has weight one."""
    satisfaction, perceived_value, switching_cost, noise = attitudes
    driven = np.sinh(1.2 * satisfaction) + 0.6 * perceived_value + 0.5 * switching_cost
    score: FloatArray = strength * driven + noise
    return score


def draw_purchases(population: Population) -> Purchases:
    """Draw purchase days from joining to the horizon; several on one day are one occasion."""
    n = len(population)
    repeats = draw_repeat_purchases(
        make_generator(population.seed, Stream.PURCHASES),
        rate=population.rate / 7.0,
        dropout=population.dropout,
        span=(population.horizon - population.join_day).astype(np.float64),
    )
    repeat_day = population.join_day[repeats.owner] + np.ceil(repeats.time).astype(np.int64)
    position = np.searchsorted(repeats.owner, np.arange(n))
    owner = np.insert(repeats.owner, position, np.arange(n))
    day = np.insert(repeat_day, position, population.join_day)
    fresh = np.append(True, (owner[1:] != owner[:-1]) | (day[1:] != day[:-1]))
    gone = population.join_day + np.ceil(np.nan_to_num(repeats.dropout_time)).astype(np.int64)
    return Purchases(
        owner=owner[fresh],
        day=day[fresh],
        dropout_day=np.where(np.isnan(repeats.dropout_time), population.horizon + 1, gone),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Traits:
    """Further truth per customer, drawn after the purchases and never changing them."""

    business: BoolArray
    contract: BoolArray
    heavy: BoolArray
    """Uses service heavily."""
    cause: IntArray
    """Position in `config.causes`; -1 = alive at `as_of`."""
    wallet_share: FloatArray
    effect_of_retention_offer: FloatArray
    effect_of_development: FloatArray


def draw_traits(population: Population, purchases: Purchases) -> Traits:
    """Draw kind, contract, service use, cause of leaving, wallet and responses to measures."""
    config, n = population.config, len(population)
    rng = make_generator(population.seed, Stream.TRAITS)
    size = -np.log(population.spend_rate)
    business_score = (size - size.mean()) / max(float(size.std()), 1e-12) + rng.standard_normal(n)
    wallet_share = np.clip(rng.beta(2.0, 2.0, size=n), 0.05, 1.0)
    return Traits(
        business=_highest(business_score, share=config.business_share),
        contract=rng.random(n) < config.contract_share,
        heavy=rng.random(n) < config.heavy_share,
        wallet_share=wallet_share,
        effect_of_retention_offer=rng.normal(-0.08, 0.06, size=n),
        effect_of_development=(1.0 - wallet_share) * rng.uniform(0.0, 0.6, size=n),
        cause=_draw_causes(rng, population, gone=purchases.dropout_day <= population.as_of),
    )


def _highest(score: FloatArray, *, share: float) -> BoolArray:
    chosen = np.zeros(len(score), dtype=np.bool_)
    count = round(share * len(score))
    chosen[np.argsort(-score, kind="stable")[:count]] = True
    return chosen


def _draw_causes(rng: np.random.Generator, population: Population, *, gone: BoolArray) -> IntArray:
    """Draw causes in their shares; those of dissatisfaction go to the dissatisfied."""
    causes = population.config.causes
    shares = np.array([entry.share for entry in causes])
    drawn = rng.choice(len(causes), size=int(gone.sum()), p=shares / shares.sum())
    sour = np.array([entry.code in ("active.fault", "passive.retaliatory") for entry in causes])
    mood = population.satisfaction[gone] + 0.5 * rng.standard_normal(len(drawn))
    dealt = np.empty_like(drawn)
    dealt[np.argsort(mood, kind="stable")] = drawn[np.argsort(~sour[drawn], kind="stable")]
    cause = np.full(len(gone), -1, dtype=np.int64)
    cause[gone] = dealt
    return cause
