"""Upgrade or maintain: what a measure is worth along the migration chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from retainkit._core.config import FrozenConfig
from retainkit.errors import SchemaError
from retainkit.policy._condition import Identifier
from retainkit.tiers import TierChain
from retainkit.typing import NonNegativeFloat


class MigrationEffect(FrozenConfig):
    """How a measure changes where customers of one state go.

    Parameters
    ----------
    measure : str
        Id of the measure.
    state : str
        State of the customers who get it.
    shifts : tuple of (str, float)
        Change of the probability to move to each state named, in points; the sum is 0.
    reward : float
        Change of the period's gain while in the state [money].
    cost : float
        What it costs per customer [money]; each period when lasting.
    lasts : {"once", "always"}
        "once": it is done in this period only; "always": in every period a customer spends in
        the state.

    Raises
    ------
    pydantic.ValidationError
        If the shifts do not sum to 0.

    Examples
    --------
    >>> from retainkit.policy import MigrationEffect
    >>> MigrationEffect(measure="trade_up", state="ordinary", cost=4.0,
    ...                 shifts=(("key", 0.05), ("ordinary", -0.05))).lasts
    'once'
    """

    measure: Identifier
    state: str
    shifts: tuple[tuple[str, float], ...]
    reward: float = 0.0
    cost: NonNegativeFloat = 0.0
    lasts: Literal["once", "always"] = "once"

    @model_validator(mode="after")
    def _mass_is_kept(self) -> Self:
        total = sum(points for _, points in self.shifts)
        if abs(total) > 1e-9:
            raise ValueError(f"shifts of {self.measure!r} sum to {total:g}, not to 0")
        return self


def compare_upgrades(
    chain: TierChain,
    effects: Sequence[MigrationEffect],
    *,
    reward: Mapping[str, float],
    discount_rate: float,
) -> pd.DataFrame:
    """Return what each measure is worth beyond maintaining, and whether it pays.

    Parameters
    ----------
    chain : TierChain
        Probabilities of moving between states without the measures.
    effects : sequence of MigrationEffect
        Measures to compare; doing nothing is added for every state with one.
    reward : mapping of str to float
        Gain of one period in each state [money].
    discount_rate : float
        Per period.

    Returns
    -------
    pandas.DataFrame
        One row per state and measure: state, measure, maintain (value of doing nothing), upgrade
        (value with the measure, before a one-time cost), delta (upgrade - maintain), cost (one
        time; a lasting measure's is inside `upgrade`), gain (delta - cost) [money] and `best`
        (the largest gain of its state; ties: doing nothing). Values are NaN, and nothing is best,
        where the chain knows nothing of a state's future.

    Raises
    ------
    SchemaError
        If an effect names an unknown state or pushes a probability outside [0, 1].

    Notes
    -----
    V = (I - P / (1 + d))^-1 R. A lasting measure changes row i of P and R: delta = V'_i - V_i. A
    measure done once: delta = sum_j dp_ij V_j / (1 + d) + dR_i.

    References
    ----------
    P. Pfeifer, R. Carraway (2000), "Modeling customer relationships as Markov chains", Journal
    of Interactive Marketing 14(2): 43-55.

    Examples
    --------
    >>> from retainkit.policy import MigrationEffect, compare_upgrades
    >>> from retainkit.tiers import TierChain
    >>> chain = TierChain.from_matrix(("key", "ordinary", "lost"),
    ...     [[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0, 0, 1]], absorbing=("lost",))
    >>> course = MigrationEffect(measure="advice_and_training", state="ordinary", cost=5.0,
    ...     shifts=(("key", 0.1), ("ordinary", -0.1)))
    >>> table = compare_upgrades(chain, [course], reward={"key": 100.0, "ordinary": 20.0},
    ...                          discount_rate=0.1)
    >>> table[["measure", "gain", "best"]].round(2)
                   measure   gain   best
    0           do_nothing   0.00  False
    1  advice_and_training  18.64   True
    """
    values = chain.value(reward, discount_rate=discount_rate)
    rows: list[dict[str, object]] = []
    for state in dict.fromkeys(effect.state for effect in effects):
        if state not in chain.states:
            raise SchemaError(f"no state {state!r}", rule=f"states are {chain.states}")
        now = float(values[state])
        rows.append(_row(state, "do_nothing", now, now, 0.0))
        for effect in effects:
            if effect.state == state:
                then = now + _delta(chain, reward, values, effect, discount_rate)
                cost = effect.cost if effect.lasts == "once" else 0.0
                rows.append(_row(state, effect.measure, now, then, cost))
    columns = ["state", "measure", "maintain", "upgrade", "delta", "cost", "gain"]
    frame = pd.DataFrame(rows, columns=columns)
    known = frame[frame["gain"].notna()]  # a chain may know nothing of where a state leads
    frame["best"] = frame.index.isin(known.groupby("state", sort=False)["gain"].idxmax())
    return frame


def _row(state: str, measure: str, now: float, then: float, cost: float) -> dict[str, object]:
    delta = then - now
    return {
        "state": state,
        "measure": measure,
        "maintain": now,
        "upgrade": then,
        "delta": delta,
        "cost": cost,
        "gain": delta - cost,
    }


def _delta(
    chain: TierChain,
    reward: Mapping[str, float],
    values: pd.Series[float],
    effect: MigrationEffect,
    discount_rate: float,
) -> float:
    row = _shifted(chain, effect)
    if effect.lasts == "once":
        later = values.to_numpy(dtype=np.float64)
        position = chain.states.index(effect.state)
        change = np.array(row) - np.array(chain.transition[position], dtype=np.float64)
        return float(change @ later) / (1.0 + discount_rate) + effect.reward
    rows = list(chain.transition)
    rows[chain.states.index(effect.state)] = row
    changed = chain.replace(transition=tuple(rows))
    gains = {**reward, effect.state: reward[effect.state] + effect.reward - effect.cost}
    then = changed.value(gains, discount_rate=discount_rate)
    return float(then[effect.state]) - float(values[effect.state])


def _shifted(chain: TierChain, effect: MigrationEffect) -> tuple[float, ...]:
    row = [
        p if p is not None else np.nan for p in chain.transition[chain.states.index(effect.state)]
    ]
    for state, points in effect.shifts:
        if state not in chain.states:
            raise SchemaError(f"no state {state!r}", rule=f"states are {chain.states}")
        row[chain.states.index(state)] += points
    if not all(-1e-12 <= p <= 1.0 + 1e-12 for p in row):
        raise SchemaError(
            f"{effect.measure!r} leads to probabilities {[round(p, 4) for p in row]}",
            rule="probabilities stay in [0, 1], and the state's row must be known",
            where=f"state {effect.state!r}",
            fix="a measure can only move customers who would otherwise go elsewhere",
        )
    return tuple(min(max(float(p), 0.0), 1.0) for p in row)
