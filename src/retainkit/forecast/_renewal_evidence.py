"""How each way of predicting renewal did at past days of the same base, and which is taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit.errors import NotComputableError
from retainkit.forecast._kernel_renewal import NEVER, Ints, months_completed, months_of
from retainkit.forecast._kernel_renewal_hazard import auc, calibration_error
from retainkit.forecast._renewal_learn import (
    CANDIDATES,
    CovariatesAt,
    TermCounts,
    count_terms,
    learn_effects,
    learn_model,
)
from retainkit.forecast._renewal_model import RenewalModel, RenewalOrigin
from retainkit.forecast._renewal_predict import RenewalForecast, predict_renewal
from retainkit.forecast._renewal_spells import MIN_ENDS, Spells
from retainkit.typing import BoolArray, FloatArray

MAX_ORIGINS = 6
"""Past days at which candidates are judged."""

_MIN_WINDOW = 14
_LANDMARKS = 3


class Setting(NamedTuple):
    """What the walk forward needs beside the contracts."""

    recorded_from: int | None
    window: int
    covariates: CovariatesAt | None
    names: tuple[str, ...]


def choose_origins(
    spells: Spells, as_of: int, horizon: int, recorded_from: int | None
) -> tuple[int, list[int]]:
    """Return the window and the past days to be judged: up to six, apart or half overlapping."""
    first = int(spells.start.min()) if recorded_from is None else recorded_from
    window = horizon
    while window > _MIN_WINDOW and as_of - first < 2 * window:
        window = max(window // 2, _MIN_WINDOW)
    room = as_of - first - window
    apart = window if room >= 3 * window else max(window // 2, 1)
    days = [as_of - window - apart * i for i in range(MAX_ORIGINS)]
    return window, [day for day in days if day - first >= min(window, room)]


def judge(spells: Spells, origin: int, setting: Setting) -> list[RenewalOrigin]:
    """Predict with each candidate as of one past day, and look at what came."""
    empty = RenewalOrigin(origin_day=origin, window_days=setting.window, candidate="tenure")
    past = spells.known_on(origin)
    first = -NEVER if setting.recorded_from is None else setting.recorded_from
    if int(((past.end < NEVER) & (past.end >= first)).sum()) < MIN_ENDS:
        return [empty.replace(reason=f"fewer than {MIN_ENDS} ends before")]
    running = np.flatnonzero((past.start <= origin) & (past.end == NEVER))
    if not running.size:
        return [empty.replace(reason="no contract was running")]
    counts = count_terms(past, origin, setting.recorded_from)
    rows = []
    for candidate in CANDIDATES:
        if candidate == "covariates" and setting.covariates is None:
            continue
        try:
            model = learn_candidate(past, counts, origin, setting, candidate)
        except NotComputableError as error:
            rows.append(empty.replace(candidate=candidate, reason=error.wrong))
            continue
        known = running[np.isin(past.term[running], [one.term_months for one in model.terms])]
        row = empty.replace(candidate=candidate)
        if not known.size:
            rows.append(row.replace(reason="no contract had reached a renewal date"))
            continue
        ahead = _predict(model, past.take(known), origin, setting, known)
        rows.append(_score(spells, known, ahead, row))
    return rows


def learn_candidate(
    spells: Spells, counts: list[TermCounts], as_of: int, setting: Setting, candidate: str
) -> RenewalModel:
    """Learn one candidate from what was known on `as_of`."""
    known = spells.known_on(as_of)
    model = learn_model(known, counts, as_of, setting.recorded_from, candidate)
    if candidate != "covariates" or setting.covariates is None:
        return model
    first = int(known.start.min()) if setting.recorded_from is None else setting.recorded_from
    x, left, exposure = [], [], []
    for back in range(1, _LANDMARKS + 1):
        day = as_of - back * setting.window
        rows = np.flatnonzero((known.start <= day) & (known.end > day))
        if day < first or not rows.size:
            break
        base = predict_renewal(
            model.replace(returns=()),
            known.start[rows],
            as_of_day=day,
            window_days=setting.window,
            term_months=known.term[rows],
            plan=known.plan[rows],
        )
        stated = np.isfinite(base.p_active)
        rows = rows[stated]
        x.append(np.asarray(setting.covariates(day), dtype=np.float64)[rows])
        left.append((known.end[rows] <= day + setting.window).astype(np.float64))
        exposure.append(-np.log(np.maximum(base.p_active[stated], 1e-12)))
    if not x:
        raise NotComputableError(
            "no window before this day in which covariates could be learnt from",
            rule="effects are learnt from contracts that ran one window earlier",
            where="covariates",
            fix="use a longer history or a shorter horizon",
        )
    effects = learn_effects(
        np.concatenate(x), np.concatenate(left), np.concatenate(exposure), setting.names
    )
    return model.replace(covariates=effects)


def _predict(
    model: RenewalModel, running: Spells, day: int, setting: Setting, rows: Ints
) -> RenewalForecast:
    covariates = None
    if model.covariates is not None and setting.covariates is not None:
        covariates = setting.covariates(day)[rows]
    return predict_renewal(
        model,
        running.start,
        as_of_day=day,
        window_days=setting.window,
        term_months=running.term,
        plan=running.plan,
        covariates=covariates,
    )


def _score(
    spells: Spells, running: Ints, ahead: RenewalForecast, row: RenewalOrigin
) -> RenewalOrigin:
    """Compare a forecast with what came; sums run over sorted values, so order does not matter."""
    until = row.origin_day + row.window_days
    start, end = spells.start[running], spells.end[running]
    active = end > until
    if spells.customer is not None:
        there = spells.customer[(spells.start <= until) & (spells.end > until)]
        active = np.isin(spells.customer[running], there)
    at = months_of(start)
    paid, before = (
        months_completed(at, months_of(day))
        for day in (np.minimum(end - 1, until), np.array([row.origin_day]))
    )
    charges = np.maximum(paid - before, 0)
    inside = (charges >= ahead.expected_value_low) & (charges <= ahead.expected_value_high)
    levels, place = np.unique(ahead.p_active, return_inverse=True)
    n = np.bincount(place).astype(np.int64)
    stayed = np.bincount(place, weights=active).astype(np.int64)
    p = np.clip(levels, 1e-6, 1.0 - 1e-6)
    loss = -(stayed * np.log(p) + (n - stayed) * np.log1p(-p)).sum() / len(running)
    area = auc(levels, n, stayed)
    expected = float((levels * n).sum())
    return row.replace(
        contracts=len(running),
        active=int(active.sum()),
        expected_active=expected,
        auc=area if np.isfinite(area) else None,
        calibration_error=calibration_error(levels, n, stayed),
        log_loss=float(loss),
        expected_left=len(running) - expected,
        left=float(len(running) - active.sum()),
        expected_charges=float(np.sort(ahead.expected_value).sum()),
        charges=float(charges.sum()),
        coverage=float(inside.mean()),
    )


def choose(judged: tuple[RenewalOrigin, ...]) -> str:
    """Return the first candidate within one standard error of the best on both measures."""
    days = sorted({row.origin_day for row in judged})
    loss, area = (
        np.array([[_value(judged, day, name, field) for day in days] for name in CANDIDATES])
        for field in ("log_loss", "auc")
    )
    whole = np.isfinite(loss).any(axis=1)
    if not whole.any():
        return CANDIDATES[0]
    near = _near_best(loss) & _near_best(-area)
    both = np.flatnonzero(near if near.any() else _near_best(loss))
    return CANDIDATES[int(both[0])]


def _value(judged: tuple[RenewalOrigin, ...], day: int, name: str, field: str) -> float:
    for row in judged:
        if row.origin_day == day and row.candidate == name:
            found = getattr(row, field)
            return np.nan if found is None else float(found)
    return np.nan


def _near_best(losses: FloatArray) -> BoolArray:
    """Tell which rows are within one standard error of the best, over columns they share."""
    shared = np.isfinite(losses)
    if not shared.any():
        return np.ones(len(losses), dtype=bool)
    means = np.array(
        [row[ok].mean() if ok.any() else np.inf for row, ok in zip(losses, shared, strict=True)]
    )
    best = int(np.argmin(means))
    near = np.zeros(len(losses), dtype=bool)
    for i, row in enumerate(losses):
        both = shared[i] & shared[best]
        if not both.any():
            continue
        gap = row[both] - losses[best][both]
        error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else 0.0
        near[i] = gap.mean() <= error + 1e-12
    return near


def level_spread(judged: tuple[RenewalOrigin, ...], candidate: str, model: RenewalModel) -> float:
    """Return the spread of log(left / expected) beyond chance; what ends allow if not judged."""
    rows = [row for row in judged if row.candidate == candidate and not row.reason]
    ended = sum(term.ended for term in model.terms)
    chance = 1.0 / max(ended, 1)
    if not rows:
        return float(np.sqrt(model.level_sd**2 + chance))
    squares = [
        np.log((row.left + 0.5) / (row.expected_left + 0.5)) ** 2 - 1.0 / (row.expected_left + 0.5)
        for row in rows
    ]
    return float(np.sqrt(max(float(np.mean(squares)), 0.0) + chance))
