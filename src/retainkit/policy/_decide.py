"""Decide a stance and its measures for every customer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_bools, as_floats, check_codes, check_same_customers
from retainkit.policy import _kernel
from retainkit.policy._config import PolicyConfig
from retainkit.policy._decision import ECONOMICS
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._economics import measure_economics
from retainkit.policy._measure_catalog import DO_NOTHING, MeasureCatalog
from retainkit.policy._potential import PotentialTable
from retainkit.policy._states import allowed_by_case
from retainkit.policy._vocabulary import (
    CONTACTS,
    EVIDENCE,
    RELATIONS,
    STANCES,
    STANDINGS,
    TIER_ROLES,
    Stance,
)
from retainkit.tiers import TierTable
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray

_COMPUTED, _NO_EFFECTS, _NO_VALUE, _NO_CHURN = range(len(ECONOMICS))
_GOOD = STANDINGS.index("good")
_EXIT = STANCES.index(Stance.EXIT)


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
        Who of those gone left lately, for a reason that can be mended, and can be reached; None:
        nobody is worth trying.
    contact : numpy.ndarray of int8
        0 may be contacted, 1 may not; None: everybody may.
    ranked : bool, default True
        Whether the forecast ranks the customers who are there better than chance.

    Examples
    --------
    >>> from retainkit.policy import Situation
    >>> Situation(ranked=False).state is None
    True
    """

    state: npt.NDArray[np.int8] | None = None
    recoverable: BoolArray | None = None
    contact: npt.NDArray[np.int8] | None = None
    ranked: bool = True


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
        State of the relation, whether a customer may be contacted, and whether the forecast
        ranks. Without it everybody is taken to be present and open, and `tiers` to be proven.
    catalog : MeasureCatalog, optional
        Measures; default `MeasureCatalog()`, which knows no prices and no effects.
    config : PolicyConfig, optional
        Rules, risk bands and guard-rail prices; default `PolicyConfig()`.

    Returns
    -------
    DecisionTable
        In the order of `tiers`; every customer has exactly one stance, rule and reason, and doing
        nothing is always among its measures. Expected gain and cost are NaN, with the reason in
        `economics`, unless cost and effect of a measure, the customer's future value and (for
        effects on retention) its churn probability are known.

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
    leads to an adverse stance.

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
    check_same_customers(potential.customer_id, tiers.customer_id, "potential")
    p_churn = _probability(churn, tiers.customer_id)
    future = _future_value(value, tiers.customer_id)
    case = _cases(_states(tiers, potential, p_churn, config), situation or Situation())
    gains = _gains(case, p_churn, future, catalog, config)
    n = case.size
    return DecisionTable(
        customer_id=tiers.customer_id,
        tier_names=tiers.scheme.names,
        value_tier=tiers.value_tier,
        case=case,
        measure=gains.measure,
        expected_gain=gains.gain,
        expected_cost=gains.cost,
        economics=gains.economics,
        debt_step=_debt_step(tiers, case, catalog, config),
        future_value=_kernel.undefined(n) if future is None else future,
        catalog=catalog,
        config=config,
        confidence=_confidence(potential, case, config),
    )


def assign_debt_steps(
    days_overdue: ArrayLike1D,
    *,
    overdue_amount: ArrayLike1D | None = None,
    open_complaint: ArrayLike1D | None = None,
    catalog: MeasureCatalog | None = None,
) -> npt.NDArray[np.int8]:
    """Return the step of the escalation that is due for each debtor.

    Parameters
    ----------
    days_overdue : array_like of float, shape (n_debtors,)
        Days since the oldest open payment fell due [days]; NaN = unknown.
    overdue_amount : array_like of float, optional
        What is overdue [money]: steps with a `min_amount` above it are not taken; NaN = unknown,
        then none with a `min_amount` is.
    open_complaint : array_like of bool, optional
        Debtors with an unsettled complaint: they may withhold payment because of it (retaliatory
        churn), so nothing beyond the first step is due until it is settled.
    catalog : MeasureCatalog, optional
        Holds the steps; the default's days are placeholders for the firm's own terms.

    Returns
    -------
    ndarray of int8
        Position in `catalog.debt_steps`, in the order given; -1 where no step is due or the days
        are unknown. A step applies from its first day on.

    Examples
    --------
    >>> from retainkit.policy import assign_debt_steps
    >>> assign_debt_steps([0, 1, 45, 400, float("nan")])
    array([-1,  0,  1,  2, -1], dtype=int8)
    >>> assign_debt_steps([45, 400], open_complaint=[False, True])
    array([1, 0], dtype=int8)
    """
    steps = (catalog or _default_catalog()).debt_steps
    after = np.array([step.after_days_overdue for step in steps], dtype=np.float64)
    days = as_floats(days_overdue, "days_overdue")
    step = _kernel.debt_steps(days, after)
    if overdue_amount is not None:
        amount = as_floats(overdue_amount, "overdue_amount", n=days.size)
        least = np.array([0.0, *(one.min_amount for one in steps)])
        for _ in steps:
            needs = least[step + 1]
            with np.errstate(invalid="ignore"):
                step = np.where((needs > 0.0) & ~(amount >= needs), step - 1, step).astype(np.int8)
    if open_complaint is not None:
        waiting = as_bools(open_complaint, "open_complaint", n=days.size)
        step = np.where(waiting, np.minimum(step, np.int8(0)), step)
    return step


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
    return _kernel.encode_states(
        roles.take(tiers.value_tier),
        _kernel.constant_codes(n, _GOOD) if tiers.standing is None else tiers.standing.standing,
        potential.state,
        _kernel.constant_codes(n, _kernel.UNKNOWN_RISK)
        if p_churn is None
        else _kernel.risk_bands(p_churn, bands.medium, bands.high),
    )


