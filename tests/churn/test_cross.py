"""Causes by group, two bases, Pareto, sensitivity, and the flows of the leaky bucket."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import (
    AttributionConfig,
    CauseTable,
    attribute_causes,
    cause_sensitivity,
    compare_bases,
    cross_causes,
    detect_contract_churn,
    list_contract_spells,
    rank_causes,
    summarize_causes,
)
from retainkit.churn.causes._breakdown import default_alternatives
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.metrics import LeakyBucket, MetricConvention, Period, index_contracts, leaky_bucket
from tests.churn.events import make_churned, make_events

EVERY_LOSS = MetricConvention(counting="event", same_period_join_leave="count_both")
LAW = settings(deadline=None, derandomize=True, max_examples=60)


def make_causes(**kinds: int) -> CauseTable:
    """Return losses of so many customers per kind of event."""
    rows = [(f"{kind}{i}", 0, kind) for kind, count in kinds.items() for i in range(count)]
    return attribute_causes(make_events(*rows), churn=make_churned(*(row[0] for row in rows)))


def test_causes_by_tier_by_hand() -> None:
    causes = make_causes(complaint=3, relocation=1)
    tier: pd.Categorical[str] = pd.Categorical(
        ["key", "small", "small", "key"], categories=["key", "ordinary", "small"]
    )
    cross = cross_causes(causes, by=tier, value=[100.0, 10.0, np.nan, 50.0])
    table = cross.set_index(["group", "cause"])
    assert list(cross["group"].unique()) == ["key", "small"]
    assert table.loc[("key", "active.fault"), "share"] == 0.5
    assert table.loc[("key", "active.natural"), "value"] == 50.0
    assert list(table.loc[("small", "active.fault"), ["customers", "value"]]) == [2, 10.0]
    assert table.loc[("small", "active.fault"), "controllable_share"] == 1.0
    assert cross["customers"].sum() == 4
    np.testing.assert_allclose(cross["expected_customers"].sum(), 4.0)
    assert (cross["low"] <= cross["share"]).all()
    assert (cross["high"] >= cross["share"]).all()


def test_by_period() -> None:
    contracts = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "start": pd.to_datetime(["2025-01-01"] * 2),
            "end": pd.to_datetime(["2026-01-15", "2026-02-15"]),
        }
    )
    churn = detect_contract_churn(contracts, as_of="2026-03-31")
    causes = attribute_causes(make_events(("a", 0, "complaint")), churn=churn)
    left = churn.to_frame().loc[churn.churned, "effective_at"]
    cross = cross_causes(causes, by=left.dt.strftime("%Y-%m"))
    found = cross[cross["customers"] > 0][["group", "cause"]].astype("str").to_numpy().tolist()
    assert found == [["2026-01", "active.fault"], ["2026-02", "unknown"]]


def test_groups_must_fit() -> None:
    causes = make_causes(complaint=2)
    with pytest.raises(AlignmentError, match="1 missing"):
        cross_causes(causes, by=["key", None])
    with pytest.raises(AlignmentError, match="2 losses"):
        cross_causes(causes, by=["key"])


def test_two_bases_by_hand() -> None:
    """30 of 100 against 45 of 100: z = 0.15 / sqrt(0.375 * 0.625 * 0.02) = 2.1909, p = 0.02846."""
    one = summarize_causes(make_causes(complaint=30, relocation=70))
    other = summarize_causes(make_causes(complaint=45, relocation=55))
    row = compare_bases(one, other).set_index("cause").loc["active.fault"]
    assert row["difference"] == pytest.approx(0.15)
    assert row["p_value"] == pytest.approx(0.02846, abs=1e-5)
    assert row["p_adjusted"] == pytest.approx(2 * 0.02846, abs=2e-5)  # two leaves occur
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(45, 100, 30, 100, method="newcomb")
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
    nothing = summarize_causes(make_causes())
    assert compare_bases(one, nothing)["difference"].isna().all()


def test_holm_equals_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    one = summarize_causes(make_causes(complaint=30, relocation=40, death=5, port_out=20, fraud=5))
    other = summarize_causes(make_causes(complaint=45, relocation=40, port_out=9, fraud=6))
    frame = compare_bases(one, other).dropna(subset=["p_value"])
    expected = multipletests(frame["p_value"], method="holm")[1]
    np.testing.assert_allclose(frame["p_adjusted"], expected, rtol=1e-12)


def test_pareto_by_heads_and_by_value() -> None:
    causes = make_causes(complaint=3, relocation=1, fraud=2)
    worth = [1.0, 1.0, 1.0, 90.0, 3.0, 4.0]
    breakdown = summarize_causes(causes, value=worth)
    by_heads, by_value = rank_causes(breakdown), rank_causes(breakdown, measure="value")
    assert by_heads["cause"].tolist() == ["active.fault", "passive.malicious", "active.natural"]
    np.testing.assert_allclose(by_heads["cumulative_share"], [3 / 6, 5 / 6, 1.0])
    assert by_value["cause"].tolist() == ["active.natural", "passive.malicious", "active.fault"]
    assert by_value["share"].iloc[0] == pytest.approx(0.9)
    with pytest.raises(NotComputableError, match="no values"):
        rank_causes(summarize_causes(causes), measure="value")
    assert len(rank_causes(summarize_causes(make_causes()))) == 0


def test_sensitivity_shows_what_hangs_on_the_weights() -> None:
    events = make_events(
        ("a", 0, "survey_reason", "moved"),
        ("a", 0, "agent_note", "low_quality"),
        ("b", 0, "relocation"),
    )
    shares = cause_sensitivity(events, churn=make_churned("a", "b")).set_index("cause")
    assert shares.loc["active.natural", "default"] == 1.0
    assert shares.loc["active.natural", "agent x2"] == 0.5
    assert list(shares.loc["active.fault", ["lowest", "highest"]]) == [0.0, 0.5]
    np.testing.assert_allclose(shares[list(default_alternatives())].sum(), 1.0)
    own = {"strict": AttributionConfig(min_margin=0.9)}
    only = cause_sensitivity(events, churn=make_churned("a"), alternatives=own).set_index("cause")
    assert only.loc["unknown", "strict"] == 1.0
    nobody = cause_sensitivity(events, churn=make_churned(), alternatives=own)
    assert nobody["strict"].isna().all()


GOLDEN = (
    *(("A", "2026-01-01", None), ("B", "2026-01-01", None), ("C", "2026-01-01", None)),
    *(("D", "2026-01-01", "2026-03-20"), ("E", "2026-03-05", None)),
    *(("F", "2026-03-05", "2026-03-25"), ("G", "2026-01-01", "2026-02-01")),
    *(("G", "2026-03-12", None), ("H", "2026-01-01", "2026-03-05"), ("H", "2026-03-20", None)),
    ("I", "2026-01-01", "2026-03-08"),
)


def golden() -> pd.DataFrame:
    """Return the nine customers of the golden period (metrics.md 2.4)."""
    frame = pd.DataFrame(GOLDEN, columns=["customer_id", "start", "end"])
    frame["start"], frame["end"] = pd.to_datetime(frame["start"]), pd.to_datetime(frame["end"])
    return frame


def test_flows_of_the_golden_period() -> None:
    """6 at the start; E and F new, G and H return; D, F, H and I leave; 6 at the end."""
    churn = detect_contract_churn(golden(), as_of="2026-03-31")
    events = make_events(("I", 60, "payment_failed"), ("D", 60, "complaint"))
    causes = attribute_causes(events, churn=churn)
    worth = [100.0, 100.0, 100.0, 100.0, 80.0, 40.0, 70.0, 100.0, 100.0]
    base = index_contracts(golden().assign(amount=1.0), as_of="2026-03-31")
    flows = leaky_bucket(
        base,
        periods=Period.month(2026, 3),
        causes=pd.Series(causes.cause, index=causes.customer_id),
        value=worth,
        cost_to_win=500.0,
        convention=EVERY_LOSS,
    )
    row = flows.summary().iloc[0]
    heads = ["opening", "new", "reactivation", "lost", "closing"]
    assert row[heads].tolist() == [6, 2, 2, 4, 6]
    assert row["lost: passive.non_malicious"] == row["lost: active.fault"] == 1
    assert row["lost: unknown"] + row["lost: unlabelled"] == 2  # F, and H who came back
    assert flows.worth is not None
    assert flows.worth.iloc[0].tolist() == [600.0, 120.0, 170.0, 340.0, 550.0]
    assert row["refill_cost"] == 2000.0
    assert flows.movements.unexplained.tolist() == [0.0]
    again: LeakyBucket = pickle.loads(pickle.dumps(flows))
    pd.testing.assert_frame_equal(again.to_frame(), flows.to_frame())


@LAW
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 30), st.booleans()),
        min_size=1,
        max_size=15,
    ),
    st.lists(st.integers(-5, 61), min_size=2, max_size=6, unique=True),
)
def test_every_period_closes(rows: list[tuple[int, int, int, bool]], cuts: list[int]) -> None:
    """Opening + new + returned - lost = closing = the next opening; in value too."""
    origin = pd.Timestamp("2026-01-01")
    frame = pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "start": [origin + pd.Timedelta(days=row[1]) for row in rows],
            "end": [
                pd.NaT if row[3] else origin + pd.Timedelta(days=row[1] + row[2]) for row in rows
            ],
            "paused": [row[2] % 3 == 0 for row in rows],
        }
    )
    frame["end"] = frame["end"].astype("datetime64[us]")
    frame["amount"] = 1.0
    as_of = origin + pd.Timedelta(days=60)
    base = index_contracts(frame, as_of=as_of)
    bounds = [(origin + pd.Timedelta(days=day)).date() for day in sorted(cuts)]
    periods = [Period(start=start, end=end) for start, end in pairwise(bounds)]
    worth = np.arange(len(base)) * 7.3 + 0.1
    flows = leaky_bucket(base, periods=periods, value=worth, convention=EVERY_LOSS)
    table, weighed = flows.summary(), flows.worth
    assert weighed is not None
    for one in (table, weighed):
        closing = one["opening"] + one["new"] + one["reactivation"] - one["lost"]
        np.testing.assert_allclose(closing, one["closing"], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(one["opening"].iloc[1:], one["closing"].iloc[:-1])
    seen = list_contract_spells(frame, as_of=as_of).to_frame()
    there = seen[(seen["start"] < periods[-1].end.isoformat())]
    whole = leaky_bucket(
        base,
        periods=Period(start=bounds[0], end=bounds[-1]),
        value=worth,
        convention=EVERY_LOSS,
    )
    assert whole.summary()["lost"].sum() == table["lost"].sum()
    assert whole.worth is not None
    np.testing.assert_allclose(whole.worth["closing"].iloc[-1], weighed["closing"].iloc[-1])
    assert table["closing"].iloc[-1] <= there["customer_id"].nunique()


def test_flows_refuse_bad_values() -> None:
    base = index_contracts(golden().assign(amount=1.0), as_of="2026-03-31")
    with pytest.raises(AlignmentError, match="values"):
        leaky_bucket(base, periods=Period.month(2026, 3), value=[1.0])
