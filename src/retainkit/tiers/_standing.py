"""Whether a customer's credit and payment are good, under watch or bad."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column
from retainkit._core.time import day_number, parse_as_of
from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.tiers._catalog import STANDING_REASONS, STANDINGS
from retainkit.tiers._invoices import PaymentTable
from retainkit.tiers._standing_config import StandingConfig
from retainkit.tiers._standing_table import SEVERITY, StandingTable
from retainkit.typing import AsOf, BoolArray, FloatArray

__all__ = ["assess_standing"]

_DEFAULT = StandingConfig()
_REASONS = tuple(STANDING_REASONS)
_CODE = {reason: np.int8(code) for code, reason in enumerate(_REASONS)}
_IS_BAD = STANDINGS.index("bad")
_REASON_OF = {
    "good": "credit_good",
    "watch": "on_watch",
    "overdue": "overdue",
    "default": "credit_default",
    "fraud": "fraud",
}


def assess_standing(
    customers: pd.DataFrame | None,
    *,
    customer_id: pd.Index[Any],
    payments: PaymentTable | None = None,
    previous: StandingTable | None = None,
    as_of: AsOf | None = None,
    config: StandingConfig = _DEFAULT,
) -> StandingTable:
    """Assess each customer's standing from credit, overdue payment, habits, disputes and fraud.

    The most severe reason that applies decides; every one that applies is kept. What a customer
    earns or costs is not looked at: an unprofitable customer in good standing stays in good
    standing.

    Parameters
    ----------
    customers : pandas.DataFrame or None
        A valid customers table (`retainkit.tables.validate_table`): `customer_id` and any of
        `credit_standing` ("good", "watch", "overdue", "default", "fraud" or missing),
        `overdue_amount` [money], `days_overdue` [day]. None where there are invoices only.
    customer_id : pandas.Index
        The customers to report on.
    payments : PaymentTable, optional
        From `summarize_invoices`, of the same customers in any order.
    previous : StandingTable, optional
        The last assessment, in any order: a customer who was bad and no longer has a reason to
        be is on probation first.
    as_of : str, date or datetime, optional
        Day of the assessment; by default that of `payments`. Required with `previous`.
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
        If two rows spell the same customer differently, or `payments` lacks a customer.
    AsOfError
        If there is a previous assessment and no day of this one.

    Notes
    -----
    By falling severity: bad - fraud; default; overdue for more than `bad_after_days`; chronically
    late; on probation; watch - recorded as overdue, overdue for more than `watch_after_days` or
    for an unknown time; pays late; disputes often; in dispute; recorded as on watch. An overdue
    balance that is known and at most `minimum_overdue_amount` is passed over, however old it is;
    one that is not known counts as material. Only bad, and so only these reasons, ends a
    relation; watch never does.

    Entry is at once, exit takes `probation_days` without a bad sign, counted from the first
    assessment that found none; a new bad sign starts the count anew.

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
    evidence, amount, days = _from_record(customers, customer_id, config)
    if payments is not None:
        owing = _from_payments(payments, customer_id, config)
        evidence |= owing.evidence
        amount = np.where(np.isnan(owing.days), amount, owing.amount)
        days = np.where(np.isnan(owing.days), days, owing.days)
    clear_since = np.full(len(customer_id), -1, dtype=np.int32)
    if previous is not None:
        given = as_of if as_of is not None or payments is None else payments.as_of
        today = day_number(parse_as_of(given))  # type: ignore[arg-type]  # None: refused there
        clear_since = _probation(evidence, previous, customer_id, today, config)
        evidence[clear_since >= 0] |= _bit("on_probation")
    reason = _most_severe(evidence)
    signs = evidence & ~(_bit("no_credit_record") | _bit("credit_good"))
    evidence = np.where(signs > 0, signs, np.uint16(1) << reason.astype(np.uint16))
    return StandingTable(
        customer_id=customer_id,
        standing=SEVERITY[reason],
        reason=reason,
        overdue_amount=amount,
        days_overdue=days,
        config=config,
        evidence=evidence,
        clear_since=clear_since,
    )


class _Owing(NamedTuple):
    """What each customer owes: evidence as bits of reasons, amount and days."""

    evidence: npt.NDArray[np.uint16]
    amount: FloatArray
    days: FloatArray


def _bit(reason: str) -> np.uint16:
    """Return the bit of a reason."""
    return np.uint16(1 << int(_CODE[reason]))


