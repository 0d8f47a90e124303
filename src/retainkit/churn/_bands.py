"""cover_incidence: bounds that hold for a whole incidence curve at once, not time by time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.churn._incidence_table import IncidenceTable, transformed_bounds
from retainkit.churn._kernel_bands import greatest_ratios
from retainkit.churn._kernel_incidence import hazards
from retainkit.errors import SchemaError
from retainkit.typing import BoolArray, FloatArray


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
