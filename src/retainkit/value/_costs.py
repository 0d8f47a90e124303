"""What customers cost: records of costs allocated, pools traced by their drivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig
from retainkit._core.kernels.sums import exact_sums
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import SchemaError
from retainkit.typing import AsOf, FloatArray, NonNegativeFloat, PositiveFloat, Rate
from retainkit.value._kernel import apportion

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


CentArray = npt.NDArray[np.int64]


class CostDriver(FrozenConfig):
    """Which part of a cost pool an activity consumes.

    Parameters
    ----------
    activity : str
        Name in the activities table; its counted quantity is the driver.
    share : float, default 1.0
        Share of the pool that the activity consumes.
    practical_quantity : float, optional
        Quantity the resources could handle [units]: the rate is money per unit of capacity and
        what is not used is shown, not charged to customers. None takes the quantity counted.
    """

    activity: str
    share: Rate = 1.0
    practical_quantity: PositiveFloat | None = None


class CostPool(FrozenConfig):
    """A pool of cost and the activities it is consumed by.

    Parameters
    ----------
    name : str
        What it is called.
    amount : float
        What it cost in the period [money].
    drivers : tuple of CostDriver
        Activities and their shares, at most 1 together; the rest is not assigned to any.

    Examples
    --------
    >>> from retainkit.value import CostDriver, CostPool
    >>> CostPool(name="call centre", amount=900.0, drivers=(CostDriver(activity="call"),)).amount
    900.0
    """

    name: str
    amount: NonNegativeFloat
    drivers: Annotated[tuple[CostDriver, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        """Refuse shares above 1 and doubled activities."""
        if sum(driver.share for driver in self.drivers) > 1.0 + 1e-9:
            raise ValueError(f"the shares of {self.name!r} add up to more than 1")
        if len({driver.activity for driver in self.drivers}) < len(self.drivers):
            raise ValueError(f"an activity of {self.name!r} is named twice")
        return self


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TracedCosts(ResultTable):
    """Cost pools traced to customers; every cent is with a customer or shown as untraced.

    Parameters
    ----------
    costs : CostTable
        Cost per customer and per activity, for `summary.with_costs`.
    pools : tuple of CostPool
        What was traced.
    cents : numpy.ndarray of int64, shape (n, pools)
        Cost per customer and pool [cent].
    not_assigned, unused_capacity, no_activity : numpy.ndarray of int64, shape (pools,)
        Untraced cost per pool [cent]: shares given to no activity; capacity nobody used;
        activities that were never counted.
    """

    costs: CostTable
    pools: tuple[CostPool, ...]
    cents: CentArray
    not_assigned: CentArray
    unused_capacity: CentArray
    no_activity: CentArray

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "summary.with_costs(traced.costs)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id", lambda t: t.costs.customer_id.repeat(len(t.pools))),
        Column("pool", lambda t: np.tile(np.arange(len(t.pools)), len(t)), "pools.name"),
        Column("cost", lambda t: t.cents.ravel() / 100),
    )

    def __len__(self) -> int:
        return len(self.costs)

    @property
    def reconciles(self) -> bool:
        """Whether traced and untraced cost is each pool's amount, to the cent."""
        untraced = self.not_assigned + self.unused_capacity + self.no_activity
        amounts = np.array([_cents(pool.amount) for pool in self.pools])
        return bool((self.cents.sum(axis=0) + untraced == amounts).all())

    def summary(self) -> pd.DataFrame:
        """Return one row per pool: what it cost, what was traced, and what was not and why.

        Index `pool`; amount = traced + not_assigned + unused_capacity + no_activity [money].
        """
        columns = {
            "amount": np.array([_cents(pool.amount) for pool in self.pools]),
            "traced": self.cents.sum(axis=0),
            "not_assigned": self.not_assigned,
            "unused_capacity": self.unused_capacity,
            "no_activity": self.no_activity,
        }
        index = pd.Index([pool.name for pool in self.pools], name="pool")
        return pd.DataFrame({name: cents / 100 for name, cents in columns.items()}, index=index)


