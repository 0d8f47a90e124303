"""The two fronts of a year, and the appraisal of account owners."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from retainkit.errors import AlignmentError, SchemaError
from retainkit.metrics import Period, index_contracts
from retainkit.scorecard import FAIRNESS_NOTE, appraise_owners, compare_fronts
from retainkit.scorecard._annual import FRONT_LINES

MARCH = Period.month(2026, 3)


def _golden() -> pd.DataFrame:
    rows = [
        ("A", "2026-01-01", "", 100.0),
        ("B", "2026-01-01", "2026-03-15", 100.0),
        ("B", "2026-03-15", "", 150.0),
        ("C", "2026-01-01", "2026-03-10", 100.0),
        ("C", "2026-03-10", "", 60.0),
        ("D", "2026-01-01", "2026-03-20", 100.0),
        ("E", "2026-03-05", "", 80.0),
        ("G", "2026-01-01", "2026-02-01", 70.0),
        ("G", "2026-03-12", "", 70.0),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "start", "end", "amount"])
    return frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"]))


def test_both_fronts_by_hand() -> None:
    """Start A B C D 400; new E 80; G back 70; B +50; C -40; D -100; kept 3 of 4."""
    base = index_contracts(_golden(), as_of="2026-03-31")
    fronts = compare_fronts(
        base,
        periods=[Period.month(2026, 2), MARCH],
        plan={"retention_rate": 0.8, "lost_customers": 1.0, "new_customers": 2.0},
        acquisition_cost=300.0,
        retention_cost=90.0,
    )
    row = fronts.summary()
    assert row["front"].tolist() == ["expansion"] * 3 + ["consolidation"] * 8
    expected = [1, 80, 300, 1, 0.75, 1, 260 / 400, 310 / 400, 50, 140, 30]
    np.testing.assert_allclose(row["actual"].astype(float), expected)
    frame = fronts.to_frame(language="zh").set_index(["period", "line"])
    assert frame.loc[("2026-03", "retention_rate"), "name"] == "客户保持率"
    last = frame.loc["2026-03"]
    assert last["on_plan"].dropna().to_dict() == {
        "new_customers": False,
        "retention_rate": False,
        "lost_customers": True,
    }
    assert last.loc["retention_rate", "gap"] == pytest.approx(-0.05)
    february = frame.loc["2026-02"]
    assert february["plan"].isna().all()  # plan and costs belong to the last period
    assert february.loc["cost_per_new_customer", "reason"] == "not_supplied"
    assert len(fronts) == 2 * len(FRONT_LINES)


def test_an_incomplete_year_is_no_result() -> None:
    base = index_contracts(_golden(), as_of="2026-03-31")
    frame = compare_fronts(base, periods=[Period.year(2026)]).to_frame()
    assert frame["actual"].isna().all()
    assert set(frame["reason"]) == {"incomplete_period"}
    with pytest.raises(SchemaError, match="the plan names"):
        compare_fronts(base, periods=[MARCH], plan={"happiness": 1.0})


def test_the_mix_is_taken_into_account() -> None:
    """Key customers stay with 0.9, small ones with 0.5; each owner does just that.

    Raw rates differ by 0.4, adjusted ones are equal.
    """
    owner = np.repeat(["Li", "Wang"], 100)
    tier = np.concatenate(
        [np.repeat(["key", "small"], [80, 20]), np.repeat(["key", "small"], [20, 80])]
    )
    kept = np.concatenate(
        [
            *(np.repeat([1.0, 0.0], k) for k in ([72, 8], [10, 10])),
            *(np.repeat([1.0, 0.0], k) for k in ([18, 2], [40, 40])),
        ]
    )
    fair = appraise_owners(owner, kept, stratum=tier)
    assert fair.retention.tolist() == [0.82, 0.58]
    np.testing.assert_allclose(fair.adjusted, [0.7, 0.7])
    assert fair.verdict == ("within_noise", "within_noise")
    assert fair.expected.tolist() == pytest.approx([82.0, 58.0])
    unfair = appraise_owners(owner, kept)  # without strata the mix looks like merit
    assert unfair.verdict == ("better", "worse")
    np.testing.assert_allclose(unfair.adjusted, [0.82, 0.58])


def test_the_bounds_of_the_adjusted_rate_are_exact_poisson() -> None:
    """18 lost where 30 were expected: 18 has the exact bounds chi2(36)/2 and chi2(38)/2."""
    owner = np.repeat(["Li", "Wang"], 100)
    kept = np.concatenate([np.repeat([1.0, 0.0], [82, 18]), np.repeat([1.0, 0.0], [58, 42])])
    result = appraise_owners(owner, kept)
    low, high = chi2.ppf(0.025, 36) / 2, chi2.ppf(0.975, 38) / 2
    assert result.adjusted_lower[0] == pytest.approx(1 - 0.3 * high / 30)
    assert result.adjusted_upper[0] == pytest.approx(1 - 0.3 * low / 30)


def test_few_customers_are_no_ground_for_a_judgement() -> None:
    result = appraise_owners(["Li"] * 50 + ["Wang"] * 3, [1.0] * 50 + [0.0] * 3)
    assert result.verdict == ("within_noise", "too_few")
    assert result.upper[1] > 0.5  # nobody of three kept still says little
    assert "noise" in FAIRNESS_NOTE.en
    assert "噪声" in FAIRNESS_NOTE.zh


def test_movement_profit_and_unknowns() -> None:
    owner = ["Li", "Li", "Li", "Wang", "Wang", None]
    result = appraise_owners(
        owner,
        [1.0, np.nan, 0.0, 1.0, 1.0, 1.0],
        movement=[1, -1, np.nan, 2, 0, 1],
        profit=[10.0, 20.0, 30.0, 40.0, np.nan, 1000.0],
        stratum=["key", "key", "small", "key", "key", "key"],
    )
    assert result.owners == ("Li", "Wang")
    assert result.customers.tolist() == [2, 2]
    assert result.kept.tolist() == [1, 2]
    assert (result.upgrades - result.downgrades).tolist() == [0, 1]
    assert result.profit.tolist() == [60.0, 40.0]
    # mean of key (owned, known): (10 + 20 + 40) / 3; small: 30
    gap = ((10 - 70 / 3) + (20 - 70 / 3) + 0.0) / 3
    assert result.profit_gap[0] == pytest.approx(gap)
    assert np.isnan(result.gap_lower[1])  # one known profit has no spread
    frame = result.to_frame()
    assert frame["net_moves"].tolist() == [0, 1]
    assert pickle.loads(pickle.dumps(result)).to_frame().equals(frame)
    nothing = appraise_owners(["Li"], [np.nan])
    assert np.isnan(nothing.overall)
    assert np.isnan(nothing.profit[0])
    with pytest.raises(AlignmentError, match="kept has 2 values"):
        appraise_owners(["Li"], [1.0, 0.0])


def test_order_of_customers_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    owner, kept = rng.integers(0, 4, 200).astype(str), rng.integers(0, 2, 200).astype(float)
    tier = rng.integers(0, 3, 200).astype(str)
    order = rng.permutation(200)
    one = appraise_owners(owner, kept, stratum=tier).to_frame()
    other = appraise_owners(owner[order], kept[order], stratum=tier[order]).to_frame()
    pd.testing.assert_frame_equal(one, other)


def test_the_page_of_the_year_by_hand() -> None:
    """E is new with 80; G is back; D is lost; 3 of 4 kept; money in hundreds needs no cents."""
    fronts = compare_fronts(
        index_contracts(_golden(), as_of="2026-03-31"),
        periods=[Period.month(2026, 2), MARCH],
        plan={"retention_rate": 0.8, "new_customers": 1.0},
        acquisition_cost=30_000.0,
    )
    page = fronts.side_by_side()
    assert page.shape == (8, 8)
    left, right = page.iloc[:, :4], page.iloc[:, 4:]
    fields = ["line", "actual", "plan", "on plan"]
    assert list(map(list, left.columns)) == [["Expansion: new customers", one] for one in fields]
    assert left.iloc[0].tolist() == ["New customers", "1", "1", "yes"]
    assert left.iloc[1].tolist() == ["Revenue of new customers", "80.00", "–", "–"]
    assert left.iloc[2].tolist() == ["Cost per new customer", "30,000", "–", "–"]
    assert left.iloc[3].tolist() == ["", "", "", ""]
    assert right.iloc[1].tolist() == ["Retention rate", "75.0 %", "80.0 %", "no"]
    assert right.iloc[7].tolist() == ["Cost per customer kept", "–", "–", "–"]
    chinese = fronts.side_by_side(language="zh")
    assert list(chinese.columns[0]) == ["市场扩张：新客户", "项目"]
    assert chinese.iloc[0].tolist()[:4] == ["新客户数", "1", "1", "是"]
    february = fronts.side_by_side(period=Period.month(2026, 2))
    assert february.iloc[1, 5] == "80.0 %"  # A B C D of A B C D G
    assert "30,000" in fronts._repr_html_()
    assert "2026-03" in fronts._repr_html_()
    with pytest.raises(SchemaError, match="was not measured"):
        fronts.side_by_side(period=Period.month(2026, 1))


def test_the_note_stands_under_every_appraisal() -> None:
    shown = appraise_owners(["a", "b"], [1.0, 0.0])._repr_html_()
    assert "Judge nobody on what is within noise" in shown
    assert FAIRNESS_NOTE.zh in shown
