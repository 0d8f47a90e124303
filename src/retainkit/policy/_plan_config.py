"""How a plan is tried: how long, who is left out of it, how often it is tried again."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig
from retainkit.typing import PositiveFloat, PositiveInt

Share = Annotated[float, Field(ge=0.0, le=0.5)]


class PlanConfig(FrozenConfig):
    """How a plan is carried out and proven.

    Parameters
    ----------
    trial : str, default "retainkit"
        Name of the trials: another name draws other customers. The day a trial begins is added.
    duration_days : int, default 90
        Length of a trial, fixed before it begins [day]. Until it is over nobody changes sides, and
        nothing is read.
    least_held_out, most_held_out : float, default 0.1 and 0.5
        Bounds of the share of an action's customers that is left out, in (0, 0.5]. Between them it
        is as small as the effect that is counted on allows. An action without a price counts on
        nothing: of its customers at most 0.3 are left out.
    never_treated : float, default 0.03
        Share of customers who are left out of every trial.
    explore : float, default 0.015
        Share of those with nothing to gain who get an action by lot all the same; otherwise doing
        nothing would never be tested.
    detect : float, default 0.25
        Effect that a trial is to show where none is counted on, as a share of the mean outcome.
    attempts : int, default 3
        Rounds without an answer after which nobody is won back any more.
    due_days : int, default 14
        Days until an action is due; half of it for key customers and the quiet [day].
    unit_column : str, optional
        Trait of the customers table that names the household or parent account: its customers are
        held out together.

    Raises
    ------
    pydantic.ValidationError
        If the least share held out is 0 or above the most.

    Examples
    --------
    >>> from retainkit.policy import PlanConfig
    >>> PlanConfig(duration_days=60).least_held_out
    0.1
    """

    trial: Annotated[str, Field(min_length=1)] = "retainkit"
    duration_days: PositiveInt = 90
    least_held_out: Share = 0.1
    most_held_out: Share = 0.5
    never_treated: Share = 0.03
    explore: Share = 0.015
    detect: PositiveFloat = 0.25
    attempts: PositiveInt = 3
    due_days: PositiveInt = 14
    unit_column: str | None = None

    @model_validator(mode="after")
    def _something_is_held_out(self) -> Self:
        if not 0.0 < self.least_held_out <= self.most_held_out:
            raise ValueError("0 < least_held_out <= most_held_out: without a hold-out no proof")
        return self
