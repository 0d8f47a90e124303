"""assess_confidence: the odds of each tier, and values as models of buying and spend see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column, categorical, check_length
from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.tiers.grading._assign import TierTable
from retainkit.tiers.grading._confidence import ValueDistribution, tier_probabilities
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray

if TYPE_CHECKING:
    from retainkit.lifetime import GammaGammaModel, PurchaseHistory
    from retainkit.lifetime._process import ProcessModel


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierConfidence(ResultTable):
    """How likely each customer's value is to lie in each tier.

    Parameters
    ----------
    tiers : TierTable
        The assessment, with its `confidence` filled in.
    probability : ndarray of float, shape (n_customers, n_tiers)
        Best tier first; rows sum to 1. NaN: not known.
    """

    tiers: TierTable
    probability: FloatArray

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .tiers"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("value_tier", "tiers.value_tier", "tiers.scheme.names", ordered=True),
        *plain("confidence", "borderline"),
        Column("likeliest", categories="tiers.scheme.names", ordered=True),
    )

    def __len__(self) -> int:
        return len(self.tiers)

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers, in the order of the tiers."""
        return self.tiers.customer_id

    @property
    def confidence(self) -> FloatArray:
        """Probability that the value lies in the value tier; NaN: not known."""
        return self.probability[np.arange(len(self)), self.tiers.value_tier]

    @property
    def borderline(self) -> BoolArray:
        """Whether the tier is doubtful: see `TierTable.borderline`."""
        return self.tiers.borderline

    @property
    def likeliest(self) -> npt.NDArray[np.int8]:
        """Position of the most probable tier, of equal ones the better; -1: not known."""
        unknown = np.isnan(self.probability).any(axis=1)
        best: npt.NDArray[np.int8] = np.nan_to_num(self.probability).argmax(axis=1).astype(np.int8)
        best[unknown] = -1
        return best

    def probabilities(self) -> pd.DataFrame:
        """Return the probability of each tier.

        One row per customer and tier, best tier first: customer_id, tier, probability;
        NaN where not known.
        """
        names = self.tiers.scheme.names
        codes = np.tile(np.arange(len(names), dtype=np.int8), len(self))
        return pd.DataFrame(
            {
                "customer_id": self.customer_id.repeat(len(names)),
                "tier": categorical(codes, names, ordered=True),
                "probability": self.probability.ravel(),
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return one row per tier: how many are in it, how many are expected, how sure that is.

        Index `tier`, best first; customers, expected_customers (sum of the probabilities; NaN
        left out), mean_confidence (NaN without customers), borderline.
        """
        own = self.tiers.value_tier
        names = self.tiers.scheme.names
        sure, known = np.nan_to_num(self.confidence), ~np.isnan(self.confidence)
        heads = np.bincount(own, minlength=len(names))
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.bincount(own, weights=sure, minlength=len(names)) / np.bincount(
                own, weights=known, minlength=len(names)
            )
        return pd.DataFrame(
            {
                "customers": heads,
                "expected_customers": np.nansum(self.probability, axis=0),
                "mean_confidence": mean,
                "borderline": np.bincount(own[self.borderline], minlength=len(names)),
            },
            index=pd.Index(names, name="tier"),
        )


def assess_confidence(tiers: TierTable, distribution: ValueDistribution) -> TierConfidence:
    """Say how sure each customer's tier is, from what is known about its uncertain value.

    Parameters
    ----------
    tiers : TierTable
        From `assign_tiers`.
    distribution : ValueDistribution
        Of the values the tiers were assigned by, in the same order: `LifetimeValues` where they
        are future values, `NormalValues`, `GammaValues`, `QuantileValues`, or any object with
        `exceeds`.

    Returns
    -------
    TierConfidence
        In the order of `tiers`: a probability per tier, the confidence of the assigned one, and
        who is borderline (below `stability.borderline_below`); NaN where not known.

    Raises
    ------
    AlignmentError
        If `distribution` describes another number of customers.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.tiers import LifetimeValues, assess_confidence
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> buying = rk.fit_mbg_nbd(summary)
    >>> spend = rk.fit_gamma_gamma(summary.frequency, summary.monetary_value)
    >>> value = rk.expected_lifetime_value(
    ...     summary, buying, spend_model=spend, annual_discount_rate=0.0)
    >>> tiers = rk.assign_tiers(value, rk.fit_tier_scheme(value), customer_id=summary.customer_id)
    >>> sure = assess_confidence(tiers, LifetimeValues(
    ...     summary, summary.monetary_value, buying, spend, horizon=365.25 / 7))
    >>> bool((sure.summary()["mean_confidence"] < 1.0).all())
    True
    """
    probability = tier_probabilities(tiers.scheme, distribution)
    check_length(probability.shape[0], len(tiers), "distribution")
    own = probability[np.arange(len(tiers)), tiers.value_tier]
    return TierConfidence(tiers=replace(tiers, confidence=own), probability=probability)


class LifetimeValues(NamedTuple):
    """Future values that scatter as the models of purchases and of spend say.

    The number of purchases and their amounts are both uncertain, for each customer in its own
    way; the probabilities are those of `lifetime.probability_value_exceeds_at`.

    Parameters
    ----------
    history : PurchaseHistory of n customers
        For example a `CustomerSummary`, in the unit of the purchase model.
    monetary_value : array_like of float, shape (n,)
        Mean amount per repeat purchase [money]; NaN where there was none.
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Law of the number of purchases.
    spend_model : GammaGammaModel
        Law of the amounts.
    horizon : float
        Length of the future considered [unit of the model].
    annual_discount_rate : float, default 0.0
        Yearly rate.
    margin_rate : float or array_like of shape (n,), default 1.0
        Profit per unit of purchases; where it is not above 0 no positive amount is reached.
    scale : float or array_like of shape (n,), default 1.0
        What the customer is graded by over what these models expect of it, where another
        estimate is used for grading: the distribution keeps its shape and moves to that mean.

    Examples
    --------
    >>> from retainkit.lifetime import GammaGammaModel, MbgNbdModel, PurchaseHistories
    >>> from retainkit.tiers import LifetimeValues
    >>> history = PurchaseHistories(
    ...     frequency=[2, 9], recency=[30.43, 37], age=[38.86, 38.86], unit="week")
    >>> values = LifetimeValues(
    ...     history, monetary_value=[22.35, 40.0], horizon=52,
    ...     purchase_model=MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    ...     spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44), resolution=0.0)
    >>> values.exceeds_each([100.0, 0.0]).round(3)
    array([[0.116, 1.   ],
           [0.752, 1.   ]])
    >>> values._replace(scale=2.0).exceeds(200.0).round(3)
    array([0.116, 0.752])
    """

    history: PurchaseHistory
    monetary_value: ArrayLike1D
    purchase_model: ProcessModel
    spend_model: GammaGammaModel
    horizon: float
    annual_discount_rate: float = 0.0
    margin_rate: float | ArrayLike1D = 1.0
    scale: float | ArrayLike1D = 1.0
    resolution: float = 0.05

    def moved_to(self, value: FloatArray, *, expected: FloatArray) -> LifetimeValues:
        """Return the distributions moved to the values that customers are graded by.

        `value` is what each customer is graded by, `expected` what the models expect of it [money]:
        `scale` becomes value / expected, NaN where nothing is expected.
        """
        scale = np.full(len(value), np.nan)
        np.divide(value, expected, out=scale, where=expected != 0.0)
        return self._replace(scale=scale)

    def exceeds(self, amount: float) -> FloatArray:
        """Return the probability that each value reaches an amount [money].

        In the order of `history`; NaN where age, margin or scale is not known.
        """
        only: FloatArray = self.exceeds_each([amount])[:, 0]
        return only

    def exceeds_each(self, amounts: ArrayLike1D) -> FloatArray:
        """Return the probability that each value reaches each of several amounts [money], at once.

        Shape (n, k); NaN as in `exceeds`.
        """
        from retainkit.lifetime import probability_value_exceeds_at

        n = len(self.history.frequency)
        cuts, scale = as_column(amounts, "amounts"), _each(self.scale, n, "scale")
        margin = _each(self.margin_rate, n, "margin_rate")
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = cuts if (scale == 1.0).all() else cuts / scale[:, None]
        chances = probability_value_exceeds_at(
            needed,
            _round_times(self.history, self.resolution),
            monetary_value=self.monetary_value,
            purchase_model=self.purchase_model,
            spend_model=self.spend_model,
            horizon=self.horizon,
            annual_discount_rate=self.annual_discount_rate,
            margin_rate=np.where(margin > 0.0, margin, np.nan),
        )
        unknown = np.isnan(self.history.age) | np.isnan(margin) | np.isnan(scale)
        # Purchases are never negative: with a gain on each every value reaches 0, without one none
        # reaches more.
        gains = (margin > 0.0) & (scale > 0.0)
        chances[~gains] = 0.0
        chances[:, cuts <= 0.0] = np.where(gains, 1.0, 0.0)[:, None]
        chances[unknown] = np.nan
        return chances


def _round_times(history: PurchaseHistory, resolution: float) -> PurchaseHistory:
    """Return histories whose age and silence stand on a grid that widens with their length.

    Each customer is rounded for itself, so that it is the same alone and in a base.
    """
    from retainkit.lifetime import PurchaseHistories

    if not resolution > 0.0:
        return history
    week = 7.0 / DAYS_PER_UNIT[history.unit]

    def on_grid(times: FloatArray) -> FloatArray:
        """Return times whose 1 + time / week is a power of exp(resolution)."""
        steps = np.round(np.log1p(times / week) / resolution)
        return np.asarray(week * np.expm1(steps * resolution))

    age = on_grid(history.age)
    recency = age - on_grid(history.age - history.recency)
    once = history.frequency == 0
    # A repeat purchase is later than the first: who would lose that keeps its own times.
    lost = ~once & (recency <= 0.0)
    recency[once & ~np.isnan(age)] = 0.0
    return PurchaseHistories(
        frequency=history.frequency,
        recency=np.where(lost, history.recency, recency),
        age=np.where(lost, history.age, age),
        unit=history.unit,
    )


def _each(given: float | ArrayLike1D, n: int, name: str) -> FloatArray:
    """Return one value per customer, also where one was given for all."""
    if np.ndim(given) == 0:
        return np.broadcast_to(np.float64(given), (n,))  # type: ignore[arg-type]
    return as_column(given, name, n=n)  # type: ignore[arg-type]
