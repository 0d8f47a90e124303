"""Cohorts as a heat map: who came back, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retainkit.metrics import CohortTable
from retainkit.report.page._blocks import write_number
from retainkit.report.page._texts import Texts
from retainkit.report.plots import _canvas as canvas
from retainkit.report.plots._canvas import check_language
from retainkit.typing import BoolArray, FloatArray, IntArray, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COHORTS = 36
"""Cohorts and periods drawn; of more, the latest cohorts and the first periods."""

_WIDTH, _NAMES, _SIZES, _HEAD, _FOOT = 760.0, 74.0, 62.0, 46.0, 58.0
_LOW, _HIGH = "#eaf2f9", canvas.FIRST


class _Grid(NamedTuple):
    """The cells to draw and how large they are [px]."""

    labels: tuple[str, ...]
    sizes: tuple[int, ...]
    rates: FloatArray
    """NaN: not yet observed, or a cohort without customers."""
    observed: BoolArray
    incomplete: BoolArray
    average: FloatArray
    width: float
    height: float
    top: float
    """The rate that is drawn darkest; 0 where nobody came back."""

    @property
    def bottom(self) -> float:
        """Where the rows of cohorts end."""
        return _HEAD + self.height * len(self.labels)


def plot_cohorts(cohorts: CohortTable, *, language: Language = "en") -> Figure:
    """Draw the cohort triangle as a heat map, with the average below.

    A cell is the share [%] of a cohort's customers who bought in that period after their first.
    White with a 0 means nobody did; hatched means not yet observed; a dashed frame marks a period
    that observation covers only in part.

    Parameters
    ----------
    cohorts : CohortTable
        From `retainkit.metrics.build_cohorts`.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that pyplot does not know; `figure.savefig` saves it.

    Raises
    ------
    MissingDependencyError, NotComputableError
        If matplotlib is not installed; if there are no texts in `language`.

    Notes
    -----
    The cohort's own period is 100 % by definition and not drawn. Of more than 36 cohorts the
    latest 36 are drawn, of more than 36 periods the first 36; the average is over all cohorts.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import build_cohorts, index_purchases
    >>> from retainkit.report import plot_cohorts
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> figure = plot_cohorts(build_cohorts(base))
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_text().startswith("1997")]
    ['1997-01', '1997-02', '1997-03']
    """
    texts = Texts(check_language(language))
    with canvas.house_style(language):
        grid = _lay_out(cohorts)
        if not grid.rates.shape[1]:
            return _say_nothing(texts)
        height = grid.bottom + 8 + grid.height + _FOOT
        figure = canvas.new_figure(_WIDTH, height)
        axes = canvas.blank_axes(figure, _WIDTH, height)
        _draw_head(axes, grid, texts("periods_since", unit=texts(f"unit_{cohorts.unit}")), texts)
        for row in range(len(grid.labels)):
            _draw_cohort(axes, grid, row)
        _draw_average(axes, grid, texts)
        _draw_legend(axes, grid, height - 30, texts)
    return figure


def _say_nothing(texts: Texts) -> Figure:
    figure = canvas.new_figure(_WIDTH, 80)
    axes = canvas.blank_axes(figure, _WIDTH, 80)
    words = texts("cohorts_too_young")
    axes.text(_WIDTH / 2, 40, words, ha="center", va="center", color=canvas.MUTED)
    return figure


def _lay_out(cohorts: CohortTable) -> _Grid:
    rows = slice(max(len(cohorts) - MOST_COHORTS, 0), None)
    observed = ~np.isnan(cohorts.heads[rows])
    periods = int(observed.any(axis=0).sum()) if len(observed) else 0
    columns = slice(1, min(max(periods, 1), MOST_COHORTS + 1))
    rates = cohorts.rates[rows, columns]
    count = max(rates.shape[1], 1)
    width = min((_WIDTH - _NAMES - _SIZES - 2) / count, 58.0)
    return _Grid(
        labels=cohorts.labels[rows],
        sizes=tuple(cohorts.sizes[rows].tolist()),
        rates=rates,
        observed=observed[:, columns],
        incomplete=cohorts.incomplete[rows, columns],
        average=cohorts.average[columns],
        width=width,
        height=26.0 if width >= 26 else 18.0,
        top=_top(rates, cohorts.sizes[rows]),
    )


def _top(rates: FloatArray, sizes: IntArray) -> float:
    """Return the rate below which 98 % of the customers counted lie: tiny cohorts reach 100 %."""
    weights = np.where(np.isnan(rates), 0, np.broadcast_to(sizes[:, np.newaxis], rates.shape))
    if not weights.any():
        return 0.0
    order = np.argsort(rates, axis=None)
    counted = np.cumsum(weights.ravel()[order])
    place = int(np.searchsorted(counted, 0.98 * counted[-1]))
    top = float(rates.ravel()[order][place])
    return top if top > 0 else float(np.nanmax(rates))


def _draw_head(axes: Axes, grid: _Grid, title: str, texts: Texts) -> None:
    style: dict[str, Any] = {"va": "center", "color": canvas.MUTED, "fontsize": 11}
    axes.text(_NAMES + _SIZES, 12, title, **style)
    axes.text(0, 34, texts("cohort"), **style)
    axes.text(_NAMES + _SIZES - 12, 34, texts("customers"), ha="right", **style)
    step = 1 if grid.width >= 20 else 3
    for column in range(0, grid.rates.shape[1], step):
        x = _NAMES + _SIZES + grid.width * (column + 0.5)
        axes.text(x, 34, str(column + 1), ha="center", **style)


def _draw_cohort(axes: Axes, grid: _Grid, row: int) -> None:
    top = _HEAD + grid.height * row
    style: dict[str, Any] = {"va": "center", "fontsize": 11}
    axes.text(0, top + grid.height / 2, grid.labels[row], **style)
    size = write_number(grid.sizes[row])
    axes.text(_NAMES + _SIZES - 12, top + grid.height / 2, size, ha="right", **style)
    observed = int(grid.observed[row].sum())
    for column in range(observed if grid.sizes[row] else 0):
        place = _place(grid, column, top)
        _draw_rate(axes, grid, place, float(grid.rates[row, column]))
        if grid.incomplete[row, column]:
            x, y, width, height = place
            inner = (x + 1.5, y + 1.5, width - 3, height - 3)
            canvas.draw_box(axes, inner, edgecolor=canvas.LOSS, linewidth=1.0, linestyle="--")
    _draw_unobserved(axes, grid, observed, top)


def _draw_unobserved(axes: Axes, grid: _Grid, first: int, top: float) -> None:
    """Hatch the columns from `first` on; the observed ones always stand before them."""
    count = grid.rates.shape[1] - first
    if count > 0:
        left, upper, width, height = _place(grid, first, top)
        place = (left, upper, width + grid.width * (count - 1), height)
        canvas.draw_hatched(axes, place, ink="#d3dadf")


def _place(grid: _Grid, column: int, top: float) -> tuple[float, float, float, float]:
    left = _NAMES + _SIZES + grid.width * column
    return (left + 0.5, top + 0.5, grid.width - 1, grid.height - 1)


def _draw_rate(
    axes: Axes, grid: _Grid, place: tuple[float, float, float, float], rate: float
) -> None:
    nothing = rate == 0
    face = canvas.PAPER if nothing else canvas.blend(min(rate / grid.top, 1.0), _LOW, _HIGH)
    edge: dict[str, Any] = {"edgecolor": "#e6eaee", "linewidth": 0.8} if nothing else {}
    canvas.draw_box(axes, place, face=face, **edge)
    if grid.width >= 22 or nothing:
        x, y = place[0] + place[2] / 2, place[1] + place[3] / 2
        digits = 1 if grid.width >= 34 else 0
        words = write_number(100 * rate, digits if rate > 0 else 0)
        ink = canvas.MUTED if nothing else canvas.ink_on(face)
        size = 11 if digits else 10.5 if grid.width >= 22 else 9
        axes.text(x, y, words, ha="center", va="center", fontsize=size, color=ink)


def _draw_average(axes: Axes, grid: _Grid, texts: Texts) -> None:
    top = grid.bottom + 8
    middle = top + grid.height / 2
    axes.text(0, middle, texts("average"), va="center", fontsize=11, fontweight="bold")
    rates = grid.average[~np.isnan(grid.average)].tolist()
    for column, rate in enumerate(rates):
        _draw_rate(axes, grid, _place(grid, column, top), rate)
    _draw_unobserved(axes, grid, len(rates), top)


def _draw_legend(axes: Axes, grid: _Grid, top: float, texts: Texts) -> None:
    """Explain colours and marks in one line."""
    style: dict[str, Any] = {"va": "center", "fontsize": 11, "color": canvas.MUTED}
    x = _NAMES + _SIZES
    if grid.top > 0:
        for step in range(24):
            colour = canvas.blend(step / 23, _LOW, _HIGH)
            canvas.draw_box(axes, (x + step * 4, top, 4.3, 14), face=colour)
        beyond = "≥ " if np.nanmax(grid.rates) > grid.top else ""
        axes.text(x - 6, top + 7, texts.share(0.0, 0), ha="right", **style)
        axes.text(x + 102, top + 7, beyond + texts.share(grid.top), **style)
    x += 170
    canvas.draw_box(axes, (x, top, 20, 14), edgecolor=canvas.RULE, linewidth=0.8)
    axes.text(x + 10, top + 7, "0", ha="center", va="center", fontsize=10, color=canvas.MUTED)
    axes.text(x + 26, top + 7, texts("legend_nobody"), **style)
    x += 130
    canvas.draw_hatched(axes, (x, top, 20, 14), ink="#cfd6dc")
    axes.text(x + 26, top + 7, texts("legend_unobserved"), **style)
    x += 160
    frame: dict[str, Any] = {"edgecolor": canvas.LOSS, "linewidth": 1.1, "linestyle": "--"}
    canvas.draw_box(axes, (x, top, 20, 14), **frame)
    axes.text(x + 26, top + 7, texts("legend_incomplete"), **style)
