"""attribute_causes, and compare_sources: two records of why the same customers left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column
from retainkit._core.result import ResultTable
from retainkit.churn._config import AttributionConfig
from retainkit.churn._detect import ChurnTable
from retainkit.churn._kernel import (
    MICROSECONDS_PER_DAY,
    NEVER,
    first_in_group,
    top_two,
)
from retainkit.churn.causes._cause_table import CauseTable, EvidenceTable
from retainkit.churn.causes._codes import CodeBook, normalize_code
from retainkit.churn.causes._coding import count_codes, require_event_columns, resolve_books
from retainkit.churn.causes._evidence import UNDATED, Evidence, Weighed, count_fates, weigh_evidence
from retainkit.churn.causes._statements import NONE, Statement, read_statements, tabulate_statements
from retainkit.churn.causes._taxonomy import (
    CAUSES,
    RULE_CODE,
    STATUS_CODE,
    UNKNOWN_CODE,
    AttributionRule,
    CauseCatalog,
    EvidenceStatus,
)
from retainkit.churn.learn._calibration import Agreement, measure_agreement
from retainkit.contracts._spells import NO_DAY
from retainkit.errors import NotComputableError
from retainkit.tables import align_customer_ids
from retainkit.typing import BoolArray, FloatArray, IntArray

_SPEAKING = [
    STATUS_CODE[status]
    for status in (EvidenceStatus.USED, EvidenceStatus.NEUTRAL, EvidenceStatus.OUTSIDE_BRANCH)
]
_NOT_CHURNED = STATUS_CODE[EvidenceStatus.NOT_CHURNED]
_UNKNOWN_CUSTOMER = STATUS_CODE[EvidenceStatus.UNKNOWN_CUSTOMER]
_SET_ASIDE = (EvidenceStatus.OUTSIDE_BRANCH, EvidenceStatus.VETOED)
_TOO_OLD = (EvidenceStatus.RECOVERED, EvidenceStatus.STALE, EvidenceStatus.LATE)


class _Verdict(NamedTuple):
    """Per customer the cause, the rule that gave it, the posterior and the margin."""

    cause: npt.NDArray[np.int8]
    rule: npt.NDArray[np.int8]
    posterior: FloatArray
    margin: FloatArray


def attribute_causes(
    events: pd.DataFrame,
    *,
    churn: ChurnTable,
    catalog: CauseCatalog | None = None,
    code_books: Sequence[CodeBook] | None = None,
    config: AttributionConfig = AttributionConfig(),  # noqa: B008 - frozen
) -> CauseTable:
    """Say why each customer who left did so, with the evidence, or abstain.

    First the mechanism: the customer, a missed payment or the system ended the relation; it
    decides the branch. Then the leaf: dated evidence is weighed, what a veto forbids is set
    aside, and where nothing is left, or two leaves are too close, the cause is `unknown`.

    Parameters
    ----------
    events : pandas.DataFrame
        Valid events: customer_id, timestamp, kind; code, source and resolved_at where known. All
        lie on or before the last observed day. The order of the rows does not matter.
    churn : ChurnTable
        Who left; only they get a cause.
    catalog : CauseCatalog, optional
        The taxonomy; the built-in one by default.
    code_books : sequence of CodeBook, optional
        What your own reason codes stand for, in the order tried; the built-in books
        (`default_code_books()`) follow them. An event whose `source` names a book or its system is
        read with those books only.
    config : AttributionConfig, optional
        Weights, half-life, margin.

    Returns
    -------
    CauseTable
        One row per customer who left, in the order of `churn`. Every event is accounted for in
        `.evidence`, also those of customers who stayed or were never seen.

    Raises
    ------
    SchemaError
        If a column is missing, a timestamp is empty, or a code book does not fit the catalogue.

    See Also
    --------
    fit_evidence_model : Learn from these causes, without a label, probabilities that mean what
        they say: the posterior here is a share of the evidence.

    Notes
    -----
    A statement weighs source weight x reliability of the code x 0.5 ** (age / half-life); the age
    counts back from the day the customer left, or from its last event where that day is not
    known. The same statement made twice counts once. With s_k the sum for leaf k and w the
    abstention weight, the posterior is s_k / (sum of s + w), and w / (sum of s + w) for `unknown`.

    Vetoes: no `malicious` without fraud, a chargeback or a customer who never paid; no
    `retaliatory` without a complaint or dispute dated before the missed payment; no `competitive`
    from price alone; an intent to cancel dated before the missed payment makes the loss active.
    A price reason is competitive where other evidence names a competitor, our fault where our
    price went up, else `config.price_cause`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, detect_churn
    >>> churn = detect_churn([0.1, 0.2, 0.9, 0.1], customer_id=["a", "b", "c", "d"])
    >>> events = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b", "c"],
    ...     "timestamp": pd.to_datetime(["2026-03-01", "2026-03-09", "2026-03-02", "2026-03-02"]),
    ...     "kind": ["complaint", "payment_failed", "cancellation_request", "complaint"],
    ...     "code": [None, None, "switched_service", None]})
    >>> causes = attribute_causes(events, churn=churn)
    >>> causes.to_frame()[["customer_id", "cause", "sub_reason", "rule"]]
      customer_id                cause         sub_reason                 rule
    0           a  passive.retaliatory   payment_withheld        payment_first
    1           b   active.competitive  won_by_competitor       customer_first
    2           d              unknown                NaN  abstain.no_evidence
    """
    require_event_columns(events)
    used_catalog, books = resolve_books(catalog, code_books)
    statements, place = read_statements(events, used_catalog, books)
    table = tabulate_statements(statements, used_catalog, config.source_weights)
    who = np.flatnonzero(churn.churned)
    found = _locate(events["customer_id"], churn.customer_id)
    customer = _positions(found, who, len(churn))
    rows = np.flatnonzero(customer >= 0)
    evidence = _gather(events, rows, customer[rows], place[rows], churn, who)
    weighed = weigh_evidence(evidence, table, used_catalog, config)
    verdict = _judge(evidence, weighed, config)
    return CauseTable(
        customer_id=churn.customer_id[who],
        cause_code=verdict.cause,
        sub_reason_by_leaf=_sub_reasons(evidence, weighed),
        posterior=verdict.posterior,
        margin=verdict.margin,
        rule_code=verdict.rule,
        mechanism_code=weighed.settled.mechanism,
        evidence_count=count_fates(evidence, weighed, EvidenceStatus.USED),
        set_aside_count=count_fates(evidence, weighed, *_SET_ASIDE),
        is_contradicted=(weighed.score > 0.0).sum(axis=1) > 1,
        permitted=weighed.permitted,
        anchored=weighed.anchored,
        evidence=_write_fates(found, customer, rows, weighed, place, statements),
        coverage=count_codes(events, statements, place),
        catalog=used_catalog,
        config=config,
    )


def _locate(ids: pd.Series[Any], to: pd.Index[Any]) -> IntArray:
    """Return the place of each id; ids of one type meet as they are, others through their text."""
    if pd.api.types.is_integer_dtype(ids.dtype) == pd.api.types.is_integer_dtype(to.dtype):
        return to.get_indexer(pd.Index(ids))
    return align_customer_ids(ids, to)


def _positions(found: IntArray, who: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int32]:
    """Return the position of each event's customer among those who left; -1 = not among them."""
    position = np.full(size + 1, NONE, dtype=np.int32)
    position[who] = np.arange(len(who), dtype=np.int32)
    return position[found]


