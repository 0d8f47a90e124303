"""Row rules: every policy about a doubtful row, declared as data."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from pydantic import AfterValidator, model_validator

from retainkit._core.config import FrozenConfig

RowPolicy: TypeAlias = Literal["keep", "drop", "reject"]
"""keep = use the row and note it; drop = leave it out by policy; reject = an error in the data."""

ISO_8601 = "ISO8601"
"""The name by which `date_formats` may place ISO 8601 among other formats."""

MISSING_TEXTS = ("", "nan", "none", "null", "na", "n/a", "#n/a", "<na>", "nat")


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; use a name like 'Europe/London'") from None
    return name


def _check_format(text: str) -> str:
    if text == ISO_8601:
        return text
    if "%" not in text:
        raise ValueError(f"{text!r} is not a date format; use one like '%d/%m/%Y'")
    try:
        pd.to_datetime(pd.Series(["x"], dtype=object), format=text, errors="coerce", utc=True)
    except (ValueError, KeyError) as problem:
        raise ValueError(f"{text!r} is not a date format: {problem}") from None
    return text


def _fold(text: str) -> str:
    return text.strip().lower()


TimeZoneName = Annotated[str, AfterValidator(_check_zone)]
DateFormat = Annotated[str, AfterValidator(_check_format)]
FoldedText = Annotated[str, AfterValidator(_fold)]
Scale: TypeAlias = tuple[float, float]


class TableRules(FrozenConfig):
    """Rules every table shares: how texts become ids, days and numbers."""

    time_zone: TimeZoneName = "UTC"
    date_formats: tuple[DateFormat, ...] = ()
    decimal_mark: Literal[".", ","] = "."
    currency: str | None = None
    missing_texts: tuple[FoldedText, ...] = MISSING_TEXTS

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats in the order they are tried; ISO 8601 first unless placed elsewhere."""
        named = self.date_formats
        return named if ISO_8601 in named else (ISO_8601, *named)


class RowRules(TableRules):
    """Rules of the tables in which a row may repeat another."""

    duplicates: RowPolicy = "keep"
    duplicate_columns: tuple[str, ...] | None = None
    count_duplicates: bool = False

    @property
    def looks_for_duplicates(self) -> bool:
        """Whether the table is searched for repeated rows at all."""
        return self.duplicates != "keep" or self.count_duplicates


class TransactionRules(RowRules):
    """Declare what happens to each kind of doubtful transaction.

    Nothing is changed silently: what a rule takes out, or keeps although it looks odd, is
    counted in the ledger under its reason.

    Parameters
    ----------
    returns : {"net", "drop", "reject"}, default "net"
        Negative amounts count against the customer, are left out, or are errors.
    zero_amounts : {"keep", "drop", "reject"}, default "keep"
        What to do with amounts of exactly zero.
    missing_profit : {"reject", "keep"}, default "reject"
        Rows without profit (or cost) when the table has such a column; "keep" leaves NaN.
    duplicates : {"keep", "drop", "reject"}, default "keep"
        Repetitions of an earlier row. Two equal lines may be two purchases, so they stay unless
        you say otherwise; and because the search costs more than all other rules together, kept
        duplicates are counted only with `count_duplicates`.
    duplicate_columns : tuple of str or None, default None
        Columns (by their name in the table) that must agree; None means all of them.
    count_duplicates : bool, default False
        Search for duplicates although they are kept, and note their number.
    time_zone : str, default "UTC"
        Timestamps with a zone are moved here and lose it; naive ones are taken as being here.
    date_formats : tuple of str, default ()
        strptime formats tried in this order after ISO 8601. `"ISO8601"` in the tuple moves it to
        that place. Day and month are never guessed; compact dates need `"%Y%m%d"`.
    decimal_mark : {".", ","}, default "."
        Decimal mark of amounts given as text; the other one groups thousands.
    currency : str or None, default None
        The one currency symbol or code of the table; None takes the most frequent one of the
        column (of equals the first in code order) and rejects amounts in any other.
    missing_texts : tuple of str
        Texts that mean "missing", whatever their case.

    Examples
    --------
    >>> from retainkit.tables import TransactionRules
    >>> rules = TransactionRules(returns="drop", date_formats=("%d/%m/%Y",))
    >>> rules.formats
    ('ISO8601', '%d/%m/%Y')
    """

    returns: Literal["net", "drop", "reject"] = "net"
    zero_amounts: RowPolicy = "keep"
    missing_profit: Literal["reject", "keep"] = "reject"


