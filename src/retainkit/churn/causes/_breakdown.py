"""The share of losses per cause, in heads and in value, crossed and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import wilson
from retainkit._core.result import TranslatedTable
from retainkit._core.time import from_day_numbers
from retainkit.churn._config import AttributionConfig, SourceWeights
from retainkit.churn._detect import ChurnTable
from retainkit.churn.causes._attribution import attribute_causes
from retainkit.churn.causes._cause_table import CauseTable
from retainkit.churn.causes._codes import CodeBook
from retainkit.churn.causes._taxonomy import (
    BRANCH_OF,
    CAUSES,
    UNKNOWN_CODE,
    CauseCatalog,
    ChurnCause,
    EvidenceSource,
)
from retainkit.churn.incidence._incidence_table import Labels, read_groups
from retainkit.contracts._spells import NO_DAY
from retainkit.errors import AlignmentError, NotComputableError
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
        Group of each customer who left, in the order of `causes`; those without one are left out.
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


def cross_causes(
    causes: CauseTable, *, by: Labels, value: ArrayLike1D | None = None
) -> pd.DataFrame:
    """Count the losses per cause within each tier, period or other group.

    Parameters
    ----------
    causes : CauseTable
        Why each customer left.
    by : array_like, shape (n,)
        Group of each customer who left, in the order of `causes`: its tier, the month it left.
    value : array_like, shape (n,), optional
        What each was worth [money]; NaN where unknown.

    Returns
    -------
    pandas.DataFrame
        One row per group and leaf, groups sorted (a categorical's own order): group, cause,
        customers, share (of the group; NaN where it is empty), low, high (95 % Wilson bounds),
        expected_customers (sum of posteriors), controllable_share (of the group), and value when
        given.

    Raises
    ------
    AlignmentError
        If lengths differ or a group is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, cross_causes, detect_churn
    >>> churn = detect_churn([0.1, 0.1], customer_id=["a", "b"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> cross = cross_causes(attribute_causes(events, churn=churn), by=["key", "small"])
    >>> cross[cross["customers"] > 0][["group", "cause", "share", "controllable_share"]]
        group         cause  share  controllable_share
    2     key  active.fault    1.0                 1.0
    14  small       unknown    1.0                 0.0
    """
    group, names = read_groups(by, len(causes))
    money = None if value is None else np.asarray(value, dtype=np.float64)
    shapes = {group.shape, (len(causes),)} | (set() if money is None else {money.shape})
    if len(shapes) > 1 or (group < 0).any():
        raise AlignmentError(
            f"{len(causes)} losses, groups of shape {group.shape}, {(group < 0).sum()} missing",
            rule="one group (and value) per customer who left, in the order of causes.customer_id",
            where="cross_causes",
        )
    size = len(CAUSES)
    flat = group.astype(np.int64) * size + causes.cause_code
    counts = np.bincount(flat, minlength=len(names) * size).reshape(-1, size)
    total = counts.sum(axis=1, keepdims=True)
    low, high = wilson(counts, total, 0.95)
    expected = np.zeros((len(names), size))
    np.add.at(expected, group, causes.posterior)
    mine = np.array([entry.controllable is True for entry in causes.catalog.causes])
    with_share = np.where(total > 0, counts / np.maximum(total, 1), np.nan)
    frame: dict[str, Any] = {
        "group": pd.Categorical.from_codes(
            np.repeat(np.arange(len(names)), size), categories=pd.Index(names)
        ),
        "cause": [str(cause) for cause in CAUSES] * len(names),
        "customers": counts.ravel(),
        "share": with_share.ravel(),
        "low": low.ravel(),
        "high": high.ravel(),
        "expected_customers": expected.ravel(),
        "controllable_share": np.repeat(with_share[:, mine].sum(axis=1), size),
    }
    if money is not None:
        known = ~np.isnan(money)
        lost = np.bincount(flat[known], weights=money[known], minlength=len(names) * size)
        frame["value"] = lost
    return pd.DataFrame(frame)


def compare_bases(one: CauseBreakdown, other: CauseBreakdown) -> pd.DataFrame:
    """Set the causes of two bases or two years side by side, with what chance alone would do.

    Parameters
    ----------
    one, other : CauseBreakdown
        Breakdowns from `summarize_causes`.

    Returns
    -------
    pandas.DataFrame
        One row per leaf: cause, customers_one, customers_other, share_one, share_other, difference
        (other - one), low, high (95 %, Newcombe), p_value (both-sided, pooled), p_adjusted (Holm,
        over the leaves that occur). NaN where a base lost nobody.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, method 10.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, compare_bases, detect_churn, summarize_causes
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> one = summarize_causes(attribute_causes(events, churn=detect_churn([0], customer_id=["a"])))
    >>> compare_bases(one, one)["difference"].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    x, y = one.customers, other.customers
    n, m = int(x.sum()), int(y.sum())
    low_x, high_x = wilson(x, np.full_like(x, n), 0.95)
    low_y, high_y = wilson(y, np.full_like(y, m), 0.95)
    p, q = one.share, other.share
    gap = q - p
    pooled = (x + y) / max(n + m, 1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / max(n, 1) + 1 / max(m, 1)))
    z = np.divide(gap, error, out=np.full(len(gap), np.nan), where=error > 0.0)
    p_value = np.where(np.isnan(gap), np.nan, 2.0 * special.ndtr(-np.abs(z)))
    return pd.DataFrame(
        {
            "cause": [str(cause) for cause in CAUSES],
            "customers_one": x,
            "customers_other": y,
            "share_one": p,
            "share_other": q,
            "difference": gap,
            "low": gap - np.sqrt((q - low_y) ** 2 + (high_x - p) ** 2),
            "high": gap + np.sqrt((high_y - q) ** 2 + (p - low_x) ** 2),
            "p_value": p_value,
            "p_adjusted": holm(p_value),
        }
    )


def holm(p_value: FloatArray) -> FloatArray:
    """Return p-values adjusted for their number by Holm's method; NaN stays and does not count."""
    known = np.flatnonzero(~np.isnan(p_value))
    order = known[np.argsort(p_value[known], kind="stable")]
    steps = p_value[order] * np.arange(len(order), 0, -1)
    out = np.full(len(p_value), np.nan)
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def rank_causes(
    breakdown: CauseBreakdown,
    *,
    measure: Literal["customers", "value"] = "customers",
    language: Language = "en",
) -> pd.DataFrame:
    """Order the causes by what they cost: the few that make most of the loss.

    Parameters
    ----------
    breakdown : CauseBreakdown
        From `summarize_causes`.
    measure : {"customers", "value"}, default "customers"
        What to order by.
    language : {"en", "zh"}, default "en"
        Language of the labels.

    Returns
    -------
    pandas.DataFrame
        Leaves that occur, the greatest loss first, ties in catalogue order: cause, label, loss,
        share, cumulative_share, controllable, owner, countermeasure. Shares are NaN where the total
        is not positive.

    Raises
    ------
    NotComputableError
        If value is asked for and none was given to `summarize_causes`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, detect_churn, rank_causes, summarize_causes
    >>> churn = detect_churn([0.1] * 3, customer_id=["a", "b", "c"])
    >>> events = pd.DataFrame({"customer_id": ["a", "b", "c"],
    ...                        "kind": ["complaint", "complaint", "relocation"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"] * 3)})
    >>> ranked = rank_causes(summarize_causes(attribute_causes(events, churn=churn)))
    >>> ranked[["cause", "loss", "cumulative_share"]].round(2)
                cause  loss  cumulative_share
    0    active.fault     2              0.67
    1  active.natural     1              1.00
    """
    loss = breakdown.customers if measure == "customers" else breakdown.value
    if loss is None:
        raise NotComputableError(
            "no values were given", rule="value lost needs each customer's value", where="measure"
        )
    frame = breakdown.to_frame(language=language)
    total = float(loss.sum())
    share = loss / total if total > 0.0 else np.full(len(loss), np.nan)
    frame = frame.assign(loss=loss, share=share)
    order = np.argsort(-loss, kind="stable")
    frame = frame.iloc[order[breakdown.customers[order] > 0]].reset_index(drop=True)
    frame["cumulative_share"] = frame["share"].cumsum()
    columns = ["cause", "label", "loss", "share", "cumulative_share", "controllable", "owner"]
    return frame[[*columns, "countermeasure"]]


def default_alternatives() -> dict[str, AttributionConfig]:
    """Return settings a reasonable person might have chosen instead of the default."""
    base = AttributionConfig()
    out = {"default": base}
    for source in EvidenceSource:
        for text, factor in (("x2", 2.0), ("/ 2", 0.5)):
            changed = base.source_weights.model_dump()
            changed[source.value] *= factor
            weights = SourceWeights.model_validate(changed)
            out[f"{source.value} {text}"] = base.replace(source_weights=weights)
    out["half-life 30 days"] = base.replace(half_life_days=30.0)
    out["half-life 365 days"] = base.replace(half_life_days=365.0)
    out["price is our fault"] = base.replace(price_cause=ChurnCause.ACTIVE_FAULT)
    return out


def cause_sensitivity(
    events: pd.DataFrame,
    *,
    churn: ChurnTable,
    alternatives: Mapping[str, AttributionConfig] | None = None,
    catalog: CauseCatalog | None = None,
    code_books: Sequence[CodeBook] | None = None,
) -> pd.DataFrame:
    """Attribute the causes under several settings, to see how far the shares hang on the weights.

    Parameters
    ----------
    events, churn
        As in `attribute_causes`.
    alternatives : mapping of str to AttributionConfig, optional
        Settings by name. Default: the default settings, each weight of a source doubled and
        halved, half-lives of 30 and 365 days, and price as our fault.
    catalog, code_books
        As in `attribute_causes`.

    Returns
    -------
    pandas.DataFrame
        One row per leaf: cause, one column with the share under each setting, and lowest, highest.
        NaN where nobody left.

    Raises
    ------
    SchemaError
        As `attribute_causes`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import cause_sensitivity, detect_churn
    >>> churn = detect_churn([0.1], customer_id=["a"])
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["survey_reason"],
    ...                        "code": ["price_too_high"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> shares = cause_sensitivity(events, churn=churn).set_index("cause")
    >>> shares.loc["active.fault", ["default", "price is our fault"]].tolist()
    [0.0, 1.0]
    """
    settings = default_alternatives() if alternatives is None else dict(alternatives)
    columns: dict[str, Any] = {"cause": [str(cause) for cause in CAUSES]}
    for name, config in settings.items():
        table = attribute_causes(
            events, churn=churn, catalog=catalog, code_books=code_books, config=config
        )
        counts = np.bincount(table.cause_code, minlength=len(CAUSES))
        columns[name] = counts / len(table) if len(table) else np.full(len(CAUSES), np.nan)
    frame = pd.DataFrame(columns)
    shares = frame[list(settings)]
    return frame.assign(lowest=shares.min(axis=1), highest=shares.max(axis=1))
