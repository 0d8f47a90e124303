"""The complete base, and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from retainkit._core.result import ResultTable
from retainkit._simulate._config import CAUSES, SimulationConfig
from retainkit._simulate._events import write_events
from retainkit._simulate._population import (
    FUTURE_DAYS,
    Population,
    Purchases,
    Traits,
    draw_population,
    draw_purchases,
    draw_traits,
)
from retainkit._simulate._records import (
    Rows,
    codes_of_cause,
    draw_rows,
    label_days,
    write_activities,
    write_contracts,
    write_customers,
    write_surveys,
    write_transactions,
    yearly_cost_to_serve,
    yearly_spend,
)
from retainkit.typing import AsOf, FloatArray, IntArray

DEFAULT_AS_OF = "2025-12-31"
DEFAULT_CONFIG = SimulationConfig()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SimulatedBase(ResultTable):
    """A complete customer base as a firm would record it, and the truth behind it.

    Attributes
    ----------
    transactions, customers, contracts, events, surveys, activities : pandas.DataFrame
        Valid tables under the default column names, holding only what was known on `as_of`.
        Scores in `surveys` run from 1 to 5, `likelihood_to_recommend` from 0 to 10.
        In `customers`, `strategic_public_sector` and `strategic_key_technology` are strategic
        flags, `region` is a trait, `age_band` and `gender` are protected attributes.
    truth : pandas.DataFrame
        One row per customer, in the order of `customers`: `customer_id`; `purchase_rate`
        [1/week, while alive]; `dropout_probability` [per purchase]; `dropout_day` (day of the
        last purchase ever; NaT if alive 365 days after `as_of`); `alive` (on `as_of`);
        `spend_mean` [money per purchase]; `cost_to_serve` [money/year, expected while alive];
        `future_purchases` and `future_profit` [money, after cost to serve] of the 365 days after
        `as_of`; `cause` (category of leaf codes; missing if alive); `upgrade_potential`
        [money/year spent elsewhere in the category]; `effect_of_retention_offer` [change in the
        probability of leaving within a year; positive for sleeping dogs];
        `effect_of_development` [added share of yearly spend]; `satisfaction` [standard score];
        `heavy_service` (bool).
    config : SimulationConfig
        The firm that was simulated.
    seed : int
        The seed it was simulated from.
    as_of : pandas.Timestamp
        The last observed day.
    """

    transactions: pd.DataFrame
    customers: pd.DataFrame
    contracts: pd.DataFrame
    events: pd.DataFrame
    surveys: pd.DataFrame
    activities: pd.DataFrame
    truth: pd.DataFrame
    config: SimulationConfig
    seed: int
    as_of: pd.Timestamp

    _what: ClassVar[str] = "simulated customers"
    _next_step: ClassVar[str] = ".transactions"

    def __len__(self) -> int:
        return len(self.truth)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the truth, one row per customer.

        The columns of `truth`.
        """
        return self.truth.copy()

    def summary(self) -> pd.DataFrame:
        """Return the number of rows and of customers per table.

        One row per table: `table`, `rows`, `customers`.
        """
        names = ("transactions", "customers", "contracts", "events", "surveys", "activities")
        frames = {name: getattr(self, name) for name in names}
        return pd.DataFrame(
            {
                "table": list(frames),
                "rows": [len(frame) for frame in frames.values()],
                "customers": [frame["customer_id"].nunique() for frame in frames.values()],
            }
        )