def _gather(
    events: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int32],
    statement: npt.NDArray[np.int32],
    churn: ChurnTable,
    who: npt.NDArray[np.int64],
) -> Evidence:
    """Return the events of the customers who left as arrays."""
    left = np.full(len(who), UNDATED, dtype=np.int64)
    if churn.effective_day is not None:
        day = churn.effective_day[who].astype(np.int64)
        left = np.where(day == NO_DAY, UNDATED, day * MICROSECONDS_PER_DAY)
    resolved = np.full(len(rows), NEVER, dtype=np.int64)
    if "resolved_at" in events.columns:
        moments = events["resolved_at"].iloc[rows]
        known = moments.notna().to_numpy(dtype=np.bool_)
        if known.any():
            resolved[known] = _microseconds(moments)[known]
    return Evidence(
        n=len(who),
        customer=customer.astype(np.int64),
        time=_microseconds(events["timestamp"].iloc[rows]),
        statement=statement,
        resolved=resolved,
        left=left,
    )


def _microseconds(column: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Return moments as microseconds since 1970."""
    return column.to_numpy().astype("datetime64[us]").astype(np.int64)


def _judge(evidence: Evidence, weighed: Weighed, config: AttributionConfig) -> _Verdict:
    """Name the first leaf, or abstain with the reason."""
    total = weighed.score.sum(axis=1) + config.abstain_weight
    posterior = weighed.score / total[:, None]
    posterior[:, UNKNOWN_CODE] = config.abstain_weight / total
    best, first, second = top_two(np.where(weighed.anchored, posterior, 0.0), UNKNOWN_CODE)
    margin = np.where(first > 0.0, first - second, np.nan)
    seen = np.bincount(evidence.customer, minlength=evidence.n)
    struck = count_fates(evidence, weighed, *_SET_ASIDE, *_TOO_OLD)
    in_order = [
        (seen == 0, AttributionRule.NO_EVIDENCE),
        ((first <= 0.0) & (struck > 0), AttributionRule.ALL_SET_ASIDE),
        (first <= 0.0, AttributionRule.NOT_STATED),
        (first <= posterior[:, UNKNOWN_CODE], AttributionRule.TOO_WEAK),
        (margin < config.min_margin, AttributionRule.TOO_CLOSE),
    ]
    conditions = [condition for condition, _ in in_order]
    codes = [np.int8(RULE_CODE[rule]) for _, rule in in_order]
    rule = np.select(conditions, codes, weighed.settled.rule).astype(np.int8)
    abstains = np.logical_or.reduce(conditions)
    cause = np.where(abstains, UNKNOWN_CODE, best).astype(np.int8)
    return _Verdict(cause, rule, posterior, margin)


def _sub_reasons(evidence: Evidence, weighed: Weighed) -> npt.NDArray[np.int16]:
    """Return the sub-reason of the weightiest statement for each leaf; -1 where none.

    Ties go to the later statement, then to the one first in the catalogue. A customer whose
    cause is unknown keeps what it said of it ("don't know").
    """
    speaks = np.isin(weighed.status, _SPEAKING) & (weighed.sub_reason >= 0) & (weighed.leaf >= 0)
    rows = np.flatnonzero(speaks)
    customer, reason, leaf = evidence.customer[rows], weighed.sub_reason[rows], weighed.leaf[rows]
    order = np.lexsort((reason, -evidence.time[rows], -weighed.weight[rows], leaf, customer))
    first = order[first_in_group(order, customer, leaf)]
    out = np.full((evidence.n, len(CAUSES)), NONE, dtype=np.int16)
    out[customer[first], leaf[first]] = reason[first]
    return out


def _write_fates(
    found: IntArray,
    customer: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int64],
    weighed: Weighed,
    place: npt.NDArray[np.int32],
    statements: tuple[Statement, ...],
) -> EvidenceTable:
    """Return the fate of every event, also of those that concern nobody who left."""
    status = np.where(found < 0, _UNKNOWN_CUSTOMER, _NOT_CHURNED).astype(np.int8)
    leaf = np.full(len(found), NONE, dtype=np.int8)
    weight = np.zeros(len(found))
    status[rows], leaf[rows], weight[rows] = weighed.status, weighed.leaf, weighed.weight
    return EvidenceTable(
        customer=customer,
        status_code=status,
        cause_code=leaf,
        weight=weight,
        statement_code=place.astype(np.int32),
        statements=tuple(s.name for s in statements),
    )


KINDS = ("other_leaf", "one_unknown", "same_leaf")
"""How two records differ: other causes, a cause against none, other words for one cause."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceConflicts(ResultTable):
    """One row per customer of whom two sources say different things.

    Parameters
    ----------
    names : tuple of str
        The two sources.
    customer_id : pandas.Index
        Customers who left and whom both sources mention.
    differs : numpy.ndarray of bool
        Whether the sources say different things of the customer.
    said : tuple of pandas.Series
        What each source says, codes joined with "; ".
    causes : tuple of CauseTable
        The causes under each source alone, of all who left.
    position : numpy.ndarray of int64
        Position of each customer among those who left.
    """

    names: tuple[str, str]
    customer_id: pd.Index
    differs: BoolArray
    said: tuple[pd.Series, pd.Series]
    causes: tuple[CauseTable, CauseTable]
    position: npt.NDArray[np.int64]

    _what: ClassVar[str] = "conflicts"
    _next_step: ClassVar[str] = ".shares()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id", lambda t: t.customer_id[t.differs]),
        Column("first_said", "_said.0", dtype="str"),
        Column("second_said", "_said.1", dtype="str"),
        Column("first_cause", "_cause_codes.0", CAUSES),
        Column("second_cause", "_cause_codes.1", CAUSES),
        Column("kind", "_kind", KINDS),
    )

    def __len__(self) -> int:
        return int(self.differs.sum())

    @property
    def agreement(self) -> Agreement:
        """Agreement of the two sources' causes on the customers both mention."""
        one, two = (table.cause.take(self.position) for table in self.causes)
        return measure_agreement(one, two)

    @property
    def _said(self) -> npt.NDArray[np.object_]:
        """What each source says, shape (n, 2)."""
        return np.stack([said.to_numpy(dtype=object)[self.differs] for said in self.said], axis=1)

    @property
    def _cause_codes(self) -> npt.NDArray[np.int8]:
        """Cause under each source, shape (n, 2)."""
        rows = self.position[self.differs]
        return np.stack([table.cause_code[rows] for table in self.causes], axis=1)

    @property
    def _kind(self) -> npt.NDArray[np.int64]:
        """Position in `KINDS` of how the sources differ."""
        one, two = self._cause_codes.T
        silent = (one == UNKNOWN_CODE) | (two == UNKNOWN_CODE)
        return np.where(one == two, 2, np.where(silent, 1, 0))

    def shares(self) -> pd.DataFrame:
        """Return the share of each cause under either source, over all who left.

        One row per leaf: cause, share(<name>) for each source, difference (second minus
        first).
        """
        n = max(len(self.causes[0]), 1)
        one, two = (np.bincount(t.cause_code, minlength=len(CAUSES)) / n for t in self.causes)
        return pd.DataFrame(
            {
                "cause": [str(cause) for cause in CAUSES],
                f"share({self.names[0]})": one,
                f"share({self.names[1]})": two,
                "difference": two - one,
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return how many customers the sources agree and differ on.

        One row per outcome: outcome (`agree`, then the kinds), customers.
        """
        kinds = self.to_frame()["kind"].value_counts().reindex(list(KINDS), fill_value=0)
        agree = len(self.differs) - len(self)
        return pd.DataFrame(
            {"outcome": ["agree", *KINDS], "customers": [agree, *kinds.astype(int).tolist()]}
        )


def compare_sources(
    sources: Mapping[str, pd.DataFrame],
    *,
    churn: ChurnTable,
    catalog: CauseCatalog | None = None,
    code_books: Sequence[CodeBook] | None = None,
    config: AttributionConfig = AttributionConfig(),  # noqa: B008 - frozen
) -> SourceConflicts:
    """Set two records of why customers left side by side: who is told differently, and what of it.

    Parameters
    ----------
    sources : mapping of str to pandas.DataFrame
        Two names with their events (customer_id, timestamp, kind; code).
    churn : ChurnTable
        Who left.
    catalog, code_books, config
        As in `attribute_causes`.

    Returns
    -------
    SourceConflicts
        The differing customers, the shares of causes under either source, and the agreement.

    Raises
    ------
    NotComputableError
        If there are not exactly two sources.
    SchemaError
        As `attribute_causes`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import compare_sources, detect_churn
    >>> churn = detect_churn([0.0], customer_id=["a"])
    >>> form = pd.DataFrame({"customer_id": ["a"], "kind": ["survey_reason"], "code": ["moved"],
    ...                      "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> compare_sources({"form": form, "copy": form}, churn=churn)
    <SourceConflicts: 0 conflicts; next: .shares()>
    """
    if len(sources) != 2:
        raise NotComputableError(
            f"{len(sources)} sources", rule="two sources are compared", where="sources"
        )
    name_one, name_two = sources
    tables = [
        attribute_causes(events, churn=churn, catalog=catalog, code_books=code_books, config=config)
        for events in sources.values()
    ]
    ids = tables[0].customer_id
    said = [_statements(events, ids) for events in sources.values()]
    both = np.flatnonzero(said[0].notna().to_numpy() & said[1].notna().to_numpy())
    one, two = (texts.iloc[both].reset_index(drop=True) for texts in said)
    compared = [_compared(events, ids)[both] for events in sources.values()]
    return SourceConflicts(
        names=(name_one, name_two),
        customer_id=ids[both],
        differs=np.asarray(compared[0] != compared[1], dtype=np.bool_),
        said=(one, two),
        causes=(tables[0], tables[1]),
        position=both.astype(np.int64),
    )


def _codes(events: pd.DataFrame) -> pd.Series[Any]:
    """Return what each event says in words: its code, else its kind."""
    kind = events["kind"].astype("str")
    if "code" not in events.columns:
        return kind
    return events["code"].astype("object").where(events["code"].notna(), kind).astype("str")


def _statements(events: pd.DataFrame, ids: pd.Index) -> pd.Series[Any]:
    """Return per customer who left its codes, in order, joined; missing where there is none."""
    return _joined(events, _codes(events), ids)


def _compared(events: pd.DataFrame, ids: pd.Index) -> npt.NDArray[np.object_]:
    """Return the same in normalised spelling, for comparison."""
    codes = _codes(events)
    spelling = {text: normalize_code(text) for text in codes.unique()}
    return _joined(events, codes.map(spelling), ids).to_numpy(dtype=object)


def _joined(events: pd.DataFrame, codes: pd.Series[Any], ids: pd.Index) -> pd.Series[Any]:
    """Return the codes of each customer as one text, sorted."""
    place = align_customer_ids(events["customer_id"], ids)
    pairs = pd.DataFrame({"place": place, "code": codes.to_numpy(dtype=object)})
    pairs = pairs[pairs["place"] >= 0].drop_duplicates().sort_values(["place", "code"])
    texts: list[Any] = [None] * len(ids)
    for position, code in zip(pairs["place"].tolist(), pairs["code"].tolist(), strict=True):
        before = texts[position]
        texts[position] = code if before is None else f"{before}; {code}"
    return pd.Series(texts, dtype="str")
