"""The drawn map: well formed, complete, escaped, the same every time, in both languages."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from retainkit._internal.labels import Label
from retainkit.scorecard import Scorecard, ScorecardTemplate, Target, build_scorecard

SPACE = "{http://www.w3.org/2000/svg}"


def _words(svg: str) -> str:
    return " ".join(node.text or "" for node in ET.fromstring(svg).iter())


def _card() -> Scorecard:
    return build_scorecard(
        {"retention_rate": 0.80, "premium_customers": 1200.0, "unprofitable_share": 0.31},
        targets={"retention_rate": 0.85, "unprofitable_share": 0.2},
        previous=build_scorecard({"retention_rate": 0.78}),
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_objective_and_measure_is_on_the_map(language: str) -> None:
    card = _card()
    words = _words(card.to_svg(language=language))  # type: ignore[arg-type]
    for objective in card.template.objectives:
        assert objective.name.text(language)[:20] in words  # type: ignore[arg-type]
    for entry in card.entries:
        assert entry.measure.text(language) in words  # type: ignore[arg-type]  # in the tooltip
    assert "80.0 % ▲" in words
    assert "1,200" in words


def test_the_map_is_deterministic_and_stays_inside_its_frame() -> None:
    svg = _card().to_svg()
    assert svg == _card().to_svg()
    root = ET.fromstring(svg)
    height = float(root.attrib["height"])
    for rect in root.iter(f"{SPACE}rect"):
        if "x" in rect.attrib:
            assert float(rect.attrib["x"]) + float(rect.attrib["width"]) <= 1280
            assert float(rect.attrib["y"]) + float(rect.attrib["height"]) <= height
    assert len(list(root.iter(f"{SPACE}path"))) == 1 + len(_card().template.links)  # and the tip


def test_boxes_do_not_overlap() -> None:
    root = ET.fromstring(_card().to_svg())
    boxes = [
        tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SPACE}rect")
        if rect.attrib.get("stroke") == "#aab3bf"
    ]
    assert len(boxes) == 24
    for k, (x, y, w, h) in enumerate(boxes):
        for u, v, p, q in boxes[k + 1 :]:
            assert x + w <= u or u + p <= x or y + h <= v or v + q <= y


def test_words_are_escaped() -> None:
    template = ScorecardTemplate.retail_bank()
    evil = Label(en='<script>alert("x")</script> & more', zh="<b>加粗</b>")
    measure = template.measures[0].replace(
        name=evil, definition=evil, owner="<i>me</i>", target=Target(value=0.1)
    )
    template = template.with_measures(measure).replace(name=evil)
    for language in ("en", "zh"):
        svg = build_scorecard({}, template=template).to_svg(language=language)
        assert "<script" not in svg
        assert "<b>" not in svg
        assert "<i>" not in svg
        ET.fromstring(svg)


def test_an_objective_without_measures_says_so() -> None:
    template = ScorecardTemplate.retail_bank()
    bare = template.replace(measures=template.measures[1:])
    assert "no measure" in _words(build_scorecard({}, template=bare).to_svg())
    assert "没有指标" in _words(build_scorecard({}, template=bare).to_svg(language="zh"))
