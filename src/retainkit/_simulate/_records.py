"""The tables of a simulated firm but its events: from processes to records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import from_day_numbers
from retainkit._simulate._kernel import draw_codes, draw_days
from retainkit._simulate._population import (
    Population,
    Purchases,
    Stream,
    Traits,
    make_generator,
)
from retainkit.typing import BoolArray, FloatArray, IntArray

_LOYALTY = (3.0, 1.5)
"""Beta law of the share of orders a customer places in its main line."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """Transaction rows as arrays, to the horizon, in the order of the days."""

    owner: IntArray
    day: IntArray
    amount: FloatArray
    profit: FloatArray
    order: IntArray
    line: IntArray
    channel: IntArray
    quantity: FloatArray

    def take(self, positions: IntArray | BoolArray) -> Rows:
        """Return the rows at `positions`."""
        return Rows(**{name: getattr(self, name)[positions] for name in Rows.__slots__})


def draw_rows(population: Population, purchases: Purchases) -> Rows:
    """Turn occasions into order lines with money, line and channel, and add what comes back."""
    rng = make_generator(population.seed, Stream.TRANSACTIONS)
    lines = _with_second_lines(rng, population, _draw_orders(rng, population, purchases))
    rows = _with_returns(rng, population, lines)
    return rows.take(np.lexsort((rows.order, rows.day)))


def _draw_orders(rng: np.random.Generator, population: Population, purchases: Purchases) -> Rows:
    config, owner = population.config, purchases.owner
    lines, channels = config.business_lines, config.channels
    shares = [line.share for line in lines]
    main = draw_codes(rng, len(population), shares=shares)
    usual = draw_codes(rng, len(population), shares=[channel.share for channel in channels])
    loyalty = rng.beta(*_LOYALTY, size=len(population))
    amount = rng.gamma(config.spend.p, size=len(owner)) / population.spend_rate[owner]
    order = np.empty(len(owner), dtype=np.int64)
    order[np.argsort(purchases.day, kind="stable")] = np.arange(1, len(owner) + 1)
    strays = rng.random(len(owner)) > loyalty[owner]
    switches = rng.random(len(owner)) > 0.8
    other = draw_codes(rng, len(owner), shares=shares)
    elsewhere = rng.integers(len(channels), size=len(owner))
    return Rows(
        owner=owner,
        day=purchases.day,
        amount=np.maximum(np.round(amount, 2), 0.01),
        profit=np.zeros(len(owner)),
        order=order,
        line=np.where(strays, other, main[owner]),
        channel=np.where(switches, elsewhere, usual[owner]),
        quantity=np.ones(len(owner)),
    )


def _with_second_lines(rng: np.random.Generator, population: Population, orders: Rows) -> Rows:
    """Split some orders over two lines; what the customer spends on the occasion stays."""
    config = population.config
    split = (rng.random(len(orders.owner)) < config.basket_share) & (orders.amount >= 0.1)
    second = orders.take(split)
    part = np.round(second.amount * rng.uniform(0.2, 0.6, size=len(second.amount)), 2)
    amount = orders.amount.copy()
    amount[split] = np.round(second.amount - part, 2)
    shares = [line.share for line in config.business_lines]
    other = draw_codes(rng, len(part), shares=shares)
    line = np.concatenate([orders.line, other])
    amount = np.concatenate([amount, part])
    margins = np.array([entry.margin_rate for entry in config.business_lines])
    margin = margins[line] + 0.04 * rng.standard_normal(len(line))
    return Rows(
        owner=np.concatenate([orders.owner, second.owner]),
        day=np.concatenate([orders.day, second.day]),
        amount=amount,
        profit=np.round(amount * margin, 2),
        order=np.concatenate([orders.order, second.order]),
        line=line,
        channel=np.concatenate([orders.channel, second.channel]),
        quantity=(1.0 + rng.poisson(0.7, size=len(line))).astype(np.float64),
    )


def _with_returns(rng: np.random.Generator, population: Population, rows: Rows) -> Rows:
    """Add a row with negative money 1 to 30 days after each line that comes back."""
    back = rows.take(rng.random(len(rows.owner)) < population.config.return_share)
    later = rng.integers(1, 31, size=len(back.owner))
    returned = Rows(
        owner=back.owner,
        day=back.day + later,
        amount=-back.amount,
        profit=-back.profit,
        order=back.order,
        line=back.line,
        channel=back.channel,
        quantity=-back.quantity,
    )
    parts = ((getattr(rows, name), getattr(returned, name)) for name in Rows.__slots__)
    return Rows(**dict(zip(Rows.__slots__, map(np.concatenate, parts), strict=True)))


def write_transactions(population: Population, rows: Rows) -> pd.DataFrame:
    """Return the rows up to `as_of` as a canonical transactions table."""
    seen = rows.take(rows.day <= population.as_of)
    config = population.config
    lines = pd.Index([line.name for line in config.business_lines])
    channels = pd.Index([channel.name for channel in config.channels])
    return pd.DataFrame(
        {
            "customer_id": seen.owner + 1,
            "timestamp": from_day_numbers(seen.day),
            "amount": seen.amount,
            "profit": seen.profit,
            "order_id": seen.order,
            "business_line": pd.Categorical.from_codes(seen.line, categories=lines),
            "channel": pd.Categorical.from_codes(seen.channel, categories=channels),
            "quantity": seen.quantity,
        }
    )


WEEKS_PER_YEAR = 365.25 / 7.0
_REGIONS = ("north", "east", "south", "west")
_AGE_BANDS = ("18-34", "35-49", "50-64", "65+")
_GENDERS = ("female", "male", "other")
_PLANS = ("basic", "standard", "premium")
_STANDINGS = ("good", "watch", "overdue", "default", "fraud")


def label_codes(codes: IntArray, *, names: tuple[str | None, ...]) -> pd.Categorical[Any]:
    """Return the name of each code as a category; code -1 and the name None are missing."""
    known = list(dict.fromkeys(name for name in names if name is not None))
    places = {name: place for place, name in enumerate(known)}
    table = np.array([-1 if name is None else places[name] for name in (*names, None)])
    return pd.Categorical.from_codes(table[codes], categories=pd.Index(known))


def label_days(days: IntArray, *, known: BoolArray | None = None) -> npt.NDArray[np.datetime64]:
    """Return days since 1970-01-01 as timestamps, NaT where not `known`."""
    if known is None:
        return from_day_numbers(days)
    stamps = from_day_numbers(np.where(known, days, 0))
    stamps[~known] = np.datetime64("NaT", "s")
    return stamps


def codes_of_cause(population: Population, traits: Traits) -> npt.NDArray[np.str_]:
    """Return the true cause per customer as text, empty if alive."""
    names = np.array([*(entry.code for entry in population.config.causes), ""])
    return names[traits.cause]


def yearly_spend(population: Population) -> FloatArray:
    """Return what each customer spends per year while alive [money/year]."""
    spend = population.config.spend.p / population.spend_rate
    yearly: FloatArray = population.rate * WEEKS_PER_YEAR * spend
    return yearly


def service_factor(population: Population, traits: Traits) -> FloatArray:
    """Return how many times the usual each customer uses service."""
    return np.where(traits.heavy, population.config.heavy_factor, 1.0)


def yearly_cost_to_serve(population: Population, traits: Traits) -> FloatArray:
    """Return the expected cost of serving each customer while alive [money/year]."""
    activities = population.config.activities
    per_year = sum(entry.unit_cost * entry.per_year for entry in activities)
    per_purchase = sum(entry.unit_cost * entry.per_purchase for entry in activities)
    purchases = population.rate * WEEKS_PER_YEAR
    return np.asarray(
        service_factor(population, traits) * (per_year + per_purchase * purchases), dtype=np.float64
    )


def write_customers(population: Population, traits: Traits) -> pd.DataFrame:
    """Return one row per customer; the protected attributes depend on nothing."""
    rng = make_generator(population.seed, Stream.CUSTOMERS)
    config, n = population.config, len(population)
    flags = rng.random((2, n)) < config.strategic_share
    guess = rng.lognormal(0.0, 0.15, size=n)
    standing, days_overdue = _draw_standing(rng, population, traits)
    owed = np.round(yearly_spend(population) / 12.0 * days_overdue / 30.0 + 0.5 * days_overdue, 2)
    category_spending = yearly_spend(population) / traits.wallet_share * guess
    known = rng.random(n) < 0.8
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "kind": label_codes(traits.business.astype(np.int64), names=("person", "business")),
            "strategic_public_sector": flags[0] & traits.business,
            "strategic_key_technology": flags[1] & traits.business,
            "credit_standing": pd.Categorical.from_codes(standing, categories=pd.Index(_STANDINGS)),
            "overdue_amount": owed,
            "days_overdue": days_overdue,
            "category_spending": np.where(known, np.round(category_spending, 2), np.nan),
            "region": label_codes(rng.integers(len(_REGIONS), size=n), names=_REGIONS),
            "age_band": label_codes(rng.integers(len(_AGE_BANDS), size=n), names=_AGE_BANDS),
            "gender": label_codes(draw_codes(rng, n, shares=(0.49, 0.49, 0.02)), names=_GENDERS),
        }
    )


def _draw_standing(
    rng: np.random.Generator, population: Population, traits: Traits
) -> tuple[IntArray, FloatArray]:
    """Draw a few slow payers of good will; who left maliciously is in default, or a fraud."""
    n = len(population)
    malicious = codes_of_cause(population, traits) == "passive.malicious"
    slow = rng.random(n) < population.config.overdue_share
    late = rng.random(n) < 0.5
    fraud = rng.random(n) < 0.3
    standing = np.where(slow, np.where(late, 2, 1), 0)
    standing = np.where(malicious, np.where(fraud, 4, 3), standing)
    days = np.choose(standing, [0, 1, 31, 91, 91]) + np.where(
        standing > 0, rng.integers(0, 29, size=n), 0
    )
    return standing, days.astype(np.float64)


def write_contracts(population: Population, purchases: Purchases, traits: Traits) -> pd.DataFrame:
    """Return one contract per contract customer; what ends after `as_of` is still running."""
    rng = make_generator(population.seed, Stream.CONTRACTS)
    n = len(population)
    cause = codes_of_cause(population, traits)
    passive = np.char.startswith(cause, "passive")
    notice = np.where(passive, rng.integers(45, 76, size=n), rng.integers(1, 31, size=n))
    end = purchases.dropout_day + notice
    ended = end <= population.as_of
    plan = rng.integers(len(_PLANS), size=n)
    fee = np.array([19.0, 49.0, 99.0])[plan] * np.where(traits.business, 2.0, 1.0)
    reasons = _end_reasons(rng, population, cause=cause)
    chosen = traits.contract
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1)[chosen],
            "start": label_days(population.join_day)[chosen],
            "end": label_days(end, known=ended)[chosen],
            "amount": fee[chosen],
            "plan": label_codes(plan[chosen], names=_PLANS),
            "paid": pd.array(~passive[chosen], dtype="boolean"),
            "end_reason": label_codes(np.where(ended, reasons, -1)[chosen], names=_MECHANISMS),
        }
    )


_MECHANISMS = (
    "cancellation_requested",
    "payment_failed",
    "payment_disputed",
    "canceled_by_retention_policy",
)


def _end_reasons(
    rng: np.random.Generator, population: Population, *, cause: npt.NDArray[np.str_]
) -> IntArray:
    """Return who ended the contract: a mechanism, told wrongly now and then."""
    reason = np.zeros(len(cause), dtype=np.int64)
    reason[np.char.startswith(cause, "passive")] = 1
    reason[cause == "passive.retaliatory"] = 2
    reason[cause == "administrative"] = 3
    wrong = rng.random(len(cause)) < population.config.evidence_noise
    return np.where(wrong, rng.integers(len(_MECHANISMS), size=len(cause)), reason)


def write_surveys(population: Population, purchases: Purchases) -> pd.DataFrame:
    """Return one or two answers per surveyed customer, noisy readings of true attitudes."""
    rng = make_generator(population.seed, Stream.SURVEYS)
    n = len(population)
    answers = np.where(rng.random(n) < population.config.surveyed_share, rng.integers(1, 3, n), 0)
    owner = np.repeat(np.arange(n), answers)
    last = np.minimum(purchases.dropout_day + 30, population.as_of)
    day = draw_days(rng, first=population.join_day[owner], last=last[owner])

    def read(attitude: FloatArray, *, low: float, top: float, noise: float) -> FloatArray:
        reading = attitude[owner] + noise * rng.standard_normal(len(owner))
        return np.clip(np.round((low + top) / 2.0 + (top - low) / 4.0 * reading), low, top)

    mood = 0.7 * population.satisfaction + 0.5 * population.perceived_value
    columns = {
        "satisfaction": read(population.satisfaction, low=1.0, top=5.0, noise=0.35),
        "perceived_value": read(population.perceived_value, low=1.0, top=5.0, noise=0.45),
        "switching_cost": read(population.switching_cost, low=1.0, top=5.0, noise=0.45),
        "likelihood_to_recommend": read(mood, low=0.0, top=10.0, noise=0.5),
    }
    return pd.DataFrame({"customer_id": owner + 1, "timestamp": label_days(day), **columns})


def write_activities(population: Population, purchases: Purchases, traits: Traits) -> pd.DataFrame:
    """Return what was done to serve each customer, per activity and year before `as_of`."""
    rng = make_generator(population.seed, Stream.ACTIVITIES)
    config, n = population.config, len(population)
    factor = service_factor(population, traits)
    frames = []
    for years_ago in range(-(-config.observed_days // 365)):
        last = population.as_of - 365 * years_ago
        served = _overlap(population, purchases, first=last - 364, last=last)
        seen = (purchases.day > last - 365) & (purchases.day <= last)
        bought = np.bincount(purchases.owner[seen], minlength=n)
        for code, entry in enumerate(config.activities):
            expected = entry.per_year * served / 365.0 + entry.per_purchase * bought
            quantity = rng.poisson(factor * expected)
            channel = rng.integers(len(config.channels), size=n)
            done = np.flatnonzero(quantity)
            frames.append(
                (
                    done,
                    np.full(len(done), code),
                    quantity[done],
                    np.full(len(done), last),
                    channel[done],
                )
            )
    empty = np.zeros((5, 0), dtype=np.int64)
    columns = np.concatenate([np.array(frame) for frame in frames] or [empty], axis=1)
    owner, activity, count, day, where = columns[
        :, np.lexsort((columns[1], columns[3], columns[0]))
    ]
    channels = pd.Index([channel.name for channel in config.channels])
    return pd.DataFrame(
        {
            "customer_id": owner + 1,
            "activity": label_codes(activity, names=tuple(a.name for a in config.activities)),
            "quantity": count.astype(np.float64),
            "timestamp": label_days(day),
            "channel": pd.Categorical.from_codes(where, categories=channels),
        }
    )


def _overlap(population: Population, purchases: Purchases, *, first: int, last: int) -> FloatArray:
    """Return the days of [first, last] on which each customer was alive."""
    begins = np.maximum(population.join_day, first)
    ends = np.minimum(purchases.dropout_day, last)
    return np.maximum(ends - begins + 1.0, 0.0)
