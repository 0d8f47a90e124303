"""Decide a stance and its measures for every customer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats, check_codes, check_length, check_same_customers
from retainkit.policy import _kernel
from retainkit.policy._circumstances import Circumstances, find_kinds
from retainkit.policy._config import PolicyConfig
from retainkit.policy._debt import assign_debt_steps
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._economics import Outlook
from retainkit.policy._guards import speaks_against
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.policy._potential import PotentialTable
from retainkit.policy._rank_measures import rank_measures
from retainkit.policy._vocabulary import (
    CONTACTS,
    EVIDENCE,
    POTENTIALS,
    RELATIONS,
    STANCES,
    STANDINGS,
    TIER_ROLES,
    Evidence,
    Stance,
)
from retainkit.tiers import TierTable
from retainkit.tiers._config import STANDING_REASONS
from retainkit.typing import BoolArray, FloatArray

_GOOD = STANDINGS.index("good")
_EXIT = STANCES.index(Stance.EXIT)
_NO_POTENTIAL = POTENTIALS.index("no")
_REASONS = tuple(STANDING_REASONS)


class HasChurnProbability(Protocol):
    """The part of a churn table that decisions need."""

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers."""

    @property
    def p_churned(self) -> FloatArray:
        """Probability of having left; NaN where unknown."""


