"""The words of a decision: stances, the four facts it rests on, and their codes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from retainkit._core.labels import Label
from retainkit.typing import BoolArray

TierRole: TypeAlias = Literal["key", "ordinary", "small"]
"""What a tier means for policy, whatever its name: the top, the middle, the bottom."""

StandingName: TypeAlias = Literal["good", "watch", "bad"]
"""How a customer pays and behaves; `good` means nothing is known against it."""

PotentialState: TypeAlias = Literal["yes", "no", "unknown"]
"""Whether a customer can rise to the next tier; `unknown` is not a no."""

RiskBand: TypeAlias = Literal["low", "medium", "high", "unknown"]
"""Band of the churn probability; `unknown` when none was supplied."""

Relation: TypeAlias = Literal[
    "prospect", "new", "present", "quiet", "unanswered", "recoverable", "gone", "ended"
]
"""State of the relation; `unanswered` is quiet and was asked three times in vain, `recoverable` is
gone, but lately, for a reason that can be mended, and not yet tried three times."""

Contact: TypeAlias = Literal["all", "service_only", "none"]
"""What a customer may be contacted for: anything, the service it bought, nothing."""

Evidence: TypeAlias = Literal["ranked", "too_few", "not_ranked", "too_large", "guarded"]
"""Whether something may be taken away: the forecast ranks who is there and the small ones brought
little; there are too few to judge; it does not rank; those it calls small brought too much; or a
guard rail speaks against it."""

Complaint: TypeAlias = Literal["open", "none"]
"""Whether a complaint is waiting to be settled."""

LossReason: TypeAlias = Literal["price_or_product", "mix", "returns", "service"]
"""What costs an unprofitable customer most."""

StageName: TypeAlias = Literal[
    "prospect", "new", "growing", "mature", "declining", "lapsed", "won_back"
]
"""Lifecycle stage."""

Phase: TypeAlias = Literal["before", "during", "after", "between"]
"""Where a customer is in its rhythm: the next purchase is due, the last one is days or weeks old,
or nothing is near."""

Breadth: TypeAlias = Literal["one_line", "several_lines"]
"""How many business lines a customer buys from."""

Renewal: TypeAlias = Literal["due", "later"]
"""Whether the contract can end soon."""

Purpose: TypeAlias = Literal["marketing", "service"]
"""What a contact is for; who wants service contact only gets no marketing."""

RELATIONS: tuple[Relation, ...] = get_args(Relation)
CONTACTS: tuple[Contact, ...] = get_args(Contact)
EVIDENCE: tuple[Evidence, ...] = get_args(Evidence)
TIER_ROLES: tuple[TierRole, ...] = get_args(TierRole)
STANDINGS: tuple[StandingName, ...] = get_args(StandingName)
POTENTIALS: tuple[PotentialState, ...] = get_args(PotentialState)
RISKS: tuple[RiskBand, ...] = get_args(RiskBand)


def among(every: tuple[str, ...], allowed: tuple[str, ...]) -> BoolArray:
    """Return which words of a vocabulary are allowed; no words allowed means all are."""
    return np.array([not allowed or word in allowed for word in every], dtype=np.bool_)


class Lookup:
    """Arrays derived from a config, kept beside its fields; compares by identity, never by value.

    pydantic compares everything an instance holds before it falls back to the fields, and bare
    arrays have no single truth value.
    """

    __slots__ = ("arrays",)

    def __init__(self, **arrays: npt.NDArray[Any]) -> None:
        for array in arrays.values():
            array.setflags(write=False)
        self.arrays = arrays


class Stance(StrEnum):
    """What to do about a customer, from investing most to ending the relation.

    `economise`, `exit` and `let_go` take something away from the customer: they are *adverse* and
    carry guard rails. `rescue` is for who has fallen quiet, `win_back` and `let_go` for who is
    gone; `no_contact` for who must not be written to.

    Examples
    --------
    >>> from retainkit.policy import Stance
    >>> [stance.value for stance in Stance][:6]
    ['protect', 'develop', 'maintain', 'nurture', 'economise', 'exit']
    >>> [stance.value for stance in Stance][6:]
    ['rescue', 'win_back', 'let_go', 'no_contact']
    >>> Stance.DEVELOP.label.zh, Stance.EXIT.is_adverse
    ('提升', True)
    """

    PROTECT = "protect"
    DEVELOP = "develop"
    MAINTAIN = "maintain"
    NURTURE = "nurture"
    ECONOMISE = "economise"
    EXIT = "exit"
    RESCUE = "rescue"
    WIN_BACK = "win_back"
    LET_GO = "let_go"
    NO_CONTACT = "no_contact"

    @property
    def label(self) -> Label:
        """Both display names."""
        en, zh = _STANCE_LABELS[self]
        return Label(en=en, zh=zh)

    @property
    def is_adverse(self) -> bool:
        """Whether the stance takes something away from the customer."""
        return self in (Stance.ECONOMISE, Stance.EXIT, Stance.LET_GO)

    @property
    def is_investment(self) -> bool:
        """Whether the stance spends on the customer in the hope of more."""
        return self in _INVESTMENTS


STANCES: tuple[Stance, ...] = tuple(Stance)
_INVESTMENTS = (Stance.PROTECT, Stance.DEVELOP, Stance.NURTURE, Stance.RESCUE, Stance.WIN_BACK)

_STANCE_LABELS: dict[Stance, tuple[str, str]] = {
    Stance.PROTECT: ("Protect and deepen", "保护与深化"),
    Stance.DEVELOP: ("Develop", "提升"),
    Stance.MAINTAIN: ("Maintain", "维持"),
    Stance.NURTURE: ("Nurture", "培育"),
    Stance.ECONOMISE: ("Make profitable", "转亏为盈"),
    Stance.EXIT: ("End the relation", "终止关系"),
    Stance.RESCUE: ("Rescue", "挽留"),
    Stance.WIN_BACK: ("Win back", "赢回"),
    Stance.LET_GO: ("Let go", "放手"),
    Stance.NO_CONTACT: ("No contact", "不再联系"),
}


class GuardRail(StrEnum):
    """What must be looked at before something is taken away from a customer.

    Examples
    --------
    >>> from retainkit.policy import GuardRail
    >>> GuardRail.REPLACEMENT_COST.label.en
    'Cost of winning a replacement'
    """

    LOST_CONTRIBUTION = "lost_contribution"
    REPLACEMENT_COST = "replacement_cost"
    EXPOSURE = "exposure"
    PROTECTED_ATTRIBUTES = "protected_attributes"

    @property
    def label(self) -> Label:
        """Both display names."""
        en, zh, *_ = _GUARD_RAIL_TEXTS[self]
        return Label(en=en, zh=zh)

    @property
    def description(self) -> Label:
        """What the guard rail asks, in both languages."""
        *_, en, zh = _GUARD_RAIL_TEXTS[self]
        return Label(en=en, zh=zh)


GUARD_RAILS: tuple[GuardRail, ...] = tuple(GuardRail)

_GUARD_RAIL_TEXTS: dict[GuardRail, tuple[str, str, str, str]] = {
    GuardRail.LOST_CONTRIBUTION: (
        "Lost contribution and scale",
        "损失的贡献与规模",
        "The contribution that leaves with the customer; small customers also carry scale "
        "economies and the cost position.",
        "客户离开带走的贡献；小客户还支撑着规模经济和成本优势。",
    ),
    GuardRail.REPLACEMENT_COST: (
        "Cost of winning a replacement",
        "重新获取客户的成本",
        "Winning one new customer costs several times keeping one.",
        "赢得一个新客户的成本是保持一个老客户的数倍。",
    ),
    GuardRail.EXPOSURE: (
        "Exposure to complaints and word of mouth",
        "投诉与口碑风险",
        "Customers pushed away strengthen competitors, complain, spread bad word of mouth and "
        "may charge discrimination.",
        "被推走的客户会壮大竞争对手、投诉、散布不良口碑，并可能指责歧视。",
    ),
    GuardRail.PROTECTED_ATTRIBUTES: (
        "Protected attributes kept out",
        "不使用受保护属性",
        "No decision here can see a protected attribute: there is no argument that takes one.",
        "任何决策都看不到受保护属性：没有任何参数可以接收它们。",
    ),
}