def trace_costs(
    activities: pd.DataFrame, *, pools: Sequence[CostPool], as_of: AsOf | None = None
) -> TracedCosts:
    """Derive the rate of each activity from cost pools and trace the cost to customers.

    Parameters
    ----------
    activities : pandas.DataFrame
        Valid activities: `customer_id`, `activity`, `quantity` [units], optionally `timestamp`.
    pools : sequence of CostPool
        Costs of the period and the activities that consume them.
    as_of : str, date or datetime, optional
        Last observed day: later rows are left out and counted. Needs `timestamp`.

    Returns
    -------
    TracedCosts
        Customers in order of first appearance. Activities that no pool names are in
        `costs.unknown_activities`.

    Raises
    ------
    SchemaError
        If a column is missing, a quantity is below 0 or undefined, or two pools share a name.

    Notes
    -----
    Rate of activity a in pool p = amount(p) * share(p, a) / quantity(a), where the quantity is the
    practical capacity if one is given and not exceeded. Money is counted in whole cents: each
    customer gets the cents of its quantity rounded down, the cents left go to the largest
    remainders, so the parts add up to the whole exactly.

    References
    ----------
    Kaplan, R. S. & Anderson, S. R. (2004). Time-driven activity-based costing. Harvard Business
    Review 82(11), 131-138: practical capacity.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import CostDriver, CostPool, trace_costs
    >>> rows = pd.DataFrame({"customer_id": [1, 2, 3], "activity": "call", "quantity": [1.0] * 3})
    >>> pool = CostPool(name="call centre", amount=200.0, drivers=(
    ...     CostDriver(activity="call", share=0.5), CostDriver(activity="fax", share=0.3)))
    >>> traced = trace_costs(rows, pools=[pool])
    >>> traced.costs.cost.tolist()
    [33.34, 33.33, 33.33]
    >>> traced.summary()
                 amount  traced  not_assigned  unused_capacity  no_activity
    pool
    call centre   200.0   100.0          40.0              0.0         60.0
    """
    pools = tuple(pools)
    if len({pool.name for pool in pools}) < len(pools):
        raise _wrong("two pools have the same name", "pools are told apart by name", "pools")
    counted = allocate_costs(activities, rates={}, as_of=as_of)
    quantity = _quantities(activities, counted, as_of)
    order = np.argsort(np.argsort(counted.customer_id.astype(str).to_numpy(dtype=object)))
    cents = np.zeros((len(counted), len(pools)), dtype=np.int64)
    untraced = np.zeros((3, len(pools)), dtype=np.int64)
    by_activity = dict.fromkeys(map(str, counted.activity), 0)
    charged: set[str] = set()
    for i, pool in enumerate(pools):
        left = _cents(pool.amount)
        for driver, share in zip(pool.drivers, _split(pool), strict=True):
            left -= share
            units = quantity.get(driver.activity)
            total = 0.0 if units is None else float(units.sum())
            if units is None or total <= 0:
                untraced[2, i] += share
                continue
            capacity = max(driver.practical_quantity or total, total)
            used = round(share * (total / capacity))
            untraced[1, i] += share - used
            cents[:, i] += apportion(used, units, order)
            by_activity[driver.activity] += used
            charged.add(driver.activity)
        untraced[0, i] += left
    return TracedCosts(
        costs=_as_costs(activities, counted, cents, by_activity, charged, as_of),
        pools=pools,
        cents=cents,
        not_assigned=untraced[0],
        unused_capacity=untraced[1],
        no_activity=untraced[2],
    )


def _split(pool: CostPool) -> list[int]:
    """Return the whole cents of each driver; with shares of 1 together nothing is left over."""
    cents = _cents(pool.amount)
    shares = np.array([driver.share for driver in pool.drivers])
    assigned = round(cents * min(float(shares.sum()), 1.0))
    parts: list[int] = apportion(assigned, shares, np.arange(shares.size)).tolist()
    return parts


def _quantities(
    activities: pd.DataFrame, counted: CostTable, as_of: AsOf | None
) -> dict[str, npt.NDArray[np.float64]]:
    """Return each activity's quantity per customer."""
    found = {}
    for name in map(str, counted.activity):
        rows = activities[activities["activity"].astype("str") == name]
        if (rows["quantity"] < 0).any():
            raise _wrong(f"{name!r} has a quantity below 0", "quantities are counts", "quantity")
        table = allocate_costs(rows, rates={name: 1.0}, as_of=as_of)
        found[name] = table.align(counted.customer_id)[0]
    return found


def _as_costs(
    activities: pd.DataFrame,
    counted: CostTable,
    cents: CentArray,
    by_activity: dict[str, int],
    charged: set[str],
    as_of: AsOf | None,
) -> CostTable:
    """Return the traced cost as the table that `with_costs` takes."""
    known = np.array([str(name) in charged for name in counted.activity])
    cost = np.array([by_activity[str(name)] / 100 for name in counted.activity])
    cost[~known] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(known, cost / counted.activity_quantity, np.nan)
    rated = allocate_costs(activities, rates=dict.fromkeys(charged, 1.0), as_of=as_of)
    return CostTable(
        customer_id=counted.customer_id,
        cost=cents.sum(axis=1) / 100,
        uncosted_rows=rated.uncosted_rows,
        activity=counted.activity,
        activity_quantity=counted.activity_quantity,
        activity_rate=rate,
        activity_cost=cost,
        rows_after_as_of=counted.rows_after_as_of,
    )


def _cents(money: float) -> int:
    """Return money in whole cents."""
    return round(money * 100)


def _wrong(wrong: str, rule: str, where: str) -> SchemaError:
    """Return the error that pools and activities do not fit."""
    return SchemaError(wrong, rule=rule, where=where, fix="validate activities, name pools once")
