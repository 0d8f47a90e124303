"""What came and what is expected, month by month, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retainkit.report import _canvas as canvas
from retainkit.report._texts import Texts
from retainkit.typing import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from retainkit.pipeline import ForecastByMonth

_WIDTH, _HEIGHT = 760.0, 280.0


def plot_months(months: ForecastByMonth, *, language: Language = "en") -> Figure:
    """Draw the money of each month: what came, and of the horizon what is expected."""
    texts, frame = Texts(language), months.to_frame()
    place = np.arange(len(frame))
    with canvas.house_style(language):
        figure = canvas.new_figure(_WIDTH, _HEIGHT)
        axes = figure.add_axes((0.1, 0.2, 0.87, 0.65))
        axes.spines[["top", "right"]].set_visible(False)
        axes.bar(
            place - 0.2, frame["actual"], 0.4, color=canvas.INK, label=texts("months_ahead_actual")
        )
        axes.bar(
            place - 0.2,
            frame["actual_existing"],
            0.4,
            color=canvas.MUTED,
            label=texts("months_ahead_existing"),
        )
        known = frame["expected"].notna().to_numpy()
        expected = frame.loc[known, "expected"]
        low, high = frame.loc[known, "expected_low"], frame.loc[known, "expected_high"]
        axes.bar(
            place[known] + 0.2,
            expected,
            0.4,
            yerr=[expected - low, high - expected],
            color="#2f6ea8",
            label=texts("months_ahead_expected"),
            error_kw={"linewidth": 1.0},
        )
        axes.set_xticks(place[::2], [day.strftime("%Y-%m") for day in frame["month"][::2]])
        axes.tick_params(labelsize=10, length=3, rotation=0)
        axes.legend(
            frameon=False, fontsize=10.5, loc="upper left", ncols=3, bbox_to_anchor=(0, 1.2)
        )
    return figure