class CustomerRules(TableRules):
    """Declare how customer records are read.

    Parameters
    ----------
    repeated_customers : {"reject", "first", "last"}, default "reject"
        Rows that describe one customer differently: all rejected, or the first or last wins.
        Exact repetitions are always left out and counted.
    unknown_values : {"reject", "blank"}, default "reject"
        A kind or credit standing outside the declared values: reject the row or blank the cell.
    person_values, business_values : tuple of str
        Texts that mean each kind, whatever their case.
    yes_values, no_values : tuple of str
        Texts that mean yes and no in strategic flags.
    time_zone, date_formats, decimal_mark, currency, missing_texts
        As in `TransactionRules`.
    """

    repeated_customers: Literal["reject", "first", "last"] = "reject"
    unknown_values: Literal["reject", "blank"] = "reject"
    person_values: tuple[FoldedText, ...] = ("person", "individual", "consumer", "private", "个人")
    business_values: tuple[FoldedText, ...] = (
        "business",
        "company",
        "corporate",
        "organisation",
        "organization",
        "企业",
    )
    yes_values: tuple[FoldedText, ...] = ("yes", "y", "true", "t", "1", "是")
    no_values: tuple[FoldedText, ...] = ("no", "n", "false", "f", "0", "否")


class ContractRules(RowRules):
    """Declare what happens to each kind of doubtful contract.

    Parameters
    ----------
    negative_amounts : {"keep", "drop", "reject"}, default "reject"
        Prices below zero.
    yes_values, no_values : tuple of str
        Texts that mean paid and not paid.
    duplicates, duplicate_columns, count_duplicates, time_zone, date_formats, decimal_mark, \
currency, missing_texts
        As in `TransactionRules`.

    Examples
    --------
    >>> from retainkit.tables import ContractRules
    >>> ContractRules(duplicates="drop").negative_amounts
    'reject'
    """

    negative_amounts: RowPolicy = "reject"
    yes_values: tuple[FoldedText, ...] = ("yes", "y", "true", "t", "1", "paid", "是")
    no_values: tuple[FoldedText, ...] = ("no", "n", "false", "f", "0", "unpaid", "否")


class EventRules(RowRules):
    """Declare what happens to each kind of doubtful event.

    Parameters
    ----------
    kinds : tuple of str, default ()
        The kinds that may occur; () accepts any. Others are rejected as `unknown_kind`.
    duplicates, duplicate_columns, count_duplicates, time_zone, date_formats, decimal_mark, \
currency, missing_texts
        As in `TransactionRules`.

    Examples
    --------
    >>> from retainkit.tables import EventRules
    >>> EventRules(kinds=("complaint", "cancellation")).kinds
    ('complaint', 'cancellation')
    """

    kinds: tuple[str, ...] = ()


class SurveyRules(RowRules):
    """Declare the scale of each survey score; a score outside its scale is rejected.

    Parameters
    ----------
    satisfaction_scale, perceived_value_scale, switching_cost_scale : (float, float)
        Lowest and highest possible answer, default (1, 5).
    likelihood_to_recommend_scale : (float, float), default (0, 10)
        Lowest and highest possible answer.
    duplicates, duplicate_columns, count_duplicates, time_zone, date_formats, decimal_mark, \
currency, missing_texts
        As in `TransactionRules`.

    Examples
    --------
    >>> from retainkit.tables import SurveyRules
    >>> SurveyRules(satisfaction_scale=(0, 100)).satisfaction_scale
    (0.0, 100.0)
    """

    satisfaction_scale: Scale = (1.0, 5.0)
    perceived_value_scale: Scale = (1.0, 5.0)
    switching_cost_scale: Scale = (1.0, 5.0)
    likelihood_to_recommend_scale: Scale = (0.0, 10.0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, (low, high) in self.scales().items():
            if not low < high:
                raise ValueError(f"{name}_scale is ({low}, {high}): the lower end comes first")
        return self

    def scales(self) -> dict[str, Scale]:
        """Return the scale of each score by its role."""
        return {
            name.removesuffix("_scale"): getattr(self, name)
            for name in type(self).model_fields
            if name.endswith("_scale")
        }


class ActivityRules(RowRules):
    """Declare what happens to each kind of doubtful activity record.

    Parameters
    ----------
    negative_quantities : {"keep", "drop", "reject"}, default "reject"
        Quantities below zero.
    duplicates, duplicate_columns, count_duplicates, time_zone, date_formats, decimal_mark, \
currency, missing_texts
        As in `TransactionRules`.

    Examples
    --------
    >>> from retainkit.tables import ActivityRules
    >>> ActivityRules().negative_quantities
    'reject'
    """

    negative_quantities: RowPolicy = "reject"