def _most_severe(evidence: npt.NDArray[np.uint16]) -> npt.NDArray[np.int8]:
    """Return the most severe reason among the bits of evidence."""
    reason = np.zeros(evidence.size, dtype=np.int8)
    for code in range(len(_REASONS)):
        reason[(evidence >> np.uint16(code)) & np.uint16(1) == 1] = code
    return reason


def _from_record(
    customers: pd.DataFrame | None, customer_id: pd.Index[Any], config: StandingConfig
) -> _Owing:
    """Return the signs in the customers table."""
    if customers is None:
        unknown = np.full(len(customer_id), np.nan)
        nothing = np.full(len(customer_id), _bit("no_credit_record"))
        return _Owing(nothing, unknown, unknown.copy())
    rows = _rows_of(customers, customer_id)
    amount = _spread(customers, "overdue_amount", rows)
    days = _spread(customers, "days_overdue", rows)
    reasons = (_recorded(customers, rows), _overdue(amount, days, config))
    bits = np.zeros(rows.size, dtype=np.uint16)
    for reason in reasons:
        bits |= np.left_shift(np.uint16(1), reason.astype(np.uint16))
    return _Owing(bits, amount, days)


def _from_payments(
    payments: PaymentTable, customer_id: pd.Index[Any], config: StandingConfig
) -> _Owing:
    """Return the signs in the invoices: balance, habit and disputes."""
    rows = np.asarray(align_customer_ids(customer_id, payments.customer_id), dtype=np.int64)
    if (rows < 0).any():
        raise AlignmentError(
            f"{int((rows < 0).sum()):,} customers are not in payments",
            rule="payments describe every customer asked for",
            where="payments",
            fix="summarize_invoices(..., customer_id=customer_id)",
        )
    amount, days = payments.overdue_amount[rows], payments.days_overdue[rows]
    share = config.minimum_overdue_share * payments.open_amount[rows]
    amount_that_counts = np.where(amount > share, amount, 0.0)
    habit = payments.judged[rows] >= config.minimum_invoices
    signs = {
        "in_dispute": payments.disputed_amount[rows] > config.minimum_overdue_amount,
        "disputes_often": habit & (payments.disputed_share[rows] >= config.disputed_share),
        "pays_late": habit & (payments.late_share[rows] >= config.late_share),
        "chronically_late": habit
        & (payments.seriously_late_share[rows] >= config.seriously_late_share),
    }
    by_balance = _overdue(np.where(np.isnan(days), np.nan, amount_that_counts), days, config)
    bits = np.left_shift(np.uint16(1), by_balance.astype(np.uint16))
    for reason, holds in signs.items():
        bits[holds] |= _bit(reason)
    return _Owing(bits, amount, days)


def _probation(
    evidence: npt.NDArray[np.uint16],
    previous: StandingTable,
    customer_id: pd.Index[Any],
    today: int,
    config: StandingConfig,
) -> npt.NDArray[np.int32]:
    """Return since when customers who must stay bad have shown no bad sign; -1 for others."""
    rows = np.asarray(align_customer_ids(customer_id, previous.customer_id), dtype=np.int64)
    was_bad = np.append(previous.standing == _IS_BAD, False)[rows]
    since = np.append(previous.clear_since, np.int32(-1))[rows]
    no_sign = SEVERITY[_most_severe(evidence)] != _IS_BAD
    since = np.where(since >= 0, since, today)
    waiting = was_bad & no_sign & (today - since < config.probation_days)
    return np.where(waiting, since, -1).astype(np.int32)


def _rows_of(customers: pd.DataFrame, customer_id: pd.Index[Any]) -> npt.NDArray[np.int64]:
    """Return the row of `customers` for each customer asked for; -1 where there is none."""
    if "customer_id" not in customers.columns:
        raise SchemaError(
            "no column 'customer_id'",
            rule="a valid customers table is required",
            where="customers",
            fix="pass the result of retainkit.tables.validate_table",
        )
    ids = customers["customer_id"]
    if ids.duplicated().any():
        twice = ids[ids.duplicated()]
        raise InvalidTableError(
            f"{len(twice):,} repeated customers, for example {twice.iloc[0]}",
            rule="one row per customer",
            where="customers.customer_id",
            fix="pass the result of retainkit.tables.validate_table",
        )
    return np.asarray(align_customer_ids(customer_id, pd.Index(ids)), dtype=np.int64)


def _spread(customers: pd.DataFrame, column: str, rows: npt.NDArray[np.int64]) -> FloatArray:
    """Return the column's entry per customer asked for; NaN where nothing is known."""
    if column not in customers.columns:
        return np.full(rows.size, np.nan)
    return np.append(as_column(customers[column], f"customers.{column}"), np.nan)[rows]


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
