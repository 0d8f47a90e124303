"""Each metric as per-customer terms of a snapshot: sums over any group give its value."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import mul
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.errors import NotComputableError
from retainkit.metrics._base import ContractIndex, CustomerBase, PurchaseIndex
from retainkit.metrics._concentration import (
    Terms,
    gini_terms,
    headcount_terms,
    hhi_terms,
    top_share_terms,
)
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention, OwnMetric
from retainkit.metrics._snapshot import Snapshot
from retainkit.typing import BoolArray, FloatArray

PerCustomer = npt.NDArray[Any]


class Formula(NamedTuple):
    """Terms of one metric: a truth value or an amount per customer.

    `complement` marks a rate computed as 1 minus the rate of everybody else, so that both add up
    to exactly 1. `population` says whom `n` counts. Contracts lack what purchases have and the
    other way round: `bases` names the kinds of base that give the terms.
    """

    numerator: Callable[[Snapshot], PerCustomer]
    denominator: Callable[[Snapshot], PerCustomer] | None
    population: Callable[[Snapshot], BoolArray]
    bases: tuple[type, ...] = (PurchaseIndex,)
    needs_history: bool = False
    complement: bool = False
    refuses_negatives: bool = False
    distribution: Callable[[FloatArray], Terms] | None = None


_BOTH = (PurchaseIndex, ContractIndex)


def _at_start(s: Snapshot) -> BoolArray:
    """Return the customers of the start."""
    return s.at_start


def _bought(s: Snapshot) -> BoolArray:
    """Return the buyers of the period."""
    return s.bought


def _distribution(terms: Callable[[FloatArray], Terms]) -> Formula:
    """Return the formula of a metric of the buyers' revenue."""
    return Formula(lambda s: s.revenue, None, _bought, distribution=terms)


def _of_revenue(part: Callable[[Snapshot], PerCustomer]) -> Formula:
    """Return the formula of a part of the recurring amount of the start."""
    return Formula(
        part,
        lambda s: s.amount_at_start,
        _at_start,
        bases=_BOTH,
        needs_history=True,
        refuses_negatives=True,
    )


FORMULAS: dict[str, Formula] = {
    "active_customers": Formula(_bought, None, _bought),
    "new_customers": Formula(lambda s: s.newcomers, None, lambda s: s.newcomers, bases=_BOTH),
    "returning_customers": Formula(
        lambda s: s.bought & s.known_before, None, lambda s: s.bought & s.known_before
    ),
    "retention_rate": Formula(
        lambda s: s.at_start & s.at_end, _at_start, _at_start, bases=_BOTH, needs_history=True
    ),
    "churn_rate": Formula(
        lambda s: s.at_start & ~s.at_end,
        _at_start,
        _at_start,
        bases=_BOTH,
        needs_history=True,
        complement=True,
    ),
    "textbook_retention_rate": Formula(
        lambda s: s.at_end & ~s.joined, _at_start, _at_start, bases=_BOTH, needs_history=True
    ),
    "reactivation_rate": Formula(
        lambda s: s.dormant & s.at_end,
        lambda s: s.dormant,
        lambda s: s.dormant,
        bases=_BOTH,
        needs_history=True,
    ),
    "repeat_rate": Formula(lambda s: np.asarray(s.occasions >= 2), _bought, _bought),
    "purchases_per_customer": Formula(lambda s: s.occasions, _bought, _bought),
    "average_order_value": Formula(lambda s: s.revenue, lambda s: s.occasions, _bought),
    "average_revenue_per_customer": Formula(lambda s: s.revenue, _bought, _bought),
    "gross_revenue_retention": _of_revenue(
        lambda s: np.minimum(s.amount_at_start, s.amount_at_end)
    ),
    "net_revenue_retention": _of_revenue(lambda s: s.amount_kept),
    "gross_revenue_churn": _of_revenue(
        lambda s: s.amount_at_start - np.minimum(s.amount_at_start, s.amount_at_end)
    ),
    "recurring_revenue": Formula(
        lambda s: s.closing_amount, None, lambda s: s.at_end, bases=(ContractIndex,)
    ),
    "recurring_revenue_per_customer": Formula(
        lambda s: s.closing_amount,
        lambda s: s.at_end,
        lambda s: s.at_end,
        bases=(ContractIndex,),
    ),
    "average_sale_price": Formula(
        lambda s: np.where(s.joined & s.at_end, s.closing_amount, 0.0),
        lambda s: s.joined & s.at_end,
        lambda s: s.joined & s.at_end,
        bases=(ContractIndex,),
    ),
    "top_share": _distribution(top_share_terms),
    "headcount_for_share": _distribution(headcount_terms),
    "gini": _distribution(gini_terms),
    "hhi": _distribution(hhi_terms),
}


_OF_PURCHASES = {"bought", "occasions", "revenue"}
_OF_THE_START = {"at_start", "dormant", "amount_at_start", "amount_at_end"}


def _own_formula(own: OwnMetric) -> Formula:
    """Return the formula of an own metric: products of the terms it names."""
    used = {term.removeprefix("not ") for term in (*own.numerator, *own.denominator)}
    above, below = _product(own.numerator), _product(own.denominator)
    whom = below if own.denominator else above
    return Formula(
        above,
        below if own.denominator else None,
        lambda s: np.asarray(whom(s) != 0),
        bases=(PurchaseIndex,) if used & _OF_PURCHASES else _BOTH,
        needs_history=bool(used & _OF_THE_START),
    )


def _product(terms: tuple[str, ...]) -> Callable[[Snapshot], PerCustomer]:
    """Return the terms multiplied, per customer; truth values stay truth values."""

    def one(s: Snapshot, term: str) -> PerCustomer:
        found: PerCustomer = getattr(s, term.removeprefix("not "))
        return ~found if term.startswith("not ") else found

    return lambda s: reduce(mul, (one(s, term) for term in terms))


def available_metrics(
    base: CustomerBase, convention: MetricConvention = DEFAULT_CONVENTION
) -> tuple[str, ...]:
    """Return the metrics that a kind of base can give, in display order, own ones last."""
    return tuple(
        name for name, formula in _formulas(convention).items() if isinstance(base, formula.bases)
    )


def formula_for(
    name: str, base: CustomerBase, convention: MetricConvention = DEFAULT_CONVENTION
) -> Formula:
    """Return the formula of a metric, or say which metrics this base has."""
    formulas = _formulas(convention)
    known = available_metrics(base, convention)
    if name not in known:
        kind = "purchases" if isinstance(base, PurchaseIndex) else "contracts"
        exists = name in formulas
        raise NotComputableError(
            f"no metric {name!r}" + (f" from {kind}" if exists else ""),
            rule=f"{kind} give {', '.join(known)}",
            where="metrics",
            fix="choose from these" + (", or pass the other kind of base" if exists else ""),
        )
    return formulas[name]


def _formulas(convention: MetricConvention) -> dict[str, Formula]:
    """Return the formulas of the library and of the convention's own metrics."""
    return {**FORMULAS, **{own.name: _own_formula(own) for own in convention.own_metrics}}
