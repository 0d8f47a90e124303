"""What a year is to bring, as the firm decides it."""

from __future__ import annotations

from collections import Counter
from typing import Self

from pydantic import model_validator

from retainkit._core.config import FrozenConfig
from retainkit.typing import NonNegativeFloat, Rate


class Goal(FrozenConfig):
    """Targets for one tier or one named account; None = follow the plan's expectation.

    Parameters
    ----------
    name : str
        Tier, or customer id as text.
    owner : str or None
        Who answers for it.
    profit : float or None
        Profit of the year [money].
    retention : float or None
        Share of customers to keep.
    share : float or None
        Share of the customers' category spending (share of wallet).
    promotions : float or None
        Customers to lift into a higher tier.
    budget : float or None
        What may be spent [money].

    Examples
    --------
    >>> from retainkit.policy import Goal
    >>> Goal(name="key", owner="Li Wei", retention=0.95).owner
    'Li Wei'
    """

    name: str
    owner: str | None = None
    profit: float | None = None
    retention: Rate | None = None
    share: Rate | None = None
    promotions: NonNegativeFloat | None = None
    budget: NonNegativeFloat | None = None


class PlanGoals(FrozenConfig):
    """The goals of one year.

    Parameters
    ----------
    year : str
        Name of the period.
    tiers : tuple of Goal
        Goals by tier; tiers without one follow the plan's expectation.
    accounts : tuple of Goal
        Named key accounts.

    Raises
    ------
    pydantic.ValidationError
        If a tier or an account has two goals.

    Examples
    --------
    >>> from retainkit.policy import Goal, PlanGoals
    >>> PlanGoals(year="2026", tiers=(Goal(name="key"),)).accounts
    ()
    """

    year: str
    tiers: tuple[Goal, ...] = ()
    accounts: tuple[Goal, ...] = ()

    @model_validator(mode="after")
    def _one_goal_each(self) -> Self:
        for goals in (self.tiers, self.accounts):
            twice = [name for name, n in Counter(goal.name for goal in goals).items() if n > 1]
            if twice:
                raise ValueError(f"more than one goal for {twice}")
        return self
