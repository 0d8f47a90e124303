"""One self-contained HTML page from a result."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit import __version__
from retainkit.pipeline import BacktestResult, RetentionResult
from retainkit.report.page._base import (
    describe_cohorts,
    describe_model,
    describe_pyramids,
    describe_stages,
    describe_whale,
)
from retainkit.report.page._blocks import Section, write_number
from retainkit.report.page._decisions import describe_actions, describe_causes
from retainkit.report.page._headline import describe_headline
from retainkit.report.page._measured import describe_flows, describe_metrics, describe_scorecard
from retainkit.report.page._plan import (
    describe_audit,
    describe_budget,
    describe_owners,
    describe_plan,
)
from retainkit.report.page._records import (
    describe_configuration,
    describe_gaps,
    describe_ledger,
    describe_moves,
)
from retainkit.report.page._texts import Facts, Texts, gather
from retainkit.report.page._trust import (
    describe_months,
    describe_review,
    describe_today,
    describe_trust,
)
from retainkit.report.plots._canvas import FONT_STACK, check_language, need
from retainkit.typing import Language

if TYPE_CHECKING:
    from os import PathLike

    from jinja2 import Template

_HTML_LANGUAGE = {"en": "en", "zh": "zh-Hans"}


def render_report(
    result: RetentionResult,
    *,
    language: Language = "en",
    backtest: BacktestResult | None = None,
) -> str:
    """Write a result as one self-contained HTML page.

    Headline numbers, the last run against what came, the months ahead, the two pyramids, whale
    curve, cohorts, lifecycle stages, what was learnt, stances with their measures, the list of
    actions with what the last one brought, the plan within a budget and its audit, causes of
    leaving, metrics, month by month, account owners, scorecard with its strategy map, what was not
    computed, ledger and configuration; a section without data is left out. The page loads nothing:
    styles and pictures are in it. The customers named are the first ten of the top tier and the
    first twenty of the list of actions.

    Parameters
    ----------
    result : RetentionResult
        What `RetentionPipeline.run` returned.
    language : {"en", "zh"}, default "en"
        Display language.
    backtest : BacktestResult, optional
        What the run was worth on past days, from `retainkit.backtest`: a section "How far can
        this be trusted?" then follows the headline numbers.

    Returns
    -------
    str
        The page. The same result gives the same text; everything that came from data is escaped.

    Raises
    ------
    MissingDependencyError
        If matplotlib or jinja2 is not installed.
    NotComputableError
        If there are no texts in `language`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.pipeline import RetentionPipeline
    >>> from retainkit.report import render_report
    >>> result = RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30")
    >>> page = render_report(result, language="zh")
    >>> "<title>客户保持报告 · 1998-06-30</title>" in page
    True
    """
    texts = Texts(check_language(language))
    template = _template()
    facts = gather(result, texts)
    subtitle = texts("subtitle", n=write_number(len(result)), as_of=result.as_of.isoformat())
    return template.render(
        texts=texts,
        language=_HTML_LANGUAGE[language],
        fonts=FONT_STACK,
        as_of=result.as_of.isoformat(),
        subtitle=subtitle,
        sections=_sections(facts, backtest),
        version=__version__,
    )


def write_report(
    result: RetentionResult,
    path: str | PathLike[str],
    *,
    language: Language = "en",
    backtest: BacktestResult | None = None,
) -> Path:
    """Write a result as one self-contained HTML file.

    Parameters
    ----------
    result : RetentionResult
        What `RetentionPipeline.run` returned.
    path : str or path-like
        Where to write; an existing file is replaced. The folder must exist.
    language, backtest
        As in `render_report`.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    MissingDependencyError
        If matplotlib or jinja2 is not installed.
    NotComputableError
        If there are no texts in `language`.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.pipeline import RetentionPipeline
    >>> from retainkit.report import write_report
    >>> result = RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_report(result, Path(folder) / "report.html")
    ...     file.stat().st_size < 1_500_000
    True
    """
    target = Path(path)
    target.write_text(
        render_report(result, language=language, backtest=backtest), encoding="utf-8", newline="\n"
    )
    return target


def _sections(facts: Facts, backtest: BacktestResult | None) -> tuple[Section, ...]:
    found = (
        describe_headline(facts),
        describe_trust(backtest, facts.texts),
        describe_today(facts),
        describe_review(facts),
        describe_months(facts),
        describe_pyramids(facts),
        describe_moves(facts),
        describe_whale(facts),
        describe_cohorts(facts),
        describe_stages(facts),
        describe_model(facts),
        describe_actions(facts),
        describe_plan(facts),
        describe_budget(facts),
        describe_audit(facts),
        describe_causes(facts),
        describe_metrics(facts),
        describe_flows(facts),
        describe_owners(facts),
        describe_scorecard(facts),
        describe_gaps(facts),
        describe_ledger(facts),
        describe_configuration(facts),
    )
    return tuple(section for section in found if section is not None)


@cache
def _template() -> Template:
    jinja2 = need("jinja2")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("retainkit.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template: Template = environment.get_template("report.html.j2")
    return template
