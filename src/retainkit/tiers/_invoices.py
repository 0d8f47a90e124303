"""summarize_invoices: how late each customer pays, as of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import model_validator

from retainkit._core.arrays import as_column
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tables import align_customer_ids
from retainkit.typing import (
    AsOf,
    BoolArray,
    FloatArray,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    Rate,
)


class InvoiceColumns(FrozenConfig):
    """Name the columns of a table of invoices.

    Parameters
    ----------
    customer_id, amount, invoiced, due, settled : str
        Customer, amount of the invoice [money], day of issue, day on which payment is due, and
        day of payment (missing: still open).
    disputed : str or None, default "disputed"
        Whether the customer disputes the invoice (True or False); None: not recorded.
    invoice_id : str or None, default None
        Number of the invoice; if named, it must be unique.
    """

    customer_id: str = "customer_id"
    amount: str = "amount"
    invoiced: str = "invoiced"
    due: str = "due"
    settled: str = "settled"
    disputed: str | None = "disputed"
    invoice_id: str | None = None


class StandingConfig(FrozenConfig):
    """Choose what makes a customer's standing bad or worth watching, and how it recovers.

    A customer is never of bad standing because it is unprofitable: only credit, payment and
    behaviour count. "fraud" and "default" in the credit record are always bad.

    Parameters
    ----------
    watch_after_days : float, default 30
        A payment overdue for longer puts the customer under watch [day].
    bad_after_days : float, default 90
        A payment overdue for longer makes the standing bad [day].
    minimum_overdue_amount : float, default 0
        An overdue balance of at most this is not material and is passed over [money].
    minimum_overdue_share : float, default 0
        Nor is one of at most this share of all that the customer owes, where invoices tell.
    window_days : float, default 365
        The payment habit is judged on invoices that fell due within so many days [day].
    minimum_invoices : int, default 6
        Fewer such invoices make no habit.
    grace_days : float, default 0
        A payment no later than this is in time [day].
    late_share : float, default 0.5
        Paying at least this share of the invoices late puts the customer under watch.
    seriously_late_days : float, default 30
        A payment later than this is seriously late [day].
    seriously_late_share : float, default 0.25
        Paying at least this share of the invoices seriously late makes the standing bad.
    disputed_share : float, default 0.5
        Disputing at least this share of the invoices puts the customer under watch.
    probation_days : float, default 90
        A bad standing ends when no reason for it has held for so long [day].

    Notes
    -----
    The limits of 30 and 90 days are those of banking: IFRS 9 presumes a significant rise in
    credit risk once a payment is more than 30 days past due (5.5.11) and default no later than 90
    days (B5.5.37); Regulation (EU) 575/2013, article 178(1)(b), defines default as more than 90
    days past due on a material obligation, article 178(2)(d) leaves what is material to an
    amount and a share, and the EBA guidelines EBA/GL/2016/07, paragraph 71, end a default no
    sooner than three months after its reason has gone. The limits of payment habits are this
    library's choice.

    A disputed invoice is not overdue: who withholds payment out of dissatisfaction is owed an
    answer first. It is shown, and puts the customer under watch while it is open.
    """

    watch_after_days: NonNegativeFloat = 30.0
    bad_after_days: NonNegativeFloat = 90.0
    minimum_overdue_amount: NonNegativeFloat = 0.0
    minimum_overdue_share: Rate = 0.0
    window_days: PositiveFloat = 365.0
    minimum_invoices: PositiveInt = 6
    grace_days: NonNegativeFloat = 0.0
    late_share: Rate = 0.5
    seriously_late_days: NonNegativeFloat = 30.0
    seriously_late_share: Rate = 0.25
    disputed_share: Rate = 0.5
    probation_days: NonNegativeFloat = 90.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse limits in the wrong order."""
        if self.watch_after_days > self.bad_after_days:
            raise ValueError(
                f"watch_after_days must not exceed bad_after_days; got {self.watch_after_days} "
                f"and {self.bad_after_days}"
            )
        if self.grace_days > self.seriously_late_days:
            raise ValueError(
                f"grace_days must not exceed seriously_late_days; got {self.grace_days} and "
                f"{self.seriously_late_days}"
            )
        return self


