"""The drawn map: well formed, complete, escaped, the same every time, in both languages."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from retainkit._core.labels import Label
from retainkit.scorecard import Scorecard, ScorecardTemplate, Target, build_scorecard
from retainkit.typing import Language

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
    lines = [path for path in root.iter(f"{SPACE}path") if path.attrib.get("marker-end")]
    assert len(lines) == len(_card().template.links)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "template",
    [
        ScorecardTemplate.complete(),
        ScorecardTemplate.systems_integrator(),
        ScorecardTemplate.retail_bank(),
        ScorecardTemplate.chemicals_producer(),
    ],
    ids=lambda template: template.id,
)
def test_no_name_on_the_map_is_cut(template: ScorecardTemplate, language: Language) -> None:
    """With a value of seven digits beside it, every name still fits on its two lines."""
    values = {measure.id: 0.5 if measure.unit == "share" else 1e6 for measure in template.measures}
    svg = build_scorecard(values, template=template).to_svg(language=language)
    shown = [text.text or "" for text in ET.fromstring(svg).iter(f"{SPACE}text")]
    assert [text for text in shown if text.endswith("…")] == []


def test_lights_differ_in_shape_as_well_as_in_colour() -> None:
    """Disc, diamond, square, ring: in the legend, whatever the card holds."""
    root = ET.fromstring(build_scorecard({}).to_svg())
    group = f"{SPACE}g"
    inside = {shape for one in root.iter(group) for shape in one.iter()}
    legend = [shape for shape in root.iter() if shape not in inside]
    kinds = [
        (shape.tag.removeprefix(SPACE), shape.attrib.get("fill"))
        for shape in legend
        if shape.attrib.get("fill") in ("#2e7d32", "#ef9a00", "#c62828", "none")
        and "marker-end" not in shape.attrib
    ]
    assert sorted(kind for kind, _ in kinds) == ["circle", "circle", "path", "rect"]


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
