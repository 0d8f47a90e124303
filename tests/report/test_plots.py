from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from retainkit.errors import MissingDependencyError, NotComputableError
from retainkit.metrics import CohortTable, build_cohorts, index_purchases
from retainkit.pipeline import RetentionResult
from retainkit.report import plot_cohorts, plot_pyramids, plot_stages, plot_whale_curve
from retainkit.report.plots._canvas import blend, ink_on, to_svg
from retainkit.tiers import (
    RelationArrays,
    TierPyramid,
    TierSchemeConfig,
    assign_tiers,
    fit_lifecycle_scheme,
    fit_tier_scheme,
    lifecycle_stage,
    tier_pyramid,
    whale_curve,
)
from tests.report.conftest import HOSTILE


def pyramid_of(value: list[float], profit: list[float] | None = None) -> TierPyramid:
    return tier_pyramid(assign_tiers(value, fit_tier_scheme(value)), value=profit)


def bars(figure: Figure, *, left: bool) -> list[Rectangle]:
    found = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    return [p for p in found if (p.get_x() + p.get_width() / 2 < 380) is left]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def cohorts_of(rows: list[tuple[str, str]], as_of: str) -> CohortTable:
    frame = pd.DataFrame(rows, columns=["customer_id", "timestamp"]).assign(amount=1.0)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    return build_cohorts(index_purchases(frame, as_of=as_of))


def test_bars_are_proportional_centred_and_on_one_scale() -> None:
    """5 customers: 2, 1, 2 heads; 85, 10, 5 of 100 in value."""
    figure = plot_pyramids(pyramid_of([60.0, 25.0, 10.0, 3.0, 2.0]))
    heads, value = bars(figure, left=True), bars(figure, left=False)
    unit = value[0].get_width() / 0.85
    assert [bar.get_width() / unit for bar in heads] == pytest.approx([0.4, 0.2, 0.4])
    assert [bar.get_width() / unit for bar in value] == pytest.approx([0.85, 0.1, 0.05])
    for side in (heads, value):
        centres = [bar.get_x() + bar.get_width() / 2 for bar in side]
        assert centres == pytest.approx([centres[0]] * 3)
    assert "2 · 40.0\N{NO-BREAK SPACE}%" in words(figure)
    assert "85 · 85.0\N{NO-BREAK SPACE}%" in words(figure)


def test_a_tier_that_loses_money_is_hatched_and_keeps_its_sign() -> None:
    pyramid = pyramid_of([60.0, 25.0, 10.0, 3.0, 2.0], [70.0, 50.0, 10.0, -20.0, -10.0])
    figure = plot_pyramids(pyramid)
    small = bars(figure, left=False)[2]
    assert small.get_hatch()
    assert small.get_width() / bars(figure, left=False)[0].get_width() == pytest.approx(30 / 120)
    assert "−30 · −30.0\N{NO-BREAK SPACE}%" in words(figure)


def test_shares_of_a_total_that_is_not_positive_are_left_out() -> None:
    figure = plot_pyramids(pyramid_of([60.0, 40.0], [-5.0, -7.0]))
    assert [text for text in words(figure) if "−12" in text] == ["−12", "−12"]


def test_an_empty_tier_has_a_mark_and_no_band() -> None:
    figure = plot_pyramids(pyramid_of([-1.0, -2.0]))
    heads = bars(figure, left=True)
    assert [bar.get_width() < 2 for bar in heads] == [True, True, False]
    assert len([p for p in figure.axes[0].patches if not isinstance(p, Rectangle)]) == 1


def test_the_whale_curve_shows_shares_with_the_peak() -> None:
    figure = plot_whale_curve(whale_curve([60.0, 50.0, 10.0, 0.0, -20.0]))
    curve = next(line for line in figure.axes[0].lines if len(np.atleast_1d(line.get_xdata())) == 6)
    assert np.asarray(curve.get_ydata()) == pytest.approx([0.0, 0.6, 1.1, 1.2, 1.2, 1.0])
    assert "peak 120.0\N{NO-BREAK SPACE}% at 60.0\N{NO-BREAK SPACE}% of customers" in words(figure)
    assert "20.0\N{NO-BREAK SPACE}% of customers: 60.0\N{NO-BREAK SPACE}%" in words(figure)


def test_without_a_positive_total_the_whale_curve_shows_money() -> None:
    figure = plot_whale_curve(whale_curve([10.0, -30.0]))
    curve = next(line for line in figure.axes[0].lines if len(np.atleast_1d(line.get_xdata())) == 3)
    assert np.asarray(curve.get_ydata()).tolist() == [0.0, 10.0, -20.0]
    low, high = figure.axes[0].get_ylim()
    assert low < -20
    assert high > 10
    assert not any("%" in tick.get_text() for tick in figure.axes[0].get_yticklabels())


def test_a_base_without_values_says_so() -> None:
    assert words(plot_whale_curve(whale_curve([]))) == ["No customer has a computable value"]


