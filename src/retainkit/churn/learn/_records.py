"""The records that models of causes learn from, and how latent classes get names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.churn._kernel import any_row
from retainkit.churn.causes._cause_table import CauseTable
from retainkit.churn.causes._taxonomy import (
    BRANCH_OF,
    CAUSES,
    MECHANISMS,
    RULE_CODE,
    RULES,
    STATUS_CODE,
    UNKNOWN_CODE,
    AttributionRule,
    Branch,
    EvidenceStatus,
    Mechanism,
)
from retainkit.churn.learn._kernel_reliability import Rates, log_joint, to_shares
from retainkit.typing import BoolArray, FloatArray

_POINTS = tuple(
    STATUS_CODE[status]
    for status in (
        EvidenceStatus.USED,
        EvidenceStatus.REPEATED,
        EvidenceStatus.OUTSIDE_BRANCH,
        EvidenceStatus.VETOED,
    )
)
SPEAKS = (*_POINTS, STATUS_CODE[EvidenceStatus.NEUTRAL])
"""Fates of events that say something of a loss, whether they counted or not."""
LEAVES = np.array([code for code in range(len(CAUSES)) if code != UNKNOWN_CODE])
"""Codes of the leaves a loss may truly have."""
KEPT_KINDS = ("service_ended", "bills_unpaid", "debt_default", "low_satisfaction")
"""Facts `gather_evidence` finds in tables kept for everybody, silent leavers included."""
_ENDED, _UNPAID = "service_ended", "bills_unpaid"


class Records(NamedTuple):
    """Statements on record, and how often the rules let each point to each leaf."""

    names: tuple[str, ...]
    said: BoolArray
    """Shape (losses, statements)."""
    points: FloatArray
    """Shape (statements, leaves): events that point there, by the rules."""


class Patterns(NamedTuple):
    """The distinct rows of a table of yes and no."""

    said: FloatArray
    losses: FloatArray
    of_loss: npt.NDArray[np.int64]
    open_to: BoolArray | None = None
    """Shape (rows, leaves): what the causes of these losses may be."""


def spoken(causes: CauseTable) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return customer and statement of each event that says something of a loss."""
    evidence = causes.evidence
    rows = np.flatnonzero((evidence.customer >= 0) & np.isin(evidence.status_code, SPEAKS))
    return (
        evidence.customer[rows].astype(np.int64),
        evidence.statement_code[rows].astype(np.int64),
    )


