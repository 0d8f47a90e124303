"""3,069 real monthly subscriptions: spells, incidence and returns, counted apart from the code."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.churn import (
    cumulative_incidence,
    detect_contract_churn,
    list_contract_spells,
)
from retainkit.contracts import ContractConvention
from retainkit.tables import ContractColumns, ContractRules, validate_contracts

pytestmark = pytest.mark.real

PATH = (
    Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
    / "maven_subscription"
    / "subscription_cohort.csv"
)
AS_OF = "2023-09-08"
BY_CONTRACT = ContractConvention(spell="contract")


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    if not PATH.exists():
        pytest.skip(f"real data set not found: {PATH} (set RETAINKIT_DATA)")
    return pd.read_csv(PATH)


@pytest.fixture(scope="module")
def contracts(raw: pd.DataFrame) -> pd.DataFrame:
    columns = ContractColumns(
        start="created_date",
        end="canceled_date",
        amount="subscription_cost",
        paid="was_subscription_paid",
    )
    return validate_contracts(raw, columns=columns, rules=ContractRules(), as_of=AS_OF)


def test_the_figures_of_the_source(contracts: pd.DataFrame) -> None:
    """SOURCE.txt: 2,877 customers, 185 re-subscribe (max 3), 108 same-day, 133 unpaid."""
    spells = list_contract_spells(contracts, as_of=AS_OF, config=BY_CONTRACT)
    assert spells.summary().iloc[0].to_dict() == {
        "customers": 2877,
        "spells": 3069,
        "returning_customers": 185,
        "most_spells": 3,
        "losses": 2004,
        "running": 1065,
        "same_day": 108,
    }
    assert int((~contracts["paid"]).sum()) == 133


def test_six_of_the_185_were_never_without_service(raw: pd.DataFrame) -> None:
    """Five signed again on the day they cancelled, one while its first contract ran.

    Counted from the raw dates: a return is a start later than every end before it.
    """
    frame = raw.assign(
        start=pd.to_datetime(raw["created_date"]), end=pd.to_datetime(raw["canceled_date"])
    ).sort_values(["customer_id", "start", "end"], na_position="last")
    ends = frame["end"].fillna(pd.Timestamp("2100-01-01"))
    reached = ends.groupby(frame["customer_id"]).cummax().groupby(frame["customer_id"]).shift()
    away = frame["start"] > reached
    assert frame.loc[away, "customer_id"].nunique() == 179
    again = frame.groupby("customer_id").size()
    held = set(again[again > 1].index) - set(frame.loc[away, "customer_id"])
    assert len(held) == 6
    contracts = frame[["customer_id", "start", "end"]].reset_index(drop=True)
    by_service = list_contract_spells(contracts, as_of=AS_OF)
    assert by_service.summary()["returning_customers"].tolist() == [179]
    assert by_service.summary()["spells"].tolist() == [3069 - 8]


def test_right_censoring_at_the_last_day(contracts: pd.DataFrame) -> None:
    """Every open contract is censored with its age on 2023-09-08, that day included."""
    spells = list_contract_spells(contracts, as_of=AS_OF, config=BY_CONTRACT)
    frame = spells.to_frame()
    still = frame[~frame["ended"]]
    last = pd.Timestamp(AS_OF)
    expected = (last - still["start"]).dt.days + 1
    assert len(still) == 1065
    np.testing.assert_array_equal(still["duration_days"], expected)
    gone = frame[frame["ended"]]
    np.testing.assert_array_equal(gone["duration_days"], (gone["end"] - gone["start"]).dt.days)
    assert frame.loc[~frame["returned"] & frame["ended"], "absent_days"].min() == 1


def test_incidence_by_payment_equals_statsmodels(contracts: pd.DataFrame) -> None:
    """Cancelled with the first bill unpaid, or paid: two causes, ties and same-day losses."""
    from statsmodels.duration.survfunc import CumIncidenceRight

    spells = list_contract_spells(contracts, as_of=AS_OF, config=BY_CONTRACT)
    paid = contracts["paid"].to_numpy(dtype=np.bool_)[spells.last_contract]
    code = np.where(spells.ended, np.where(paid, 1, 2), 0)
    names = np.array([None, "paid", "unpaid"], dtype=object)
    table = cumulative_incidence(spells.duration, cause=names[code], causes=["paid", "unpaid"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = CumIncidenceRight(spells.duration, code)
    for k in range(2):
        np.testing.assert_allclose(table.incidence[:, k], oracle.cinc[k], rtol=0, atol=1e-12)
        known = ~np.isnan(oracle.cinc_se[k])
        np.testing.assert_allclose(
            table.standard_error[known, k], oracle.cinc_se[k][known], rtol=0, atol=1e-12
        )
    np.testing.assert_allclose(table.survival + table.incidence.sum(axis=1), 1.0, atol=1e-12)
    assert table.time[0] == 0.0
    assert table.events[0].sum() == 108
    assert code.tolist().count(2) == 123  # the other ten unpaid contracts still run


def test_returns_are_an_incidence_too(contracts: pd.DataFrame) -> None:
    """184 spells are followed by a return (3,061 spells of 2,877 customers), by service."""
    spells = list_contract_spells(contracts, as_of=AS_OF)
    ended = spells.ended
    back = np.array([None, "returned"], dtype=object)[spells.returned[ended].astype(int)]
    table = cumulative_incidence(spells.absence[ended], cause=back)
    assert table.events.sum() == spells.returned.sum() == 3061 - 2877
    ninety = table.at([90.0])["incidence(returned)"].iloc[0]
    naive = spells.returned[ended].mean()
    assert 0.05 < ninety < 0.2
    assert naive < table.incidence[-1, 0]


def test_conventions_move_the_figures_as_they_say(contracts: pd.DataFrame) -> None:
    """Without unpaid contracts 133 fewer; billed by the month nobody is gone within one."""
    counted = list_contract_spells(contracts, as_of=AS_OF, config=BY_CONTRACT)
    paid_only = list_contract_spells(
        contracts, as_of=AS_OF, config=BY_CONTRACT.replace(unpaid="ignore")
    )
    assert len(counted) - len(paid_only) == 133
    no_same_day = list_contract_spells(
        contracts, as_of=AS_OF, config=BY_CONTRACT.replace(same_day="ignore")
    )
    assert len(counted) - len(no_same_day) == 108
    monthly = ContractConvention(recognition="billing_end", billing_months=1)
    billed = list_contract_spells(contracts, as_of=AS_OF, config=monthly)
    assert billed.duration[billed.ended].min() >= 28
    gone = [
        int(detect_contract_churn(contracts, as_of=AS_OF, config=config).churned.sum())
        for config in (ContractConvention(), monthly)
    ]
    assert gone[0] == 2877 - 1065
    assert gone[1] < gone[0]
