"""One tree of errors and one warning; every message says wrong, rule, where and fix."""

from __future__ import annotations

from typing import Any

__all__ = [
    "AlignmentError",
    "AsOfError",
    "ConvergenceError",
    "InvalidTableError",
    "InvalidTransactionsError",
    "MissingDependencyError",
    "NotComputableError",
    "PolicyStoppedError",
    "RetainkitError",
    "RetainkitWarning",
    "SchemaError",
    "UnitError",
]


class RetainkitError(Exception):
    """Root of every error this library raises on purpose.

    Parameters
    ----------
    wrong : str
        What was wrong: the value, how many, the first examples.
    rule : str, default ""
        The rule that was broken.
    where : str, default ""
        Column, row or field.
    fix : str, default ""
        What to do about it.

    Examples
    --------
    >>> from retainkit.errors import SchemaError
    >>> print(SchemaError("no column 'date'", rule="a timestamp is required",
    ...                   where="transactions", fix='TransactionColumns(timestamp="...")'))
    no column 'date'
      rule:  a timestamp is required
      where: transactions
      fix:   TransactionColumns(timestamp="...")
    """

    def __init__(self, wrong: str, *, rule: str = "", where: str = "", fix: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.rule = rule
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        parts = (("rule:  ", self.rule), ("where: ", self.where), ("fix:   ", self.fix))
        return "\n  ".join([self.wrong, *(head + text for head, text in parts if text)])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).__new__, (type(self), self.wrong), self.__dict__


class SchemaError(RetainkitError, ValueError):
    """A table lacks a column, or a column has a type that cannot be read."""


class AsOfError(RetainkitError, ValueError):
    """`as_of` is missing, is not a calendar day, or lies before the data."""


class InvalidTableError(RetainkitError, ValueError):
    """A table has rows that break a rule; `.ledger` counts and shows them."""

    ledger: Any = None


class InvalidTransactionsError(InvalidTableError):
    """The transactions table has rows that break a rule; `.ledger` counts and shows them."""


class AlignmentError(RetainkitError, ValueError):
    """Two tables that must describe the same customers in the same order do not."""


class UnitError(RetainkitError, ValueError):
    """Two quantities that must share a unit of time or money do not."""


class NotComputableError(RetainkitError, ValueError):
    """The data cannot support the quantity asked for, whatever the settings."""


class ConvergenceError(RetainkitError, RuntimeError):
    """A fit did not reach an optimum; the optimiser's own numbers are in the message."""


class PolicyStoppedError(RetainkitError, ValueError):
    """A guard rail stops a policy: its decisions must be looked at before anybody acts."""


class MissingDependencyError(RetainkitError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class RetainkitWarning(UserWarning):
    """The one warning class of this library: the result stands, but read this."""
