"""The few sentences about a backtest that a manager reads, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from retainkit._core.labels import Label
from retainkit.typing import Language

PLAIN_RULES = {
    "recency": Label(en="days since the last purchase", zh="距上次购买的天数"),
    "past_spend": Label(en="money spent so far", zh="累计消费金额"),
    "recent_spend": Label(en="money of the window before", zh="前一窗口的消费金额"),
}
"""Names of the plain rules, in the order of the summary."""

_POINT = 0.01
"""Difference of two shares that is not worth a word."""

LIFT_WORDS = {
    "none": Label(en="no better than chance", zh="不优于随机"),
    "poor": Label(en="poor", zh="较差"),
    "fair": Label(en="fair", zh="一般"),
    "good": Label(en="good", zh="良好"),
    "excellent": Label(en="excellent", zh="优秀"),
}

_SENTENCES = {
    "total": Label(
        en="Standing on {cutoff}, the run expected {expected} of the following {days} days; "
        "{actual} came.",
        zh="以 {cutoff} 为截止日，模型预计其后 {days} 天带来 {expected}，实际为 {actual}。",
    ),
    "entrants": Label(
        en="Customers who were new then ({entrants}) brought another {money}.",
        zh="其间新增的 {entrants} 位客户另带来 {money}。",
    ),
    "no_total": Label(
        en="Standing on {cutoff}, the run forecast no money; {actual} came in the following "
        "{days} days.",
        zh="以 {cutoff} 为截止日，模型未给出金额预测；其后 {days} 天实际带来 {actual}。",
    ),
    "top": Label(
        en="Its best fifth brought {captured} of all money; by {rule} it would have been {other}.",
        zh="模型选出的前五分之一客户带来全部金额的 {captured}；若按{rule}选，则为 {other}。",
    ),
    "failed": Label(
        en="{cutoff} could not be tested: {reason}.", zh="{cutoff} 无法检验：{reason}。"
    ),
    "won": Label(
        en="On {won} of {tested} past days the run's best fifth brought at least as much as by the "
        "best plain rule, to one point.",
        zh="在 {tested} 个历史截止日中，有 {won} 个的模型前五分之一不低于最佳简单规则"
        "（误差一个百分点以内）。",
    ),
    "lift": Label(
        en="Who would be active was ordered with {lift} of the gain of a perfect order over chance "
        "({word}); by {rule}: {other}.",
        zh="对“谁会活跃”的排序达到完美排序相对随机所得的 {lift}（{word}）；按{rule}为 {other}。",
    ),
    "calibration": Label(
        en="The probability of being active was off by {error} points on average; chance alone "
        "gives a perfect forecast {floor}.",
        zh="活跃概率平均偏差 {error} 个百分点；完美预测仅因随机也会有 {floor} 个百分点。",
    ),
    "coverage": Label(
        en="Its intervals, meant to hold {level} of customers, held {coverage}, and {top} of the "
        "best fifth.",
        zh="区间本应覆盖 {level} 的客户，实际覆盖 {coverage}，在前五分之一中覆盖 {top}。",
    ),
    "tiers": Label(
        en="Afterwards a customer brought on average: {tiers}.",
        zh="此后每位客户平均带来：{tiers}。",
    ),
    "shorter": Label(
        en="The history allows {window} days ahead to be tested, not the {horizon} asked for.",
        zh="历史长度只允许检验未来 {window} 天，而非所要求的 {horizon} 天。",
    ),
    "overlap": Label(
        en="The windows overlap: the past days are not independent evidence.",
        zh="各窗口相互重叠：这些截止日并非相互独立的证据。",
    ),
}


def describe_backtest(tested: Any, language: Language) -> tuple[str, ...]:
    """Say what was expected and what came, how well customers were ordered, and on what terms."""
    speak = _Speaker(language)
    return (*_tell(tested, speak), *tested.notes)


class _Speaker:
    """Fills sentences in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        return _SENTENCES[key].text(self.language).format(**values)

    def name(self, label: Label) -> str:
        return label.text(self.language)

    def join(self, *sentences: str) -> str:
        return ("" if self.language == "zh" else " ").join(sentences)

    def share(self, x: float) -> str:
        sign = "%" if self.language == "zh" else "\N{NO-BREAK SPACE}%"
        number = f"{100 * x:.0f}".replace("-", "\N{MINUS SIGN}")
        return f"{number}{sign}" if x == x else "–"


