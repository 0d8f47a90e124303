from __future__ import annotations

import pickle

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest

from retainkit.errors import AlignmentError, SchemaError
from retainkit.metrics import wallet_allocation_rule
from retainkit.value import (
    BasesConfig,
    CustomerSummary,
    measure_wallet,
    segment_bases,
    summarize_behavior,
    summarize_customers,
)
from retainkit.value.behavior._bases import SEGMENT_BASES
from retainkit.value.behavior._potential import add_wallet_room

AS_OF = "2024-12-31"


def make_rows() -> pd.DataFrame:
    # a: 4 purchases, b: 2, c: 1, d: long gone, e: only a return
    days = ["2024-02-01", "2024-04-01", "2024-06-01", "2024-12-01", "2024-05-01", "2024-11-01"]
    days += ["2024-12-20", "2022-01-01", "2022-02-01", "2024-03-01"]
    return pd.DataFrame(
        {
            "customer_id": list("aaaabbcdde"),
            "timestamp": pd.to_datetime(days),
            "amount": [10.0] * 9 + [-5.0],
        }
    )


@pytest.fixture
def summary() -> CustomerSummary:
    return summarize_customers(make_rows(), as_of=AS_OF)


def test_use_intensity(summary: CustomerSummary) -> None:
    bases = segment_bases(summary)
    # users a, b, c buy 4, 2, 1 a year: above the median, 2, is a alone
    assert bases.heavy_above == 2.0
    assert bases.to_frame()["use_intensity"].tolist() == ["heavy", "light", "light", "none", "none"]
    assert bases.to_frame()["loyalty"].tolist() == ["moderate", "moderate", "none", "none", "none"]
    assert bases.to_frame()["benefit_sought"].isna().all()
    assert bases.to_frame()["attitude"].isna().all()
    nobody = segment_bases(summary, config=BasesConfig(active_days=1.0))
    assert np.isnan(nobody.heavy_above)
    pickle.loads(pickle.dumps(bases))


def test_loyalty_and_attitude_from_models_and_surveys(summary: CustomerSummary) -> None:
    surveys = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "a", "z"],
            "timestamp": pd.to_datetime(
                ["2024-03-01", "2024-06-01", "2024-06-01", "2024-06-01", "2025-01-01", "2024-01-01"]
            ),
            "satisfaction": [1.0, 5.0, 3.0, 2.0, 1.0, 5.0],
            "likelihood_to_recommend": [0.0, 10.0, 5.0, np.nan, 0.0, 10.0],
        }
    )
    bases = segment_bases(
        summary,
        p_alive=np.array([0.9, 0.8, 0.9, 0.0, np.nan]),
        share_of_wallet=np.array([np.nan, 0.7, np.nan, np.nan, np.nan]),
        surveys=surveys,
        benefit_sought=["price", None, "brand", "service", None],
    )
    frame = bases.to_frame()
    assert frame["loyalty"].tolist() == ["committed", "strong", "none", "none", "none"]
    assert frame["attitude"].tolist()[:3] == ["delighted", "satisfied", "dissatisfied"]
    assert frame["benefit_sought"].tolist()[0] == "price"
    counts = bases.summary()["customers"]
    for basis in SEGMENT_BASES:
        assert counts[basis].sum() == len(summary)
    low = segment_bases(summary, p_alive=np.full(5, 0.9), share_of_wallet=np.full(5, 0.1))
    assert low.loyalty.max() == 1


def test_bases_refuse(summary: CustomerSummary) -> None:
    with pytest.raises(AlignmentError, match="p_alive"):
        segment_bases(summary, p_alive=np.ones(2))
    with pytest.raises(SchemaError, match="beauty"):
        segment_bases(summary, benefit_sought=["beauty"] * 5)


def test_wallet_by_hand() -> None:
    behavior = summarize_behavior(make_rows(), as_of=AS_OF)
    customers = pd.DataFrame(
        {
            "customer_id": ["e", "d", "c", "b", "a", "q"],
            "category_spending": [10.0, 100.0, 4.0, np.nan, 160.0, 1.0],
        }
    )
    wallet = measure_wallet(behavior, customers)
    frame = wallet.to_frame()
    assert frame["reason"].tolist() == [
        "known", "not_known", "above_category", "no_spend", "no_spend",
    ]  # fmt: skip
    npt.assert_allclose(wallet.share, [0.25, np.nan, np.nan, np.nan, np.nan])
    npt.assert_allclose(wallet.ratio[2], 2.5)  # reported, not clipped
    npt.assert_allclose(wallet.room[0], 120.0)
    assert wallet.summary()["customers"].sum() == 5
    age = np.array([100.0, 400.0, 400.0, 400.0, np.nan])
    partial = measure_wallet(behavior, customers, age_days=age).to_frame()
    assert partial["reason"].tolist()[0] == "partial_year"
    potential = add_wallet_room(np.full(5, 30.0), wallet, attainable=0.1, horizon_days=730.5)
    npt.assert_allclose(potential, [30.0 + 24.0, 30.0, 30.0, 30.0, 30.0])


def test_a_share_by_rank_serves_where_the_category_is_not_known() -> None:
    # ranked first of two brands: (1 - 1 / 3) * 2 / 2 (Keiningham et al. 2011)
    rows = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "timestamp": pd.Timestamp("2024-01-31"),
            "amount": [50.0, 80.0, 30.0, -5.0],
        }
    )
    behavior = summarize_behavior(rows, as_of="2024-12-31")
    rule = wallet_allocation_rule([1], [2])[0]
    shares = np.array([rule, rule, np.nan, rule])
    customers = pd.DataFrame({"customer_id": [1], "category_spending": [200.0]})
    wallet = measure_wallet(behavior, customers, inferred_share=shares)
    npt.assert_allclose(wallet.share, [0.25, 2 / 3, np.nan, np.nan])
    npt.assert_allclose(wallet.room, [150.0, 40.0, np.nan, np.nan])
    reasons = wallet.to_frame()["reason"].tolist()
    assert reasons == ["known", "inferred", "not_known", "not_known"]
    alone = measure_wallet(behavior, customers[["customer_id"]], inferred_share=shares)
    npt.assert_allclose(alone.share, [2 / 3, 2 / 3, np.nan, np.nan])
    with pytest.raises(SchemaError, match="outside"):
        measure_wallet(behavior, customers, inferred_share=np.array([0.0, 1.0, 0.5, 0.5]))
    with pytest.raises(AlignmentError, match="inferred_share"):
        measure_wallet(behavior, customers, inferred_share=shares[:2])


def test_wallet_refuses() -> None:
    behavior = summarize_behavior(make_rows(), as_of=AS_OF)
    customers = pd.DataFrame({"customer_id": ["a"], "category_spending": [1.0]})
    with pytest.raises(SchemaError, match="category_spending"):
        measure_wallet(behavior, customers[["customer_id"]])
    with pytest.raises(AlignmentError, match="age_days"):
        measure_wallet(behavior, customers, age_days=np.ones(2))
    with pytest.raises(AlignmentError, match="future_value"):
        add_wallet_room(np.ones(2), measure_wallet(behavior, customers), attainable=0.1)