AGES = ("not_due", "1_30", "31_60", "61_90", "over_90")
"""Classes of the ageing: days for which an open invoice has been due."""

_LAST_DAYS = np.array([0, 30, 60, 90])
_DEFAULT = StandingConfig()
_COLUMNS = InvoiceColumns()
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PaymentTable(ResultTable):
    """Hold what each customer owes on a day, and how it has paid in the window before.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers.
    as_of : datetime.date
        Last observed day.
    invoices : ndarray of int32
        Invoices issued up to that day.
    billed : ndarray of float
        Their sum [money].
    settled : ndarray of float
        What of it has been paid [money].
    ageing : ndarray of float, shape (n_customers, 5)
        What is open, by days since it fell due (`AGES`) [money].
    disputed_amount : ndarray of float
        What of it is disputed [money].
    overdue_amount : ndarray of float
        What of it is overdue and not disputed [money].
    days_overdue : ndarray of float
        Days for which the oldest of that has been due; 0: none, NaN: no invoices.
    judged : ndarray of int32
        Invoices that fell due in the window.
    late_share, seriously_late_share, disputed_share : ndarray of float
        Shares of them; NaN where there are none.
    average_days_late : ndarray of float
        Mean days late over them, in time counting 0 [day]; NaN where there are none.
    after_as_of : int
        Invoices issued later, left out.
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "assess_standing(None, customer_id=..., payments=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "invoices", "billed", "settled", "open_amount"),
        *(Column(f"open_{age}", f"ageing.{k}") for k, age in enumerate(AGES)),
        *plain("disputed_amount", "overdue_amount", "days_overdue", "judged", "late_share"),
        *plain("seriously_late_share", "disputed_share", "average_days_late"),
    )
    ages: ClassVar[tuple[str, ...]] = AGES

    customer_id: pd.Index[Any]
    as_of: date
    invoices: npt.NDArray[np.int32]
    billed: FloatArray
    settled: FloatArray
    ageing: npt.NDArray[np.float64]
    disputed_amount: FloatArray
    overdue_amount: FloatArray
    days_overdue: FloatArray
    judged: npt.NDArray[np.int32]
    late_share: FloatArray
    seriously_late_share: FloatArray
    disputed_share: FloatArray
    average_days_late: FloatArray
    after_as_of: int = 0

    def __len__(self) -> int:
        return self.billed.size

    @property
    def open_amount(self) -> FloatArray:
        """What each customer owes [money]."""
        owed: FloatArray = self.ageing.sum(axis=1)
        return owed

    @property
    def reconciles(self) -> bool:
        """Whether billed is settled plus open, for every customer, to rounding."""
        gap = np.abs(self.billed - self.settled - self.open_amount)
        return bool((gap <= 1e-9 * np.maximum(self.billed, 1.0)).all())

    def summary(self) -> pd.DataFrame:
        """Return the ageing of all customers together.

        One row per age, and the total: customers who owe, amount [money] and its share (NaN
        where nothing is open).
        """
        amounts, owing = self.ageing.sum(axis=0), (self.ageing > 0).sum(axis=0)
        total = float(amounts.sum())
        frame = pd.DataFrame({"age": AGES, "customers": owing, "amount": amounts})
        last = {"age": "total", "customers": int((self.open_amount > 0).sum()), "amount": total}
        frame = pd.concat([frame, pd.DataFrame([last])], ignore_index=True)
        frame["share"] = frame["amount"] / total if total > 0 else np.nan
        return frame


def summarize_invoices(
    invoices: pd.DataFrame,
    *,
    as_of: AsOf,
    customer_id: pd.Index[Any] | None = None,
    columns: InvoiceColumns = _COLUMNS,
    config: StandingConfig = _DEFAULT,
) -> PaymentTable:
    """Summarise each customer's invoices: what is open, how old it is, how it pays.

    Parameters
    ----------
    invoices : pandas.DataFrame
        One row per invoice. Days are datetimes or ISO texts.
    as_of : str, date or datetime
        Last observed day: invoices issued later are left out and counted, payments made later
        have not been made yet.
    customer_id : pandas.Index, optional
        The customers to report on; by default all in the table, in order of appearance.
    columns : InvoiceColumns, default InvoiceColumns()
        Names of the columns.
    config : StandingConfig, default StandingConfig()
        Window and limits of lateness.

    Returns
    -------
    PaymentTable
        In the order of `customer_id`; customers without invoices have 0 invoices and NaN habits.

    Raises
    ------
    SchemaError
        If a column is missing or has another type.
    InvalidTableError
        If invoices lack a customer, an amount or a day, are negative, or stand there twice.

    Notes
    -----
    An invoice still open counts in the habit from the day it falls due, as late as it is so far.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import summarize_invoices
    >>> invoices = pd.DataFrame({
    ...     "customer_id": ["a", "a"], "amount": [100.0, 40.0],
    ...     "invoiced": ["2026-01-01", "2026-02-01"], "due": ["2026-01-31", "2026-03-03"],
    ...     "settled": ["2026-02-10", None], "disputed": [False, False]})
    >>> print(summarize_invoices(invoices, as_of="2026-04-02").summary().to_string())
           age  customers  amount  share
    0  not_due          0     0.0    0.0
    1     1_30          1    40.0    1.0
    2    31_60          0     0.0    0.0
    3    61_90          0     0.0    0.0
    4  over_90          0     0.0    0.0
    5    total          1    40.0    1.0
    """
    day = parse_as_of(as_of)
    today = day_number(day)
    lines = _read(invoices, columns)
    ids = pd.Index(lines.customer.unique()) if customer_id is None else customer_id
    rows = np.asarray(align_customer_ids(pd.Index(lines.customer), ids), dtype=np.int64)
    known = lines.invoiced <= today
    lines = lines.keep(known & (rows >= 0))
    return PaymentTable(
        customer_id=ids,
        as_of=day,
        after_as_of=int((~known).sum()),
        **_balances(lines, rows[known & (rows >= 0)], len(ids), today),
        **_habits(lines, rows[known & (rows >= 0)], len(ids), today, config),
    )


class _Lines(NamedTuple):
    """Invoices as arrays; `settled` is far in the future where there was no payment."""

    customer: pd.Series[Any]
    amount: FloatArray
    invoiced: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]
    settled: npt.NDArray[np.int64]
    disputed: BoolArray

    def keep(self, mask: BoolArray) -> _Lines:
        """Return the lines where `mask` is true."""
        return _Lines(
            self.customer[mask],
            self.amount[mask],
            self.invoiced[mask],
            self.due[mask],
            self.settled[mask],
            self.disputed[mask],
        )


def _read(invoices: pd.DataFrame, columns: InvoiceColumns) -> _Lines:
    """Read the invoices, refusing lines that cannot be."""
    named = [columns.customer_id, columns.amount, columns.invoiced, columns.due, columns.settled]
    named += [name for name in (columns.disputed, columns.invoice_id) if name is not None]
    for name in named:
        if name not in invoices.columns:
            raise SchemaError(
                f"no column {name!r}",
                rule="a table of invoices has it",
                where="invoices",
                fix="name the columns with InvoiceColumns(...)",
            )
    customer = invoices[columns.customer_id].reset_index(drop=True)
    amount = as_column(invoices[columns.amount], f"invoices.{columns.amount}")
    invoiced, due, settled = (_days(invoices[name]) for name in named[2:5])
    disputed = np.zeros(len(invoices), dtype=bool)
    if columns.disputed is not None:
        disputed = _flags(invoices[columns.disputed])
    wrong = {
        "without a customer": customer.isna().to_numpy(),
        "without an amount": ~np.isfinite(amount),
        "with a negative amount (net credit notes first)": amount < 0,
        "without a day of issue or a due day": (invoiced == _NEVER) | (due == _NEVER),
        "settled before they were issued": settled < invoiced,
    }
    if columns.invoice_id is not None:
        wrong["numbered twice"] = invoices[columns.invoice_id].duplicated().to_numpy()
    found = {what: rows for what, rows in wrong.items() if rows.any()}
    if found:
        raise InvalidTableError(
            "; ".join(f"{int(rows.sum()):,} invoices {what}" for what, rows in found.items()),
            rule="every invoice has a customer, an amount of 0 or more and its days",
            where=f"invoices, first row {min(int(np.argmax(rows)) for rows in found.values())}",
        )
    return _Lines(customer, amount, invoiced, due, settled, disputed)


def _days(column: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Return day numbers; missing days are never."""
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        try:
            column = pd.to_datetime(column, format="ISO8601")
        except (ValueError, TypeError) as error:
            raise SchemaError(
                f"not days: {error}",
                rule="days are datetimes or ISO texts",
                where=f"invoices.{column.name}",
                fix="pandas.to_datetime(column, format=...)",
            ) from None
    missing = column.isna().to_numpy()
    filled = column.fillna(pd.Timestamp("1970-01-01", tz=getattr(column.dtype, "tz", None)))
    naive = filled.dt.tz_localize(None).to_numpy()
    return np.where(missing, _NEVER, to_day_numbers(naive).astype(np.int64))


