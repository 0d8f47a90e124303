"""Lifecycle stages as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retainkit.report import _canvas as canvas
from retainkit.report._dependencies import check_language
from retainkit.report._numbers import write_number
from retainkit.report._texts import Texts
from retainkit.tiers import LifecycleTable
from retainkit.tiers._config import STAGE_LABELS
from retainkit.typing import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _NAMES, _FULL, _ROW = 760.0, 150.0, 460.0, 34.0


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
        A figure of its own: pyplot does not know it. Bars are proportional, every stage has one;
        customers whose stage is not computable have a bar of their own.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`.

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
        height = _ROW * len(rows) + 8
        figure = canvas.new_figure(_WIDTH, height)
        axes = canvas.blank_axes(figure, _WIDTH, height)
        axes.plot([_NAMES, _NAMES], [0, height], color=canvas.RULE, linewidth=1)
        for position, (label, count) in enumerate(rows):
            top = 4 + _ROW * position
            width = _FULL * count / longest
            canvas.draw_box(axes, (_NAMES, top + 5, width, _ROW - 10), face="#2f6ea8")
            axes.text(_NAMES - 10, top + _ROW / 2, label, ha="right", va="center")
            share = count / len(lifecycle) if len(lifecycle) else None
            words = f"{write_number(count)} · {texts.share(share)}"
            axes.text(_NAMES + width + 8, top + _ROW / 2, words, va="center", fontsize=11.5)
    return figure
