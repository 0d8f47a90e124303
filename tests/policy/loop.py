"""Simulated firms with known effects that plan, hold out, read back and plan again.

The loop runs on the kernels of the plan: arrays in, arrays out, so that 2,000 firms take minutes.
Customers belong to six kinds (state x tier); each kind is open to three of eight actions. The firm
believes that every action brings 15 points, give or take 15; what it really brings is drawn anew
for each firm from -10 to +25 points, with 3 points of difference between kinds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.policy import PlanConfig, _kernel_allocate, _kernel_trial
from retainkit.typing import BoolArray, FloatArray

KINDS: Final = 6
ACTIONS: Final = 8
QUARTERS: Final = 4
SHARE = np.array([0.10, 0.25, 0.25, 0.15, 0.15, 0.10])
WORTH = np.array([300.0, 120.0, 60.0, 200.0, 80.0, 80.0])
ACTIVE = np.array([0.8, 0.7, 0.6, 0.35, 0.3, 0.1])
EFFECTS = np.array([0.20, 0.02, -0.10, 0.12, 0.0, 0.25, 0.05, 0.10])
COST = 5.0 * np.linspace(0.6, 1.4, ACTIONS)
PLAN = PlanConfig()
NEVER, EXPLORE = PLAN.never_treated, PLAN.explore
LEAST, MOST = PLAN.least_held_out, PLAN.most_held_out
OPEN = np.zeros((KINDS, ACTIONS), dtype=np.bool_)
for one in range(KINDS):
    OPEN[one, [one, (one + 1) % ACTIONS, (one + 3) % ACTIONS]] = True


class Firm(NamedTuple):
    """Customers with what they bring when active, and what each action really changes."""

    kind: npt.NDArray[np.int64]
    worth: FloatArray
    active: FloatArray
    effect: FloatArray
    """Points of probability per kind and action."""

    @property
    def change(self) -> FloatArray:
        """True change of the probability per customer and action."""
        raised = np.clip(self.active[:, None] + self.effect[self.kind], 0.0, 1.0)
        return np.asarray(raised - self.active[:, None])

    @property
    def gain(self) -> FloatArray:
        """True gain per customer and action, net of cost [money]."""
        return np.asarray(self.change * self.worth[:, None] - COST)


def make_firm(rng: np.random.Generator, n: int, *, works: bool = True) -> Firm:
    kind = rng.choice(KINDS, n, p=SHARE)
    effect = rng.permutation(EFFECTS) + rng.normal(0.0, 0.03, (KINDS, ACTIONS))
    return Firm(
        kind=kind,
        worth=rng.gamma(1.5, 1.0 / 1.5, n) * WORTH[kind],
        active=ACTIVE[kind],
        effect=effect if works else np.zeros((KINDS, ACTIONS)),
    )


class Quarter(NamedTuple):
    """One plan and what it showed."""

    planned: npt.NDArray[np.int16]
    """Action of each customer; -1 = none."""
    tried: BoolArray
    """Actions that some customers got, by plan or by lot."""
    treated: float
    """Share of customers treated, by plan or by lot."""
    profit: float
    """True gain of the treated of the plan [money]."""
    held_out: float
    """Mean share held out of the plan."""
    covered: BoolArray
    """Whether each interval held the true effect on its own customers."""


def run_firm(rng: np.random.Generator, firm: Firm) -> list[Quarter]:
    """Plan, hold out, read and plan again, four quarters long, within a budget."""
    n = firm.kind.size
    budget = 0.5 * n * float(COST.mean())
    never = rng.random(n)
    belief = _kernel_trial.Belief(np.full(ACTIONS, 0.15), np.full(ACTIONS, 0.15))
    trials = np.zeros(ACTIONS, dtype=np.int64)
    quarters = []
    for rounds in range(QUARTERS):
        asked = _kernel_trial.needed(trials, rounds)
        quarter, share, error = _quarter(rng, firm, belief, asked, budget, never)
        quarters.append(quarter)
        planned, by_lot = slice(0, ACTIONS), slice(ACTIONS, 2 * ACTIONS)
        weight = np.nan_to_num(1.0 / error**2)
        both = weight[planned] + weight[by_lot]
        total = np.nan_to_num(share) * weight
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = (total[planned] + total[by_lot]) / both
            belief = _kernel_trial.update_together(belief, seen, 1.0 / np.sqrt(both))
        trials += weight[planned] > 0.0
    return quarters


def _quarter(
    rng: np.random.Generator,
    firm: Firm,
    belief: _kernel_trial.Belief,
    asked: FloatArray,
    budget: float,
    never: FloatArray,
) -> tuple[Quarter, FloatArray, FloatArray]:
    n, everybody = firm.kind.size, np.arange(firm.kind.size)
    open_to, money = OPEN[firm.kind], firm.worth[:, None]
    mean = belief.mean * money - COST
    sure = _kernel_trial.chance_to_pay(mean, belief.deviation * money) >= asked
    believed = np.where(open_to & sure & (mean > 0.0), mean, np.nan)
    costs = np.broadcast_to(COST, believed.shape)
    planned = _kernel_allocate.allocate(believed, costs, budget).measure
    some = planned >= 0
    share = _shares(firm, planned, belief)
    lot = np.where(open_to, rng.random((n, ACTIONS)), -1.0).argmax(axis=1)
    arm = _kernel_trial.draw_arms(
        some, ~some, share, rng.random(n), never, never=NEVER, explore=EXPLORE
    )
    action = np.where(some, planned, lot)
    treated = np.isin(arm, (_kernel_trial.DONE, _kernel_trial.TRIED))
    change = firm.change[everybody, action]
    there = rng.random(n) < firm.active + np.where(treated, change, 0.0)
    outcome = there * firm.worth * rng.gamma(2.0, 0.5, n)
    inside = np.isin(arm, (1, 2, 4, 5))
    group = (action + ACTIONS * np.isin(arm, (4, 5)))[inside]
    effects = _kernel_trial.read_effects(
        group, 2 * ACTIONS, treated[inside], outcome[inside],
        (firm.active * firm.worth)[inside], 0.95,
    )  # fmt: skip
    heads = np.maximum(np.bincount(group, minlength=2 * ACTIONS), 1)
    true = np.bincount(group, (change * firm.worth)[inside], 2 * ACTIONS) / heads
    learnt = _kernel_trial.read_shares(
        group, 2 * ACTIONS, treated[inside], outcome[inside],
        (firm.active * firm.worth)[inside], firm.worth[inside],
    )  # fmt: skip
    known = ~np.isnan(effects.low)
    done = arm == _kernel_trial.DONE
    gain = firm.gain[everybody, action]
    quarter = Quarter(
        planned=planned,
        tried=np.bincount(action[treated], minlength=ACTIONS) >= _kernel_trial.LEAST,
        treated=float(treated.mean()),
        profit=float(gain[done].sum()),
        held_out=1.0 - float(done.sum()) / int(some.sum()) if some.any() else LEAST,
        covered=((effects.low <= true) & (true <= effects.high))[known],
    )
    return quarter, *learnt


def _shares(firm: Firm, planned: npt.NDArray[np.int16], belief: _kernel_trial.Belief) -> FloatArray:
    code = np.maximum(planned, 0)
    heads = np.bincount(planned[planned >= 0], minlength=ACTIONS).astype(np.float64)
    expected = np.bincount(code, (firm.active * firm.worth) * (planned >= 0), ACTIONS)
    counted_on = np.bincount(code, belief.mean[code] * firm.worth * (planned >= 0), ACTIONS)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.abs(counted_on / expected)
    share = _kernel_trial.share_to_detect(heads, wanted, np.full(ACTIONS, 1.5), 0.95, 0.8)
    return np.asarray(np.clip(share, LEAST, MOST)[code])


def oracle(firm: Firm, held_out: float) -> float:
    """Return what a plan earns that knows every effect, with the same budget and hold-out."""
    gain = np.where(OPEN[firm.kind] & (firm.gain > 0.0), firm.gain, np.nan)
    budget = 0.5 * firm.kind.size * float(COST.mean())
    chosen = _kernel_allocate.allocate(gain, np.broadcast_to(COST, gain.shape), budget).measure
    rows = np.flatnonzero(chosen >= 0)
    return float(firm.gain[rows, chosen[rows]].sum()) * (1.0 - held_out)


def fixed_rules(firm: Firm, held_out: float) -> FloatArray:
    """Return what ten rules earn that never learn, with the same budget and hold-out.

    Nobody; or the first, second or third action that is open, to whom is worth most, is expected
    to bring most, or has most to lose.
    """
    budget = 0.5 * firm.kind.size * float(COST.mean())
    scores = (firm.worth, firm.worth * firm.active, firm.worth * (1.0 - firm.active))
    earned = [0.0]
    for k in range(3):
        action = np.array([np.flatnonzero(row)[k] for row in OPEN])[firm.kind]
        for score in scores:
            order = np.argsort(-score, kind="stable")
            order = order[np.cumsum(COST[action[order]]) <= budget]
            earned.append(float(firm.gain[order, action[order]].sum()) * (1.0 - held_out))
    return np.array(earned)
