from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import NotComputableError
from retainkit.lifetime import (
    BgNbdModel,
    MbgNbdModel,
    ModelComparison,
    PurchaseHistories,
    compare_frequencies,
    compare_models,
    split_histories,
)
from retainkit.report import (
    plot_alive_path,
    plot_alive_surface,
    plot_calibration,
    plot_frequencies,
    plot_purchases_surface,
    plot_tracking,
)
from retainkit.typing import Language


@pytest.fixture(scope="module")
def comparison() -> ModelComparison:
    data = load_cdnow_sample()
    split = split_histories(
        data["customer_id"],
        data["timestamp"],
        calibration_end="1997-09-30",
        holdout_end="1998-06-30",
    )
    return compare_models(split)


def words(figure: Any) -> str:
    axes = figure.axes[0]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    return " ".join([axes.get_xlabel(), *legend, *(text.get_text() for text in axes.texts)])


@pytest.mark.parametrize(("language", "actual"), [("en", "actual"), ("zh", "实际")])
def test_every_line_is_a_column_of_the_comparison(
    comparison: ModelComparison, language: Language, actual: str
) -> None:
    for plot, table in (
        (plot_tracking, comparison.tracking),
        (plot_calibration, comparison.calibration.drop(columns="customers")),
    ):
        figure: Any = plot(comparison, language=language)
        lines = figure.axes[0].lines
        assert len(lines) == table.shape[1] == 5
        for line, name in zip(lines, table.columns, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), table[name])
        assert actual in words(figure)
        assert "Pareto/NBD" in words(figure)


def test_the_path_jumps_with_each_purchase_and_falls_in_between() -> None:
    model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    figure: Any = plot_alive_path(model, [9.0, 4.0], until=30)
    x, y = (np.asarray(v, dtype=float) for v in figure.axes[0].lines[0].get_data())
    history = PurchaseHistories(frequency=[2], recency=[9], age=[30], unit="week")
    assert y[-1] == model.p_alive(history)[0]
    after = (x >= 9.0) & (x <= 30.0)
    assert (np.diff(y[after]) < 0).all()
    assert y[x == 4.0][0] > y[np.flatnonzero(x == 4.0)[0] - 1]
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_xdata(), [4.0, 9.0])


MODEL = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")


@pytest.mark.parametrize(("language", "actual"), [("en", "actual"), ("zh", "实际")])
def test_bars_are_customers_actual_and_expected(language: Language, actual: str) -> None:
    history = PurchaseHistories(
        frequency=[0, 0, 1, 9], recency=[0, 0, 3, 20], age=[30, 30, 30, 30], unit="week"
    )
    figure: Any = plot_frequencies(MODEL, history, max_count=3, language=language)
    axes = figure.axes[0]
    table = compare_frequencies(MODEL, history, max_count=3)
    for bars, name in zip(axes.containers, ("actual", "expected"), strict=True):
        np.testing.assert_array_equal([bar.get_height() for bar in bars], table[name])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "2", "3+"]
    assert actual in words(figure)
    assert "MBG/NBD" in words(figure)


@pytest.mark.parametrize(
    ("language", "unit", "title"), [("en", "weeks", "active"), ("zh", "周", "活跃")]
)
def test_a_surface_of_being_active_shows_the_model(
    language: Language, unit: str, title: str
) -> None:
    figure: Any = plot_alive_surface(MODEL, age=40.0, max_frequency=6, language=language)
    axes = figure.axes[0]
    mesh = np.asarray(axes.collections[0].get_array())
    assert mesh.shape == (6, 160)
    history = PurchaseHistories(frequency=[3], recency=[40 * 80.5 / 160], age=[40.0], unit="week")
    assert mesh[2, 80] == MODEL.p_alive(history)[0]
    assert (np.diff(mesh, axis=1) > 0).all()  # the later the last purchase, the likelier
    assert unit in axes.get_xlabel()
    assert title in axes.texts[0].get_text()


def test_a_surface_of_purchases_shows_the_model_and_its_horizon() -> None:
    figure: Any = plot_purchases_surface(MODEL, age=40.0, horizon=26.0, max_frequency=6)
    axes = figure.axes[0]
    mesh = np.asarray(axes.collections[0].get_array())
    history = PurchaseHistories(frequency=[6], recency=[40 * 159.5 / 160], age=[40.0], unit="week")
    assert mesh[5, 159] == mesh.max() == MODEL.expected_purchases(history, horizon=26.0)[0]
    assert "26 weeks" in axes.texts[0].get_text()


def test_a_flat_surface_is_drawn_without_lines() -> None:
    never = BgNbdModel(r=0.5, alpha=6.0, a=1e-12, b=1.0, unit="day")
    figure: Any = plot_alive_surface(never, age=1e-3, max_frequency=2)
    assert len(figure.axes[0].collections) == 1


@pytest.mark.parametrize(("age", "most"), [(0.0, 20), (float("inf"), 20), (40.0, 1)])
def test_no_surface_without_room(age: float, most: int) -> None:
    with pytest.raises(NotComputableError, match="a surface needs"):
        plot_alive_surface(MODEL, age=age, max_frequency=most)


def test_frequencies_add_up_and_may_be_weighted() -> None:
    """Equal rows are one row with a weight; without an age nobody is counted."""
    history = PurchaseHistories(
        frequency=[0, 2, 0], recency=[0, 9, np.nan], age=[30, 20, np.nan], unit="week"
    )
    table = compare_frequencies(MODEL, history, max_count=2, weights=[3, 2, 5])
    assert table["actual"].tolist() == [3, 0, 2]
    assert table["expected"].sum() == pytest.approx(5.0)
    new = 3 * MODEL.purchase_probabilities_new(30, max_count=0)[0]
    new += 2 * MODEL.purchase_probabilities_new(20, max_count=0)[0]
    assert table["expected"][0] == pytest.approx(new)
    assert compare_frequencies(MODEL, history, max_count=0)["expected"].tolist() == [2.0]
