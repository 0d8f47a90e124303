from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import get_args

import pytest

import retainkit.report
from retainkit._core.catalogue import read_catalogue
from retainkit._pipeline import _find_gaps
from retainkit.metrics import METRIC_DEFINITIONS
from retainkit.metrics._value import REASONS
from retainkit.pipeline import Gap
from retainkit.pipeline import PipelineConfig as Config
from retainkit.policy._guards import GuardRailStatus
from retainkit.report.page._texts import TEXTS, Texts
from retainkit.scorecard._measures import MeasureStatus, Signal, Source
from retainkit.tables._ledger import EntryKind

FOLDER = Path(retainkit.report.__file__).parent
PREFIXES = (
    *(
        "why_",
        "table_",
        "entry_",
        "rail_",
        "unit_",
        "gap_",
        "basis_",
        "audit_",
        "verdict_",
        "model_",
        "bridge_",
        "group_",
        "assumption_",
        "finding_",
        "moves_",
        "limit_",
    ),
)
"""Texts looked up by a code of another room."""


def keys_named_in_the_code() -> set[str]:
    found = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "columns":
                found.update(ast.literal_eval(node.args[1]).split())
    template = (FOLDER / "templates" / "report.html.j2").read_text(encoding="utf-8")
    return found | set(re.findall(r"texts\([\"'](\w+)[\"']", template))


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_say_the_same_things(key: str) -> None:
    label = TEXTS[key]
    assert label.en.strip()
    assert label.zh.strip()
    assert fields(label.en) == fields(label.zh)


def test_every_text_is_used() -> None:
    named = keys_named_in_the_code()
    bases = set(get_args(Config.model_fields["tier_basis"].annotation))
    words = {str(word) for word in (*MeasureStatus, *Signal)} | {"profit", "revenue"}
    unused = {key for key in TEXTS if not key.startswith(PREFIXES)} - named - bases - words
    assert unused == set()


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("why", REASONS),
        ("rail", get_args(GuardRailStatus)),
        ("entry", get_args(EntryKind)),
        ("table", get_args(Source)),
    ],
)
def test_every_code_of_another_room_has_a_text(kind: str, codes: tuple[str, ...]) -> None:
    assert {f"{kind}_{code}" for code in codes} <= set(TEXTS)


def test_an_unknown_code_is_written_in_plain_words() -> None:
    assert Texts("zh").word("why", "not_thought_of_yet") == "not thought of yet"


def test_every_formula_has_a_chinese_text() -> None:
    assert all(d.formula.zh.strip() for d in METRIC_DEFINITIONS.values())


def test_every_gap_has_chinese_texts() -> None:
    catalogue = read_catalogue("retainkit._pipeline", "gaps")
    assert {gap_id for ids in _find_gaps._TABLE_GAPS.values() for gap_id in ids} <= set(catalogue)
    for gap_id, parts in catalogue.items():
        worded_by_the_run = (
            {"why"} if gap_id in ("evidence", "lifetime", "states", "potential", "start") else set()
        )
        assert set(parts) == {"what", "why", "enabled_by"} - worded_by_the_run
        assert all(text["en"].strip() and text["zh"].strip() for text in parts.values())


def test_a_text_without_translation_stays_as_it_is() -> None:
    assert Gap("something new", "because", "that").words("zh") == (
        "something new",
        "because",
        "that",
    )
    breadth = Gap("business breadth", "seen", "that", "breadth_of_lines")
    assert breadth.words("en")[0] == "business breadth"
    assert breadth.words("zh")[0] == "业务综合性"


def test_chinese_sets_the_percent_sign_close() -> None:
    assert Texts("en").share(0.5) == "50.0\N{NO-BREAK SPACE}%"
    assert Texts("zh").share(0.5) == "50.0%"
    assert Texts("zh").range(0.1, 0.2) == "10.0–20.0%"
