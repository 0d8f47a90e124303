"""Plots of models of purchases: expected beside actual, and one customer's path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retainkit.lifetime import ModelComparison, PurchaseHistories
from retainkit.report import _canvas as canvas
from retainkit.report._dependencies import check_language
from retainkit.typing import ArrayLike1D, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retainkit.lifetime import PurchaseModel

_WIDTH, _HEIGHT = 640.0, 360.0
_COLOURS = ("#0b3c6f", "#c8553d", "#3f8f6b", "#9a8fb0", "#8e9aa5")
_STEPS = 400
_TEXTS = {
    "actual": ("actual", "实际"),
    "tracking_x": ("{unit}s since the first purchase of all", "自首笔购买起的时间（{unit}）"),
    "tracking_y": ("Repeat purchases, cumulative", "累计重复购买次数"),
    "calibration_x": ("Repeat purchases before the hold-out", "留出期之前的重复购买次数"),
    "calibration_y": ("Purchases in the hold-out, mean", "留出期内平均购买次数"),
    "path_x": ("{unit}s since the first purchase", "自首次购买起的时间（{unit}）"),
    "path_y": ("Probability of being active", "仍活跃的概率"),
    "frequencies_x": ("Repeat purchases", "重复购买次数"),
    "frequencies_y": ("Customers", "客户数"),
    "alive_x": ("Recency: {units} from first to last purchase", "近度：首末次购买间隔（{unit}）"),
    "alive_y": (
        "Probability of being active, by repeat purchases (upwards)",
        "仍活跃的概率（纵轴：重复购买次数）",
    ),
    "purchases_x": (
        "Recency: {units} from first to last purchase",
        "近度：首末次购买间隔（{unit}）",
    ),
    "purchases_y": (
        "Purchases expected in {horizon} {units}, by repeat purchases so far (upwards)",
        "未来 {horizon} {unit}的期望购买次数（纵轴：已重复购买次数）",
    ),
    "days": ("days", "天"),
    "weeks": ("weeks", "周"),
    "months": ("months", "月"),
    "day": ("Day", "天"),
    "week": ("Week", "周"),
    "month": ("Month", "月"),
    "mbg_nbd": ("MBG/NBD", "MBG/NBD"),
    "covariates": ("Buying, with covariates", "购买模型（含协变量）"),
    "bg_nbd": ("BG/NBD", "BG/NBD"),
    "pareto_nbd": ("Pareto/NBD", "Pareto/NBD"),
    "nbd": ("NBD", "NBD"),
}


def plot_tracking(comparison: ModelComparison, *, language: Language = "en") -> Figure:
    """Draw cumulative repeat purchases over time, actual and as each model expects them.

    Parameters
    ----------
    comparison : ModelComparison
        From `retainkit.lifetime.compare_models`.
    language : {"en", "zh"}, default "en"
        Display language.

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
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import compare_models, split_histories
    >>> from retainkit.report import plot_tracking
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(cdnow["customer_id"], cdnow["timestamp"],
    ...                         calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> figure = plot_tracking(compare_models(split))
    >>> len(figure.axes[0].lines)
    5
    """
    table = comparison.tracking
    unit = str(table.index.name)
    with canvas.house_style(check_language(language)):
        figure, axes = new_axes(language, "tracking", unit)
        for i, name in enumerate(table.columns):
            _draw(axes, table.index, table[name], str(name), i, language, marker="")
        axes.set_ylim(0.0, 1.25 * float(table["actual"].max()))
        axes.set_xlim(0.0, float(table.index.max()))
        axes.legend(frameon=False, fontsize=11)
    return figure


def plot_calibration(comparison: ModelComparison, *, language: Language = "en") -> Figure:
    """Draw mean purchases in the hold-out by purchases before it, actual and per model.

    Parameters
    ----------
    comparison : ModelComparison
        From `retainkit.lifetime.compare_models`.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own; the last group holds everybody with that many purchases or more.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import compare_models, split_histories
    >>> from retainkit.report import plot_calibration
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(cdnow["customer_id"], cdnow["timestamp"],
    ...                         calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> figure = plot_calibration(compare_models(split))
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()][-1]
    '7+'
    """
    table = comparison.calibration.drop(columns="customers")
    with canvas.house_style(check_language(language)):
        figure, axes = new_axes(language, "calibration", "week")
        for i, name in enumerate(table.columns):
            _draw(axes, table.index, table[name], str(name), i, language, marker="o")
        labels = [*(str(x) for x in table.index[:-1]), f"{table.index[-1]}+"]
        axes.set_xticks(range(len(labels)), labels)
        axes.set_ylim(bottom=0.0)
        axes.legend(frameon=False, fontsize=11)
    return figure


def plot_alive_path(
    model: PurchaseModel, repeat_times: ArrayLike1D, *, until: float, language: Language = "en"
) -> Figure:
    """Draw how one customer's probability of being active went, purchase by purchase.

    Parameters
    ----------
    model : PurchaseModel
        Whose unit the times are in.
    repeat_times : array-like of shape (x,)
        Times of the repeat purchases since the first one [unit], above 0.
    until : float
        End of the path [unit].
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own; purchases are the ticks along the bottom.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel
    >>> from retainkit.report import plot_alive_path
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> figure = plot_alive_path(model, [4.0, 9.0, 11.0], until=40)
    >>> path = figure.axes[0].lines[0].get_ydata()
    >>> bool(path[-1] < path[0])
    True
    """
    times = np.sort(np.asarray(repeat_times, dtype=np.float64))
    grid = np.union1d(np.linspace(0.0, until, _STEPS), times[times <= until])
    count = np.searchsorted(times, grid, side="right")
    last = np.concatenate([[0.0], times])[count]
    history = PurchaseHistories(frequency=count, recency=last, age=grid, unit=model.unit)
    with canvas.house_style(check_language(language)):
        figure, axes = new_axes(language, "path", model.unit)
        axes.plot(grid, model.p_alive(history), color=canvas.FIRST, linewidth=2.0)
        axes.plot(times[times <= until], np.zeros(int((times <= until).sum())), "|",
                  color=canvas.LOSS, markersize=14, clip_on=False)  # fmt: skip
        axes.set_ylim(0.0, 1.02)
        axes.set_xlim(0.0, until)
    return figure


def text_of(key: str, language: Language) -> str:
    """Return a text by its key; an unknown key is its own text."""
    texts = _TEXTS.get(key)
    return key if texts is None else texts[language == "zh"]


def new_axes(language: Language, name: str, unit: str, horizon: str = "") -> tuple[Figure, Axes]:
    """Return a figure with the axes, labels and title of the plot `name`; times are in `unit`."""
    figure = canvas.new_figure(_WIDTH, _HEIGHT)
    axes = figure.add_axes((0.1, 0.15, 0.87, 0.75))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3, labelsize=11)
    words = {"unit": text_of(unit, language), "units": text_of(f"{unit}s", language)}
    axes.set_xlabel(text_of(f"{name}_x", language).format(**words), fontsize=11.5)
    title = text_of(f"{name}_y", language).format(horizon=horizon, **words)
    axes.text(0.0, 1.05, title, transform=axes.transAxes, color=canvas.MUTED, fontsize=11.5)
    return figure, axes


def _draw(
    axes: Axes, x: Any, y: Any, name: str, i: int, language: Language, *, marker: str
) -> None:
    actual = name == "actual"
    colour = canvas.INK if actual else _COLOURS[(i - 1) % len(_COLOURS)]
    style: dict[str, Any] = {"linewidth": 2.2 if actual else 1.3, "marker": marker, "markersize": 4}
    axes.plot(np.asarray(x), np.asarray(y), color=colour, label=text_of(name, language), **style)