def _tell(tested: Any, speak: _Speaker) -> Iterator[str]:
    scores = tested.summary()
    won = done = 0
    for fold in tested.folds.to_dict("records"):
        if fold["reason"]:
            yield speak("failed", cutoff=fold["cutoff"], reason=fold["reason"])
            continue
        run, rule = _run_and_best(scores[scores["cutoff"] == fold["cutoff"]], "captured")
        yield speak.join(*_total(fold, run, speak), _top(run, rule, speak))
        done += 1
        won += bool(run["captured"] >= rule["captured"] - _POINT)
    if done > 1:
        yield speak("won", won=won, tested=done)
    if done:
        yield from _latest(tested, scores, speak)
    yield from _terms(tested, speak)


def _run_and_best(scores: pd.DataFrame, measure: str) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return the measures of the run, and of the plain rule that did best."""
    rows = {row["candidate"]: row for row in scores.to_dict("records")}
    rules = [rows[name] for name in PLAIN_RULES if name in rows]
    best = max(rules, key=lambda row: row[measure] if row[measure] == row[measure] else -1.0)
    return rows["run"], best


def _total(fold: dict[Any, Any], run: dict[Any, Any], speak: _Speaker) -> Iterator[str]:
    known = run["expected"] == run["expected"]
    yield speak(
        "total" if known else "no_total",
        cutoff=fold["cutoff"],
        days=fold["window_days"],
        expected=f"{run['expected']:,.0f}",
        actual=f"{fold['actual']:,.0f}",
    )
    if fold["entrants"]:
        money = f"{fold['entrants_actual']:,.0f}"
        yield speak("entrants", entrants=f"{fold['entrants']:,.0f}", money=money)


def _top(run: dict[Any, Any], rule: dict[Any, Any], speak: _Speaker) -> str:
    return speak(
        "top",
        captured=speak.share(run["captured"]),
        rule=speak.name(PLAIN_RULES[rule["candidate"]]),
        other=speak.share(rule["captured"]),
    )


def _latest(tested: Any, scores: pd.DataFrame, speak: _Speaker) -> Iterator[str]:
    """Tell of the last past day that could be tested."""
    last = scores["cutoff"].max()
    run, rule = _run_and_best(scores[scores["cutoff"] == last], "lift_quality")
    yield speak(
        "lift",
        lift=speak.share(run["lift_quality"]),
        word=speak.name(LIFT_WORDS[run["lift_word"]]),
        rule=speak.name(PLAIN_RULES[rule["candidate"]]),
        other=speak.share(rule["lift_quality"]),
    )
    if run["calibration_error"] == run["calibration_error"]:
        error, floor = 100 * run["calibration_error"], 100 * run["noise_floor"]
        yield speak("calibration", error=f"{error:.1f}", floor=f"{floor:.1f}")
    if run["coverage"] == run["coverage"]:
        yield speak(
            "coverage",
            level=speak.share(tested.level),
            coverage=speak.share(run["coverage"]),
            top=speak.share(run["coverage_top"]),
        )
    tiers = tested.outcomes("tier")
    named = [
        f"{tested.tier_name(str(row['tier']), speak.language)} {row['actual']:,.2f}"
        for row in tiers[tiers["cutoff"] == last].to_dict("records")
    ]
    yield speak("tiers", tiers=("，" if speak.language == "zh" else ", ").join(named))


def _terms(tested: Any, speak: _Speaker) -> Iterator[str]:
    """Tell on what terms it was tested, where they are not those asked for."""
    done = tested.folds[tested.folds["reason"] == ""]
    window = int(done["window_days"].max()) if len(done) else tested.horizon_days
    if window < tested.horizon_days:
        yield speak("shorter", window=window, horizon=tested.horizon_days)
    if done["overlaps"].any():
        yield speak("overlap")
