"""The sample that incidence is estimated from, and the table of curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import normal_bounds, normal_quantile
from retainkit._core.result import ResultTable
from retainkit.churn.causes._taxonomy import CAUSES
from retainkit.churn.incidence._kernel_incidence import (
    Counts,
    count_events,
    covariance,
    hazards,
    incidence_variances,
    time_lost,
)
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray

Labels: TypeAlias = "ArrayLike1D | pd.Categorical[Any]"
"""One label per customer, missing where it has none."""


class Sample(NamedTuple):
    """Checked input: only rows that were ever at risk."""

    duration: FloatArray
    entry: FloatArray | None
    cause: npt.NDArray[np.int64]
    shares: FloatArray | None
    causes: tuple[str, ...]
    group: npt.NDArray[np.int32]
    groups: tuple[str, ...]
    never_at_risk: int


def read_causes(
    cause: Labels, causes: Sequence[str] | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the place of each cause (-1 = still there) and the names; refuse others."""
    labels = pd.Series(cause, dtype="object" if not hasattr(cause, "dtype") else None)
    names = _cause_names(labels, causes)
    if isinstance(labels.dtype, pd.CategoricalDtype):
        place = pd.Index(names).get_indexer(labels.cat.categories.astype("object"))
        given = labels.cat.codes.to_numpy()
        code = np.append(place, -1)[given].astype(np.int64, copy=False)
        strange = (code < 0) & (given >= 0)
    else:
        code = np.asarray(pd.Index(names).get_indexer(labels.astype("object")), dtype=np.int64)
        strange = (code < 0) & labels.notna().to_numpy(dtype=np.bool_)
    if strange.any():
        raise SchemaError(
            f"{int(strange.sum())} causes are not listed, for example "
            f"{sorted({str(one) for one in labels[strange]})[:3]}",
            rule=f"a cause is one of {list(names)}, or missing where the customer is still there",
            where="cause",
            fix="list it in `causes`",
        )
    return code, tuple(str(name) for name in names)


def count_sample(
    sample: Sample, rows: Any, time: FloatArray, place: npt.NDArray[np.int64]
) -> Counts:
    """Count what happens at each time among the rows of one group."""
    return count_events(
        time,
        place,
        None if sample.entry is None else sample.entry[rows],
        sample.cause[rows],
        None if sample.shares is None else sample.shares[rows],
        causes=len(sample.causes),
    )


def _cause_names(labels: pd.Series[Any], causes: Sequence[str] | None) -> tuple[Any, ...]:
    """Return the causes in order: as asked, a categorical's own, or leaves first, then sorted."""
    if causes is not None:
        return tuple(causes)
    if isinstance(labels.dtype, pd.CategoricalDtype):
        codes = labels.cat.codes.to_numpy()
        used = np.bincount(codes[codes >= 0], minlength=len(labels.cat.categories)) > 0
        return tuple(labels.cat.categories[used])
    present = list(labels.dropna().unique())
    leaves = [one for one in CAUSES if one in present]
    return (*leaves, *sorted((one for one in present if one not in leaves), key=str))


def check_sample(
    duration: ArrayLike1D,
    entry: ArrayLike1D | None,
    code: npt.NDArray[np.int64],
    shares: FloatArray | None,
    causes: tuple[str, ...],
    by: Labels | None,
) -> Sample:
    """Return the rows that were ever at risk; refuse what has no usable time, entry or group."""
    time = np.asarray(duration, dtype=np.float64)
    begin = None if entry is None else np.asarray(entry, dtype=np.float64)
    sizes = {"duration": time.shape, "cause": code.shape}
    if begin is not None:
        sizes["entry"] = begin.shape
    group, groups = read_groups(by, len(time))
    sizes["by"] = group.shape
    if len(set(sizes.values())) > 1 or time.ndim != 1:
        raise AlignmentError(f"sizes differ: {sizes}", rule="one value per customer", where="rows")
    wrong = ~np.isfinite(time) | (time < 0.0) | (group < 0)
    if begin is not None:
        wrong |= ~np.isfinite(begin) | (begin < 0.0) | (begin > time)
    if wrong.any():
        raise SchemaError(
            f"{int(wrong.sum())} of {len(time)} rows have no usable duration, entry or group, "
            f"for example row {int(np.flatnonzero(wrong)[0])}",
            rule="a duration is finite and not negative, an entry not after it, a group known",
            where="duration, entry, by",
            fix="drop or repair these rows",
        )
    return _drop_unseen(Sample(time, begin, code, shares, causes, group, groups, 0))


