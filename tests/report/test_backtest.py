"""The picture and the section about past runs held against what came."""

from __future__ import annotations

from typing import Any

import pytest

import retainkit as rk
from retainkit.errors import NotComputableError
from retainkit.pipeline import BacktestResult, RetentionResult
from retainkit.report import plot_backtest, render_report

pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")


@pytest.fixture(scope="module")
def tested() -> BacktestResult:
    return rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=2)


def test_bars_are_as_high_as_the_money(tested: BacktestResult) -> None:
    axes: list[Any] = plot_backtest(tested).axes
    totals, calibration, tiers = axes
    run = tested.summary()
    run = run[run["candidate"] == "run"]
    heights = [bar.get_height() for bar in totals.patches]
    assert heights == pytest.approx([*run["expected"], *run["actual"]])
    groups = tested.calibration()
    points = [y for line in calibration.lines[1:] for y in line.get_ydata()]
    assert points == pytest.approx(groups["active"].tolist())
    outcomes = tested.outcomes()
    last = outcomes[outcomes["cutoff"] == outcomes["cutoff"].max()]
    heights = [bar.get_height() for bar in tiers.patches]
    assert heights == pytest.approx([*last["expected"], *last["actual"]])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_section_says_what_the_result_says(
    tested: BacktestResult,
    cdnow: RetentionResult,
    english: str,
    chinese: str,
    language: Any,
) -> None:
    page = render_report(cdnow, language=language, backtest=tested)
    assert 'id="trust"' in page
    for sentence in tested.describe(language):
        assert sentence.replace("'", "&#39;") in page
    assert 'id="trust"' not in {"en": english, "zh": chinese}[language]


def test_nothing_tested_has_words_and_no_picture(small: RetentionResult) -> None:
    nothing = rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=("1990-01-01",))
    page = render_report(small, backtest=nothing)
    assert "1990-01-01 could not be tested: no row up to this day" in page
    with pytest.raises(NotComputableError, match="no past day could be tested"):
        plot_backtest(nothing)
