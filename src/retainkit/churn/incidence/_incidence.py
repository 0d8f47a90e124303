"""Cumulative incidence by cause, compared between groups, with bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from retainkit.churn._contracts import SpellTable
from retainkit.churn.causes._cause_table import CauseTable, cause_categorical
from retainkit.churn.causes._taxonomy import CAUSES, UNKNOWN_CODE
from retainkit.churn.incidence._incidence_table import (
    IncidenceTable,
    Labels,
    Sample,
    check_sample,
    count_sample,
    read_causes,
    transformed_bounds,
)
from retainkit.churn.incidence._kernel_incidence import (
    Counts,
    covariance,
    distinct_times,
    gray_risk,
    greatest_ratios,
    hazards,
    incidences,
    subdistribution_score,
)
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray


def cumulative_incidence(
    duration: ArrayLike1D,
    *,
    cause: Labels,
    causes: Sequence[str] | None = None,
    entry: ArrayLike1D | None = None,
    by: Labels | None = None,
    level: float = 0.95,
) -> IncidenceTable:
    """Estimate the probability of having left by each time, cause by cause.

    The Aalen-Johansen estimator: exact with ties and with losses at time 0, with censoring and
    with late entry. 1 - Kaplan-Meier per cause is too high, as it lets those who left for another
    cause leave again; it is beside as `.naive`.

    Parameters
    ----------
    duration : array_like, shape (n,)
        Time from the origin to leaving, or to the last day the customer was seen there [any unit].
    cause : array_like, shape (n,)
        Why the customer left; missing (None, NaN) where it was still there.
    causes : sequence of str, optional
        Causes in the order wanted; by default those that occur, leaves of the taxonomy first.
    entry : array_like, shape (n,), optional
        Time from the origin at which observation began (left truncation). 0 = from the origin; a
        customer with a later entry is at risk after that time only.
    by : array_like, shape (n,), optional
        Group of each customer, for one curve each; missing groups are not allowed.
    level : float, default 0.95
        Confidence level of the bands [share].

    Returns
    -------
    IncidenceTable
        One row per group and distinct time, groups in sorted order (a categorical's own order).

    Raises
    ------
    AlignmentError
        If lengths differ.
    SchemaError
        If a duration is missing, negative or before its entry, a group is missing, or a cause is
        not among `causes`.

    Notes
    -----
    At time u, with Y at risk and d_k lost to cause k, h_k = d_k / Y, S = prod(1 - sum h_k) and
    F_k(u) = sum S(u-) h_k(u). A customer who leaves at u is at risk at u; so is one last seen at u.

    References
    ----------
    Aalen, O. O. & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5.

    Examples
    --------
    >>> from retainkit.churn import cumulative_incidence
    >>> table = cumulative_incidence(
    ...     [1, 2, 2, 3, 4], cause=["fault", "price", "fault", None, "price"])
    >>> table.at([2, 4])[["time", "survival", "incidence(fault)", "incidence(price)"]]
       time  survival  incidence(fault)  incidence(price)
    0   2.0       0.4               0.4               0.2
    1   4.0       0.0               0.4               0.6
    """
    code, names = read_causes(cause, causes)
    sample = check_sample(duration, entry, code, None, names, by)
    return _estimate(sample, level)


def share_incidence(
    duration: ArrayLike1D,
    *,
    shares: npt.NDArray[np.float64],
    causes: Sequence[str] = CAUSES,
    entry: ArrayLike1D | None = None,
    by: Labels | None = None,
    level: float = 0.95,
) -> IncidenceTable:
    """Estimate incidences where each loss is shared among causes by probability.

    Hard labels give the doubtful cases to the likeliest cause and so bend the curves; shares that
    are calibrated give the curves of the true causes without knowing a single one for sure.

    Parameters
    ----------
    duration : array_like, shape (n,)
        As in `cumulative_incidence`.
    shares : numpy.ndarray, shape (n, k)
        Probability of each cause, such as `CauseTable.posterior`; rows sum to 1. A row of zeros or
        NaN is a customer who was still there.
    causes : sequence of str, default the eight leaves
        Names of the columns.
    entry, by, level
        As in `cumulative_incidence`.

    Returns
    -------
    IncidenceTable
        `events` are sums of shares. The variance is that of sampling; it is that of the true
        curves too where the shares are calibrated probabilities.

    Raises
    ------
    AlignmentError
        If lengths or the number of causes differ.
    SchemaError
        If a row sums to anything but 0 or 1, or a share is negative.

    Notes
    -----
    The variance of the hazard of cause k is (q_k / Y - h_k**2) / Y with q_k the sum of the squared
    shares; with whole causes q_k = d_k, the usual form.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.churn import share_incidence
    >>> shares = np.array([[0.7, 0.3], [0.0, 0.0], [0.5, 0.5]])
    >>> share_incidence([1, 2, 3], shares=shares, causes=["fault", "price"]).events.sum(axis=0)
    array([1.2, 0.8])
    """
    parts = np.nan_to_num(np.asarray(shares, dtype=np.float64), nan=0.0)
    if parts.ndim != 2 or parts.shape[1] != len(causes):
        raise AlignmentError(
            f"shares of shape {parts.shape} for {len(causes)} causes",
            rule="one row per customer, one column per cause",
            where="shares",
        )
    total = parts.sum(axis=1)
    gone = total > 0.0
    if (parts < 0.0).any() or (np.abs(total[gone] - 1.0) > 1e-9).any():
        raise SchemaError(
            f"{int((np.abs(total[gone] - 1.0) > 1e-9).sum())} rows of shares do not sum to 1",
            rule="shares are probabilities that sum to 1, or all 0 where nobody left",
            where="shares",
            fix="pass CauseTable.posterior for those who left",
        )
    code = np.where(gone, 0, -1).astype(np.int64)
    sample = check_sample(duration, entry, code, parts, tuple(str(c) for c in causes), by)
    return _estimate(sample, level)


def compare_incidence(
    duration: ArrayLike1D,
    *,
    cause: Labels,
    by: Labels,
    causes: Sequence[str] | None = None,
    entry: ArrayLike1D | None = None,
) -> pd.DataFrame:
    """Test, cause by cause, whether the groups share one incidence curve.

    Gray's comparison of subdistribution hazards between groups, with the delta-method covariance
    of each group's own Aalen-Johansen estimate: other causes and censoring may differ between the
    groups. Without other causes it is the log-rank comparison.

    Parameters
    ----------
    duration, cause
        As in `cumulative_incidence`.
    by : array_like, shape (n,)
        Group of each customer; at least two groups.
    causes, entry
        As in `cumulative_incidence`.

    Returns
    -------
    pandas.DataFrame
        One row per cause: cause, chi_square, degrees_of_freedom, p_value, and excess(g) per group,
        the losses beyond those expected under one curve. NaN where the cause never occurs.

    Raises
    ------
    AlignmentError, SchemaError
        As `cumulative_incidence`.
    NotComputableError
        If there are fewer than two groups.

    References
    ----------
    Gray, R. J. (1988). A class of K-sample tests for comparing the cumulative incidence of a
    competing risk. Annals of Statistics 16, eq. (2.3).

    Examples
    --------
    >>> from retainkit.churn import compare_incidence
    >>> test = compare_incidence([1, 2, 3, 4, 5, 6], cause=["a", "a", "b", "a", None, "b"],
    ...                          by=["x", "x", "x", "y", "y", "y"])
    >>> test[["cause", "degrees_of_freedom"]]
      cause  degrees_of_freedom
    0     a                   1
    1     b                   1
    """
    code, names = read_causes(cause, causes)
    sample = check_sample(duration, entry, code, None, names, by)
    if len(sample.groups) < 2:
        raise NotComputableError(
            f"{len(sample.groups)} group", rule="a comparison needs two groups", where="by"
        )
    time, place = distinct_times(sample.duration)
    per_group = []
    for number in range(len(sample.groups)):
        rows = np.flatnonzero(sample.group == number)
        per_group.append(hazards(count_sample(sample, rows, time, place[rows])))
    columns = ["cause", "chi_square", "degrees_of_freedom", "p_value"]
    out = [_gray_test(per_group, j) for j in range(len(sample.causes))]
    frame = pd.DataFrame(
        [(name, *row[:3]) for name, row in zip(sample.causes, out, strict=True)], columns=columns
    )
    for number, group in enumerate(sample.groups):
        frame[f"excess({group})"] = [row[3][number] for row in out]
    return frame


def _gray_test(per_group: list[Any], k: int) -> tuple[float, int, float, FloatArray]:
    """Return chi-square, degrees of freedom, p-value and the score of each group."""
    size = len(per_group)
    risk = np.array([gray_risk(h, k) for h in per_group])
    whole = risk.sum(axis=0)
    shared = np.divide(risk, whole, out=np.zeros_like(risk), where=whole > 0.0)
    score, cover = np.zeros(size), np.zeros((size, size))
    for one, h in enumerate(per_group):
        slopes = []
        for j in range(size):
            weight = (float(one == j) - shared[j]) * risk[one]
            value, slope = subdistribution_score(h, k, weight)
            score[j] += value
            slopes.append(slope)
        cover += [[covariance(h, k, a, b) for b in slopes] for a in slopes]
    inner, block = score[:-1], cover[:-1, :-1]
    rank = int(np.linalg.matrix_rank(block))
    if rank == 0:
        return np.nan, size - 1, np.nan, score
    chi = float(inner @ np.linalg.pinv(block) @ inner)
    return chi, rank, float(special.chdtrc(rank, chi)), score


def _estimate(sample: Sample, level: float) -> IncidenceTable:
    """Return the curves of every group."""
    if not 0.0 < level < 1.0:
        raise SchemaError(f"level is {level}", rule="a level lies between 0 and 1")
    parts: list[tuple[Counts, FloatArray, FloatArray]] = []
    codes = []
    for number in range(len(sample.groups)):
        rows = slice(None) if len(sample.groups) == 1 else np.flatnonzero(sample.group == number)
        time, place = distinct_times(sample.duration[rows])
        counts = count_sample(sample, rows, time, place)
        h = hazards(counts)
        parts.append((counts, h.survival, incidences(h)))
        codes.append(np.full(len(time), number, dtype=np.int32))
    counts_of = [part[0] for part in parts]
    return IncidenceTable(
        groups=sample.groups,
        causes=sample.causes,
        group_code=_join(codes),
        time=_join([c.time for c in counts_of]),
        at_risk=_join([c.at_risk for c in counts_of]),
        censored=_join([c.censored for c in counts_of]),
        events=_join([c.events for c in counts_of]),
        squares=_join([c.squares for c in counts_of]),
        survival=_join([part[1] for part in parts]),
        incidence=_join([part[2] for part in parts]),
        never_at_risk=sample.never_at_risk,
        level=level,
    )


def _join(parts: list[Any]) -> Any:
    """Return the parts as one array; one part is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def cover_incidence(
    table: IncidenceTable,
    *,
    between: tuple[float, float] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Bound each incidence curve as a whole: the true curve lies inside everywhere at once.

    `IncidenceTable.band` is right for one time chosen beforehand; a curve that is looked at all
    along leaves it somewhere far more often. These bounds are wider by as much as it takes.

    Parameters
    ----------
    table : IncidenceTable
        Estimated incidences; its `level` is that of the bounds.
    between : tuple of float, optional
        First and last time the bounds hold for [unit of the input]. By default from the tenth loss
        for the cause to the last time with ten customers at risk: where the normal law is fair.
    draws : int, default 1000
        Curves drawn; the critical value has a relative error of some 1 % with 1,000.
    seed : int, default 0
        Seed of the draws: the same bounds every time.

    Returns
    -------
    pandas.DataFrame
        One row per group, cause and time in range: group, cause, time, incidence, low, high,
        critical_value (what 1.96 is to a pointwise 95 % band). No rows where nothing is in range.

    Raises
    ------
    SchemaError
        If the range is empty or there are fewer than 100 draws.

    Notes
    -----
    Equal-precision bounds on the log-minus-log scale, F ** exp(-+ c se / (F log F)), with c the
    quantile of the greatest abs(W(t)) / se(t) over the range; W is drawn from the normal limit of
    the Aalen-Johansen estimate. With one cause it is the equal-precision band of Nair (1984).

    References
    ----------
    Lin, D. Y. (1997). Non-parametric inference for cumulative incidence functions in competing
    risks studies. Statistics in Medicine 16, 901-910.
    Nair, V. N. (1984). Confidence bands for survival functions with censored data: a comparative
    study. Technometrics 26(3), 265-275.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.churn import cover_incidence, cumulative_incidence
    >>> day = np.arange(1, 201)
    >>> cause = np.where(day % 3 == 0, "price", "fault")
    >>> table = cumulative_incidence(day, cause=cause)
    >>> whole = cover_incidence(table, between=(50, 150))
    >>> bool(whole["critical_value"].min() > 1.96)
    True
    """
    if draws < 100 or (between is not None and not between[0] <= between[1]):
        raise SchemaError(
            f"{draws} draws between {between}",
            rule="at least 100 draws, and a range from an earlier to a later time",
            where="cover_incidence",
        )
    low, high = _ranges(table, between)
    parts = []
    deviation = table.standard_error
    for g, group in enumerate(table.groups):
        rows = np.flatnonzero(table.group_code == g)
        h = hazards(table.counts(g))
        for k, cause in enumerate(table.causes):
            f, se = table.incidence[rows, k], deviation[rows, k]
            inside = (table.time[rows] >= low[g, k]) & (table.time[rows] <= high[g, k])
            inside &= (f > 0.0) & (f < 1.0) & (se > 0.0)
            if not inside.any():
                continue
            ratios = greatest_ratios(
                h,
                table.incidence[rows],
                k,
                deviation=se,
                inside=inside,
                draws=draws,
                rng=np.random.default_rng([seed, g, k]),
            )
            critical = float(np.quantile(ratios, table.level))
            bounds = transformed_bounds(f[inside], se[inside], critical)
            columns = {"time": table.time[rows][inside], "incidence": f[inside]}
            columns |= {"low": bounds[0], "high": bounds[1]}
            frame = pd.DataFrame(columns)
            frame.insert(0, "cause", cause)
            frame.insert(0, "group", group)
            parts.append(frame.assign(critical_value=critical))
    if parts:
        return pd.concat(parts, ignore_index=True)
    names = ["group", "cause", "time", "incidence", "low", "high", "critical_value"]
    return pd.DataFrame(columns=pd.Index(names))


def _ranges(
    table: IncidenceTable, between: tuple[float, float] | None
) -> tuple[FloatArray, FloatArray]:
    """Return the first and last time per group and cause; an empty range is inf to -inf."""
    shape = (len(table.groups), len(table.causes))
    if between is not None:
        return np.full(shape, between[0]), np.full(shape, between[1])
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for g in range(shape[0]):
        rows = table.group_code == g
        lost: FloatArray = np.cumsum(table.events[rows], axis=0)
        enough: BoolArray = table.at_risk[rows] >= 10.0
        for k in range(shape[1]):
            usable = table.time[rows][(lost[:, k] >= 10.0 - 1e-9) & enough]
            low[g, k], high[g, k] = usable.min(initial=np.inf), usable.max(initial=-np.inf)
    return low, high


def label_spells(spells: SpellTable, *, causes: CauseTable | None) -> pd.Categorical[Any]:
    """Name the cause of each spell's end, for `cumulative_incidence`.

    Parameters
    ----------
    spells : SpellTable
        From `list_contract_spells`.
    causes : CauseTable or None
        Why customers left. It is the cause of a customer's last loss; earlier ones are `unknown`,
        and so is every loss without it.

    Returns
    -------
    pandas.Categorical
        One cause per spell, all eight leaves as categories; missing where the spell runs on, or
        ended in a pause.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import (
    ...     attribute_causes, cumulative_incidence, detect_contract_churn, label_spells,
    ...     list_contract_spells)
    >>> contracts = pd.DataFrame({"customer_id": ["a", "a", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-01-01"]),
    ...     "end": pd.to_datetime(["2026-01-11", "2026-03-01", None])})
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["relocation"],
    ...                        "timestamp": pd.to_datetime(["2026-02-27"])})
    >>> churn = detect_contract_churn(contracts, as_of="2026-03-31")
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> labels = label_spells(spells, causes=attribute_causes(events, churn=churn))
    >>> labels.tolist()
    ['unknown', 'active.natural', nan]
    >>> cumulative_incidence(spells.duration, cause=labels).causes
    ('active.natural', 'unknown')
    """
    place = _last_losses(spells, causes)
    code = np.where(spells.ended, UNKNOWN_CODE, -1).astype(np.int8)
    if causes is not None:
        code[place >= 0] = causes.cause_code[place[place >= 0]]
    return cause_categorical(code)


def share_spells(spells: SpellTable, *, causes: CauseTable | None) -> FloatArray:
    """Share each spell's end among the causes by probability, for `share_incidence`.

    Parameters
    ----------
    spells, causes
        As in `label_spells`; probabilities from `EvidenceModel.apply` or `CauseModel.apply`.

    Returns
    -------
    numpy.ndarray of float64, shape (spells, 8)
        Rows sum to 1 where the spell ended in a loss and are 0 where it did not; losses without a
        cause are all `unknown`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import list_contract_spells, share_spells
    >>> contracts = pd.DataFrame({"customer_id": ["a", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01"]),
    ...     "end": pd.to_datetime(["2026-01-11", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> share_spells(spells, causes=None).sum(axis=1).tolist()
    [1.0, 0.0]
    """
    place = _last_losses(spells, causes)
    shares = np.zeros((len(spells), len(CAUSES)))
    shares[spells.ended, UNKNOWN_CODE] = 1.0
    if causes is not None:
        shares[place >= 0] = causes.posterior[place[place >= 0]]
    return shares


def _last_losses(spells: SpellTable, causes: CauseTable | None) -> npt.NDArray[np.int64]:
    """Return the place among the causes of each spell that is its customer's last loss; else -1."""
    if causes is None or not len(causes):
        return np.full(len(spells), -1, dtype=np.int64)
    ids = pd.Series(causes.customer_id)
    found = align_customer_ids(ids, spells.customer_id)
    of_customer = np.full(len(spells.customer_id) + 1, -1, dtype=np.int64)
    of_customer[found] = np.arange(len(causes))
    of_customer[-1] = -1
    return np.where(spells.ended & ~spells.returned, of_customer[spells.customer], -1)
