"""How far a plan hangs on what was assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from retainkit.policy._gains import GainTable
from retainkit.policy._limits import AllocationLimit
from retainkit.typing import FloatArray

_MOST = 20_000
"""Customers a sensitivity is worked out on; a base of more is judged by every k-th."""


def plan_sensitivity(
    gains: GainTable,
    *,
    budget: float,
    limits: Sequence[AllocationLimit] = (),
    change: float = 0.2,
) -> pd.DataFrame:
    """Return the share of customers whose action changes when an assumption moves.

    Parameters
    ----------
    gains : GainTable
        Gain and cost of each action for each customer.
    budget : float
        What may be spent [money]; may be infinite.
    limits : sequence of AllocationLimit
        Capacities.
    change : float, default 0.2
        By what share each assumption moves, down and up.

    Returns
    -------
    pandas.DataFrame
        `assumption` ("budget", "capacity", "margin", "horizon"), `change` (-0.2, 0.2), `changed`:
        share of the customers with an action before or after whose action is another one. Margin
        moves what every action brings; so does the horizon, taken in proportion.

    Examples
    --------
    >>> from retainkit.policy import GainTable, plan_sensitivity
    >>> gains = GainTable(
    ...     customer_id=range(4), measures=("do_nothing", "letter"),
    ...     gain=[[0, 4.0], [0, 3.0], [0, 2.0], [0, -0.1]], cost=[[0, 1.0]] * 4,
    ...     free_riders=[[0, 0]] * 4, tier=[0] * 4, tier_names=("all",))
    >>> plan_sensitivity(gains, budget=2.5).head(2)
      assumption  change   changed
    0     budget    -0.2  0.000000
    1     budget     0.2  0.333333
    """
    every = slice(None, None, -(-len(gains) // _MOST))
    part = len(gains.customer_id[every]) / max(len(gains), 1)
    gain, cost = (np.asarray(x, dtype=np.float64)[every] for x in (gains.gain, gains.cost))
    few = replace(
        gains,
        customer_id=pd.Index(gains.customer_id[every]),
        tier=np.asarray(gains.tier)[every],
        free_riders=np.asarray(gains.free_riders)[every],
        gain=gain,
        cost=cost,
    )

    def chosen(gain: FloatArray, money: float, room: float) -> FloatArray:
        bounds = [_scaled(limit, part * room) for limit in limits]
        plan = replace(few, gain=gain).allocate(part * budget * money, limits=bounds)
        return plan.measure.astype(np.float64)

    usual = chosen(gain, 1.0, 1.0)
    rows = []
    for assumption in ("budget", "capacity", "margin", "horizon"):
        for factor in (1.0 - change, 1.0 + change):
            money = factor if assumption == "budget" else 1.0
            room = factor if assumption == "capacity" else 1.0
            worth = factor if assumption in ("margin", "horizon") else 1.0
            now = chosen((gain + cost) * worth - cost, money, room)
            touched = (usual >= 0) | (now >= 0)
            changed = float((usual != now)[touched].mean()) if touched.any() else 0.0
            rows.append((assumption, round(factor - 1.0, 6), changed))
    return pd.DataFrame(rows, columns=["assumption", "change", "changed"])


def _scaled(limit: AllocationLimit, factor: float) -> AllocationLimit:
    least = None if limit.at_least is None else limit.at_least * factor
    most = None if limit.at_most is None else limit.at_most * factor
    return limit.replace(at_least=least, at_most=most)
