"""What a catalogue and the rules allow in each state."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit.policy import _kernel
from retainkit.policy._config import PolicyConfig
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.policy._vocabulary import STANCES


def allowed_by_state(catalog: MeasureCatalog, config: PolicyConfig) -> npt.NDArray[np.bool_]:
    """Return whether each measure (axis 0) is allowed in each state (1), given the rules."""
    table: npt.NDArray[np.bool_] = catalog.allowed[
        :, config.stance_by_state, np.arange(_kernel.N_STATES)
    ]
    return table


def adverse_states(catalog: MeasureCatalog, config: PolicyConfig) -> npt.NDArray[np.bool_]:
    """Return the states in which something may be taken from a customer."""
    takes = np.array([measure.adverse for measure in catalog.measures], dtype=np.bool_)
    by_stance = np.array([stance.is_adverse for stance in STANCES], dtype=np.bool_)
    by_measure = allowed_by_state(catalog, config)[takes].any(axis=0)
    adverse: npt.NDArray[np.bool_] = by_measure | by_stance[config.stance_by_state]
    return adverse
