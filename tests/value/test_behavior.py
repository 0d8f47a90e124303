from __future__ import annotations

import pickle
from itertools import pairwise
from math import log
from statistics import mean, median, stdev
from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AsOfError, SchemaError
from retainkit.value import BehaviorConfig, summarize_behavior, summarize_customers
from retainkit.value.behavior import _kernel_behavior
from retainkit.value.behavior._kernel_behavior import regularity, trend_of

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
DAY0 = pd.Timestamp("2024-01-01")
Row = tuple[int, int, float]


def frame_of(rows: list[Row]) -> pd.DataFrame:
    who, day, amount = zip(*rows, strict=True)
    stamps = DAY0 + pd.to_timedelta(list(day), unit="D")
    return pd.DataFrame({"customer_id": who, "timestamp": stamps, "amount": amount})


def test_rhythm_by_hand() -> None:
    # days 0, 2, 2, 12, 18: gaps 2, 10, 6; a return is no occasion
    rows = [(7, day, 5.0) for day in (0, 2, 2, 12, 18)] + [(7, 19, -5.0), (8, 3, 1.0), (9, 4, -1.0)]
    behavior = summarize_behavior(frame_of(rows), as_of="2024-01-31", unit="day")
    assert behavior.customer_id.tolist() == [7, 8, 9]
    assert behavior.occasions.tolist() == [4, 1, 0]
    npt.assert_array_equal(behavior.mean_gap, [6.0, np.nan, np.nan])
    npt.assert_array_equal(behavior.median_gap, [6.0, np.nan, np.nan])
    npt.assert_array_equal(behavior.last_gap, [6.0, np.nan, np.nan])
    npt.assert_allclose(behavior.gap_variation, [4.0 / 6.0, np.nan, np.nan])
    npt.assert_allclose(behavior.year_spend, [20.0, 1.0, -1.0])


@LAWS
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), min_size=1, max_size=40))
def test_gaps_are_those_of_a_plain_loop(rows: list[tuple[int, int]]) -> None:
    """Mean, median, variation and last gap equal those of the sorted distinct days."""
    behavior = summarize_behavior(
        frame_of([(who, day, 1.0) for who, day in rows]), as_of="2024-03-31", unit="day"
    )
    for place, who in enumerate(behavior.customer_id):
        days = sorted({day for one, day in rows if one == who})
        gaps = [b - a for a, b in pairwise(days)]
        assert behavior.occasions[place] == len(days)
        expected = [mean(gaps), median(gaps), gaps[-1]] if gaps else [np.nan] * 3
        found = [a[place] for a in (behavior.mean_gap, behavior.median_gap, behavior.last_gap)]
        npt.assert_allclose(found, expected)
        variation = stdev(gaps) / mean(gaps) if len(gaps) > 1 else np.nan
        npt.assert_allclose(behavior.gap_variation[place], variation, atol=1e-12)


@pytest.mark.parametrize("k", [0.5, 1.0, 3.0])
def test_regularity_is_recovered_whatever_the_rates(k: float) -> None:
    """Gamma(k) gaps give k back within 3 standard errors, customers' rates differing."""
    random = np.random.default_rng(11)
    gaps = random.gamma(k, 1.0, (20_000, 2)) * random.gamma(1.0, 10.0, (20_000, 1))
    found, error = regularity(gaps[:, 1] / gaps.sum(axis=1))
    assert abs(found - k) < 3 * error
    assert error < 0.1 * k


def test_regularity_by_hand() -> None:
    # (1/4 - 1/2)^2 twice: v = 1/16, k = (1 - 1/4) / (1/2) = 1.5
    npt.assert_allclose(regularity(np.array([0.25, 0.75]))[0], 1.5)
    assert np.isnan(regularity(np.array([0.5]))[0])
    assert regularity(np.array([0.5, 0.5]))[0] == np.inf


def test_cdnow_is_bought_at_random_moments() -> None:
    # Platzer & Reutterer (2016): CDNOW shows no regularity (k about 1).
    behavior = summarize_behavior(load_cdnow_sample(), as_of="1998-06-30")
    assert abs(behavior.regularity - 1.0) < 3 * behavior.regularity_error


def test_preference_by_hand() -> None:
    rows = frame_of(
        [(1, 0, 30.0), (1, 1, 10.0), (1, 2, -40.0), (2, 0, 0.0), (3, 0, 5.0), (3, 1, 5.0)]
    )
    rows["business_line"] = pd.Categorical(["b", "a", "b", "a", "c", "b"])
    rows["channel"] = ["web", None, "web", "web", None, None]
    behavior = summarize_behavior(rows, as_of="2024-01-31")
    lines, channels = behavior.lines, behavior.channels
    assert lines is not None
    assert channels is not None
    assert lines.labels.tolist() == ["a", "b", "c"]
    assert lines.top.tolist() == [1, -1, 1]  # equal money: the first label
    npt.assert_allclose(lines.top_share, [0.75, np.nan, 0.5])
    entropy = -(0.75 * log(0.75) + 0.25 * log(0.25))
    npt.assert_allclose(lines.entropy, [entropy, np.nan, log(2)])
    npt.assert_allclose(lines.effective[2], 2.0)
    assert channels.top.tolist() == [0, -1, -1]
    frame = behavior.to_frame()
    assert frame["top_line"].isna().tolist() == [False, True, False]
    pickle.loads(pickle.dumps(behavior))


