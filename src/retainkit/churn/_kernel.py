"""States, drivers and posteriors of causes: arrays in, arrays out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.glm import fit_logistic

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

PROSPECT, NEW, PRESENT, QUIET, GONE, ENDED = range(6)
"""States, from before the relation to after it."""

(
    NEVER_BOUGHT,
    FIRST_LATELY,
    IN_RHYTHM,
    NOT_JUDGED,
    CHANCE_FELL,
    BEYOND_RHYTHM,
    CHANCE_LOW,
    LONG_SILENT,
    CONTRACT_NOT_STARTED,
    CONTRACT_RUNNING,
    CONTRACT_IN_GRACE,
    CANCELLATION_REQUESTED,
    PAYMENT_FAILED,
    COMPLAINT_OPEN,
    LIKELY_TO_END,
    CONTRACT_ENDED,
    END_ON_RECORD,
    HELD,
    OVERDUE,
    UNPROVEN,
) = range(20)
"""Reasons of a state, as positions in the catalogue."""


class Signs(NamedTuple):
    """One value per customer; NaN without a purchase."""

    p_state: Float
    kept: Float
    silent: Float
    own_gap: Float
    age: Float


class Limits(NamedTuple):
    """Where one state ends and the next begins."""

    gone_below: float
    gone_kept: float
    gone_surely_below: float
    gone_gaps: float
    quiet_kept: float
    quiet_below: float
    quiet_gaps: float
    new_gaps: float
    base_gap: float


def judge(signs: Signs, limits: Limits) -> tuple[Codes, Codes]:
    """Return state and reason by activity alone; every claim is believed."""
    with np.errstate(invalid="ignore"):
        fell = (signs.p_state < limits.gone_below) & (signs.kept < limits.gone_kept)
        silent = signs.silent > limits.gone_gaps * limits.base_gap
        low = (signs.p_state < limits.gone_surely_below) & silent
        waits = signs.silent > limits.quiet_gaps * signs.own_gap
        rules = (
            (np.isnan(signs.silent), PROSPECT, NEVER_BOUGHT),
            (signs.age <= limits.new_gaps * limits.base_gap, NEW, FIRST_LATELY),
            (np.isnan(signs.p_state), PRESENT, NOT_JUDGED),
            (fell, GONE, CHANCE_LOW),
            (low, GONE, LONG_SILENT),
            (signs.kept < limits.quiet_kept, QUIET, CHANCE_FELL),
            (waits & (signs.p_state < limits.quiet_below), QUIET, BEYOND_RHYTHM),
            (waits, PRESENT, OVERDUE),
        )
    met = [rule[0] for rule in rules]
    state = np.select(met, [rule[1] for rule in rules], PRESENT).astype(np.int8)
    reason = np.select(met, [rule[2] for rule in rules], IN_RHYTHM).astype(np.int8)
    return state, reason


def milder(state: Codes, *, gone: bool, quiet: bool) -> Codes:
    """Return the states with the claims that are not believed fallen to the next milder one."""
    said = state.copy()
    if not gone:
        said[said == GONE] = QUIET
    if not quiet:
        said[said == QUIET] = PRESENT
    return said


def days_reached(
    state: Codes, last: Float, first: Float, own_gap: Float, window: float, limits: Limits
) -> Float:
    """Return the day each state was reached, as far as activity tells [day number].

    New since the first purchase, present since the last one; quiet from the day the silence left
    the own rhythm, gone from the day it outlasted the window.
    """
    return np.select(
        [state == NEW, state == PRESENT, state == QUIET, state == GONE],
        [first, last, last + np.ceil(limits.quiet_gaps * own_gap), last + window],
        np.nan,
    )


def monotone_basis(x: Float, knots: Float) -> Float:
    """Return quadratic I-splines, shape (n, knots): each rises from 0 to 1 around its knot.

    The function of knot j is the integral of the hat that is 1 at knot j and 0 at its neighbours,
    divided by its area (Ramsay 1988, order 2). Sums with coefficients >= 0 never fall. Beyond the
    outer knots they are constant.
    """
    left = np.append(knots[0], knots[:-1])
    right = np.append(knots[1:], knots[-1])
    at = np.clip(x, knots[0], knots[-1])[:, None]
    rise, fall = knots - left, right - knots
    up = np.clip(at - left, 0.0, rise)
    down = np.clip(at - knots, 0.0, fall)
    area_up = up**2 / np.where(rise > 0.0, 2.0 * rise, 1.0)
    area_down = down - down**2 / np.where(fall > 0.0, 2.0 * fall, 1.0)
    total: Float = (area_up + area_down) / ((rise + fall) / 2.0)
    return total


def fit_free_logit(x: Float, hits: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """Return the greatest log-likelihood of a logit on the span of `x`, and the span's rank.

    On orthogonal columns; where a cell has one outcome only it is approached from below.
    """
    u, size, _ = np.linalg.svd(x, full_matrices=False)
    rank = int((size > size.max(initial=0.0) * 1e-9).sum())
    base = u[:, :rank] * np.sqrt(len(x))
    found = fit_logistic(base, hits.astype(np.float64), penalty=np.zeros(rank))
    return found.log_likelihood, rank


NEVER = np.iinfo(np.int64).max
"""Time of what did not happen."""

_Int = npt.NDArray[np.integer[Any]]
_Bool = npt.NDArray[np.bool_]


def first_time(group: _Int, time: _Int, where: _Bool, n: int) -> npt.NDArray[np.int64]:
    """Return the earliest time per group among the rows of `where`; NEVER where there is none."""
    out = np.full(n, NEVER, dtype=np.int64)
    np.minimum.at(out, group[where], time[where])
    return out


def last_time(group: _Int, time: _Int, where: _Bool, n: int) -> npt.NDArray[np.int64]:
    """Return the latest time per group among the rows of `where`; -NEVER where there is none."""
    out = np.full(n, -NEVER, dtype=np.int64)
    np.maximum.at(out, group[where], time[where])
    return out


def any_row(group: _Int, where: _Bool, n: int) -> _Bool:
    """Return whether each group has a row of `where`."""
    out = np.zeros(n, dtype=np.bool_)
    out[group[where]] = True
    return out


def first_in_group(order: _Int, *keys: _Int) -> _Bool:
    """Return, for rows taken in `order`, whether a row opens a new run of equal keys."""
    opens = np.zeros(len(order), dtype=np.bool_)
    opens[:1] = True
    for key in keys:
        opens[1:] |= key[order[1:]] != key[order[:-1]]
    return opens


def sum_by_leaf(
    group: _Int, leaf: _Int, weight: npt.NDArray[np.float64], *, n: int, leaves: int
) -> npt.NDArray[np.float64]:
    """Return the weights summed per group and leaf, in the order of the rows."""
    flat = np.bincount(group * leaves + leaf, weights=weight, minlength=n * leaves)
    return flat.reshape(n, leaves).astype(np.float64, copy=False)


def top_two(
    posterior: npt.NDArray[np.float64], without: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the first leaf and the shares of the first and second, leaving out one column.

    Ties go to the leaf that comes first.
    """
    shares = posterior.copy()
    shares[:, without] = -1.0
    best = np.argmax(shares, axis=1)
    rows = np.arange(len(shares))
    first = shares[rows, best]
    shares[rows, best] = -1.0
    return best, first, shares.max(axis=1, initial=-1.0)


MICROSECONDS_PER_DAY = 86_400_000_000
CUSTOMER, PAYMENT, SYSTEM = 0, 1, 2
"""Codes of the mechanisms; -1 where nothing says what ended the relation."""
INTENT_BEFORE_PAYMENT, END_RECORD, CUSTOMER_FIRST, PAYMENT_FIRST, SYSTEM_FIRST, EVIDENCE_ONLY = (
    range(6)
)
FACT = 6
"""Codes of the rules that settle the mechanism."""


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
