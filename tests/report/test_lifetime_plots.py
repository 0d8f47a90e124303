from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.lifetime import (
    MbgNbdModel,
    ModelComparison,
    PurchaseHistories,
    compare_models,
    split_histories,
)
from retainkit.report import plot_alive_path, plot_calibration, plot_tracking
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
