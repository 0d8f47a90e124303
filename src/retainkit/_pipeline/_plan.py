"""From decisions to plans: the budget and its hold-out, the year's goals, audit and owners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from retainkit._pipeline._config import BudgetConfig
from retainkit._pipeline._customers import CustomerScores
from retainkit.errors import SchemaError
from retainkit.policy import (
    Allocation,
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
from retainkit.scorecard import OwnerAppraisal, appraise_runs
from retainkit.tables import protected_attributes


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
    stays = scores.churn.p_active
    return plan_year(
        scores.policy,
        goals=goals,
        profit=scores.value.future_potential,
        p_stay=None if np.isnan(stays).all() else stays,
        share_of_wallet=scores.share_of_wallet,
        allocation=plan.allocation if plan else None,
    )


def audit_groups(
    scores: CustomerScores, customers: pd.DataFrame | None, config: AuditConfig
) -> AuditTable | None:
    """Look for adverse decisions that fall on protected groups; stop where the limits say so."""
    if customers is None:
        return None
    attributes = protected_attributes(customers, to=scores.customer_id)
    if not attributes:
        return None
    found = audit_decisions(scores.policy, attributes, config=config)
    found.enforce()
    return found


def appraise(
    before: CustomerScores | None,
    after: CustomerScores,
    customers: pd.DataFrame | None,
    owner_column: str | None,
) -> OwnerAppraisal | None:
    """Appraise owners on the customers of the run before; None without one or without owners."""
    if before is None or owner_column is None or customers is None:
        return None
    if owner_column not in customers.columns:
        raise SchemaError(
            f"owner_column is {owner_column!r}, and no trait has this name",
            rule="owners are a trait of the customers table",
            where="PipelineConfig.owner_column",
            fix=f"CustomerColumns(traits=({owner_column!r},)) keeps the column",
        )
    return appraise_runs(before, after, owner=customers.set_index("customer_id")[owner_column])
