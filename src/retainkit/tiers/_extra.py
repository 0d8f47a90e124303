"""The optional packages of the extra `segments`, and traits as numbers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.errors import MissingDependencyError, SchemaError

__all__ = ["load", "read_traits"]


def load(module: str) -> Any:
    """Import a module of an optional package, or say which extra brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{module.split('.')[0]} is not installed: {error}",
            rule="cluster, discriminant and conjoint analysis need scikit-learn and statsmodels",
            fix='pip install "retainkit[segments]"',
        ) from error


def read_traits(traits: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return one column of numbers per trait; refuse texts, gaps and infinities."""
    for name in traits.columns:
        if not pd.api.types.is_numeric_dtype(traits[name].dtype):
            raise SchemaError(
                f"trait {name!r} has type {traits[name].dtype}",
                rule="traits are numbers",
                where=f"traits.{name}",
                fix="pandas.get_dummies(...) makes numbers of levels",
            )
    values = traits.to_numpy(dtype=np.float64, na_value=np.nan)
    if not values.size or not np.isfinite(values).all():
        broken = [str(name) for name in traits.columns[~np.isfinite(values).all(axis=0)]]
        raise SchemaError(
            f"no customers, or gaps and infinities in {broken[:3]}",
            rule="every customer has a finite number for every trait",
            where="traits",
            fix="fill or leave out; what is not known cannot be compared",
        )
    return values