def test_trend_by_hand() -> None:
    # Two customers, each 4 equal purchases: shares 3/4 and 1/4 around 1/2. Their spread
    # n (own - rate)^2 = 1/4 each is no more than binomial: drawn in by all 8 purchases.
    ten = np.array([10.0, 30.0])
    alike = trend_of(ten[::-1], ten, np.full(2, 400.0), 0.95)
    npt.assert_allclose(alike.change, [7 / 5 - 1, 5 / 7 - 1])
    # 40 equal purchases each: excess = 2 * 40 / 16 - 2 / 4 = 4.5; r = 4.5 / (78 / 4), pull = 10/3
    apart = trend_of(ten[::-1], ten, np.full(2, 40.0), 0.95)
    share = (30 + 0.5 * 10 / 3) / (40 + 10 / 3)
    npt.assert_allclose(apart.change, [share / (1 - share) - 1, (1 - share) / share - 1])
    assert (apart.low < apart.change).all()
    assert (apart.high > apart.change).all()
    assert apart.base == pytest.approx(0.0)


def test_trend_needs_both_windows_and_purchases() -> None:
    rows = [(1, day, 10.0) for day in range(0, 366, 5)]
    rows += [(2, 300, 10.0), (3, 10, 10.0), (4, 280, 10.0), (4, 10, 2.0)]
    behavior = summarize_behavior(frame_of(rows), as_of="2024-12-31")
    assert np.isfinite(behavior.spending_trend).tolist() == [True, False, False, True]
    npt.assert_allclose(behavior.recent_spend[1], 10.0)
    half = summarize_behavior(
        frame_of(rows), as_of="2024-12-31", config=BehaviorConfig(trend_days=10)
    )
    npt.assert_allclose([half.recent_spend[0], half.earlier_spend[0]], [20.0, 20.0])


@LAWS
@given(st.integers(0, 10**6), st.sampled_from([0.01, 128.0]))
def test_order_and_currency_change_nothing(seed: int, scale: float) -> None:
    """Shuffled rows give the same facts; another currency changes money only."""
    random = np.random.default_rng(seed)
    rows = frame_of(
        [(int(a), int(b), float(c)) for a, b, c in random.integers(1, [9, 360, 50], (60, 3))]
    )
    rows["business_line"] = random.choice(["x", "y", "z"], 60)
    one = summarize_behavior(rows, as_of="2024-12-31")
    places = one.customer_id.get_indexer
    shuffled = rows.sample(frac=1.0, random_state=seed % 2**31).reset_index(drop=True)
    other = summarize_behavior(
        shuffled.assign(amount=shuffled["amount"] * scale), as_of="2024-12-31"
    )
    at = places(other.customer_id)
    for name in ("mean_gap", "median_gap", "last_gap", "gap_variation", "spending_trend"):
        npt.assert_allclose(getattr(other, name), getattr(one, name)[at], rtol=1e-9, atol=1e-9)
    npt.assert_allclose(other.year_spend, scale * one.year_spend[at])
    assert one.lines is not None
    assert other.lines is not None
    npt.assert_allclose(other.lines.entropy, one.lines.entropy[at], atol=1e-9)
    assert not np.isinf(one.trend_beyond_base).all()


@pytest.mark.parametrize("rows_per_block", [1, 100, 3000])
def test_blocks_of_customers_change_nothing(
    monkeypatch: pytest.MonkeyPatch, rows_per_block: int
) -> None:
    """Described in blocks or at once, every number is the same to the last bit."""
    rows = load_cdnow_sample()
    random = np.random.default_rng(5)
    rows["business_line"] = random.choice(["a", "b", "c"], len(rows))
    rows.loc[::17, "business_line"] = None
    rows.loc[::11, "amount"] *= -1.0 / 3.0
    rows = rows.sample(frac=1.0, random_state=2).reset_index(drop=True)
    whole = summarize_behavior(rows, as_of="1998-03-31")
    monkeypatch.setattr(_kernel_behavior, "_ROWS_PER_BLOCK", rows_per_block)
    parts = summarize_behavior(rows, as_of="1998-03-31")
    pd.testing.assert_frame_equal(parts.to_frame(), whole.to_frame(), check_exact=True)
    npt.assert_allclose(
        [parts.regularity, parts.base_trend], [whole.regularity, whole.base_trend], rtol=1e-12
    )


def test_same_customers_as_the_summary() -> None:
    rows: Any = load_cdnow_sample()
    behavior = summarize_behavior(rows, as_of="1997-09-30")
    summary = summarize_customers(rows, as_of="1997-09-30")
    assert behavior.customer_id.equals(summary.customer_id)
    npt.assert_array_equal(behavior.occasions, summary.occasions)
    again = summary.frequency > 0
    npt.assert_allclose((behavior.mean_gap * summary.frequency)[again], summary.recency[again])
    assert len(behavior.summary()) == 9


def test_refuses() -> None:
    rows = frame_of([(1, 0, 1.0)])
    with pytest.raises(SchemaError):
        summarize_behavior(rows.drop(columns="amount"), as_of="2024-01-31")
    with pytest.raises(AsOfError):
        summarize_behavior(rows, as_of="2023-01-31")
