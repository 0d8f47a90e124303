"""What a customer could still bring: room in the wallet, growth, potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_shapes
from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import normal_quantile
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import FloatArray
from retainkit.value.behavior._behavior import BehaviorTable

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
    """Add to the expected future value what could be won of the wallet that goes elsewhere."""
    check_shapes(len(wallet), future_value=future_value)
    room = np.nan_to_num(wallet.room) * (horizon_days / 365.25)
    potential: FloatArray = future_value + attainable * room
    return potential


_FEWEST = 2
"""Purchase occasions below which a customer has no growth of its own [count]."""
_WIDEST = 1.0
"""Standard error of log(1 + growth) above which growth is not known: off by a factor of e."""
_LOWEST, _HIGHEST = -0.75, 3.0
"""Growth is told between a quarter and four times the earlier spending."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FuturePotential(ResultTable):
    """The future potential of each customer as a sum of money: expected, growth, wallet.

    Only `expected` and `total` are stored; the rest follows from the tables and takes no memory.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, in the order of `expected`.
    expected : numpy.ndarray of float64
        Expected future value if buying goes on as it was on average [money]; NaN where not known.
    total : numpy.ndarray of float64
        expected + growth_part + wallet_part [money], for `score_value(future_value=...)`.
    behavior : BehaviorTable or None
        Where the growth comes from.
    growth_weight : float
        How far recent growth is believed to last.
    wallet : WalletTable or None
        Where the room in the wallet comes from.
    attainable : float
        Share of the room counted.
    horizon_days : float
        Horizon of `expected` [day].
    """

    customer_id: pd.Index[Any]
    expected: FloatArray
    total: FloatArray
    behavior: BehaviorTable | None
    growth_weight: float
    wallet: WalletTable | None
    attainable: float
    horizon_days: float

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "score_value(..., future_value=potential.total)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "expected", "growth", "growth_error"),
        *plain("growth_part", "wallet_part", "total"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def growth(self) -> FloatArray:
        """Relative change of spending beyond the base's, drawn towards 0, within -0.75 and 3.

        NaN where not known: fewer than two purchase occasions, none in the windows compared, or a
        standard error of log(1 + growth) above 1.
        """
        if self.behavior is None:
            return np.full(len(self), np.nan)
        return _own_growth(self.behavior)

    @property
    def growth_error(self) -> FloatArray:
        """Standard error of log(1 + growth); NaN where not known."""
        return np.full(len(self), np.nan) if self.behavior is None else _growth_error(self.behavior)

    @property
    def growth_part(self) -> FloatArray:
        """What growth adds or takes [money]; 0 where it is not known."""
        return _growth_part(self.expected, self.behavior, self.growth_weight)

    @property
    def wallet_part(self) -> FloatArray:
        """What the attainable room in the wallet adds [money]; 0 where it is not known."""
        return _wallet_part(self.expected, self.wallet, self.attainable, self.horizon_days)

    def split(self, part: FloatArray) -> pd.DataFrame:
        """Share out what future potential adds to the score among expected, growth and wallet.

        Parameters
        ----------
        part : numpy.ndarray of float64, shape (n,)
            `ValueTable.parts()[ValueCriterion.FUTURE_POTENTIAL]`.

        Returns
        -------
        pandas.DataFrame
            Columns expected, growth, wallet: in proportion to the money, so that they add up to
            `part`; growth is negative where it takes.

        Raises
        ------
        AlignmentError
            If `part` does not have one value per customer.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from retainkit.value import compose_potential, measure_wallet, summarize_behavior
        >>> rows = pd.DataFrame({"customer_id": [1], "amount": [50.0],
        ...                      "timestamp": pd.to_datetime("2024-01-31")})
        >>> customers = pd.DataFrame({"customer_id": [1], "category_spending": [250.0]})
        >>> behavior = summarize_behavior(rows, as_of="2024-12-31")
        >>> potential = compose_potential(np.array([30.0]), behavior, attainable=0.05,
        ...                               wallet=measure_wallet(behavior, customers))
        >>> potential.split(np.array([0.2])).round(3).to_dict("records")
        [{'expected': 0.15, 'growth': 0.0, 'wallet': 0.05}]
        """
        if np.shape(part) != (len(self),):
            raise _misaligned("part", np.shape(part), len(self))
        growth, wallet = (
            part * np.divide(money, self.total, out=np.zeros(len(self)), where=self.total != 0.0)
            for money in (self.growth_part, self.wallet_part)
        )
        return pd.DataFrame(
            {"expected": part - growth - wallet, "growth": growth, "wallet": wallet}
        )

    def summary(self) -> pd.DataFrame:
        """Return one row per part: customers it moves, and its money.

        Index `part`; columns customers (whose part is not 0) and money; the last row is the
        sum of the others.
        """
        rows = {
            "expected": self.expected,
            "growth": self.growth_part,
            "wallet": self.wallet_part,
            "total": self.total,
        }
        table = {
            name: {
                "customers": int(np.count_nonzero(np.nan_to_num(values))),
                "money": float(np.nansum(values)),
            }
            for name, values in rows.items()
        }
        return pd.DataFrame.from_dict(table, orient="index").rename_axis("part")


def compose_potential(
    expected: FloatArray,
    behavior: BehaviorTable | None = None,
    *,
    growth_weight: float = 0.5,
    wallet: WalletTable | None = None,
    attainable: float = 0.0,
    horizon_days: float = 365.25,
) -> FuturePotential:
    """Add to the expected future value what growth and the rest of the wallet may bring.

    Parameters
    ----------
    expected : numpy.ndarray of float64, shape (n,)
        Expected future value [money], from `ForecastModel.apply` or `expected_lifetime_value`.
    behavior : BehaviorTable, optional
        The same customers in the same order; None leaves growth out.
    growth_weight : float, default 0.5
        How far the recent level of spending, rather than the average of the recent and the
        earlier window, is believed to go on: 0 not at all, 1 wholly.
    wallet : WalletTable, optional
        The same customers in the same order; None leaves the wallet out.
    attainable : float, default 0.0
        Share of the room in the wallet believed to be attainable (times the margin where value is
        profit): an assumption of the firm.
    horizon_days : float, default 365.25
        Horizon of `expected` [day].

    Returns
    -------
    FuturePotential
        In the order of `expected`; `total` is NaN where `expected` is.

    Raises
    ------
    AlignmentError
        If the tables do not hold as many customers as `expected`.
    SchemaError
        If `growth_weight` is outside [0, 1], or neither table says who the customers are.

    Notes
    -----
    With x = (1 + trend) / (1 + trend of the base), kept within 1/4 and 4, the recent level lies
    (x - 1) / (x + 1) above the average of the two windows; growth adds that share of the expected
    value, times the weight: never more than the expected value itself. The trend is drawn towards
    the base's by its own uncertainty (`summarize_behavior`): where customers' trends cannot be told
    from chance, x is 1 and growth adds nothing; nor does it where it is not known
    (`FuturePotential.growth`).

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.value import compose_potential, summarize_behavior
    >>> rows = rk.load_cdnow_sample()
    >>> summary = rk.summarize_customers(rows, as_of="1998-06-30")
    >>> expected = rk.expected_lifetime_value(summary, rk.fit_mbg_nbd(summary))
    >>> potential = compose_potential(expected, summarize_behavior(rows, as_of="1998-06-30"))
    >>> bool((abs(potential.growth_part) <= 0.5 * expected).all())
    True
    """
    if not 0.0 <= growth_weight <= 1.0:
        raise SchemaError(
            f"growth_weight is {growth_weight!r}",
            rule="0 (growth does not last) to 1 (the recent level goes on)",
            where="growth_weight",
        )
    table = wallet if behavior is None else behavior
    if table is None:
        raise SchemaError(
            "neither behavior nor wallet is given",
            rule="growth comes from one, the room in the wallet from the other",
            where="compose_potential",
            fix="without both the potential is the expected value itself",
        )
    for name, given in (("behavior", behavior), ("wallet", wallet)):
        if given is not None and np.shape(expected) != (len(given),):
            raise _misaligned(name, (len(given),), len(expected))
    total = expected + _growth_part(expected, behavior, growth_weight)
    total += _wallet_part(expected, wallet, attainable, horizon_days)
    return FuturePotential(
        customer_id=table.customer_id,
        expected=expected,
        total=total,
        behavior=behavior,
        growth_weight=growth_weight,
        wallet=wallet,
        attainable=attainable,
        horizon_days=horizon_days,
    )


def _growth_part(expected: FloatArray, behavior: BehaviorTable | None, weight: float) -> FloatArray:
    """Return weight * expected * (x - 1) / (x + 1), with x the change beyond that of the base."""
    if behavior is None:
        return np.zeros(len(expected))
    beyond = _own_growth(behavior)  # x - 1
    share = np.nan_to_num(beyond / (beyond + 2.0), nan=0.0, posinf=0.0, neginf=0.0)
    part: FloatArray = weight * expected * share
    return part


def _own_growth(behavior: BehaviorTable) -> FloatArray:
    """Return the change of spending beyond the base's, bounded; NaN where little speaks for it."""
    with np.errstate(invalid="ignore"):
        known = (behavior.occasions >= _FEWEST) & (_growth_error(behavior) <= _WIDEST)
    bounded: FloatArray = np.clip(behavior.trend_beyond_base, _LOWEST, _HIGHEST)
    return np.where(known, bounded, np.nan)


def _growth_error(behavior: BehaviorTable) -> FloatArray:
    """Return the standard error of log(1 + growth), from the interval of the trend."""
    reach = 2.0 * normal_quantile(behavior.config.trend_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        error: FloatArray = np.log((1.0 + behavior.trend_high) / (1.0 + behavior.trend_low)) / reach
    return error


def _wallet_part(
    expected: FloatArray, wallet: WalletTable | None, attainable: float, horizon_days: float
) -> FloatArray:
    """Return the attainable room over the horizon."""
    nothing = np.zeros(len(expected))
    if wallet is None:
        return nothing
    return add_wallet_room(nothing, wallet, attainable=attainable, horizon_days=horizon_days)


def _misaligned(name: str, shape: tuple[int, ...], n: int) -> AlignmentError:
    """Return the error that two tables hold different numbers of customers."""
    return AlignmentError(
        f"{name} has shape {shape}, expected holds {n:,} customers",
        rule="one value per customer, in order",
        where=name,
        fix="compute both from the same transactions",
    )
