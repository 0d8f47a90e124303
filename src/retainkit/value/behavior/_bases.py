"""segment_bases: use intensity, benefit sought, loyalty and attitude as typed columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_shapes
from retainkit._core.columns import Column
from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat, Rate
from retainkit.value._summary import CustomerSummary

Codes = npt.NDArray[np.int8]

SEGMENT_BASES: Final = {
    "use_intensity": ("none", "light", "heavy"),
    "benefit_sought": ("price", "service", "performance", "relationship", "brand"),
    "loyalty": ("none", "moderate", "strong", "committed"),
    "attitude": ("dissatisfied", "satisfied", "delighted"),
}
"""The categories of each basis of segmentation; unordered for the benefit sought."""


class BasesConfig(FrozenConfig):
    """Limits of the bases of segmentation.

    Parameters
    ----------
    active_days : float, default 365.25
        Who has not bought for longer uses nothing [day].
    heavy_quantile : float, default 0.5
        Share of users below the heavy ones, by purchases per year: the "heavy half".
    alive_above : float, default 0.5
        Probability of being alive from which on a repeat buyer is strongly loyal.
    wallet_above : float, default 0.5
        Share of wallet a strongly loyal customer needs where the wallet is known.
    recommends_from : float, default 9
        Likelihood to recommend from which on a strongly loyal customer is committed.
    dissatisfied_at_most, delighted_from : float, default 2 and 5
        Scores of satisfaction (of 1 to 5) at the ends.
    """

    active_days: PositiveFloat = 365.25
    heavy_quantile: Rate = 0.5
    alive_above: Rate = 0.5
    wallet_above: Rate = 0.5
    recommends_from: float = 9.0
    dissatisfied_at_most: float = 2.0
    delighted_from: float = 5.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SegmentBases(ResultTable):
    """Each customer on four bases of segmentation, as positions in `SEGMENT_BASES`.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, in the order of the summary.
    use_intensity, benefit_sought, loyalty, attitude : numpy.ndarray of int8
        Positions; -1 = not known (nobody asked, or nothing to judge by).
    heavy_above : float
        Purchases per year above which use is heavy; NaN where nobody uses.
    config : BasesConfig
        Limits.
    """

    customer_id: pd.Index[Any]
    use_intensity: Codes
    benefit_sought: Codes
    loyalty: Codes
    attitude: Codes
    heavy_above: float
    config: BasesConfig

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "segment_cube(...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        *(
            Column(name, categories=words, ordered=name != "benefit_sought")
            for name, words in SEGMENT_BASES.items()
        ),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    def summary(self) -> pd.DataFrame:
        """Return one row per basis and category: how many customers.

        Index (basis, category); "not known" closes each basis, so that rows add up to all.
        """
        counts = {}
        for name, categories in SEGMENT_BASES.items():
            codes = getattr(self, name)
            for code, category in (*enumerate(categories), (-1, "not known")):
                counts[name, category] = int(np.count_nonzero(codes == code))
        index = pd.MultiIndex.from_tuples(list(counts), names=["basis", "category"])
        return pd.DataFrame({"customers": list(counts.values())}, index=index)


def segment_bases(
    summary: CustomerSummary,
    *,
    p_alive: FloatArray | None = None,
    share_of_wallet: FloatArray | None = None,
    surveys: pd.DataFrame | None = None,
    benefit_sought: ArrayLike1D | None = None,
    config: BasesConfig | None = None,
) -> SegmentBases:
    """Place each customer on the bases of segmentation: use, benefit, loyalty, attitude.

    Parameters
    ----------
    summary : CustomerSummary
        Customers.
    p_alive : numpy.ndarray of float64, shape (n,), optional
        Probability that each is still a customer.
    share_of_wallet : numpy.ndarray of float64, shape (n,), optional
        Share of wallet; NaN = not known.
    surveys : pandas.DataFrame, optional
        Valid surveys (`satisfaction`, `likelihood_to_recommend`); the latest answer up to
        `summary.as_of` counts.
    benefit_sought : array-like of str, shape (n,), optional
        Surveyed main benefit: price, service, performance, relationship or brand; None = not
        known. It is never guessed from behaviour.
    config : BasesConfig, optional
        Limits.

    Returns
    -------
    SegmentBases
        In the order of `summary`.

    Raises
    ------
    AlignmentError
        If an array does not have one value per customer.
    SchemaError
        If a benefit is none of the five.

    Notes
    -----
    Use: none where the last purchase is more than `active_days` ago or never was; heavy where
    purchases per year (of a relation that counts at least a year) exceed the quantile of users.

    Loyalty: none for no use or a single purchase; moderate for repeat buyers; strong if also
    p_alive >= `alive_above` (where given) and the share of wallet, where known, is >=
    `wallet_above`; committed if also it would recommend. Repeat buying without p_alive and wallet
    stays moderate: habit is not yet loyalty.

    References
    ----------
    Twedt, D. W. (1964). How important to marketing strategy is the "heavy user"? Journal of
    Marketing 28(1), 71-72.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import segment_bases, summarize_customers
    >>> days = pd.to_datetime(["2020-01-01", "2024-01-01", "2024-01-09"])
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 2], "amount": 5.0, "timestamp": days})
    >>> asked = pd.DataFrame({"customer_id": [2], "timestamp": pd.to_datetime(["2024-01-20"]),
    ...                       "satisfaction": [5.0]})
    >>> segment_bases(summarize_customers(rows, as_of="2024-01-31"), surveys=asked).to_frame()
       customer_id use_intensity benefit_sought   loyalty   attitude
    0            1          none            NaN      none        NaN
    1            2         light            NaN  moderate  delighted
    """
    config = config or BasesConfig()
    n = len(summary)
    check_shapes(n, p_alive=p_alive, share_of_wallet=share_of_wallet)
    use, heavy_above = _use(summary, config)
    satisfaction = _latest(surveys, "satisfaction", summary)
    recommends = _latest(surveys, "likelihood_to_recommend", summary)
    attitude = np.full(n, -1, dtype=np.int8)
    attitude[~np.isnan(satisfaction)] = 1
    attitude[satisfaction <= config.dissatisfied_at_most] = 0
    attitude[satisfaction >= config.delighted_from] = 2
    loyalty = ((use > 0) & (summary.occasions > 1)).astype(np.int8)
    if p_alive is not None or share_of_wallet is not None:
        alive = True if p_alive is None else p_alive >= config.alive_above
        given = True if share_of_wallet is None else ~(share_of_wallet < config.wallet_above)
        strong = (loyalty == 1) & alive & given
        loyalty[strong] = 2
        loyalty[strong & (recommends >= config.recommends_from)] = 3
    return SegmentBases(
        customer_id=summary.customer_id,
        use_intensity=use,
        benefit_sought=_benefits(benefit_sought, n),
        loyalty=loyalty,
        attitude=attitude,
        heavy_above=heavy_above,
        config=config,
    )


def _use(summary: CustomerSummary, config: BasesConfig) -> tuple[Codes, float]:
    """Return the intensity of use and the yearly purchases above which it is heavy."""
    days = summary.with_unit("day")
    users = days.inactive_for <= config.active_days
    yearly = summary.occasions / np.fmax(days.age / 365.25, 1.0)
    heavy_above = float("nan")
    if users.any():
        heavy_above = float(
            np.quantile(yearly[users], config.heavy_quantile, method="inverted_cdf")
        )
    return (users.astype(np.int8) + (users & (yearly > heavy_above))).astype(np.int8), heavy_above


def _latest(surveys: pd.DataFrame | None, score: str, summary: CustomerSummary) -> FloatArray:
    """Return each customer's latest answer up to as_of; NaN where it was never asked."""
    from retainkit.tables import align_customer_ids

    latest = np.full(len(summary), np.nan)
    if surveys is None or score not in surveys:
        return latest
    end = pd.Timestamp(summary.as_of) + pd.Timedelta(days=1)
    answered = surveys[surveys[score].notna() & (surveys["timestamp"] < end)]
    answered = answered.sort_values(["timestamp", score], kind="stable")
    places = align_customer_ids(pd.Index(answered["customer_id"]), summary.customer_id)
    known = places >= 0
    latest[places[known]] = answered[score].to_numpy(dtype=np.float64)[known]
    return latest


def _benefits(sought: ArrayLike1D | None, n: int) -> Codes:
    """Return the benefit sought as codes; -1 where nobody asked."""
    if sought is None:
        return np.full(n, -1, dtype=np.int8)
    found = pd.Series(sought, dtype="object")
    check_shapes(n, benefit_sought=found.to_numpy())
    categories = SEGMENT_BASES["benefit_sought"]
    codes = pd.Index(categories).get_indexer(pd.Index(found)).astype(np.int8)
    wrong = found[(codes < 0) & found.notna().to_numpy()]
    if len(wrong):
        raise SchemaError(
            f"{len(wrong):,} benefits are none of the five, for example {wrong.iloc[0]!r}",
            rule=f"a benefit is one of {', '.join(categories)}",
            where="benefit_sought",
            fix="map the answers of your survey to these",
        )
    return codes
