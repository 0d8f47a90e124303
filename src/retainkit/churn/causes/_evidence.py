"""Weigh evidence: which rows count, for which leaf, and how much."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.churn._config import AttributionConfig
from retainkit.churn._kernel import (
    CUSTOMER,
    MICROSECONDS_PER_DAY,
    NEVER,
    PAYMENT,
    SYSTEM,
    Settled,
    any_row,
    count_moments,
    decay,
    first_in_group,
    first_time,
    has_grievance,
    last_time,
    settle_mechanism,
    sum_by_leaf,
)
from retainkit.churn.causes._statements import NONE, StatementTable
from retainkit.churn.causes._taxonomy import (
    BRANCH_OF,
    CAUSE_CODE,
    CAUSES,
    STATUS_CODE,
    UNKNOWN_CODE,
    Branch,
    CauseCatalog,
    ChurnCause,
    EvidenceStatus,
    Signal,
)
from retainkit.typing import BoolArray, FloatArray

UNDATED = np.iinfo(np.int64).min
"""Time at which a customer left, where it is not known."""

_USED, _REPEATED, _NEUTRAL, _OUTSIDE, _VETOED, _RECOVERED, _STALE, _LATE = (
    STATUS_CODE[status] for status in list(EvidenceStatus)[:8]
)
_COMPETITIVE = CAUSE_CODE[ChurnCause.ACTIVE_COMPETITIVE]
_FAULT = CAUSE_CODE[ChurnCause.ACTIVE_FAULT]
_RETALIATORY = CAUSE_CODE[ChurnCause.PASSIVE_RETALIATORY]
_MALICIOUS = CAUSE_CODE[ChurnCause.PASSIVE_MALICIOUS]


def _allowed_leaves() -> BoolArray:
    """Return which leaves each mechanism allows; the last row is "nothing says what ended it"."""
    allowed = np.ones((4, len(CAUSES)), dtype=np.bool_)
    branches = {
        CUSTOMER: Branch.ACTIVE,
        PAYMENT: Branch.PASSIVE,
        SYSTEM: Branch.ADMINISTRATIVE,
    }
    for code, branch in branches.items():
        allowed[code] = [BRANCH_OF[cause] is branch for cause in CAUSES]
    return allowed


_ALLOWED = _allowed_leaves()
PRICE_LEAVES = np.array([BRANCH_OF[cause] is Branch.ACTIVE for cause in CAUSES])
"""Leaves that one price reason leaves open."""


class Evidence(NamedTuple):
    """The events of the `n` customers who left, as arrays; times in microseconds."""

    n: int
    customer: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    statement: npt.NDArray[np.int32]
    resolved: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]


class Weighed(NamedTuple):
    """Per piece of evidence its fate, leaf, sub-reason and weight; per customer the sums."""

    status: npt.NDArray[np.int8]
    leaf: npt.NDArray[np.int8]
    sub_reason: npt.NDArray[np.int16]
    weight: FloatArray
    score: FloatArray
    settled: Settled
    permitted: BoolArray
    """Shape (n, leaves): what no veto forbids."""
    anchored: BoolArray
    """Shape (n, leaves): what facts and stated reasons name; all where none does."""


class _Pointing(NamedTuple):
    """Leaf and sub-reason of each piece, before the vetoes; -1 = none."""

    leaf: npt.NDArray[np.int64]
    sub_reason: npt.NDArray[np.int64]


def weigh_evidence(
    evidence: Evidence, table: StatementTable, catalog: CauseCatalog, config: AttributionConfig
) -> Weighed:
    """Decide the fate and weight of every piece of evidence and sum them per customer and leaf."""
    age, status = _age(evidence, table, config)
    live = status == _USED
    fact = table.final[evidence.statement]
    settled = settle_mechanism(
        evidence.customer[live],
        evidence.time[live],
        table.mechanism[evidence.statement][live],
        table.end_record[evidence.statement][live],
        table.has(Signal.MISSED_PAYMENT)[evidence.statement][live],
        fact[live],
        n=evidence.n,
    )
    said = _point(evidence, table, catalog, settled, live, config)
    permitted = _permit(evidence, table, settled, live)
    leaf, status = _apply_vetoes(evidence, table, settled, permitted, said.leaf, status)
    weight = table.weight[evidence.statement] * decay(
        np.where(fact, 0.0, age), config.half_life_days
    )
    weight *= np.where(_is_settled(evidence, table, settled), config.settled_factor, 1.0)
    weight[status != _USED] = 0.0
    status, rows = _merge(evidence, leaf, weight, status)
    weight[status != _USED] = 0.0
    score = sum_by_leaf(
        evidence.customer[rows], leaf[rows], weight[rows], n=evidence.n, leaves=len(CAUSES)
    )
    sub_reason = np.where(_fits(catalog)[leaf, said.sub_reason], said.sub_reason, NONE)
    leaves, subs = leaf.astype(np.int8), sub_reason.astype(np.int16)
    anchored = _anchor(evidence, table, settled, leaf, status)
    permitted &= ~_said_nothing(evidence, table, status) | _named(evidence, leaf, status == _USED)
    permitted[:, UNKNOWN_CODE] = True
    return Weighed(status, leaves, subs, weight, score, settled, permitted, anchored)


def _named(evidence: Evidence, leaf: npt.NDArray[np.int64], rows: BoolArray) -> BoolArray:
    """Return which leaves some pieces of evidence name, shape (n, leaves)."""
    out = np.zeros((evidence.n, len(CAUSES)), dtype=np.bool_)
    out[evidence.customer[rows], leaf[rows]] = True
    return out


def _said_nothing(
    evidence: Evidence, table: StatementTable, status: npt.NDArray[np.int8]
) -> BoolArray:
    """Return who said "don't know", shape (n, 1): other evidence names their cause, or none."""
    silent = (status == _NEUTRAL) & table.stated[evidence.statement]
    silent &= table.mechanism[evidence.statement] == NONE
    return any_row(evidence.customer, silent, evidence.n)[:, None]


def _doubt_facts(
    evidence: Evidence,
    table: StatementTable,
    leaf: npt.NDArray[np.int64],
    status: npt.NDArray[np.int8],
) -> BoolArray:
    """Return whose death or closure is in doubt: from the next day on they gave another reason.

    A ruling of the firm, such as fraud, is not in doubt whatever the customer says.
    """
    statement, customer, n = evidence.statement, evidence.customer, evidence.n
    says = np.isin(status, (_USED, _REPEATED, _OUTSIDE))
    fact = table.final[statement] & (table.mechanism[statement] == CUSTOMER) & says
    since = first_time(customer, evidence.time, fact, n)
    since = np.where(since < NEVER, since + MICROSECONDS_PER_DAY, NEVER)
    other = ~_named(evidence, leaf, fact)[customer, leaf] & (leaf >= 0)
    later = table.stated[statement] & says & other & (evidence.time >= since[customer])
    return any_row(customer, later & (since[customer] < NEVER), n)


def _anchor(
    evidence: Evidence,
    table: StatementTable,
    settled: Settled,
    leaf: npt.NDArray[np.int64],
    status: npt.NDArray[np.int8],
) -> BoolArray:
    """Return the leaves each customer's cause may be: those its facts name, else its reasons.

    A reason outside the branch of what ended the relation leaves its leaf open beside the branch; a
    price may stand for any of the leaves that ties are broken to.
    """
    statement, customer = evidence.statement, evidence.customer
    said = table.stated[statement]
    price = said & table.has(Signal.PRICE)[statement] & ~table.has(Signal.PRICE_INCREASE)[statement]
    counts = np.isin(status, (_USED, _REPEATED))
    outside = said & (status == _OUTSIDE)

    beside = _named(evidence, leaf, outside)
    reasons = _named(evidence, leaf, said & counts)
    facts = _named(evidence, leaf, table.final[statement] & counts)
    branch = _ALLOWED[settled.mechanism] & beside.any(axis=1, keepdims=True)
    reasons[any_row(customer, price & counts, evidence.n)] |= PRICE_LEAVES
    anchored = np.ones((evidence.n, len(CAUSES)), dtype=np.bool_)
    doubted = _doubt_facts(evidence, table, leaf, status)[:, None]
    for known in (beside | branch, reasons, np.where(doubted, facts | reasons | beside, facts)):
        some = known.any(axis=1)
        anchored[some] = known[some]
    anchored[:, UNKNOWN_CODE] = True
    return anchored


def _age(
    evidence: Evidence, table: StatementTable, config: AttributionConfig
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Return ages [day] and which pieces are live, recovered, stale or late.

    Age counts back from the day the customer left, else from its last event; what happened
    later has age 0. A missed payment that came after all ended nothing; a fact does not age.
    """
    customer, time = evidence.customer, evidence.time
    everything = np.ones(len(time), dtype=np.bool_)
    newest = last_time(customer, time, everything, evidence.n)
    reference = np.where(evidence.left == UNDATED, newest, evidence.left)
    age = np.maximum(reference[customer] - time, 0) / MICROSECONDS_PER_DAY
    missed = table.has(Signal.MISSED_PAYMENT)[evidence.statement]
    came = table.has(Signal.PAYMENT_RECOVERED)[evidence.statement]
    recovered = time <= last_time(customer, time, came, evidence.n)[customer]
    recovered = missed & (recovered | (evidence.resolved < NEVER))
    limit = np.where(missed, config.missed_payment_days, config.window_days)
    status = np.full(len(time), _USED, dtype=np.int8)
    old = age > np.minimum(limit, config.window_days)
    status[old & ~table.final[evidence.statement]] = _STALE
    after = (time - evidence.left[customer]) / MICROSECONDS_PER_DAY
    status[(evidence.left[customer] != UNDATED) & (after > config.late_days)] = _LATE
    status[recovered] = _RECOVERED
    return age, status


