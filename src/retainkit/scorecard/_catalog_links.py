"""Cause and effect on the maps (D29), as data: pairs of cause and effect."""

from __future__ import annotations

Pairs = tuple[tuple[str, str], ...]

LINKS: Pairs = (
    ("people", "service"),
    ("people", "premium"),
    ("people", "winning"),
    ("systems", "segments"),
    ("systems", "screening"),
    ("systems", "cross_selling"),
    ("culture", "service"),
    ("culture", "commitment"),
    ("segments", "strategic"),
    ("segments", "promise"),
    ("segments", "delight"),
    ("screening", "customer_profit"),
    ("strategic", "joint_growth"),
    ("strategic", "customer_profit"),
    ("brand", "winning"),
    ("brand", "delight"),
    ("promise", "winning"),
    ("dealers", "winning"),
    ("dealers", "sales_productivity"),
    ("winning", "new_revenue"),
    ("premium", "delight"),
    ("service", "delight"),
    ("partnership", "loyalty"),
    ("commitment", "advocacy"),
    ("commitment", "loyalty"),
    ("cross_selling", "loyalty"),
    ("cross_selling", "customer_value"),
    ("solutions", "new_revenue"),
    ("solutions", "customer_value"),
    ("joint_growth", "loyalty"),
    ("joint_growth", "customer_value"),
    ("delight", "loyalty"),
    ("loyalty", "customer_value"),
    ("loyalty", "sales_productivity"),
    ("advocacy", "new_revenue"),
)
"""Links of the complete map."""

INTEGRATOR_LINKS: Pairs = (
    ("management_system", "choose_accounts"),
    ("choose_accounts", "win_proposals"),
    ("win_proposals", "grow_sole_source"),
)

BANK_LINKS: Pairs = (
    ("high_value_leads", "high_value_growth"),
    ("high_value_service", "high_value_growth"),
    ("high_value_service", "profitable_base"),
    ("high_value_growth", "profitable_base"),
)

CHEMICALS_LINKS: Pairs = (
    ("distribution", "distributor_trust"),
    ("joint_development", "customer_trust"),
    ("distributor_trust", "market_position"),
    ("customer_trust", "profitable_customers"),
    ("customer_trust", "market_position"),
)
