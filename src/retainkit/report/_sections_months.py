"""The section about the months ahead: what came, and what existing customers will bring."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.pipeline import ForecastByMonth
from retainkit.report._blocks import Paragraph, Picture, Section, tabulate
from retainkit.report._canvas import to_svg
from retainkit.report._facts import Facts
from retainkit.report._month_plot import plot_months
from retainkit.report._numbers import UNDEFINED, write_number


def describe_months(facts: Facts) -> Section | None:
    """Return picture and table of the months; None without a forecast of money."""
    months, texts = facts.result.forecast_by_month, facts.texts
    if months is None:
        return None
    title = texts("months_ahead")
    picture = Picture(
        to_svg(plot_months(months, language=texts.language), name="months", title=title), title
    )
    intro = Paragraph(texts("months_ahead_intro", level=texts.share(months.level, 0)))
    columns = (
        (texts("months_ahead_month"), False),
        (texts("months_ahead_actual"), True),
        (texts("months_ahead_existing"), True),
        (texts("months_ahead_expected"), True),
        (texts("months_ahead_interval"), True),
    )
    table = tabulate(title, columns, _rows(facts, months), quiet=True)
    return Section("months_ahead", title, (intro, picture, table))


def _rows(facts: Facts, months: ForecastByMonth) -> list[tuple[str, ...]]:
    rows = []
    for row in months.to_frame().to_dict("records"):
        interval = UNDEFINED
        if np.isfinite(row["expected_low"]):
            low, high = write_number(row["expected_low"], 0), write_number(row["expected_high"], 0)
            interval = f"{low} – {high}"
        rows.append(
            (
                _month(facts, row["month"]),
                *(_money(row[name]) for name in ("actual", "actual_existing", "expected")),
                interval,
            )
        )
    return rows


def _month(facts: Facts, first: pd.Timestamp) -> str:
    """Return the month, with its days where not all of them are meant."""
    result, texts, name = facts.result, facts.texts, first.strftime("%Y-%m")
    today = pd.Timestamp(result.as_of)
    end = today + pd.Timedelta(days=result.config.horizon_days)
    if first <= today < first + pd.offsets.MonthEnd(0):
        return texts("month_both", month=name, day=today.day)
    if first <= end < first + pd.offsets.MonthEnd(0):
        return texts("month_until", month=name, day=end.day)
    days = result.history.first_day
    begin = pd.Timestamp(int(days.min()) if days.dtype.kind in "iu" else days.min(), unit="D")
    if first < begin <= first + pd.offsets.MonthEnd(0):
        return texts("month_from", month=name, day=begin.day)
    return name


def _money(value: float) -> str:
    return write_number(value, 0) if np.isfinite(value) else UNDEFINED
