"""The few sentences about the last run's forecasts and what came, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retainkit._core.catalogue import read_labels
from retainkit._pipeline._backtest_words import LIFT_WORDS
from retainkit.churn._state import STATE_LABELS
from retainkit.typing import Language

_TEXTS = read_labels("retainkit._pipeline", "review", "review")


def describe_review(review: Any, language: Language) -> tuple[str, ...]:
    """Say how the forecasts of the last run did, each sentence with its numbers."""
    return tuple(_tell(review, language))


def _tell(review: Any, language: Language) -> Iterator[str]:
    def say(key: str, **values: object) -> str:
        return _TEXTS[key].text(language).format(**values)

    def share(x: float) -> str:
        return f"{100.0 * x:.0f}" + ("%" if language == "zh" else "\N{NO-BREAK SPACE}%")

    judged, days = review.measures, f"{review.window_days:,}"
    money = {"actual": f"{judged.actual:,.0f}", "made_on": review.made_on, "days": days}
    if judged.expected_over_actual == judged.expected_over_actual:
        ratio = f"{judged.expected_over_actual:.2f}"
        yield say("total", expected=f"{judged.expected:,.0f}", ratio=ratio, **money)
    else:
        yield say("no_total", horizon=f"{review.horizon_days:,}", **money)
    if review.entrants:
        came = f"{review.entrants_value:,.0f}"
        yield say("entrants", entrants=f"{review.entrants:,}", money=came)
    if judged.captured == judged.captured:
        word = LIFT_WORDS[judged.lift_word].text(language)
        yield say("ranking", found=share(judged.found), captured=share(judged.captured), word=word)
    if judged.calibration_error == judged.calibration_error:
        yield say(
            "calibration",
            days=f"{review.chance_days:,}",
            error=f"{judged.calibration_error:.3f}",
            noise=f"{judged.noise_floor:.3f}",
        )
    if judged.coverage == judged.coverage:
        yield say(
            "coverage",
            level=share(review.level),
            coverage=share(judged.coverage),
            top=share(judged.coverage_top),
        )
    for row in review.states.to_dict("records"):
        if row["state"] in ("quiet", "gone") and row["customers"]:
            verdict = {True: "held", False: "failed"}.get(row["holds"], "open")
            yield say(
                f"state_{verdict}",
                state=STATE_LABELS[row["state"]].text(language).lower(),
                customers=f"{row['customers']:,}",
                returned=f"{row['returned']:,}",
                share=share(row["share"]),
                days=f"{review.state_days:,}",
            )
