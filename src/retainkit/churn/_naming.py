"""From the probability of each leaf to a verdict: which leaf may be named, and by which rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import (
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
from retainkit.churn._kernel import any_row
from retainkit.churn._kernel_reliability import Rates, log_joint, to_shares
from retainkit.churn._records import LEAVES, Records, find_patterns, kind_of
from retainkit.typing import BoolArray, FloatArray

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
