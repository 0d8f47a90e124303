"""assess_standing: who destroys value by how they pay, from a record or from invoices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column
from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, from_day_numbers, parse_as_of
from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.tiers._config import SEVERITY_STEPS, STANDING_REASONS, STANDINGS
from retainkit.tiers._invoices import PaymentTable, StandingConfig
from retainkit.typing import AsOf, BoolArray, FloatArray

_REASONS = tuple(STANDING_REASONS)
_STEPS = tuple(SEVERITY_STEPS)
_JUDGED_AS = {  # reason -> standing, step of severity
    "no_credit_record": ("good", "clear"),
    "credit_good": ("good", "clear"),
    "on_watch": ("watch", "attention"),
    "in_dispute": ("watch", "attention"),
    "disputes_often": ("watch", "attention"),
    "pays_late": ("watch", "attention"),
    "overdue": ("watch", "overdue"),
    "on_probation": ("bad", "bad_payer"),
    "chronically_late": ("bad", "bad_payer"),
    "overdue_beyond_limit": ("bad", "bad_payer"),
    "credit_default": ("bad", "default"),
    "fraud": ("bad", "fraud"),
}
SEVERITY = np.array([STANDINGS.index(_JUDGED_AS[one][0]) for one in _REASONS], dtype=np.int8)
"""Standing that each reason gives."""

_STEP = np.array([_STEPS.index(_JUDGED_AS[one][1]) for one in _REASONS], dtype=np.int8)


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
        What the invoices, else the record, say [money], [day]; NaN: not known.
    config : StandingConfig
        The limits.
    evidence : ndarray of uint16
        Every reason that holds: the bit of its position in `reasons`.
    clear_since : ndarray of int32
        For customers on probation, the day (since 1970-01-01) of the first assessment without a
        bad sign; -1 for others.
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "assign_tiers(value, scheme, standing=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("standing", categories=STANDINGS, ordered=True),
        Column("standing_reason", "reason", _REASONS),
        Column("severity", categories=_STEPS, ordered=True),
        Column("all_reasons", "_all_reasons"),
        *plain("overdue_amount", "days_overdue"),
        Column("clear_since", "_clear_since"),
    )
    standings: ClassVar[tuple[str, ...]] = STANDINGS
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    customer_id: pd.Index[Any]
    standing: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    overdue_amount: FloatArray
    days_overdue: FloatArray
    config: StandingConfig
    evidence: npt.NDArray[np.uint16]
    clear_since: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return self.standing.size

    @property
    def severity(self) -> npt.NDArray[np.int8]:
        """Step of severity, the position in `SEVERITY_STEPS`."""
        return _STEP[self.reason]

    @property
    def _clear_since(self) -> pd.Series[Any]:
        """First day without a bad sign; missing but on probation."""
        since = from_day_numbers(np.maximum(self.clear_since, 0))
        return pd.Series(since).where(self.clear_since >= 0)

    @property
    def _all_reasons(self) -> pd.Categorical[Any]:
        """Return the reasons that hold as one text; few combinations occur."""
        found, codes = np.unique(self.evidence, return_inverse=True)
        texts = [
            "; ".join(
                name for code, name in reversed(list(enumerate(_REASONS))) if bits >> code & 1
            )
            for bits in found.tolist()
        ]
        return pd.Categorical.from_codes(codes.reshape(-1), pd.Index(texts, dtype="str"))

    def summary(self) -> pd.DataFrame:
        """Return one row per reason that occurs: standing, both labels, customers.

        Most severe reason first.
        """
        counts = np.bincount(self.reason, minlength=len(self.reasons))
        rows = [
            {
                "standing": self.standings[SEVERITY[code]],
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


_DEFAULT = StandingConfig()
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
