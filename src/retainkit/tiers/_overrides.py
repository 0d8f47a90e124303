"""Tiers set by hand: who said so, why, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.columns import Column, recorded
from retainkit._core.config import FrozenModel
from retainkit._core.result import ResultTable
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tables import align_customer_ids

__all__ = ["AppliedOverrides", "TierOverride", "apply_overrides"]

_Said = Annotated[str, Field(pattern=r"\S")]
_STATUSES = ("applied", "expired", "other_customer", "bad_standing")
_APPLIED, _EXPIRED, _OTHER, _OUTRANKED = (np.int8(code) for code in range(len(_STATUSES)))


class TierOverride(FrozenModel):
    """Set one customer's tier by hand: with a reason, an owner and an end.

    Parameters
    ----------
    customer_id : str
        The customer; joined to ids of other types by its text.
    tier : str
        The tier to show.
    reason : str
        Why.
    owner : str
        Who answers for it.
    expires : datetime.date
        Last day on which it holds.

    Examples
    --------
    >>> from retainkit.tiers import TierOverride
    >>> TierOverride(customer_id="17", tier="key", reason="reference site", owner="A. Li",
    ...              expires="2026-12-31").expires
    datetime.date(2026, 12, 31)
    """

    customer_id: _Said
    tier: _Said
    reason: _Said
    owner: _Said
    expires: date


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AppliedOverrides(ResultTable):
    """Hold every override that was handed in, and what became of it.

    Parameters
    ----------
    overrides : tuple of TierOverride
        As handed in.
    row : ndarray of int64
        Position of the customer among those graded; -1: not among them.
    status : ndarray of int8
        Position in `statuses`: applied, expired, a customer who is not here, or outranked by a
        bad standing.
    tier : ndarray of int8
        Position of the tier that was set.

    Examples
    --------
    >>> from retainkit.tiers import TierOverride, assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> hand = TierOverride(
    ...     customer_id="4", tier="key", reason="pilot", owner="A. Li", expires="2026-12-31")
    >>> table = assign_tiers(
    ...     value, fit_tier_scheme(value), overrides=[hand], as_of="2026-06-30")
    >>> table.overrides.to_frame()["status"].tolist()
    ['applied']
    """

    _what: ClassVar[str] = "overrides"
    _next_step: ClassVar[str] = ".to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *recorded("overrides", *TierOverride.model_fields),
        Column("status", categories=_STATUSES),
    )
    statuses: ClassVar[tuple[str, ...]] = _STATUSES

    overrides: tuple[TierOverride, ...]
    row: npt.NDArray[np.int64]
    status: npt.NDArray[np.int8]
    tier: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.overrides)

    @property
    def applied(self) -> npt.NDArray[np.bool_]:
        """Which overrides set a tier."""
        applied: npt.NDArray[np.bool_] = self.status == _APPLIED
        return applied

    def summary(self) -> pd.DataFrame:
        """Return how many overrides have each status.

        Returns
        -------
        pandas.DataFrame
            Every status has a row.
        """
        counts = np.bincount(self.status, minlength=len(_STATUSES))
        return pd.DataFrame({"status": _STATUSES, "overrides": counts})


def apply_overrides(
    overrides: Sequence[TierOverride],
    *,
    customer_id: pd.Index[Any],
    names: tuple[str, ...],
    as_of: date,
    is_bad: npt.NDArray[np.bool_] | None,
) -> AppliedOverrides:
    """Find the customers meant and what holds on the day."""
    for override in overrides:
        if override.tier not in names:
            raise SchemaError(
                f"an override to {override.tier!r} for customer {override.customer_id}",
                rule=f"a tier is one of {', '.join(names)}",
                where="overrides",
                fix="to end a bad standing, correct the credit record",
            )
    ids = pd.Index([override.customer_id for override in overrides], dtype="str")
    expired = np.array([override.expires < as_of for override in overrides], dtype=bool)
    in_force = ids[~expired]
    if in_force.has_duplicates:
        raise InvalidTableError(
            f"customer {in_force[in_force.duplicated()][0]} has several overrides in force",
            rule="one override per customer on any day",
            where="overrides",
        )
    row = np.asarray(align_customer_ids(ids, customer_id), dtype=np.int64)
    status = np.where(row < 0, _OTHER, _APPLIED)
    if is_bad is not None:
        status[(row >= 0) & np.append(is_bad, False)[row]] = _OUTRANKED
    status[expired] = _EXPIRED
    return AppliedOverrides(
        overrides=tuple(overrides),
        row=row,
        status=status.astype(np.int8),
        tier=np.array([names.index(override.tier) for override in overrides], dtype=np.int8),
    )
