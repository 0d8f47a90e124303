"""CauseTable: why each customer left; EvidenceTable: what became of each event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column
from retainkit._core.result import ResultTable
from retainkit.churn._config import AttributionConfig
from retainkit.churn._detect import to_categorical
from retainkit.churn.causes._coding import CodeCoverage
from retainkit.churn.causes._taxonomy import (
    BRANCH_OF,
    CAUSES,
    MECHANISMS,
    RULES,
    STATUSES,
    Branch,
    CauseCatalog,
)
from retainkit.errors import AlignmentError
from retainkit.typing import BoolArray, FloatArray, Language

Int8Array: TypeAlias = npt.NDArray[np.int8]
Int32Array: TypeAlias = npt.NDArray[np.int32]


BRANCHES: tuple[str, ...] = tuple(str(branch) for branch in Branch)
_BRANCH_CODE = np.array([BRANCHES.index(BRANCH_OF[cause]) for cause in CAUSES], dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EvidenceTable(ResultTable):
    """One row per event, in the order of the events table: what became of it.

    Parameters
    ----------
    customer : numpy.ndarray of int32
        Position of the customer among those who left; -1 for other customers.
    status_code : numpy.ndarray of int8
        Position of the fate in `EvidenceStatus`.
    cause_code : numpy.ndarray of int8
        Leaf it points to after tie-breaks, as position in `ChurnCause`; -1 = none.
    weight : numpy.ndarray of float64
        What it added to that leaf; 0 where it did not count.
    statement_code : numpy.ndarray of int32
        Position of what it says in `statements`.
    statements : tuple of str
        The distinct statements: the kind, and the code where a book covers it ("kind: code").
    """

    customer: Int32Array
    status_code: Int8Array
    cause_code: Int8Array
    weight: FloatArray
    statement_code: Int32Array
    statements: tuple[str, ...]

    _what: ClassVar[str] = "events"
    _next_step: ClassVar[str] = ".summary()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer"),
        Column("status", "status_code", STATUSES),
        Column("cause", "cause_code", CAUSES),
        Column("weight"),
    )

    def __len__(self) -> int:
        return len(self.status_code)

    def summary(self) -> pd.DataFrame:
        """Return the number of events by fate; they sum to all events.

        One row per fate: status, events.
        """
        counts = np.bincount(self.status_code, minlength=len(STATUSES))
        return pd.DataFrame({"status": [str(s) for s in STATUSES], "events": counts})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CauseTable(ResultTable):
    """One row per customer who left: cause, posterior, margin, rule, evidence.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers who left, in the order of the churn table.
    cause_code : numpy.ndarray of int8
        Position of the cause in `ChurnCause`; `unknown` where the attribution abstains.
    sub_reason_by_leaf : numpy.ndarray of int16, shape (n, 8)
        What was said under each leaf, as position in the catalogue's sub-reasons; -1 = nothing.
    posterior : numpy.ndarray of float64, shape (n, 8)
        Share of the evidence per leaf; each row sums to 1.
    margin : numpy.ndarray of float64
        Lead of the first leaf over the second [share]; NaN where no evidence counts.
    rule_code : numpy.ndarray of int8
        Position of the rule in `AttributionRule`.
    mechanism_code : numpy.ndarray of int8
        Position in `Mechanism` of what ended the relation; -1 where nothing says so.
    evidence_count, set_aside_count : numpy.ndarray of int32
        Statements that count, and pieces struck by a veto or outside the branch.
    is_contradicted : numpy.ndarray of bool
        Whether counted statements point to different leaves.
    permitted : numpy.ndarray of bool, shape (n, 8)
        Leaves no veto forbids: `malicious` needs ill will on record, `retaliatory` a grievance,
        `competitive` more than the price, any leaf of who said "don't know" other evidence for it.
    anchored : numpy.ndarray of bool, shape (n, 8)
        Leaves that facts name, else the reasons stated: no other one is named. All where nobody
        stated a reason.
    evidence : EvidenceTable
        What became of each event.
    coverage : CodeCoverage
        Which reason codes the code books cover.
    catalog : CauseCatalog
        The taxonomy used.
    config : AttributionConfig
        The settings used.
    """

    customer_id: pd.Index
    cause_code: Int8Array
    sub_reason_by_leaf: npt.NDArray[np.int16]
    posterior: FloatArray
    margin: FloatArray
    rule_code: Int8Array
    mechanism_code: Int8Array
    evidence_count: Int32Array
    set_aside_count: Int32Array
    is_contradicted: BoolArray
    permitted: BoolArray
    anchored: BoolArray
    evidence: EvidenceTable
    coverage: CodeCoverage
    catalog: CauseCatalog
    config: AttributionConfig

    _what: ClassVar[str] = "lost customers"
    _next_step: ClassVar[str] = "summarize_causes(causes)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("cause", "cause_code", "_cause_names"),
        Column("sub_reason", "sub_reason_code", "_sub_reason_names"),
        Column("branch", lambda t: _BRANCH_CODE[t.cause_code], BRANCHES),
        Column("recoverable"),
        Column("margin"),
        Column("mechanism", "mechanism_code", MECHANISMS),
        Column("rule", "rule_code", RULES),
        Column("evidence", "evidence_count"),
        Column("set_aside", "set_aside_count"),
        Column("contradicted", "is_contradicted"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def cause(self) -> pd.Categorical[Any]:
        """The causes as a categorical with all eight leaves, in catalogue order."""
        return cause_categorical(self.cause_code)

    @property
    def sub_reason_code(self) -> npt.NDArray[np.int16]:
        """Position in the catalogue's sub-reasons of what was said for the cause; -1 = nothing."""
        return self.sub_reason_by_leaf[np.arange(len(self)), self.cause_code]

    @property
    def recoverable(self) -> pd.arrays.BooleanArray:
        """Whether who left for this cause can be won back; missing where the cause is unknown.

        The catalogue says so of each leaf, and of a sub-reason where it differs: nobody is won back
        who moved away, but who found the price too high may be.
        """
        of_leaf = np.array([_flag(entry.recoverable) for entry in self.catalog.causes])
        table = np.repeat(of_leaf[:, None], len(self.catalog.sub_reason_labels) + 1, axis=1)
        places = {name: code for code, name in enumerate(self.catalog.sub_reason_labels)}
        for code, entry in enumerate(self.catalog.causes):
            for reason in entry.sub_reasons:
                if reason.recoverable is not None:
                    table[code, places[reason.id]] = int(reason.recoverable)
        flag = table[self.cause_code, self.sub_reason_code]
        return pd.arrays.BooleanArray(flag == 1, flag < 0)

    def to_frame(self, *, language: Language | None = None) -> pd.DataFrame:
        """Return the table; causes and sub-reasons by code, or by name in `language`."""
        return self._frame(language)

    def posteriors(self) -> pd.DataFrame:
        """Return the share of the evidence that speaks for each leaf.

        One row per customer and leaf: customer_id, cause, posterior; the posteriors of a
        customer sum to 1.
        """
        leaves = np.tile(np.arange(len(CAUSES), dtype=np.int8), len(self))
        return pd.DataFrame(
            {
                "customer_id": self.customer_id.repeat(len(CAUSES)),
                "cause": cause_categorical(leaves),
                "posterior": self.posterior.ravel(),
            }
        )

    def _cause_names(self, language: Language | None) -> list[str]:
        """Return the leaves by code, or by name in a language."""
        if language is None:
            return [str(cause) for cause in CAUSES]
        return [self.catalog.label(cause, language=language) for cause in CAUSES]

    def _sub_reason_names(self, language: Language | None) -> list[str]:
        labels = self.catalog.sub_reason_labels
        return [label.text(language) if language else name for name, label in labels.items()]

    def summary(self) -> pd.DataFrame:
        """Return how many causes each rule gave.

        One row per rule that occurs: rule, customers, share, mean_margin.
        """
        counts = np.bincount(self.rule_code, minlength=len(RULES))
        known = ~np.isnan(self.margin)
        margins = np.bincount(
            self.rule_code[known], weights=self.margin[known], minlength=len(RULES)
        )
        with_margin = np.bincount(self.rule_code[known], minlength=len(RULES))
        frame = pd.DataFrame(
            {
                "rule": [str(rule) for rule in RULES],
                "customers": counts,
                "share": counts / max(len(self), 1),
                "mean_margin": np.where(
                    with_margin > 0, margins / np.maximum(with_margin, 1), np.nan
                ),
            }
        )
        return frame[frame["customers"] > 0].reset_index(drop=True)

    def explain(self, customer_id: Any, events: pd.DataFrame) -> pd.DataFrame:
        """Return one customer's rows of `events` with status, cause and weight: the "why".

        `events` are those the causes were attributed from; other ones, or a customer who did not
        leave, raise AlignmentError.
        """
        if customer_id not in self.customer_id or len(events) != len(self.evidence):
            raise AlignmentError(
                f"customer {customer_id!r} of {len(events)} events cannot be explained",
                rule=f"the customer is one of the {len(self)} who left, and the events are the "
                f"{len(self.evidence)} the causes come from",
                where="explain",
                fix="pass the same events frame as to attribute_causes",
            )
        rows = np.flatnonzero(self.evidence.customer == self.customer_id.get_loc(customer_id))
        fate = self.evidence.to_frame()[["status", "cause", "weight"]].iloc[rows]
        own = events.iloc[rows].reset_index(drop=True)
        return own.join(fate.reset_index(drop=True).rename(columns={"cause": "points_to"}))

    def contradictions(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return the statements of customers whose evidence points to different leaves.

        Columns customer_id, cause (the verdict), timestamp, statement, points_to, weight; customers
        in their order, the weightiest statement first, only statements that count. `events` are
        those the causes were attributed from; other ones raise AlignmentError.
        """
        if len(events) != len(self.evidence):
            raise AlignmentError(
                f"{len(events)} events",
                rule=f"the causes come from {len(self.evidence)} events",
                where="contradictions",
                fix="pass the same events frame as to attribute_causes",
            )
        found = self.evidence
        used = (found.customer >= 0) & (found.weight > 0.0)
        used[used] &= self.is_contradicted[found.customer[used]]
        rows = np.flatnonzero(used)
        order = np.lexsort((rows, -found.weight[rows], found.customer[rows]))
        rows = rows[order]
        owner = found.customer[rows]
        names = np.array([*found.statements, ""], dtype=object)
        return pd.DataFrame(
            {
                "customer_id": self.customer_id[owner],
                "cause": cause_categorical(self.cause_code[owner]),
                "timestamp": events["timestamp"].iloc[rows].to_numpy(),
                "statement": pd.Series(names[found.statement_code[rows]], dtype="str"),
                "points_to": cause_categorical(found.cause_code[rows]),
                "weight": found.weight[rows],
            }
        )


def _flag(known: bool | None) -> int:
    """Return 1 for yes, 0 for no and -1 for not known."""
    return -1 if known is None else int(known)


def cause_categorical(codes: Int8Array) -> pd.Categorical[Any]:
    """Return cause codes as a categorical with all leaves; -1 = empty."""
    return to_categorical(codes, CAUSES)
