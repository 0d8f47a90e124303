"""From decisions to money: gains, the plan within a budget, its hold-out, audit and year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit._pipeline._scores import CustomerScores
from retainkit.policy import (
    Allocation,
    AllocationLimit,
    AnnualPlan,
    AuditConfig,
    AuditTable,
    GainTable,
    Holdout,
    PlanGoals,
    assign_holdout,
    audit_decisions,
    catalog_limits,
    measure_gains,
    plan_year,
)
from retainkit.tables import align_customer_ids
from retainkit.tables._customers import PROTECTED_PREFIX
from retainkit.typing import NonNegativeFloat, PositiveFloat


class BudgetConfig(FrozenConfig):
    """What may be spent on measures, and how the spending will be proven.

    Parameters
    ----------
    amount : float
        What may be spent [money].
    limits : tuple of AllocationLimit, default ()
        Limits beside the budget; capacities in the catalogue are limits anyway.
    holdout_share : float, default 0.1
        Share of the customers of each tier and measure who are left out on purpose.
    trial : str, default "retainkit"
        Name of the trial: another name draws other customers for the hold-out.
    frontier : tuple of float, default (0.25, 0.5, 1.0, 2.0, 4.0)
        Multiples of the amount that are planned for comparison.

    Examples
    --------
    >>> from retainkit.pipeline import BudgetConfig
    >>> BudgetConfig(amount=500.0).holdout_share
    0.1
    """

    amount: NonNegativeFloat
    limits: tuple[AllocationLimit, ...] = ()
    holdout_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    trial: Annotated[str, Field(min_length=1)] = "retainkit"
    frontier: tuple[PositiveFloat, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BudgetPlan:
    """Which customers get which measure inside the budget, and who is left out to prove it.

    Parameters
    ----------
    gains : GainTable
        What each allowed measure would gain for each customer.
    allocation : Allocation
        One measure or none per customer.
    frontier : pandas.DataFrame
        What plans of other budgets would gain within the same limits: budget, cost, gain [money],
        customers treated, next_unit_earns, gap.
    holdout : Holdout
        Customers of the plan who are left untreated on purpose.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.pipeline import BudgetConfig
    >>> from retainkit.policy import CostModel, MeasureCatalog, MeasureEffect
    >>> catalog = MeasureCatalog()
    >>> ties = catalog.measure("personal_ties").replace(
    ...     cost=CostModel(per_customer=2.0), effect=MeasureEffect(retention=0.1))
    >>> config = rk.PipelineConfig(
    ...     measures=catalog.with_measures(ties), budget=BudgetConfig(amount=100.0))
    >>> result = rk.RetentionPipeline(config).run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.plan.allocation.cost
    100.0
    """

    gains: GainTable
    allocation: Allocation
    frontier: pd.DataFrame
    holdout: Holdout


def plan_budget(scores: CustomerScores, config: BudgetConfig | None) -> BudgetPlan | None:
    """Plan the budget; None where there is none."""
    if config is None:
        return None
    policy = scores.policy
    gains = measure_gains(policy, churn=scores.churn)
    limits = (*catalog_limits(policy.catalog), *config.limits)
    allocation = gains.allocate(config.amount, limits=limits)
    return BudgetPlan(
        gains=gains,
        allocation=allocation,
        frontier=gains.frontier([x * config.amount for x in config.frontier], limits=limits),
        holdout=assign_holdout(
            allocation.customer_id,
            allocation.measure,
            salt=config.trial,
            share=config.holdout_share,
            measures=allocation.measures,
            tier=policy.value_tier,
            tier_names=policy.tier_names,
        ),
    )


def plan_goals(
    scores: CustomerScores, plan: BudgetPlan | None, goals: PlanGoals | None
) -> AnnualPlan | None:
    """Write the plan of the year; None where no goals are set."""
    if goals is None:
        return None
    stays = 1.0 - scores.churn.p_churned
    wallet = scores.facts.wallet if scores.facts else None
    return plan_year(
        scores.policy,
        goals=goals,
        profit=np.nan_to_num(scores.value.future_potential),
        p_stay=None if np.isnan(stays).all() else stays,
        share_of_wallet=wallet.share if wallet else None,
        allocation=plan.allocation if plan else None,
    )


def audit(
    scores: CustomerScores,
    customers: pd.DataFrame | None,
    config: AuditConfig,
) -> AuditTable | None:
    """Look for adverse decisions that fall on protected groups; stop where the limits say so."""
    protected = [] if customers is None else _protected_columns(customers)
    if customers is None or not protected:
        return None
    places = align_customer_ids(customers["customer_id"], scores.customer_id)
    attributes: dict[str, Any] = {}
    for name in protected:
        values = np.full(len(scores), None, dtype=object)
        values[places[places >= 0]] = customers[name].astype(object).to_numpy()[places >= 0]
        attributes[name.removeprefix(PROTECTED_PREFIX)] = pd.Series(values)
    found = audit_decisions(scores.policy, attributes, config=config)
    found.enforce()
    return found


def _protected_columns(customers: pd.DataFrame) -> list[str]:
    return [str(name) for name in customers.columns if str(name).startswith(PROTECTED_PREFIX)]
