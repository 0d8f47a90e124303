"""One customer's decision, ready to be read."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from retainkit.policy._guards import GuardRailResult
from retainkit.policy._vocabulary import PotentialState, RiskBand, Stance, StandingName

ECONOMICS: Final = ("computed", "effects_not_supplied", "value_not_known", "churn_not_known")
"""Why a gain is a number or NaN; the position is the code."""


class Decision(NamedTuple):
    """What was decided about one customer, with everything needed to explain it.

    Attributes
    ----------
    customer_id : Any
        The customer.
    tier : str
        Value tier.
    standing : {"good", "watch", "bad"}
        Standing; "good" also when nothing is known.
    potential : {"yes", "no", "unknown"}
        Potential to rise.
    risk : {"low", "medium", "high", "unknown"}
        Band of the churn probability.
    stance : Stance
        What to do.
    rule : str
        Id of the rule that matched.
    reason : str
        Why, in the language asked for.
    action : str
        Id of the one thing to do.
    alternatives : tuple of str
        Ids of at most three others, best first.
    measures : tuple of str
        Ids of the measures allowed; doing nothing is always the first.
    measure : str or None
        The allowed measure with the highest expected gain; None where gains are unknown.
    expected_gain, expected_cost : float or None
        Of that measure [money]; None where unknown, `economics` says why.
    economics : str
        "computed", "effects_not_supplied", "value_not_known" or "churn_not_known".
    guard_rails : tuple of GuardRailResult
        What was checked; empty where nothing is taken from the customer.
    confidence : float or None
        Probability that the potential behind the decision is judged rightly; None where the rule
        does not ask for potential, or no probability was supplied.

    Examples
    --------
    >>> from retainkit.policy import assess_potential, decide_actions
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> decisions = decide_actions(
    ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
    >>> decision = decisions.explain(0)
    >>> decision.stance.value, decision.rule, decision.economics
    ('protect', 'key', 'effects_not_supplied')
    """

    customer_id: Any
    tier: str
    standing: StandingName
    potential: PotentialState
    risk: RiskBand
    stance: Stance
    rule: str
    reason: str
    action: str
    alternatives: tuple[str, ...]
    measures: tuple[str, ...]
    measure: str | None
    expected_gain: float | None
    expected_cost: float | None
    economics: str
    guard_rails: tuple[GuardRailResult, ...]
    confidence: float | None = None
