"""The few lines that say what came out of a run, in the language asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retainkit._core.catalogue import read_labels
from retainkit._core.sentences import count
from retainkit.pipeline import RetentionResult
from retainkit.typing import Language

_LINES = read_labels("retainkit._cli", "summary", "lines")
_KINDS = read_labels("retainkit._cli", "summary", "kinds")
_TABLES = read_labels("retainkit._cli", "summary", "tables")


def summarize_run(
    result: RetentionResult, out: Path, names: str, language: Language
) -> Iterator[str]:
    """Give the lines: base, trust, what to do, what was measured, what is missing, where it is."""

    def say(name: str, **parts: Any) -> str:
        return _LINES[name].text(language).format(**parts)

    yield say("customers", n=count(len(result)), as_of=result.as_of)
    yield ""
    pyramid = result.pyramid
    labels = pyramid.names if language == "en" else [x.text(language) for x in pyramid.labels]
    heads, shares = pyramid.customer_share, pyramid.value_share
    for i, tier in enumerate(labels):
        line = say(
            "tier", tier=tier, customers=f"{pyramid.customers[i]:,}", heads=f"{heads[i]:6.1%}"
        )
        yield line + (say("share", share=f"{shares[i]:6.1%}") if shares[i] == shares[i] else "")
    yield ""
    yield from result.trust(language)
    yield from (one.words(language) for one in result.contradictions)
    yield from result.ledger.notes(language)
    yield ""
    if result.review:
        yield from result.review.describe(language)
        yield ""
    yield from (result.proof.describe(language) if result.proof else ())
    yield from result.plan.describe(language)
    yield ""
    yield from (answer.words for answer in result.scores.answers(language))
    yield _retention(result, say)
    for row in result.to_document().ledger:
        kind, table = str(row["kind"]), str(row["table"])
        if kind in _KINDS and row["rows"]:
            shown = _TABLES.get("customers_table" if table == "customers" else table)
            yield say(
                "rows",
                table=shown.text(language) if shown else table,
                rows=f"{row['rows']:,}",
                kind=_KINDS[kind].text(language),
                reason=row["reason"],
            ).rstrip()
    yield ""
    told = (gap.words(language) for gap in result.gaps)
    yield from dict.fromkeys(say("gap", what=what, enabled_by=by) for what, _, by in told)
    yield ""
    yield say("written", out=out, names=names)


def _retention(result: RetentionResult, say: Any) -> str:
    rate = result.metrics.get("retention_rate")
    if rate.value is None or rate.interval is None:
        return str(say("no_retention", period=rate.period))
    return str(
        say(
            "retention",
            rate=f"{rate.value:.1%}",
            kept=f"{rate.numerator:,.0f}",
            of=f"{rate.denominator:,.0f}",
            low=f"{rate.interval.lower:.1%}",
            high=f"{rate.interval.upper:.1%}",
            period=rate.period,
        )
    )
