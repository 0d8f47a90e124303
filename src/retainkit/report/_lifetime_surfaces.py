"""Plots of a model of purchases in the sample, and of its predictions over recency x frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retainkit.lifetime import PurchaseHistories, PurchaseHistory, compare_frequencies
from retainkit.report import _canvas as canvas
from retainkit.report._dependencies import check_language, need
from retainkit.report._lifetime_plots import new_axes, text_of
from retainkit.typing import ArrayLike1D, FloatArray, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retainkit.lifetime import PurchaseModel
    from retainkit.lifetime._process import ProcessModel

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
        A figure of its own: pyplot does not know it. Save it with `figure.savefig`.

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
