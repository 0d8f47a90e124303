"""The whale curve: how value builds up and is lost again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retainkit.report import _canvas as canvas
from retainkit.report._dependencies import check_language
from retainkit.report._numbers import write_money, write_number
from retainkit.report._texts import Texts
from retainkit.tiers import WhaleCurve
from retainkit.typing import FloatArray, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 760.0, 400.0


class _Curve(NamedTuple):
    """The curve in the units it is drawn in: shares of the total, or money where undefined."""

    x: FloatArray
    y: FloatArray
    scale: float
    in_shares: bool

    def write(self, amount: float, texts: Texts) -> str:
        """Return an amount [money] in the unit of the axis."""
        return texts.share(amount / self.scale) if self.in_shares else write_money(amount)


def plot_whale_curve(
    curve: WhaleCurve, *, language: Language = "en", value_name: str | None = None
) -> Figure:
    """Draw the cumulative value of customers from the best to the worst.

    What lies above 100 % is earned and lost again; it is shaded. Where the total is not positive
    a share of it means nothing, and the axis shows money.

    Parameters
    ----------
    curve : WhaleCurve
        From `retainkit.tiers.whale_curve`.
    language : {"en", "zh"}, default "en"
        Display language.
    value_name : str, optional
        What the value is, for the axis; by default "Value".

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own: pyplot does not know it. Save it with `figure.savefig`.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`.

    Examples
    --------
    >>> from retainkit.report import plot_whale_curve
    >>> from retainkit.tiers import whale_curve
    >>> figure = plot_whale_curve(whale_curve([60.0, 50.0, 10.0, 0.0, -20.0]))
    >>> curve = max(figure.axes[0].lines, key=lambda line: len(line.get_ydata()))
    >>> [round(float(y), 2) for y in curve.get_ydata()]
    [0.0, 0.6, 1.1, 1.2, 1.2, 1.0]
    """
    texts = Texts(check_language(language))
    with canvas.house_style(language):
        figure = canvas.new_figure(_WIDTH, _HEIGHT)
        axes = figure.add_axes((0.1, 0.135, 0.875, 0.78))
        if curve.n == 0:
            axes.axis("off")
            axes.text(0.5, 0.5, texts("nobody_valued"), ha="center", color=canvas.MUTED)
            return figure
        drawn = _in_units(curve)
        _draw_axes(axes, drawn, texts, value_name or texts("value"))
        _draw_curve(axes, drawn)
        _annotate(axes, curve, drawn, texts)
    return figure


def _in_units(curve: WhaleCurve) -> _Curve:
    in_shares = curve.total > 0
    scale = curve.total if in_shares else 1.0
    return _Curve(curve.customers / curve.n, curve.cumulative / scale, scale, in_shares)


def _draw_axes(axes: Axes, drawn: _Curve, texts: Texts, value_name: str) -> None:
    low, high = min(0.0, float(drawn.y.min())), max(0.0, float(drawn.y.max()))
    room = (high - low) or 1.0
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(low - (0.06 * room if low < 0 else 0.0), high + 0.14 * room)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6eaee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=11)
    axes.set_xticks(np.linspace(0.0, 1.0, 6), [texts.share(x, 0) for x in np.linspace(0, 1, 6)])
    ticks = axes.get_yticks()
    ticks = ticks[(ticks >= axes.get_ylim()[0]) & (ticks <= axes.get_ylim()[1])]
    shown = [texts.share(y, 0) if drawn.in_shares else write_number(y) for y in ticks.tolist()]
    if len(set(shown)) < len(shown):
        shown = [texts.share(y) if drawn.in_shares else write_number(y, 2) for y in ticks.tolist()]
    axes.set_yticks(ticks, shown)
    axes.set_xlabel(texts("whale_x"), fontsize=11.5, labelpad=6)
    unit = texts("whale_y_share") if drawn.in_shares else texts("whale_y_money")
    title = unit.format(value=value_name)
    axes.text(0.0, 1.04, title, transform=axes.transAxes, color=canvas.MUTED, fontsize=11.5)


def _draw_curve(axes: Axes, drawn: _Curve) -> None:
    end = float(drawn.y[-1])
    kept = max(end, 0.0)
    above = (drawn.y > kept).tolist()
    shade: dict[str, Any] = {"interpolate": True, "linewidth": 0}
    axes.fill_between(drawn.x, drawn.y, kept, where=above, color="#f3d9cf", **shade)
    if drawn.y.min() < 0:
        axes.axhline(0.0, color=canvas.MUTED, linewidth=0.8)
        below = (drawn.y < 0).tolist()
        axes.fill_between(drawn.x, drawn.y, 0.0, where=below, color="#e3a78f", **shade)
    axes.axhline(end, color=canvas.LOSS, linewidth=1.0, dashes=(4, 3))
    axes.plot([0.0, 1.0], [0.0, end], color="#8e9aa5", linewidth=0.9, dashes=(1, 2.5))
    axes.plot(drawn.x, drawn.y, color=canvas.FIRST, linewidth=2.2, solid_joinstyle="round")


def _annotate(axes: Axes, curve: WhaleCurve, drawn: _Curve, texts: Texts) -> None:
    height = axes.get_ylim()[1] - axes.get_ylim()[0]
    style: dict[str, Any] = {"fontsize": 11.5}
    if curve.lost > 0 and curve.peak_customers:
        x, y = curve.peak_at, curve.peak / drawn.scale
        axes.plot([x], [y], "o", color=canvas.LOSS, markersize=6)
        words = texts("whale_peak", at=texts.share(x), peak=drawn.write(curve.peak, texts))
        side = "right" if x > 0.6 else "left" if x < 0.25 else "center"
        axes.text(x, y + 0.045 * height, words, ha=side, color=canvas.LOSS, **style)
    heads = float(np.ceil(round(0.2 * curve.n, 9))) / curve.n
    if drawn.in_shares and heads < 0.6:
        y = curve.top_20 / drawn.scale
        axes.plot([heads], [y], "o", color=canvas.FIRST, markersize=6)
        words = texts("whale_top", heads=texts.share(heads), share=texts.share(y))
        axes.text(heads + 0.018, y - 0.075 * height, words, color=canvas.FIRST, **style)
