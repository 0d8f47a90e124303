"""What the incidence functions are given: checked, with only rows that were ever at risk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.churn._causes import CAUSES
from retainkit.churn._kernel_incidence import Counts, count_events
from retainkit.errors import AlignmentError, SchemaError
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