def _point(
    evidence: Evidence,
    table: StatementTable,
    catalog: CauseCatalog,
    settled: Settled,
    live: BoolArray,
    config: AttributionConfig,
) -> _Pointing:
    """Return the leaf and sub-reason each piece points to, before the vetoes; -1 = none."""
    statement, customer = evidence.statement, evidence.customer
    passive = (settled.mechanism[customer] == PAYMENT) & (table.passive_cause[statement] >= 0)
    leaf = np.where(passive, table.passive_cause[statement], table.cause[statement])
    sub = np.where(passive, table.passive_sub_reason[statement], table.sub_reason[statement])
    leaf = _break_price_ties(evidence, table, leaf.astype(np.int64), live, config)
    disputes = live & (leaf == _RETALIATORY) & table.has(Signal.DISPUTE)[statement]
    defrauded = any_row(customer, live & table.has(Signal.FRAUD)[statement], evidence.n)
    leaf[disputes & defrauded[customer]] = _MALICIOUS
    charged_back = live & table.has(Signal.CHARGEBACK)[statement]
    times = count_moments(customer, evidence.time, charged_back, n=evidence.n)
    repeated = charged_back & (times[customer] >= config.malicious_chargebacks)
    repeated &= leaf == _RETALIATORY
    leaf[repeated] = _MALICIOUS
    names = list(catalog.sub_reason_labels)
    if "repeated_chargebacks" in names:
        sub = np.where(repeated, names.index("repeated_chargebacks"), sub)
    return _Pointing(leaf, sub.astype(np.int64))


