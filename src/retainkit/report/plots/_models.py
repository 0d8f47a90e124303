"""Plots of models of purchases: expected beside actual, one customer's path, surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retainkit._core.catalogue import read_labels
from retainkit.lifetime import (
    ModelComparison,
    PurchaseHistories,
    PurchaseHistory,
    compare_frequencies,
)
from retainkit.report.plots import _canvas as canvas
from retainkit.report.plots._canvas import check_language, need
from retainkit.typing import ArrayLike1D, FloatArray, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retainkit.lifetime import PurchaseModel
    from retainkit.lifetime._process import ProcessModel

_WIDTH, _HEIGHT = 640.0, 360.0
_COLOURS = ("#0b3c6f", "#c8553d", "#3f8f6b", "#9a8fb0", "#8e9aa5")
_STEPS = 400
_TEXTS = read_labels("retainkit.report", "plots", "plots")


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
        A figure that pyplot does not know; `figure.savefig` saves it.

    Raises
    ------
    MissingDependencyError, NotComputableError
        If matplotlib is not installed; if there are no texts in `language`.

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
    MissingDependencyError, NotComputableError
        If matplotlib is not installed; if there are no texts in `language`.

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
    MissingDependencyError, NotComputableError
        If matplotlib is not installed; if there are no texts in `language`.

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
    label = _TEXTS.get(key)
    return key if label is None else label.text(language)


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


_COLUMNS = 160
_ACTUAL, _EXPECTED = "#8e9aa5", canvas.FIRST


def plot_frequencies(
    model: ProcessModel,
    history: PurchaseHistory,
    *,
    max_count: int = 7,
    weights: ArrayLike1D | None = None,
    language: Language = "en",
) -> Figure:
    """Draw how many customers bought again how often, actual and as a model expects it.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Fitted, as a rule, on the same customers.
    history : PurchaseHistory of n customers
        In the unit of the model.
    max_count : int, default 7
        Last group: customers with that many repeat purchases or more.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that pyplot does not know; `figure.savefig` saves it.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`, or `max_count` is not from 0 to 100,000.
    UnitError
        If the history is in another unit of time.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.report import plot_frequencies
    >>> summary = rk.summarize_customers(
    ...     rk.load_cdnow_sample(), as_of="1997-09-30", unit="week")
    >>> figure = plot_frequencies(rk.fit_mbg_nbd(summary), summary)
    >>> [int(bar.get_height()) for bar in figure.axes[0].containers[0]]
    [1411, 439, 214, 100, 62, 38, 29, 64]
    """
    table = compare_frequencies(model, history, max_count=max_count, weights=weights)
    name = text_of(str(getattr(model, "kind", "")), language)
    with canvas.house_style(check_language(language)):
        figure, axes = new_axes(language, "frequencies", model.unit)
        at = np.arange(len(table))
        style: dict[str, Any] = {"width": 0.4, "linewidth": 0.0}
        actual = text_of("actual", language)
        axes.bar(at - 0.2, table["actual"].to_numpy(), color=_ACTUAL, label=actual, **style)
        axes.bar(at + 0.2, table["expected"].to_numpy(), color=_EXPECTED, label=name, **style)
        labels = [*(str(x) for x in table.index[:-1]), f"{table.index[-1]}+"]
        axes.set_xticks(at.tolist(), labels)
        axes.legend(frameon=False, fontsize=11)
    return figure


def plot_alive_surface(
    model: PurchaseModel, *, age: float, max_frequency: int = 20, language: Language = "en"
) -> Figure:
    """Draw the probability of being active by the time of the last purchase and their number.

    Parameters
    ----------
    model : PurchaseModel
        Whose unit the age is in.
    age : float
        Time from first purchase to `as_of` of all customers shown [unit], above 0.
    max_frequency : int, default 20
        Most repeat purchases shown; at least 2.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own. Darker is likelier; lines join equal values. Customers who bought
        once have no recency and are not shown.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`, or no surface for these limits.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel
    >>> from retainkit.report import plot_alive_surface
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> figure = plot_alive_surface(model, age=39)
    >>> mesh = figure.axes[0].collections[0].get_array()
    >>> bool(mesh.min() >= 0.0 and mesh.max() <= 1.0)
    True
    """
    grid = _grid(model, age, max_frequency)
    with canvas.house_style(check_language(language)):
        figure, axes = new_axes(language, "alive", model.unit)
        shape = (max_frequency, _COLUMNS)
        _draw_surface(figure, axes, grid, model.p_alive(grid).reshape(shape), top=1.0)
    return figure


def plot_purchases_surface(
    model: PurchaseModel,
    *,
    age: float,
    horizon: float,
    max_frequency: int = 20,
    language: Language = "en",
) -> Figure:
    """Draw expected purchases by the time of the last purchase and their number so far.

    Parameters
    ----------
    model : PurchaseModel
        Whose unit the times are in.
    age : float
        Time from first purchase to `as_of` of all customers shown [unit], above 0.
    horizon : float
        Length of the future considered [unit].
    max_frequency : int, default 20
        Most repeat purchases shown; at least 2.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own. Darker is more; lines join equal values. Customers who bought once
        have no recency and are not shown.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If there are no texts in `language`, or no surface for these limits.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel
    >>> from retainkit.report import plot_purchases_surface
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> figure = plot_purchases_surface(model, age=39, horizon=39)
    >>> bool(figure.axes[0].collections[0].get_array().min() >= 0.0)
    True
    """
    grid = _grid(model, age, max_frequency)
    with canvas.house_style(check_language(language)):
        figure, axes = new_axes(language, "purchases", model.unit, f"{horizon:g}")
        expected = model.expected_purchases(grid, horizon=horizon)
        surface = expected.reshape(max_frequency, _COLUMNS)
        _draw_surface(figure, axes, grid, surface, top=float(surface.max()))
    return figure


def _grid(model: PurchaseModel, age: float, max_frequency: int) -> PurchaseHistories:
    """Return one history per cell, frequency by frequency; recency at the middle of each cell."""
    if not 0.0 < age < np.inf or max_frequency < 2:
        from retainkit.errors import NotComputableError

        raise NotComputableError(
            f"age {age!r}, max_frequency {max_frequency!r}",
            rule="a surface needs a finite age above 0 and two or more frequencies",
        )
    recency = age * (np.arange(_COLUMNS) + 0.5) / _COLUMNS
    return PurchaseHistories(
        frequency=np.repeat(np.arange(1.0, max_frequency + 1.0), _COLUMNS),
        recency=np.tile(recency, max_frequency),
        age=np.full(max_frequency * _COLUMNS, float(age)),
        unit=model.unit,
    )


def _draw_surface(
    figure: Figure, axes: Axes, grid: PurchaseHistories, surface: FloatArray, *, top: float
) -> None:
    """Fill the cells, draw lines of equal value over them, and a scale beside."""
    rows = len(surface)
    age = float(grid.age[0])
    colours = [canvas.blend(t, canvas.PAPER, canvas.FIRST) for t in np.linspace(0.0, 1.0, 65)]
    colour_map = need("matplotlib.colors").LinearSegmentedColormap.from_list("blues", colours)
    edges = np.linspace(0.0, age, _COLUMNS + 1), np.arange(0.5, rows + 1.0)
    mesh = axes.pcolormesh(
        *edges, surface, cmap=colour_map, vmin=0.0, vmax=max(top, 1e-300), rasterized=True
    )
    _draw_levels(axes, grid, surface, top)
    axes.set_ylim(0.5, rows + 0.5)
    axes.set_yticks(sorted({1, *range(5, rows + 1, 5)}))
    axes.set_xlim(0.0, age)
    place = axes.get_position()
    axes.set_position((place.x0, place.y0, place.width - 0.08, place.height))
    scale = figure.add_axes((place.x1 - 0.06, place.y0, 0.02, place.height))
    bar = figure.colorbar(mesh, cax=scale)
    bar.outline.set_visible(False)
    scale.tick_params(length=0, labelsize=10)


def _draw_levels(axes: Axes, grid: PurchaseHistories, surface: FloatArray, top: float) -> None:
    """Draw labelled lines of equal value, in an ink that is seen on its ground."""
    locator = need("matplotlib.ticker").MaxNLocator(nbins=6)
    levels = [v for v in locator.tick_values(0.0, top) if surface.min() < v < surface.max()]
    if not levels:
        return
    x, y = grid.recency[:_COLUMNS], np.arange(1.0, len(surface) + 1.0)
    inks = [
        canvas.ink_on(canvas.blend(min(v / top, 1.0), canvas.PAPER, canvas.FIRST)) for v in levels
    ]
    lines = axes.contour(x, y, surface, levels=levels, colors=inks, linewidths=0.8)
    axes.clabel(lines, fontsize=9, fmt="%g")
