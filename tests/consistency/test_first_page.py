"""What the first page says does not contradict itself, and what is missing has a reason."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import RetainkitWarning
from retainkit.forecast import fit_forecast
from retainkit.pipeline import RetentionPipeline, RetentionResult
from retainkit.report import render_report
from retainkit.typing import Language
from tests.runs import QUIET, run_cdnow

SILENT = "ignore::retainkit.errors.RetainkitWarning"


def _page(result: RetentionResult, language: Language) -> str:
    return re.sub(r"<[^>]+>", " ", render_report(result, language=language))


@pytest.fixture(scope="module")
def unranked() -> RetentionResult:
    """Customers who are all alike, at random: nobody can be called gone or ranked."""
    rng = np.random.default_rng(4)
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, 4000), unit="D")
    rows = pd.DataFrame({"customer_id": rng.integers(0, 800, 4000), "timestamp": day})
    rows["amount"] = np.round(rng.gamma(3.0, 10.0, 4000), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        return RetentionPipeline().run(rows, as_of="2024-12-31")


def test_nothing_is_told_twice(unranked: RetentionResult) -> None:
    said = unranked.trust()
    assert not any("cannot be ranked" in sentence for sentence in said)
    assert sum("nothing is taken away" in sentence for sentence in said) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_is_gone_is_unknown_not_none(unranked: RetentionResult, language: Language) -> None:
    assert not unranked.scores.states.scheme.uses("gone")
    word = {"en": "Nobody is called gone", "zh": "未判定任何客户流失"}[language]
    assert word in _page(unranked, language)


def test_what_was_judged_before_is_not_what_speaks_today() -> None:
    """Nothing was sold for a year: there is nothing to learn from, whatever ranked before."""
    rng = np.random.default_rng(8)
    who = rng.integers(0, 300, 5000)
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 1120, 5000), unit="D")
    rows = pd.DataFrame({"customer_id": who, "timestamp": day, "amount": 5.0 + who})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        model = fit_forecast(rows, as_of="2024-12-31", horizon_days=330)
    assert model.origins
    assert model.regressions is None
    assert model.trust.ranks == "not known"


def test_a_missing_lifetime_value_has_its_reason(unranked: RetentionResult) -> None:
    for result in (unranked, run_cdnow()):
        view = result.customers.to_frame()
        assert view["lifetime_value"].isna().equals(view["lifetime_note"].notna())
    zh = unranked.customers.to_frame(language="zh")
    assert zh["lifetime_note"].notna().equals(zh["lifetime_value"].isna())


@pytest.mark.filterwarnings(SILENT)
def test_who_has_left_a_tiny_contract_firm_is_worth_nothing() -> None:
    contracts = pd.DataFrame(
        {
            "customer_id": range(3),
            "start": ["2024-01-01", "2024-03-01", "2024-03-01"],
            "end": ["2024-09-15", "", ""],
            "amount": [10.0, 20.0, 30.0],
            "term_months": [12, 24, 24],
        }
    )
    result = RetentionPipeline().run(contracts=contracts, as_of="2024-12-31")
    view = result.customers.to_frame()
    assert view.loc[0, "lifetime_value"] == 0.0
    assert view["lifetime_value"].isna().equals(view["lifetime_note"].notna())


@pytest.fixture(scope="module")
def surveyed() -> RetentionResult:
    surveys = pd.DataFrame(
        {"customer_id": [1, 2, 2], "timestamp": "1998-06-01", "satisfaction": [3.0, 4.0, 5.0]}
    )
    return RetentionPipeline(QUIET).run(load_cdnow_sample(), as_of="1998-06-30", surveys=surveys)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_surveys_speak_of_responders_only(surveyed: RetentionResult, language: Language) -> None:
    words = {"en": "2 of 2,357 customers have answered", "zh": "2,357 位客户中有 2 位答复"}
    assert words[language] in render_report(surveyed, language=language)


@pytest.mark.filterwarnings(SILENT)
def test_contracts_say_their_total() -> None:
    start = pd.date_range("2022-01-01", periods=300, freq="3D")
    rng = np.random.default_rng(0)
    end = start + pd.to_timedelta(30 * rng.geometric(0.1, 300), unit="D")
    table = pd.DataFrame({"customer_id": range(300), "start": start, "end": end, "amount": 9.0})
    table["end"] = table["end"].where(table["end"] <= "2024-06-18")
    result = RetentionPipeline().run(contracts=table, as_of="2024-06-18")
    assert result.forecast is not None
    total = f"{np.nansum(result.forecast.expected_value):,.0f}"
    assert total in result.trust()[0]
    assert "365" in result.trust()[0]
