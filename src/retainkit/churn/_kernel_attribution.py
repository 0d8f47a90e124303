"""Arrays in, arrays out: which mechanism ended each relation, and what each piece points to.

Times are int64 microseconds since 1970; rows are pieces of evidence, `customer` their group.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.churn._kernel import NEVER, any_row, first_time, last_time

MICROSECONDS_PER_DAY = 86_400_000_000
CUSTOMER, PAYMENT, SYSTEM = 0, 1, 2
"""Codes of the mechanisms; -1 where nothing says what ended the relation."""
INTENT_BEFORE_PAYMENT, END_RECORD, CUSTOMER_FIRST, PAYMENT_FIRST, SYSTEM_FIRST, EVIDENCE_ONLY = (
    range(6)
)
FACT = 6
"""Codes of the rules that settle the mechanism."""

_Int = npt.NDArray[np.integer[Any]]
_Bool = npt.NDArray[np.bool_]


class Settled(NamedTuple):
    """Per customer: what ended the relation, by which rule, and the times that decide vetoes."""

    mechanism: npt.NDArray[np.int8]
    rule: npt.NDArray[np.int8]
    first_missed: npt.NDArray[np.int64]
    first_payment: npt.NDArray[np.int64]


def settle_mechanism(
    customer: _Int,
    time: _Int,
    mechanism: _Int,
    end_record: _Bool,
    missed: _Bool,
    fact: _Bool,
    *,
    n: int,
) -> Settled:
    """Decide what ended each relation; only live rows are passed.

    "A dated customer cancellation *before* the payment failure wins (voluntary), even if the card
    fails later." Then the latest record of the end itself; then whichever came first. A fact (a
    death, a fraud ruling) overrules all of them; of two facts the one they agree with stands, else
    the earlier.
    """
    asked, paid, system = (first_time(customer, time, mechanism == m, n) for m in range(3))
    recorded = _end_record(customer, time, mechanism, end_record, n)
    earliest = np.minimum(np.minimum(asked, paid), system)
    in_order = [
        ((asked < paid) & (paid < NEVER) & (asked <= system), CUSTOMER, INTENT_BEFORE_PAYMENT),
        (recorded == CUSTOMER, CUSTOMER, END_RECORD),
        (recorded == PAYMENT, PAYMENT, END_RECORD),
        (recorded == SYSTEM, SYSTEM, END_RECORD),
        (earliest == NEVER, -1, EVIDENCE_ONLY),
        (earliest == paid, PAYMENT, PAYMENT_FIRST),
        (earliest == asked, CUSTOMER, CUSTOMER_FIRST),
    ]
    conditions = [condition for condition, _, _ in in_order]
    what = np.select(conditions, [what for _, what, _ in in_order], SYSTEM)
    rule = np.select(conditions, [rule for _, _, rule in in_order], SYSTEM_FIRST)
    proven = np.stack([first_time(customer, time, fact & (mechanism == m), n) for m in range(3)])
    overruled = (proven.min(axis=0) < NEVER) & (proven[what, np.arange(n)] == NEVER)
    return Settled(
        np.where(overruled, proven.argmin(axis=0), what).astype(np.int8),
        np.where(overruled, FACT, rule).astype(np.int8),
        first_time(customer, time, missed, n),
        paid,
    )


def _end_record(
    customer: _Int, time: _Int, mechanism: _Int, end_record: _Bool, n: int
) -> npt.NDArray[np.int64]:
    """Return what each latest end record says; ties: payment, customer, system; -1 = none."""
    says = end_record & (mechanism >= 0)
    says &= time == last_time(customer, time, says, n)[customer]
    out = np.full(n, -1, dtype=np.int64)
    for code in (SYSTEM, CUSTOMER, PAYMENT):
        out[any_row(customer, says & (mechanism == code), n)] = code
    return out


def has_grievance(
    customer: _Int, time: _Int, grievance: _Bool, recorded: _Bool, settled: Settled, *, n: int
) -> _Bool:
    """Return who complained or disputed before the missed payment.

    Without a missed payment the disputed payment itself is the one withheld, and the dispute
    need only not be later than it. A record of the end that says the payment was disputed speaks
    of a dispute that came before the end, whenever it was written down.
    """
    first = first_time(customer, time, grievance, n)
    missed = settled.first_missed < NEVER
    in_time = np.where(missed, first < settled.first_missed, first <= settled.first_payment)
    result: _Bool = (first < NEVER) & in_time
    return result | any_row(customer, grievance & recorded, n)


def count_moments(customer: _Int, time: _Int, where: _Bool, *, n: int) -> npt.NDArray[np.int64]:
    """Return the number of distinct times per customer among the rows of `where`."""
    c, t = customer[where], time[where]
    order = np.lexsort((t, c))
    c, t = c[order], t[order]
    new = np.ones(len(c), dtype=np.bool_)
    new[1:] = (c[1:] != c[:-1]) | (t[1:] != t[:-1])
    return np.bincount(c[new], minlength=n)


def decay(age_days: npt.NDArray[np.float64], half_life_days: float) -> npt.NDArray[np.float64]:
    """Return 0.5 ** (age / half-life)."""
    return np.exp2(-age_days / half_life_days)
