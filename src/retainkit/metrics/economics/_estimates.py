"""The parameters of winning against keeping: estimated where the firm has figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.catalogue import read_catalogue
from retainkit._core.columns import Column, recorded
from retainkit._core.result import ResultTable

Origin = Literal["estimated", "default"]


class EconomicParameter(NamedTuple):
    """One number of the economics of keeping, and where it comes from.

    Attributes
    ----------
    name : str
        Parameter.
    value : float
        The number.
    origin : str
        "estimated" from the firm's own data, or "default": a commonly quoted figure.
    numerator, denominator : float
        What was divided; NaN for a default.
    source : str
        Formula, or publication of the default.
    """

    name: str
    value: float
    origin: Origin
    numerator: float
    denominator: float
    source: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EconomicsTable(ResultTable):
    """The economics of winning against keeping: every number labelled estimated or default.

    Attributes
    ----------
    parameters : tuple of EconomicParameter
        In fixed order; what has neither data nor default is missing.
    """

    parameters: tuple[EconomicParameter, ...]

    _what: ClassVar[str] = "parameters"
    _next_step: ClassVar[str] = '.get("win_keep_cost_ratio")'
    _schema: ClassVar[tuple[Column, ...]] = (*recorded("parameters", *EconomicParameter._fields),)

    def __len__(self) -> int:
        return len(self.parameters)

    def get(self, name: str) -> EconomicParameter:
        """Return one parameter by name, with its origin; ValueError if there is no such one."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        msg = f"no parameter {name!r}; there are {[p.name for p in self.parameters]}"
        raise ValueError(msg)

    def summary(self) -> pd.DataFrame:
        """Return names, values and origins.

        One row per parameter.
        """
        return self.to_frame()[["name", "value", "origin"]]


class Attempts(NamedTuple):
    """How often something was tried or paid for, and how often it worked.

    Attributes
    ----------
    successes : float
        Customers won, kept, or offers accepted.
    effort : float
        Money spent, or offers made.
    """

    successes: float
    effort: float


def estimate_economics(
    *,
    winning: Attempts | None = None,
    keeping: Attempts | None = None,
    offers_to_existing: Attempts | None = None,
    offers_to_new: Attempts | None = None,
    recovered: Attempts | None = None,
    unrecovered: Attempts | None = None,
) -> EconomicsTable:
    """Estimate the economics of winning against keeping from the firm's own figures.

    Parameters
    ----------
    winning, keeping : Attempts, optional
        Customers won or kept, and what was spent on it [money].
    offers_to_existing, offers_to_new : Attempts, optional
        Offers accepted and offers made.
    recovered, unrecovered : Attempts, optional
        Customers who stayed, of those whose complaint was resolved and of the others.

    Returns
    -------
    EconomicsTable
        Costs per customer won and kept, their ratio, success rates with existing and new
        customers, and what resolving a complaint adds to the share who stay. What the figures do
        not give is a default labelled so, whose `source` says that it is commonly quoted and not
        verified; costs have no default.

    Raises
    ------
    ValueError
        If a figure is negative.

    Notes
    -----
    Customers whose complaint was resolved were not chosen at random: the recovery effect is a
    difference, not proof of a cause.

    Examples
    --------
    >>> from retainkit.metrics import Attempts, estimate_economics
    >>> table = estimate_economics(
    ...     winning=Attempts(successes=100, effort=30_000),
    ...     keeping=Attempts(successes=900, effort=45_000),
    ... )
    >>> table.summary()
                        name    value     origin
    0            cost_to_win  300.000  estimated
    1           cost_to_keep   50.000  estimated
    2    win_keep_cost_ratio    6.000  estimated
    3  success_rate_existing    0.650    default
    4       success_rate_new    0.125    default
    5        recovery_effect    0.350    default
    """
    win, keep = _per_success(winning), _per_success(keeping)
    stay, other = _rate(recovered), _rate(unrecovered)
    found = [
        _estimated("cost_to_win", win, "spent / customers won"),
        _estimated("cost_to_keep", keep, "spent / customers kept"),
        _or_default("win_keep_cost_ratio", _ratio(win, keep), "cost to win / cost to keep"),
        _or_default("success_rate_existing", _rate(offers_to_existing), "accepted / offers"),
        _or_default("success_rate_new", _rate(offers_to_new), "accepted / offers"),
        _or_default(
            "recovery_effect",
            None if stay is None or other is None else (stay[0] - other[0], stay[0], other[0]),
            "share who stay: resolved - not resolved",
        ),
    ]
    return EconomicsTable(parameters=tuple(one for one in found if one is not None))


_Parts = tuple[float, float, float]


def _per_success(attempts: Attempts | None) -> _Parts | None:
    """Return what one success cost; None without figures."""
    if attempts is None or attempts.successes == 0:
        return None
    _check_attempts(attempts)
    return attempts.effort / attempts.successes, attempts.effort, attempts.successes


def _rate(attempts: Attempts | None) -> _Parts | None:
    """Return the share of attempts that worked; None without figures."""
    if attempts is None or attempts.effort == 0:
        return None
    _check_attempts(attempts)
    return attempts.successes / attempts.effort, attempts.successes, attempts.effort


def _ratio(one: _Parts | None, other: _Parts | None) -> _Parts | None:
    """Return one quotient over another; None without both."""
    if one is None or other is None or other[0] == 0:
        return None
    return one[0] / other[0], one[0], other[0]


def _estimated(name: str, parts: _Parts | None, source: str) -> EconomicParameter | None:
    """Return a parameter of the firm's own figures; None without them."""
    return (
        None
        if parts is None
        else EconomicParameter(name, parts[0], "estimated", *parts[1:], source)
    )


def _or_default(name: str, parts: _Parts | None, source: str) -> EconomicParameter:
    """Return the estimate, or else the quoted default."""
    found = _estimated(name, parts, source)
    if found is not None:
        return found
    default = read_catalogue("retainkit.metrics", "economics")[name]
    return EconomicParameter(name, default["value"], "default", np.nan, np.nan, default["source"])


def _check_attempts(attempts: Attempts) -> None:
    """Refuse negative figures."""
    if not min(attempts) >= 0:
        msg = f"{attempts} has a negative figure"
        raise ValueError(msg)
