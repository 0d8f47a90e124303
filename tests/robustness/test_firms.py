"""The firms are what they are said to be: else nothing follows from how a forecast does on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.typing import FloatArray
from tests.robustness.firms import HISTORY, KINDS, Firm, make_firm

NAMES = tuple(KINDS)


def table_of(firm: Firm) -> pd.DataFrame:
    assert firm.transactions is not None
    return firm.transactions


def contracts_of(firm: Firm) -> pd.DataFrame:
    assert firm.contracts is not None
    return firm.contracts


def ago_of(firm: Firm) -> pd.Series[int]:
    ago: pd.Series[int] = (firm.as_of - table_of(firm)["timestamp"]).dt.days
    return ago


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_firm(name: str) -> None:
    one, two, other = (make_firm(name, seed, 150) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.money, two.money)
    assert (one.money != other.money).any()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_recorded_comes_from_the_future(name: str) -> None:
    firm = make_firm(name, 0, 150)
    if firm.transactions is not None:
        assert ago_of(firm).between(0, HISTORY - 1).all()
    if firm.contracts is not None:
        assert not (firm.contracts[["start", "end"]] > firm.as_of).to_numpy().any()


@pytest.mark.parametrize("name", NAMES)
def test_as_many_are_active_as_the_truth_expects(name: str) -> None:
    """A sum of independent events is within four standard errors of its mean."""
    for seed in range(3):
        firm = make_firm(name, seed)
        error = np.sqrt((firm.p_active * (1 - firm.p_active)).sum())
        assert abs(firm.active.sum() - firm.p_active.sum()) <= 4 * error + 1


@pytest.mark.parametrize("name", NAMES)
def test_as_much_money_comes_as_the_truth_expects(name: str) -> None:
    """The mean over seeds is within four of its standard errors of none, or within 3 %."""
    firms = [make_firm(name, seed) for seed in range(5)]
    off = np.array([firm.expected_money.sum() / firm.money.sum() - 1 for firm in firms])
    assert abs(off.mean()) <= max(0.03, 4 * off.std() / np.sqrt(len(off)))


@pytest.mark.parametrize("name", [name for name in NAMES if KINDS[name].alike])
def test_customers_who_are_alike_expect_the_same(name: str) -> None:
    firm = make_firm(name, 0)
    there = firm.p_active > 0
    assert np.ptp(firm.p_active[there]) < 1e-9
    assert np.ptp(firm.expected_money[there]) < 1e-6


def busy(firm: Firm, since: int, until: int) -> float:
    """Return repeat purchases a day between two days counted back from the last observed one."""
    again = table_of(firm)["customer_id"].duplicated()
    return float((again & ago_of(firm).between(since, until - 1)).sum() / (until - since))


def test_a_growing_firm_is_three_times_as_large_after_two_years() -> None:
    firm = make_firm("growth", 0, 8_000)
    rows = ago_of(firm)
    assert (rows < 60).sum() / (rows >= 670).sum() == pytest.approx(3.0, rel=0.15)


@pytest.mark.parametrize(("name", "december"), [("before_december", 335), ("after_december", 31)])
def test_december_is_four_times_as_busy(name: str, december: int) -> None:
    """As `as_of` is 30 November or 31 January; the month before and after are the yardstick."""
    firm = make_firm(name, 0, 8_000)
    around = (busy(firm, december + 31, december + 61) + busy(firm, december - 30, december)) / 2
    assert busy(firm, december, december + 31) / around == pytest.approx(4.0, rel=0.1)


def test_a_steady_firm_is_as_busy_as_before() -> None:
    firm = make_firm("steady", 0, 8_000)
    rows = ago_of(firm)
    assert (rows < 180).sum() / rows.between(365, 544).sum() == pytest.approx(1.0, rel=0.1)


def test_nobody_buys_twice_before_the_launch() -> None:
    firm = make_firm("launch", 0)
    ago = ago_of(firm)
    assert len(firm) == 6_000
    assert table_of(firm)["customer_id"][ago >= 91].is_unique
    assert table_of(firm)["customer_id"][ago < 91].duplicated().sum() > 500


def test_a_collapse_leaves_a_third() -> None:
    firm = make_firm("collapse", 0, 8_000)
    assert busy(firm, 0, 91) / busy(firm, 91, 182) == pytest.approx(1 / 3, rel=0.15)


def test_one_time_buyers_do_not_come_back() -> None:
    firm = make_firm("one_time", 0, 8_000)
    assert table_of(firm)["customer_id"].value_counts().eq(1).mean() == pytest.approx(
        0.97, abs=0.015
    )


def test_one_purchase_in_five_is_returned() -> None:
    amounts = table_of(make_firm("returns", 0, 8_000))["amount"]
    assert (amounts < 0).sum() / (amounts > 0).sum() == pytest.approx(0.2, rel=0.05)


def gaps_of(firm: Firm) -> FloatArray:
    table = table_of(firm).sort_values(["customer_id", "timestamp"])
    gaps = table.groupby("customer_id")["timestamp"].diff().dt.days
    known: FloatArray = gaps.dropna().to_numpy(dtype=np.float64)
    return known


def test_premiums_come_once_a_year() -> None:
    gaps = gaps_of(make_firm("insurance", 0))
    assert gaps.mean() == pytest.approx(365, abs=2)
    assert gaps.std() == pytest.approx(10, abs=1)


def test_a_regular_rhythm_varies_less_than_chance() -> None:
    """The coefficient of variation of Erlang's law with six stages is 1 / sqrt(6) = .41."""
    firm = make_firm("regular", 0)
    table = table_of(firm).assign(gap=table_of(firm).groupby("customer_id")["timestamp"].diff())
    gaps = table["gap"].dt.days.groupby(table["customer_id"])
    often = gaps.count() >= 12
    assert (gaps.std() / gaps.mean())[often].mean() == pytest.approx(0.41, abs=0.05)


def test_tenures_are_whole_months() -> None:
    contracts = contracts_of(make_firm("terms", 0))
    assert (contracts["start"].dt.day == 15).all()
    months = (contracts["end"].dt.year - contracts["start"].dt.year) * 12
    months += contracts["end"].dt.month - contracts["start"].dt.month
    assert (months.dropna() % contracts["term_months"][months.notna()] == 0).all()


def test_late_entry_has_no_early_end() -> None:
    firm = make_firm("late_entry", 0)
    contracts = contracts_of(firm)
    assert firm.recorded_from == pd.Timestamp("2024-09-16")
    assert (contracts["end"].dropna() >= firm.recorded_from).all()
    assert contracts["start"].min() < pd.Timestamp("2020-01-01")


def test_some_have_a_contract_and_buy() -> None:
    firm = make_firm("both", 0)
    ids = set(contracts_of(firm)["customer_id"]), set(table_of(firm)["customer_id"])
    assert [len(one) for one in (*ids, ids[0] & ids[1])] == [1_400, 1_200, 600]
