"""Plots and one self-contained HTML report from results; needs the extra `report`.

`write_report` turns the result of a run into one page that loads nothing from elsewhere;
`plot_pyramids`, `plot_whale_curve`, `plot_cohorts` and `plot_stages` draw single results;
`plot_tracking`, `plot_calibration`, `plot_frequencies`, `plot_alive_path`, `plot_alive_surface`
and `plot_purchases_surface` draw models of purchases, `plot_backtest` past runs beside what came.
Matplotlib and jinja2 are imported when a function needs them, and pyplot never is.
"""

from __future__ import annotations

from retainkit.report._cohorts import plot_cohorts
from retainkit.report._lifetime_plots import (
    plot_alive_path,
    plot_calibration,
    plot_tracking,
)
from retainkit.report._lifetime_surfaces import (
    plot_alive_surface,
    plot_frequencies,
    plot_purchases_surface,
)
from retainkit.report._past_runs import plot_backtest
from retainkit.report._pyramids import plot_pyramids
from retainkit.report._render import render_report, write_report
from retainkit.report._stages import plot_stages
from retainkit.report._whale import plot_whale_curve

__all__ = [
    "plot_alive_path",
    "plot_alive_surface",
    "plot_backtest",
    "plot_calibration",
    "plot_cohorts",
    "plot_frequencies",
    "plot_purchases_surface",
    "plot_pyramids",
    "plot_stages",
    "plot_tracking",
    "plot_whale_curve",
    "render_report",
    "write_report",
]
