"""Guard rails: what is lost, what replacing costs, who could object; each passes or stops."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.labels import Label
from retainkit.policy._config import Exposure, PolicyConfig
from retainkit.policy._vocabulary import GUARD_RAILS, STANCES, GuardRail, Stance
from retainkit.typing import BoolArray, FloatArray, Language

GuardRailStatus: TypeAlias = Literal["computed", "partly_computed", "not_supplied", "kept_out"]
"""What came of one check."""

GuardRailVerdict: TypeAlias = Literal["pass", "downgrade", "block"]
"""What follows: nothing; who is stopped is maintained; nothing is taken from anybody."""


class GuardRailResult(NamedTuple):
    """The result of one check.

    Attributes
    ----------
    guard_rail : GuardRail
        What was checked.
    status : {"computed", "partly_computed", "not_supplied", "kept_out"}
        What came of it; "kept_out": protected attributes cannot reach the decision.
    amount : float or None
        What is at stake [money], for exposure [people]; None unless computed.
    note : Label
        How it was computed, or what to supply, in both languages.
    verdict : {"pass", "downgrade", "block"}
        "downgrade": from some of these nothing is taken, they are maintained; "block": from
        nobody is.
    stopped : int
        From how many of these nothing is taken because of it [count].

    Examples
    --------
    >>> from retainkit.policy import assess_potential, decide_actions
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> decisions = decide_actions(
    ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
    >>> decisions.explain(4).guard_rails[1].note.en
    'Supply PolicyConfig(retention_cost=...) or (acquisition_cost=...)'
    """

    guard_rail: GuardRail
    status: GuardRailStatus
    amount: float | None
    note: Label
    verdict: GuardRailVerdict = "pass"
    stopped: int = 0


_PLACE = {rail: place for place, rail in enumerate(GUARD_RAILS)}
_COMPUTED_LOSS = Label(
    en="Future value of these customers over the horizon", zh="这些客户在预测期内的未来价值"
)
_NO_VALUE = Label(en="Supply value=... to decide_actions", zh="请向 decide_actions 提供 value")
_SOME_VALUES = Label(
    en="Future value where it is known; some customers have none",
    zh="已知部分客户的未来价值；部分客户未知",
)
_NO_COST = Label(
    en="Supply PolicyConfig(retention_cost=...) or (acquisition_cost=...)",
    zh="请提供 PolicyConfig(retention_cost=...) 或 (acquisition_cost=...)",
)
_NO_EXPOSURE = Label(
    en="Supply PolicyConfig(exposure=Exposure(complaint_propensity=..., reach=...))",
    zh="请提供 PolicyConfig(exposure=Exposure(complaint_propensity=..., reach=...))",
)


def speaks_against(values: FloatArray, config: PolicyConfig) -> npt.NDArray[np.bool_]:
    """Return for each guard rail (axis 0) and customer (1) whether it stops taking something away.

    What may be lost is weighed against what may be saved: the chance that a customer leaves over
    it, times its contribution (with the fixed cost it carries), or times the cost of a
    replacement, against a share of the contribution. Unknown figures stop nothing.
    """
    guard, n = config.guard, len(values)
    saved = guard.saved_share * np.abs(values)
    stops = np.zeros((len(GUARD_RAILS), n), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        lost = guard.leaves * (np.maximum(values, 0.0) + (config.scale_cost or 0.0))
        stops[_PLACE[GuardRail.LOST_CONTRIBUTION]] = lost > saved
        if config.replacement_cost is not None:
            replaced = guard.leaves * config.replacement_cost
            stops[_PLACE[GuardRail.REPLACEMENT_COST]] = replaced > saved
    if config.exposure is not None:
        stops[_PLACE[GuardRail.EXPOSURE]] = config.exposure.people > guard.most_people
    return stops


def check_guard_rails(
    known_values: FloatArray, config: PolicyConfig
) -> tuple[GuardRailResult, ...]:
    """Return the four results for a group of customers from whom something would be taken."""
    n = known_values.size
    results = [_lost_contribution(known_values, config)]
    cost = config.replacement_cost
    rail = GuardRail.REPLACEMENT_COST
    results.append(
        GuardRailResult(rail, "not_supplied", None, _NO_COST)
        if cost is None
        else GuardRailResult(rail, "computed", n * cost, _replacement_note(config))
    )
    rail, exposure = GuardRail.EXPOSURE, config.exposure
    results.append(
        GuardRailResult(rail, "not_supplied", None, _NO_EXPOSURE)
        if exposure is None
        else GuardRailResult(rail, "computed", n * exposure.people, _exposure_note(exposure))
    )
    rail = GuardRail.PROTECTED_ATTRIBUTES
    results.append(GuardRailResult(rail, "kept_out", None, rail.description))
    stopped = speaks_against(known_values, config).sum(axis=1).tolist()
    return tuple(
        result._replace(verdict=_verdict(result.guard_rail, count), stopped=count)
        for result, count in zip(results, stopped, strict=True)
    )


def _verdict(rail: GuardRail, stopped: int) -> GuardRailVerdict:
    if not stopped:
        return "pass"
    return "block" if rail is GuardRail.EXPOSURE else "downgrade"


def _lost_contribution(values: FloatArray, config: PolicyConfig) -> GuardRailResult:
    rail, known = GuardRail.LOST_CONTRIBUTION, values[~np.isnan(values)]
    if not known.size:
        return GuardRailResult(rail, "not_supplied", None, _NO_VALUE)
    loss = math.fsum(known.tolist()) + (config.scale_cost or 0.0) * values.size
    complete = known.size == values.size
    note = _COMPUTED_LOSS if complete else _SOME_VALUES
    if config.scale_cost is not None:
        note = Label(
            en=f"{note.en}, plus fixed cost left to the others, {config.scale_cost:g} each",
            zh=f"{note.zh}，加上转由其他客户分摊的固定成本，每位 {config.scale_cost:g}",
        )
    return GuardRailResult(rail, "computed" if complete else "partly_computed", loss, note)


def _exposure_note(exposure: Exposure) -> Label:
    share, reach = exposure.complaint_propensity, exposure.reach
    return Label(
        en=f"People who hear of it: complaint propensity {share:g} x reach {reach:g} each "
        f"({exposure.source})",
        zh=f"听到此事的人数：每位投诉倾向 {share:g} × 传播范围 {reach:g}",
    )


def _replacement_note(config: PolicyConfig) -> Label:
    if config.acquisition_cost is not None:
        return Label(
            en=f"Acquisition cost {config.acquisition_cost:g} per customer, supplied",
            zh=f"每位客户获取成本 {config.acquisition_cost:g}（已提供）",
        )
    ratio = config.acquisition_ratio
    source_zh = {"textbook": "教科书默认值", "estimated": "估计值", "supplied": "已提供"}
    return Label(
        en=f"Retention cost {config.retention_cost:g} x ratio {ratio.value:g} ({ratio.source})",
        zh=f"保持成本 {config.retention_cost:g} × 比率 {ratio.value:g}"
        f"（{source_zh[ratio.source]}）",
    )


def guard_rail_frame(
    future_value: FloatArray,
    adverse: BoolArray,
    guarded: BoolArray,
    stance: npt.NDArray[np.int8],
    *,
    config: PolicyConfig,
    language: Language,
) -> pd.DataFrame:
    """Return the results per stance under which something is taken, or would be (`guarded`)."""
    rows: list[dict[str, Any]] = []
    for code, name in enumerate(STANCES):
        group = adverse & (stance == code)
        if name is Stance.ECONOMISE:
            group = group | guarded
        if group.any():
            rows.extend(
                {
                    "stance": name.value,
                    "guard_rail": result.guard_rail.value,
                    "name": result.guard_rail.label.text(language),
                    "customers": int(group.sum()),
                    "status": result.status,
                    "amount": np.nan if result.amount is None else result.amount,
                    "verdict": result.verdict if name is Stance.ECONOMISE else "pass",
                    "stopped": result.stopped if name is Stance.ECONOMISE else 0,
                    "note": result.note.text(language),
                }
                for result in check_guard_rails(future_value[group], config)
            )
    columns = ["stance", "guard_rail", "name", "customers", "status", "amount"]
    columns += ["verdict", "stopped", "note"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["stance"] = pd.Categorical(frame["stance"], [s.value for s in STANCES], ordered=True)
    rails = [rail.value for rail in GUARD_RAILS]
    frame["guard_rail"] = pd.Categorical(frame["guard_rail"], rails, ordered=True)
    return frame
