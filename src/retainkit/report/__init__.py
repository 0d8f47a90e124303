"""Plots and one self-contained HTML report from results; needs the extra `report`.

`write_report` turns the result of a run into one page that loads nothing from elsewhere;
`plot_pyramids`, `plot_whale_curve`, `plot_cohorts` and `plot_stages` draw single results;
`plot_tracking`, `plot_calibration`, `plot_frequencies`, `plot_alive_path`, `plot_alive_surface`
and `plot_purchases_surface` draw models of purchases, `plot_backtest` past runs beside what came.
Matplotlib and jinja2 are imported when a function needs them, and pyplot never is.
"""

from __future__ import annotations

from retainkit.report.page._render import render_report, write_report
from retainkit.report.plots._cohorts import plot_cohorts
from retainkit.report.plots._models import (
    plot_alive_path,
    plot_alive_surface,
    plot_calibration,
    plot_frequencies,
    plot_purchases_surface,
    plot_tracking,
)
from retainkit.report.plots._past import plot_backtest
from retainkit.report.plots._tiers import plot_pyramids, plot_stages, plot_whale_curve

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
