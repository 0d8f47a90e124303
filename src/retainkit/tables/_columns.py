"""Column maps: which column of the user's table plays which role."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import ClassVar

from retainkit._core.config import FrozenConfig
from retainkit.errors import SchemaError

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "customer_id": ("customer", "client id", "client", "account id", "user id", "member id", "id"),
    "timestamp": ("date", "datetime", "time", "order date", "invoice date", "created at"),
    "amount": ("total", "sales", "revenue", "price", "value", "spend", "amount due"),
    "start": ("start date", "created date", "created at", "begin", "valid from"),
    "end": ("end date", "canceled date", "cancelled date", "valid to", "expiry"),
    "kind": ("type", "event type", "event", "category"),
    "activity": ("activity name", "service", "action", "type"),
    "quantity": ("count", "units", "number", "hours", "qty"),
}
"""Names a role often has elsewhere; used only to word the hint, never to guess a column."""

_STAND_INS = {
    ("contracts", "start"): "the day of signing, of the first charge or of joining can stand in",
}
"""What can stand in for a role that a table of a firm may not have."""

_UNIT_PRICES = ("unitprice", "priceperunit", "itemprice", "priceeach", "pricepereach", "listprice")


def is_unit_price(name: object) -> bool:
    """Return whether a column is named like a price of one unit, which is no amount of a row."""
    return _plain(str(name)).endswith(_UNIT_PRICES)


class TableColumns(FrozenConfig):
    """Base of the six column maps."""

    table: ClassVar[str] = "table"
    required: ClassVar[tuple[str, ...]] = ("customer_id",)

    def resolve(self, available: Sequence[str]) -> dict[str, str]:
        """Return the column of each role present in `available`; raise what is missing."""
        present = set(available)
        found: dict[str, str] = {}
        absent: dict[str, str] = {}
        for role, field in type(self).model_fields.items():
            name = getattr(self, role)
            if name is None or isinstance(name, tuple):
                continue
            if name in present:
                found[role] = name
            elif role in self.required or name != field.default:
                absent[role] = name
        if absent:
            raise self._missing(absent, available)
        return found

    def resolve_group(self, role: str, available: Sequence[str]) -> tuple[str, ...]:
        """Return the columns listed under `role`; each of them must exist."""
        names: tuple[str, ...] = getattr(self, role)
        for name in names:
            if name not in available:
                raise self._missing({role: name}, available)
        return names

    def _missing(self, absent: dict[str, str], available: Sequence[str]) -> SchemaError:
        """Return one error for all columns that are not there, by role."""
        texts = [str(column) for column in available]
        close = {role: closest_columns(role, name, texts) for role, name in absent.items()}
        listed = ", ".join(repr(column) for column in texts[:8]) or "none"
        wrong = [
            f"no column {name!r} in {self.table}"
            + (f"; the closest are {', '.join(map(repr, near))}" if (near := close[role]) else "")
            for role, name in absent.items()
        ]
        if not all(close.values()):
            wrong.append(f"the columns are {listed}")
        rules = [
            f"{role} is {'required' if role in self.required else 'mapped to this column'}"
            + (f" ({_STAND_INS[self.table, role]})" if (self.table, role) in _STAND_INS else "")
            for role in absent
        ]
        chosen = []
        for role in absent:
            shown = (close[role] or ["..."])[0]
            grouped = isinstance(getattr(self, role), tuple)
            chosen.append(f'{role}=("{shown}",)' if grouped else f'{role}="{shown}"')
        return SchemaError(
            "; ".join(wrong),
            rule="; ".join(rules),
            where=f"{self.table}, column {', '.join(map(repr, absent.values()))}",
            fix=f"{type(self).__name__}({', '.join(chosen)})",
        )


def closest_columns(role: str, name: str, available: Sequence[str]) -> list[str]:
    """Return up to three existing columns whose names are nearest to `name` or its synonyms."""
    if role == "amount":  # a proposal is only made where the name means the same
        available = [column for column in available if not is_unit_price(column)]
    plain = {column: _plain(column) for column in available}
    wanted = [_plain(name), _plain(role), *map(_plain, _SYNONYMS.get(role, ()))]
    scores = {
        column: max(
            difflib.SequenceMatcher(None, text, word).ratio() - 0.01 * rank
            for rank, word in enumerate(wanted)
        )
        for column, text in plain.items()
    }
    near = sorted((c for c in available if scores[c] >= 0.6), key=lambda c: (-scores[c], c))
    return near[:3]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


class TransactionColumns(TableColumns):
    """Name the columns of the transactions table.

    An optional column under its default name is used when the frame has it; a name you changed
    must exist; None ignores the column.

    Parameters
    ----------
    customer_id, timestamp : str, default the same names
        Who bought, and when.
    amount : str, default "amount"
        What the row is worth [money]; negative for a return.
    profit, cost : str or None, default the same names
        What the firm earned on the row, and what it cost the firm [money]; cost is used when there
        is no profit column.
    order_id, business_line, channel, quantity : str or None, default the same names
        Which order, which product line or department, where it was bought, how many units.

    Examples
    --------
    >>> from retainkit.tables import TransactionColumns
    >>> TransactionColumns(customer_id="CustomerID", timestamp="InvoiceDate").timestamp
    'InvoiceDate'
    """

    table: ClassVar[str] = "transactions"
    required: ClassVar[tuple[str, ...]] = ("customer_id", "timestamp", "amount")

    customer_id: str = "customer_id"
    timestamp: str = "timestamp"
    amount: str = "amount"
    profit: str | None = "profit"
    cost: str | None = "cost"
    order_id: str | None = "order_id"
    business_line: str | None = "business_line"
    channel: str | None = "channel"
    quantity: str | None = "quantity"


class CustomerColumns(TableColumns):
    """Name the columns of the customers table: one row per customer.

    Parameters
    ----------
    customer_id : str, default "customer_id"
        Who.
    kind : str or None, default "kind"
        Person or business.
    credit_standing : str or None, default "credit_standing"
        good, watch, overdue, default or fraud.
    overdue_amount : str or None, default "overdue_amount"
        Debt past its due date [money].
    days_overdue : str or None, default "days_overdue"
        Age of the oldest such debt [day].
    contact : str or None, default "contact_permission"
        What the customer may be contacted for: all, service_only or none.
    category_spending : str or None, default "category_spending"
        What the customer spends on the whole category, with anybody [money].
    strategic_flags : tuple of str, default ()
        Yes/no columns that say why a business customer matters beyond money.
    traits : tuple of str, default ()
        Observable traits for segmentation (region, age group, industry).
    protected_attributes : tuple of str, default ()
        Attributes no decision may use; they leave as columns named `protected_...`.
    covariates : tuple of str, default ()
        Numbers and truth values that do not change over time and were known when the customer was
        won: the forecast and the model of buying learn from them. They leave as `covariate_...`.
    """

    table: ClassVar[str] = "customers"

    customer_id: str = "customer_id"
    kind: str | None = "kind"
    credit_standing: str | None = "credit_standing"
    overdue_amount: str | None = "overdue_amount"
    days_overdue: str | None = "days_overdue"
    contact: str | None = "contact_permission"
    category_spending: str | None = "category_spending"
    strategic_flags: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    protected_attributes: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()


class ContractColumns(TableColumns):
    """Name the columns of the contracts table.

    Parameters
    ----------
    customer_id, start, end : str, default the same names
        Who, the first day of the contract, and the first day without service (blank while it runs).
    amount : str, default "amount"
        Price per period [money].
    plan, paid, end_reason : str or None, default the same names
        Which plan, whether the contract was paid for, and why it ended.
    cancel_requested, billing_end, past_due_since : str or None, default the same names
        Day the customer asked to leave, first day not billed, day since which a bill is open;
        blank where there is none. The conventions of churn recognition and dunning read them.
    paused, discount_permanent : str or None, default the same names
        Whether service is paused, and whether the discount has no end.
    discount, usage_amount : str or None, default the same names
        Discount inside the amount and metered part of it, per period [money].
    term_months : str or None, default "term_months"
        Length of the term [month].
    currency : str or None, default "currency"
        Currency of the amount.
    """

    table: ClassVar[str] = "contracts"
    required: ClassVar[tuple[str, ...]] = ("customer_id", "start", "end", "amount")

    customer_id: str = "customer_id"
    start: str = "start"
    end: str = "end"
    amount: str = "amount"
    plan: str | None = "plan"
    paid: str | None = "paid"
    end_reason: str | None = "end_reason"
    cancel_requested: str | None = "cancel_requested"
    billing_end: str | None = "billing_end"
    past_due_since: str | None = "past_due_since"
    paused: str | None = "paused"
    discount: str | None = "discount"
    discount_permanent: str | None = "discount_permanent"
    usage_amount: str | None = "usage_amount"
    term_months: str | None = "term_months"
    currency: str | None = "currency"


class EventColumns(TableColumns):
    """Name the columns of the events table: complaints, payment failures, cancellations.

    Parameters
    ----------
    customer_id, timestamp, kind : str, default the same names
        Who, when, and what happened.
    code, source, text : str or None, default the same names
        The reason code somebody recorded, who says so, and free words.
    amount : str or None, default "amount"
        Money involved [money].
    resolved_at : str or None, default "resolved_at"
        When it was settled; blank while open.
    """

    table: ClassVar[str] = "events"
    required: ClassVar[tuple[str, ...]] = ("customer_id", "timestamp", "kind")

    customer_id: str = "customer_id"
    timestamp: str = "timestamp"
    kind: str = "kind"
    code: str | None = "code"
    source: str | None = "source"
    text: str | None = "text"
    amount: str | None = "amount"
    resolved_at: str | None = "resolved_at"


class SurveyColumns(TableColumns):
    """Name the columns of the surveys table; at least one score must be there.

    Parameters
    ----------
    customer_id, timestamp : str, default the same names
        Who answered, and when.
    satisfaction, perceived_value, switching_cost : str or None, default the same names
        Overall evaluation after the sale, value compared with what others offer, perceived cost of
        leaving [score].
    likelihood_to_recommend : str or None, default "likelihood_to_recommend"
        0 to 10 by custom [score].
    """

    table: ClassVar[str] = "surveys"
    required: ClassVar[tuple[str, ...]] = ("customer_id", "timestamp")

    customer_id: str = "customer_id"
    timestamp: str = "timestamp"
    satisfaction: str | None = "satisfaction"
    perceived_value: str | None = "perceived_value"
    switching_cost: str | None = "switching_cost"
    likelihood_to_recommend: str | None = "likelihood_to_recommend"


class ActivityColumns(TableColumns):
    """Name the columns of the activities table: what was done for whom, how often.

    Parameters
    ----------
    customer_id, activity, quantity : str, default the same names
        For whom, what was done, and how many times or units of it.
    timestamp, channel : str or None, default the same names
        When, and through which channel.
    """

    table: ClassVar[str] = "activities"
    required: ClassVar[tuple[str, ...]] = ("customer_id", "activity", "quantity")

    customer_id: str = "customer_id"
    activity: str = "activity"
    quantity: str = "quantity"
    timestamp: str | None = "timestamp"
    channel: str | None = "channel"
