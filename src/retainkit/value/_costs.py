"""allocate_costs: activity-based costing, from counted activities to cost to serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.sums import exact_sums
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import SchemaError
from retainkit.typing import AsOf, FloatArray

_REQUIRED = ("customer_id", "activity", "quantity")
_FIX = "pass the frame that tables.validate_table returns"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CostTable(ResultTable):
    """Cost to serve per customer, reconciled with the cost per activity.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance.
    cost : numpy.ndarray of float64
        Cost of the activities with a rate [money].
    uncosted_rows : numpy.ndarray of int32
        Rows per customer whose activity has no rate: where above 0, `cost` is a lower bound.
    activity : pandas.Index
        All activities, with a rate or without.
    activity_quantity, activity_rate, activity_cost : numpy.ndarray of float64
        Units counted, money per unit and their product per activity; NaN without a rate.
    rows_after_as_of : int
        Rows after `as_of`, left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import allocate_costs
    >>> rows = pd.DataFrame({"customer_id": [7], "activity": ["call"], "quantity": [2.0]})
    >>> allocate_costs(rows, rates={"call": 4.0})
    <CostTable: 1 customers; next: summary.with_costs(costs)>
    """

    customer_id: pd.Index[Any]
    cost: FloatArray
    uncosted_rows: npt.NDArray[np.int32]
    activity: pd.Index[Any]
    activity_quantity: FloatArray
    activity_rate: FloatArray
    activity_cost: FloatArray
    rows_after_as_of: int = 0

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "summary.with_costs(costs)"
    _schema: ClassVar[tuple[Column, ...]] = (*plain("customer_id", "cost", "uncosted_rows"),)

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def total(self) -> float:
        """Cost of all customers [money]: the sum over activities too."""
        return float(np.nansum(self.activity_cost))

    @property
    def unknown_activities(self) -> tuple[str, ...]:
        """Activities without a rate."""
        return tuple(map(str, self.activity[np.isnan(self.activity_rate)]))

    def align(self, customer_id: pd.Index[Any]) -> tuple[FloatArray, float]:
        """Return the cost of the customers asked for, and the cost of all others.

        `customer_id` holds unique customers of any id type (matched through canonical text); the
        cost is 0 for customers without activity.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.value import allocate_costs
        >>> rows = pd.DataFrame({"customer_id": [7, 8], "activity": "call", "quantity": [2.0, 1.0]})
        >>> cost, others = allocate_costs(rows, rates={"call": 4.0}).align(pd.Index([9, 7]))
        >>> cost.tolist(), others
        ([0.0, 8.0], 4.0)
        """
        from retainkit.tables import align_customer_ids

        places = align_customer_ids(self.customer_id, customer_id)
        known = places >= 0
        cost = np.zeros(len(customer_id))
        cost[places[known]] = self.cost[known]
        return cost, float(self.cost[~known].sum())

    def summary(self) -> pd.DataFrame:
        """Return one row per activity.

        Returns
        -------
        pandas.DataFrame
            Index `activity`; quantity, rate and cost, NaN where there is no rate.
        """
        return pd.DataFrame(
            {
                "quantity": self.activity_quantity,
                "rate": self.activity_rate,
                "cost": self.activity_cost,
            },
            index=self.activity,
        )


def allocate_costs(
    activities: pd.DataFrame, *, rates: Mapping[str, float], as_of: AsOf | None = None
) -> CostTable:
    """Trace the cost of serving to customers: units of each activity times its rate.

    Parameters
    ----------
    activities : pandas.DataFrame
        Valid activities: `customer_id`, `activity`, `quantity` [units], optionally `timestamp`.
    rates : mapping of str to float
        Money per unit of each activity.
    as_of : str, date or datetime, optional
        Last observed day: later rows are left out and counted. Needs `timestamp`.

    Returns
    -------
    CostTable
        One row per customer in order of first appearance. Activities without a rate are not
        guessed: they are in `unknown_activities`, and `uncosted_rows` says whom they concern.

    Raises
    ------
    SchemaError
        If a column is missing, a quantity is not a finite number, or a rate is not finite.

    Notes
    -----
    Cost of customer i = sum over activities a of quantity(i, a) * rate(a). Costs of customers and
    of activities are sums of the same rows, so they reconcile.

    References
    ----------
    Kaplan, R. S. & Cooper, R. (1998). Cost & Effect. Harvard Business School Press: chapter 10.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import allocate_costs
    >>> rows = pd.DataFrame({"customer_id": [1, 1, 2, 2], "quantity": [2.0, 1.0, 1.0, 3.0],
    ...                      "activity": ["call", "visit", "call", "fax"]})
    >>> costs = allocate_costs(rows, rates={"call": 4.0, "visit": 60.0})
    >>> costs.to_frame()
       customer_id  cost  uncosted_rows
    0            1  68.0              0
    1            2   4.0              1
    >>> costs.unknown_activities, costs.total
    (('fax',), 72.0)
    """
    seen, after = _observed(activities, as_of)
    quantity = seen["quantity"].to_numpy(dtype=np.float64)
    if not np.isfinite(quantity).all():
        raise _schema_error("a quantity is not finite", "quantities are finite", "quantity")
    customers, customer_id = pd.factorize(seen["customer_id"])
    kinds, activity = pd.factorize(seen["activity"].astype("str"))
    rate = np.array([rates.get(name, np.nan) for name in activity], dtype=np.float64)
    if np.isinf(rate).any() or any(np.isnan(value) for value in rates.values()):
        raise _schema_error("a rate is not finite", "rates are finite money per unit", "rates")
    costed = ~np.isnan(rate)[kinds]
    cost = np.where(costed, quantity * rate[kinds], 0.0)
    by_activity = exact_sums(kinds, cost, len(activity))
    by_activity[np.isnan(rate)] = np.nan
    uncosted = np.bincount(customers[~costed], minlength=len(customer_id))
    return CostTable(
        customer_id=pd.Index(customer_id, name="customer_id"),
        cost=exact_sums(customers, cost, len(customer_id)),
        uncosted_rows=uncosted.astype(np.int32),
        activity=pd.Index(activity, name="activity"),
        activity_quantity=exact_sums(kinds, quantity, len(activity)),
        activity_rate=rate,
        activity_cost=by_activity,
        rows_after_as_of=after,
    )


def _observed(activities: pd.DataFrame, as_of: AsOf | None) -> tuple[pd.DataFrame, int]:
    """Return the activities observed by `as_of`, and how many came later."""
    needed = _REQUIRED if as_of is None else (*_REQUIRED, "timestamp")
    missing = [name for name in needed if name not in activities]
    if missing:
        raise _schema_error(f"no column {missing[0]!r}", f"needed: {', '.join(needed)}", "columns")
    if as_of is None:
        return activities, 0
    seen = to_day_numbers(activities["timestamp"].to_numpy()) <= day_number(parse_as_of(as_of))
    return activities[seen], int(np.count_nonzero(~seen))


def _schema_error(wrong: str, rule: str, where: str) -> SchemaError:
    """Return the error that the activities do not fit."""
    return SchemaError(wrong, rule=rule, where=f"activities: {where}", fix=_FIX)
