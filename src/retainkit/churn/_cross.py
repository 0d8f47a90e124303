"""Causes by tier or period, two bases side by side, Pareto, and sensitivity to the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from retainkit._core.kernels.intervals import wilson
from retainkit.churn._attribution import attribute_causes
from retainkit.churn._breakdown import CauseBreakdown
from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import CAUSES, ChurnCause, EvidenceSource
from retainkit.churn._churn_table import ChurnTable
from retainkit.churn._codes import CodeBook
from retainkit.churn._config import AttributionConfig, SourceWeights
from retainkit.churn._incidence_sample import Labels, read_groups
from retainkit.churn._taxonomy import CauseCatalog
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.typing import ArrayLike1D, FloatArray, Language


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
    """Return settings a reasonable person might have chosen instead of the default.

    Returns
    -------
    dict of str to AttributionConfig
        "default" first; then each source twice and half as trusted, a shorter and longer memory,
        and price as our fault.

    Examples
    --------
    >>> from retainkit.churn import default_alternatives
    >>> list(default_alternatives())[:3]
    ['default', 'verified x2', 'verified / 2']
    """
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
        Settings by name; `default_alternatives()` by default.
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