def make_customer_base(
    n_customers: int,
    *,
    seed: int,
    config: SimulationConfig = DEFAULT_CONFIG,
    as_of: AsOf = DEFAULT_AS_OF,
) -> SimulatedBase:
    """Simulate a complete customer base with the truth beside it.

    Customers buy by the MBG/NBD process and spend by Gamma-Gamma; who is satisfied, finds value
    and cannot switch easily gets the smaller dropout probabilities (satisfaction counts little
    in the middle and much at the ends). Each leaver has one true cause, and the events around
    it are consistent with the cause but noisy; some leave no trace. Protected attributes are
    independent of everything.

    Parameters
    ----------
    n_customers : int
        Number of customers, at least 1.
    seed : int
        Non-negative seed; the same seed, config and `as_of` give the same base bit for bit.
    config : SimulationConfig, optional
        The firm to simulate.
    as_of : AsOf, default "2025-12-31"
        The last observed day; the tables hold nothing that became known later.

    Returns
    -------
    SimulatedBase
        Six tables under their default column names, rows in the order of their days, customers
        numbered 1 to `n_customers`; and `truth`, one row per customer in that order. A field
        is missing where it has no value (an open contract's `end`, a living customer's `cause`).

    Raises
    ------
    NotComputableError
        If `n_customers` is less than 1.
    AsOfError
        If `as_of` is not a calendar day.

    See Also
    --------
    make_transactions : The same transactions alone, faster.

    Notes
    -----
    Each table has a random stream of its own (children of one seed sequence), so
    `make_transactions` returns the very rows found here. Purchases of one customer on one day
    are one occasion, as a day grid records them; a continuous process would count a few more.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of
    models for customer base analysis. International Journal of Research in Marketing 24(3).

    Fader, P. S. & Hardie, B. G. S. (2013). The Gamma-Gamma model of monetary value. Note 025.

    Examples
    --------
    >>> from retainkit.simulate import make_customer_base
    >>> base = make_customer_base(200, seed=1, as_of="2024-12-31")
    >>> base
    <SimulatedBase: 200 simulated customers; next: .transactions>
    >>> len(base.truth), str(base.transactions["timestamp"].max() <= base.as_of)
    (200, 'True')
    >>> bool(base.truth["cause"].isna().eq(base.truth["alive"]).all())
    True
    """
    population = draw_population(n_customers, seed=seed, config=config, as_of=as_of)
    purchases = draw_purchases(population)
    traits = draw_traits(population, purchases)
    rows = draw_rows(population, purchases)
    return SimulatedBase(
        transactions=write_transactions(population, rows),
        customers=write_customers(population, traits),
        contracts=write_contracts(population, purchases, traits),
        events=write_events(population, purchases, traits),
        surveys=write_surveys(population, purchases),
        activities=write_activities(population, purchases, traits),
        truth=_write_truth(population, purchases, traits, rows=rows),
        config=config,
        seed=seed,
        as_of=pd.Timestamp(label_days(np.array([population.as_of]))[0]),
    )


def make_transactions(
    n_customers: int,
    *,
    seed: int,
    config: SimulationConfig = DEFAULT_CONFIG,
    as_of: AsOf = DEFAULT_AS_OF,
) -> pd.DataFrame:
    """Simulate the transactions table alone, for large bases.

    Parameters
    ----------
    n_customers, seed, config, as_of
        As in `make_customer_base`.

    Returns
    -------
    pandas.DataFrame
        `customer_id` int64, `timestamp` [day], `amount` [money; negative = sent back], `profit`
        [money], `order_id` int64, `business_line` and `channel` (category), `quantity` float64,
        in the order of the days; no value is missing. Equal to
        `make_customer_base(...).transactions`.

    Raises
    ------
    NotComputableError
        If `n_customers` is less than 1.
    AsOfError
        If `as_of` is not a calendar day.

    Examples
    --------
    >>> from retainkit.simulate import make_transactions
    >>> transactions = make_transactions(1000, seed=1)
    >>> transactions["customer_id"].nunique()
    1000
    """
    population = draw_population(n_customers, seed=seed, config=config, as_of=as_of)
    return write_transactions(population, draw_rows(population, draw_purchases(population)))


def _write_truth(
    population: Population, purchases: Purchases, traits: Traits, *, rows: Rows
) -> pd.DataFrame:
    n = len(population)
    cost = yearly_cost_to_serve(population, traits)
    future_purchases, margin, years = _future(population, purchases, rows)
    codes = pd.Index(CAUSES).get_indexer(pd.Index(codes_of_cause(population, traits)))
    spend_elsewhere = yearly_spend(population) * (1.0 / traits.wallet_share - 1.0)
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "purchase_rate": population.rate,
            "dropout_probability": population.dropout,
            "dropout_day": label_days(
                purchases.dropout_day, known=purchases.dropout_day <= population.horizon
            ),
            "alive": purchases.dropout_day > population.as_of,
            "spend_mean": population.config.spend.p / population.spend_rate,
            "cost_to_serve": cost,
            "future_purchases": future_purchases,
            "future_profit": margin - cost * years,
            "cause": pd.Categorical.from_codes(codes, categories=pd.Index(CAUSES)),
            "upgrade_potential": spend_elsewhere,
            "effect_of_retention_offer": traits.effect_of_retention_offer,
            "effect_of_development": traits.effect_of_development,
            "satisfaction": population.satisfaction,
            "heavy_service": traits.heavy,
        }
    )


def _future(
    population: Population, purchases: Purchases, rows: Rows
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return occasions, profit of rows, and years alive, in the year after `as_of`."""
    n, as_of = len(population), population.as_of
    ahead = purchases.day > as_of
    occasions = np.bincount(purchases.owner[ahead], minlength=n)
    ahead = (rows.day > as_of) & (rows.day <= population.horizon)
    margin = np.bincount(rows.owner[ahead], weights=rows.profit[ahead], minlength=n)
    lived = np.minimum(purchases.dropout_day, population.horizon) - as_of
    years: FloatArray = np.maximum(lived, 0) / FUTURE_DAYS
    return occasions, margin.astype(np.float64), years
