"""Sources that contradict each other are said in the result, the report and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.__main__ import main
from retainkit.churn import CodeBook
from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import PipelineConfig, ResultDocument, RetentionPipeline, RetentionResult
from retainkit.report import render_report
from tests.runs import QUIET

pytest.importorskip("matplotlib", reason="the report needs the extra 'report'")
pytest.importorskip("jinja2", reason="the report needs the extra 'report'")
pytestmark = pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")

AS_OF = "2025-12-31"
SAYS = "600 of 600 customers asked to cancel and their contract runs on without an end"
SAYS_ZH = "600 位客户中有 600 位已要求解约"


def open_contracts(n: int = 1000) -> pd.DataFrame:
    joined = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(n) % 200, unit="D")
    return pd.DataFrame({"customer_id": np.arange(n), "start": joined, "end": pd.NaT, "amount": 9})


def said_of(
    ids: range, kind: str, day: str = "2025-11-15", code: str | None = None
) -> pd.DataFrame:
    when = pd.Timestamp(day)
    return pd.DataFrame({"customer_id": ids, "kind": kind, "code": code, "timestamp": when})


def found(result: RetentionResult) -> dict[str, tuple[int, int]]:
    return {one.id: (one.customers, one.of) for one in result.contradictions}


@pytest.fixture(scope="module")
def cancelled() -> RetentionResult:
    """600 cancellations, nothing ended."""
    return RetentionPipeline().run(
        contracts=open_contracts(),
        events=said_of(range(600), "cancellation_request", code="switched_service"),
        as_of=AS_OF,
    )


def test_cancellations_that_end_nothing_are_said(cancelled: RetentionResult) -> None:
    assert found(cancelled) == {"cancelled_but_running": (600, 600)}
    only = cancelled.contradictions[0]
    assert only.customer_id.tolist() == list(range(600))
    assert [gap.id for gap in cancelled.gaps].count("ends_of_contracts") == 1
    written = cancelled.to_document()
    assert written.contradictions[0]["customers"] == 600
    assert ResultDocument.from_json(written.to_json()) == written


def test_the_first_page_says_it_in_both_languages(cancelled: RetentionResult) -> None:
    for language, words in (("en", SAYS), ("zh", SAYS_ZH)):
        page = render_report(cancelled, language=language)  # type: ignore[arg-type]
        first_section = page.split("<section")[1]
        assert words in first_section
        assert page.count(words) >= 2  # and beside the causes


def test_the_command_line_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_contracts().to_csv(tmp_path / "contracts.csv", index=False)
    said_of(range(600), "cancellation_request").to_csv(tmp_path / "events.csv", index=False)
    words = ["run", "--contracts", str(tmp_path / "contracts.csv"), "--as-of", AS_OF]
    words += ["--events", str(tmp_path / "events.csv"), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert SAYS in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert document["contradictions"][0]["customers"] == 600


def test_what_agrees_is_no_contradiction() -> None:
    """An end on record, an end to come, or a new contract signed after the request."""
    contracts = open_contracts(300)
    contracts["end"] = pd.to_datetime(contracts["end"])
    contracts.loc[:99, "end"] = pd.Timestamp("2025-12-01")
    contracts.loc[100:199, "end"] = pd.Timestamp("2026-02-01")
    contracts.loc[200:, "end"] = pd.Timestamp("2025-11-20")
    again = contracts.loc[200:].assign(start=pd.Timestamp("2025-12-05"))
    again["end"] = pd.NaT
    result = RetentionPipeline().run(
        contracts=pd.concat([contracts, again], ignore_index=True),
        events=said_of(range(300), "cancellation_request"),
        as_of=AS_OF,
    )
    assert "cancelled_but_running" not in found(result)


def test_an_end_on_record_while_the_contract_runs() -> None:
    events = pd.concat([said_of(range(3), "death"), said_of(range(3, 5), "termination")])
    result = RetentionPipeline().run(contracts=open_contracts(), events=events, as_of=AS_OF)
    assert found(result)["ended_but_running"] == (5, 5)


def test_who_died_and_bought_later_is_questioned() -> None:
    """Counted by hand: three of four recorded dead bought afterwards."""
    rows = load_cdnow_sample()
    last = rows.groupby("customer_id")["timestamp"].max()
    late = last[last >= pd.Timestamp("1998-06-01")].index[:3]
    early = last[last < pd.Timestamp("1997-12-01")].index[:1]
    ids = [*late, *early]
    dead = pd.DataFrame({"customer_id": ids, "kind": "death", "timestamp": "1998-01-31"})
    result = RetentionPipeline(QUIET).run(rows, events=dead, as_of="1998-06-30")
    assert found(result)["gone_but_bought"] == (3, 4)
    who = next(one for one in result.contradictions if one.id == "gone_but_bought")
    assert sorted(who.customer_id) == sorted(late)


def test_a_death_coded_as_the_reason_ends_the_relation() -> None:
    """In a built-in code, and in a code of the firm's own book."""
    contracts = open_contracts(50)
    contracts.loc[:1, "end"] = pd.Timestamp("2025-11-15")
    contracts["end"] = pd.to_datetime(contracts["end"])
    one = said_of(range(1), "survey_reason", code="Deceased")
    two = said_of(range(1, 2), "survey_reason", code="T9")
    book = CodeBook.from_mapping(
        "shop.reason", {"T9": {"cause": "active.natural", "sub_reason": "deceased"}}
    )
    config = PipelineConfig(code_books=(book,))
    assert PipelineConfig.model_validate_json(config.model_dump_json()) == config
    result = RetentionPipeline(config).run(
        contracts=contracts, events=pd.concat([one, two]), as_of=AS_OF
    )
    view = result.customers.to_frame().set_index("customer_id")
    assert view.loc[[0, 1], "state"].tolist() == ["ended", "ended"]
    assert view.loc[[0, 1], "stance"].tolist() == ["no_contact", "no_contact"]
    assert view.loc[[0, 1], "recoverable"].tolist() == [False, False]
    assert (view.loc[2:, "state"] != "ended").all()