def _flags(column: pd.Series[Any]) -> BoolArray:
    """Return a column of truth values; False where it is missing."""
    if not pd.api.types.is_bool_dtype(column.dtype):
        raise SchemaError(
            f"disputed has type {column.dtype}",
            rule="True or False",
            where=f"invoices.{column.name}",
            fix='invoices["disputed"] == "Yes", for example',
        )
    flags: BoolArray = column.fillna(False).to_numpy(dtype=bool)
    return flags


def _sum(rows: npt.NDArray[np.int64], weights: Any, n: int) -> FloatArray:
    """Return money per customer."""
    return np.bincount(rows, weights=weights, minlength=n).astype(np.float64)


def _balances(lines: _Lines, rows: npt.NDArray[np.int64], n: int, today: int) -> dict[str, Any]:
    """Return what is billed, paid, open and overdue per customer."""
    is_open = lines.settled > today
    days = np.maximum(today - lines.due, 0)
    owed = lines.amount * is_open
    age = np.searchsorted(_LAST_DAYS, days, side="left")
    cells = np.bincount(rows * len(AGES) + age, weights=owed, minlength=n * len(AGES))
    overdue = is_open & (days > 0) & ~lines.disputed
    oldest = np.zeros(n)
    np.maximum.at(oldest, rows[overdue], days[overdue].astype(np.float64))
    invoices = np.bincount(rows, minlength=n).astype(np.int32)
    return {
        "invoices": invoices,
        "billed": _sum(rows, lines.amount, n),
        "settled": _sum(rows, lines.amount * ~is_open, n),
        "ageing": cells.astype(np.float64).reshape(n, len(AGES)),
        "disputed_amount": _sum(rows, owed * lines.disputed, n),
        "overdue_amount": _sum(rows, owed * overdue, n),
        "days_overdue": np.where(invoices > 0, oldest, np.nan),
    }


def _habits(
    lines: _Lines,
    rows: npt.NDArray[np.int64],
    n: int,
    today: int,
    config: StandingConfig,
) -> dict[str, Any]:
    """Return how often and how much too late each customer pays, and how often it disputes."""
    inside = (lines.due <= today) & (lines.due > today - config.window_days)
    rows, due, disputed = rows[inside], lines.due[inside], lines.disputed[inside]
    late = np.maximum(np.minimum(lines.settled[inside], today) - due, 0)
    judged = np.bincount(rows, minlength=n)
    shares = {
        "late_share": _sum(rows, late > config.grace_days, n),
        "seriously_late_share": _sum(rows, late > config.seriously_late_days, n),
        "disputed_share": _sum(rows, disputed, n),
        "average_days_late": _sum(rows, late, n),
    }
    found: dict[str, Any] = {"judged": judged.astype(np.int32)}
    for name, sums in shares.items():
        found[name] = np.full(n, np.nan)
        np.divide(sums, judged, out=found[name], where=judged > 0)
    return found
