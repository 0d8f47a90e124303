"""The transactions table, and the money of the year after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from retainkit._core.time import from_day_numbers
from retainkit._simulate._kernel import draw_codes
from retainkit._simulate._population import Population, Purchases, Stream, make_generator
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
