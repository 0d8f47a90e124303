"""The section that says how far a run can be trusted: past runs held against what came."""

from __future__ import annotations

from typing import Any

from retainkit._pipeline._backtest_words import LIFT_WORDS, PLAIN_RULES
from retainkit.pipeline import BacktestResult
from retainkit.report._blocks import (
    Block,
    Bullets,
    Cell,
    Paragraph,
    Picture,
    Section,
    Table,
    tabulate,
)
from retainkit.report._canvas import to_svg
from retainkit.report._numbers import UNDEFINED, write_number
from retainkit.report._past_runs import plot_backtest
from retainkit.report._texts import Texts


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
    columns = (
        *((texts("backtest_day"), False), (texts("backtest_candidate"), False)),
        *((texts("backtest_ratio"), True), (texts("backtest_captured"), True)),
        *((texts("backtest_lift"), True), (texts("backtest_gini"), True)),
        *((texts("backtest_error"), True), (texts("backtest_coverage"), True)),
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
