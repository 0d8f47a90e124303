"""Whether a customer's credit and payment are good, under watch or bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._internal.result import ResultTable
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.tiers._arrays import as_floats, categorical
from retainkit.tiers._catalog import STANDING_REASONS, STANDINGS
from retainkit.tiers._config import StandingConfig
from retainkit.typing import BoolArray, FloatArray

__all__ = ["StandingTable", "assess_standing"]

_DEFAULT = StandingConfig()
_REASONS = tuple(STANDING_REASONS)
_CODE = {reason: np.int8(code) for code, reason in enumerate(_REASONS)}
_STANDING_OF = {"on_watch": 1, "overdue": 1, "overdue_beyond_limit": 2, "credit_default": 2}
_STANDING_OF["fraud"] = 2
_SEVERITY = np.array([_STANDING_OF.get(reason, 0) for reason in _REASONS], dtype=np.int8)
_REASON_OF = {
    "good": "credit_good",
    "watch": "on_watch",
    "overdue": "overdue",
    "default": "credit_default",
    "fraud": "fraud",
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StandingTable(ResultTable):
    """Hold one standing per customer with its reason and the evidence.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers asked for, in their order.
    standing : ndarray of int8
        Position in `standings`: good, watch, bad.
    reason : ndarray of int8
        Position in `reasons`.
    overdue_amount, days_overdue : ndarray of float
        What the record says [money], [day]; NaN: not known.
    config : StandingConfig
        The limits.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import assess_standing
    >>> customers = pd.DataFrame({"customer_id": [1, 2], "days_overdue": [0.0, 120.0]})
    >>> assess_standing(customers, customer_id=pd.Index([2, 1])).standing
    array([2, 0], dtype=int8)
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "assign_tiers(value, scheme, standing=...)"
    standings: ClassVar[tuple[str, ...]] = STANDINGS
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    customer_id: pd.Index[Any]
    standing: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    overdue_amount: FloatArray
    days_overdue: FloatArray
    config: StandingConfig

    def __len__(self) -> int:
        return self.standing.size

    def columns(self) -> dict[str, pd.Categorical[Any]]:
        """Return the columns that other tables show beside theirs.

        Returns
        -------
        dict of str to pandas.Categorical
            `standing`, ordered by rising severity, and `standing_reason`; every category is
            present.
        """
        return {
            "standing": categorical(self.standing, self.standings, ordered=True),
            "standing_reason": categorical(self.reason, self.reasons),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per customer.

        Returns
        -------
        pandas.DataFrame
            `standing` is ordered by rising severity.
        """
        evidence = {
            "overdue_amount": self.overdue_amount.copy(),
            "days_overdue": self.days_overdue.copy(),
        }
        return pd.DataFrame({"customer_id": self.customer_id, **self.columns(), **evidence})

    def summary(self) -> pd.DataFrame:
        """Return one row per reason that occurs: standing, both labels, customers.

        Returns
        -------
        pandas.DataFrame
            Most severe reason first.
        """
        counts = np.bincount(self.reason, minlength=len(self.reasons))
        rows = [
            {
                "standing": self.standings[_SEVERITY[code]],
                "reason": reason,
                "label_en": STANDING_REASONS[reason].en,
                "label_zh": STANDING_REASONS[reason].zh,
                "customers": int(counts[code]),
            }
            for code, reason in reversed(list(enumerate(self.reasons)))
            if counts[code]
        ]
        return pd.DataFrame(
            rows, columns=["standing", "reason", "label_en", "label_zh", "customers"]
        )


def assess_standing(
    customers: pd.DataFrame, *, customer_id: pd.Index[Any], config: StandingConfig = _DEFAULT
) -> StandingTable:
    """Assess each customer's standing from credit, overdue payment and fraud.

    The most severe reason that applies decides. What a customer earns or costs is not looked
    at: an unprofitable customer in good standing stays in good standing.

    Parameters
    ----------
    customers : pandas.DataFrame
        A valid customers table (`retainkit.tables.validate_customers`): `customer_id` and any of
        `credit_standing` ("good", "watch", "overdue", "default", "fraud" or missing),
        `overdue_amount` [money], `days_overdue` [day].
    customer_id : pandas.Index
        The customers to report on.
    config : StandingConfig, default StandingConfig()
        The limits.

    Returns
    -------
    StandingTable
        In the order of `customer_id`. A customer without a row, or whose row says nothing about
        credit, is in good standing for the reason "no_credit_record".

    Raises
    ------
    SchemaError
        If `customer_id` is no column, or a credit standing is not one of the five.
    InvalidTableError
        If a customer has several rows.
    AlignmentError
        If two rows spell the same customer differently.

    Notes
    -----
    By falling severity: bad - fraud; default; overdue for more than `bad_after_days`; watch -
    recorded as overdue, overdue for more than `watch_after_days` or for an unknown time; recorded
    as on watch. An overdue balance that is known and at most `minimum_overdue_amount` is passed
    over, however old it is; one that is not known counts as material.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import assess_standing
    >>> customers = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "credit_standing": ["good", "fraud", None],
    ...     "overdue_amount": [0.0, 0.0, 250.0],
    ...     "days_overdue": [0.0, 0.0, 45.0],
    ... })
    >>> table = assess_standing(customers, customer_id=pd.Index(["c", "a", "b", "d"]))
    >>> table.to_frame()[["customer_id", "standing", "standing_reason"]]
      customer_id standing   standing_reason
    0           c    watch           overdue
    1           a     good       credit_good
    2           b      bad             fraud
    3           d     good  no_credit_record
    """
    rows = _rows_of(customers, customer_id)
    amount = _spread(customers, "overdue_amount", rows)
    days = _spread(customers, "days_overdue", rows)
    reason = np.maximum(_recorded(customers, rows), _overdue(amount, days, config))
    return StandingTable(
        customer_id=customer_id,
        standing=_SEVERITY[reason],
        reason=reason,
        overdue_amount=amount,
        days_overdue=days,
        config=config,
    )


def _rows_of(customers: pd.DataFrame, customer_id: pd.Index[Any]) -> npt.NDArray[np.int64]:
    """Return the row of `customers` for each customer asked for; -1 where there is none."""
    if "customer_id" not in customers.columns:
        raise SchemaError(
            "no column 'customer_id'",
            rule="a valid customers table is required",
            where="customers",
            fix="pass the result of retainkit.tables.validate_customers",
        )
    ids = customers["customer_id"]
    if ids.duplicated().any():
        twice = ids[ids.duplicated()]
        raise InvalidTableError(
            f"{len(twice):,} repeated customers, for example {twice.iloc[0]}",
            rule="one row per customer",
            where="customers.customer_id",
            fix="pass the result of retainkit.tables.validate_customers",
        )
    return np.asarray(align_customer_ids(customer_id, pd.Index(ids)), dtype=np.int64)


def _spread(customers: pd.DataFrame, column: str, rows: npt.NDArray[np.int64]) -> FloatArray:
    """Return the column's entry per customer asked for; NaN where nothing is known."""
    if column not in customers.columns:
        return np.full(rows.size, np.nan)
    return np.append(as_floats(customers[column], f"customers.{column}"), np.nan)[rows]


