"""ContractTerm: how long contracts of one term last, learnt from spells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from retainkit._core.config import FrozenModel
from retainkit.churn import SpellTable
from retainkit.contracts import Contracts, ContractState
from retainkit.contracts._kernel import charges_due
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.lifetime import (
    ContractModelUnion,
    FitConfig,
    fit_beta_discrete_weibull,
    fit_shifted_beta_geometric,
)
from retainkit.typing import BoolArray, FloatArray
from retainkit.value import expected_contract_value

ContractModelName: TypeAlias = Literal["best", "shifted_beta_geometric", "beta_discrete_weibull"]
"""Models of how long contracts last; "best" takes the one with the lower BIC."""

_FITS: dict[str, Callable[..., ContractModelUnion]] = {
    "shifted_beta_geometric": fit_shifted_beta_geometric,
    "beta_discrete_weibull": fit_beta_discrete_weibull,
}


class ContractTerm(FrozenModel):
    """How long contracts of one term last.

    Parameters
    ----------
    term_months : int
        Months between two chances to leave, of the contracts it is for [month].
    counted_in : int
        Months per period of the model [month]: 1 in what is learnt, as tenure is counted in whole
        months, so that contracts that run and contracts that ended are at risk alike.
    model : ShiftedBetaGeometricModel or BetaDiscreteWeibullModel
        The learnt model.

    Examples
    --------
    >>> from retainkit.lifetime import ShiftedBetaGeometricModel
    >>> from retainkit.pipeline import ContractTerm
    >>> term = ContractTerm(
    ...     term_months=12, counted_in=12, model=ShiftedBetaGeometricModel(gamma=1.0, delta=3.0))
    >>> ContractTerm.from_json(term.to_json()) == term
    True
    """

    term_months: int
    counted_in: int
    model: ContractModelUnion


def fit_contract_terms(
    contracts: Contracts,
    spells: SpellTable,
    *,
    choice: ContractModelName,
    config: FitConfig,
) -> tuple[tuple[ContractTerm, ...], tuple[str, ...]]:
    """Learn how long contracts last, per term; say what could not be learnt."""
    terms = contracts.term_months[spells.last_contract]
    notes: list[str] = []
    found: dict[int, ContractTerm] = {}
    levels = [int(term) for term in np.unique(terms)]
    for term in levels:
        try:
            model = _fit(spells, np.flatnonzero(terms == term), choice, config)
        except (NotComputableError, ConvergenceError) as error:
            notes.append(f"no model of contracts with a term of {term} months: {error.wrong}")
        else:
            found[term] = ContractTerm(term_months=term, counted_in=1, model=model)
    missing = [term for term in levels if term not in found]
    if missing and len(levels) > 1:
        try:
            model = _fit(spells, np.arange(len(spells)), choice, config)
        except (NotComputableError, ConvergenceError) as error:
            notes.append(f"no model of all contracts together: {error.wrong}")
        else:
            notes.append(f"terms {missing} use the model of all contracts")
            found |= {t: ContractTerm(term_months=t, counted_in=1, model=model) for t in missing}
    return tuple(found[term] for term in levels if term in found), tuple(notes)


def predict_contracts(
    facts: ContractState,
    terms: tuple[ContractTerm, ...],
    *,
    margin_rate: FloatArray,
    horizon_days: float,
    annual_discount_rate: float,
) -> FloatArray | None:
    """Return the expected discounted money per customer; NaN for terms that were never seen."""
    if not terms:
        return None
    value = np.where(facts.charged > 0, np.nan, 0.0)
    for term in terms:
        rows = np.flatnonzero((facts.term_months == term.term_months) & (facts.charged > 0))
        if not rows.size:
            continue
        value[rows] = expected_contract_value(
            term.model,
            charged=facts.charged[rows],
            price=facts.price[rows],
            term_months=term.counted_in,
            days_to_next=facts.days_to_next[rows],
            charges_left=facts.charges_left[rows],
            horizon_days=horizon_days,
            annual_discount_rate=annual_discount_rate,
            margin_rate=margin_rate[rows],
        )
    return value


def _fit(
    spells: SpellTable,
    rows: npt.NDArray[np.intp],
    choice: ContractModelName,
    config: FitConfig,
) -> ContractModelUnion:
    periods, ended, weights = _tenures(spells, rows)
    if choice != "best":
        return _FITS[choice](periods, ended, weights=weights, config=config)
    simple = fit_shifted_beta_geometric(periods, ended, weights=weights, config=config)
    try:
        rich = fit_beta_discrete_weibull(periods, ended, weights=weights, config=config)
    except (NotComputableError, ConvergenceError):
        return simple
    return rich if (rich.bic or np.inf) < (simple.bic or np.inf) else simple


def _tenures(
    spells: SpellTable, rows: npt.NDArray[np.intp]
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Return the month each spell ended in, or the last one it survived, with counts.

    With c charges a spell that ended stayed after the first c - 1 months and left in month c; one
    that runs stayed after the first c - 1, and month c is not over: both have been at risk in the
    same months. A spell that runs in its first month has not been at risk at all.
    """
    start = spells.start_day[rows].astype(np.int64)
    until = start + np.maximum(spells.duration[rows], 1.0).astype(np.int64)
    charges = charges_due(start, until)
    ended = spells.ended[rows]
    month = np.where(ended, charges, charges - 1)
    seen = month >= 1
    pairs, counts = np.unique(month[seen] * 2 + ended[seen], return_counts=True)
    if not len(pairs):
        raise NotComputableError(
            "no contract has reached its second month",
            rule="staying is learnt from charges made again",
            where="contracts",
        )
    return (pairs // 2).astype(np.float64), pairs % 2 == 1, counts.astype(np.float64)
