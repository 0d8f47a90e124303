"""Groups of customers from labels: codes in the base's own order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import AlignmentError, SchemaError
from retainkit.metrics._cells import Groups
from retainkit.typing import IntArray

OVERALL = "overall"
UNLABELLED = "unlabelled"


def read_groups(
    by: pd.Series[Any] | None, customer_id: pd.Index[Any]
) -> tuple[Groups, tuple[str, ...]]:
    """Return each customer's group and the names of all groups, also the empty ones."""
    if by is None:
        return Groups(np.zeros(len(customer_id), dtype=np.int8), 0), ()
    codes, names = _labels(by)
    in_order = len(by) == len(customer_id) and by.index.equals(customer_id)
    codes = codes[:-1] if in_order else codes[_positions(by.index, customer_id)]
    _refuse_taken(names)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(names), codes)
        names = (*names, UNLABELLED)
    return Groups(codes, len(names)), names


def _labels(by: pd.Series[Any]) -> tuple[IntArray, tuple[str, ...]]:
    """Return a code per label and one last -1, which position -1 (no label) picks."""
    if isinstance(by.dtype, pd.CategoricalDtype):
        codes, names = by.cat.codes.to_numpy(), by.cat.categories
    else:
        codes, names = pd.factorize(by, sort=True)
    return np.append(codes, -1).astype(np.int32), tuple(map(str, names))


def _positions(index: pd.Index[Any], customer_id: pd.Index[Any]) -> IntArray:
    """Return the place of each customer's label; -1 for none."""
    index = pd.Index(index.array)  # its hash table goes with it: the caller's index keeps none
    if not index.is_unique:
        twice = index[index.duplicated()]
        raise AlignmentError(
            f"{len(twice):,} customers have more than one label, first {twice[0]!r}",
            rule="one label per customer",
            where="by",
            fix="drop the duplicates of by.index",
        )
    found = index.get_indexer(customer_id)
    if len(index) and len(customer_id) and (found < 0).all():
        raise AlignmentError(
            f"no label belongs to a customer: labels are for {index[0]!r}, customers are "
            f"{customer_id[0]!r}",
            rule="by is indexed by customer_id, in the type the transactions have",
            where="by.index",
            fix="pd.Series(labels, index=customer_id)",
        )
    return np.asarray(found)


def _refuse_taken(names: tuple[str, ...]) -> None:
    """Raise if names clash with each other or with reserved ones."""
    taken = sorted({OVERALL, UNLABELLED} & set(names))
    if taken or len(set(names)) < len(names):
        raise SchemaError(
            f"group names are not usable: {list(names)[:8]}",
            rule=f"names differ as text and are not {OVERALL!r} or {UNLABELLED!r}",
            where="by",
            fix="rename the labels",
        )
