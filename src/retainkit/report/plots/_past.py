"""What was expected beside what came: past runs, and month by month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retainkit.errors import NotComputableError
from retainkit.pipeline import BacktestResult
from retainkit.report.page._blocks import money_decimals, write_number
from retainkit.report.page._texts import Texts
from retainkit.report.plots import _canvas as canvas
from retainkit.report.plots._canvas import check_language
from retainkit.typing import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retainkit.pipeline import ForecastByMonth

_WIDTH, _HEIGHT = 760.0, 600.0
_SAID, _CAME = "#9db9d3", "#0b3c6f"
_BAR = 0.36


def plot_backtest(tested: BacktestResult, *, language: Language = "en") -> Figure:
    """Draw what a run said on past days beside what came.

    Above, the money expected and the money that came, per past day; below on the left the
    probability of being active beside how many were, in ten groups (on the diagonal they agree);
    on the right the money per customer of each tier, on the latest past day.

    Parameters
    ----------
    tested : BacktestResult
        From `retainkit.backtest`.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own with three axes: pyplot does not know it.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    NotComputableError
        If no past day could be tested, or there are no texts in `language`.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.report import plot_backtest
    >>> tested = rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=1)
    >>> len(plot_backtest(tested).axes)
    3
    """
    texts = Texts(check_language(language))
    if not len(tested):
        raise NotComputableError(
            "no past day could be tested",
            rule="a picture needs at least one",
            where="BacktestResult.folds",
            fix="read the reasons in .folds, and name other days: backtest(..., folds=(...))",
        )
    with canvas.house_style(language):
        figure = canvas.new_figure(_WIDTH, _HEIGHT)
        _draw_totals(_axes(figure, (0.09, 0.60, 0.88, 0.31)), tested, texts)
        _draw_calibration(_axes(figure, (0.09, 0.09, 0.38, 0.36)), tested, texts)
        _draw_tiers(_axes(figure, (0.57, 0.09, 0.40, 0.36)), tested, texts)
    return figure


def _axes(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    axes = figure.add_axes(place)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3, labelsize=10.5)
    return axes


def _title(axes: Axes, text: str) -> None:
    axes.text(0.0, 1.08, text, transform=axes.transAxes, color=canvas.INK, fontsize=12)


def _draw_pairs(axes: Axes, said: Any, came: Any, names: list[str], texts: Texts) -> None:
    """Draw two bars per name, what was expected and what came, with their amounts."""
    x = np.arange(len(names), dtype=np.float64)
    decimals = money_decimals([*said, *came])
    for shift, values, colour, key in (
        (-_BAR / 2, said, _SAID, "backtest_expected"),
        (_BAR / 2, came, _CAME, "backtest_actual"),
    ):
        axes.bar(x + shift, np.nan_to_num(values), _BAR, color=colour, label=texts(key))
        for place, value in zip(x + shift, values, strict=True):
            words = write_number(value, decimals)
            top = max(float(np.nan_to_num(value)), 0.0)
            axes.annotate(
                *(words, (place, top)),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=10,
            )
    axes.set_xticks([])
    for place, name in zip(x, names, strict=True):
        _write_below(axes, float(place), name)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(top=1.15 * max(axes.get_ylim()[1], 1e-9))


def _write_below(axes: Axes, place: float, text: str) -> None:
    """Write lines below the axis: neither a tick's text nor a line break survives `to_svg`."""
    for i, line in enumerate(text.split("\n")):
        axes.annotate(
            *(line, (place, 0.0)),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, -6 - 13 * i),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=10.5,
            color=canvas.MUTED,
        )


def _draw_totals(axes: Axes, tested: BacktestResult, texts: Texts) -> None:
    scores = tested.summary()
    run = scores[scores["candidate"] == "run"]
    names = [str(day) for day in run["cutoff"]]
    _draw_pairs(axes, run["expected"].to_numpy(), run["actual"].to_numpy(), names, texts)
    axes.legend(frameon=False, fontsize=11, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    _title(axes, texts("backtest_totals", days=int(tested.rows["window_days"].max())))


def _draw_calibration(axes: Axes, tested: BacktestResult, texts: Texts) -> None:
    groups = tested.calibration()
    highest = max([0.1, *groups["p_active"], *groups["active"]])
    axes.plot([0.0, highest], [0.0, highest], color=canvas.RULE, linewidth=1)
    days = list(groups["cutoff"].drop_duplicates())
    for i, day in enumerate(days):
        part = groups[groups["cutoff"] == day]
        colour = canvas.blend((i + 1) / len(days))
        axes.plot(
            *(part["p_active"], part["active"]),
            color=colour,
            marker="o",
            markersize=4,
            linewidth=1.3,
            label=str(day),
        )
    axes.set_xlabel(texts("backtest_forecast"), fontsize=11)
    axes.set_ylabel(texts("backtest_frequency"), fontsize=11)
    if days:
        axes.legend(frameon=False, fontsize=10, loc="upper left")
    _title(axes, texts("backtest_calibration"))


def _draw_tiers(axes: Axes, tested: BacktestResult, texts: Texts) -> None:
    tiers = tested.outcomes("tier")
    last = tiers["cutoff"].max()
    tiers = tiers[tiers["cutoff"] == last]
    names = [
        "\n".join((*tested.tier_name(str(tier), texts.language).split(), write_number(heads)))
        for tier, heads in zip(tiers["tier"], tiers["customers"], strict=True)
    ]
    _draw_pairs(axes, tiers["expected"].to_numpy(), tiers["actual"].to_numpy(), names, texts)
    _title(axes, texts("backtest_tiers", cutoff=last))


_MONTHS_HEIGHT = 280.0


def plot_months(months: ForecastByMonth, *, language: Language = "en") -> Figure:
    """Draw the money of each month: what came, and of the horizon what is expected."""
    texts, frame = Texts(language), months.to_frame()
    place = np.arange(len(frame))
    with canvas.house_style(language):
        figure = canvas.new_figure(_WIDTH, _MONTHS_HEIGHT)
        axes = figure.add_axes((0.1, 0.2, 0.87, 0.65))
        axes.spines[["top", "right"]].set_visible(False)
        axes.bar(
            place - 0.2, frame["actual"], 0.4, color=canvas.INK, label=texts("months_ahead_actual")
        )
        axes.bar(
            place - 0.2,
            frame["actual_existing"],
            0.4,
            color=canvas.MUTED,
            label=texts("months_ahead_existing"),
        )
        known = frame["expected"].notna().to_numpy()
        expected = frame.loc[known, "expected"]
        low, high = frame.loc[known, "expected_low"], frame.loc[known, "expected_high"]
        axes.bar(
            place[known] + 0.2,
            expected,
            0.4,
            yerr=[expected - low, high - expected],
            color="#2f6ea8",
            label=texts("months_ahead_expected"),
            error_kw={"linewidth": 1.0},
        )
        axes.set_xticks(place[::2], [day.strftime("%Y-%m") for day in frame["month"][::2]])
        axes.tick_params(labelsize=10, length=3, rotation=0)
        axes.legend(
            frameon=False, fontsize=10.5, loc="upper left", ncols=3, bbox_to_anchor=(0, 1.2)
        )
    return figure
