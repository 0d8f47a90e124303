"""Limits of a plan beyond its budget: capacities, channels, least coverage of a tier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from pydantic import model_validator

from retainkit._core.config import FrozenConfig
from retainkit.errors import SchemaError
from retainkit.policy import _kernel_limits
from retainkit.policy._condition import Identifier
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.typing import FloatArray, IntArray, NonNegativeFloat


class AllocationLimit(FrozenConfig):
    """One limit: how many customers, hours or money some measures may or must take.

    Parameters
    ----------
    id : str
        Stable name; the shadow price is reported under it.
    measures : tuple of str
        Measures it counts; empty means all.
    tiers : tuple of str
        Tiers it counts; empty means all.
    counts : str
        What is counted: "customers" (heads), "cost" (expected, [money]), or a resource by its
        name, in the units of `PolicyMeasure.uses`.
    at_least, at_most : float or None
        Bounds; None = none on that side.

    Raises
    ------
    pydantic.ValidationError
        If neither bound is given or they contradict.

    Examples
    --------
    >>> from retainkit.policy import AllocationLimit
    >>> AllocationLimit(id="visits", measures=("personal_ties",), at_most=200).counts
    'customers'
    >>> AllocationLimit(id="hours", counts="visit_hours", at_most=300).at_most
    300.0
    """

    id: Identifier
    measures: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    counts: Identifier = "customers"
    at_least: NonNegativeFloat | None = None
    at_most: NonNegativeFloat | None = None

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"limit {self.id!r} has no bound: give at_least or at_most")
        low, high = self.at_least or 0.0, self.at_most
        if high is not None and low > high:
            raise ValueError(f"limit {self.id!r}: at_least {low:g} exceeds at_most {high:g}")
        return self


def catalog_limits(catalog: MeasureCatalog) -> tuple[AllocationLimit, ...]:
    """Return one limit for each measure whose capacity was supplied.

    Parameters
    ----------
    catalog : MeasureCatalog
        The measures.

    Returns
    -------
    tuple of AllocationLimit
        In catalogue order; empty when no capacity was supplied.

    Examples
    --------
    >>> from retainkit.policy import MeasureCatalog, catalog_limits
    >>> catalog = MeasureCatalog()
    >>> visits = catalog.measure("personal_ties").replace(capacity=200)
    >>> limit, = catalog_limits(catalog.with_measures(visits))
    >>> limit.measures, limit.at_most
    (('personal_ties',), 200.0)
    """
    return tuple(
        AllocationLimit(id=f"capacity_{m.id}"[:60], measures=(m.id,), at_most=float(m.capacity))
        for m in catalog.measures
        if m.capacity is not None
    )


def limit_matrix(
    limits: tuple[AllocationLimit, ...],
    cost: FloatArray,
    budget: float,
    *,
    measures: tuple[str, ...],
    tier: IntArray | None,
    tier_names: tuple[str, ...],
    uses: Mapping[str, FloatArray],
) -> _kernel_limits.Limits:
    """Return the limits, the budget first, as a sparse system over customers x measures."""
    from scipy.sparse import csr_matrix

    rows: list[Any] = [cost.ravel()]
    for limit in limits:
        counted = np.isin(measures, _known(limit.measures, measures, "measures", limit.id))
        counted &= np.array([name != "do_nothing" for name in measures], dtype=np.bool_)
        weight = np.where(counted, _counted(limit, cost, uses), 0.0)
        weight = np.broadcast_to(weight, cost.shape)
        if limit.tiers:
            wanted = _known(limit.tiers, tier_names, "tiers", limit.id)
            codes = [tier_names.index(name) for name in wanted]
            if tier is None:
                raise SchemaError(
                    f"limit {limit.id!r} names tiers {limit.tiers}",
                    rule="limits by tier need each customer's tier",
                    fix="pass tier=... and tier_names=...",
                )
            weight = weight * np.isin(tier, codes)[:, None]
        rows.append(weight.ravel())
    low = [-np.inf, *(-np.inf if x.at_least is None else x.at_least for x in limits)]
    high = [budget, *(np.inf if x.at_most is None else x.at_most for x in limits)]
    return _kernel_limits.Limits(csr_matrix(np.vstack(rows)).tocsc(), np.array(low), np.array(high))


def _counted(
    limit: AllocationLimit, cost: FloatArray, uses: Mapping[str, FloatArray]
) -> FloatArray | float:
    """Return what one customer with each measure takes of what the limit counts."""
    if limit.counts in ("customers", "cost"):
        return cost if limit.counts == "cost" else 1.0
    if limit.counts not in uses:
        raise SchemaError(
            f"limit {limit.id!r} counts {limit.counts!r}",
            rule='a limit counts "customers", "cost" or a resource that some measure uses',
            where=f"known resources: {sorted(uses)}",
            fix="give the measures `uses=(ResourceUse(...),)`, or pass uses=... to allocate_budget",
        )
    return uses[limit.counts]


def _known(
    wanted: tuple[str, ...], every: tuple[str, ...], what: str, limit_id: str
) -> tuple[str, ...]:
    unknown = [name for name in wanted if name not in every]
    if unknown:
        raise SchemaError(
            f"limit {limit_id!r} names {what} {unknown}",
            rule=f"a limit counts {what} of the plan",
            where=f"known {what}: {every}",
        )
    return wanted or every
