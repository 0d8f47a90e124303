"""choose_ranking: by the built-in regressions, or by an estimator of the user's own."""

from __future__ import annotations

from typing import Any, NamedTuple

from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._estimator import (
    EstimatorFailure,
    EstimatorTrial,
    ValueEstimator,
    fit_estimator,
    judge_contests,
)
from retainkit.forecast._evidence import BEST, Judged, LeftOut, forecast_left_out, learning_rows
from retainkit.forecast._learn import Regressions, Window


class Choice(NamedTuple):
    """What ranks the customers: the earlier days and left-out customers as ranked by it."""

    earlier: list[Judged]
    left_out: LeftOut | None
    fitted: ValueEstimator | None = None
    trial: EstimatorTrial | None = None
    notes: tuple[str, ...] = ()


def choose_ranking(
    estimator: ValueEstimator | None,
    earlier: list[Judged],
    windows: list[Window],
    learnt: Regressions | None,
    config: ForecastConfig,
    lifetime: Any = None,
) -> Choice:
    """Choose on earlier days, and fit what was chosen; a failure is a note, the rest stands."""
    left_out = None
    if learnt is not None:
        kept = [one.kept for one in earlier if one.kept is not None]
        left_out = forecast_left_out(windows, config, lifetime=lifetime, earlier=kept)
    built_in = Choice(earlier, left_out)
    if estimator is None:
        return built_in
    notes = tuple(
        f"your estimator failed on {one.origin.day}, {one.origin.window_days} days ahead: {one.own}"
        for one in earlier
        if isinstance(one.own, str)
    )
    trial = judge_contests([one.contest for one in earlier if one.contest], BEST)
    if learnt is None or not trial.origins:
        notes += ("your estimator could be judged on no earlier day: the built-in ranking stands",)
        return built_in._replace(trial=trial, notes=notes)
    try:
        fitted = fit_estimator(estimator, *learning_rows(windows, learnt))
        if not trial.chosen:
            return built_in._replace(trial=trial, notes=notes)
        left_out = forecast_left_out(windows, config, estimator)
    except EstimatorFailure as failure:
        notes += (f"your estimator failed on the whole base, and is not used: {failure}",)
        return built_in._replace(trial=trial.replace(chosen=False), notes=notes)
    return Choice([one.by_own() for one in earlier], left_out, fitted, trial, notes)
