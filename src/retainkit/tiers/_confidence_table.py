"""assess_confidence: the probability of each tier, and how sure the assigned one is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import categorical, check_length
from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.tiers._confidence import ValueDistribution, tier_probabilities
from retainkit.tiers._tier_table import TierTable
from retainkit.typing import BoolArray, FloatArray

__all__ = ["TierConfidence", "assess_confidence"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierConfidence(ResultTable):
    """How likely each customer's value is to lie in each tier.

    Parameters
    ----------
    tiers : TierTable
        The assessment, with its `confidence` filled in.
    probability : ndarray of float, shape (n_customers, n_tiers)
        Best tier first; rows sum to 1. NaN: not known.

    Examples
    --------
    >>> from retainkit.tiers import NormalValues, assess_confidence, assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> tiers = assign_tiers(value, fit_tier_scheme(value))
    >>> sure = assess_confidence(tiers, NormalValues(mean=value, sd=[5.0] * 5))
    >>> sure.confidence.round(2).tolist()
    [1.0, 0.5, 0.5, 0.92, 0.95]
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

        Returns
        -------
        pandas.DataFrame
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

        Returns
        -------
        pandas.DataFrame
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
