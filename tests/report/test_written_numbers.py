"""Numbers on a page are written as people read them."""

from __future__ import annotations

from retainkit.report.plots._canvas import house_style, new_figure


def test_money_on_an_axis_has_no_power_of_ten_above_it() -> None:
    with house_style():
        figure = new_figure(4.0, 3.0)
        axes = figure.add_subplot()
        axes.plot([0.0, 1.0], [0.0, 4_000_000.0])
        figure.canvas.draw()
        assert axes.yaxis.get_offset_text().get_text() == ""
