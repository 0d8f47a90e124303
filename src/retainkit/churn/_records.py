"""Read what is on record of each loss as a table of yes and no: one column per statement."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import CAUSES, STATUS_CODE, UNKNOWN_CODE, EvidenceStatus
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
"""Facts `gather_evidence` finds in tables kept for everybody, also for who left without a word."""
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
