"""Public type aliases and domain scalars shared by every room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

__all__ = [
    "ArrayLike1D",
    "AsOf",
    "BoolArray",
    "CollapseUnit",
    "FloatArray",
    "IntArray",
    "IntoFrame",
    "Language",
    "NonNegativeFloat",
    "PositiveFloat",
    "PositiveInt",
    "Rate",
    "TimeUnit",
]

FloatArray: TypeAlias = npt.NDArray[np.float64]
"""One-dimensional array of double-precision numbers."""

IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
"""One-dimensional array of integers of any width."""

BoolArray: TypeAlias = npt.NDArray[np.bool_]
"""One-dimensional array of truth values."""

ArrayLike1D: TypeAlias = "npt.NDArray[Any] | pd.Series[Any] | Sequence[Any]"
"""Anything one-dimensional that numpy can turn into an array."""

IntoFrame: TypeAlias = Any
"""A pandas, Polars, PyArrow or DuckDB table (anything narwhals can wrap)."""

AsOf: TypeAlias = str | date | datetime | np.datetime64
"""A calendar day: ISO text, a date, a naive datetime or timestamp, or a numpy datetime."""

TimeUnit: TypeAlias = Literal["day", "week", "month"]
"""The scale of time: 1 day, 7 days, or 30.4375 days."""

CollapseUnit: TypeAlias = Literal["day", "week", "month"]
"""The calendar unit within which a customer's purchases count once."""

Language: TypeAlias = Literal["en", "zh"]
"""Display language: English or Simplified Chinese."""

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share or probability in [0, 1]."""

PositiveFloat = Annotated[float, Field(gt=0.0)]
"""A number greater than zero."""

NonNegativeFloat = Annotated[float, Field(ge=0.0)]
"""A number not less than zero."""

PositiveInt = Annotated[int, Field(gt=0)]
"""A whole number greater than zero."""
