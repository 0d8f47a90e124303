"""CustomerSummary: what the transactions say about each customer, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.recent import Counts, Money
from retainkit._core.result import ResultTable
from retainkit._core.time import DAYS_PER_UNIT, day_number, from_day_numbers
from retainkit.errors import NotComputableError
from retainkit.typing import BoolArray, CollapseUnit, FloatArray, IntArray, TimeUnit
from retainkit.value._kernel import NEVER, collapse_days

if TYPE_CHECKING:
    from retainkit.value._costs import CostTable

Int32Array: TypeAlias = npt.NDArray[np.int32]
Basis: TypeAlias = Literal["profit", "revenue"]
"""What a contribution is counted in: profit where known, else revenue net of returns."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomerSummary(ResultTable):
    """One row per customer: how often, how recently, for how long and for how much it bought.

    It is also the purchase history that the lifetime models read (`frequency`, `recency`, `age`,
    `unit`). Built by `summarize_customers` or, by hand, from arrays of equal length.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance.
    unit : {"day", "week", "month"}
        Scale of `recency`, `age` and `inactive_for` (1, 7 or 30.4375 days).
    as_of : datetime.date
        Last observed day, inclusive.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which purchases are one occasion.
    occasions : numpy.ndarray of int32
        Purchase occasions; 0 = never purchased (only returns).
    first_day, last_day : numpy.ndarray of int32
        Day of the first and last occasion [days since 1970-01-01]; the int32 minimum where none.
    transactions : numpy.ndarray of int32
        Purchase rows.
    monetary_value : numpy.ndarray of float64
        Mean amount per repeat occasion [money]; NaN where `frequency` is 0.
    purchase_amount, return_amount : numpy.ndarray of float64
        Sum of amounts >= 0 and sum of amounts < 0 [money].
    profit : numpy.ndarray of float64 or None
        Profit over all rows [money]; None when the transactions carry neither profit nor cost.
    cost_to_serve : numpy.ndarray of float64 or None
        Cost of serving the customer [money], set by `with_costs`.
    cost_of_others : float
        Cost given to `with_costs` that belongs to customers not in this summary [money].
    breadth : numpy.ndarray of int32 or None
        Distinct business lines purchased from; 0 where no line is known; None without the column.
    recent_days, recent_amount : numpy.ndarray of shape (n, 8) or None
        Purchase days [count] and money net of returns [money] within 0, 7, 15, 30, 61, 122, 243
        and 487 days before the last purchase: what a forecast reads the recent past from. None
        where a summary was put together by hand.
    year_amount, year_profit : numpy.ndarray of float64 or None
        Money net of returns and profit [money] of the 365 days that end with the last purchase;
        what is returned after it counts too. None where a summary was put together by hand, the
        profit also where no row tells one.
    rows_after_as_of : int
        Rows after `as_of`: unobserved by definition, left out.
    """

    customer_id: pd.Index[Any]
    unit: TimeUnit
    as_of: date
    collapse: CollapseUnit = "day"
    occasions: Int32Array
    first_day: Int32Array
    last_day: Int32Array
    transactions: Int32Array
    monetary_value: FloatArray
    purchase_amount: FloatArray
    return_amount: FloatArray
    profit: FloatArray | None = None
    cost_to_serve: FloatArray | None = None
    cost_of_others: float = 0.0
    breadth: Int32Array | None = None
    recent_days: Counts | None = None
    recent_amount: Money | None = None
    year_amount: FloatArray | None = None
    year_profit: FloatArray | None = None
    rows_after_as_of: int = 0

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "score_value(summary, scheme)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "frequency", "recency", "age", "inactive_for", "monetary_value"),
        *plain("occasions", "transactions"),
        Column("first_day", lambda t: t._dates(t.first_day)),
        Column("last_day", lambda t: t._dates(t.last_day)),
        *plain("purchase_amount", "return_amount", "total_amount"),
        *plain("profit", "cost_to_serve", "breadth"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def frequency(self) -> Int32Array:
        """Repeat purchase occasions: occasions - 1, and 0 without a purchase."""
        repeats: Int32Array = np.maximum(self.occasions - np.int32(1), np.int32(0))
        return repeats

    @property
    def recency(self) -> FloatArray:
        """Time from first to last occasion [unit]; NaN without a purchase."""
        return self._span(self.first_day, self.last_day)

    @property
    def age(self) -> FloatArray:
        """Time from first occasion to `as_of` [unit]; NaN without a purchase."""
        return self._span(self.first_day, self._observed_until())

    @property
    def inactive_for(self) -> FloatArray:
        """Time from last occasion to `as_of` [unit]; NaN without a purchase."""
        return self._span(self.last_day, self._observed_until())

    @property
    def total_amount(self) -> FloatArray:
        """Purchases net of returns [money]."""
        return self.purchase_amount + self.return_amount

    @property
    def never_purchased(self) -> BoolArray:
        """Whether the customer has no purchase up to `as_of`, only returns."""
        never: BoolArray = self.occasions == 0
        return never

    @property
    def basis(self) -> Basis:
        """What `contribution` is counted in."""
        return "revenue" if self.profit is None else "profit"

    @property
    def contribution(self) -> FloatArray:
        """Money the customer brought so far [money]: profit net of cost to serve, else revenue."""
        if self.profit is None:
            return self.total_amount
        return self.profit if self.cost_to_serve is None else self.profit - self.cost_to_serve

    def take(self, positions: IntArray | BoolArray) -> CustomerSummary:
        """Return the customers at `positions`: integers in the order wanted, or a mask."""
        rows = np.flatnonzero(positions) if positions.dtype == np.bool_ else positions
        columns: dict[str, Any] = {name: value[rows] for name, value in self._arrays().items()}
        return replace(self, customer_id=self.customer_id[rows], **columns)

    def with_others(self, customer_id: pd.Index[Any]) -> CustomerSummary:
        """Return the summary with customers added who have no transaction.

        Parameters
        ----------
        customer_id : pandas.Index
            Customers that are not in it, for example of a contract alone.

        Returns
        -------
        CustomerSummary
            Those customers come last: 0 occasions, undefined times, no money.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.datasets import load_cdnow_sample
        >>> from retainkit.value import summarize_customers
        >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
        >>> more = summary.with_others(pd.Index([99_998, 99_999]))
        >>> len(more), int(more.never_purchased.sum())
        (2359, 2)
        """
        empty = {"first_day": NEVER, "last_day": NEVER, "monetary_value": np.nan}
        columns: dict[str, Any] = {}
        for name, known in self._arrays().items():
            shape = (len(customer_id), *known.shape[1:])
            blank = np.full(shape, empty.get(name, 0), dtype=known.dtype)
            columns[name] = np.concatenate([known, blank])
        ids = self.customer_id.append(customer_id).rename(self.customer_id.name)
        return replace(self, customer_id=ids, **columns)

    def with_unit(self, unit: TimeUnit) -> CustomerSummary:
        """Return the same customers with recency, age and inactive_for scaled to `unit`.

        No array is copied; days are stored as days, so the conversion is exact.
        """
        return self if unit == self.unit else replace(self, unit=unit)

    def with_costs(self, costs: CostTable) -> CustomerSummary:
        """Return the same customers with their cost to serve, so that `contribution` is net of it.

        Parameters
        ----------
        costs : CostTable
            What `allocate_costs` returned; customers it does not name cost nothing to serve.

        Returns
        -------
        CustomerSummary
            With `cost_to_serve` set (replacing any former one).

        Raises
        ------
        NotComputableError
            If profit is not known: revenue minus cost to serve would be neither.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.value import allocate_costs, summarize_customers
        >>> rows = pd.DataFrame({"customer_id": [1, 2], "amount": [90.0, 50.0],
        ...                      "profit": [30.0, 5.0], "timestamp": pd.to_datetime("2024-01-31")})
        >>> calls = pd.DataFrame({"customer_id": [2], "activity": ["call"], "quantity": [2.0]})
        >>> costs = allocate_costs(calls, rates={"call": 4.0})
        >>> summarize_customers(rows, as_of="2024-01-31").with_costs(costs).contribution.tolist()
        [30.0, -3.0]
        """
        if self.profit is None:
            raise NotComputableError(
                "the summary has no profit to take the cost to serve from",
                rule="profit per customer = profit on sales - cost to serve",
                where="CustomerSummary.profit",
                fix="give a profit or cost column with the transactions",
            )
        cost, others = costs.align(self.customer_id)
        return replace(self, cost_to_serve=cost, cost_of_others=others)

    def summary(self) -> pd.DataFrame:
        """Return the totals of the base: one row per fact.

        Index `fact`, column `value`.
        """
        facts: dict[str, float] = {
            "customers": len(self),
            "customers who purchased": int(np.count_nonzero(self.occasions)),
            "repeat customers": int(np.count_nonzero(self.occasions > 1)),
            "purchase occasions": int(self.occasions.sum(dtype=np.int64)),
            "purchase amount": float(self.purchase_amount.sum()),
            "return amount": float(self.return_amount.sum()),
            f"contribution ({self.basis})": float(self.contribution.sum()),
            "cost to serve of others": self.cost_of_others,
            "rows after as_of": self.rows_after_as_of,
        }
        return pd.DataFrame({"value": facts}, dtype=np.float64).rename_axis("fact")

    def _arrays(self) -> Mapping[str, npt.NDArray[np.generic]]:
        """Return the stored columns that are there."""
        names = (
            *("occasions", "first_day", "last_day", "transactions", "monetary_value"),
            *("purchase_amount", "return_amount", "profit", "cost_to_serve", "breadth"),
            *("recent_days", "recent_amount", "year_amount", "year_profit"),
        )
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _observed_until(self) -> Int32Array:
        """Return the calendar unit in which `as_of` lies."""
        today = np.array([day_number(self.as_of)], dtype=np.int32)
        return collapse_days(today, self.collapse)

    def _span(self, start: Int32Array, end: Int32Array) -> FloatArray:
        """Return a distance of days [unit]; NaN without a purchase."""
        # int64 first: the distance from the NEVER sentinel does not fit into int32.
        span = np.subtract(end, start, dtype=np.int64) / DAYS_PER_UNIT[self.unit]
        span[self.occasions == 0] = np.nan
        return span

    def _dates(self, days: Int32Array) -> npt.NDArray[np.datetime64]:
        """Return days as dates; NaT for never."""
        dates = from_day_numbers(days.astype(np.int64))
        dates[days == NEVER] = np.datetime64("NaT", "s")
        return dates
