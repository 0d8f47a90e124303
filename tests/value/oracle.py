"""An independent, slow and obvious customer summary to test the fast one against."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from math import fsum, nan
from typing import Any, NamedTuple

Row = tuple[str, date, float]


class Facts(NamedTuple):
    frequency: int
    recency: float
    age: float
    inactive_for: float
    monetary_value: float
    purchases: float
    returns: float


def start_of(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def summarize_slowly(rows: list[Row], as_of: date, collapse: str = "day") -> dict[str, Facts]:
    """Facts in days, customers in order of first appearance."""
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row[1] <= as_of:
            by_customer[row[0]].append(row)
    return {
        who: _facts(own, start_of(as_of, collapse), collapse) for who, own in by_customer.items()
    }


def _facts(rows: list[Row], until: date, collapse: str) -> Facts:
    bought: dict[date, list[float]] = defaultdict(list)
    for _, day, amount in rows:
        if amount >= 0:
            bought[start_of(day, collapse)].append(amount)
    totals: Any = [fsum(a for _, _, a in rows if a >= 0), fsum(a for _, _, a in rows if a < 0)]
    if not bought:
        return Facts(0, nan, nan, nan, nan, *totals)
    first, last = min(bought), max(bought)
    repeats = len(bought) - 1
    later = fsum(a for day, amounts in bought.items() if day != first for a in amounts)
    return Facts(
        repeats,
        (last - first).days,
        (until - first).days,
        (until - last).days,
        later / repeats if repeats else nan,
        *totals,
    )
