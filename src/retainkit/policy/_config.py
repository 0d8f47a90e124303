"""What a user chooses about stances, potential and guard rails."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, StringConstraints, model_validator

from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit.policy import _kernel
from retainkit.policy._condition import Identifier
from retainkit.policy._rules import RULES
from retainkit.policy._vocabulary import (
    CONTACTS,
    EVIDENCE,
    POTENTIALS,
    RELATIONS,
    RISKS,
    STANCES,
    STANDINGS,
    TIER_ROLES,
    Contact,
    Evidence,
    Lookup,
    PotentialState,
    Relation,
    RiskBand,
    Stance,
    StandingName,
    TierRole,
    among,
)
from retainkit.typing import BoolArray, NonNegativeFloat, PositiveFloat, Rate

_BAD = STANDINGS.index("bad")
TierName = Annotated[str, StringConstraints(min_length=1)]


class StanceRule(FrozenConfig):
    """One rule: for whom, which stance, and why; an empty tuple asks nothing.

    Parameters
    ----------
    id : str
        Stable name; every decision carries it.
    source : str
        What it comes from, such as "protecting key customers", or "user".
    tiers : tuple of {"key", "ordinary", "small"}
        What the customer's tier means for policy.
    standings : tuple of {"good", "watch", "bad"}
        Standings it applies to.
    potentials : tuple of {"yes", "no", "unknown"}
        Potentials it applies to.
    risks : tuple of {"low", "medium", "high", "unknown"}
        Bands of the churn probability it applies to.
    relations : tuple of {"prospect", "new", "present", "quiet", "unanswered", "recoverable", \
"gone", "ended"}
        States of the relation it applies to; "recoverable" is gone, but lately and worth trying,
        "unanswered" quiet and asked three times in vain.
    contacts : tuple of {"all", "service_only", "none"}
        What a customer may be contacted for.
    evidence : tuple of {"ranked", "too_few", "not_ranked", "too_large", "guarded"}
        Whether something may be taken away.
    stance : Stance
        The stance of customers who match.
    reason : Label
        Why, in both languages.

    Examples
    --------
    >>> from retainkit.policy import PolicyConfig
    >>> rule = PolicyConfig().rules[0]
    >>> rule.id, rule.standings, rule.stance.value
    ('relation_ended', (), 'no_contact')
    """

    id: Identifier
    source: str = "user"
    tiers: tuple[TierRole, ...] = ()
    standings: tuple[StandingName, ...] = ()
    potentials: tuple[PotentialState, ...] = ()
    risks: tuple[RiskBand, ...] = ()
    relations: tuple[Relation, ...] = ()
    contacts: tuple[Contact, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    stance: Stance
    reason: Label

    @property
    def cases(self) -> BoolArray:
        """Which of the 12,960 cases match, as a mask."""
        states = _kernel.state_mask(
            among(TIER_ROLES, self.tiers),
            among(STANDINGS, self.standings),
            among(POTENTIALS, self.potentials),
            among(RISKS, self.risks),
        )
        return _kernel.case_mask(
            among(RELATIONS, self.relations),
            among(CONTACTS, self.contacts),
            among(EVIDENCE, self.evidence),
            states,
        )


class RiskBands(FrozenConfig):
    """Where the churn probability becomes medium and high.

    Parameters
    ----------
    medium : float
        Lower bound of the medium band.
    high : float
        Lower bound of the high band.

    Examples
    --------
    >>> from retainkit.policy import RiskBands
    >>> RiskBands(high=0.7).medium
    0.3
    """

    medium: Rate = 0.3
    high: Rate = 0.5

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if self.medium > self.high:
            raise ValueError(f"medium ({self.medium}) must not exceed high ({self.high})")
        return self


class AcquisitionRatio(FrozenConfig):
    """Cost of winning one new customer over the cost of keeping one, and where it comes from.

    Parameters
    ----------
    value : float
        The ratio.
    source : {"textbook", "estimated", "supplied"}
        "textbook" is the labelled default, for ratios of 5 to 6; use "estimated" or "supplied"
        for the firm's own figure.

    Examples
    --------
    >>> from retainkit.policy import AcquisitionRatio
    >>> AcquisitionRatio()
    AcquisitionRatio(value=5.5, source='textbook')
    """

    value: PositiveFloat = 5.5
    source: Literal["textbook", "estimated", "supplied"] = "textbook"

    @model_validator(mode="after")
    def _label_is_true(self) -> Self:
        # "Winning one new customer costs about 5-6 times keeping one."
        if self.source == "textbook" and not 5.0 <= self.value <= 6.0:
            raise ValueError('a ratio outside 5 to 6 is not the textbook\'s: set source="supplied"')
        return self


class Exposure(FrozenConfig):
    """What may be said about a firm that takes something from customers.

    Parameters
    ----------
    complaint_propensity : float
        Probability that a customer from whom something is taken complains in public.
    reach : float
        People who hear of one complaint.
    source : {"estimated", "supplied"}
        Where the numbers come from.

    Examples
    --------
    >>> from retainkit.policy import Exposure
    >>> Exposure(complaint_propensity=0.04, reach=50).people
    2.0
    """

    complaint_propensity: Rate
    reach: NonNegativeFloat
    source: Literal["estimated", "supplied"] = "supplied"

    @property
    def people(self) -> float:
        """People expected to hear of it, per customer."""
        return self.complaint_propensity * self.reach


class GuardTerms(FrozenConfig):
    """What the guard rails weigh with where a firm has measured nothing of its own.

    Parameters
    ----------
    leaves : float
        Chance that a customer leaves because something is taken from it.
    saved_share : float
        What is saved by it, as a share of the customer's contribution.
    most_people : float
        People who may hear of it, per customer.
    source : {"assumed", "estimated", "supplied"}
        Where the numbers come from; "assumed" labels the defaults.

    Examples
    --------
    >>> from retainkit.policy import GuardTerms
    >>> GuardTerms().leaves, GuardTerms().source
    (0.05, 'assumed')
    """

    leaves: Rate = 0.05
    saved_share: Rate = 0.1
    most_people: NonNegativeFloat = 10.0
    source: Literal["assumed", "estimated", "supplied"] = "assumed"


class PotentialConfig(FrozenConfig):
    """How much evidence makes a potential.

    Parameters
    ----------
    reach : float
        Share of the next tier's cut that the predicted value must reach.
    max_wallet_share : float
        A share of wallet up to this counts as room, if the whole wallet would reach the cut.
    min_trend : float
        Relative growth per period that counts as a rising trend.
    trend_reach : float
        With a rising trend, the share of the cut that is enough.
    min_probability : float
        Where the probability of reaching the next tier is known, how much is enough.
    min_lift : float
        How many times the usual share that rises is enough too, where that share is known: over
        a short horizon hardly anybody has an even chance.

    Examples
    --------
    >>> from retainkit.policy import PotentialConfig
    >>> PotentialConfig(reach=1.0).trend_reach
    0.5
    """

    reach: Rate = 0.8
    max_wallet_share: Rate = 0.5
    min_trend: NonNegativeFloat = 0.15
    trend_reach: Rate = 0.5
    min_probability: Rate = 0.5
    min_lift: PositiveFloat = 2.0


def _default_rules() -> tuple[StanceRule, ...]:
    return tuple(StanceRule.model_validate(rule) for rule in RULES)


class PolicyConfig(FrozenConfig):
    """The rules of the policy and the prices its guard rails need.

    Parameters
    ----------
    rules : tuple of StanceRule
        First match wins; the last one matches everybody.
    risk_bands : RiskBands
        Bands of the churn probability.
    tier_roles : tuple of (str, {"key", "ordinary", "small"})
        What each tier means for policy. Empty: tiers named key, ordinary and small mean
        themselves, otherwise the first is key, the last small, and those between ordinary.
    retention_cost : float or None
        What keeping one customer costs per planning horizon [money]; None = not supplied.
    acquisition_cost : float or None
        What winning one customer costs [money]; None = retention cost x ratio.
    acquisition_ratio : AcquisitionRatio
        Used only where `acquisition_cost` is not supplied.
    scale_cost : float or None
        Fixed cost one customer carries today and the others would have to carry [money per
        customer and horizon]; None = not supplied.
    exposure : Exposure or None
        Complaint propensity and reach; None = not supplied.
    guard : GuardTerms
        What is weighed before something is taken away.

    Raises
    ------
    pydantic.ValidationError
        If rule ids repeat, the last rule is not total, a rule can never match, a rule ends
        relations for another reason than a bad standing, or invests in a bad customer.

    Examples
    --------
    >>> from retainkit.policy import PolicyConfig
    >>> config = PolicyConfig(retention_cost=20.0)
    >>> config.replacement_cost
    110.0
    >>> PolicyConfig().replacement_cost is None
    True
    """

    rules: tuple[StanceRule, ...] = Field(default_factory=_default_rules, min_length=1)
    risk_bands: RiskBands = RiskBands()
    tier_roles: tuple[tuple[TierName, TierRole], ...] = ()
    retention_cost: NonNegativeFloat | None = None
    acquisition_cost: NonNegativeFloat | None = None
    acquisition_ratio: AcquisitionRatio = AcquisitionRatio()
    scale_cost: NonNegativeFloat | None = None
    exposure: Exposure | None = None
    guard: GuardTerms = GuardTerms()

    @model_validator(mode="after")
    def _rules_are_total(self) -> Self:
        twice = [name for name, n in Counter(rule.id for rule in self.rules).items() if n > 1]
        if twice:
            raise ValueError(f"rule ids appear more than once: {twice}")
        if not self.rules[-1].cases.all():
            raise ValueError(f"the last rule, {self.rules[-1].id!r}, must match every customer")
        idle = set(range(len(self.rules))) - set(self.rule_by_case.tolist())
        if idle:
            names = [self.rules[i].id for i in sorted(idle)]
            raise ValueError(f"rules that can never match, earlier ones take all: {names}")
        return self

    @model_validator(mode="after")
    def _rules_are_fair(self) -> Self:
        *_, state = _kernel.decode_cases()
        standing = _kernel.decode_states()[1][state]
        stances = [STANCES[code] for code in self.stance_by_case.tolist()]
        pairs = sorted(set(zip(standing.tolist(), stances, strict=True)))
        # "Never simply throw them out"; bad is a standing, not a low value.
        if any(stance is Stance.EXIT and code != _BAD for code, stance in pairs):
            raise ValueError(
                "only a bad standing may end a relation: exit needs standings=('bad',)"
            )
        if any(stance.is_investment and code == _BAD for code, stance in pairs):
            raise ValueError(
                "bad customers get no investment: protect, develop, nurture, rescue and win_back "
                "exclude them"
            )
        return self

    @cached_property
    def _lookup(self) -> Lookup:
        rules = np.full(_kernel.N_CASES, -1, dtype=np.int16)
        for position in range(len(self.rules) - 1, -1, -1):
            rules[self.rules[position].cases] = position
        stances = np.array([STANCES.index(rule.stance) for rule in self.rules], dtype=np.int8)
        return Lookup(rule=rules, stance=stances[rules])

    @property
    def rule_by_case(self) -> npt.NDArray[np.int16]:
        """Position of the first matching rule for each of the 12,960 cases."""
        return self._lookup.arrays["rule"]

    @property
    def stance_by_case(self) -> npt.NDArray[np.int8]:
        """Code of the stance for each of the 12,960 cases."""
        return self._lookup.arrays["stance"]

    @property
    def replacement_cost(self) -> float | None:
        """What replacing one customer costs [money]; None = neither cost was supplied."""
        if self.acquisition_cost is not None or self.retention_cost is None:
            return self.acquisition_cost
        return self.retention_cost * self.acquisition_ratio.value

    def roles_of(self, tier_names: tuple[str, ...]) -> tuple[TierRole, ...]:
        """Return what each tier, from the best down, means for policy.

        Examples
        --------
        >>> from retainkit.policy import PolicyConfig
        >>> PolicyConfig().roles_of(("gold", "silver", "bronze", "lead"))
        ('key', 'ordinary', 'ordinary', 'small')
        """
        declared: dict[str, TierRole] = {role: role for role in TIER_ROLES}
        declared |= dict(self.tier_roles)
        last = len(tier_names) - 1
        by_place: list[TierRole] = [
            "key" if place == 0 else "small" if place == last else "ordinary"
            for place in range(len(tier_names))
        ]
        return tuple(
            declared.get(name, role) for name, role in zip(tier_names, by_place, strict=True)
        )
