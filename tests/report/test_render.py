from __future__ import annotations

import html
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import MissingDependencyError, NotComputableError
from retainkit.pipeline import RetentionPipeline, RetentionResult
from retainkit.report import render_report, write_report
from tests.report.conftest import HOSTILE

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Read a page: check that tags nest, collect ids, attributes and shown texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open = self.open if tag in VOID else self.open[:-1]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))


@pytest.mark.parametrize(
    ("base", "language"), [("cdnow", "en"), ("small", "zh"), ("losing", "zh"), ("hostile", "en")]
)
def test_the_page_is_whole_and_loads_nothing(
    base: str, language: Any, request: pytest.FixtureRequest
) -> None:
    text = render_report(request.getfixturevalue(base), language=language)
    page = Page(text)
    assert len(set(page.ids)) == len(page.ids)
    links = [value for name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert links
    assert all(link.startswith("#") and link[1:] in page.ids for link in links)
    assert "//" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "nan" not in page.texts


def test_the_headline_numbers_are_the_results(cdnow: RetentionResult, english: str) -> None:
    page = Page(english)
    shown = set(page.texts)
    retention = cdnow.metrics.get("retention_rate").value
    assert retention is not None
    assert "2,357" in shown
    assert f"{cdnow.pyramid.customers[0]:,}" in shown
    assert f"{100 * retention:.1f} %" in shown
    assert f"{int(cdnow.scores.states.is_lost.sum()):,}" in shown
    assert f"{100 * cdnow.whale.top_20_share:.1f} %" in shown
    assert "6,919" in shown  # rows of the sample
    assert any("95 % interval" in text for text in shown)


def test_the_80_20_rule_is_measured_not_assumed(small: RetentionResult) -> None:
    """Profits 15, 8, -3 of 20: the best of three makes 75 %; 80 % takes two of three."""
    page = Page(render_report(small))
    assert any("the best 33.3 % of customers (1) make 75.0 %" in text for text in page.texts)
    assert any("80 % takes 66.7 % of customers (2)" in text for text in page.texts)
    assert any("cost more than they bring: 1 (33.3 %)" in text for text in page.texts)


def test_a_negative_total_shows_amounts_and_says_why(losing: RetentionResult) -> None:
    page = Page(render_report(losing))
    assert any("The total is −32, not positive" in text for text in page.texts)
    assert any("amounts are shown" in text for text in page.texts)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_from_data_is_escaped(hostile: RetentionResult, language: Any) -> None:
    text = render_report(hostile, language=language)
    assert "<script" not in text
    shown = " ".join(Page(text).texts)
    assert text.count("&lt;script&gt;") >= 5  # ids, tier in tables and in pictures, reasons, config
    assert HOSTILE + "a" in shown  # the customer's id, as it was
    pictures = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert any("&lt;script" in picture for picture in pictures)


def test_the_same_result_gives_the_same_page(cdnow: RetentionResult, english: str) -> None:
    assert render_report(cdnow) == english


def test_what_was_not_computed_is_listed_with_what_enables_it(
    cdnow: RetentionResult, english: str
) -> None:
    page = Page(english)
    assert cdnow.gaps
    for gap in cdnow.gaps:
        assert set(gap.words()) <= set(page.texts)


def test_only_the_first_ten_key_customers_are_named(cdnow: RetentionResult, english: str) -> None:
    text = english
    key = cdnow.tiers.value.argsort()[::-1]
    named = [str(customer) for customer in cdnow.tiers.customer_id[key[:10]]]
    table = text[text.index("Key customers: the first 10") :]
    table = table[: table.index("</table>")]
    assert re.findall(r'<th scope="row"[^>]*>([^<]*)<', table) == named
    assert len(text) < 400_000


def test_the_configuration_is_there_in_full(cdnow: RetentionResult, english: str) -> None:
    text = english
    shown = re.search(r"<pre>(.*?)</pre>", text, flags=re.DOTALL)
    assert shown is not None
    assert json.loads(html.unescape(shown[1])) == cdnow.config.model_dump(mode="json")


def test_chinese_pages_speak_chinese(chinese: str) -> None:
    page = Page(chinese)
    assert ("lang", "zh-Hans") in page.attributes
    for text in ("两个金字塔", "关键客户", "客户保持率", "保护与深化", "没有事件表", "尚未观察"):
        assert text in page.texts


def test_the_file_holds_the_page(cdnow: RetentionResult, chinese: str, tmp_path: Path) -> None:
    path = write_report(cdnow, str(tmp_path / "report.html"), language="zh")
    assert path == tmp_path / "report.html"
    assert path.read_bytes().decode("utf-8") == chinese


def test_a_language_without_texts_is_refused(cdnow: RetentionResult) -> None:
    language: Any = "de"
    with pytest.raises(NotComputableError, match='language="en"'):
        render_report(cdnow, language=language)


def test_without_jinja2_the_error_says_what_to_install(
    cdnow: RetentionResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retainkit.report.page import _render

    _render._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingDependencyError, match="jinja2 is not installed"):
        render_report(cdnow)


def test_the_gone_had_a_tier_and_an_index_is_no_share(english: str, chinese: str) -> None:
    texts = Page(english).texts
    assert "formerly: Ordinary customers" in texts
    assert "原为：普通客户" in Page(chinese).texts
    gini = texts[texts.index("Gini coefficient") : texts.index("Herfindahl-Hirschman index")]
    assert gini
    assert not any("%" in text for text in gini)
    assert sum(text == "Retention rate" for text in texts) > 0
    assert not any("(E - N) / S" in text and "Retention" in text for text in texts)


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_a_bound_is_no_estimate_and_a_part_of_a_month_says_so() -> None:
    """Customers alike in everything, looked at on 15 March; a year ahead ends on 15 March 2024."""
    rng = np.random.default_rng(5)
    who, when = np.nonzero(rng.random((150, 800)) < 1.0 / 25.0)
    rows = pd.DataFrame({"customer_id": who, "amount": rng.lognormal(3.0, 0.4, len(who)).round(2)})
    rows["timestamp"] = pd.Timestamp("2021-01-05") + pd.to_timedelta(when, unit="D")
    rows = rows[rows["timestamp"] <= "2023-03-15"]
    result = RetentionPipeline().run(rows, as_of="2023-03-15")
    model = result.model.purchase_model
    assert model is not None
    assert "equal_rates" in model.boundary
    texts = Page(render_report(result)).texts
    assert "at its bound" in texts
    assert any("as in a Poisson process" in text for text in texts)
    assert not any(re.fullmatch(r"\d{1,3}(,\d{3}){2,}\.\d{4}", text) for text in texts)
    assert "2023-03 (came until day 15, expected from then on)" in texts
    assert "2024-03 (until day 14)" in texts
    assert "2023-04" in texts
