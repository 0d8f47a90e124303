"""summarize_causes, break_down_causes: the share of losses per cause, in heads and in value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import TranslatedTable
from retainkit._core.time import from_day_numbers
from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import BRANCH_OF, CAUSES, UNKNOWN_CODE
from retainkit.churn._churn_table import ChurnTable
from retainkit.churn._incidence_sample import Labels, read_groups
from retainkit.churn._taxonomy import CauseCatalog
from retainkit.contracts._spells import NO_DAY
from retainkit.errors import AlignmentError
from retainkit.typing import ArrayLike1D, FloatArray, Language


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CauseBreakdown(TranslatedTable):
    """One row per leaf: customers lost to it, their value, and who could have prevented it.

    Parameters
    ----------
    customers : numpy.ndarray of int64, shape (8,)
        Customers whose cause it is.
    expected_customers : numpy.ndarray of float64, shape (8,)
        Sum of the posteriors: each customer counted in parts.
    value : numpy.ndarray of float64 or None, shape (8,)
        Value lost [money]; None when no value was given.
    valued_customers : numpy.ndarray of int64 or None, shape (8,)
        Customers whose value is known.
    catalog : CauseCatalog
        The taxonomy used.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, detect_churn, summarize_causes
    >>> churn = detect_churn([0.1, 0.1], customer_id=["a", "b"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> breakdown = summarize_causes(attribute_causes(events, churn=churn), value=[300.0, 100.0])
    >>> breakdown
    <CauseBreakdown: 8 causes; next: .to_frame()>
    >>> breakdown.controllable_share, breakdown.unknown_share, breakdown.controllable_value
    (0.5, 0.5, 300.0)
    """

    customers: npt.NDArray[np.int64]
    expected_customers: FloatArray
    value: FloatArray | None
    valued_customers: npt.NDArray[np.int64] | None
    catalog: CauseCatalog

    _what: ClassVar[str] = "causes"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("cause", "catalog.causes.cause.value"),
        Column("label", "catalog.causes.label.text"),
        Column("branch", "catalog.causes.branch.value"),
        *plain("customers", "share", "expected_customers"),
        Column("controllable", "catalog.causes.controllable", dtype="boolean"),
        Column("owner", "catalog.causes.owner_label.text"),
        Column("countermeasure", "_countermeasures"),
        *plain("value", "value_share", "valued_customers"),
    )

    def __len__(self) -> int:
        return len(CAUSES)

    @property
    def total(self) -> int:
        """Customers lost, whatever the cause."""
        return int(self.customers.sum())

    @property
    def share(self) -> FloatArray:
        """Share of the lost customers per leaf; NaN when nobody was lost."""
        return _divide(self.customers, self.total)

    @property
    def value_share(self) -> FloatArray | None:
        """Share of the value lost per leaf; NaN where a value or the total is not positive."""
        if self.value is None:
            return None
        total = float(self.value.sum())
        positive = total > 0.0 and not (self.value < 0.0).any()
        return _divide(self.value, total if positive else 0.0)

    @property
    def unknown_share(self) -> float:
        """Share of the lost customers whose cause is unknown; NaN when nobody was lost."""
        return float(self.share[UNKNOWN_CODE])

    @property
    def controllable_share(self) -> float:
        """Share of the lost customers the firm could have kept; `unknown` is not among them.

        NaN when nobody was lost.
        """
        return float(_divide(self.customers[self._controllable].sum(keepdims=True), self.total)[0])

    @property
    def controllable_share_of_known(self) -> float:
        """Controllable losses over losses with a known cause; NaN when no cause is known."""
        known = self.total - int(self.customers[UNKNOWN_CODE])
        return float(_divide(self.customers[self._controllable].sum(keepdims=True), known)[0])

    @property
    def controllable_value(self) -> float | None:
        """Value lost to causes the firm could have prevented [money]; None without values."""
        return None if self.value is None else float(self.value[self._controllable].sum())

    @property
    def _controllable(self) -> npt.NDArray[np.bool_]:
        """Return which leaves the firm could have prevented."""
        return np.array([entry.controllable is True for entry in self.catalog.causes])

    def _countermeasures(self, language: Language) -> list[str]:
        """Return the first countermeasure against each cause."""
        return [entry.countermeasures[0].text(language) for entry in self.catalog.causes]

    def summary(self) -> pd.DataFrame:
        """Return customers lost by branch.

        Returns
        -------
        pandas.DataFrame
            One row per branch: branch, customers, share, and value when values were given.
        """
        branches = list(dict.fromkeys(BRANCH_OF[cause] for cause in CAUSES))
        of_leaf = np.array([branches.index(BRANCH_OF[cause]) for cause in CAUSES])
        heads = np.bincount(of_leaf, weights=self.customers).astype(np.int64)
        columns: dict[str, object] = {
            "branch": [str(branch) for branch in branches],
            "customers": heads,
            "share": _divide(heads, self.total),
        }
        if self.value is not None:
            columns["value"] = np.bincount(of_leaf, weights=self.value)
        return pd.DataFrame(columns)


def summarize_causes(causes: CauseTable, *, value: ArrayLike1D | None = None) -> CauseBreakdown:
    """Count the losses per cause, and the value lost with them.

    Parameters
    ----------
    causes : CauseTable
        Why each customer left.
    value : array_like, shape (n,), optional
        What each of these customers was worth [money], in the order of `causes.customer_id`; NaN
        where it is not known: such a customer counts in heads and not in value.

    Returns
    -------
    CauseBreakdown
        All eight leaves in catalogue order, `unknown` among them.

    Raises
    ------
    AlignmentError
        If `value` has another length.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, detect_churn, summarize_causes
    >>> churn = detect_churn([0.1, 0.1], customer_id=["a", "b"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["relocation"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> summarize_causes(attribute_causes(events, churn=churn)).summary()
               branch  customers  share
    0          active          1    0.5
    1         passive          0    0.0
    2         unknown          1    0.5
    3  administrative          0    0.0
    """
    money = None if value is None else _read_value(causes, value)
    return _tally(causes, np.arange(len(causes)), money)


def break_down_causes(
    causes: CauseTable, *, by: Labels, value: ArrayLike1D | None = None
) -> dict[str, CauseBreakdown]:
    """Count the losses per cause apart for each period, tier or other group.

    Parameters
    ----------
    causes : CauseTable
        Why each customer left.
    by : array_like, shape (n,)
        Group of each customer who left, in the order of `causes`; who has none is left out.
    value : array_like, shape (n,), optional
        As in `summarize_causes`.

    Returns
    -------
    dict of str to CauseBreakdown
        Groups in sorted order (a categorical's own): months give the list that
        `find_cause_alerts` compares.

    Raises
    ------
    AlignmentError
        If lengths differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, break_down_causes, detect_churn
    >>> churn = detect_churn([0.1, 0.1], customer_id=["a", "b"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> months = break_down_causes(attribute_causes(events, churn=churn), by=["2026-03", "2026-02"])
    >>> {month: breakdown.unknown_share for month, breakdown in months.items()}
    {'2026-02': 1.0, '2026-03': 0.0}
    """
    group, names = read_groups(by, len(causes))
    if group.shape != (len(causes),):
        raise AlignmentError(
            f"{len(causes)} lost customers, groups of shape {group.shape}",
            rule="one group per lost customer, in the order of causes.customer_id",
            where="break_down_causes",
        )
    money = None if value is None else _read_value(causes, value)
    return {
        name: _tally(causes, np.flatnonzero(group == code), money)
        for code, name in enumerate(names)
    }


def _read_value(causes: CauseTable, value: ArrayLike1D) -> FloatArray:
    """Return the values as numbers; refuse another length."""
    money = np.asarray(value, dtype=np.float64)
    if money.shape != (len(causes),):
        raise AlignmentError(
            f"{len(causes)} lost customers, value of shape {money.shape}",
            rule="one value per lost customer, in the order of causes.customer_id",
            where="summarize_causes",
            fix="value=values.loc[causes.customer_id]",
        )
    return money


def _tally(
    causes: CauseTable, rows: npt.NDArray[np.intp], money: FloatArray | None
) -> CauseBreakdown:
    """Return the counts over some of the losses."""
    size, code = len(CAUSES), causes.cause_code[rows]
    worth: FloatArray | None = None
    valued: npt.NDArray[np.int64] | None = None
    if money is not None:
        known = ~np.isnan(money[rows])
        lost = np.bincount(code[known], weights=money[rows][known], minlength=size)
        worth = lost.astype(np.float64)
        valued = np.bincount(code[known], minlength=size).astype(np.int64)
    return CauseBreakdown(
        customers=np.bincount(code, minlength=size).astype(np.int64),
        expected_customers=causes.posterior[rows].sum(axis=0),
        value=worth,
        valued_customers=valued,
        catalog=causes.catalog,
    )


def _divide(part: npt.NDArray[np.generic], whole: float) -> FloatArray:
    """Return shares of the whole; NaN where it is 0."""
    if whole == 0:
        return np.full(len(part), np.nan)
    return np.asarray(part, dtype=np.float64) / whole


def break_down_by_month(causes: CauseTable, churn: ChurnTable) -> dict[str, CauseBreakdown]:
    """Count the losses per cause in each month they took effect in.

    Parameters
    ----------
    causes : CauseTable
        Why each customer left.
    churn : ChurnTable
        The verdicts that `causes` was attributed from.

    Returns
    -------
    dict of str to CauseBreakdown
        By month ("2026-03"), in order; losses without a day are left out. Empty where leaving is
        judged and not seen (`ChurnTable.effective_day` is None).

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import (
    ...     attribute_causes, break_down_by_month, detect_contract_churn)
    >>> contracts = pd.DataFrame({"customer_id": [1, 2], "amount": 9.0,
    ...     "start": pd.to_datetime("2026-01-01"),
    ...     "end": pd.to_datetime(["2026-03-01", "2026-04-15"])})
    >>> churn = detect_contract_churn(contracts, as_of="2026-05-31")
    >>> events = pd.DataFrame({"customer_id": [1], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-02-20"])})
    >>> months = break_down_by_month(attribute_causes(events, churn=churn), churn)
    >>> {month: losses.total for month, losses in months.items()}
    {'2026-03': 1, '2026-04': 1}
    """
    if churn.effective_day is None:
        return {}
    days = churn.effective_day[churn.customer_id.get_indexer(causes.customer_id)]
    known = days != NO_DAY
    months = from_day_numbers(np.where(known, days, 0)).astype("datetime64[M]").astype(str)
    month = months.astype(object)
    month[~known] = None
    return break_down_causes(causes, by=month)
