"""The one type of an interval."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from retainkit.typing import FloatArray

Bound = TypeVar("Bound", float, FloatArray)


class Interval(NamedTuple, Generic[Bound]):
    """An interval around one value, or around each of several.

    Attributes
    ----------
    lower, upper : float or ndarray
        Bounds, in the unit of the value; NaN where the data do not determine them.
    method : str
        How it was made: "jeffreys" or "wilson" for a proportion, "poisson" for departures per
        customer-time, "nelson-aalen" for daily sums, "newcombe" and "mover" for differences and
        ratios, "linearised" for ratios of sums, "greenwood" for survival, "bootstrap" for draws,
        "order statistics" for a median, "normal" for a mean or a score, "delta" for a function
        of fitted parameters.
    level : float
        Confidence level, in (0, 1).
    """

    lower: Bound
    upper: Bound
    method: str
    level: float
