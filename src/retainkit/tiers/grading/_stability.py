"""What keeps a tier from flapping: bands, dwell, evidence, and named exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.arrays import as_column
from retainkit._core.columns import Column, plain, recorded
from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.result import ResultTable
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.tiers.grading import _kernel
from retainkit.typing import Rate

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


_Share = Annotated[float, Field(ge=0.0, lt=1.0)]
_Periods = Annotated[int, Field(ge=1, le=100)]
_OPTIONAL = ("periods", "evidence", "candidate")


class StabilityConfig(FrozenConfig):
    """Choose how much evidence a change of tier needs.

    Periods are assessments: monthly, if tiers are assessed every month.

    Parameters
    ----------
    hysteresis : float, default 0.15
        Half the width of the band around each cut, as a share of the cut. A customer is promoted
        from the cut plus the band and demoted below the cut minus the band.
    minimum_dwell : int, default 0
        Assessments a customer spends in a tier at least before it leaves it.
    promote_after : int, default 1
        Assessments in a row that must speak for a promotion.
    demote_after : int, default 1
        Assessments in a row that must speak for a demotion.
    borderline_below : float, default 0.8
        A customer whose probability of belonging to its tier is below this is borderline.

    Examples
    --------
    >>> from retainkit.tiers import StabilityConfig
    >>> StabilityConfig().hysteresis, StabilityConfig.monthly().promote_after
    (0.15, 2)
    """

    hysteresis: _Share = 0.15
    minimum_dwell: Annotated[int, Field(ge=0, le=1_000)] = 0
    promote_after: _Periods = 1
    demote_after: _Periods = 1
    borderline_below: Rate = 0.8

    @classmethod
    def off(cls) -> Self:
        """Return bare cuts: no band, no dwell, no waiting; tiers depend on the value alone."""
        return cls(hysteresis=0.0)

    @classmethod
    def monthly(cls) -> Self:
        """Return what suits monthly assessments: two months of evidence, three in a tier."""
        return cls(minimum_dwell=3, promote_after=2, demote_after=2)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierState(ResultTable):
    """Hold what the next assessment must know of the last one: four small numbers a customer.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers.
    names : tuple of str
        Tiers, best first.
    tier : ndarray of int8
        Position in `names` that the value gave, stability considered.
    periods : ndarray of int16
        Assessments spent in it so far.
    evidence : ndarray of int8
        Assessments in a row that spoke for a better (positive) or a worse (negative) tier.
    candidate : ndarray of int8
        The most that every one of them spoke for; the tier itself where none did.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> assign_tiers(value, fit_tier_scheme(value)).state.tier
    array([0, 0, 1, 2, 2], dtype=int8)
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "assign_tiers(value, scheme, previous=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("tier", categories="names", ordered=True),
        *plain("periods", "evidence"),
        Column("candidate", categories="names", ordered=True),
    )

    customer_id: pd.Index[Any]
    names: tuple[str, ...]
    tier: _kernel.Int8
    periods: _kernel.Int16
    evidence: _kernel.Int8
    candidate: _kernel.Int8

    def __len__(self) -> int:
        return self.tier.size

    def summary(self) -> pd.DataFrame:
        """Return heads per tier, and how many of them wait for a promotion or a demotion.

        Best tier first.
        """
        n = len(self.names)
        return pd.DataFrame(
            {
                "tier": self.names,
                "customers": np.bincount(self.tier, minlength=n),
                "awaiting_promotion": np.bincount(self.tier[self.evidence > 0], minlength=n),
                "awaiting_demotion": np.bincount(self.tier[self.evidence < 0], minlength=n),
            }
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, names: tuple[str, ...]) -> TierState:
        """Read a table that `to_frame` made, or one with `customer_id` and `tier` alone.

        Parameters
        ----------
        frame : pandas.DataFrame
            `customer_id` and `tier` (a name); optional `periods`, `evidence`, `candidate`.
            Without `periods` every customer counts as long in its tier.
        names : tuple of str
            Tiers, best first.

        Returns
        -------
        TierState
            In the order of the rows.

        Raises
        ------
        SchemaError
            If a column is missing or holds other tiers.
        InvalidTableError
            If a customer has several rows.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.tiers import TierState
        >>> frame = pd.DataFrame({"customer_id": ["a", "b"], "tier": ["small", "key"]})
        >>> TierState.from_frame(frame, names=("key", "ordinary", "small")).tier
        array([2, 0], dtype=int8)
        """
        for column in ("customer_id", "tier"):
            if column not in frame.columns:
                raise SchemaError(f"no column {column!r}", rule="a state has it", where="state")
        if frame["customer_id"].duplicated().any():
            raise InvalidTableError(
                "a customer has several rows", rule="one row per customer", where="state"
            )
        tier = _codes(frame["tier"], names)
        given = {name: frame[name] for name in _OPTIONAL if name in frame.columns}
        periods = _counts(given.get("periods"), len(frame), float(_kernel.LONG))
        evidence = _counts(given.get("evidence"), len(frame), 0.0)
        candidate = _codes(given["candidate"], names) if "candidate" in given else tier.copy()
        return cls(
            customer_id=pd.Index(frame["customer_id"]),
            names=names,
            tier=tier,
            periods=np.clip(periods, 0, _kernel.LONG).astype(np.int16),
            evidence=np.clip(evidence, -100, 100).astype(np.int8),
            candidate=candidate,
        )

    def aligned(self, customer_id: pd.Index[Any]) -> _kernel.State:
        """Return the memory of the customers asked for, in their order; tier -1 for new ones."""
        own = _kernel.State(self.tier, self.periods, self.evidence, self.candidate)
        if customer_id is self.customer_id or customer_id.equals(self.customer_id):
            return own
        rows = np.asarray(align_customer_ids(customer_id, self.customer_id), dtype=np.int64)
        return _kernel.State(
            tier=np.append(own.tier, np.int8(-1))[rows],
            periods=np.append(own.periods, np.int16(0))[rows],
            evidence=np.append(own.evidence, np.int8(0))[rows],
            candidate=np.append(own.candidate, np.int8(-1))[rows],
        )


def _codes(column: pd.Series[Any], names: tuple[str, ...]) -> _kernel.Int8:
    """Return each tier's position in the names."""
    codes = pd.Index(names, dtype="str").get_indexer(pd.Index(column.astype("str")))
    if (codes < 0).any():
        strange = sorted({str(name) for name in column[codes < 0]})
        raise SchemaError(
            f"tiers {strange[:3]}",
            rule=f"a tier is one of {', '.join(names)}",
            where=f"state.{column.name}",
        )
    return np.asarray(codes, dtype=np.int8)


def _counts(column: pd.Series[Any] | None, n: int, blank: float) -> Any:
    """Return a column of numbers, a blank where it is missing."""
    if column is None:
        return np.full(n, blank)
    return np.nan_to_num(as_column(column, f"state.{column.name}"), nan=blank)