class HasFutureValue(Protocol):
    """The part of a value table that decisions need."""

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers."""

    @property
    def future_potential(self) -> FloatArray:
        """Expected future value, churn included [money]; NaN where unknown."""


@lru_cache(maxsize=1)
def _default_catalog() -> MeasureCatalog:
    return MeasureCatalog()


@lru_cache(maxsize=1)
def _default_config() -> PolicyConfig:
    return PolicyConfig()


class Situation(NamedTuple):
    """What a stance depends on beside tier, standing, potential and risk; None: as usual.

    Attributes
    ----------
    state : numpy.ndarray of int8
        Position in `churn.StateTable.states`; None: everybody is present.
    recoverable : numpy.ndarray of bool
        Who of those gone left lately, for a reason that can be mended, and was not tried three
        times in vain; None: nobody is worth trying.
    unanswered : numpy.ndarray of bool
        Who of those quiet was asked three times in vain; None: nobody.
    contact : numpy.ndarray of int8
        What customers may be contacted for: 0 anything, 1 the service they bought, 2 nothing;
        None: everybody for anything.
    evidence : {"ranked", "too_few", "not_ranked", "too_large"}, default "ranked"
        Whether something may be taken away: the forecast ranks the customers who are there better
        than chance, and those it calls small brought at most half of the mean; else why not.
    circumstances : Circumstances
        What an action depends on beside the stance.

    Examples
    --------
    >>> from retainkit.policy import Situation
    >>> Situation(evidence="not_ranked").state is None
    True
    """

    state: npt.NDArray[np.int8] | None = None
    recoverable: BoolArray | None = None
    unanswered: BoolArray | None = None
    contact: npt.NDArray[np.int8] | None = None
    evidence: Evidence = "ranked"
    circumstances: Circumstances = Circumstances()


_RELATION_OF_STATE = np.array(
    [RELATIONS.index(name) for name in ("prospect", "new", "present", "quiet", "gone", "ended")],
    dtype=np.int8,
)


def decide_actions(
    tiers: TierTable,
    *,
    potential: PotentialTable,
    churn: HasChurnProbability | None = None,
    value: HasFutureValue | None = None,
    situation: Situation | None = None,
    outlook: Outlook | None = None,
    catalog: MeasureCatalog | None = None,
    config: PolicyConfig | None = None,
) -> DecisionTable:
    """Decide for every customer whether to invest, hold, economise or end, and with what.

    A pure row-wise function: the same customer gets the same decision in a base, a partition or
    alone. No argument can carry a protected attribute.

    Parameters
    ----------
    tiers : TierTable
        Value tier and, where known, standing of each customer.
    potential : PotentialTable
        Potential of the same customers in the same order, from `assess_potential`.
    churn : ChurnTable, optional
        `p_churned` of the same customers. Without it every risk band is "unknown".
    value : ValueTable, optional
        `future_potential` of the same customers: what each is expected to bring from now on
        [money]. Needed for gains and for the guard rail "lost contribution".
    situation : Situation, optional
        State of the relation, what a customer may be contacted for, whether the forecast ranks,
        and the circumstances. Without it everybody is taken to be present and open to contact,
        `tiers` to be proven, and nothing else to be known.
    outlook : Outlook, optional
        Probability and value by the one model of the forecast. With it gains of keeping somebody
        rest on `value_if_active`; without it on the quotient of future value and 1 - `p_churned`.
    catalog : MeasureCatalog, optional
        Measures; default `MeasureCatalog()`, which knows no prices and no effects.
    config : PolicyConfig, optional
        Rules, risk bands and guard-rail prices; default `PolicyConfig()`.

    Returns
    -------
    DecisionTable
        In the order of `tiers`; every customer has exactly one stance, rule, reason and action,
        at most three alternatives, and doing nothing is always among its measures. Expected gain
        and cost are NaN, with the reason in `economics`, unless cost and effect of a measure, the
        customer's future value and (for effects on retention) its churn probability are known.

    Raises
    ------
    AlignmentError
        If the tables describe other customers or another order.
    InvalidTableError
        If a churn probability lies outside [0, 1].

    Notes
    -----
    The first rule of `config.rules` that matches (relation, contact, evidence, tier role,
    standing, potential, risk band) gives the stance; the last rule matches everybody. A customer
    without a known standing counts as good: nothing is held against it. Unknown potential never
    leads to an adverse stance. Who defrauded has no potential, whatever it buys.

    Where a guard rail speaks against it (`PolicyConfig.guard`), nothing is taken from a customer:
    its evidence is "guarded". The action is the first measure of the catalogue that the stance and
    every condition allow; where gains are known, the one that gains most. A duty (an open
    complaint) comes before all others.

    With s0 = 1 - p the probability to stay, V the unconditional future value and V0 = V / s0,
    the gain of a measure is s1 (V0 (1 + g) - delta) - V - c: s1 = s0 + its effect on retention
    (inside [0, 1]), g its relative effect on value, delta the change of cost to serve, c its
    expected cost; where s0 < 0.01, V0 cannot be told and the gain is NaN. The best of the
    allowed measures with known economics and of doing nothing
    (gain 0) is `measure`; ties keep the first of the catalogue.

    References
    ----------
    J. Haupt, S. Lessmann (2022), "Targeting customers under response-dependent costs", European
    Journal of Operational Research 297: treat if s1 (V1 - delta) - c > s0 V0.

    Examples
    --------
    >>> from retainkit.policy import assess_potential, decide_actions
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 24.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> tiers = assign_tiers(value, scheme)
    >>> decisions = decide_actions(tiers, potential=assess_potential(value, scheme))
    >>> decisions.to_frame()[["tier", "potential", "stance", "rule"]]
           tier potential     stance                        rule
    0       key        no    protect                         key
    1       key        no    protect                         key
    2       key        no    protect                         key
    3  ordinary        no   maintain  ordinary_without_potential
    4     small        no  economise     small_without_potential
    5     small        no  economise     small_without_potential
    """
    catalog, config = catalog or _default_catalog(), config or _default_config()
    told = situation or Situation()
    check_same_customers(potential.customer_id, tiers.customer_id, "potential")
    p_churn = _probability(churn, tiers.customer_id)
    future = _future_value(value, tiers.customer_id)
    n = len(tiers)
    if outlook is not None:
        for name, given in outlook._asdict().items():
            check_length(len(given), n, f"outlook.{name}")
    values = _kernel.undefined(n) if future is None else future
    states = _states(tiers, potential, p_churn, config)
    case = _cases(states, told, np.asarray(speaks_against(values, config).any(axis=0)))
    step = _debt_step(tiers, case, told.circumstances, catalog, config)
    kind, kinds = find_kinds(
        case,
        told.circumstances,
        potential_reason=potential.reason,
        debt_step=step,
        debt_steps=tuple(one.id for one in catalog.debt_steps),
    )
    return DecisionTable(
        customer_id=tiers.customer_id,
        tier_names=tiers.scheme.names,
        value_tier=tiers.value_tier,
        case=case,
        kind=kind,
        kinds=kinds,
        **rank_measures(kind, kinds, p_churn, future, outlook, catalog, config)._asdict(),
        debt_step=step,
        future_value=values,
        outlook=outlook,
        catalog=catalog,
        config=config,
        confidence=_confidence(potential, case, config),
    )


def _probability(churn: HasChurnProbability | None, ids: pd.Index[Any]) -> FloatArray | None:
    if churn is None:
        return None
    check_same_customers(churn.customer_id, ids, "churn")
    return as_floats(churn.p_churned, "churn.p_churned", n=len(ids), bounds=(0.0, 1.0))


def _future_value(value: HasFutureValue | None, ids: pd.Index[Any]) -> FloatArray | None:
    if value is None:
        return None
    check_same_customers(value.customer_id, ids, "value")
    return as_floats(value.future_potential, "value.future_potential", n=len(ids))


def _states(
    tiers: TierTable, potential: PotentialTable, p_churn: FloatArray | None, config: PolicyConfig
) -> npt.NDArray[np.int8]:
    check_codes(tiers.value_tier, len(tiers.scheme.names), "tiers.value_tier")
    roles = np.array(
        [TIER_ROLES.index(role) for role in config.roles_of(tiers.scheme.names)], dtype=np.int8
    )
    n = len(tiers)
    bands = config.risk_bands
    able, standing = potential.state, tiers.standing
    if standing is not None:
        able = np.where(standing.reason == _REASONS.index("fraud"), _NO_POTENTIAL, able)
        able = able.astype(np.int8)
    return _kernel.encode_states(
        roles.take(tiers.value_tier),
        _kernel.constant_codes(n, _GOOD) if standing is None else standing.standing,
        able,
        _kernel.constant_codes(n, _kernel.UNKNOWN_RISK)
        if p_churn is None
        else _kernel.risk_bands(p_churn, bands.medium, bands.high),
    )


def _cases(
    state: npt.NDArray[np.int8], situation: Situation, guarded: BoolArray
) -> npt.NDArray[np.int16]:
    """Return the position in the table of cases."""
    n = state.size
    relation = _kernel.constant_codes(n, RELATIONS.index("present"))
    if situation.state is not None:
        check_codes(situation.state, len(_RELATION_OF_STATE), "situation.state")
        relation = _RELATION_OF_STATE[situation.state]
    finer = (
        (situation.recoverable, "gone", "recoverable"),
        (situation.unanswered, "quiet", "unanswered"),
    )
    for met, name, then in finer:
        if met is not None:
            change = (relation == RELATIONS.index(name)) & met
            relation = np.where(change, np.int8(RELATIONS.index(then)), relation)
    contact = situation.contact
    if contact is None:
        contact = _kernel.constant_codes(n, CONTACTS.index("all"))
    check_codes(contact, len(CONTACTS), "situation.contact")
    evidence = _kernel.constant_codes(n, EVIDENCE.index(situation.evidence))
    if situation.evidence == "ranked" and guarded.any():
        evidence = np.where(guarded, np.int8(EVIDENCE.index("guarded")), evidence)
    return _kernel.encode_cases(relation, contact, evidence, state)


def _confidence(
    potential: PotentialTable, case: npt.NDArray[np.int16], config: PolicyConfig
) -> FloatArray | None:
    """Return how sure the potential is wherever the rule that matched asks for it."""
    if potential.probability is None:
        return None
    asks = np.array([bool(rule.potentials) for rule in config.rules], dtype=np.bool_)
    return np.where(asks[config.rule_by_case.take(case)], potential.confidence, np.nan)


def _debt_step(
    tiers: TierTable,
    case: npt.NDArray[np.int16],
    told: Circumstances,
    catalog: MeasureCatalog,
    config: PolicyConfig,
) -> npt.NDArray[np.int8]:
    """Return the step that is due for who is to leave; nothing hard while a complaint is open."""
    if tiers.standing is None:
        return _kernel.constant_codes(case.size, -1)
    steps = assign_debt_steps(
        tiers.standing.days_overdue,
        overdue_amount=tiers.standing.overdue_amount,
        open_complaint=None if told.complaint is None else told.complaint == 0,
        catalog=catalog,
    )
    leaves = config.stance_by_case.take(case) == _EXIT
    return np.where(leaves, steps, np.int8(-1))