def test_zero_unobserved_and_partly_observed_look_different() -> None:
    """January: a and b, b again in March; February: c; the data end before March does."""
    rows = [("a", "2025-01-05"), ("b", "2025-01-06"), ("c", "2025-02-01"), ("b", "2025-03-02")]
    figure = plot_cohorts(cohorts_of(rows, as_of="2025-03-30"))
    cells = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    in_grid = [cell for cell in cells if 46 <= cell.get_y() < 46 + 2 * 26 and cell.get_x() > 100]
    hatched = [cell for cell in in_grid if cell.get_hatch()]
    dashed = [cell for cell in in_grid if cell.get_linestyle() == "--"]
    white = [cell for cell in in_grid if _face(cell) == "#ffffff" and not cell.get_hatch()]
    assert len(hatched) == 1  # February's second month
    assert len(dashed) == 2  # March, of both cohorts
    assert len(white) == 2  # nobody in January's first month, nobody in February's
    assert words(figure).count("0") >= 2
    assert "50.0" in words(figure)


def _face(patch: Patch) -> str:
    return str(matplotlib.colors.to_hex(patch.get_facecolor())) if patch.get_fill() else ""


def test_cohorts_without_a_later_month_say_so() -> None:
    figure = plot_cohorts(cohorts_of([("a", "2025-01-05")], as_of="2025-01-20"))
    assert words(figure) == ["No later period has been observed yet"]


def test_many_cohorts_are_cut_to_the_latest() -> None:
    rows = [(str(i), f"{2015 + i // 12}-{1 + i % 12:02d}-15") for i in range(60)]
    figure = plot_cohorts(cohorts_of(rows, as_of="2019-12-31"))
    assert "2017-01" in words(figure)
    assert "2016-12" not in words(figure)


def test_stages_that_cannot_be_computed_have_a_bar_of_their_own() -> None:
    history = RelationArrays([1, 3, 2], [0.0, 8.0, np.nan], [9.0, 9.0, np.nan], [9.0, 1.0, np.nan])
    scheme = fit_lifecycle_scheme(RelationArrays([3], [8.0], [9.0], [1.0]))
    figure = plot_stages(lifecycle_stage(history, scheme))
    assert "Not computable" in words(figure)
    assert sum(p.get_width() for p in figure.axes[0].patches if isinstance(p, Rectangle)) > 0


ALONE = """
import sys
import matplotlib
before = matplotlib.rcParams.copy()  # reading the backend would choose one
from retainkit.report import plot_whale_curve
from retainkit.report.plots._canvas import to_svg
from retainkit.tiers import whale_curve
to_svg(plot_whale_curve(whale_curve([2.0, -1.0]), language="zh"), name="w", title="w")
assert matplotlib.rcParams.copy() == before
assert "matplotlib.pyplot" not in sys.modules
"""


def test_a_plot_leaves_the_process_alone_and_needs_no_pyplot() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_plot_does_not_depend_on_the_callers_style(cdnow: RetentionResult) -> None:
    plain = to_svg(plot_whale_curve(cdnow.whale), name="whale", title="w")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        styled = to_svg(plot_whale_curve(cdnow.whale), name="whale", title="w")
    assert plain == styled


@pytest.mark.parametrize("language", ["en", "zh"])
def test_svg_is_the_same_every_time_and_holds_its_texts(
    cdnow: RetentionResult, language: Any
) -> None:
    figures = [plot_pyramids(cdnow.pyramid, language=language) for _ in range(2)]
    first, second = (to_svg(figure, name="p", title="t") for figure in figures)
    assert first == second
    assert cdnow.pyramid.labels[0].text(language) in first
    assert "DejaVu" not in first
    assert "zq0" not in first


def test_hostile_names_are_escaped_and_no_formula_is_read() -> None:
    config = TierSchemeConfig(
        names=(HOSTILE[:20], "b", "c"),
    )
    value = [60.0, 25.0, 10.0, 3.0, 2.0]
    tiers = assign_tiers(value, fit_tier_scheme(value, config=config))
    svg = to_svg(plot_pyramids(tier_pyramid(tiers)), name="p", title=HOSTILE)
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


@pytest.mark.parametrize(
    "plot",
    [
        lambda: plot_whale_curve(whale_curve([1.0])),
        lambda: plot_pyramids(pyramid_of([1.0, 2.0])),
        lambda: plot_cohorts(cohorts_of([("a", "2025-01-05")], as_of="2025-01-20")),
    ],
    ids=["whale", "pyramids", "cohorts"],
)
def test_without_matplotlib_the_error_says_what_to_install(
    plot: Callable[[], Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "retainkit\[report\]"'):
        plot()


def test_a_language_without_texts_is_refused() -> None:
    language: Any = "fr"
    with pytest.raises(NotComputableError, match="no texts in 'fr'"):
        plot_whale_curve(whale_curve([1.0]), language=language)


@pytest.mark.parametrize("t", np.linspace(0, 1, 41).tolist())
def test_numbers_on_coloured_cells_can_be_read(t: float) -> None:
    """WCAG 2, level AA: contrast of at least 4.5 : 1."""
    colour = blend(t, "#eaf2f9", "#0b3c6f")
    assert _contrast(colour, ink_on(colour)) >= 4.5


@pytest.mark.parametrize("ink", ["#1d2733", "#56636f", "#a8401f", "#0b3c6f"])
@pytest.mark.parametrize("paper", ["#ffffff", "#f4f6f8"])
def test_texts_on_paper_can_be_read(ink: str, paper: str) -> None:
    assert _contrast(ink, paper) >= 4.5


def _contrast(first: str, second: str) -> float:
    lights = sorted(_luminance(colour) for colour in (first, second))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.03928, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
