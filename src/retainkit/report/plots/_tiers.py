"""Plots of the base: pyramids, whale curve, lifecycle stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retainkit.report.page._blocks import money_decimals, shorten, write_money, write_number
from retainkit.report.page._texts import Texts
from retainkit.report.plots import _canvas as canvas
from retainkit.report.plots._canvas import check_language
from retainkit.tiers import LifecycleTable, TierPyramid, WhaleCurve
from retainkit.tiers._config import BAD, LOST, STAGE_LABELS
from retainkit.typing import FloatArray, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _FULL, _LEFT, _MIDDLE, _RIGHT = 760.0, 290.0, 160.0, 380.0, 600.0
_HEAD, _ROW, _BAR = 62.0, 62.0, 32.0


class _Row(NamedTuple):
    """One tier: bar lengths as shares of the longest, and what stands below them."""

    name: str
    colour: str
    heads: float
    value: float
    heads_text: str
    value_text: str


def plot_pyramids(
    pyramid: TierPyramid, *, language: Language = "en", value_name: str | None = None
) -> Figure:
    """Draw the headcount pyramid beside the value pyramid.

    Bars are centred and all on one scale: on the left shares of all customers, on the right shares
    of the sum of the tiers with a positive value. A tier below zero is hatched; its bar is as long
    as what it takes away.

    Parameters
    ----------
    pyramid : TierPyramid
        From `retainkit.tiers.tier_pyramid`.
    language : {"en", "zh"}, default "en"
        Display language.
    value_name : str, optional
        What the value is, for the heading; by default "Value".

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
    Shares are undefined, and left out, where the total value is not positive. The row of bad
    customers is left out where there are none.

    Examples
    --------
    >>> from retainkit.report import plot_pyramids
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme, tier_pyramid
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> pyramid = tier_pyramid(assign_tiers(value, fit_tier_scheme(value)))
    >>> figure = plot_pyramids(pyramid)
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_text().endswith("s")]
    ['Customers', 'Key customers', 'Ordinary customers', 'Small customers']
    """
    texts = Texts(check_language(language))
    with canvas.house_style(language):
        rows = _rows(pyramid, texts)
        height = _HEAD + _ROW * len(rows)
        figure = canvas.new_figure(_WIDTH, height)
        axes = canvas.blank_axes(figure, _WIDTH, height)
        _draw_head(axes, pyramid, texts, value_name)
        for position, row in enumerate(rows):
            _draw_row(axes, row, _HEAD + _ROW * position)
    return figure


def _rows(pyramid: TierPyramid, texts: Texts) -> list[_Row]:
    shown = [
        i for i, name in enumerate(pyramid.names) if name not in (BAD, LOST) or pyramid.customers[i]
    ]
    graded = [name for name in pyramid.names if name not in (BAD, LOST)]
    steps = max(len(graded) - 1, 1)
    heads, value = _lengths(pyramid)
    decimals = money_decimals(pyramid.value)
    rows = []
    for i in shown:
        name = pyramid.names[i]
        colour = (
            canvas.LOSS if name not in graded else canvas.blend(1.0 - graded.index(name) / steps)
        )
        rows.append(
            _Row(
                name=shorten(texts.label(pyramid.labels[i]), 19),
                colour=colour,
                heads=float(heads[i]),
                value=float(value[i]),
                heads_text=_with_share(
                    write_number(pyramid.customers[i]), pyramid.customer_share[i], texts
                ),
                value_text=_with_share(
                    write_number(pyramid.value[i], decimals), pyramid.value_share[i], texts
                ),
            )
        )
    return rows


def _lengths(pyramid: TierPyramid) -> tuple[FloatArray, FloatArray]:
    """Return the bars on one scale of shares; the longest of all bars is 1."""
    heads = pyramid.customers / max(pyramid.n, 1)
    whole = float(np.maximum(pyramid.value, 0.0).sum())
    whole = max(whole, float(np.abs(pyramid.value).max(initial=0.0))) or 1.0
    value = pyramid.value / whole
    longest = max(float(heads.max(initial=0.0)), float(np.abs(value).max(initial=0.0))) or 1.0
    return heads / longest, value / longest


def _with_share(amount: str, share: float, texts: Texts) -> str:
    return amount if np.isnan(share) else f"{amount} · {texts.share(share)}"


def _draw_head(axes: Axes, pyramid: TierPyramid, texts: Texts, value_name: str | None) -> None:
    total = write_number(pyramid.total, money_decimals(pyramid.value))
    heads = write_number(pyramid.n)
    columns = (
        (_LEFT, texts("customers"), f"{heads} = {texts.share(1.0, 0)}" if pyramid.n else heads),
        (
            _RIGHT,
            value_name or texts("value"),
            f"{total} = {texts.share(1.0, 0)}" if pyramid.total > 0 else total,
        ),
    )
    for x, title, whole in columns:
        axes.text(x, 18, shorten(title, 46), ha="center", va="center", fontweight="bold")
        axes.text(x, 38, whole, ha="center", va="center", color=canvas.MUTED, fontsize=11.5)


def _draw_row(axes: Axes, row: _Row, top: float) -> None:
    left_edge = _LEFT + _FULL * row.heads / 2
    right_edge = _RIGHT - _FULL * abs(row.value) / 2
    band = [(left_edge, top), (right_edge, top), (right_edge, top + _BAR), (left_edge, top + _BAR)]
    tint = canvas.blend(0.1, canvas.PAPER, row.colour)
    if row.heads and row.value:
        axes.fill(*zip(*band, strict=True), facecolor=tint, linewidth=0)
    for centre, share in ((_LEFT, row.heads), (_RIGHT, row.value)):
        width = max(_FULL * abs(share), 1.2)
        place = (centre - width / 2, top, width, _BAR)
        if share == 0:
            canvas.draw_box(axes, place, face=canvas.RULE)
        elif share < 0:
            canvas.draw_hatched(axes, place, face="#fbeee9", ink=canvas.LOSS)
        else:
            canvas.draw_box(axes, place, face=row.colour, edgecolor="#3c5f87", linewidth=0.6)
    middle = top + _BAR / 2
    axes.text(_MIDDLE, middle, row.name, ha="center", va="center", fontsize=12)
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 11.5}
    axes.text(_LEFT, top + _BAR + 12, row.heads_text, **style)
    ink = canvas.LOSS if row.value < 0 else canvas.INK
    axes.text(_RIGHT, top + _BAR + 12, row.value_text, color=ink, **style)


_HEIGHT = 400.0


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
        A figure that pyplot does not know; `figure.savefig` saves it.

    Raises
    ------
    MissingDependencyError, NotComputableError
        If matplotlib is not installed; if there are no texts in `language`.

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


_NAMES, _STAGE_FULL, _STAGE_ROW = 150.0, 460.0, 34.0


def plot_stages(lifecycle: LifecycleTable, *, language: Language = "en") -> Figure:
    """Draw how many customers are at each stage of the relation.

    Parameters
    ----------
    lifecycle : LifecycleTable
        From `retainkit.tiers.lifecycle_stage`.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that pyplot does not know. Bars are proportional, every stage has one;
        customers whose stage is not computable have a bar of their own.

    Raises
    ------
    MissingDependencyError, NotComputableError
        If matplotlib is not installed; if there are no texts in `language`.

    Examples
    --------
    >>> from retainkit.report import plot_stages
    >>> from retainkit.tiers import RelationArrays, fit_lifecycle_scheme, lifecycle_stage
    >>> history = RelationArrays([1, 3, 2], [0.0, 8.0, 6.0], [9.0, 9.0, 9.0], [9.0, 1.0, 3.0])
    >>> figure = plot_stages(lifecycle_stage(history, fit_lifecycle_scheme(history)))
    >>> len(figure.axes[0].patches)
    7
    """
    texts = Texts(check_language(language))
    labels = [STAGE_LABELS[stage].text(language) for stage in lifecycle.stages]
    counts = np.bincount(lifecycle.stage + 1, minlength=len(labels) + 1).tolist()
    rows = list(zip(labels, counts[1:], strict=True))
    if counts[0]:
        rows.append((texts("not_computable"), counts[0]))
    longest = max(count for _, count in rows) or 1
    with canvas.house_style(language):
        height = _STAGE_ROW * len(rows) + 8
        figure = canvas.new_figure(_WIDTH, height)
        axes = canvas.blank_axes(figure, _WIDTH, height)
        axes.plot([_NAMES, _NAMES], [0, height], color=canvas.RULE, linewidth=1)
        for position, (label, count) in enumerate(rows):
            top = 4 + _STAGE_ROW * position
            width = _STAGE_FULL * count / longest
            canvas.draw_box(axes, (_NAMES, top + 5, width, _STAGE_ROW - 10), face="#2f6ea8")
            axes.text(_NAMES - 10, top + _STAGE_ROW / 2, label, ha="right", va="center")
            share = count / len(lifecycle) if len(lifecycle) else None
            words = f"{write_number(count)} · {texts.share(share)}"
            axes.text(_NAMES + width + 8, top + _STAGE_ROW / 2, words, va="center", fontsize=11.5)
    return figure
