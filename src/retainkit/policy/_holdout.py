"""A randomised hold-out: who is left untreated so that effects can be proven."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_codes, check_length
from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.policy import _kernel_hash, _kernel_trial
from retainkit.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Holdout(ResultTable):
    """Hold who is left untreated, and with what probability each customer is treated.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order given.
    measure : ndarray of int16
        Code of the measure planned for each; -1 = none planned.
    tier : ndarray of int8
        Code of each customer's tier; all 0 when no tiers were given.
    held_out : ndarray of bool
        Planned but left untreated on purpose.
    propensity : ndarray of float64
        Probability to be treated as planned: 1 - share held out; NaN where nothing is planned.
    measures, tier_names : tuple of str
        Names of the codes.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.policy import assign_holdout
    >>> assign_holdout(pd.RangeIndex(1000), [0] * 1000, salt="spring").held_out.sum().item()
    98
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .treated"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("tier", categories="tier_names", ordered=True),
        Column("measure", categories="measures"),
        *plain("held_out", "propensity"),
    )

    customer_id: pd.Index[Any]
    measure: npt.NDArray[np.int16]
    tier: npt.NDArray[np.int8]
    held_out: BoolArray
    propensity: FloatArray
    measures: tuple[str, ...]
    tier_names: tuple[str, ...]

    def __len__(self) -> int:
        return self.measure.size

    @property
    def treated(self) -> npt.NDArray[np.int16]:
        """Code of the measure each customer really gets; -1 = none."""
        return np.where(self.held_out, np.int16(-1), self.measure)

    def summary(self) -> pd.DataFrame:
        """Return one row per tier and measure planned.

        Columns tier, measure, customers, held_out, share.
        """
        planned = self.measure >= 0
        m = len(self.measures)
        cell = self.tier[planned].astype(np.int64) * m + self.measure[planned]
        size = len(self.tier_names) * m
        count = np.bincount(cell, minlength=size)
        held = np.bincount(cell, weights=self.held_out[planned], minlength=size).astype(np.int64)
        rows = np.flatnonzero(count)
        return pd.DataFrame(
            {
                "tier": [self.tier_names[row // m] for row in rows.tolist()],
                "measure": [self.measures[row % m] for row in rows.tolist()],
                "customers": count[rows],
                "held_out": held[rows],
                "share": held[rows] / count[rows],
            }
        )


def assign_holdout(
    customer_id: pd.Index[Any],
    measure: IntArray | Sequence[int],
    *,
    salt: str,
    share: float | Mapping[str, float] = 0.1,
    measures: Sequence[str] | None = None,
    tier: IntArray | None = None,
    tier_names: Sequence[str] | None = None,
) -> Holdout:
    """Leave a random share of every tier x measure untreated, always the same customers.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers.
    measure : array_like of int, shape (n_customers,)
        Code of the measure planned for each; -1 = none planned.
    salt : str
        Name of the trial. Another salt draws other customers.
    share : float or mapping
        Share to leave untreated, in (0, 1); or one per tier name.
    measures : sequence of str, optional
        Names of the codes; default "measure_0", ...
    tier : array of int, optional
        Code of each customer's tier.
    tier_names : sequence of str, optional
        Names of the tiers, best first.

    Returns
    -------
    Holdout
        In the order given.

    Raises
    ------
    InvalidTableError
        If a share lies outside (0, 1): without a hold-out nothing can be proven.

    Notes
    -----
    A customer is held out if u < share, where u in [0, 1) is a hash of salt, measure and id (as
    text, so 17 and "17" are one customer). New customers, other orders and other machines change
    nothing; a higher share only adds customers.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.policy import assign_holdout
    >>> one = assign_holdout(pd.RangeIndex(1000), [0] * 1000, salt="spring")
    >>> more = assign_holdout(pd.RangeIndex(2000), [0] * 2000, salt="spring")
    >>> bool((one.held_out == more.held_out[:1000]).all())
    True
    """
    codes = np.asarray(measure).astype(np.int16)
    n = len(customer_id)
    check_length(codes.size, n, "measure")
    tiers = np.zeros(n, dtype=np.int8) if tier is None else np.asarray(tier).astype(np.int8)
    check_length(tiers.size, n, "tier")
    names = ("all",) if tier is None else tuple(tier_names or ())
    check_codes(tiers, len(names), "tier")
    top = int(codes.max(initial=-1)) + 1
    labels = tuple(measures or (f"measure_{j}" for j in range(max(top, 1))))
    check_codes(codes[codes >= 0], len(labels), "measure")
    shares = _shares(share, names)[tiers]
    held = np.zeros(n, dtype=np.bool_)
    for code in np.unique(codes[codes >= 0]).tolist():
        rows = np.flatnonzero(codes == code)
        units = hash_customers(customer_id[rows], f"{salt}\x1f{labels[code]}")
        held[rows] = units < shares[rows]
    return Holdout(
        customer_id=customer_id,
        measure=codes,
        tier=tiers,
        held_out=held,
        propensity=np.where(codes >= 0, 1.0 - shares, np.nan),
        measures=labels,
        tier_names=names,
    )


def smallest_detectable_effect(
    customers: int, share: float, *, cv: float, level: float = 0.95, power: float = 0.8
) -> float:
    """Return the smallest effect a trial shows, stated before it begins.

    Parameters
    ----------
    customers : int
        Customers of the action, treated and held out.
    share : float
        Share held out.
    cv : float
        Standard deviation of the outcome over its mean, after what the forecast explains.
    level : float
        Coverage of the interval the effect is read with.
    power : float
        Probability to find an effect of this size.

    Returns
    -------
    float
        As a share of the mean outcome: (z_level + z_power) cv sqrt(1 / (n s) + 1 / (n (1 - s)));
        infinite without customers on both sides.

    References
    ----------
    R. Lehr (1992), "Sixteen s-squared over d-squared", Statistics in Medicine 11: 1099-1102.

    Examples
    --------
    >>> from retainkit.policy import smallest_detectable_effect
    >>> round(smallest_detectable_effect(1000, 0.1, cv=2.0), 3)
    0.591
    """
    if customers < 1 or not 0.0 < share < 1.0:
        return math.inf
    heads, part, spread = np.array([customers], dtype=np.float64), np.array([share]), np.array([cv])
    return float(_kernel_trial.detectable_effect(heads, part, spread, level, power)[0])


def share_to_hold_out(
    customers: int, effect: float, *, cv: float, level: float = 0.95, power: float = 0.8
) -> float:
    """Return the smallest share to hold out that shows an effect of this size.

    Parameters
    ----------
    customers : int
        Customers of the action, treated and held out.
    effect : float
        Effect to find, as a share of the mean outcome.
    cv, level, power : float
        As in `smallest_detectable_effect`.

    Returns
    -------
    float
        At most 0.5: where even half does not show it, no share does.

    Examples
    --------
    >>> from retainkit.policy import share_to_hold_out
    >>> round(share_to_hold_out(1000, 0.591, cv=2.0), 2), share_to_hold_out(100, 0.1, cv=2.0)
    (0.1, 0.5)
    """
    n, least, spread = (np.array([float(x)]) for x in (customers, effect, cv))
    return float(_kernel_trial.share_to_detect(n, least, spread, level, power)[0])


def hash_customers(customer_id: pd.Index[Any], salt: str) -> FloatArray:
    """Return a number in [0, 1) per customer that depends on its id and the salt only."""
    values = customer_id.to_numpy()
    if values.dtype.kind in "iu":
        return _kernel_hash.hash_units(values.astype("S20"), salt)
    texts = values.astype(str)
    return _kernel_hash.hash_units(np.char.encode(texts, "utf-8"), salt)


def _shares(share: float | Mapping[str, float], names: tuple[str, ...]) -> FloatArray:
    if isinstance(share, Mapping):
        absent = [name for name in names if name not in share]
        if absent:
            raise SchemaError(f"no share for tiers {absent}", rule="one share per tier")
        values = np.array([share[name] for name in names], dtype=np.float64)
    else:
        values = np.full(len(names), float(share))
    if not ((values > 0.0) & (values < 1.0)).all():
        raise InvalidTableError(
            f"shares {values.tolist()}",
            rule="the share held out lies between 0 and 1, both excluded",
            fix="leave 5 to 10 % untreated; without a hold-out no effect can be proven",
        )
    return values
