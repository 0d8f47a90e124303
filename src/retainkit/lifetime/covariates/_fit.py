"""fit_with_covariates: maximum likelihood for models whose parameters depend on covariates."""

from __future__ import annotations

import warnings

import numpy as np

from retainkit.errors import NotComputableError, RetainkitWarning, SchemaError
from retainkit.lifetime._compress import (
    CompressedHistories,
    check_weights,
    compress_rows,
    fingerprint_of,
)
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._histories import PurchaseHistory, history_columns
from retainkit.lifetime._model import as_count, to_tuples
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime.covariates._covariates import (
    CovariateConfig,
    CovariateEffect,
    Covariates,
    as_covariates,
    check_columns,
    check_known,
    check_levels,
    planned_effects,
)
from retainkit.lifetime.covariates._model import CovariateModel
from retainkit.lifetime.covariates._search import LAWS, CovariateRows, Problem, search
from retainkit.typing import ArrayLike1D, IntoFrame


def fit_with_covariates(
    history: PurchaseHistory,
    covariates: Covariates | IntoFrame,
    *,
    weights: ArrayLike1D | None = None,
    config: CovariateConfig | None = None,
) -> CovariateModel:
    """Fit a model of purchases whose parameters depend on what is known of each customer.

    Covariates must be known when the customer is won, or at least not be a consequence of the
    purchases counted; they do not change over time. Identical customers are merged first. Rows
    without an age are left out and counted. The order of rows does not matter.

    Parameters
    ----------
    history : PurchaseHistory of n customers
        Frequency, recency and age in one unit of time, which becomes the model's.
    covariates : Covariates or table of n rows
        Numbers and truth values, in the order of the history; columns of a table that are no
        covariates must be left out (`Covariates.from_frame(frame, columns=...)`).
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    config : CovariateConfig, optional
        The law, what acts on what, a prior, tolerance and patience; default MBG/NBD with every
        covariate on the rate and on both shapes of dropout.

    Returns
    -------
    CovariateModel
        Base, effects per unit of each covariate, standard errors, log-likelihood with and without
        covariates, and the data's fingerprint.

    Raises
    ------
    SchemaError, AlignmentError
        If a covariate is missing or not numeric, or there is not one row per customer.
    InvalidTableError
        If a covariate is unknown or infinite, or a history is impossible.
    NotComputableError
        If a covariate is constant, determined by the others, or marks a group nobody of whom
        bought again; if BG/NBD or MBG/NBD would have to hold more than 30 million purchases of
        different profiles; or as in the fit without covariates.
    ConvergenceError
        If no optimum is found, or an effect has no finite estimate.

    Warns
    -----
    RetainkitWarning
        If the optimum is at a limit of the base, which `boundary` then names.

    Notes
    -----
    The search works with covariates of mean 0 and standard deviation 1, so that their units and
    sizes do not matter, and starts from the fit without covariates. Gradient and Hessian are
    exact: the parameters' logarithms are linear in the effects.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). Incorporating time-invariant covariates into the
    Pareto/NBD and BG/NBD models. brucehardie.com/notes/019.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.lifetime import CovariateConfig, PurchaseHistories, fit_with_covariates
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 4] * 2, recency=[0, 3, 20, 38, 12, 9] * 2,
    ...     age=[39, 35, 38, 39, 30, 36] * 2, unit="week")
    >>> web = pd.DataFrame({"web": [False] * 6 + [True] * 6})
    >>> model = fit_with_covariates(
    ...     history, web, weights=[300, 50, 50, 10, 50, 25, 200, 50, 80, 40, 50, 30],
    ...     config=CovariateConfig(dropout_effects="odds"))
    >>> model.effect_table()[["on", "covariate", "effect", "standard_error"]].round(2)
            on covariate  effect  standard_error
    0     rate       web    0.02            0.10
    1  dropout       web   -0.75            0.12
    """
    config = CovariateConfig() if config is None else config
    table = as_covariates(covariates, len(history.frequency))
    effects = _plan(config, table)
    rows = _read(history, table, weights, tuple(dict.fromkeys(e.covariate for e in effects)))
    _check_size(rows, 4 + len(effects))
    plain = _fit_plain(rows, config)
    _check(rows, effects, config)
    found = search(Problem(rows, effects, config), plain)
    base = dict(zip(plain.parameters, found.base.tolist(), strict=True))
    values = zip(effects, found.effects.tolist(), strict=True)
    columns = (rows.x, rows.t, rows.T, *rows.z.T, rows.w)
    return CovariateModel.model_validate(
        {
            "base": {"kind": config.law, "unit": rows.unit, **base},
            "effects": tuple(effect.replace(value=value) for effect, value in values),
            "plain_log_likelihood": plain.log_likelihood,
            "log_likelihood": found.log_likelihood,
            "n": as_count(float(rows.w.sum())),
            "n_excluded": as_count(rows.n_excluded),
            "boundary": found.boundary,
            "log_covariance": to_tuples(found.log_covariance),
            "iterations": found.iterations,
            "decrement": found.decrement,
            "fingerprint": fingerprint_of(columns, "|".join((rows.unit, *rows.names))),
            "config": config,
        }
    )


