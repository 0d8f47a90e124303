"""MBG/CNBD-k: buying in a rhythm, and how regular a base buys."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.codes import number_ids
from retainkit._core.time import to_day_numbers
from retainkit.errors import AlignmentError, SchemaError
from retainkit.lifetime._compress import CompressedHistories
from retainkit.lifetime._config import FitConfig, check_horizon
from retainkit.lifetime._fit_process import Law, fit_process
from retainkit.lifetime._histories import PurchaseHistory
from retainkit.lifetime._kernel_shared import Known
from retainkit.lifetime._process import Parameters, ProcessModel
from retainkit.lifetime.models import _kernel_regular as kernel
from retainkit.lifetime.models._beta_geometric import MBG_NBD
from retainkit.lifetime.models._kernel_regular import Alive
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat

_SHORTEST = 28
"""Days of two gaps together from which whole days are fine enough to compare them [day]."""
_FEWEST = 100
"""Pairs of gaps below which nothing is told."""


def estimate_regularity(customer_id: pd.Series, timestamp: pd.Series) -> float:
    """Estimate how regular the gaps between purchases are, whatever each customer's rate.

    1 is chance alone (Poisson), more is a rhythm; rounded to a whole number it is the `regularity`
    of `fit_mbg_cnbd`.

    Parameters
    ----------
    customer_id : pandas.Series of shape (n,)
        Customer of each purchase; several on one day count once.
    timestamp : pandas.Series of datetime64, shape (n,)
        When.

    Returns
    -------
    float
        Stages of a purchase [count], not below 0; NaN with fewer than 100 pairs of gaps.

    Raises
    ------
    AlignmentError
        If there are not as many customers as timestamps.

    Notes
    -----
    Where gaps are Erlang-k, the first of two in a row is a Beta(k, k) share of both; its variance
    V gives k = (1 - 4 V) / (8 V). The share does not depend on the length of both together, so
    pairs of less than 28 days, for which whole days are too coarse, are left out.

    References
    ----------
    Wheat, R. D. & Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase
    times. Journal of Marketing Research 27(1), 87-93.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.lifetime import estimate_regularity
    >>> rows = rk.load_cdnow_sample()
    >>> round(estimate_regularity(rows["customer_id"], rows["timestamp"]), 1)
    1.0
    """
    if len(customer_id) != len(timestamp):
        raise AlignmentError(
            f"{len(customer_id):,} customers, {len(timestamp):,} timestamps",
            rule="one of each per purchase",
            where="timestamp",
        )
    code, _ = number_ids(customer_id)
    pairs = np.unique(np.column_stack([code, to_day_numbers(timestamp.to_numpy())]), axis=0)
    return regularity_of(pairs[:, 0], pairs[:, 1])


def regularity_of(code: npt.NDArray[Any], day: npt.NDArray[Any]) -> float:
    """Return the estimate from distinct purchase days, ordered by customer and day."""
    gap, same = np.diff(day), code[1:] == code[:-1]
    two = same[1:] & same[:-1]
    first, both = gap[:-1][two], gap[:-1][two] + gap[1:][two]
    kept = both >= _SHORTEST
    if int(kept.sum()) < _FEWEST:
        return float("nan")
    share = first[kept] / both[kept]
    spread = float(np.mean((share - 0.5) ** 2))
    return max((1.0 - 4.0 * spread) / (8.0 * spread), 0.0) if spread > 0.0 else float("inf")


MOST_STAGES = 20


class MbgCnbdModel(ProcessModel):
    """Repeat purchases in a rhythm of their own and silent dropout, MBG/CNBD-k.

    As MBG/NBD, but a purchase takes `regularity` stages: gaps are Erlang-k, more even than chance.
    Silence beyond the own rhythm then tells more of having left.

    Parameters
    ----------
    r : float
        Shape of the rates of stages.
    alpha : float
        Scale of the rates of stages [unit]; the mean rate of purchases is r / (k alpha).
    a, b : float
        Dropout after a purchase has mean a / (a + b).
    regularity : int
        Stages of a purchase, k [count]; 1 is MBG/NBD.
    unit, config
        As in `MbgNbdModel`.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit, as in `MbgNbdModel`. The log-likelihood leaves out the factor of the
        gaps within the history, so it cannot be compared between values of `regularity`.
    kind : {"mbg_cnbd"}
        Tells the models apart in JSON.

    Notes
    -----
    The stages M ahead of a customer who is alive are negative binomial, and N = floor((M + j) / k)
    purchases where j stages have passed. Expected purchases = P(alive) E[sum_{i < N} (1-p)^i],
    summed over M without approximation; the papers scale the result of MBG/NBD instead.

    References
    ----------
    Reutterer, T., Platzer, M. & Schroeder, N. (2021). Leveraging purchase regularity for predicting
    customer behavior the easy way. Int. J. of Research in Marketing 38(1), 194-215.

    Platzer, M. & Reutterer, T. (2016). Ticking away the moments. Marketing Science 35(5), 779-799.

    Examples
    --------
    >>> from retainkit.lifetime import MbgCnbdModel, PurchaseHistories
    >>> model = MbgCnbdModel(r=1.3, alpha=2.8, a=0.4, b=0.8, regularity=2, unit="week")
    >>> history = PurchaseHistories(frequency=[9, 9], recency=[50, 20], age=[52, 52], unit="week")
    >>> model.p_alive(history).round(3)
    array([0.953, 0.   ])
    """

    _names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    _dropout: ClassVar[tuple[str, ...]] = ("a", "b")

    kind: Literal["mbg_cnbd"] = "mbg_cnbd"
    r: PositiveFloat
    alpha: PositiveFloat
    a: PositiveFloat
    b: PositiveFloat
    regularity: Annotated[int, Field(ge=1, le=MOST_STAGES)]

    def _know_as(
        self, parameters: Parameters, x: FloatArray, t: FloatArray, T: FloatArray
    ) -> Known:
        r, alpha, a, b = (float(value) for value in parameters)
        return kernel.know((r, alpha, a, b), x, t, T, stages=self.regularity)

    def approximate_purchases(self, history: PurchaseHistory, *, horizon: float) -> FloatArray:
        """Return about the purchases each customer is expected to make, many times faster.

        The mean rate, stages passed included, is put into the formula of MBG/NBD, as the papers do.

        Parameters
        ----------
        history, horizon
            As in `expected_purchases`.

        Returns
        -------
        ndarray of shape (n,)
            Within about 2 % of `expected_purchases` in total; NaN where age is NaN.

        Examples
        --------
        >>> from retainkit.lifetime import MbgCnbdModel, PurchaseHistories
        >>> model = MbgCnbdModel(r=1.3, alpha=2.8, a=0.4, b=0.8, regularity=2, unit="week")
        >>> history = PurchaseHistories(frequency=[9], recency=[50], age=[52], unit="week")
        >>> model.approximate_purchases(history, horizon=52).round(1)
        array([7.8])
        >>> model.expected_purchases(history, horizon=52).round(1)
        array([7.8])
        """
        check_horizon(horizon)

        def approximate(known: Known) -> FloatArray:
            return cast(Alive, known).approximate_purchases(float(horizon))

        return self._predict(history, approximate)


def fit_mbg_cnbd(
    history: PurchaseHistory,
    *,
    regularity: int,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> MbgCnbdModel:
    """Fit the MBG/CNBD-k model to purchase histories by maximum likelihood.

    Rows, errors and warnings are treated as in `fit_mbg_nbd`.

    Parameters
    ----------
    history
        As in `fit_mbg_nbd`.
    regularity : int
        Stages of a purchase, 1 to 20; see `estimate_regularity`. A history does not hold the gaps
        it would take to estimate it.
    weights, config
        As in `fit_mbg_nbd`.

    Returns
    -------
    MbgCnbdModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    SchemaError
        If `regularity` is not a whole number from 1 to 20.

    References
    ----------
    Reutterer, T., Platzer, M. & Schroeder, N. (2021). Int. J. of Research in Marketing 38(1),
    194-215.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, fit_mbg_cnbd
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 4], recency=[0, 3, 20, 38, 12, 9],
    ...     age=[39, 35, 38, 39, 30, 36], unit="week")
    >>> model = fit_mbg_cnbd(history, regularity=2, weights=[600, 100, 100, 50, 100, 50])
    >>> model.n, model.regularity, model.boundary
    (1000, 2, ())
    """
    if isinstance(regularity, bool) or not 1 <= regularity <= MOST_STAGES or regularity % 1:
        raise SchemaError(
            f"regularity is {regularity!r}",
            rule=f"a whole number of stages from 1 to {MOST_STAGES}",
            where="regularity",
            fix="estimate_regularity(customer_id, timestamp)",
        )
    stages = int(regularity)

    def prepare(rows: CompressedHistories) -> kernel.RegularData:
        columns = (rows.frequency, rows.recency, rows.age, rows.weights)
        return kernel.prepare(*columns, stages=stages)

    def starts(time_per_purchase: float) -> tuple[FloatArray, ...]:
        return MBG_NBD.starts(time_per_purchase / stages)

    law = Law(f"MBG/CNBD-{stages}", prepare, kernel.evaluate, starts, MBG_NBD.limits)
    return fit_process(MbgCnbdModel, law, history, weights, config, regularity=stages)
