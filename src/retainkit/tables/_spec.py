"""One way to declare an input table, and the one reader of all of them.

A table is a `TableSpec`: steps in the order in which rows are tried. A step is a role (a column
and how its cells are read), a check, the last observed day, or the search for repeated rows; a
rule that fits none of these is a plain function of the `Pass`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.tables._amounts import as_column, read_numbers
from retainkit.tables._columns import TableColumns
from retainkit.tables._dates import read_times
from retainkit.tables._ids import read_ids
from retainkit.tables._ledger import Ledger
from retainkit.tables._read import Reading, read_flags, read_labels, read_texts
from retainkit.tables._rules import TableRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import (
    Source,
    apply_duplicates,
    exclude_after,
    open_table,
    raise_if_rejected,
)
from retainkit.typing import AsOf, BoolArray, IntoFrame

Columns = TypeVar("Columns", bound=TableColumns)
Rules = TypeVar("Rules", bound=TableRules)

Kind: TypeAlias = Literal["id", "reference", "time", "number", "label", "flag", "text"]
"""How cells are read; a reference is an id of something else, which may be blank."""


class Pass:
    """One table on its way through its steps."""

    def __init__(self, source: Source, rules: TableRules, as_of: AsOf | None) -> None:
        self.source = source
        self.table = source.table
        self.raw = source.roles
        self.rules: Any = rules
        self.sieve = Sieve(source.table, source.n)
        self.valid: dict[str, Any] = {}
        self.as_of = as_of
        self.day: date | None = None
        """The last observed day, once the table has been cut there."""

    def numbers(self, role: str) -> Any:
        """Return a number role of the valid frame as an array."""
        return np.asarray(self.valid[role])


Step: TypeAlias = Callable[[Pass], None]


@dataclass(frozen=True, slots=True)
class Role:
    """A column of the table: how its cells are read, and whether they may be blank.

    Whether the column itself must exist, and its default name, are in the `TableColumns`.
    """

    name: str
    kind: Kind
    filled: bool = False
    """Whether a blank cell rejects the row."""
    unit: str = ""
    known: Callable[[Any], Mapping[str, str] | None] | None = None
    """For labels: from the rules, folded text -> value; None = any text."""

    def __call__(self, work: Pass) -> None:
        """Read the column when the table has it, and reject what cannot be read."""
        if self.name not in work.raw:
            return
        raw = work.raw[self.name]
        reading = self.read(raw, work)
        work.sieve.reject_unreadable(self.name, reading, values=raw, optional=not self.filled)
        work.valid[self.name] = _finish(self.kind, reading, raw)

    def read(self, raw: pd.Series[Any], work: Pass) -> Reading:
        """Return the cells in canonical form with what was wrong about them."""
        rules, where = work.rules, {"role": self.name, "table": work.table}
        match self.kind:
            case "id":
                return read_ids(raw, rules, **where)
            case "reference":
                return _read_references(raw, rules, where)
            case "time":
                return read_times(raw, rules, **where)
            case "number":
                return read_numbers(raw, rules, **where)
            case "flag":
                return read_flags(raw, rules, **where, yes=rules.yes_values, no=rules.no_values)
            case "text":
                return read_texts(raw, rules)
            case _:
                known = None if self.known is None else self.known(rules)
                return read_labels(raw, rules, **where, known=known)


def _read_references(raw: pd.Series[Any], rules: TableRules, where: dict[str, str]) -> Reading:
    reading = read_ids(raw, rules, **where)
    missing, values = reading.problems.get("missing"), reading.values
    if missing is not None:
        values = values.astype("Int64") if values.dtype.kind == "i" else values
        values = values.mask(missing)
    return Reading(values, {})


def _finish(kind: Kind, reading: Reading, raw: pd.Series[Any]) -> Any:
    """Return the column of the valid frame; blank truth values stay undefined."""
    if kind == "number":
        return as_column(reading, raw)
    if kind != "flag":
        return reading.values
    missing = reading.problems.get("missing")
    flags = pd.Series(reading.values, copy=False).astype("boolean")
    return flags if missing is None else flags.mask(missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule about cells that could be read."""

    reason: str
    of: str
    """Role whose cells are shown as examples; without that column there is nothing to check."""
    broken: Callable[[Pass], BoolArray | None]
    """Rows that break the rule."""
    rule: str
    """The rule in words, or the field of the rules that says what happens to such rows."""

    def __call__(self, work: Pass) -> None:
        """Take out the rows that break the rule, or note them when the declared policy keeps."""
        if self.of not in work.valid:
            return
        broken, values = self.broken(work), work.raw[self.of]
        if self.rule in type(work.rules).model_fields:
            policy = getattr(work.rules, self.rule)
            work.sieve.apply(policy, self.reason, broken, rule=self.rule, values=values)
        else:
            work.sieve.take("rejected", self.reason, broken, policy=self.rule, values=values)


def not_negative(role: str, *, rule: str = "") -> Check:
    """Return the check that a number is at least 0."""
    return Check(
        reason=f"negative_{role}",
        of=role,
        broken=lambda work: work.numbers(role) < 0,
        rule=rule or f"{role} >= 0",
    )


@dataclass(frozen=True, slots=True)
class Observed:
    """Leave out what lies after the last observed day."""

    by: str
    """The role that dates a row."""
    reason: str = "after_as_of"

    def __call__(self, work: Pass) -> None:
        """Cut the table; without `as_of` nothing is."""
        if self.by in work.valid:
            work.day = exclude_after(
                work.sieve, work.valid[self.by], work.as_of, reason=self.reason
            )


def repeats(work: Pass) -> None:
    """Treat repeated rows by the declared policy."""
    apply_duplicates(work.sieve, work.source, work.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec(Generic[Columns, Rules]):
    """What a valid table is."""

    columns: type[Columns]
    rules: type[Rules]
    steps: tuple[Step, ...]
    policy: Callable[[Rules], str]
    """What the ledger says about the accepted rows."""
    amounts: str | None = None
    """The role whose amounts the ledger accounts for."""
    groups: tuple[str, ...] = ()
    """Fields of the column map that list several columns."""

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.columns.table

    def split(
        self,
        frame: IntoFrame,
        columns: Columns | None,
        rules: Rules | None,
        as_of: AsOf | None = None,
    ) -> tuple[pd.DataFrame, Ledger]:
        """Pass the rows of `frame` through the steps: usable rows, and the ledger of all."""
        columns, rules = columns or self.columns(), rules or self.rules()
        work = Pass(open_table(frame, columns, rules, groups=self.groups), rules, as_of)
        for step in self.steps:
            step(work)
        amounts = work.numbers(self.amounts) if self.amounts in work.valid else None
        ids = work.valid["customer_id"]
        ledger = work.sieve.ledger(ids, amounts=amounts, policy=self.policy(rules))
        return build_frame(work.valid, work.sieve.keep), ledger

    def validate(
        self,
        frame: IntoFrame,
        columns: Columns | None,
        rules: Rules | None,
        as_of: AsOf | None = None,
    ) -> pd.DataFrame:
        """Return the usable rows, or raise one error that lists every problem."""
        valid, ledger = self.split(frame, columns, rules, as_of)
        raise_if_rejected(self.name, ledger, self.columns.__name__)
        return valid
