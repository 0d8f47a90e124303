"""Likelihood with covariates: from derivatives per customer to those in effects, by chain rule.

Covariates act on the logarithms of the parameters, and linearly: with the profile z of a customer,
phi_j = log(parameter_j) + sum_e L_ej z_c(e) gamma_e. So the gradient and Hessian in the effects
gamma are sums over profiles of z times the derivatives in phi; there is no second-order term.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.lifetime._kernel_newton import Evaluation, inner

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PAIRS = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))
"""Places of the ten second derivatives in the four log-parameters."""
SHARED = 1
"""Parameters before this one are common to all customers: r."""


class Terms(NamedTuple):
    """Weighted log-likelihoods of rows and their derivatives in the log-parameters."""

    value: float
    gradient: Floats
    """Shape (4, m)."""
    hessian: Floats
    """Shape (10, m), in the order of `PAIRS`."""


class Sums(NamedTuple):
    """Derivatives summed per profile: gradient (4, k), Hessian (10, k)."""

    gradient: Floats
    hessian: Floats


class Design(NamedTuple):
    """What the covariates of k profiles do to the log-parameters."""

    profiles: Floats
    """Covariates of each profile, shape (k, q), in the unit the effects are per."""
    column: Ints
    """Covariate of each effect, shape (e,)."""
    loading: Floats
    """Change of each log-parameter per unit of effect times covariate, shape (e, 4)."""


def scales_of(theta: Floats, design: Design) -> Floats:
    """Return the parameters of each profile, shape (4, k); theta is (log-parameters, effects)."""
    logs = np.repeat(theta[:4, None], len(design.profiles), axis=1)
    for column, loading, effect in zip(design.column, design.loading, theta[4:], strict=True):
        for j in np.flatnonzero(loading):
            logs[j] += loading[j] * effect * design.profiles[:, column]
    scales: Floats = np.exp(logs)
    return scales


def add_terms(sums: Sums, terms: Terms, profile: Ints) -> None:
    """Add the terms of rows, whose profiles ascend, to the sums per profile."""
    starts = np.flatnonzero(np.diff(profile, prepend=-1))
    at = profile[starts]
    if len(at) == len(profile):  # every row has a profile of its own
        sums.gradient[:, at] += terms.gradient
        sums.hessian[:, at] += terms.hessian
        return
    sums.gradient[:, at] += np.add.reduceat(terms.gradient, starts, axis=1)
    sums.hessian[:, at] += np.add.reduceat(terms.hessian, starts, axis=1)


def chain(value: float, sums: Sums, design: Design) -> Evaluation:
    """Return the derivatives in theta = (four log-parameters, effects)."""
    q, z = design.profiles.shape[1], design.profiles
    columns = [np.ones(len(z)), *(np.ascontiguousarray(z[:, c]) for c in range(q))]
    slope = np.array([[inner(g, column) for column in columns] for g in sums.gradient])
    bend = np.zeros((4, 4, q + 1, q + 1))
    for (i, j), h in zip(PAIRS, sums.hessian, strict=True):
        for k in range(q + 1):
            if j < SHARED and k:
                continue
            weighted = h * columns[k]
            for m in range(1 if i < SHARED else k + 1):
                bend[i, j, k, m] = bend[i, j, m, k] = inner(weighted, columns[m])
        bend[j, i] = bend[i, j].T
    # place of each theta: a log-parameter (column 0), or a covariate spread over log-parameters
    size = 4 + len(design.column)
    spread = np.zeros((size, 4, q + 1))
    spread[np.arange(4), np.arange(4), 0] = 1.0
    for e, (column, loading) in enumerate(zip(design.column, design.loading, strict=True)):
        spread[4 + e, :, 1 + column] = loading
    gradient = np.einsum("aik,ik->a", spread, slope)
    half = np.einsum("aik,ijkm->ajm", spread, bend)
    hessian = np.einsum("ajm,bjm->ab", half, spread)
    return Evaluation(value, gradient, (hessian + hessian.T) / 2.0)


def empty_sums(design: Design) -> Sums:
    """Return sums of nothing."""
    k = len(design.profiles)
    return Sums(np.zeros((4, k)), np.zeros((len(PAIRS), k)))


def cut(size: int, block: int) -> list[slice]:
    """Return the rows in pieces that stay in the processor's cache."""
    return [slice(i, i + block) for i in range(0, size, block)]
