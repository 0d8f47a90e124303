"""Pareto/NBD with covariates: log-likelihood of rows with scales of their own.

The formulas are those of `_kernel_pareto_nbd`; there the scales are common to all rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime.covariates._kernel_covariates import (
    PAIRS,
    Design,
    Floats,
    Ints,
    Terms,
    add_terms,
    chain,
    empty_sums,
    scales_of,
)
from retainkit.lifetime.models._kernel_nbd import count_at_least, count_part
from retainkit.lifetime.models._kernel_pareto_nbd import log_alive, nodes_of, row_blocks


class ParetoNbdRows(NamedTuple):
    """Distinct rows in ascending order of profile, and counts of customers by frequency."""

    x: Floats
    t: Floats
    T: Floats
    w: Floats
    profile: Ints
    design: Design
    at_least: Floats


def prepare(
    x: Floats, t: Floats, T: Floats, w: Floats, profile: Ints, design: Design
) -> ParetoNbdRows:
    """Count customers by frequency: terms in x alone become sums over j."""
    return ParetoNbdRows(x, t, T, w, profile, design, count_at_least(x, w))


def evaluate(theta: Floats, data: ParetoNbdRows) -> Evaluation:
    """Return the total log-likelihood and its derivatives in (log(r, alpha, s, beta), effects)."""
    scales, sums = scales_of(theta, data.design), empty_sums(data.design)
    r, s = float(np.exp(theta[0])), float(np.exp(theta[2]))
    count = count_part(r, data.at_least)
    value = count.value
    for rows in row_blocks(data.x):
        profile = data.profile[rows]
        columns = (column[rows] for column in (data.x, data.t, data.T, data.w))
        terms = _row_terms(r, scales[1, profile], s, scales[3, profile], *columns)
        value += terms.value
        add_terms(sums, terms, profile)
    at = chain(value, sums, data.design)
    at.gradient[0] += count.gradient[0]
    at.hessian[0, 0] += count.hessian[0, 0]
    return at


def _row_terms(
    r: float, alpha: Floats, s: float, beta: Floats, x: Floats, t: Floats, T: Floats, w: Floats
) -> Terms:
    """Return r log(alpha) + s log(beta) + log(alive + dead): a mixture over the dropout time."""
    R = r + x
    at = nodes_of(R, alpha, s, beta, t, T)
    dead = at.weight.sum(axis=1)
    alive = log_alive(R, alpha, s, beta, t, T)
    with np.errstate(divide="ignore"):
        odds = np.log(dead) - alive
    value = -inner(w * r, np.log1p(t / alpha)) - inner(w * x, np.log(alpha + t))
    value -= s * inner(w, np.log1p(t / beta))
    value += inner(w, np.logaddexp(0.0, odds) + alive)
    with np.errstate(invalid="ignore"):
        share = np.where(dead > 0.0, expit(odds) / dead, 0.0)
    # one more column: alive at T
    y = np.concatenate([t[:, None] + at.since, T[:, None]], axis=1)
    pi = np.concatenate([at.weight * share[:, None], expit(-odds)[:, None]], axis=1)
    died = np.ones(y.shape[1])
    died[-1] = 0.0
    near_rate = alpha[:, None] / (alpha[:, None] + y)
    near_drop = beta[:, None] / (beta[:, None] + y)
    slopes = (
        -r * np.log1p(y / alpha[:, None]),
        r - R[:, None] * near_rate,
        died - s * np.log1p(y / beta[:, None]),
        s - (s + died) * near_drop,
    )
    return _means(value, slopes, pi, w, r, s, near_rate, near_drop)


def _means(
    value: float,
    slopes: tuple[Floats, ...],
    pi: Floats,
    w: Floats,
    r: float,
    s: float,
    near_rate: Floats,
    near_drop: Floats,
) -> Terms:
    """Return means and covariances of the slopes under the weights pi, and their own bends."""
    weighted = [pi * slope for slope in slopes]
    gradient = np.stack([part.sum(axis=1) for part in weighted])
    hessian = np.stack(
        [np.sum(weighted[i] * slopes[j], axis=1) - gradient[i] * gradient[j] for i, j in PAIRS]
    )
    far_rate, far_drop = pi * (1.0 - near_rate), pi * (1.0 - near_drop)
    hessian[PAIRS.index((0, 0))] += gradient[0]
    hessian[PAIRS.index((0, 1))] += r * far_rate.sum(axis=1)
    hessian[PAIRS.index((1, 1))] += np.sum(far_rate * (slopes[1] - r), axis=1)
    # the third slope is died - s log(1 + y / beta): only its last part moves with s
    hessian[PAIRS.index((2, 2))] += gradient[2] - pi[:, :-1].sum(axis=1)
    hessian[PAIRS.index((2, 3))] += s * far_drop.sum(axis=1)
    hessian[PAIRS.index((3, 3))] += np.sum(far_drop * (slopes[3] - s), axis=1)
    return Terms(value, gradient * w, hessian * w)
