"""Which measure gains most for each customer, where prices and effects are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.policy import _kernel
from retainkit.policy._circumstances import Kinds
from retainkit.policy._config import PolicyConfig
from retainkit.policy._decision import ECONOMICS
from retainkit.policy._economics import Outlook, measure_economics
from retainkit.policy._measure_catalog import DO_NOTHING, MeasureCatalog
from retainkit.policy._states import allowed_by_kind
from retainkit.typing import FloatArray

_COMPUTED, _NO_EFFECTS, _NO_VALUE, _NO_CHURN = range(len(ECONOMICS))
MOST_ALTERNATIVES = 3
"""Beside the one action at most so many others are named."""


class Ranked(NamedTuple):
    """The measure that gains most, what it gains and costs [money], and the next ones by gain."""

    measure: npt.NDArray[np.int16]
    expected_gain: FloatArray
    expected_cost: FloatArray
    economics: npt.NDArray[np.int8]
    runners_up: npt.NDArray[np.int16] | None = None


def rank_measures(
    kind: npt.NDArray[np.int32],
    kinds: Kinds,
    p_churn: FloatArray | None,
    future: FloatArray | None,
    outlook: Outlook | None,
    catalog: MeasureCatalog,
    config: PolicyConfig,
) -> Ranked:
    """Return the best measure with known economics per customer, or why there is none."""
    n = kind.size
    unknown = Ranked(
        _kernel.undefined_measure(n),
        _kernel.undefined(n),
        _kernel.undefined(n),
        _kernel.constant_codes(n, _NO_EFFECTS),
    )
    if not catalog.priced:
        return unknown
    allowed = allowed_by_kind(catalog, config, kinds)
    has_price = allowed[list(catalog.priced)].any(axis=0).take(kind)
    if future is None:
        economics = np.where(has_price, np.int8(_NO_VALUE), np.int8(_NO_EFFECTS))
        return unknown._replace(economics=economics)
    staying = None
    if outlook is not None:
        p_churn, staying = 1.0 - outlook.p_active, outlook.value_if_active
    nothing = catalog.positions[DO_NOTHING]
    best = [(np.full(n, nothing, dtype=np.int16), np.zeros(n), np.zeros(n))]
    best += [
        (np.full(n, -1, dtype=np.int16), np.full(n, 0.0), np.zeros(n))
        for _ in range(MOST_ALTERNATIVES)
    ]
    computed = np.zeros(n, dtype=np.bool_)
    for position in catalog.priced:
        found = measure_economics(catalog.measures[position], p_churn, future, staying=staying)
        eligible = allowed[position].take(kind) & ~np.isnan(found.gain)
        computed |= eligible
        _kernel.insert(best, position, np.where(eligible, found.gain, np.nan), found.cost)
    economics = np.where(np.isnan(future), np.int8(_NO_VALUE), np.int8(_NO_CHURN))
    economics[~has_price] = _NO_EFFECTS
    economics[computed] = _COMPUTED
    measures, gains, costs = best[0]
    measures[~computed], gains[~computed], costs[~computed] = -1, np.nan, np.nan
    runners_up = np.stack([ranked for ranked, *_ in best[1:]], axis=1)
    return Ranked(measures, gains, costs, economics, runners_up)


def pick_others(
    action: npt.NDArray[np.int16], offered: npt.NDArray[np.int16], nothing: int
) -> npt.NDArray[np.int16]:
    """Return the first three offered, each once, beside the action and doing nothing; -1: none."""
    n = len(action)
    chosen, count = np.full((n, MOST_ALTERNATIVES), -1, dtype=np.int16), np.zeros(n, dtype=np.int64)
    for column in offered.T:
        fresh = (column >= 0) & (column != action) & (column != nothing)
        fresh &= (chosen != column[:, None]).all(axis=1) & (count < MOST_ALTERNATIVES)
        (rows,) = np.nonzero(fresh)
        chosen[rows, count[rows]] = column[rows]
        count[rows] += 1
    return chosen
