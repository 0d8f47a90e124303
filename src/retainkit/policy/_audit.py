"""After the fact: do adverse decisions fall on protected groups more than on others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.arrays import check_length
from retainkit._core.columns import Column, recorded
from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable
from retainkit.errors import PolicyStoppedError
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._vocabulary import STANCES, Stance
from retainkit.typing import BoolArray, PositiveFloat, PositiveInt, Rate

ANY_ADVERSE = "any_adverse"


class AuditConfig(FrozenConfig):
    """When a difference between groups is too large.

    Parameters
    ----------
    min_ratio : float
        Least ratio of the shares *not* adversely treated, group over best-treated group; 0.8 is
        the four-fifths rule.
    max_adverse_ratio : float or None
        Largest ratio of the shares adversely treated, group over best-treated group; None = not
        used. Stricter where adverse decisions are rare.
    min_group : int
        Smaller groups are shown but not judged.
    on_breach : {"stop", "report"}
        Whether `AuditTable.enforce` raises.

    Examples
    --------
    >>> from retainkit.policy import AuditConfig
    >>> AuditConfig(max_adverse_ratio=1.25).min_ratio
    0.8
    """

    min_ratio: Rate = 0.8
    max_adverse_ratio: PositiveFloat | None = None
    min_group: PositiveInt = 30
    on_breach: Literal["stop", "report"] = "stop"


class AuditRow(NamedTuple):
    """One group under one adverse stance.

    Attributes
    ----------
    attribute, group : str
        The protected attribute and its value; "not stated" where missing.
    stance : str
        "economise", "exit", "let_go" or "any_adverse": something may be taken, under
        whatever stance.
    customers, adverse : int
        In the group; of these, treated so.
    rate : float
        adverse / customers.
    ratio : float
        (1 - rate) over that of the best-treated judged group; NaN when not judged.
    adverse_ratio : float
        rate over that of the best-treated judged group; NaN when not judged, infinite when that
        group has none.
    status : {"passed", "breached", "too_few"}
        What came of it.

    Examples
    --------
    >>> from retainkit.policy import AuditRow
    >>> AuditRow("sex", "f", "exit", 100, 10, 0.1, 0.95, 2.0, "passed").rate
    0.1
    """

    attribute: str
    group: str
    stance: str
    customers: int
    adverse: int
    rate: float
    ratio: float
    adverse_ratio: float
    status: Literal["passed", "breached", "too_few"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AuditTable(ResultTable):
    """Hold adverse decisions by protected group.

    Attributes
    ----------
    rows : tuple of AuditRow
        One per attribute, stance and group.
    config : AuditConfig
        The limits.

    Examples
    --------
    >>> from retainkit.policy import assess_potential, audit_decisions, decide_actions
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> decisions = decide_actions(
    ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
    >>> audit_decisions(decisions, {"sex": ["f", "m", "f", "m", "f"]})
    <AuditTable: 8 groups; next: .to_frame(), .summary() or .enforce()>
    """

    _what: ClassVar[str] = "groups"
    _next_step: ClassVar[str] = ".to_frame(), .summary() or .enforce()"
    _schema: ClassVar[tuple[Column, ...]] = (*recorded("rows", *AuditRow._fields),)

    rows: tuple[AuditRow, ...]
    config: AuditConfig

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def breaches(self) -> tuple[AuditRow, ...]:
        """Groups under a stance for which a limit is broken."""
        return tuple(row for row in self.rows if row.status == "breached")

    @property
    def passed(self) -> bool:
        """Whether no limit is broken."""
        return not self.breaches

    def enforce(self) -> None:
        """Raise PolicyStoppedError if a limit is broken and the config says so.

        The error names the worst group; nobody should act on the decisions before it is explained.
        """
        if self.passed or self.config.on_breach == "report":
            return
        worst = min(self.breaches, key=lambda row: row.ratio)
        raise PolicyStoppedError(
            f"{worst.stance} falls on {worst.attribute}={worst.group!r} at {worst.rate:.1%}, "
            f"ratio {worst.ratio:.3f}, adverse ratio {worst.adverse_ratio:.3f} "
            f"({len(self.breaches)} breaches)",
            rule=f"the ratio is at least {self.config.min_ratio:g}, the adverse ratio at most "
            f"{self.config.max_adverse_ratio}",
            where="AuditTable.breaches",
            fix="find the rule and the data behind the difference; AuditConfig(on_breach="
            '"report") only reports',
        )

    def summary(self) -> pd.DataFrame:
        """Return the rows of `to_frame` with the lowest ratio of each attribute and stance."""
        judged = [row for row in self.rows if row.status != "too_few"]
        worst: dict[tuple[str, str], AuditRow] = {}
        for row in judged:
            key = row.attribute, row.stance
            if key not in worst or row.ratio < worst[key].ratio:
                worst[key] = row
        return pd.DataFrame(list(worst.values()), columns=list(AuditRow._fields))


def audit_decisions(
    decisions: DecisionTable,
    protected: Mapping[str, Any] | pd.DataFrame,
    *,
    config: AuditConfig | None = None,
) -> AuditTable:
    """Report whether adverse decisions fall on protected groups more than on others.

    The only place of this room that sees protected attributes; it cannot change a decision.

    Parameters
    ----------
    decisions : DecisionTable
        Decisions already taken.
    protected : mapping of str to array_like, or pandas.DataFrame
        Protected attributes by name, one entry per customer in the order of the decisions;
        missing entries are a group of their own, "not stated".
    config : AuditConfig, optional
        The limits.

    Returns
    -------
    AuditTable
        Attributes in the order given; stances economise, exit, any_adverse; groups sorted.

    Raises
    ------
    AlignmentError
        If an attribute has another number of entries.

    Notes
    -----
    ratio = (1 - r_g) / max_h (1 - r_h), adverse_ratio = r_g / min_h r_h, over groups h of at
    least `min_group` customers, r = share adversely treated.

    References
    ----------
    Uniform Guidelines on Employee Selection Procedures (1978), 29 CFR 1607.4 D (four-fifths).

    Examples
    --------
    >>> from retainkit.policy import AuditConfig, assess_potential, audit_decisions, decide_actions
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> decisions = decide_actions(
    ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
    >>> audit = audit_decisions(decisions, {"sex": ["f", "f", "m", "m", "m"]},
    ...                         config=AuditConfig(min_group=2))
    >>> audit.to_frame().loc[:1, ["group", "stance", "customers", "rate", "ratio", "status"]]
      group     stance  customers      rate     ratio    status
    0     f  economise          2  0.000000  1.000000    passed
    1     m  economise          3  0.666667  0.333333  breached
    """
    config = config or AuditConfig()
    stances: dict[str, BoolArray] = {
        name.value: decisions.stance == STANCES.index(name) for name in Stance if name.is_adverse
    }
    stances[ANY_ADVERSE] = decisions.is_adverse
    rows: list[AuditRow] = []
    for attribute, given in protected.items():
        values = pd.Series(given).reset_index(drop=True)
        check_length(len(values), len(decisions), f"protected[{attribute!r}]")
        known = values.notna().to_numpy()
        texts = np.where(known, values.astype(str).to_numpy(), "not stated").astype(str)
        groups, code = np.unique(texts, return_inverse=True)
        for stance, adverse in stances.items():
            counts = np.bincount(code, minlength=groups.size)
            hits = np.bincount(code[adverse], minlength=groups.size)
            rows.extend(_judge(str(attribute), stance, groups.tolist(), (counts, hits), config))
    return AuditTable(rows=tuple(rows), config=config)


def _judge(
    attribute: str,
    stance: str,
    groups: list[str],
    tables: tuple[Any, Any],
    config: AuditConfig,
) -> list[AuditRow]:
    pairs = list(zip(tables[0].tolist(), tables[1].tolist(), strict=True))
    rates = [hit / count for count, hit in pairs]
    judged = [r for r, (n, _) in zip(rates, pairs, strict=True) if n >= config.min_group]
    low = min(judged, default=math.nan)
    rows = []
    for group, rate, (count, hit) in zip(groups, rates, pairs, strict=True):
        ratio = adverse = math.nan
        status: Literal["passed", "breached", "too_few"] = "too_few"
        if count >= config.min_group:
            ratio = (1.0 - rate) / (1.0 - low) if low < 1.0 else 1.0
            adverse = rate / low if low > 0.0 else (1.0 if rate == 0.0 else math.inf)
            most = config.max_adverse_ratio
            broken = ratio < config.min_ratio or (most is not None and adverse > most)
            status = "breached" if broken else "passed"
        rows.append(AuditRow(attribute, group, stance, count, hit, rate, ratio, adverse, status))
    return rows
