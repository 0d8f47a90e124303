"""Two pyramids: heads beside value, tier by tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retainkit.report import _canvas as canvas
from retainkit.report._dependencies import check_language
from retainkit.report._numbers import money_decimals, shorten, write_number
from retainkit.report._texts import Texts
from retainkit.tiers import TierPyramid
from retainkit.tiers._config import BAD, LOST
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
        A figure of its own: pyplot does not know it. Save it with `figure.savefig`.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`.

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