def _read(
    history: PurchaseHistory,
    covariates: Covariates,
    weights: ArrayLike1D | None,
    names: tuple[str, ...],
) -> CovariateRows:
    """Check and merge customers who are the same in everything the fit looks at."""
    x, t, T = history_columns(history)
    if isinstance(history, CompressedHistories) and weights is None:
        weights = history.weights
    w = check_weights(weights, len(x))
    z = covariates.columns(names)
    aged = ~np.isnan(T)
    keep = aged if w is None else aged & (w > 0.0)
    check_known(z[keep], names)
    distinct, totals, _ = compress_rows((*z.T, x, t, T), weights=w, keep=keep)
    table = np.column_stack(distinct[:-3])
    excluded = float(np.count_nonzero(~aged))
    x, t, T = distinct[-3:]
    return CovariateRows(x, t, T, table, totals, history.unit, names, excluded)


def _fit_plain(rows: CovariateRows, config: CovariateConfig) -> ProcessModel:
    """Fit without covariates: where the search starts, and what it is compared with."""
    history = CompressedHistories(
        frequency=rows.x,
        recency=rows.t,
        age=rows.T,
        unit=rows.unit,
        weights=rows.w,
        inverse=np.arange(len(rows.x)),
    )
    plain = FitConfig(
        tolerance=config.tolerance,
        max_iterations=config.max_iterations,
        prior_sd=config.prior_sd,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        return LAWS[config.law].fit(history, weights=rows.w, config=plain)


def _plan(config: CovariateConfig, table: Covariates) -> tuple[CovariateEffect, ...]:
    """Return the effects to be estimated, all 0; refuse a fit without any."""
    effects = planned_effects(config, table.names)
    if not effects:
        raise SchemaError(
            "no covariate acts on anything",
            rule="a fit with covariates has at least one effect",
            where="covariates",
            fix="name columns in CovariateConfig(rate=(...), dropout=(...)), or fit without",
        )
    return effects


def _check_size(rows: CovariateRows, size: int) -> None:
    """Refuse fits with fewer customers than parameters."""
    n = float(rows.w.sum())
    if n < size:
        raise NotComputableError(
            f"{n:g} customers with a purchase",
            rule=f"{size} parameters need at least as many customers, and hundreds for useful "
            "precision",
            fix="pool more customers or fewer covariates",
        )


def _check(
    rows: CovariateRows, effects: tuple[CovariateEffect, ...], config: CovariateConfig
) -> None:
    """Refuse covariates whose effects cannot be told, for each parameter they act on."""
    targets = dict.fromkeys(effect.on for effect in effects)
    together = (tuple(e.covariate for e in effects if e.on == target) for target in targets)
    for names in dict.fromkeys(together):
        own = rows.z[:, [rows.names.index(name) for name in names]]
        check_columns(own, rows.w, names)
    if config.effect_prior_sd is None:
        check_levels(rows.z, rows.x, rows.w, rows.names)
