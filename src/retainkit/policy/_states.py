"""What a catalogue and the rules allow in each case, and for each kind of customer that occurs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit.policy import _kernel
from retainkit.policy._circumstances import Kinds
from retainkit.policy._config import PolicyConfig
from retainkit.policy._measure_catalog import DO_NOTHING, MeasureCatalog
from retainkit.policy._measures import PolicyMeasure
from retainkit.policy._vocabulary import CONTACTS, EVIDENCE, RELATIONS, STANCES, Stance, among
from retainkit.value import LOSS_REASONS

_RELATION, _CONTACT, _EVIDENCE, _STATE = _kernel.decode_cases()


def allowed_by_case(
    catalog: MeasureCatalog, config: PolicyConfig, case: npt.NDArray[np.int16]
) -> npt.NDArray[np.bool_]:
    """Return whether each measure (axis 0) is allowed in each of some cases (1), given the rules.

    Something is taken only from who is there, in a base the forecast ranks; ending a relation and
    letting go rest on facts and on checked states instead. Who wants service contact only gets no
    marketing.
    """
    stance = config.stance_by_case[case]
    table: npt.NDArray[np.bool_] = catalog.allowed[:, stance, _STATE[case]]
    takes = np.array([measure.adverse for measure in catalog.measures], dtype=np.bool_)
    relation, open_to_all = _RELATION[case], CONTACTS.index("all") == _CONTACT[case]
    proven = (RELATIONS.index("present") == relation) & (
        EVIDENCE.index("ranked") == _EVIDENCE[case]
    )
    for row, measure in zip(table, catalog.measures, strict=True):
        if measure.condition.relations:
            row &= among(RELATIONS, measure.condition.relations)[relation]
        if measure.purpose == "marketing" and measure.id != DO_NOTHING:
            row &= open_to_all
    other = (STANCES.index(Stance.EXIT), STANCES.index(Stance.LET_GO))
    table[takes] &= proven | np.isin(stance, other)
    return table


def allowed_by_kind(
    catalog: MeasureCatalog, config: PolicyConfig, kinds: Kinds
) -> npt.NDArray[np.bool_]:
    """Return whether each measure (axis 0) is allowed for each kind of customer (1).

    Where a duty is due (an open complaint), nothing else is beside it, doing nothing apart. Who
    costs more than it brings is not urged to buy more of the same.
    """
    table = allowed_by_case(catalog, config, kinds.case)
    loses = kinds.meets("loss_reason", LOSS_REASONS)
    steps = {step.id for step in catalog.debt_steps}
    for row, measure in zip(table, catalog.measures, strict=True):
        for fact, words in measure.condition.facts.items():
            row &= kinds.meets(fact, words)
        if _urges(measure):
            row &= ~loses
        if measure.id in steps:
            row &= kinds.meets("debt_step", (measure.id,))
    duty = np.array([measure.comes_first for measure in catalog.measures], dtype=np.bool_)
    table[~duty] &= ~table[duty].any(axis=0)
    table[catalog.positions[DO_NOTHING]] = True
    return table


def _urges(measure: PolicyMeasure) -> bool:
    """Return whether a measure wants the customer to buy on as before, at the same prices."""
    mends = measure.condition.loss_reasons or measure.fits.loss_reasons
    buys = {"spend", "retention"} & set(measure.changes)
    changed = {"price", "cost_to_serve"} & set(measure.changes)
    return measure.purpose == "marketing" and bool(buys) and not changed and not mends


def adverse_by_kind(
    catalog: MeasureCatalog, config: PolicyConfig, kinds: Kinds
) -> npt.NDArray[np.bool_]:
    """Return the kinds of customers from whom something may be taken."""
    takes = np.array([measure.adverse for measure in catalog.measures], dtype=np.bool_)
    by_stance = np.array([stance.is_adverse for stance in STANCES], dtype=np.bool_)
    by_measure = allowed_by_kind(catalog, config, kinds)[takes].any(axis=0)
    adverse: npt.NDArray[np.bool_] = by_measure | by_stance[config.stance_by_case[kinds.case]]
    return adverse


def choices_by_kind(
    catalog: MeasureCatalog, config: PolicyConfig, kinds: Kinds, *, most: int
) -> npt.NDArray[np.int16]:
    """Return for each kind the first `most` measures that serve it; -1: no more.

    First those that fit, then those that ask nothing more, then the others, each in the order of
    the catalogue. Doing nothing is the first where no measure serves the kind.
    """
    allowed = allowed_by_kind(catalog, config, kinds)
    nothing = catalog.positions[DO_NOTHING]
    allowed[nothing] = ~np.delete(allowed, nothing, axis=0).any(axis=0)
    level = np.ones(allowed.shape, dtype=np.int8)
    for row, measure in zip(level, catalog.measures, strict=True):
        asked = measure.fits.facts
        if asked or measure.condition.facts:  # what a condition asks is met where it is allowed
            met = [kinds.meets(fact, words) for fact, words in asked.items()]
            row[:] = np.where(np.logical_and.reduce(met), 0, 2) if met else 0
    level[~allowed] = 3
    order = np.argsort(level, axis=0, kind="stable")[:most].astype(np.int16)
    known = np.take_along_axis(allowed, order.astype(np.int64), axis=0)
    return np.where(known, order, np.int16(-1)).T
