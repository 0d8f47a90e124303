"""compare_sources: two records of why the same customers left, side by side, never averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column
from retainkit._core.result import ResultTable
from retainkit.churn._agreement import Agreement, measure_agreement
from retainkit.churn._attribution import attribute_causes
from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import CAUSES, UNKNOWN_CODE
from retainkit.churn._churn_table import ChurnTable
from retainkit.churn._codes import CodeBook, normalize_code
from retainkit.churn._config import AttributionConfig
from retainkit.churn._taxonomy import CauseCatalog
from retainkit.errors import NotComputableError
from retainkit.tables import align_customer_ids
from retainkit.typing import BoolArray

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

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import compare_sources, detect_churn
    >>> churn = detect_churn([0.0, 0.0], customer_id=["a", "b"])
    >>> def survey(*codes):
    ...     return pd.DataFrame({"customer_id": ["a", "b"], "kind": "survey_reason", "code": codes,
    ...                          "timestamp": pd.to_datetime(["2026-03-01"] * 2)})
    >>> conflicts = compare_sources(
    ...     {"form": survey("moved", "low_quality"), "call": survey("moved", "switched_service")},
    ...     churn=churn)
    >>> conflicts.to_frame()[["customer_id", "first_said", "second_said", "kind"]]
      customer_id   first_said       second_said        kind
    0           b  low_quality  switched_service  other_leaf
    >>> round(conflicts.agreement.kappa, 3)
    0.333
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

        Returns
        -------
        pandas.DataFrame
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

        Returns
        -------
        pandas.DataFrame
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
