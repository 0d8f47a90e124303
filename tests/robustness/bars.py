"""What is asked of a forecast on every kind of firm, and what a set of verdicts says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tests.robustness.firms import KINDS
from tests.robustness.judge import Verdict, judge, judge_recorded

SEEDS, MANY = 20, 200
NAMES = tuple(KINDS)
ALIKE = tuple(name for name in NAMES if KINDS[name].alike)
UNBROKEN = tuple(name for name in NAMES if KINDS[name].breaks is False)
CONTRACTS = ("late_entry", "terms", "both", "monthly_yearly", "exchangeable_contracts")


class Run(NamedTuple):
    """Verdicts on one kind of firm; on the same firms once the recorded window is named."""

    name: str
    verdicts: Sequence[Verdict]
    recorded: Sequence[Verdict]


class Bar(NamedTuple):
    """A figure of the verdicts on one kind, and between which values it must lie."""

    name: str
    text: str
    least: float
    most: float
    kinds: tuple[str, ...]
    value: Callable[[Run], float]

    def met(self, value: float) -> bool:
        """Tell whether the bar is met; an undefined figure meets it."""
        return bool(np.isnan(value) or self.least - 1e-9 <= value <= self.most + 1e-9)


def seeds_of(name: str) -> int:
    """Return the seeds of a kind: 200 for a statement about a rate, else 20."""
    return MANY if KINDS[name].alike else SEEDS


def run_kind(name: str, seeds: int) -> Run:
    """Judge one kind of firm."""
    recorded = [judge_recorded(name, seed) for seed in range(seeds)]
    return Run(
        name,
        [judge(name, seed) for seed in range(seeds)],
        [one for one in recorded if one is not None],
    )


RUNS: dict[str, Run] = {}
"""What has been judged so far, by kind."""


def judged(name: str) -> Run:
    """Judge one kind of firm over the seeds it needs, once."""
    if name not in RUNS:
        RUNS[name] = run_kind(name, seeds_of(name))
    return RUNS[name]


def _share(test: Callable[[Verdict], bool], of: Sequence[Verdict]) -> float:
    return float(np.mean([test(one) for one in of])) if of else float("nan")


def _says_that_it_ranks(run: Run) -> float:
    """Return the share of "yes" where the hidden truth ranks better than chance."""
    able = [one for one in run.verdicts if one.oracle_beyond_chance > 2]
    return _share(lambda one: one.ranks == "yes", able)


def _covered(run: Run) -> float:
    known = [one.coverage for one in (run.recorded or run.verdicts)]
    return float(np.nanmedian(known))


BARS = (
    Bar(
        "ranking",
        "share of seeds with an AUC at most .01 behind the best plain rule, at least .9",
        0.9,
        1.0,
        tuple(name for name in NAMES if name not in ALIKE),
        lambda run: _share(lambda one: one.behind <= 0.01, run.verdicts),
    ),
    Bar(
        "money",
        "share of seeds with expected / actual within .67 to 1.5, or a note that names the cause,"
        " at least .9",
        0.9,
        1.0,
        NAMES,
        lambda run: _share(lambda one: one.money_is_right or one.named, run.verdicts),
    ),
    Bar(
        "flagged",
        "share of seeds in which the forecast as a whole carries a note; at most .1 over all kinds"
        " without a break",
        0.0,
        1.0,
        NAMES,
        lambda run: _share(lambda one: one.flagged, run.verdicts),
    ),
    Bar(
        "no reason",
        "share of customers without a probability, a value or an interval and without a reason: 0",
        0.0,
        0.0,
        NAMES,
        lambda run: max(one.unexplained for one in (*run.verdicts, *run.recorded)),
    ),
    Bar(
        "says yes",
        "share of seeds in which the run says that it ranks, of those in which the hidden truth is"
        " two standard errors better than chance, at least .9",
        0.9,
        1.0,
        tuple(name for name in NAMES if name not in (*ALIKE, "late_entry")),
        _says_that_it_ranks,
    ),
    Bar(
        "says no",
        'share of seeds in which it says "no" or "not known" of customers who are alike,'
        " at least .95",
        0.95,
        1.0,
        ALIKE,
        lambda run: _share(lambda one: one.ranks != "yes", run.verdicts),
    ),
    Bar(
        "said",
        "share of seeds in which late entry is found and said, at least .9",
        0.9,
        1.0,
        ("late_entry",),
        lambda run: _share(lambda one: one.named, run.verdicts),
    ),
    Bar(
        "named",
        "share of seeds with a calibration error of at most .05 once the recorded window is named,"
        " at least .9",
        0.9,
        1.0,
        ("late_entry",),
        lambda run: _share(lambda one: one.calibration <= 0.05 and not one.empty, run.recorded),
    ),
    Bar(
        "worth 0",
        "running contracts worth nothing: none",
        0.0,
        0.0,
        CONTRACTS,
        lambda run: float(sum(one.worthless for one in (*run.verdicts, *run.recorded))),
    ),
    Bar(
        "covered",
        "share of customers within the 90 % interval, median of seeds; contracts .86 to .96",
        0.86,
        0.96,
        CONTRACTS,
        _covered,
    ),
)
"""Every bar; `kinds` tells whom it is asked of."""


def flagged_without_break(runs: Sequence[Run]) -> float:
    """Return the share of runs with a note, over all kinds whose future is like their past."""
    shares = [_share(lambda one: one.flagged, run.verdicts) for run in runs if run.name in UNBROKEN]
    return float(np.mean(shares)) if shares else float("nan")