def _cases(state: npt.NDArray[np.int8], situation: Situation) -> npt.NDArray[np.int16]:
    """Return the position in the table of cases."""
    n = state.size
    relation = _kernel.constant_codes(n, RELATIONS.index("present"))
    if situation.state is not None:
        check_codes(situation.state, len(_RELATION_OF_STATE), "situation.state")
        relation = _RELATION_OF_STATE[situation.state]
    if situation.recoverable is not None:
        worth_trying = (relation == RELATIONS.index("gone")) & situation.recoverable
        relation = np.where(worth_trying, np.int8(RELATIONS.index("recoverable")), relation)
    contact = situation.contact
    if contact is None:
        contact = _kernel.constant_codes(n, CONTACTS.index("open"))
    evidence = EVIDENCE.index("ranked" if situation.ranked else "not_ranked")
    return _kernel.encode_cases(relation, contact, _kernel.constant_codes(n, evidence), state)


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
    catalog: MeasureCatalog,
    config: PolicyConfig,
) -> npt.NDArray[np.int8]:
    if tiers.standing is None:
        return _kernel.constant_codes(case.size, -1)
    steps = assign_debt_steps(
        tiers.standing.days_overdue, overdue_amount=tiers.standing.overdue_amount, catalog=catalog
    )
    leaves = config.stance_by_case.take(case) == _EXIT
    return np.where(leaves, steps, np.int8(-1))


class _Gains(NamedTuple):
    measure: npt.NDArray[np.int16]
    gain: FloatArray
    cost: FloatArray
    economics: npt.NDArray[np.int8]


def _gains(
    case: npt.NDArray[np.int16],
    p_churn: FloatArray | None,
    future: FloatArray | None,
    catalog: MeasureCatalog,
    config: PolicyConfig,
) -> _Gains:
    """Return the best measure with known economics per customer, or why there is none."""
    n = case.size
    unknown = _Gains(
        _kernel.undefined_measure(n),
        _kernel.undefined(n),
        _kernel.undefined(n),
        _kernel.constant_codes(n, _NO_EFFECTS),
    )
    if not catalog.priced:
        return unknown
    allowed = allowed_by_case(catalog, config)
    has_price = allowed[list(catalog.priced)].any(axis=0).take(case)
    if future is None:
        economics = np.where(has_price, np.int8(_NO_VALUE), np.int8(_NO_EFFECTS))
        return unknown._replace(economics=economics)
    nothing = catalog.positions[DO_NOTHING]
    best = (np.full(n, nothing, dtype=np.int16), np.zeros(n), np.zeros(n))
    computed = np.zeros(n, dtype=np.bool_)
    for position in catalog.priced:
        measure = catalog.measures[position]
        found = measure_economics(measure, p_churn, future)
        eligible = allowed[position].take(case) & ~np.isnan(found.gain)
        computed |= eligible
        _kernel.improve(best, position, np.where(eligible, found.gain, np.nan), found.cost)
    economics = np.where(np.isnan(future), np.int8(_NO_VALUE), np.int8(_NO_CHURN))
    economics[~has_price] = _NO_EFFECTS
    economics[computed] = _COMPUTED
    measures, gains, costs = best
    measures[~computed], gains[~computed], costs[~computed] = -1, np.nan, np.nan
    return _Gains(measures, gains, costs, economics)
