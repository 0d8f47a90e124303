"""BG/BB: purchases at fixed opportunities."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime._compress import check_weights, compress_rows, fingerprint_of
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._model import LikelihoodModel, as_count, fit_by_likelihood
from retainkit.lifetime.models import _kernel_bg_bb as kernel
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat

_MOST_OPPORTUNITIES = 100_000

Columns = tuple[FloatArray, FloatArray, FloatArray]


class BgBbModel(LikelihoodModel):
    """Purchases at discrete opportunities with silent dropout, BG/BB.

    For events, yearly gifts, cruises: at each opportunity a customer who is alive buys with
    probability p ~ Beta(alpha, beta); before each, the customer drops out with probability
    theta ~ Beta(gamma, delta).

    Parameters
    ----------
    alpha, beta : float
        Buying at an opportunity has mean alpha / (alpha + beta).
    gamma, delta : float
        Dropout before an opportunity has mean gamma / (gamma + delta).
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit: total log-likelihood; customers in it; rows left out (none); the
        limits the optimum lies on, out of `"no_dropout"`, `"equal_dropout"`, `"polarised_dropout"`
        and `"equal_buying"`; covariance of log(alpha, beta, gamma, delta); Newton steps; distance
        to the optimum [standard errors]; identity of the data.
    config : FitConfig
        Settings of the fit.
    kind : {"bg_bb"}
        Tells the models apart in JSON.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Shang, J. (2010). Customer-base analysis in a discrete-time
    noncontractual setting. Marketing Science 29(6), 1086-1108.

    Examples
    --------
    >>> from retainkit.lifetime import BgBbModel
    >>> model = BgBbModel(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> round(model.expected_purchases_new(10), 2)
    3.18
    """

    _names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")
    _next_step: ClassVar[str] = ".expected_purchases(frequency, recency, ...)"

    kind: Literal["bg_bb"] = "bg_bb"
    alpha: PositiveFloat
    beta: PositiveFloat
    gamma: PositiveFloat
    delta: PositiveFloat

    def p_alive(
        self,
        frequency: ArrayLike1D,
        recency: ArrayLike1D,
        *,
        opportunities: ArrayLike1D,
        ahead: int = 1,
    ) -> FloatArray:
        """Return the probability that each customer can still buy at a coming opportunity.

        Parameters
        ----------
        frequency : array-like of shape (n,)
            Opportunities at which the customer bought [count].
        recency : array-like of shape (n,)
            Number of the last opportunity at which the customer bought; 0 for none.
        opportunities : array-like of shape (n,)
            Opportunities so far [count].
        ahead : int, default 1
            How many opportunities on; 1 is the next one, as the paper tabulates, 0 the last one.

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1], in the order of the customers.

        Raises
        ------
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> from retainkit.lifetime import BgBbModel
        >>> model = BgBbModel(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
        >>> model.p_alive([6, 1, 0], [6, 3, 0], opportunities=[6, 6, 6]).round(3)
        array([0.93 , 0.481, 0.108])
        """
        steps = _whole(ahead, "ahead")
        return self._predict(
            (frequency, recency, opportunities), lambda known: kernel.p_alive_later(known, steps)
        )

    def expected_purchases(
        self,
        frequency: ArrayLike1D,
        recency: ArrayLike1D,
        *,
        opportunities: ArrayLike1D,
        horizon: int,
    ) -> FloatArray:
        """Return the purchases each customer is expected to make at coming opportunities.

        `horizon` is how many opportunities are to come; the history is given as in `p_alive`.

        Examples
        --------
        >>> from retainkit.lifetime import BgBbModel
        >>> model = BgBbModel(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
        >>> model.expected_purchases([6, 0], [6, 0], opportunities=[6, 6], horizon=5).round(2)
        array([3.75, 0.07])
        """
        steps = _whole(horizon, "horizon")
        return self._predict(
            (frequency, recency, opportunities),
            lambda known: kernel.expected_purchases(known, steps),
        )

    def expected_purchases_new(self, horizon: int) -> float:
        """Return the purchases expected of a new customer at the next `horizon` opportunities.

        The one that acquired the customer is not counted.
        """
        zero = np.zeros(1)
        return float(self.expected_purchases(zero, zero, opportunities=zero, horizon=horizon)[0])

    def purchase_probabilities(
        self,
        frequency: ArrayLike1D,
        recency: ArrayLike1D,
        *,
        opportunities: ArrayLike1D,
        horizon: int,
    ) -> FloatArray:
        """Return how likely each customer is to buy at exactly 0, 1, ... of the next opportunities.

        The history is given as in `p_alive`, 0 `opportunities` for a new customer; the result has
        the shape (n, horizon + 1), and rows add up to 1.

        Examples
        --------
        >>> from retainkit.lifetime import BgBbModel
        >>> model = BgBbModel(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
        >>> model.purchase_probabilities([0], [0], opportunities=[0], horizon=2).round(3)
        array([[0.394, 0.289, 0.317]])
        """
        steps = _whole(horizon, "horizon")

        def law(known: kernel.Alive) -> FloatArray:
            counts = range(steps + 1)
            return np.stack([kernel.count_probability(known, steps, k) for k in counts], axis=1)

        return self._predict((frequency, recency, opportunities), law)

    def discounted_purchases(
        self,
        frequency: ArrayLike1D,
        recency: ArrayLike1D,
        *,
        opportunities: ArrayLike1D,
        discount_rate: float,
    ) -> FloatArray:
        """Return all purchases to come, each discounted from its opportunity: DERT.

        The history is given as in `p_alive`; `discount_rate` is the rate from one opportunity to
        the next, above 0 (else NotComputableError): 0.1 is 10 %. The next opportunity is discounted
        once.

        Examples
        --------
        >>> from retainkit.lifetime import BgBbModel
        >>> model = BgBbModel(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
        >>> model.discounted_purchases([6], [6], opportunities=[6], discount_rate=0.1).round(2)
        array([5.91])
        """
        if not 0.0 < discount_rate < np.inf:
            raise NotComputableError(
                f"discount_rate is {discount_rate!r}",
                rule="an endless future has a value only if it is discounted",
                where="discount_rate",
            )
        return self._predict(
            (frequency, recency, opportunities),
            lambda known: kernel.discounted_purchases(known, float(discount_rate)),
        )

    def _predict(
        self,
        columns: tuple[ArrayLike1D, ArrayLike1D, ArrayLike1D],
        value: Callable[[kernel.Alive], FloatArray],
    ) -> FloatArray:
        rows = opportunity_columns(*columns)
        keep = np.ones(len(rows[0]), dtype=np.bool_)
        distinct, _, inverse = compress_rows(rows, weights=None, keep=keep)
        x, t, n = (column.astype(np.int64) for column in distinct)
        known = kernel.know((self.alpha, self.beta, self.gamma, self.delta), x, t, n)
        predicted: FloatArray = value(known)[inverse]
        return predicted


def opportunity_columns(
    frequency: ArrayLike1D, recency: ArrayLike1D, opportunities: ArrayLike1D
) -> Columns:
    """Return the three columns as float64, checked against each other."""
    x = as_column(frequency, "frequency")
    t, n = as_column(recency, "recency"), as_column(opportunities, "opportunities")
    if not len(x) == len(t) == len(n):
        raise AlignmentError(
            f"frequency, recency and opportunities have lengths {len(x)}, {len(t)}, {len(n)}",
            rule="one value each per customer",
        )
    whole = (x == np.rint(x)) & (t == np.rint(t)) & (n == np.rint(n)) & (n <= _MOST_OPPORTUNITIES)
    possible = whole & (x >= 0) & (x <= t) & (t <= n) & ((x == 0) == (t == 0))
    if not possible.all():
        i = int(np.flatnonzero(~possible)[0])
        raise InvalidTableError(
            f"{np.count_nonzero(~possible):,} impossible histories; (frequency, recency, "
            f"opportunities) at row {i}: ({x[i]:g}, {t[i]:g}, {n[i]:g})",
            rule="whole numbers; frequency <= recency <= opportunities <= "
            f"{_MOST_OPPORTUNITIES:,}; recency is 0 exactly when frequency is 0",
            where="frequency, recency, opportunities",
        )
    return x, t, n


def _whole(value: int, name: str) -> int:
    if value != int(value) or not 0 <= value <= _MOST_OPPORTUNITIES:
        raise NotComputableError(
            f"{name} is {value!r}",
            rule=f"a number of opportunities from 0 to {_MOST_OPPORTUNITIES:,}",
            where=name,
        )
    return int(value)


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
