"""The search for the optimum of a likelihood with covariates, in standardised covariates."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.lifetime._fit_process import Law
from retainkit.lifetime._kernel_newton import Evaluation, Optimum, log_covariance, maximise
from retainkit.lifetime._model import FLAT_OPTIMUM, warn_boundary
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime.covariates import _kernel_covariates_bg as kernel_bg
from retainkit.lifetime.covariates import _kernel_covariates_pareto as kernel_pareto
from retainkit.lifetime.covariates._covariates import CovariateConfig, CovariateEffect, loading_of
from retainkit.lifetime.covariates._kernel_covariates import Design
from retainkit.lifetime.models._beta_geometric import BG_NBD, MBG_NBD, fit_bg_nbd, fit_mbg_nbd
from retainkit.lifetime.models._pareto_nbd import PARETO_NBD, fit_pareto_nbd
from retainkit.typing import FloatArray, TimeUnit

Objective = Callable[[FloatArray], Evaluation]

_BOUNDLESS = 6.0
"""Effect of one standard deviation, in log-units, that no real covariate has: a factor of 400."""
_LARGEST_LOG = 690.0
_MOST_CHANCES = 30_000_000
"""Chances to drop out of one customer per profile: 2 GB of temporaries."""


class CovariateRows(NamedTuple):
    """Distinct customers in ascending order of covariates, then of history."""

    x: FloatArray
    t: FloatArray
    T: FloatArray
    z: FloatArray
    w: FloatArray
    unit: TimeUnit
    names: tuple[str, ...]
    n_excluded: float


class Problem(NamedTuple):
    """What is fitted to what."""

    rows: CovariateRows
    effects: tuple[CovariateEffect, ...]
    config: CovariateConfig


class Found(NamedTuple):
    """The optimum in the units of the covariates."""

    base: FloatArray
    effects: FloatArray
    log_likelihood: float
    log_covariance: FloatArray
    boundary: tuple[str, ...]
    iterations: int
    decrement: float


class LawWithCovariates(NamedTuple):
    """How one law is fitted, without and with covariates."""

    plain: Law
    fit: Callable[..., ProcessModel]
    prepare: Callable[..., Any]
    evaluate: Callable[[FloatArray, Any], Evaluation]


LAWS = {
    "mbg_nbd": LawWithCovariates(
        MBG_NBD, fit_mbg_nbd, partial(kernel_bg.prepare, first=1.0), kernel_bg.evaluate
    ),
    "bg_nbd": LawWithCovariates(
        BG_NBD, fit_bg_nbd, partial(kernel_bg.prepare, first=0.0), kernel_bg.evaluate
    ),
    "pareto_nbd": LawWithCovariates(
        PARETO_NBD, fit_pareto_nbd, kernel_pareto.prepare, kernel_pareto.evaluate
    ),
}


class _Scale(NamedTuple):
    """Mean and standard deviation of each covariate: the search works in these units."""

    centre: FloatArray
    spread: FloatArray


def search(problem: Problem, plain: ProcessModel) -> Found:
    """Climb from the fit without covariates; tell how sure the optimum is, or what is wrong."""
    law, scale = LAWS[problem.config.law].plain, _scale_of(problem.rows)
    likelihood = _likelihood(problem, scale)
    starts = _starts(problem, plain)
    optimum = _climb(problem, _with_priors(likelihood, problem), starts)
    covariance = log_covariance(-optimum.at.hessian)
    boundary: tuple[str, ...] = ()
    if np.isnan(covariance).any():
        parameters, longest = np.exp(optimum.theta[:4]), float(problem.rows.T.max())
        boundary = tuple(n for n, reached in law.limits(parameters, longest).items() if reached)
        boundary = boundary or (FLAT_OPTIMUM,)
        if np.isnan(covariance[4:, 4:]).any():
            raise _failure(problem, optimum, starts=1, covariance=covariance)
        warn_boundary(law.name, boundary, 4)
    back = _original_units(problem, scale)
    theta = back @ optimum.theta
    if np.abs(theta[:4]).max() > _LARGEST_LOG:
        raise NotComputableError(
            "the parameters of a customer whose covariates are all 0 are beyond floating point",
            rule="covariates are measured from a value that customers have, or nearly have",
            where="covariates",
            fix="subtract a typical value from each covariate that is far from 0, such as a year",
        )
    return Found(
        np.exp(theta[:4]),
        theta[4:],
        optimum.at.value
        if problem.config.effect_prior_sd is None and problem.config.prior_sd is None
        else likelihood(optimum.theta).value,
        _moved(covariance, back),
        boundary,
        optimum.iterations,
        optimum.decrement,
    )


def _scale_of(rows: CovariateRows) -> _Scale:
    centre = np.average(rows.z, axis=0, weights=rows.w)
    size = np.abs(rows.z - centre).max(axis=0)  # squares of huge numbers would overflow
    spread = size * np.sqrt(np.average(((rows.z - centre) / size) ** 2, axis=0, weights=rows.w))
    return _Scale(centre, spread)


def _loadings(problem: Problem) -> FloatArray:
    """Return what each effect does to the four log-parameters, shape (e, 4)."""
    return np.array([loading_of(e.on, problem.config.law) for e in problem.effects])


def _columns(problem: Problem) -> list[int]:
    """Return the covariate each effect belongs to."""
    return [problem.rows.names.index(effect.covariate) for effect in problem.effects]


def _likelihood(problem: Problem, scale: _Scale) -> Objective:
    """Return the log-likelihood as a function of log-parameters and effects."""
    rows, law = problem.rows, LAWS[problem.config.law]
    new = np.any(np.diff(rows.z, axis=0) != 0.0, axis=1)
    profile = np.concatenate([[0], np.cumsum(new)]).astype(np.int64)
    starts = np.flatnonzero(np.diff(profile, prepend=-1))
    if problem.config.law != "pareto_nbd":
        _check_purchases(np.maximum.reduceat(rows.x, starts))
    profiles = (rows.z[starts] - scale.centre) / scale.spread
    design = Design(profiles, np.array(_columns(problem), dtype=np.int64), _loadings(problem))
    data = law.prepare(rows.x, rows.t, rows.T, rows.w, profile, design)
    return lambda theta: law.evaluate(theta, data)


def _check_purchases(most: FloatArray) -> None:
    """Refuse what would not fit into memory: every purchase is a chance to drop out."""
    total = float(most.sum())
    if total > _MOST_CHANCES:
        raise NotComputableError(
            f"{len(most):,} different profiles whose busiest customers bought {total:,.0f} times",
            rule=f"BG/NBD and MBG/NBD with covariates hold up to {_MOST_CHANCES:,} of them",
            where="covariates",
            fix="round covariates, so that more customers share a profile; fit on a sample; or "
            'take law="pareto_nbd"',
        )


def _with_priors(likelihood: Objective, problem: Problem) -> Objective:
    """Add the log-densities of the normal priors the config asks for."""
    config, size = problem.config, 4 + len(problem.effects)
    if config.prior_sd is None and config.effect_prior_sd is None:
        return likelihood
    centre, precision = np.zeros(size), np.zeros(size)
    if config.prior_sd is not None:
        centre[:4] = _law_starts(problem)[0]
        precision[:4] = config.prior_sd**-2.0
    if config.effect_prior_sd is not None:
        precision[4:] = config.effect_prior_sd**-2.0

    def penalised(theta: FloatArray) -> Evaluation:
        at, apart = likelihood(theta), theta - centre
        return Evaluation(
            at.value - 0.5 * float(np.sum(precision * apart**2)),
            at.gradient - precision * apart,
            at.hessian - np.diag(precision),
        )

    return penalised


def _law_starts(problem: Problem) -> tuple[FloatArray, ...]:
    rows = problem.rows
    time_per_purchase = float(np.sum(rows.w * rows.T) / np.sum(rows.w * rows.x))
    return LAWS[problem.config.law].plain.starts(time_per_purchase)


def _starts(problem: Problem, plain: ProcessModel) -> list[FloatArray]:
    """Start from the fit without covariates unless it is at a limit; then as that fit did."""
    without = [] if plain.boundary else [np.log(list(plain.parameters.values()))]
    none = np.zeros(len(problem.effects))
    return [np.concatenate([logs, none]) for logs in (*without, *_law_starts(problem))]


def _climb(problem: Problem, objective: Objective, starts: list[FloatArray]) -> Optimum:
    tried: list[Optimum] = []
    for start in starts:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            optimum = maximise(
                objective,
                start,
                tolerance=problem.config.tolerance,
                max_iterations=problem.config.max_iterations,
            )
        if optimum.converged:
            return optimum
        tried.append(optimum)
    best = max(tried, key=lambda one: one.at.value)
    raise _failure(problem, best, starts=len(tried), covariance=None)


def _failure(
    problem: Problem, optimum: Optimum, *, starts: int, covariance: FloatArray | None
) -> ConvergenceError:
    """Say which effects are without bound, or cannot be told, and what helps."""
    sizes = optimum.theta[4:]
    named = zip(problem.effects, sizes.tolist(), strict=True)
    boundless = [f"{e.name} ({size:+.3g})" for e, size in named if abs(size) > _BOUNDLESS]
    untold: list[str] = []
    if covariance is not None:
        lost = np.isnan(np.diag(covariance)[4:]).tolist()
        untold = [e.name for e, gone in zip(problem.effects, lost, strict=True) if gone]
    what = f"; without bound, per standard deviation: {', '.join(boundless)}" if boundless else ""
    what += f"; not determined: {', '.join(untold)}" if untold else ""
    law = LAWS[problem.config.law].plain.name
    return ConvergenceError(
        f"{law} with covariates found no optimum from {starts} starting point(s): "
        f"{optimum.iterations} iterations, log-likelihood {optimum.at.value:.6f}, distance to the "
        f"optimum {optimum.decrement:.3g} standard errors, largest gradient "
        f"{np.abs(optimum.at.gradient).max():.3g}{what}",
        rule="a fit is used only when its optimum is found and the data determine every effect",
        where="covariates",
        fix="leave covariates out of dropout first (CovariateConfig(dropout=(...))), or give each "
        'one effect there (dropout_effects="odds"); merge rare groups; keep effects finite with '
        "CovariateConfig(effect_prior_sd=1.0); or fit on more customers",
    )


def _original_units(problem: Problem, scale: _Scale) -> FloatArray:
    """Return the matrix from standardised to original covariates, baseline at 0."""
    columns = _columns(problem)
    spread, centre = scale.spread[columns], scale.centre[columns]
    back = np.eye(4 + len(columns))
    back[4:, 4:] = np.diag(1.0 / spread)
    back[:4, 4:] = -(_loadings(problem) * (centre / spread)[:, None]).T
    return back


def _moved(covariance: FloatArray, back: FloatArray) -> FloatArray:
    """Return the covariance after the change of units; what was lost stays lost."""
    lost = np.isnan(np.diag(covariance))
    moved: FloatArray = back @ np.nan_to_num(covariance, nan=0.0) @ back.T
    moved = (moved + moved.T) / 2.0
    moved[lost, :] = np.nan
    moved[:, lost] = np.nan
    return moved
