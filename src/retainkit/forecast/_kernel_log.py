"""The purchase days of a sample of customers, and what was known of them on any earlier day."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import recent_counts, recent_money
from retainkit._core.kernels.sums import exact_sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class PurchaseLog(NamedTuple):
    """A row per customer and day with rows, ordered by customer and day.

    `bought` says whether the day holds a purchase, before returns of the same day are netted;
    `money` is net. `covariates` are those of customer 0, 1, ..., one row each.
    """

    code: IntArray
    day: IntArray
    money: FloatArray
    bought: BoolArray
    n: int
    covariates: FloatArray | None = None

    def first(self, most: int) -> PurchaseLog:
        """Return the log of the first `most` customers."""
        if self.n <= most:
            return self
        end = int(np.searchsorted(self.code, most))
        rows = slice(end)
        known = None if self.covariates is None else self.covariates[:most]
        return PurchaseLog(
            self.code[rows], self.day[rows], self.money[rows], self.bought[rows], most, known
        )

    @property
    def first_day(self) -> int:
        """The first day with a row."""
        return int(self.day.min())


class Known(NamedTuple):
    """What is known of customers on a day: all that a forecast is made from.

    `day` is one for all, or one each; `covariates` have a row per customer.
    """

    first: FloatArray
    last: FloatArray
    purchases: FloatArray
    money: FloatArray
    recent_days: npt.NDArray[Any]
    recent_money: npt.NDArray[Any]
    day: Any
    covariates: FloatArray | None = None

    def take(self, rows: Any) -> Known:
        """Return these customers alone."""
        return Known(
            self.first[rows],
            self.last[rows],
            self.purchases[rows],
            self.money[rows],
            self.recent_days[rows],
            self.recent_money[rows],
            self.day,
            None if self.covariates is None else self.covariates[rows],
        )


def make_log(code: npt.NDArray[Any], day: npt.NDArray[Any], amount: FloatArray) -> PurchaseLog:
    """Return the log of rows; customers are numbered 0, 1, ... in `code`."""
    n = int(code.max()) + 1
    low = int(day.min())
    width = int(day.max()) - low + 1
    keys, place = np.unique(code.astype(np.int64) * width + (day - low), return_inverse=True)
    bought = np.zeros(len(keys), dtype=np.bool_)
    bought[place[amount >= 0.0]] = True
    money = exact_sums(place, amount, len(keys))
    return PurchaseLog(keys // width, keys % width + low, money, bought, n)


def known_on(log: PurchaseLog, day: int) -> tuple[IntArray, Known]:
    """Return the customers with a purchase up to `day`, and what was known of them then."""
    seen = log.day <= day
    code, when, money, bought = log.code[seen], log.day[seen], log.money[seen], log.bought[seen]
    count = np.bincount(code[bought], minlength=log.n)
    who = np.flatnonzero(count)
    place = np.full(log.n, -1)
    place[who] = np.arange(len(who))
    kept = place[code] >= 0
    row, when, money, bought = place[code[kept]], when[kept], money[kept], bought[kept]
    # rows are ordered by customer and day: the first and last purchase stand at the run's ends
    row_bought, when_bought = row[bought], when[bought]
    starts = np.flatnonzero(np.r_[True, row_bought[1:] != row_bought[:-1]]) if len(who) else who
    ends = np.r_[starts[1:], len(row_bought)] - 1 if len(who) else who
    first, last = when_bought[starts], when_bought[ends]
    n = len(who)
    return who, Known(
        first=first.astype(np.float64),
        last=last.astype(np.float64),
        purchases=count[who].astype(np.float64),
        money=exact_sums(row, money, n),
        recent_days=recent_counts(row_bought, last[row_bought] - when_bought, n),
        recent_money=recent_money(row, last[row] - when, money, n),
        day=day,
        covariates=None if log.covariates is None else log.covariates[who],
    )


def outcome(
    log: PurchaseLog, who: IntArray, after: int, until: int
) -> tuple[BoolArray, FloatArray]:
    """Return whether each customer bought in (after, until], and the money it brought then."""
    inside = (log.day > after) & (log.day <= until)
    money = exact_sums(log.code[inside], log.money[inside], log.n)[who]
    bought = np.zeros(log.n, dtype=np.bool_)
    bought[log.code[inside & log.bought]] = True
    return bought[who], money


def money_between(log: PurchaseLog, after: float, until: float) -> float:
    """Return the money of everybody in (after, until]."""
    inside = (log.day > after) & (log.day <= until)
    return float(log.money[inside].sum())