def _break_price_ties(
    evidence: Evidence,
    table: StatementTable,
    leaf: npt.NDArray[np.int64],
    live: BoolArray,
    config: AttributionConfig,
) -> npt.NDArray[np.int64]:
    """Send price reasons to the competitor, to our own price rise, or to the default leaf.

    A statement that itself says that our price rose stays what it is.
    """
    statement, customer = evidence.statement, evidence.customer
    price = table.has(Signal.PRICE)[statement]
    rise = table.has(Signal.PRICE_INCREASE)[statement]
    names_rival = (leaf == _COMPETITIVE) | table.has(Signal.COMPETITOR)[statement]
    rival = any_row(customer, live & names_rival & ~price, evidence.n)
    ours = any_row(customer, live & rise, evidence.n)
    default = CAUSE_CODE[config.price_cause]
    resolved = np.where(rival, _COMPETITIVE, np.where(ours, _FAULT, default))[customer]
    return np.where(price & ~rise & (leaf >= 0), resolved, leaf)


def _permit(
    evidence: Evidence, table: StatementTable, settled: Settled, live: BoolArray
) -> BoolArray:
    """Return which leaves each customer's evidence permits at all."""
    statement, customer = evidence.statement, evidence.customer
    ill_will = table.has(Signal.FRAUD, Signal.CHARGEBACK, Signal.NEVER_PAID)[statement]
    grievance = table.has(Signal.COMPLAINT, Signal.DISPUTE)[statement]
    price = table.has(Signal.PRICE)[statement]
    rival = table.has(Signal.COMPETITOR)[statement] | (table.cause[statement] == _COMPETITIVE)
    permitted = np.ones((evidence.n, len(CAUSES)), dtype=np.bool_)
    permitted[:, _MALICIOUS] = any_row(customer, live & ill_will, evidence.n)
    permitted[:, _RETALIATORY] = has_grievance(
        customer,
        evidence.time,
        live & grievance,
        table.end_record[statement],
        settled,
        n=evidence.n,
    )
    only_price = any_row(customer, live & price, evidence.n)
    permitted[:, _COMPETITIVE] = ~only_price | any_row(customer, live & rival & ~price, evidence.n)
    return permitted


