"""fit_bg_bb: the BG/BB model from purchases at discrete opportunities."""

from __future__ import annotations

import numpy as np

from retainkit.errors import NotComputableError
from retainkit.lifetime import _kernel_bg_bb as kernel
from retainkit.lifetime._bg_bb import BgBbModel, opportunity_columns
from retainkit.lifetime._compress import check_weights, compress_rows, fingerprint_of
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._model import as_count, fit_by_likelihood
from retainkit.typing import ArrayLike1D, FloatArray

_NAME = "BG/BB"


def fit_bg_bb(
    frequency: ArrayLike1D,
    recency: ArrayLike1D,
    *,
    opportunities: ArrayLike1D,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> BgBbModel:
    """Fit the BG/BB model to purchases at discrete opportunities by maximum likelihood.

    Parameters
    ----------
    frequency : array-like of shape (n,)
        Opportunities at which the customer bought [count].
    recency : array-like of shape (n,)
        Number of the last opportunity at which the customer bought; 0 for none.
    opportunities : array-like of shape (n,)
        Opportunities so far [count]; they may differ between customers.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    config : FitConfig, optional
        Tolerance and patience.

    Returns
    -------
    BgBbModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    NotComputableError
        If there are fewer than four customers, or nobody ever bought.
    ConvergenceError
        If no optimum is found.
    InvalidTableError
        If a history is impossible.

    Warns
    -----
    RetainkitWarning
        If the optimum is at a limit of the model, or flat: `boundary` and `findings` then say so.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Shang, J. (2010). Marketing Science 29(6), 1086-1108, (5).

    Examples
    --------
    >>> from retainkit.lifetime import fit_bg_bb
    >>> model = fit_bg_bb([0, 1, 1, 2, 2, 3], [0, 1, 3, 2, 3, 3], opportunities=[3] * 6,
    ...                   weights=[500, 120, 60, 70, 90, 160])
    >>> model.n, model.boundary
    (1000, ())
    """
    config = FitConfig() if config is None else config
    rows = opportunity_columns(frequency, recency, opportunities)
    w = check_weights(weights, len(rows[0]))
    keep = np.ones(len(rows[0]), dtype=np.bool_) if w is None else w > 0.0
    distinct, totals, _ = compress_rows(rows, weights=w, keep=keep)
    n = float(totals.sum())
    if n < 4 or not distinct[0].any():
        raise NotComputableError(
            f"{n:g} customers, of whom {'some' if distinct[0].any() else 'none'} bought",
            rule=f"{_NAME} has four parameters and learns from purchases",
            fix="pool more customers, observe longer, or apply a model fitted on a larger base",
        )
    x, t, m = (column.astype(np.int64) for column in distinct)
    data = kernel.BgBbData(x, t, m, totals)
    starts = ((1.0, 1.0, 1.0, 3.0), (0.5, 0.5, 0.5, 1.0), (2.0, 2.0, 0.2, 5.0))
    fit = fit_by_likelihood(
        lambda theta: kernel.evaluate(theta, data),
        tuple(np.log(start) for start in starts),
        name=_NAME,
        config=config,
        boundary_of=_boundary_of,
    )
    return BgBbModel.model_validate(
        {
            **dict(zip(BgBbModel._names, fit.parameters.tolist(), strict=True)),
            "n": as_count(n),
            "fingerprint": fingerprint_of((*distinct, totals), "opportunity"),
            **fit.evidence,
        }
    )


def _boundary_of(parameters: FloatArray) -> tuple[str, ...]:
    alpha, beta, gamma, delta = parameters
    limits = {
        "no_dropout": gamma / (gamma + delta) < 1e-3,
        "equal_dropout": gamma + delta > 100.0,
        "polarised_dropout": gamma + delta < 1e-3,
        "equal_buying": alpha + beta > 100.0,
    }
    return tuple(name for name, reached in limits.items() if reached)
