"""How the money of the horizon spreads over calendar months, and how sure that is."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from retainkit._core.config import FrozenConfig
from retainkit._core.time import day_number
from retainkit.forecast._kernel_log import PurchaseLog, known_on
from retainkit.typing import FloatArray, IntArray

_YEAR = 365
_LEAST_PAST = 45
_FEWEST = 20
_IRREGULAR = 0.10
"""Standard deviation of the log of a month beyond what chance and level explain."""


class MonthAhead(FrozenConfig):
    """The part of the horizon that lies in one calendar month.

    Parameters
    ----------
    first, last : datetime.date
        First and last day of that part.
    share : float
        Share of the horizon's money expected in it.
    spread : float
        Standard deviation of the log of its money, from how far earlier totals were off, chance
        and the irregularity of months.
    """

    first: date
    last: date
    share: float
    spread: float


def months_ahead(as_of: date, horizon_days: int) -> list[tuple[date, date]]:
    """Return first and last day of each calendar month within the horizon."""
    end, first, found = as_of + timedelta(days=horizon_days), as_of + timedelta(days=1), []
    while first <= end:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        found.append((first, min(following - timedelta(days=1), end)))
        first = following
    return found


def spread_over_months(
    log: PurchaseLog, as_of: date, horizon_days: int, tested_days: int, level_error: float
) -> tuple[MonthAhead, ...]:
    """Return how existing customers' money spreads over the months of the horizon.

    As it did after the same day of earlier years: who was there then brought so much in each of the
    months that followed; that holds the season, and that existing customers fade. Without a year
    before, as it did in the latest window that was tested, without a season; the rest of the
    horizon goes on at the rate that window ended with. Where nothing can be seen, evenly.
    """
    spans = months_ahead(as_of, horizon_days)
    today = day_number(as_of)
    edges = np.array([0, *(day_number(last) - today for _, last in spans)])
    years = -(-horizon_days // _YEAR) * _YEAR
    paths = [
        path
        for back in (years, years + _YEAR)
        if (path := _path(log, today - back, edges, horizon_days)) is not None
    ]
    if not paths and (path := _path(log, today - tested_days, edges, tested_days)) is not None:
        paths = [path]
    if not paths:
        paths = [np.diff(edges) / horizon_days]
    share = np.mean(paths, axis=0)
    noise = _noise(log, today, edges) * (1.0 + 1.0 / len(paths))
    spread = np.sqrt(noise + _IRREGULAR**2 + level_error**2)
    return tuple(
        MonthAhead(first=first, last=last, share=float(s), spread=float(sd))
        for (first, last), s, sd in zip(spans, share, spread, strict=True)
    )


def _path(log: PurchaseLog, day: int, edges: IntArray, window: int) -> FloatArray | None:
    """Return the shares of the months after an earlier day; None where too few were there."""
    if day - log.first_day < _LEAST_PAST or window < 1:
        return None
    who, _ = known_on(log, day)
    if len(who) < _FEWEST:
        return None
    there = np.zeros(log.n, dtype=np.bool_)
    there[who] = True
    ahead = log.day - day
    inside = there[log.code] & (ahead > 0) & (ahead <= window)
    money = np.bincount(ahead[inside], weights=log.money[inside], minlength=window + 1)
    reached = np.cumsum(money)
    last = max(window // 4, 1)
    rate = (reached[window] - reached[window - last]) / last  # what it ended with
    at = reached[np.minimum(edges, window)] + rate * np.maximum(edges - window, 0)
    parts = np.maximum(np.diff(at), 0.0)
    return parts / parts.sum() if parts.sum() > 0.0 else None


def _noise(log: PurchaseLog, today: int, edges: IntArray) -> FloatArray:
    """Return the squared relative error that chance gives the money of as many days.

    Customers are independent: the sum of squares over the square of the sum, of the money each
    brought in the last days of that number.
    """
    found = np.empty(len(edges) - 1)
    for i, days in enumerate(np.diff(edges).tolist()):
        inside = (log.day > today - days) & (log.day <= today)
        each = np.bincount(log.code[inside], weights=log.money[inside], minlength=log.n)
        total = float(each.sum())
        found[i] = float(each @ each) / total**2 if total > 0.0 else 1.0
    return np.minimum(found, 1.0)