def _recorded(customers: pd.DataFrame, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    """Return the reason the credit record itself gives."""
    nothing = _CODE["no_credit_record"]
    if "credit_standing" not in customers.columns:
        return np.full(rows.size, nothing, dtype=np.int8)
    recorded = customers["credit_standing"].astype("category").cat
    unknown = sorted(set(recorded.categories) - set(_REASON_OF))
    if unknown:
        raise SchemaError(
            f"credit standings {unknown[:3]}",
            rule=f"a credit standing is one of {', '.join(_REASON_OF)} or missing",
            where="customers.credit_standing",
            fix="translate the firm's own codes first",
        )
    codes = [_CODE[_REASON_OF[name]] for name in recorded.categories]
    by_category = np.array([*codes, nothing], dtype=np.int8)
    per_row = by_category[recorded.codes.to_numpy()]  # code -1 (missing) takes the last entry
    return np.append(per_row, nothing)[rows]


def _overdue(amount: FloatArray, days: FloatArray, config: StandingConfig) -> npt.NDArray[np.int8]:
    """Return the reason that the overdue balance and its age give."""
    material: BoolArray = ~(amount <= config.minimum_overdue_amount)
    of_unknown_age = np.isnan(days) & (amount > config.minimum_overdue_amount)
    reason = np.full(amount.size, _CODE["no_credit_record"], dtype=np.int8)
    reason[~(np.isnan(amount) & np.isnan(days))] = _CODE["credit_good"]
    reason[(material & (days > config.watch_after_days)) | of_unknown_age] = _CODE["overdue"]
    reason[material & (days > config.bad_after_days)] = _CODE["overdue_beyond_limit"]
    return reason
