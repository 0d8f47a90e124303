"""The sections on how far to trust a run: today's answers, past runs, the months ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.sentences import count
from retainkit._pipeline._backtest_words import LIFT_WORDS, PLAIN_RULES
from retainkit.churn._state import STATE_LABELS
from retainkit.pipeline import BacktestResult, ForecastByMonth
from retainkit.report.page._blocks import (
    UNDEFINED,
    Block,
    Bullets,
    Cell,
    Paragraph,
    Picture,
    Section,
    Table,
    money_decimals,
    tabulate,
    write_number,
)
from retainkit.report.page._texts import Facts, Texts
from retainkit.report.plots._canvas import to_svg
from retainkit.report.plots._past import plot_backtest, plot_months

_MOST = 10


def describe_today(facts: Facts) -> Section:
    """Return the answers, the first who need attention today, and the first to win back."""
    scores, texts = facts.result.scores, facts.texts
    language = texts.language
    blocks: list[Block] = [Bullets(tuple(_begin(one.words) for one in scores.answers(language)))]
    today, lost = scores.today(language, _MOST), scores.win_back(language, _MOST)
    if len(today):
        blocks.append(
            _listed(facts, today, "tier", "trigger", texts("today_list", n=count(len(today))))
        )
    if len(lost):
        blocks.append(
            _listed(facts, lost, "former_tier", "cause", texts("win_back_list", n=count(len(lost))))
        )
    return Section("today", texts("today"), tuple(blocks))


def _begin(words: str) -> str:
    """Begin a sentence with a capital."""
    return words[:1].upper() + words[1:]


def _listed(facts: Facts, frame: pd.DataFrame, tier: str, why: str, title: str) -> Table:
    texts, decimals = facts.texts, money_decimals(frame["worth"])
    rows = [
        (
            str(row["customer_id"]),
            facts.tier(str(row["tier"])),
            str(row[why]),
            write_number(row["worth"], decimals),
            str(row["action"]),
            str(row["reason"]),
        )
        for row in frame.to_dict("records")
    ]
    columns = (
        *((texts("customer"), False), (texts(tier), False), (texts(why), False)),
        *texts.columns("rll", "at_stake_or_year action reason"),
    )
    return tabulate(title, columns, rows)


def describe_trust(tested: BacktestResult | None, texts: Texts) -> Section | None:
    """Return sentences, picture and measures of a backtest; None without one."""
    if tested is None:
        return None
    blocks: list[Block] = [Paragraph(texts("backtest_intro"))]
    blocks.append(Bullets(tested.describe(texts.language)))
    if len(tested):
        title = texts("backtest_picture")
        figure = plot_backtest(tested, language=texts.language)
        blocks.append(Picture(to_svg(figure, name="backtest", title=title), title))
        blocks += [_scores(tested, texts), Paragraph(texts("backtest_notes"))]
    return Section("trust", texts("backtest"), tuple(blocks))


def _scores(tested: BacktestResult, texts: Texts) -> Table:
    columns = texts.columns(
        "llrrrrrr",
        "backtest_day backtest_candidate backtest_ratio backtest_captured "
        "backtest_lift backtest_gini backtest_error backtest_coverage",
    )
    rows = [_row(row, texts) for row in tested.summary().to_dict("records")]
    return tabulate(texts("backtest_scores"), columns, rows)


def _row(row: dict[Any, Any], texts: Texts) -> tuple[str | Cell, ...]:
    rule = row["candidate"]
    name = texts.label(PLAIN_RULES[rule]) if rule in PLAIN_RULES else texts("backtest_run")
    return (
        str(row["cutoff"]),
        name,
        write_number(row["expected_over_actual"], 2),
        texts.share(row["captured"], 0),
        Cell(texts.share(row["lift_quality"], 0), texts.label(LIFT_WORDS[row["lift_word"]])),
        write_number(row["normalised_gini"], 3),
        _beside(row["calibration_error"], row["noise_floor"], texts, 1),
        _beside(row["coverage"], row["coverage_top"], texts, 0),
    )


def _beside(first: float, second: float, texts: Texts, decimals: int) -> str:
    """Return a share with another in brackets."""
    if first != first:
        return UNDEFINED
    return f"{texts.share(first, decimals)} ({texts.share(second, decimals)})"


def describe_review(facts: Facts) -> Section | None:
    """Return what the last run said and what came; None without a previous run."""
    review, texts = facts.result.review, facts.texts
    if review is None:
        return None
    rows = [
        (
            texts.label(STATE_LABELS[row["state"]]),
            write_number(row["customers"]),
            write_number(row["returned"]),
            texts.share(row["share"] if row["customers"] else None),
            texts({True: "review_held", False: "review_failed"}.get(row["holds"], "review_open")),
        )
        for row in review.states.to_dict("records")
    ]
    columns = (
        *texts.columns("lr", "review_state customers"),
        *((texts("review_returned", days=write_number(review.state_days)), True),),
        *texts.columns("rl", "review_share review_claim"),
    )
    table = tabulate(texts("review_states", made_on=review.made_on.isoformat()), columns, rows)
    return Section("review", texts("review"), (Bullets(review.describe(texts.language)), table))


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
    began = result.history.first_day[result.history.occasions > 0]
    if not len(began):
        return name
    begin = pd.Timestamp(int(began.min()), unit="D")
    if first < begin <= first + pd.offsets.MonthEnd(0):
        return texts("month_from", month=name, day=begin.day)
    return name


def _money(value: float) -> str:
    return write_number(value, 0) if np.isfinite(value) else UNDEFINED
