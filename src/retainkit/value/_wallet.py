"""measure_wallet: which share of its category spending each customer gives the firm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_shapes
from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.typing import FloatArray
from retainkit.value._behavior_table import BehaviorTable

WALLET_REASONS: Final = (
    *("known", "partial_year", "not_known", "above_category", "no_spend"),
    "inferred",
)
"""Why a share of wallet is (not) known; a table stores positions in this tuple."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WalletTable(ResultTable):
    """Each customer's share of wallet and what it spends elsewhere.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, in the order of the behaviour table.
    year_spend, category_spending : numpy.ndarray of float64
        Net spend of the last 365 days with the firm, and yearly spending in the whole category
        with anybody [money/year].
    share : numpy.ndarray of float64
        Share of wallet in (0, 1]; NaN where `reason` is not "known", "partial_year" or
        "inferred".
    reason : numpy.ndarray of int8
        Position in `WALLET_REASONS`: "partial_year" is a lower bound (customer for less than a
        year), "above_category" an error in the data (more spent here than everywhere), "inferred"
        a share from ranks, with category spending to match.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import measure_wallet, summarize_behavior
    >>> rows = pd.DataFrame({"customer_id": [1, 2], "amount": [50.0, 9.0],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> customers = pd.DataFrame({"customer_id": [2, 1], "category_spending": [3.0, 200.0]})
    >>> measure_wallet(summarize_behavior(rows, as_of="2024-12-31"), customers)
    <WalletTable: 2 customers; next: assess_potential(..., share_of_wallet=wallet.share)>
    """

    customer_id: pd.Index[Any]
    year_spend: FloatArray
    category_spending: FloatArray
    share: FloatArray
    reason: npt.NDArray[np.int8]

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "assess_potential(..., share_of_wallet=wallet.share)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "year_spend", "category_spending", "ratio", "share", "room"),
        Column("reason", categories=WALLET_REASONS),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def ratio(self) -> FloatArray:
        """Yearly spend over category spending as it stands, errors above 1 included."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.year_spend / self.category_spending

    @property
    def room(self) -> FloatArray:
        """Yearly category spending that goes elsewhere [money/year]; NaN where not known."""
        return np.where(np.isnan(self.share), np.nan, self.category_spending - self.year_spend)

    def summary(self) -> pd.DataFrame:
        """Return one row per reason: customers, their spend here and in the category.

        Returns
        -------
        pandas.DataFrame
            Index `reason`; columns customers, year_spend, category_spending (NaN counts as 0).
        """
        rows = {
            reason: {
                "customers": int(np.count_nonzero(self.reason == code)),
                "year_spend": float(self.year_spend[self.reason == code].sum()),
                "category_spending": float(np.nansum(self.category_spending[self.reason == code])),
            }
            for code, reason in enumerate(WALLET_REASONS)
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reason")


def measure_wallet(
    behavior: BehaviorTable,
    customers: pd.DataFrame,
    *,
    age_days: FloatArray | None = None,
    inferred_share: FloatArray | None = None,
) -> WalletTable:
    """Measure each customer's share of wallet where its category spending is known, or inferred.

    Parameters
    ----------
    behavior : BehaviorTable
        From `summarize_behavior`.
    customers : pandas.DataFrame
        Valid customers: `customer_id` and `category_spending` [money/year].
    age_days : numpy.ndarray of float64, shape (n,), optional
        Time since the first purchase [day], for example `summary.with_unit("day").age`; shares of
        customers for less than a year are then marked as lower bounds.
    inferred_share : numpy.ndarray of float64, shape (n,), optional
        Share of wallet in (0, 1] told otherwise, for example by rank among the brands used
        (`metrics.wallet_allocation_rule`); NaN where it is not known. It serves where category
        spending is not known, and `customers` then need not have that column.

    Returns
    -------
    WalletTable
        In the order of `behavior`.

    Raises
    ------
    SchemaError
        If `customers` has no `category_spending` and no share is inferred, or an inferred share
        is outside (0, 1].
    AlignmentError
        If `age_days` or `inferred_share` does not have one value per customer.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import measure_wallet, summarize_behavior
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 3], "amount": [50.0, 9.0, 1.0],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> customers = pd.DataFrame({"customer_id": [2, 1], "category_spending": [3.0, 200.0]})
    >>> wallet = measure_wallet(summarize_behavior(rows, as_of="2024-12-31"), customers)
    >>> wallet.to_frame()[["share", "room", "reason"]]
       share   room          reason
    0   0.25  150.0           known
    1    NaN    NaN  above_category
    2    NaN    NaN       not_known

    The third customer ranks the firm first of two brands: two thirds of its wallet, by the rule.

    >>> import numpy as np
    >>> from retainkit.metrics import wallet_allocation_rule
    >>> share = np.array([np.nan, np.nan, wallet_allocation_rule([1], [2])[0]])
    >>> behavior = summarize_behavior(rows, as_of="2024-12-31")
    >>> measure_wallet(behavior, customers, inferred_share=share).to_frame()[["share", "room"]]
          share   room
    0  0.250000  150.0
    1       NaN    NaN
    2  0.666667    0.5
    """
    from retainkit.tables import align_customer_ids

    n = len(behavior)
    given = {"age_days": age_days, "inferred_share": inferred_share}
    _check_given(customers, given, n)
    category = np.full(n, np.nan)
    if "category_spending" in customers:
        places = align_customer_ids(pd.Index(customers["customer_id"]), behavior.customer_id)
        known = places >= 0
        category[places[known]] = customers["category_spending"].to_numpy(dtype=np.float64)[known]
    spend = behavior.year_spend
    reason = _reasons(spend, category, age_days)
    share = np.full(n, np.nan)
    usable = reason <= WALLET_REASONS.index("partial_year")
    share[usable] = spend[usable] / category[usable]
    if inferred_share is not None:
        inferred = ~(category > 0) & (spend > 0) & ~np.isnan(inferred_share)
        share[inferred] = inferred_share[inferred]
        category[inferred] = spend[inferred] / share[inferred]
        reason[inferred] = WALLET_REASONS.index("inferred")
    return WalletTable(
        customer_id=behavior.customer_id,
        year_spend=spend,
        category_spending=category,
        share=share,
        reason=reason,
    )


def _check_given(customers: pd.DataFrame, given: dict[str, FloatArray | None], n: int) -> None:
    """Raise unless what is given fits the customers and says something of their wallets."""
    inferred = given["inferred_share"]
    if "category_spending" not in customers and inferred is None:
        raise SchemaError(
            "customers has no column 'category_spending'",
            rule="share of wallet = yearly spend / yearly spending in the whole category",
            where="customers",
            fix="CustomerColumns(category_spending=...) names it; or give inferred_share=",
        )
    check_shapes(n, fix='for the age pass summary.with_unit("day").age', **given)
    if inferred is not None and ((inferred <= 0.0) | (inferred > 1.0)).any():
        raise SchemaError(
            f"{int(((inferred <= 0.0) | (inferred > 1.0)).sum()):,} shares outside (0, 1]",
            rule="a share of wallet lies in (0, 1]; NaN: not known",
            where="inferred_share",
            fix="metrics.wallet_allocation_rule gives such shares",
        )


def _reasons(
    spend: FloatArray, category: FloatArray, age_days: FloatArray | None
) -> npt.NDArray[np.int8]:
    """Return how far each share is known, the weightiest reason last."""
    reason = np.full(len(spend), WALLET_REASONS.index("known"), dtype=np.int8)
    if age_days is not None:
        reason[age_days < 365] = WALLET_REASONS.index("partial_year")
    reason[spend > category] = WALLET_REASONS.index("above_category")
    reason[spend <= 0] = WALLET_REASONS.index("no_spend")
    reason[~(category > 0)] = WALLET_REASONS.index("not_known")
    return reason


def add_wallet_room(
    future_value: FloatArray,
    wallet: WalletTable,
    *,
    attainable: float,
    horizon_days: float = 365.25,
) -> FloatArray:
    """Add to the expected future value what could be won of the wallet that goes elsewhere.

    Parameters
    ----------
    future_value : numpy.ndarray of float64, shape (n,)
        Expected future value on today's footing [money].
    wallet : WalletTable
        The same customers in the same order.
    attainable : float
        Share of the room that is believed to be attainable, times the margin where value is
        profit; an assumption of the firm, so it has no default.
    horizon_days : float, default 365.25
        Horizon of `future_value` [day].

    Returns
    -------
    numpy.ndarray of float64
        The potential [money], for `score_value(future_value=...)`; unchanged where the wallet is
        not known.

    Raises
    ------
    AlignmentError
        If the two do not have one value per customer.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from retainkit.value import add_wallet_room, measure_wallet, summarize_behavior
    >>> rows = pd.DataFrame({"customer_id": [1, 2], "amount": [50.0, 9.0],
    ...                      "timestamp": pd.to_datetime("2024-01-31")})
    >>> customers = pd.DataFrame({"customer_id": [1], "category_spending": [200.0]})
    >>> wallet = measure_wallet(summarize_behavior(rows, as_of="2024-12-31"), customers)
    >>> add_wallet_room(np.array([40.0, 8.0]), wallet, attainable=0.1).tolist()
    [55.0, 8.0]
    """
    check_shapes(len(wallet), future_value=future_value)
    room = np.nan_to_num(wallet.room) * (horizon_days / 365.25)
    potential: FloatArray = future_value + attainable * room
    return potential
