"""What a policy measure is: condition, cost, effect, guard rails; typed data, no code."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit.policy._condition import Identifier, MeasureCondition
from retainkit.policy._vocabulary import (
    GUARD_RAILS,
    GuardRail,
    PotentialState,
    Purpose,
    Relation,
    RiskBand,
    Stance,
    StandingName,
    TierRole,
)
from retainkit.typing import NonNegativeFloat, PositiveFloat, PositiveInt, Rate

ChangeTarget: TypeAlias = Literal["retention", "spend", "cost_to_serve", "price", "credit"]
"""What a measure is meant to change about a customer."""


class CostModel(FrozenConfig):
    """What a measure costs per customer and planning horizon, in the currency of the data.

    `None` means *not supplied*. The library invents no prices: the default catalogue supplies
    none, except that doing nothing is free.

    Parameters
    ----------
    per_customer : float or None
        Fixed cost for each customer treated [money].
    per_contact : float or None
        Cost of one contact [money]; needs `contacts`.
    contacts : float or None
        Contacts per customer and horizon [count].
    incentive : float or None
        What a customer who accepts receives [money]; needs `acceptance`.
    acceptance : float or None
        Probability that a customer accepts the incentive: anybody, or, with `acceptance_saved`,
        who would have stayed anyway (a free rider).
    acceptance_saved : float or None
        Probability that a customer whom the measure keeps takes the incentive; None = as anybody.

    Examples
    --------
    >>> from retainkit.policy import CostModel
    >>> CostModel(per_contact=2.0, contacts=3, incentive=10.0, acceptance=0.4).expected
    10.0
    >>> CostModel().expected is None
    True
    """

    per_customer: NonNegativeFloat | None = None
    per_contact: NonNegativeFloat | None = None
    contacts: NonNegativeFloat | None = None
    incentive: NonNegativeFloat | None = None
    acceptance: Rate | None = None
    acceptance_saved: Rate | None = None

    @model_validator(mode="after")
    def _pairs_are_complete(self) -> Self:
        for price, quantity in (("per_contact", "contacts"), ("incentive", "acceptance")):
            if (getattr(self, price) is None) != (getattr(self, quantity) is None):
                raise ValueError(f"{price} and {quantity} are given together or not at all")
        if self.acceptance_saved is not None and self.incentive is None:
            raise ValueError("acceptance_saved needs an incentive")
        return self

    @property
    def fixed(self) -> float:
        """Cost per customer treated whatever it does: treatment and contacts [money]."""
        return (self.per_customer or 0.0) + (self.per_contact or 0.0) * (self.contacts or 0.0)

    @cached_property
    def expected(self) -> float | None:
        """Expected cost per customer treated [money]; None when nothing was supplied."""
        parts = [
            self.per_customer,
            None if self.per_contact is None else self.per_contact * (self.contacts or 0.0),
            None if self.incentive is None else self.incentive * (self.acceptance or 0.0),
        ]
        given = [part for part in parts if part is not None]
        return sum(given) if given else None


class ResourceUse(FrozenConfig):
    """How much of a scarce resource a measure takes per customer treated and planning horizon.

    Parameters
    ----------
    resource : str
        Stable name with its unit, for example "visit_hours"; limits count it by this name.
    amount : float
        Units per customer treated.

    Examples
    --------
    >>> from retainkit.policy import ResourceUse
    >>> ResourceUse(resource="visit_hours", amount=1.5).amount
    1.5
    """

    resource: Identifier
    amount: PositiveFloat


class MeasureEffect(FrozenConfig):
    """How much a measure changes, from the firm's own trials; `None` means *not supplied*.

    Parameters
    ----------
    retention : float or None
        Change of the probability to stay, in points of probability; negative for a measure
        that drives customers away.
    spend : float or None
        Relative change of future value through more buying (0.1 = 10 % more).
    price : float or None
        Relative change of future value through price.
    cost_to_serve : float or None
        Change of the cost to serve per staying customer and horizon [money]; negative saves.

    Examples
    --------
    >>> from retainkit.policy import MeasureEffect
    >>> MeasureEffect(retention=0.05).is_supplied, MeasureEffect().is_supplied
    (True, False)
    """

    retention: Annotated[float, Field(ge=-1.0, le=1.0)] | None = None
    spend: Annotated[float, Field(ge=-1.0)] | None = None
    price: Annotated[float, Field(ge=-1.0)] | None = None
    cost_to_serve: float | None = None

    @property
    def sizes(self) -> dict[ChangeTarget, float]:
        """The sizes that were supplied, by what they change."""
        every: dict[ChangeTarget, float | None] = {
            "retention": self.retention,
            "spend": self.spend,
            "price": self.price,
            "cost_to_serve": self.cost_to_serve,
        }
        return {target: size for target, size in every.items() if size is not None}

    @property
    def is_supplied(self) -> bool:
        """Whether at least one size is known."""
        return bool(self.sizes)


class PolicyMeasure(FrozenConfig):
    """One thing a firm can do about a customer.

    Parameters
    ----------
    id : str
        Stable name, lower case with underscores.
    source : str
        What it comes from, such as "protecting key customers", or "user".
    tiers : tuple of {"key", "ordinary", "small"}
        Tiers it is meant for; empty means every tier.
    stances : tuple of Stance
        Stances it serves; empty means every stance.
    condition : MeasureCondition
        What else must hold.
    fits : MeasureCondition
        Where it is the better choice: met, it stands before those that ask nothing here; not met,
        behind them. Only what is known beyond the case is looked at.
    name, description : Label
        Short name and one sentence, in both languages.
    changes : tuple of {"retention", "spend", "cost_to_serve", "price", "credit"}
        What it is meant to change.
    channel : str
        Who or what carries it out.
    cost : CostModel
        What it costs; the default supplies nothing.
    effect : MeasureEffect
        How much it changes; the default supplies nothing.
    purpose : {"marketing", "service"}
        What the customer is contacted for; "marketing" is not for who wants service contact only.
        What the customer never hears of counts as service.
    comes_first : bool
        Whether it comes before everything else wherever its condition holds: a duty, not a choice.
    adverse : bool
        Whether it takes something from the customer (dearer, less service, ending).
    guard_rails : tuple of GuardRail
        What is checked first; an adverse measure lists all four.
    cool_down_days : int or None
        Days before the same customer may get it again; None = not supplied.
    capacity : int or None
        Customers it can reach per horizon; None = not supplied.
    uses : tuple of ResourceUse
        What it takes of resources that several measures share: hours, calls, seats.

    Raises
    ------
    pydantic.ValidationError
        If an adverse measure lacks a guard rail, an effect is sized that the measure does not
        claim to change, an exit measure offers an incentive, or a resource is named twice or
        "customers" or "cost".

    Examples
    --------
    >>> from retainkit.policy import MeasureCatalog
    >>> measure = MeasureCatalog().measure("trade_up")
    >>> measure.source, measure.tiers, measure.cost.expected
    ('developing ordinary customers', ('ordinary',), None)
    """

    id: Identifier
    source: str = "user"
    tiers: tuple[TierRole, ...] = ()
    stances: tuple[Stance, ...] = ()
    condition: MeasureCondition = MeasureCondition()
    fits: MeasureCondition = MeasureCondition()
    name: Label
    description: Label
    changes: tuple[ChangeTarget, ...] = ()
    channel: Identifier = "any"
    purpose: Purpose = "marketing"
    comes_first: bool = False
    cost: CostModel = CostModel()
    effect: MeasureEffect = MeasureEffect()
    adverse: bool = False
    guard_rails: tuple[GuardRail, ...] = ()
    cool_down_days: Annotated[int, Field(ge=0)] | None = None
    capacity: PositiveInt | None = None
    uses: tuple[ResourceUse, ...] = ()

    @model_validator(mode="after")
    def _is_responsible(self) -> Self:
        absent = [rail.value for rail in GUARD_RAILS if rail not in self.guard_rails]
        if self.adverse and absent:
            raise ValueError(f"{self.id} is adverse and must list the guard rails {absent}")
        if self.stances and all(s.is_adverse for s in self.stances) and not self.adverse:
            raise ValueError(f"{self.id} serves only adverse stances: set adverse = true")
        unclaimed = sorted(set(self.effect.sizes) - set(self.changes))
        if unclaimed:
            raise ValueError(f"{self.id} sizes {unclaimed}, which are not among its changes")
        if Stance.EXIT in self.stances and self.cost.incentive:
            raise ValueError(f"{self.id} serves exit: bad customers never get an incentive")
        names = [use.resource for use in self.uses]
        if len(set(names)) < len(names) or {"customers", "cost"} & set(names):
            raise ValueError(f"{self.id} uses {names}: each once, none called customers or cost")
        return self

    @property
    def has_economics(self) -> bool:
        """Whether gain and cost can be computed: cost and at least one effect supplied."""
        return self.cost.expected is not None and self.effect.is_supplied

    def serves(
        self,
        stance: Stance,
        *,
        tier: TierRole,
        standing: StandingName = "good",
        potential: PotentialState = "unknown",
        risk: RiskBand = "unknown",
        relation: Relation = "present",
    ) -> bool:
        """Return whether the measure is allowed for such a customer.

        Parameters
        ----------
        stance : Stance
            The stance decided.
        tier : {"key", "ordinary", "small"}
            What the customer's tier means for policy.
        standing : {"good", "watch", "bad"}
            The customer's standing.
        potential : {"yes", "no", "unknown"}
            The customer's potential.
        risk : {"low", "medium", "high", "unknown"}
            Band of the churn probability.
        relation : {"prospect", "new", "present", "quiet", "unanswered", "recoverable", \
"gone", "ended"}
            State of the relation.

        Returns
        -------
        bool
            True when every field that asks something about these is met.

        Examples
        --------
        >>> from retainkit.policy import MeasureCatalog, Stance
        >>> MeasureCatalog().measure("trade_up").serves(Stance.DEVELOP, tier="ordinary")
        True
        """
        asked: tuple[tuple[tuple[str, ...], str], ...] = (
            (self.stances, stance),
            (self.tiers, tier),
            (self.condition.standings, standing),
            (self.condition.potentials, potential),
            (self.condition.risks, risk),
            (self.condition.relations, relation),
        )
        return all(not allowed or given in allowed for allowed, given in asked)


class DebtStep(FrozenConfig):
    """One step of the escalation against a debtor.

    Parameters
    ----------
    id : str
        Stable name; the id of a measure of the catalogue.
    after_days_overdue : int
        First day overdue [days] on which the step applies. The defaults are placeholders:
        set the firm's own terms of payment.
    min_amount : float
        Least amount overdue [money] for which the step is taken; below it the step before stays.
    name : Label
        Short name in both languages.

    Examples
    --------
    >>> from retainkit.policy import MeasureCatalog
    >>> [step.id for step in MeasureCatalog().debt_steps]
    ['remind_courteously', 'apply_pressure', 'take_legal_action']
    """

    id: Identifier
    after_days_overdue: PositiveInt
    min_amount: NonNegativeFloat = 0.0
    name: Label
