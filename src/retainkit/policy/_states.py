"""What a catalogue and the rules allow in each case."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit.policy import _kernel
from retainkit.policy._config import PolicyConfig
from retainkit.policy._measure_catalog import DO_NOTHING, MeasureCatalog
from retainkit.policy._vocabulary import EVIDENCE, RELATIONS, STANCES, Stance, among

_RELATION, _, _EVIDENCE, _STATE = _kernel.decode_cases()


def allowed_by_case(catalog: MeasureCatalog, config: PolicyConfig) -> npt.NDArray[np.bool_]:
    """Return whether each measure (axis 0) is allowed in each case (1), given the rules.

    Something is taken only from who is there, in a base the forecast ranks; ending a relation and
    letting go rest on facts and on checked states instead.
    """
    table: npt.NDArray[np.bool_] = catalog.allowed[:, config.stance_by_case, _STATE]
    takes = np.array([measure.adverse for measure in catalog.measures], dtype=np.bool_)
    proven = (RELATIONS.index("present") == _RELATION) & (EVIDENCE.index("ranked") == _EVIDENCE)
    for row, measure in zip(table, catalog.measures, strict=True):
        if measure.condition.relations:
            row &= among(RELATIONS, measure.condition.relations)[_RELATION]
    other = (STANCES.index(Stance.EXIT), STANCES.index(Stance.LET_GO))
    table[takes] &= proven | np.isin(config.stance_by_case, other)
    return table


def adverse_cases(catalog: MeasureCatalog, config: PolicyConfig) -> npt.NDArray[np.bool_]:
    """Return the cases in which something may be taken from a customer."""
    takes = np.array([measure.adverse for measure in catalog.measures], dtype=np.bool_)
    by_stance = np.array([stance.is_adverse for stance in STANCES], dtype=np.bool_)
    by_measure = allowed_by_case(catalog, config)[takes].any(axis=0)
    adverse: npt.NDArray[np.bool_] = by_measure | by_stance[config.stance_by_case]
    return adverse


def action_by_case(catalog: MeasureCatalog, config: PolicyConfig) -> npt.NDArray[np.int16]:
    """Return the first measure of the catalogue, beside doing nothing, that serves each case.

    Where no measure serves the
    stance, it is doing nothing.
    """
    allowed = allowed_by_case(catalog, config)
    nothing = catalog.positions[DO_NOTHING]
    allowed[nothing] = False
    action = np.where(allowed.any(axis=0), allowed.argmax(axis=0), nothing)
    return action.astype(np.int16)
