"""RFM: recency, frequency and money cut into scores at quantiles learnt once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenModel
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError
from retainkit.typing import FloatArray, TimeUnit
from retainkit.value._config import RfmConfig
from retainkit.value._kernel import bin_scores
from retainkit.value._summary import CustomerSummary

Int8Array = npt.NDArray[np.int8]


class RfmScheme(FrozenModel):
    """The amounts at which recency, frequency and money change their score.

    Parameters
    ----------
    config : RfmConfig
        What was chosen.
    unit : {"day", "week", "month"}
        Unit of `inactive_for_edges`.
    inactive_for_edges : tuple of float
        Time since the last purchase [unit], descending: fewer scores higher.
    frequency_edges : tuple of float
        Repeat purchases, ascending.
    money_edges : tuple of float
        Money, ascending.
    n : int
        Customers it was learnt from.
    """

    config: RfmConfig
    unit: TimeUnit
    inactive_for_edges: tuple[float, ...]
    frequency_edges: tuple[float, ...]
    money_edges: tuple[float, ...]
    n: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RfmTable(ResultTable):
    """Recency, frequency and money scores, one row per customer.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, in the order of the summary.
    scheme : RfmScheme
        The edges applied.
    recency_score, frequency_score, money_score : numpy.ndarray of int8
        1 (lowest) to `bins` (highest); 0 = not scored, because the customer never purchased.
    """

    customer_id: pd.Index[Any]
    scheme: RfmScheme
    recency_score: Int8Array
    frequency_score: Int8Array
    money_score: Int8Array

    _what: ClassVar[str] = "customers"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        *plain("recency_score", "frequency_score", "money_score", "total", "cell"),
        Column(
            "reason",
            lambda t: (t.recency_score == 0).astype(np.int8),
            ("scored", "never_purchased"),
        ),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def total(self) -> Int8Array:
        """Sum of the three scores, 3 to 3 * bins; 0 = not scored."""
        return self.recency_score + self.frequency_score + self.money_score

    @property
    def cell(self) -> npt.NDArray[np.int16]:
        """The three scores as one number, 111 to 999, for example 543; 0 = not scored."""
        cell = self.recency_score.astype(np.int16)
        for column in (self.frequency_score, self.money_score):
            cell *= 10
            cell += column
        return cell

    def to_frame(self) -> pd.DataFrame:
        """Return one row per customer; scores are <NA> where there is none."""
        frame, unscored = self._frame("en"), self.recency_score == 0
        for name in ("recency_score", "frequency_score", "money_score", "total", "cell"):
            frame[name] = pd.arrays.IntegerArray(getattr(self, name).copy(), unscored.copy())
        return frame

    def summary(self) -> pd.DataFrame:
        """Return how many customers have each score.

        Index `score` from `bins` down to 1, then 0 = not scored; one column per dimension.
        """
        scores = range(self.scheme.config.bins, -1, -1)
        counts = {
            name: np.bincount(column, minlength=len(scores))[::-1]
            for name, column in (
                ("recency", self.recency_score),
                ("frequency", self.frequency_score),
                ("money", self.money_score),
            )
        }
        return pd.DataFrame(counts, index=pd.Index(scores, name="score"))


def fit_rfm_scheme(summary: CustomerSummary, *, config: RfmConfig | None = None) -> RfmScheme:
    """Learn the quantiles at which recency, frequency and money change their score.

    Parameters
    ----------
    summary : CustomerSummary
        The base; customers who never purchased are left out.
    config : RfmConfig, optional
        What was chosen; the defaults of `RfmConfig` when None.

    Returns
    -------
    RfmScheme
        bins - 1 edges per dimension, each a value of the base (inverse of the empirical
        distribution); equal edges where many customers tie.

    Raises
    ------
    NotComputableError
        If nobody purchased anything.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.value import fit_rfm_scheme, summarize_customers
    >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> fit_rfm_scheme(summary).frequency_edges
    (0.0, 0.0, 1.0, 2.0)
    """
    config = RfmConfig() if config is None else config
    buyers = summary if summary.occasions.all() else summary.take(summary.occasions > 0)
    if not len(buyers):
        raise NotComputableError(
            "no customer purchased anything",
            rule="scores are cut at quantiles of the customers who purchased",
            where="CustomerSummary.occasions",
            fix="summarise transactions with purchases up to as_of",
        )
    shares = np.arange(1, config.bins) / config.bins
    idle, frequency, money = (
        tuple(np.quantile(column, shares, method="inverted_cdf").astype(np.float64).tolist())
        for column in (-buyers.inactive_for, buyers.frequency, _money(buyers, config))
    )
    return RfmScheme(
        config=config,
        unit=summary.unit,
        inactive_for_edges=tuple(0.0 - edge for edge in idle),
        frequency_edges=frequency,
        money_edges=money,
        n=len(buyers),
    )


def score_rfm(summary: CustomerSummary, scheme: RfmScheme) -> RfmTable:
    """Score recency, frequency and money of each customer; higher is better.

    Parameters
    ----------
    summary : CustomerSummary
        Customers; times are converted to the scheme's unit.
    scheme : RfmScheme
        What `fit_rfm_scheme` learnt.

    Returns
    -------
    RfmTable
        One row per customer in the order of `summary`; 0 = not scored, because never purchased.

    Notes
    -----
    Score = 1 + number of edges beaten. Customers with equal values have equal scores; a value equal
    to several edges (a tie wider than a bin) takes the middle of the bins it spans, the lower of
    two, so that a column in which all customers are equal scores the neutral middle.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing. Probus: recency, frequency, monetary cells.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import RfmConfig, fit_rfm_scheme, score_rfm, summarize_customers
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 3, 4], "amount": [10.0, 20.0, 30.0, 40.0],
    ...                      "timestamp": pd.date_range("2024-01-01", periods=4)})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> score_rfm(summary, fit_rfm_scheme(summary, config=RfmConfig(bins=2))).cell.tolist()
    [111, 111, 212, 212]
    """
    scaled = summary.with_unit(scheme.unit)
    never = summary.never_purchased

    def score(values: FloatArray, edges: FloatArray) -> Int8Array:
        """Return scores by edges; 0 without a purchase."""
        scores = bin_scores(values, edges)
        scores[never] = 0
        return scores

    return RfmTable(
        customer_id=summary.customer_id,
        scheme=scheme,
        recency_score=score(-scaled.inactive_for, -np.asarray(scheme.inactive_for_edges)),
        frequency_score=score(
            scaled.frequency.astype(np.float64), np.asarray(scheme.frequency_edges)
        ),
        money_score=score(_money(scaled, scheme.config), np.asarray(scheme.money_edges)),
    )


def _money(summary: CustomerSummary, config: RfmConfig) -> FloatArray:
    """Return the money that is scored."""
    if config.money == "contribution":
        return summary.contribution
    if config.money == "mean_amount":
        return summary.purchase_amount / np.maximum(summary.occasions, 1)
    return summary.total_amount
