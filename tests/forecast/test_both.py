"""A firm with contracts and purchases: renewals decide for who is under contract, and no charge
counts twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.contracts import list_charges, read_contract_state
from retainkit.forecast import ForecastTable, forecast_contracts, join_forecasts
from tests.forecast.test_renewal import AS_OF, steady

DAY = date(2024, 6, 30)
IDS = pd.Index(["buys", "both", "ended and buys", "contract alone"])
HAND = 10.0 * (0.9 + 0.81 + 0.729)
"""Charges of 10 on 15 July, August and September where one in ten leaves at each renewal."""


@pytest.fixture(scope="module")
def contracts() -> ForecastTable:
    """In another order than the customers: one runs, one has ended, one runs."""
    table = pd.DataFrame(
        {
            "customer_id": ["contract alone", "ended and buys", "both"],
            "start": pd.to_datetime(["2024-03-15", "2024-01-15", "2024-03-15"]),
            "end": pd.to_datetime(["NaT", "2024-05-15", "NaT"]),
            "amount": [10.0, 10.0, 10.0],
        }
    )
    model = steady(as_of_day=AS_OF)
    state = read_contract_state(table, as_of=DAY)
    return forecast_contracts(model, state, as_of=DAY, horizon_days=91)


@pytest.fixture(scope="module")
def purchases(contracts: ForecastTable) -> ForecastTable:
    """Of four customers, the last of whom never bought."""

    def of(*values: float) -> Any:
        return np.array(values)

    never = np.full(4, np.iinfo(np.int32).min, dtype=np.int32)
    return replace(
        contracts,
        customer_id=IDS,
        p_active=of(0.5, 0.4, 0.3, np.nan),
        p_active_low=of(0.4, 0.3, 0.2, np.nan),
        p_active_high=of(0.6, 0.5, 0.4, np.nan),
        active_score=of(0.5, 0.4, 0.3, np.nan),
        expected_value=of(100.0, 50.0, 20.0, np.nan),
        expected_value_low=of(60.0, 20.0, 0.0, np.nan),
        expected_value_high=of(150.0, 90.0, 60.0, np.nan),
        next_purchase=never,
        next_purchase_low=never,
        next_purchase_high=never,
        days_overdue=np.zeros(4),
        note=np.zeros(4, dtype=np.int8),
    )


def joined(
    purchases: ForecastTable, contracts: ForecastTable, *, add_charges: bool
) -> ForecastTable:
    place = contracts.customer_id.get_indexer(IDS)
    running = np.array([False, True, False, True])
    return join_forecasts(
        purchases, contracts, place=place, running=running, add_charges=add_charges
    )


def test_charges_apart_are_added_once(purchases: ForecastTable, contracts: ForecastTable) -> None:
    both = joined(purchases, contracts, add_charges=True)
    np.testing.assert_allclose(both.expected_value, [100.0, 50.0 + HAND, 20.0, HAND])


def test_charges_among_the_purchases_are_not_added(
    purchases: ForecastTable, contracts: ForecastTable
) -> None:
    """Who never bought has no purchase forecast that could hold them."""
    both = joined(purchases, contracts, add_charges=False)
    np.testing.assert_allclose(both.expected_value, [100.0, 50.0, 20.0, HAND])
    np.testing.assert_allclose(both.expected_value_high[:3], [150.0, 90.0, 60.0])


def test_renewal_decides_for_who_is_under_contract(
    purchases: ForecastTable, contracts: ForecastTable
) -> None:
    """Three renewals: .729 stay."""
    both = joined(purchases, contracts, add_charges=True)
    np.testing.assert_allclose(both.p_active, [0.5, 0.729, 0.3, 0.729])
    np.testing.assert_allclose(both.active_score, both.p_active)
    assert both.explain()[2] is np.nan  # its purchases are forecast; the ended contract is no note


def test_intervals_add_in_squares(purchases: ForecastTable, contracts: ForecastTable) -> None:
    """[20, 90] around 50 beside [10, 30] around 24.39: 30 and 14.39 below, 40 and 5.61 above."""
    both = joined(purchases, contracts, add_charges=True)
    middle = 50.0 + HAND
    low, high = np.sqrt(30.0**2 + (HAND - 10.0) ** 2), np.sqrt(40.0**2 + (30.0 - HAND) ** 2)
    np.testing.assert_allclose(both.expected_value_low[1], middle - low)
    np.testing.assert_allclose(both.expected_value_high[1], middle + high)


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_a_run_sees_whether_the_charges_are_among_the_rows() -> None:
    """The same charges, once in the contracts alone and once among the transactions too.

    Sixty customers buy for 20 a month, thirty of them are charged 30 a month on contracts that
    never end. Over 91 days the contracts bring 90 each, and all together 60 x 60 + 30 x 90. Where
    charges are rows, they are learnt with the rows, and nothing comes on top.
    """
    today = pd.Timestamp("2024-06-30")
    months = pd.date_range("2022-07-10", today, freq="MS") + pd.Timedelta(days=9)
    ids = np.arange(60)
    bought = pd.DataFrame(
        [(who, day + pd.Timedelta(days=int(who) % 15), 20.0) for who in ids for day in months],
        columns=["customer_id", "timestamp", "amount"],
    )
    contracts = pd.DataFrame(
        {
            "customer_id": ids[:30],
            "start": pd.Timestamp("2022-07-05"),
            "end": pd.NaT,
            "amount": 30.0,
        }
    )
    rows = pd.concat([bought, list_charges(contracts, as_of=today)[bought.columns]])
    run = rk.RetentionPipeline(rk.PipelineConfig(horizon_days=91, annual_discount_rate=0.0)).run
    apart = run(bought, contracts=contracts, as_of="2024-06-30")
    among = run(rows, contracts=contracts, as_of="2024-06-30")
    assert apart.model.charges_apart
    assert not among.model.charges_apart
    alone = run(bought, as_of="2024-06-30").forecast
    assert alone is not None
    assert apart.forecast is not None
    assert among.forecast is not None
    extra = apart.forecast.expected_value - alone.expected_value
    np.testing.assert_allclose(extra[:30], 90.0, rtol=0.01)
    np.testing.assert_allclose(extra[30:], 0.0, atol=1e-9)
    whole = 60 * 60.0 + 30 * 90.0  # three months of purchases and of charges
    assert apart.forecast.expected_value.sum() == pytest.approx(whole, rel=0.1)
    assert among.forecast.expected_value.sum() == pytest.approx(whole, rel=0.1)
