"""Raw files as firms have them: a run either understands them, or asks, and never breaks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import COLUMNS, Command

pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")
pytest.importorskip("jinja2", reason="the report needs the extra 'report'")


def test_customers_with_refunds_alone(command: Command, purchases: Path, tmp_path: Path) -> None:
    lines = ["zz-1,2024-12-15,-50", "zz-2,2023-12-01,-5"]
    purchases.write_text(purchases.read_text("utf-8") + "\n".join(lines) + "\n", "utf-8")
    people = tmp_path / "people.csv"
    people.write_text("customer_id,kind\n00001,person\nzz-1,person\nnever,person\n", "utf-8")
    words = ["run", purchases, "--as-of", "2024-12-31", "--columns", COLUMNS]
    said = command([*words, "--customers", people, "--out", tmp_path / "out"])
    assert said.code == 0, said.err
    view = pd.read_csv(tmp_path / "out" / "customers.csv", dtype=str).set_index("customer_id")
    assert view.loc[["zz-1", "zz-2"], "first_day"].isna().all()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "1970" not in page


def test_contracts_alone(command: Command, tmp_path: Path) -> None:
    lines = [
        f"k{i},2023-{1 + i % 12:02d}-01,{f'2024-{1 + i % 12:02d}-01' if i % 3 == 0 else ''},{9 + i}"
        for i in range(36)
    ]
    path = tmp_path / "contracts.csv"
    path.write_text("\n".join(["customer_id,start,end,amount", *lines]) + "\n", "utf-8")
    words = ["run", "--contracts", path, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    said = command(words)
    assert said.code == 0, said.err
    assert (tmp_path / "out" / "report.html").is_file()


def test_dates_with_the_month_first_are_read_and_said(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(purchases, dtype=str)
    days = pd.to_datetime(frame["date"])
    frame["date"] = days.dt.strftime("%m/%d/%Y")
    frame.to_csv(purchases, index=False)
    words = ["run", purchases, "--as-of", "2025-12-31", "--columns", COLUMNS]
    said = command([*words, "--out", tmp_path / "out"])
    assert said.code == 0, said.err
    proof = int((days[frame["customer"].notna()].dt.day > 12).sum())
    told = f"13 and above stand in second place in {proof} rows"
    last = days.max()
    away = (pd.Timestamp("2025-12-31") - last).days
    late = f"the last row is of {last.date()}, {away} days before as_of"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for text in (told, late):
        assert text in said.out
        assert text in page
