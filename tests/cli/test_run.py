"""Files in, files out: what `demo` and `run` write."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from retainkit import load_cdnow_sample
from retainkit.__main__ import main
from retainkit._cli._progress import StageProgress
from retainkit.pipeline import ResultDocument, RetentionPipeline
from tests.cli.conftest import COLUMNS, Command, Said
from tests.runs import run_cdnow

pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")
pytest.importorskip("jinja2", reason="the report needs the extra 'report'")

FILES = {"customers.csv", "plan.csv", "ledger.csv", "rejected.csv", "result.json", "report.html"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Demo(NamedTuple):
    """The folder a demonstration wrote, and what it said."""

    out: Path
    said: Said


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    out = tmp_path_factory.mktemp("demo") / "deep" / "demo"
    with redirect_stdout(StringIO()) as told, redirect_stderr(StringIO()) as complained:
        code = main(["demo", "--out", str(out)])
    return Demo(out, Said(code, told.getvalue(), complained.getvalue()))


def test_demo_writes_everything(demo: Demo) -> None:
    out, said = demo
    assert said.code == 0, said.err
    assert names(out) == FILES
    assert names(out.parent) == {"demo"}
    result = run_cdnow()
    written = pd.read_csv(out / "customers.csv")
    wanted = result.customers.to_frame()
    assert written["customer_id"].tolist() == wanted["customer_id"].tolist()
    assert written["tier"].tolist() == wanted["tier"].astype(str).tolist()
    assert written["stance"].tolist() == wanted["stance"].astype(str).tolist()
    # CSV keeps the shortest text that reads back as the same double
    assert written["lifetime_value"].tolist() == pytest.approx(
        wanted["lifetime_value"].tolist(), rel=1e-14
    )
    document = ResultDocument.from_json((out / "result.json").read_text(encoding="utf-8"))
    assert document == result.to_document()
    ledger = pd.read_csv(out / "ledger.csv")
    assert ledger.loc[ledger["kind"] == "input", "rows"].tolist() == [6919]


def test_demo_prints_a_short_summary(demo: Demo) -> None:
    said = demo.said
    assert "2,357 customers as of 1998-06-30" in said.out
    assert re.search(r"^key +\d+ customers \( *\d+\.\d%\)", said.out, re.MULTILINE)
    assert "6,919 rows accepted" in said.out
    assert "not computed: cause of leaving (events=)" in said.out
    assert len(said.out.splitlines()) < 40


def test_the_report_needs_no_network(demo: Demo) -> None:
    page = (demo.out / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]+"', page)
    assert "2,357" in page


def test_the_other_language(command: Command, tmp_path: Path) -> None:
    assert command(["demo", "--out", tmp_path, "--language", "zh"]).code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "客户" in page
    reasons = pd.read_csv(tmp_path / "customers.csv")["reason"]
    assert reasons.str.contains("[一-鿿]").all()


def test_ids_keep_their_zeros(command: Command, purchases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = command(["run", purchases, "--as-of", "2024-12-31", "--out", out, "--columns", COLUMNS])
    assert said.code == 0, said.err
    view = pd.read_csv(out / "customers.csv", dtype=str)
    assert len(view) == 40
    assert view["customer_id"].iloc[0] == "00001"
    rejected = pd.read_csv(out / "rejected.csv", dtype=str)
    assert rejected["reason"].tolist() == ["missing_customer_id"]
    assert "1 rows rejected missing_customer_id" in said.out


def test_parquet_is_the_same_as_csv(command: Command, purchases: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.read_csv(purchases, dtype={"customer": "str"}).astype({"date": "datetime64[us]"})
    other = tmp_path / "purchases.parquet"
    frame.to_parquet(other)
    options = ["--as-of", "2024-12-31", "--columns", COLUMNS, "--out"]
    assert command(["run", purchases, *options, tmp_path / "one"]).code == 0
    assert command(["run", other, *options, tmp_path / "two"]).code == 0
    one, two = (tmp_path / folder / "customers.csv" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_further_tables_and_a_configuration(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    customers = tmp_path / "people.csv"
    customers.write_text("id,kind,owes,late\n00002,person,50,200\n", encoding="utf-8")
    events = tmp_path / "events.csv"
    events.write_text("customer_id,timestamp,kind\n00001,2024-12-01,complaint\n", encoding="utf-8")
    config = tmp_path / "my.toml"
    config.write_text(
        'tier_basis = "contribution"\n[tiers]\nnames = ["a", "b"]\n'
        '[tiers.rule]\nkind = "value_share"\nshares = [0.5]\n',
        encoding="utf-8",
    )
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", tmp_path / "out"]
    words += ["--columns", COLUMNS, "--config", config]
    words += ["--customers", customers, "--events", events, "--customer-columns"]
    said = command([*words, "customer_id=id,overdue_amount=owes,days_overdue=late"])
    assert said.code == 0, said.err
    view = pd.read_csv(tmp_path / "out" / "customers.csv", dtype={"customer_id": str})
    by_id = view.set_index("customer_id")
    assert by_id.loc["00002", "standing"] == "bad"
    assert by_id.loc["00002", "stance"] == "exit"
    assert set(view["value_tier"]) == {"a", "b"}
    document = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert document["model"]["config"]["tier_basis"] == "contribution"
    missing = {gap["what"] for gap in document["gaps"]}
    assert "cause of leaving" not in missing
    assert "satisfaction and recommendation" in missing


def test_old_files_are_replaced_only_on_success(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "customers.csv").write_text("old", encoding="utf-8")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    words = ["run", purchases, "--as-of", "2024-12-31", "--out", out]
    assert command(words).code == 2  # the column names are missing
    assert names(out) == {"customers.csv", "notes.txt"}
    assert (out / "customers.csv").read_text(encoding="utf-8") == "old"
    assert command([*words, "--columns", COLUMNS]).code == 0
    assert names(out) == FILES | {"notes.txt"}
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (out / "customers.csv").read_text(encoding="utf-8").startswith("customer_id,")


def test_a_failure_while_writing_leaves_nothing(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "report.html").mkdir(parents=True)  # a folder stands in the way of the last file
    said = command(["run", purchases, "--as-of", "2024-12-31", "--out", out, "--columns", COLUMNS])
    assert said.code == 2
    assert "report.html is a folder" in said.err
    assert names(out) == {"report.html"}
    assert names(tmp_path) == {"out", "purchases.csv"}


def test_notes_of_the_models_are_shown(command: Command, tmp_path: Path) -> None:
    """Ten equal buyers on one day: no model of buying, and the summary says so."""
    lines = [f"{i},2024-12-31,5" for i in range(10)]
    path = tmp_path / "same.csv"
    path.write_text("customer_id,timestamp,amount\n" + "\n".join(lines), encoding="utf-8")
    said = command(["run", path, "--as-of", "2024-12-31", "--out", tmp_path / "out"])
    assert said.code == 0, said.err
    assert "not computed: lifetime model" in said.out


def test_progress_is_silent_for_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    with StageProgress() as progress:
        progress("quick work")
    assert capsys.readouterr().err == ""


def test_progress_appears_after_the_delay(capsys: pytest.CaptureFixture[str]) -> None:
    with StageProgress(delay=0.01) as progress:
        progress("first stage")
        deadline = time.monotonic() + 5.0
        shown = ""
        while "first stage" not in shown and time.monotonic() < deadline:
            time.sleep(0.01)
            shown += capsys.readouterr().err
        progress("second stage")
    assert "first stage" in shown
    assert "second stage" in capsys.readouterr().err


def test_as_a_program(purchases: Path, tmp_path: Path) -> None:
    """The words of the README, in a process of their own."""
    words = [sys.executable, "-m", "retainkit", "run", str(purchases), "--as-of", "2024-12-31"]
    words += ["--out", str(tmp_path / "out"), "--columns", COLUMNS]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "out") == FILES
    failed = subprocess.run(words[:5], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert failed.returncode == 2
    assert "--as-of YYYY-MM-DD" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_run_takes_over_the_folder_of_an_earlier_one(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    """The list lives on, nobody changes sides, edits stay, and prices are written for the next."""
    head, *lines = purchases.read_text(encoding="utf-8").splitlines()
    many = [f"{k}{line}" for k in range(10) for line in lines if line[0] == "0"]
    purchases.write_text("\n".join([head, *many]) + "\n", encoding="utf-8")  # 40 prove nothing
    config = tmp_path / "prices.toml"
    config.write_text(
        '[[prices]]\naction = "ask_why"\ncost = 1.0\neffect = { value = 0.1 }\n', encoding="utf-8"
    )
    words = ["run", purchases, "--columns", COLUMNS, "--config", config]
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    assert command([*words, "--as-of", "2024-08-31", "--out", one]).code == 0
    plan = pd.read_csv(one / "plan.csv", dtype=str, keep_default_na=False)
    assert plan["customer_id"].str.fullmatch(r"\d000\d\d").all()
    plan.loc[0, "status"] = "declined"
    plan.to_csv(one / "plan.csv", index=False)
    said = command([*words, "--as-of", "2024-09-30", "--out", two, "--previous", one])
    assert said.code == 0, said.err
    again = pd.read_csv(two / "plan.csv", dtype=str, keep_default_na=False)
    kept = again.set_index("action_id")["status"]
    assert kept.get(plan.loc[0, "action_id"], "declined") == "declined"
    assert 'action = "ask_why"' in (two / "prices.toml").read_text(encoding="utf-8")
    said = command([*words, "--as-of", "2024-12-31", "--out", three, "--previous", two])
    assert said.code == 0, said.err
    assert "last plan" in said.out


def test_a_folder_without_a_run_is_refused(
    command: Command, purchases: Path, tmp_path: Path
) -> None:
    words = ["run", purchases, "--as-of", "2024-12-31", "--columns", COLUMNS, "--out", tmp_path]
    said = command([*words, "--previous", tmp_path])
    assert said.code == 2
    assert "customers.csv, plan.csv, result.json" in said.err


def test_the_folder_of_an_earlier_run_tells_who_moved(command: Command, tmp_path: Path) -> None:
    """Movement, bridge and held cuts from the files are those from the result in memory."""
    rows, path = load_cdnow_sample(), tmp_path / "sample.csv"
    rows.to_csv(path, index=False)
    before, after = tmp_path / "march", tmp_path / "june"
    words = ["run", path, "--columns", "quantity=quantity"]
    assert command([*words, "--as-of", "1998-03-31", "--out", before]).code == 0
    said = command([*words, "--as-of", "1998-06-30", "--out", after, "--previous", before])
    assert said.code == 0, said.err
    run = RetentionPipeline().run
    wanted = run(rows, as_of="1998-06-30", previous=run(rows, as_of="1998-03-31"))
    told = ResultDocument.from_json((after / "result.json").read_text(encoding="utf-8"))
    expected = wanted.to_document()
    assert told.movement
    pd.testing.assert_frame_equal(  # a file may round the last bit
        pd.DataFrame(told.movement), pd.DataFrame(expected.movement), rtol=1e-12
    )
    assert told.model.tier_scheme == expected.model.tier_scheme
    assert "1998-03-31" in (after / "report.html").read_text(encoding="utf-8")
    for one, other in zip(told.bridge, expected.bridge, strict=True):
        assert one["customers"] == other["customers"]
        assert one["value"] == pytest.approx(other["value"], rel=1e-9)
