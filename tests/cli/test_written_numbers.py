"""Numbers in the files of a run are written as people read them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit._cli._previous import without_minus_zero
from retainkit.report.plots._canvas import house_style, new_figure


def test_no_cell_is_minus_zero() -> None:
    frame = pd.DataFrame({"name": ["a", "b", "c"], "gain": [-0.0, -1.5, np.nan], "n": [0, 1, 2]})
    written = without_minus_zero(frame).to_csv(index=False)
    assert "-0.0" not in written
    assert written.splitlines()[1:] == ["a,0.0,0", "b,-1.5,1", "c,,2"]


def test_money_on_an_axis_has_no_power_of_ten_above_it() -> None:
    with house_style():
        figure = new_figure(4.0, 3.0)
        axes = figure.add_subplot()
        axes.plot([0.0, 1.0], [0.0, 4_000_000.0])
        figure.canvas.draw()
        assert axes.yaxis.get_offset_text().get_text() == ""
