"""Pass the rows of one table through its rules in order, and keep the account."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.kernels.exact import exact_sum
from retainkit._core.labels import Label
from retainkit.tables._ledger import EntryKind, Ledger, LedgerEntry, TakenRows, as_text
from retainkit.tables._read import Reading
from retainkit.typing import BoolArray, FloatArray, IntArray

_EXAMPLES = 3


class _Step(NamedTuple):
    kind: EntryKind
    reason: str
    rows: IntArray
    matching: int
    policy: str
    values: Any
    says: Label | None = None


class Sieve:
    """Collects broken rules; a row is attributed to the first rule it breaks."""

    def __init__(self, table: str, n: int) -> None:
        self.table = table
        self.n = n
        self._taken: BoolArray | None = None
        self._steps: list[_Step] = []
        self._notices: list[tuple[str, BoolArray, str, Any, Label | None]] = []

    def take(
        self,
        kind: EntryKind,
        reason: str,
        broken: BoolArray | None,
        *,
        policy: str,
        values: Any,
        says: Label | None = None,
    ) -> None:
        """Take out the rows where `broken`; None or no such row leaves no trace."""
        if broken is None or not broken.any():
            return
        matching = int(np.count_nonzero(broken))
        fresh = broken if self._taken is None else broken & ~self._taken
        rows = np.flatnonzero(fresh)
        self._steps.append(_Step(kind, reason, rows, matching, policy, values, says))
        self._taken = fresh.copy() if self._taken is None else self._taken | fresh

    def apply(
        self, policy: str, reason: str, broken: BoolArray | None, *, rule: str, values: Any
    ) -> None:
        """Treat rows by a policy: reject, drop, or anything else = keep and note."""
        if policy == "reject":
            self.take("rejected", reason, broken, policy=f"{rule}=reject", values=values)
        elif policy == "drop":
            self.take("excluded", reason, broken, policy=f"{rule}=drop", values=values)
        else:
            self.note(reason, broken, policy=f"{rule}={policy}", values=values)

    def reject_unreadable(
        self, role: str, reading: Reading, *, values: Any, optional: bool = False
    ) -> None:
        """Reject what could not be read; a missing value only where it is required."""
        for problem, broken in reading.problems.items():
            if not (optional and problem == "missing"):
                policy = f"{role} is readable" if problem != "missing" else f"{role} is required"
                reason, says = f"{problem}_{role}", reading.says.get(problem)
                self.take("rejected", reason, broken, policy=policy, values=values, says=says)
        policy = "read by the declared rules"
        for notice, rows in reading.notices.items():
            self.note(notice, rows, policy=policy, values=values, says=reading.says.get(notice))

    def note(
        self,
        reason: str,
        rows: BoolArray | None,
        *,
        policy: str,
        values: Any,
        says: Label | None = None,
    ) -> None:
        """Remember rows that are kept although they look odd."""
        if rows is not None and rows.any():
            self._notices.append((reason, rows, policy, values, says))

    @property
    def keep(self) -> BoolArray | None:
        """Mask of the accepted rows; None when that is all of them."""
        return None if self._taken is None else ~self._taken

    def ledger(self, ids: Any, *, amounts: FloatArray | None = None, policy: str = "") -> Ledger:
        """Close the account."""
        account = _Account(amounts)
        keep = self.keep
        accepted = self.n if keep is None else int(np.count_nonzero(keep))
        whole = account.of(None)
        rest = whole if keep is None else account.of(keep)
        entries = [
            LedgerEntry(self.table, "input", "", self.n, self.n, *whole, "", ()),
            LedgerEntry(self.table, "accepted", "", accepted, accepted, *rest, policy, ()),
        ]
        entries += [self._entry(step, account.of(step.rows)) for step in self._steps]
        for reason, rows, text, values, says in self._notices:
            matching = int(np.count_nonzero(rows))
            kept = np.flatnonzero(rows if self._taken is None else rows & ~self._taken)
            step = _Step("notice", reason, kept, matching, text, values, says)
            entries.append(self._entry(step, account.of(kept)))
        return Ledger(entries=tuple(entries), parts=self._parts(ids))

    def _entry(self, step: _Step, part: tuple[Fraction | None, int]) -> LedgerEntry:
        first = step.rows[:_EXAMPLES]
        texts = as_text(_at(step.values, first))
        examples = tuple(
            f"row {row}: {text!r}" for row, text in zip(first.tolist(), texts, strict=True)
        )
        head = (self.table, step.kind, step.reason, len(step.rows), step.matching)
        return LedgerEntry(*head, *part, step.policy, examples, step.says)

    def _parts(self, ids: Any) -> tuple[TakenRows, ...]:
        return tuple(
            TakenRows(
                self.table,
                step.kind,
                step.reason,
                step.rows,
                _at(ids if step.reason != "missing_customer_id" else step.values, step.rows),
                _at(step.values, step.rows),
            )
            for step in self._steps
            if len(step.rows)
        )


class _Account:
    """Exact sums of amounts over sets of rows."""

    def __init__(self, amounts: FloatArray | None) -> None:
        self._amounts = amounts

    def of(self, rows: Any) -> tuple[Fraction | None, int]:
        """Return the exact sum at `rows` (None = all), and how many amounts are not finite."""
        if self._amounts is None:
            return None, 0
        return _sum_finite(self._amounts if rows is None else self._amounts[rows])


def _sum_finite(amounts: FloatArray) -> tuple[Fraction, int]:
    finite = np.isfinite(amounts)
    unreadable = len(amounts) - int(np.count_nonzero(finite))
    return exact_sum(amounts[finite] if unreadable else amounts), unreadable


def _at(values: Any, rows: IntArray) -> pd.Series[Any]:
    return pd.Series(values, copy=False).take(rows).reset_index(drop=True)
