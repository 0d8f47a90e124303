"""What a renewal model learns from the contracts known on one day."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from retainkit.errors import NotComputableError
from retainkit.forecast._kernel_renewal import (
    BLOCK_DAYS,
    NEVER,
    Ints,
    StepCounts,
    block_edges,
    count_steps,
    index_of_end,
    merge_counts,
    months_of,
)
from retainkit.forecast._kernel_renewal_hazard import (
    Tail,
    cumulative,
    fit_proportional,
    fit_tail,
    shrunk_factors,
    shrunk_hazard,
)
from retainkit.forecast._renewal_model import CovariateEffects, RenewalModel, RenewalTerm
from retainkit.forecast._renewal_spells import Spells
from retainkit.typing import FloatArray

CANDIDATES = ("tenure", "tenure_recent", "beta_geometric", "covariates")
"""In the order of preference where evidence does not tell them apart."""

RETURN_EDGES = (0, 30, 90, 180, 365)
"""Days since an end at which the hazard of coming back changes."""

CovariatesAt = Callable[[int], FloatArray]
"""Matrix of the covariates of all contracts as they were known on a day."""

_ON_TIME = 0.9
"""Share of ends on decision dates from which contracts count as leaving only there."""

_RECENT_DAYS = 90.0
"""Half-life of the weights of recent months [day]."""

_PRIOR_ENDS = 20.0
"""Ends that "recent months are like the others" is worth."""

_FIRST_DAYS = 31
_MIN_LEAVERS = 10
_RIDGE = 3.0
_UNJUDGED_SD = 0.3


class TermCounts(NamedTuple):
    """Counts of one term by plan, over the same calendar blocks."""

    term: int
    step: int
    plans: Ints
    counts: list[StepCounts]

    def reached(self) -> bool:
        """Tell whether any contract has been at risk on a decision date after its start."""
        return any(bool(part.risk[:, 1:].any()) for part in self.counts)


def count_terms(spells: Spells, as_of: int, recorded_from: int | None) -> list[TermCounts]:
    """Count at risk and ended by term, plan, calendar block and decision date."""
    begun = spells.take(spells.start <= as_of).known_on(as_of)
    if not len(begun.start):
        raise NotComputableError(
            "no contract has started by as_of",
            rule="staying is learnt from contracts that have begun",
            where="start_day, as_of_day",
            fix="move as_of_day, or check the unit of the days",
        )
    first = int(begun.start.min()) if recorded_from is None else recorded_from
    edges = block_edges(min(first, as_of), as_of)
    found = []
    for term in np.unique(begun.term).tolist():
        own = begun.take(begun.term == term)
        step = step_of(own, term, first)
        plans = np.unique(own.plan)
        counts = [
            count_steps(part.start, part.end, step, edges)
            for part in (own.take(own.plan == plan) for plan in plans)
        ]
        found.append(TermCounts(term, step, plans, counts))
    return found


def step_of(spells: Spells, term: int, first: int) -> int:
    """Return the months between decision dates: the term, one month, or 0 for any day."""
    gone = spells.take((spells.end < NEVER) & (spells.end >= first))
    at = months_of(gone.start)
    for step in sorted({term, 1}, reverse=True):
        _, on_time = index_of_end(gone.start, gone.end, at, step)
        if on_time.sum() >= _ON_TIME * len(on_time):
            return step
    return 0


def learn_term(counts: TermCounts, *, smooth: bool) -> RenewalTerm:
    """Learn the hazard of one term from its counts."""
    whole = merge_counts(counts.counts)
    risk, ended = (part.sum(axis=0).astype(np.float64) for part in whole)
    size = int(np.flatnonzero(risk > 0).max(initial=0)) + 1
    risk, ended = risk[:size], ended[:size]
    first = _FIRST_DAYS if counts.step == 0 else 1
    tail = fit_tail(risk, ended, first)
    hazard, strength = shrunk_hazard(risk, ended, first, tail)
    if smooth:
        hazard = hazard[:first]
    rates = np.diff(cumulative(hazard, tail, whole.risk.shape[1]))
    observed = np.array([float(part.ended.sum()) for part in counts.counts])
    expected = np.array([_expected(part, rates).sum() for part in counts.counts])
    return RenewalTerm(
        term_months=counts.term,
        step_months=counts.step,
        hazard=tuple(hazard.tolist()),
        tail_a=tail.a,
        tail_c=tail.c,
        strength=strength,
        ended=int(ended.sum()),
        plans=tuple(counts.plans.tolist()),
        plan_factors=tuple(shrunk_factors(observed, expected).tolist()),
    )


def _expected(counts: StepCounts, rates: FloatArray) -> FloatArray:
    expected: FloatArray = np.sum(counts.risk * rates[: counts.risk.shape[1]], axis=1)
    return expected


def recent_level(counts: list[TermCounts], terms: tuple[RenewalTerm, ...]) -> float:
    """Return observed over expected ends with recent months weighing most, drawn towards 1."""
    observed, expected = 0.0, 0.0
    for one, term in zip(counts, terms, strict=True):
        tail = Tail(term.tail_a, term.tail_c)
        for part, factor in zip(one.counts, term.plan_factors, strict=True):
            rates = np.diff(cumulative(np.array(term.hazard), tail, part.risk.shape[1]))
            weight = 0.5 ** ((np.arange(len(part.risk)) + 0.5) * BLOCK_DAYS / _RECENT_DAYS)
            observed += float((weight * part.ended.sum(axis=1)).sum())
            expected += float((weight * _expected(part, rates)).sum()) * factor
    return (observed + _PRIOR_ENDS) / (expected + _PRIOR_ENDS)


def learn_returns(spells: Spells, as_of: int, first: int) -> tuple[float, ...]:
    """Return the daily hazard of a next contract by days since the end; () if none came back."""
    if spells.customer is None:
        return ()
    next_start = np.where(spells.next_start > as_of, NEVER, spells.next_start)
    gone = (spells.end <= as_of) & (spells.end >= first) & (next_start > spells.end)
    next_start = next_start[gone]
    waited = np.minimum(next_start, as_of) - spells.end[gone]
    back = next_start < NEVER
    if back.sum() < _MIN_LEAVERS:
        return ()
    hazard: list[float] = []
    for low, high in pairwise((*RETURN_EDGES, NEVER)):
        days = int((np.minimum(waited, high) - low).clip(min=0).sum())
        came = int((back & (waited > low) & (waited <= high)).sum())
        hazard.append(came / days if days else (hazard[-1] if hazard else 0.0))
    return tuple(hazard)


def learn_model(
    spells: Spells, counts: list[TermCounts], as_of: int, recorded_from: int | None, candidate: str
) -> RenewalModel:
    """Learn one candidate without covariates."""
    smooth = candidate == "beta_geometric"
    counts = [one for one in counts if one.reached()]
    terms = tuple(learn_term(one, smooth=smooth) for one in counts)
    recent = recent_level(counts, terms)
    first = int(spells.start.min()) if recorded_from is None else recorded_from
    return RenewalModel(
        as_of_day=as_of,
        recorded_from_day=recorded_from,
        calibrated=True,
        finding="",
        candidate=candidate,
        terms=terms,
        level=recent if candidate == "tenure_recent" else 1.0,
        level_sd=_UNJUDGED_SD,
        drift=float(np.log(recent)),
        returns=learn_returns(spells, as_of, first),
    )


def learn_effects(
    x: FloatArray, left: FloatArray, exposure: FloatArray, names: tuple[str, ...]
) -> CovariateEffects:
    """Learn proportional effects from contracts at past days and who of them left."""
    if min(left.sum(), len(left) - left.sum()) < _MIN_LEAVERS:
        raise NotComputableError(
            f"{int(left.sum())} of {len(left)} contracts left in the windows to learn from",
            rule=f"effects of covariates need {_MIN_LEAVERS} of each kind",
            where="covariates",
            fix="use a longer history or a longer horizon",
        )
    known = np.isfinite(x)
    filled = np.sort(np.where(known, x, np.nan), axis=0)
    seen = known.sum(axis=0)
    mean = np.nansum(filled, axis=0) / np.maximum(seen, 1)
    spread = np.sqrt(np.nansum((filled - mean) ** 2, axis=0) / np.maximum(seen, 1))
    used = np.flatnonzero(spread > 1e-9 * np.maximum(np.abs(mean), 1.0))
    z = np.where(known[:, used], (x[:, used] - mean[used]) / spread[used], 0.0)
    level, effects = fit_proportional(z, left, exposure, _RIDGE)
    return CovariateEffects(
        names=tuple(names[i] for i in used.tolist()),
        columns=tuple(used.tolist()),
        mean=tuple(mean[used].tolist()),
        scale=tuple(spread[used].tolist()),
        low=tuple(z.min(axis=0).tolist()),
        high=tuple(z.max(axis=0).tolist()),
        effects=tuple(effects.tolist()),
        level=level,
    )
