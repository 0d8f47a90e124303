"""The table of decisions: for every customer a stance, a rule, a reason and its measures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import TranslatedTable
from retainkit.errors import SchemaError
from retainkit.policy import _kernel
from retainkit.policy._circumstances import Kinds
from retainkit.policy._config import PolicyConfig
from retainkit.policy._decision import ECONOMICS, Decision
from retainkit.policy._economics import Outlook, break_even
from retainkit.policy._frames import coded_texts, joined_texts, stance_summary
from retainkit.policy._guards import GuardRailResult, check_guard_rails, guard_rail_frame
from retainkit.policy._measure_catalog import DO_NOTHING, MeasureCatalog
from retainkit.policy._measures import PolicyMeasure
from retainkit.policy._rank_measures import MOST_ALTERNATIVES, pick_others
from retainkit.policy._states import adverse_by_kind, allowed_by_kind, choices_by_kind
from retainkit.policy._vocabulary import (
    CONTACTS,
    EVIDENCE,
    POTENTIALS,
    RELATIONS,
    RISKS,
    STANCES,
    STANDINGS,
    Stance,
)
from retainkit.typing import BoolArray, FloatArray, IntArray, Language

_RELATION, _CONTACT, _EVIDENCE, _STATE = _kernel.decode_cases()
_GUARDED = EVIDENCE.index("guarded")
_STANDING, _POTENTIAL, _RISK = (fact[_STATE] for fact in _kernel.decode_states()[1:])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DecisionTable(TranslatedTable):
    """Hold one decision per customer; rules and measures by reference, never per row.

    A decision depends on a customer's *case*: state of the relation x contact x evidence x tier
    role x standing x potential x risk band, 12,960 in all. Stance and rule are looked up by it;
    measures by its *kind*: the case and the circumstances (complaint, cause, stage, ...).

    Parameters
    ----------
    customer_id : pandas.Index
        The customers, in the order they came in.
    tier_names : tuple of str
        The value tiers, best first.
    value_tier : ndarray of int8
        Position in `tier_names`.
    case : ndarray of int16
        Position in the table of cases.
    kind : ndarray of int32
        Position in `kinds`.
    kinds : Kinds
        The different cases and circumstances that occur.
    measure : ndarray of int16
        Position in `catalog.measures` of the measure with the highest expected gain; -1 where
        gains are unknown.
    expected_gain, expected_cost : ndarray of float
        Of that measure [money]; NaN where unknown.
    runners_up : ndarray of int16, shape (n, 3), or None
        The next measures by gain; -1 = none. None where no gain is known.
    economics : ndarray of int8
        Position in `economics_names`: why a gain is a number or NaN.
    debt_step : ndarray of int8
        Position in `catalog.debt_steps` for customers to leave with known days overdue; else -1.
    future_value : ndarray of float
        What each customer is expected to bring over the horizon [money]; NaN where unknown.
    outlook : Outlook or None
        Probability, value if there, and what is at stake; None where there is no forecast.
    catalog : MeasureCatalog
        The measures.
    config : PolicyConfig
        The rules.
    confidence : ndarray of float or None
        Probability that the potential behind the decision is judged rightly; NaN where the rule
        does not ask for potential. None = no probabilities were supplied.

    Examples
    --------
    >>> from retainkit.policy import assess_potential, decide_actions
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> decide_actions(assign_tiers(value, scheme), potential=assess_potential(value, scheme))
    <DecisionTable: 5 customers; next: .summary(), .explain(customer_id) or .guard_rails()>
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary(), .explain(customer_id) or .guard_rails()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("tier", "value_tier", "tier_names", ordered=True),
        Column("standing", categories=STANDINGS, ordered=True),
        Column("potential", categories=POTENTIALS, ordered=True),
        Column("churn_risk", "risk", RISKS, ordered=True),
        Column("contact", categories=CONTACTS, ordered=True),
        Column("stance", categories=STANCES, ordered=True),
        Column("rule", lambda t: coded_texts(t.rule, [rule.id for rule in t.config.rules])),
        Column("reason", "_reasons"),
        Column("action", lambda t: coded_texts(t.action, [m.id for m in t.catalog.measures])),
        Column("alternatives", "_alternative_lists"),
        Column("measures", "_measure_lists"),
        Column("measure", categories="catalog.measures.id"),
        *plain("expected_gain", "expected_cost", "break_even"),
        Column("at_stake", "outlook.at_stake"),
        Column("economics", categories=ECONOMICS),
        Column("debt_step", categories="catalog.debt_steps.id", ordered=True),
        *plain("is_adverse", "lost_contribution", "replacement_cost"),
        Column(
            "confidence",
            lambda t: np.full(len(t), np.nan) if t.confidence is None else t.confidence,
        ),
    )
    stances: ClassVar[tuple[Stance, ...]] = STANCES
    relations: ClassVar[tuple[str, ...]] = RELATIONS
    economics_names: ClassVar[tuple[str, ...]] = ECONOMICS

    customer_id: pd.Index[Any]
    tier_names: tuple[str, ...]
    value_tier: npt.NDArray[np.int8]
    case: npt.NDArray[np.int16]
    kind: npt.NDArray[np.int32]
    kinds: Kinds
    measure: npt.NDArray[np.int16]
    expected_gain: FloatArray
    expected_cost: FloatArray
    economics: npt.NDArray[np.int8]
    debt_step: npt.NDArray[np.int8]
    future_value: FloatArray
    catalog: MeasureCatalog
    config: PolicyConfig
    runners_up: npt.NDArray[np.int16] | None = None
    outlook: Outlook | None = None
    confidence: FloatArray | None = None

    def __len__(self) -> int:
        return self.case.size

    @property
    def stance(self) -> npt.NDArray[np.int8]:
        """Position in `stances` of each customer's stance."""
        return self.config.stance_by_case.take(self.case)

    @property
    def rule(self) -> npt.NDArray[np.int16]:
        """Position in `config.rules` of the rule that matched."""
        return self.config.rule_by_case.take(self.case)

    @property
    def action(self) -> npt.NDArray[np.int16]:
        """Position in `catalog.measures` of the one thing to do.

        A duty first; else the measure that gains most where gains are known; else the first of the
        catalogue whose conditions are met; doing nothing where there is none.
        """
        first = choices_by_kind(self.catalog, self.config, self.kinds, most=1)[:, 0]
        duty = np.array([measure.comes_first for measure in self.catalog.measures], dtype=np.bool_)
        priced = (self.measure >= 0) & ~duty[first].take(self.kind)
        return np.where(priced, self.measure, first.take(self.kind))

    @property
    def alternatives(self) -> npt.NDArray[np.int16]:
        """Positions of at most three other measures, best first; -1 = no more.

        The next by gain where gains are known, then the next of the catalogue.
        """
        most = 2 * MOST_ALTERNATIVES + 1  # the action and the runners-up may be among them
        after = choices_by_kind(self.catalog, self.config, self.kinds, most=most).take(
            self.kind, axis=0
        )
        if self.runners_up is not None:
            after = np.concatenate([self.runners_up, after], axis=1)
        return pick_others(self.action, after, self.catalog.positions[DO_NOTHING])

    @property
    def break_even(self) -> FloatArray:
        """From which effect on the action pays; NaN where its cost or the worth is not known.

        Points of probability for an action that keeps or brings back, else a relative rise.
        """
        staying = None if self.outlook is None else self.outlook.value_if_active
        return break_even(self.action, self.catalog, self.future_value, staying)

    @property
    def contact(self) -> npt.NDArray[np.int8]:
        """0 = anything, 1 = service only, 2 = none."""
        return _CONTACT.take(self.case)

    @property
    def guarded(self) -> BoolArray:
        """Customers from whom something would be taken, did no guard rail speak against it."""
        return np.array(
            [rule.evidence == ("guarded",) for rule in self.config.rules], dtype=np.bool_
        )[self.rule]

    @property
    def relation(self) -> npt.NDArray[np.int8]:
        """Position in `relations` of the state of the relation."""
        return _RELATION.take(self.case)

    @property
    def standing(self) -> npt.NDArray[np.int8]:
        """0 = good, 1 = watch, 2 = bad."""
        return _STANDING.take(self.case)

    @property
    def potential(self) -> npt.NDArray[np.int8]:
        """0 = yes, 1 = no, 2 = unknown."""
        return _POTENTIAL.take(self.case)

    @property
    def risk(self) -> npt.NDArray[np.int8]:
        """0 = low, 1 = medium, 2 = high, 3 = unknown."""
        return _RISK.take(self.case)

    @property
    def is_adverse(self) -> BoolArray:
        """Whether the decision allows to take something from the customer."""
        return adverse_by_kind(self.catalog, self.config, self.kinds).take(self.kind)

    @property
    def lost_contribution(self) -> FloatArray:
        """What leaves with the customer [money]; NaN if nothing is taken or it is unknown."""
        return np.where(self.is_adverse, self.future_value, np.nan)

    @property
    def replacement_cost(self) -> FloatArray:
        """What winning another costs [money]; NaN if nothing is taken or no cost was supplied."""
        cost = self.config.replacement_cost
        return np.where(self.is_adverse, np.nan if cost is None else cost, np.nan)

    def take(self, rows: IntArray) -> DecisionTable:
        """Return the decisions at these positions, in this order."""
        columns = ["value_tier", "case", "kind", "measure", "expected_gain", "expected_cost"]
        columns += ["economics", "debt_step", "future_value"]
        changes: dict[str, Any] = {name: getattr(self, name)[rows] for name in columns}
        changes["customer_id"] = self.customer_id[rows]
        if self.runners_up is not None:
            changes["runners_up"] = self.runners_up[rows]
        if self.outlook is not None:
            changes["outlook"] = Outlook(*(given[rows] for given in self.outlook))
        if self.confidence is not None:
            changes["confidence"] = self.confidence[rows]
        return replace(self, **changes)

    def measures_of(self, position: int) -> tuple[PolicyMeasure, ...]:
        """Return the measures allowed for the customer at `position`, in catalogue order.

        Doing nothing is among them.
        """
        allowed = allowed_by_kind(self.catalog, self.config, self.kinds)[
            :, int(self.kind[position])
        ]
        return tuple(self.catalog.measures[i] for i in np.flatnonzero(allowed).tolist())

    def explain(self, customer_id: Any, *, language: Language = "en") -> Decision:
        """Return the decision about one customer, in words.

        Parameters
        ----------
        customer_id : Any
            The customer.
        language : {"en", "zh"}
            Language of the reason.

        Returns
        -------
        Decision
            All of it.

        Raises
        ------
        SchemaError
            If the table does not hold the customer.

        Examples
        --------
        >>> from retainkit.policy import assess_potential, decide_actions
        >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
        >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
        >>> scheme = fit_tier_scheme(value)
        >>> decisions = decide_actions(
        ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
        >>> decisions.explain(4, language="zh").reason
        '无潜力的小客户：使其变得有利可图，而不是简单放弃'
        """
        (positions,) = np.nonzero(np.asarray(self.customer_id == customer_id))
        if not positions.size:
            raise SchemaError(
                f"no customer {customer_id!r}",
                rule="an id is given as the table holds it: a whole number or text",
                where=f"customer_id ({self.customer_id.dtype})",
            )
        return self.decision(int(positions[0]), language=language)

    def decision(self, position: int, *, language: Language = "en") -> Decision:
        """Return the decision at one position of the table, its reason in `language`."""
        case = int(self.case[position])
        rule = self.config.rules[int(self.config.rule_by_case[case])]
        measure = int(self.measure[position])
        known = measure >= 0
        ids = [m.id for m in self.catalog.measures]
        one = self.take(np.array([position]))
        customer = self.customer_id[position]
        return Decision(
            customer_id=customer.item() if isinstance(customer, np.generic) else customer,
            tier=self.tier_names[int(self.value_tier[position])],
            standing=STANDINGS[int(_STANDING[case])],
            potential=POTENTIALS[int(_POTENTIAL[case])],
            risk=RISKS[int(_RISK[case])],
            stance=rule.stance,
            rule=rule.id,
            reason=rule.reason.text(language),
            action=ids[int(one.action[0])],
            alternatives=tuple(ids[i] for i in one.alternatives[0].tolist() if i >= 0),
            measures=tuple(m.id for m in self.measures_of(position)),
            measure=self.catalog.measures[measure].id if known else None,
            expected_gain=float(self.expected_gain[position]) if known else None,
            expected_cost=float(self.expected_cost[position]) if known else None,
            economics=ECONOMICS[int(self.economics[position])],
            guard_rails=self._guard_rails_at(position),
            confidence=self._confidence_at(position),
        )

    def _reasons(self, language: Language) -> pd.Categorical[str]:
        return coded_texts(self.rule, [rule.reason.text(language) for rule in self.config.rules])

    @property
    def _measure_lists(self) -> list[str]:
        """Return the measures allowed for each customer, as one text."""
        ids = [measure.id for measure in self.catalog.measures]
        allowed = allowed_by_kind(self.catalog, self.config, self.kinds)
        texts = ["; ".join(compress(ids, row)) for row in allowed.T]
        lists: list[str] = np.array([*texts, ""], dtype=object)[self.kind].tolist()
        return lists

    @property
    def _alternative_lists(self) -> list[str]:
        return joined_texts(self.alternatives, [m.id for m in self.catalog.measures])

    def summary(self) -> pd.DataFrame:
        """Return customers and future value by stance and tier.

        One row per stance and value tier that occurs, in the order of both: stance, tier,
        customers, share, future_value [money] (NaN where no customer's is known), without_value
        (customers whose future value is unknown).
        """
        return stance_summary(self)

    def guard_rails(self, *, language: Language = "en") -> pd.DataFrame:
        """Return what was checked before something is taken from customers.

        One row per stance under which something is taken and guard rail: stance, guard_rail, name,
        customers, status ("computed", "partly_computed", "not_supplied", "kept_out"), amount
        [money] (NaN unless computed), verdict ("pass", "downgrade", "block"), stopped (customers
        from whom nothing is taken because of it) and a note; `name` and `note` in `language`.

        Examples
        --------
        >>> from retainkit.policy import assess_potential, decide_actions
        >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
        >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
        >>> scheme = fit_tier_scheme(value)
        >>> decisions = decide_actions(
        ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
        >>> rails = decisions.guard_rails()
        >>> rails.loc[rails["stance"] == "economise", ["guard_rail", "customers", "status"]]
                     guard_rail  customers        status
        4     lost_contribution          2  not_supplied
        5      replacement_cost          2  not_supplied
        6              exposure          2  not_supplied
        7  protected_attributes          2      kept_out
        """
        return guard_rail_frame(
            self.future_value,
            self.is_adverse,
            self.guarded,
            self.stance,
            config=self.config,
            language=language,
        )

    def _confidence_at(self, position: int) -> float | None:
        sure = np.nan if self.confidence is None else float(self.confidence[position])
        return None if np.isnan(sure) else sure

    def _guard_rails_at(self, position: int) -> tuple[GuardRailResult, ...]:
        if not (self.is_adverse[position] or self.guarded[position]):
            return ()
        return check_guard_rails(self.future_value[[position]], self.config)
