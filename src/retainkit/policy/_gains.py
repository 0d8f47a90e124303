"""What every allowed measure would gain for every customer; ready for a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.arrays import as_floats, check_same_customers
from retainkit._core.columns import Column
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.policy._allocate import allocate_budget, budget_frontier
from retainkit.policy._allocation import Allocation
from retainkit.policy._decide import HasChurnProbability
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._economics import measure_economics
from retainkit.policy._limits import AllocationLimit
from retainkit.policy._measure_catalog import DO_NOTHING
from retainkit.policy._measures import PolicyMeasure
from retainkit.policy._states import allowed_by_kind
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GainTable(ResultTable):
    """Hold gain and cost of each measure for each customer; doing nothing is the first.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order of the decisions.
    measures : tuple of str
        Measures with known economics, "do_nothing" first.
    gain : ndarray of float64, shape (n_customers, n_measures)
        Expected gain net of cost [money]; NaN = not allowed, cooling down, or not known.
    cost : ndarray of float64, shape (n_customers, n_measures)
        Expected cost [money]; 0 where the gain is NaN.
    free_riders : ndarray of float64, shape (n_customers, n_measures)
        Part of the cost that goes to customers who would have stayed anyway [money].
    tier : ndarray of int8
        Value tier of each customer.
    tier_names : tuple of str
        The tiers, best first.
    uses : tuple of (str, tuple of float)
        Resource, and its units per customer treated with each measure.
    unknown : tuple of str
        Measures of the catalogue whose economics are not known; limits on them do not bind.

    Examples
    --------
    >>> from retainkit.policy import GainTable
    >>> GainTable._next_step
    '.summary() or .allocate(budget)'
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .allocate(budget)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id", lambda t: t.customer_id[np.nonzero(t._known)[0]]),
        Column("measure", lambda t: np.nonzero(t._known)[1], "measures"),
        Column("gain", lambda t: t.gain[t._known]),
        Column("cost", lambda t: t.cost[t._known]),
        Column("free_riders", lambda t: t.free_riders[t._known]),
    )

    customer_id: pd.Index[Any]
    measures: tuple[str, ...]
    gain: FloatArray
    cost: FloatArray
    free_riders: FloatArray
    tier: Any
    tier_names: tuple[str, ...]
    uses: tuple[tuple[str, tuple[float, ...]], ...] = ()
    unknown: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def leave_alone(self) -> BoolArray:
        """Customers whom every allowed measure would cost more than it brings (or drive away)."""
        others = self.gain[:, 1:]
        known: BoolArray = ~np.asarray(np.isnan(others).all(axis=1))
        with np.errstate(invalid="ignore"):
            pays: BoolArray = np.asarray((others > 0.0).any(axis=1))
        return known & ~pays

    def allocate(self, budget: float, *, limits: Sequence[AllocationLimit] = ()) -> Allocation:
        """Choose one measure or none for each customer inside a budget [money].

        Further `limits` are, for example, `catalog_limits(catalog)`.
        """
        return allocate_budget(self.gain, self.cost, budget=budget, **self._circumstances(limits))

    def frontier(
        self, budgets: Sequence[float], *, limits: Sequence[AllocationLimit] = ()
    ) -> pd.DataFrame:
        """Return what plans of several budgets [money] gain within the same limits.

        Columns as `budget_frontier`.
        """
        return budget_frontier(self.gain, self.cost, budgets=budgets, **self._circumstances(limits))

    def _circumstances(self, limits: Sequence[AllocationLimit]) -> dict[str, Any]:
        """Return what a plan has to know besides gain, cost and budget."""
        return {
            "measures": self.measures,
            "customer_id": self.customer_id,
            "limits": [limit for given in limits for limit in self._binding(given)],
            "tier": self.tier,
            "tier_names": self.tier_names,
            "uses": dict(self.uses),
        }

    def _binding(self, limit: AllocationLimit) -> tuple[AllocationLimit, ...]:
        """Return the limit on the measures that can be planned; nothing when there are none."""
        if not set(limit.measures) & set(self.unknown):
            return (limit,)
        left = tuple(name for name in limit.measures if name not in self.unknown)
        if left:
            return (limit.replace(measures=left),)
        return () if limit.at_least is None else (limit,)

    @property
    def _known(self) -> BoolArray:
        """Which measures have known economics, per customer."""
        return ~np.isnan(self.gain)

    def summary(self) -> pd.DataFrame:
        """Return one row per measure.

        Columns measure, allowed (customers), pays (customers whose gain is above 0), driven_away
        (customers it costs more than its price: sleeping dogs), gain (sum where it pays),
        free_riders (sum where it pays) [money].
        """
        with np.errstate(invalid="ignore"):
            pays = self.gain > 0.0
            away = self.gain + self.cost < 0.0
        return pd.DataFrame(
            {
                "measure": self.measures,
                "allowed": (~np.isnan(self.gain)).sum(axis=0),
                "pays": pays.sum(axis=0),
                "driven_away": away.sum(axis=0),
                "gain": np.where(pays, self.gain, 0.0).sum(axis=0),
                "free_riders": np.where(pays, self.free_riders, 0.0).sum(axis=0),
            }
        )