def _drop_unseen(sample: Sample) -> Sample:
    """Leave out who entered late on the very day it was last seen: it is never at risk."""
    if sample.entry is None:
        return sample
    seen: BoolArray = (sample.entry < sample.duration) | (sample.entry == 0.0)
    if seen.all():
        return sample
    return sample._replace(
        duration=sample.duration[seen],
        entry=sample.entry[seen],
        cause=sample.cause[seen],
        shares=None if sample.shares is None else sample.shares[seen],
        group=sample.group[seen],
        never_at_risk=int((~seen).sum()),
    )


def read_groups(by: Labels | None, n: int) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Return the group of each row (-1 = missing) and the names, in order."""
    if by is None:
        return np.zeros(n, dtype=np.int32), ("all",)
    series = pd.Series(by)
    if isinstance(series.dtype, pd.CategoricalDtype):
        used = series.cat.remove_unused_categories()
        places = np.asarray(used.cat.codes).astype(np.int32)
        return places, tuple(map(str, used.cat.categories))
    found, unique = pd.factorize(series, sort=True, use_na_sentinel=True)
    return np.asarray(found).astype(np.int32), tuple(str(one) for one in unique)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class IncidenceTable(ResultTable):
    """One row per group and distinct time: survival and incidence of each cause.

    Survival and incidences sum to 1 in every row.

    Parameters
    ----------
    groups : tuple of str
        Groups in the order of the rows; ("all",) where none were given.
    causes : tuple of str
        Causes in the order of the columns.
    group_code : numpy.ndarray of int32, shape (m,)
        Position of the group.
    time : numpy.ndarray of float64, shape (m,)
        Distinct times of leaving or of last sight, ascending within a group [unit of the input].
    at_risk, censored : numpy.ndarray of float64, shape (m,)
        Customers under observation just before the time, and last seen still there at it.
    events, squares : numpy.ndarray of float64, shape (m, k)
        Losses by cause, in parts where causes are shared, and sums of the squared parts.
    survival : numpy.ndarray of float64, shape (m,)
        Probability of still being there after the time.
    incidence : numpy.ndarray of float64, shape (m, k)
        Probability of having left for the cause by the time.
    never_at_risk : int
        Customers who entered on the very day they were last seen: they tell nothing.
    level : float
        Confidence level of the bands.
    """

    groups: tuple[str, ...]
    causes: tuple[str, ...]
    group_code: npt.NDArray[np.int32]
    time: FloatArray
    at_risk: FloatArray
    censored: FloatArray
    events: FloatArray
    squares: FloatArray
    survival: FloatArray
    incidence: FloatArray
    never_at_risk: int
    level: float

    _what: ClassVar[str] = "times"
    _next_step: ClassVar[str] = ".at([...])"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("group", "time", "cause", "at_risk", "censored", "survival"),
        *plain("events", "incidence", "se", "low", "high"),
    )

    def __len__(self) -> int:
        return len(self.time)

    @property
    def variance(self) -> FloatArray:
        """Sampling variance of each incidence, shape (m, k)."""
        out = np.empty_like(self.incidence)
        for code in range(len(self.groups)):
            rows = self._rows(code)
            out[rows] = incidence_variances(hazards(self._counts(rows)), self.incidence[rows])
        return out

    @property
    def standard_error(self) -> FloatArray:
        """Standard error of each incidence, shape (m, k)."""
        return np.sqrt(self.variance)

    @property
    def band(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper pointwise bounds, F ** exp(-+ z se / (F log F)); NaN where F is 0.

        They hold at one time chosen beforehand; `cover_incidence` gives bounds for whole curves.
        """
        z = normal_quantile(self.level)
        return transformed_bounds(self.incidence, self.standard_error, z)

    @property
    def naive(self) -> FloatArray:
        """1 - Kaplan-Meier per cause, other causes taken as censoring: too high, for comparison.

        It is the probability of leaving for the cause in a world where nobody can leave for
        another; the columns may sum to more than 1.
        """
        out = np.empty_like(self.incidence)
        for code in range(len(self.groups)):
            rows = self._rows(code)
            at_risk = np.maximum(self.at_risk[rows], 1e-300)[:, None]
            out[rows] = 1.0 - np.cumprod(1.0 - self.events[rows] / at_risk, axis=0)
        return out

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group, time and cause; nothing where nobody was lost."""
        k = len(self.causes)
        group, cause = self.group_code.repeat(k), np.tile(np.arange(k), len(self))
        low, high = self.band
        return pd.DataFrame(
            {
                "group": pd.Categorical.from_codes(group, pd.Index(self.groups)),
                "time": self.time.repeat(k),
                "cause": pd.Categorical.from_codes(cause, pd.Index(self.causes)),
                "at_risk": self.at_risk.repeat(k),
                "censored": self.censored.repeat(k),
                "survival": self.survival.repeat(k),
                "events": self.events.ravel(),
                "incidence": self.incidence.ravel(),
                "se": self.standard_error.ravel(),
                "low": low.ravel(),
                "high": high.ravel(),
            }
        )

    def at(self, times: ArrayLike1D) -> pd.DataFrame:
        """Return survival and incidences at chosen times [unit of the input].

        One row per group and time: group, time, at_risk, survival, and per cause incidence(c),
        se(c), low(c), high(c). NaN beyond the last time of the group: nobody was observed for so
        long.
        """
        wanted = np.asarray(times, dtype=np.float64)
        full = self._side_by_side()
        names = full.columns.drop("survival").tolist()
        parts = []
        for code, group in enumerate(self.groups):
            rows = np.arange(len(self))[self._rows(code)]
            place = np.searchsorted(self.time[rows], wanted, side="right") - 1
            last = self.time[rows[-1]] if len(rows) else -np.inf
            part = full[["survival", *names]].iloc[rows[place]] if len(rows) else full.iloc[[]]
            part = part.reset_index(drop=True).reindex(range(len(wanted)))
            before = place < 0
            part.loc[before, ["survival"]] = 1.0
            part.loc[before, [n for n in names if n.startswith(("incidence", "se("))]] = 0.0
            part.loc[wanted > last, :] = np.nan
            part.insert(0, "at_risk", self._at_risk(rows, wanted))
            part.insert(0, "time", wanted)
            part.insert(0, "group", group)
            parts.append(part[["group", "time", "at_risk", "survival", *names]])
        return pd.concat(parts, ignore_index=True)

    def _side_by_side(self) -> pd.DataFrame:
        """Return survival and, cause beside cause, incidence, error and bounds at each time."""
        low, high = self.band
        parts = {"incidence": self.incidence, "se": self.standard_error, "low": low, "high": high}
        columns = {"survival": self.survival}
        for j, cause in enumerate(self.causes):
            columns |= {f"{name}({cause})": part[:, j] for name, part in parts.items()}
        return pd.DataFrame(columns)

    def _at_risk(self, rows: npt.NDArray[np.int64], wanted: FloatArray) -> FloatArray:
        """Return who was still under observation at the next time of the group."""
        place = np.searchsorted(self.time[rows], wanted, side="left")
        return np.append(self.at_risk[rows], 0.0)[place]

    def time_lost(self, horizon: float) -> pd.DataFrame:
        """Return the mean time lost to each cause from the origin to a horizon [unit of the input].

        One row per group and cause: group, cause, horizon, time_lost (area under the incidence
        [unit]), se, low, high (normal bounds). The times lost and the mean time kept sum to the
        horizon. NotComputableError if a group was not observed as far as the horizon.
        """
        if not horizon > 0.0:
            raise SchemaError(f"horizon is {horizon}", rule="a horizon is positive")
        rows_out = []
        for code, group in enumerate(self.groups):
            rows = self._rows(code)
            self._require_observed(rows, group, horizon)
            h = hazards(self._counts(rows))
            for j, cause in enumerate(self.causes):
                value, slope = time_lost(self.time[rows], h, j, horizon)
                se = covariance(h, j, slope, slope) ** 0.5
                bounds = normal_bounds(value, se, self.level)
                rows_out.append((group, cause, horizon, value, se, *bounds))
        names = ["group", "cause", "horizon", "time_lost", "se", "low", "high"]
        return pd.DataFrame(rows_out, columns=names)

    def _rows(self, code: int) -> slice:
        """Return the rows of one group; they lie together."""
        first, last = np.searchsorted(self.group_code, [code, code + 1])
        return slice(int(first), int(last))

    def counts(self, code: int) -> Counts:
        """Return times, customers at risk and last seen, and losses of the group at `code`."""
        return self._counts(self._rows(code))

    def _counts(self, rows: slice) -> Counts:
        """Return what happened at each time of some rows."""
        return Counts(
            self.time[rows],
            self.at_risk[rows],
            self.censored[rows],
            self.events[rows],
            self.squares[rows],
        )

    def _require_observed(self, rows: slice, group: str, horizon: float) -> None:
        """Refuse a horizon beyond what the group was observed for."""
        last = float(self.time[rows].max(initial=0.0))
        done = rows.stop > rows.start and float(self.survival[rows][-1]) == 0.0
        if last < horizon and not done:
            raise NotComputableError(
                f"group {group!r} was observed up to {last:g}, the horizon is {horizon:g}",
                rule="a mean time needs the curve up to the horizon",
                where="horizon",
                fix=f"pass a horizon of at most {last:g}",
            )

    def summary(self) -> pd.DataFrame:
        """Return where each curve ends.

        One row per group: group, customers, lost, last_time, survival, and incidence(c) per
        cause at the last time.
        """
        rows_out: list[dict[str, object]] = []
        for code, group in enumerate(self.groups):
            rows = np.arange(len(self))[self._rows(code)]
            last = rows[-1:]
            row: dict[str, object] = {
                "group": group,
                "customers": int(self.censored[rows].sum() + round(self.events[rows].sum())),
                "lost": round(float(self.events[rows].sum())),
                "last_time": self.time[last].max(initial=np.nan),
                "survival": self.survival[last].max(initial=np.nan),
            }
            for j, cause in enumerate(self.causes):
                row[f"incidence({cause})"] = self.incidence[last, j].max(initial=np.nan)
            rows_out.append(row)
        return pd.DataFrame(rows_out)


def transformed_bounds(
    f: FloatArray, se: FloatArray, width: float
) -> tuple[FloatArray, FloatArray]:
    """Return F ** exp(-+ width se / (F log F)); F where it is 1, NaN where it is 0."""
    inside = (f > 0.0) & (f < 1.0)
    log = np.log(np.where(inside, f, 0.5))
    step = width * se / np.where(inside, f * log, 1.0)
    bounds = [np.where(inside, np.exp(log * np.exp(sign * step)), f) for sign in (-1.0, 1.0)]
    low, high = (np.where(f > 0.0, bound, np.nan) for bound in bounds)
    return low, high