def first_places(names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Return the first place of each name: statements that differ only in source are one."""
    first = {name: place for place, name in reversed(list(enumerate(names)))}
    return np.array([first[name] for name in names], dtype=np.int64)


def read_records(causes: CauseTable, wanted: tuple[str, ...] | None = None) -> Records:
    """Return the statements on record, sorted by name, or those `wanted`, in their order.

    How a contract ended and that its bills were open are two entries of one record, not two
    witnesses: together they make a statement of their own.
    """
    distinct = sorted(set(causes.evidence.statements))
    column = {name: place for place, name in enumerate(distinct)}
    of = np.array([column[name] for name in causes.evidence.statements], dtype=np.int64)
    said = np.zeros((len(causes), len(distinct)), dtype=np.bool_)
    customer, statement = spoken(causes)
    if len(statement):
        said[customer, of[statement]] = True
    points = _count_points(causes, of, len(distinct))
    names, said, points = _join_records(distinct, said, points, wanted)
    if wanted is None:
        seen = np.flatnonzero(said.any(axis=0))
        order = seen[np.argsort(np.array(names, dtype=object)[seen])] if len(seen) else seen
        return Records(tuple(names[i] for i in order), said[:, order], points[order])
    place = {name: number for number, name in enumerate(names)}
    chosen = np.array([place.get(name, len(names)) for name in wanted], dtype=np.int64)
    said = np.column_stack([said, np.zeros(len(causes), dtype=np.bool_)])
    points = np.vstack([points, np.zeros(len(LEAVES))])
    return Records(wanted, said[:, chosen], points[chosen])


def _count_points(causes: CauseTable, of: npt.NDArray[np.int64], size: int) -> FloatArray:
    """Return how many events of each statement the rules let point to each leaf."""
    found = causes.evidence
    rows = (found.customer >= 0) & (found.cause_code >= 0) & np.isin(found.status_code, _POINTS)
    flat = of[found.statement_code[rows]] * len(CAUSES) if len(of) else np.zeros(0, np.int64)
    count = np.bincount(flat + found.cause_code[rows], minlength=size * len(CAUSES))
    return count.reshape(size, len(CAUSES))[:, LEAVES].astype(np.float64)


def _join_records(
    names: list[str], said: BoolArray, points: FloatArray, wanted: tuple[str, ...] | None
) -> tuple[list[str], BoolArray, FloatArray]:
    """Put the end of a contract and its open bills into one column where both are on record."""
    if _UNPAID not in names:
        return names, said, points
    unpaid = names.index(_UNPAID)
    joined = np.zeros(len(said), dtype=np.bool_)
    more: list[Any] = []
    for place, name in enumerate(names):
        whole = f"{name}; {_UNPAID}"
        if kind_of(name) != _ENDED or (wanted is not None and whole not in wanted):
            continue
        both = said[:, place] & said[:, unpaid]
        said[both, place] = False
        joined |= both
        more.append((whole, both, points[place]))
    said[joined, unpaid] = False
    return (
        [*names, *(whole for whole, _, _ in more)],
        np.column_stack([said, *(both for _, both, _ in more)]),
        np.vstack([points, *(row for _, _, row in more)]),
    )


def kind_of(name: str) -> str:
    """Return the kind of event of a statement."""
    return name.split(":")[0].split(";")[0]


def find_patterns(said: BoolArray, open_to: BoolArray | None = None) -> Patterns:
    """Return the distinct rows, how many losses show each, and the row of each loss.

    Losses that leave other leaves open (`open_to`) are told apart.
    """
    if open_to is not None:
        found = find_patterns(np.column_stack([said, open_to]))
        width = said.shape[1]
        leaves = found.said[:, width:] > 0.0
        return Patterns(found.said[:, :width], found.losses, found.of_loss, leaves)
    if not said.shape[1]:
        return Patterns(
            np.zeros((min(len(said), 1), 0)),
            np.full(min(len(said), 1), float(len(said))),
            np.zeros(len(said), dtype=np.int64),
        )
    packed = np.ascontiguousarray(np.packbits(said, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).reshape(-1)
    _, first, of_loss, count = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return Patterns(said[first].astype(np.float64), count.astype(np.float64), of_loss.reshape(-1))


_CUSTOMER = MECHANISMS.index(Mechanism.CUSTOMER)
TIE = 1e-9
"""Probabilities this close are one."""
_ACTIVE = np.array([BRANCH_OF[cause] is Branch.ACTIVE for cause in CAUSES])
_COUNTED = [STATUS_CODE[EvidenceStatus.USED], STATUS_CODE[EvidenceStatus.REPEATED]]
_ABSTAINS = np.array([rule.is_abstention for rule in RULES])


def posterior_of(
    records: Records,
    rates: Rates,
    kept: tuple[bool, ...],
    *,
    leaves: npt.NDArray[np.integer[Any]],
) -> FloatArray:
    """Return the probability of each of the eight leaves, one row per loss."""
    patterns = find_patterns(records.said)
    joint = log_joint(patterns.said, np.array(kept, dtype=np.bool_), rates)
    shares, _ = to_shares(joint)
    out = np.zeros((len(records.said), len(CAUSES)))
    if len(out):
        size = len(leaves)
        out[:, leaves] = (shares[:, :size] + shares[:, size:])[patterns.of_loss]
    return out


def likeliest(
    posterior: FloatArray, causes: CauseTable
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the likeliest leaf that may be named, and its probability; -1 where none may."""
    may = causes.permitted & causes.anchored & _narrowed(causes)[:, None]
    may = may & (_ACTIVE | ~_meant_to_leave(causes)[:, None])
    may[:, UNKNOWN_CODE] = False
    allowed = np.where(may, posterior, -1.0)
    best = allowed.argmax(axis=1) if len(allowed) else np.zeros(0, dtype=np.int64)
    return best, allowed[np.arange(len(allowed)), best]


def keep_proven(
    causes: CauseTable, code: npt.NDArray[np.int8], rule: npt.NDArray[np.int8]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return verdicts and their rules with those that a fact decides left as they were.

    A death, a closure and a fraud ruling are final, whatever else was learnt, unless a later
    statement of the customer or another fact contradicts it.
    """
    proven = has_fact(causes) & (causes.cause_code != UNKNOWN_CODE)
    proven &= causes.anchored[:, LEAVES].sum(axis=1) == 1
    return np.where(proven, causes.cause_code, code), np.where(proven, causes.rule_code, rule)


def has_fact(causes: CauseTable) -> BoolArray:
    """Return of whom a fact counts that no other evidence outweighs."""
    found = causes.evidence
    kinds = [causes.catalog.event_kind(kind_of(name)) for name in found.statements]
    final = np.array([*(kind.final for kind in kinds), False], dtype=np.bool_)
    counts = (found.customer >= 0) & np.isin(found.status_code, _COUNTED)
    return any_row(found.customer, counts & final[found.statement_code], len(causes))


def _narrowed(causes: CauseTable) -> BoolArray:
    """Return of whom anything is on record that speaks for some causes rather than others."""
    return (causes.evidence_count > 0) | (causes.set_aside_count > 0) | (causes.mechanism_code >= 0)


def _meant_to_leave(causes: CauseTable) -> BoolArray:
    """Return who gave notice before the payment failed: the loss is active."""
    found = causes.evidence
    outside = (found.customer >= 0) & (
        found.status_code == STATUS_CODE[EvidenceStatus.OUTSIDE_BRANCH]
    )
    struck = any_row(found.customer, outside, len(causes))
    left_open = _ABSTAINS[causes.rule_code] & (causes.mechanism_code == _CUSTOMER) & struck
    intent = causes.rule_code == RULE_CODE[AttributionRule.INTENT_BEFORE_PAYMENT]
    meant: BoolArray = intent | left_open
    return meant


def rules_of(
    causes: CauseTable, posterior: FloatArray, named: BoolArray, bar: float
) -> npt.NDArray[np.int8]:
    """Return the rule of each verdict, or why there is none."""
    nothing = ~_narrowed(causes)
    kept = np.isin(
        causes.rule_code,
        [RULE_CODE[AttributionRule.NO_EVIDENCE], RULE_CODE[AttributionRule.NOT_STATED]],
    )
    struck = posterior.max(axis=1, initial=0.0) >= bar - TIE
    in_order = [
        (named, np.full(len(causes), RULE_CODE[AttributionRule.LEARNT])),
        (nothing & kept, causes.rule_code),
        (struck & ~nothing, np.full(len(causes), RULE_CODE[AttributionRule.ALL_SET_ASIDE])),
    ]
    return np.select(
        [condition for condition, _ in in_order],
        [rule for _, rule in in_order],
        RULE_CODE[AttributionRule.TOO_UNCERTAIN],
    ).astype(np.int8)