def measure_gains(
    decisions: DecisionTable,
    *,
    churn: HasChurnProbability | None = None,
    retention: Mapping[str, ArrayLike1D] | None = None,
    money: Mapping[str, ArrayLike1D] | None = None,
    days_since: Mapping[str, ArrayLike1D] | None = None,
) -> GainTable:
    """Return what each allowed measure would gain for each customer, doing nothing included.

    Parameters
    ----------
    decisions : DecisionTable
        Stances, the measures they allow, and future values.
    churn : ChurnTable, optional
        Probability of leaving without any measure; not looked at where the decisions hold an
        `Outlook`, whose probability and value come from one model.
    retention : mapping of str to array_like, optional
        Change of the probability to stay by measure, customer by customer, for example from a
        trial; negative where contact drives the customer away. Overrides the catalogue.
    money : mapping of str to array_like, optional
        Effect of a measure [money] before its cost, customer by customer: the effects of an
        `EffectModel`, or the value of an upgrade (`compare_upgrades`). Overrides the catalogue.
    days_since : mapping of str to array_like, optional
        Days since each customer last got a measure [days]; NaN = never. While a measure's
        `cool_down_days` have not passed, it is not allowed.

    Returns
    -------
    GainTable
        In the order of the decisions.

    Raises
    ------
    SchemaError
        If a mapping names a measure that the catalogue does not have.
    AlignmentError
        If an array has another length, or `churn` describes other customers.

    Notes
    -----
    gain = s1 (V0 (1 + growth) - serve) - s0 V0 - c, with s0 and s1 the probability to stay
    without and with the measure and V0 the value of a customer who stays; c = treatment +
    contacts + incentive x (psi min(s0, s1) + gamma (s1 - s0)+): free riders take the incentive
    with probability psi, customers who are kept with probability gamma. Where s0 < 0.01, V0 =
    V / s0 cannot be told: the gain is NaN.

    References
    ----------
    J. Haupt, S. Lessmann (2022), European Journal of Operational Research 297. E. Ascarza
    (2018), "Retention futility", Journal of Marketing Research 55: target by response, not risk.

    Examples
    --------
    >>> from retainkit.policy import CostModel, MeasureCatalog, assess_potential, decide_actions
    >>> from retainkit.policy import measure_gains
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0]
    >>> catalog = MeasureCatalog()
    >>> ties = catalog.measure("personal_ties").replace(cost=CostModel(per_customer=2.0))
    >>> scheme = fit_tier_scheme(value)
    >>> decisions = decide_actions(assign_tiers(value, scheme),
    ...     potential=assess_potential(value, scheme), catalog=catalog.with_measures(ties))
    >>> gains = measure_gains(decisions, money={"personal_ties": [9.0, 1.0, 5.0]})
    >>> gains.gain[:, 1]  # the third customer's stance does not allow it
    array([ 7., -1., nan])
    >>> gains.allocate(10.0).to_frame()["measure"].tolist()
    ['personal_ties', 'do_nothing', 'do_nothing']
    """
    n = len(decisions)
    given = {**(retention or {}), **(money or {}), **(days_since or {})}
    unknown = [name for name in given if name not in decisions.catalog.positions]
    if unknown:
        raise SchemaError(f"no measures {unknown}", rule="measures are named by their id")
    p_churn = staying = None
    if decisions.outlook is not None:
        p_churn = 1.0 - decisions.outlook.p_active
        staying = decisions.outlook.value_if_active
    elif churn is not None:
        check_same_customers(churn.customer_id, decisions.customer_id, "churn")
        p_churn = as_floats(churn.p_churned, "churn.p_churned", n=n, bounds=(0.0, 1.0))
    allowed = allowed_by_kind(decisions.catalog, decisions.config, decisions.kinds)
    columns: list[tuple[str, FloatArray, FloatArray, FloatArray]] = []
    for position, measure in enumerate(decisions.catalog.measures):
        found = _column(
            measure, decisions.future_value, p_churn, staying, retention or {}, money or {}
        )
        if found is None or measure.id == DO_NOTHING:
            continue
        open_to = allowed[position].take(decisions.kind) & ~np.isnan(found[0])
        if measure.id in (days_since or {}):
            open_to &= ~_cooling(
                measure, as_floats((days_since or {})[measure.id], measure.id, n=n)
            )
        gain = np.where(open_to, found[0], np.nan)
        columns.append((measure.id, gain, np.where(open_to, found[1], 0.0), found[2]))
    nothing = np.zeros(n)
    columns.insert(0, (DO_NOTHING, nothing, nothing, nothing))
    names, gains, costs, riders = zip(*columns, strict=True)
    return GainTable(
        customer_id=decisions.customer_id,
        measures=tuple(names),
        gain=np.column_stack(gains),
        cost=np.column_stack(costs),
        free_riders=np.column_stack(riders),
        tier=decisions.value_tier,
        tier_names=decisions.tier_names,
        uses=tuple(
            (resource, tuple(amounts.get(name, 0.0) for name in names))
            for resource, amounts in decisions.catalog.uses.items()
        ),
        unknown=tuple(m.id for m in decisions.catalog.measures if m.id not in names),
    )


def _column(
    measure: PolicyMeasure,
    future: FloatArray,
    p_churn: FloatArray | None,
    staying: FloatArray | None,
    retention: Mapping[str, ArrayLike1D],
    money: Mapping[str, ArrayLike1D],
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return gain, cost and free riders of one measure; None when its economics are unknown."""
    n = future.size
    if measure.cost.expected is None:
        return None
    if measure.id in money:
        effect = as_floats(money[measure.id], f"money[{measure.id!r}]", n=n)
        return effect - measure.cost.expected, np.full(n, measure.cost.expected), np.zeros(n)
    change: FloatArray | None = None
    if measure.id in retention:
        change = as_floats(
            retention[measure.id], f"retention[{measure.id!r}]", n=n, bounds=(-1.0, 1.0)
        )
    elif not measure.has_economics:
        return None
    found = measure_economics(measure, p_churn, future, retention=change, staying=staying)
    return found.gain, found.cost, np.broadcast_to(found.free_riders, (n,))


def _cooling(measure: PolicyMeasure, days: FloatArray) -> BoolArray:
    with np.errstate(invalid="ignore"):
        cooling: BoolArray = days < (measure.cool_down_days or 0)
    return cooling