def _apply_vetoes(
    evidence: Evidence,
    table: StatementTable,
    settled: Settled,
    permitted: BoolArray,
    leaf: npt.NDArray[np.int64],
    status: npt.NDArray[np.int8],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Move what a veto strikes to its fallback, or set it aside; then keep to the branch."""
    statement, customer = evidence.statement, evidence.customer
    live = status == _USED
    struck = np.isin(leaf, (_MALICIOUS, _RETALIATORY)) & ~permitted[customer, leaf]
    fallback = table.fallback[statement].astype(np.int64)
    vetoed = struck & ((fallback < 0) | (fallback == UNKNOWN_CODE))
    leaf = np.where(struck & ~vetoed, fallback, leaf)
    neutral = (leaf < 0) | (leaf == UNKNOWN_CODE)
    outside = ~neutral & ~_ALLOWED[settled.mechanism[customer], leaf]
    fate = np.select([neutral, outside, vetoed], [_NEUTRAL, _OUTSIDE, _VETOED], _USED)
    return leaf, np.where(live, fate, status).astype(np.int8)


def _is_settled(evidence: Evidence, table: StatementTable, settled: Settled) -> BoolArray:
    """Return which complaints were settled before they could have driven the customer away."""
    grievance = table.has(Signal.COMPLAINT, Signal.DISPUTE)[evidence.statement]
    known = np.where(evidence.left == UNDATED, NEVER, evidence.left)
    unpaid = (settled.mechanism == PAYMENT) & (settled.first_missed < NEVER)
    decisive = np.where(unpaid, settled.first_missed, known)
    result: BoolArray = grievance & (evidence.resolved < decisive[evidence.customer])
    return result


def _merge(
    evidence: Evidence,
    leaf: npt.NDArray[np.int64],
    weight: FloatArray,
    status: npt.NDArray[np.int8],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Keep the weightiest of each repeated statement; return fates and the rows that count.

    The rows come sorted by customer, leaf and statement, so that sums do not depend on the order
    of the input.
    """
    rows = np.flatnonzero(status == _USED)
    keys = (evidence.customer[rows], leaf[rows], evidence.statement[rows])
    order = np.lexsort((-evidence.time[rows], -weight[rows], *keys[::-1]))
    first = first_in_group(order, *keys)
    status = status.copy()
    status[rows[order[~first]]] = _REPEATED
    return status, rows[order[first]]


def _fits(catalog: CauseCatalog) -> BoolArray:
    """Return which sub-reasons lie under which leaf; last row and column stand for none."""
    names = list(catalog.sub_reason_labels)
    fits = np.zeros((len(CAUSES) + 1, len(names) + 1), dtype=np.bool_)
    for code, entry in enumerate(catalog.causes):
        fits[code, [names.index(reason.id) for reason in entry.sub_reasons]] = True
    return fits


def count_fates(
    evidence: Evidence, weighed: Weighed, *statuses: EvidenceStatus
) -> npt.NDArray[np.int32]:
    """Return how many pieces of each customer met one of these fates."""
    among = np.isin(weighed.status, [STATUS_CODE[status] for status in statuses])
    return np.bincount(evidence.customer[among], minlength=evidence.n).astype(np.int32)
