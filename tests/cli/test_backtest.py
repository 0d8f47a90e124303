"""`backtest` on the command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import COLUMNS, Command


def words(purchases: Path, out: Path) -> list[object]:
    return [
        *("backtest", purchases, "--as-of", "2024-12-31", "--out", out, "--columns", COLUMNS),
    ]


def test_it_writes_forecasts_scores_and_folds_and_says_it_in_words(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = command([*words(purchases, out), "--folds", "1"])
    assert said.code == 0, said.err
    assert {path.name for path in out.iterdir()} == {"backtest.csv", "summary.csv", "folds.csv"}
    lines = said.out.splitlines()
    assert lines[0].startswith("Standing on 2024-07-01, the run expected ")
    assert "of the following 183 days" in lines[0]
    assert len(lines) <= 12
    frame = pd.read_csv(out / "backtest.csv", dtype={"customer_id": str})
    assert set(frame["candidate"]) == {"run", "recency", "past_spend", "recent_spend"}
    assert "00001" in set(frame["customer_id"])
    summary = pd.read_csv(out / "summary.csv")
    assert summary["candidate"].tolist() == ["run", "recency", "past_spend", "recent_spend"]
    # what came is the sum of the usable rows after the cutoff, the return of 4.50 included
    rows = pd.read_csv(purchases, dtype={"customer": str}).dropna(subset=["customer"])
    later = rows[pd.to_datetime(rows["date"]) > pd.Timestamp("2024-07-01")]
    assert summary["actual"].tolist() == pytest.approx([later["money"].sum()] * 4)


def test_days_can_be_named_and_words_be_chinese(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    days = "2024-06-30,2020-01-01"
    said = command([*words(purchases, tmp_path / "o"), "--folds", days, "--language", "zh"])
    assert said.code == 0, said.err
    assert "2020-01-01 无法检验" in said.out
    assert "以 2024-06-30 为截止日" in said.out


def test_a_wrong_number_of_days_is_refused(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    said = command([*words(purchases, tmp_path / "o"), "--folds", "many"])
    assert said.code == 2
    assert "--folds is 'many'" in said.err
    assert not (tmp_path / "o").exists()


def test_a_run_shows_in_its_report_how_far_it_can_be_trusted(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")
    pytest.importorskip("jinja2", reason="the report needs the extra 'report'")
    run = ["run", *words(purchases, tmp_path / "o")[1:], "--backtest", "1"]
    said = command(run)
    assert said.code == 0, said.err
    assert "How far can this be trusted?" in (tmp_path / "o" / "report.html").read_text("utf-8")
