"""What transactions may mean otherwise: asked, never changed."""

from __future__ import annotations

import numpy as np

from retainkit.tables._columns import is_unit_price
from retainkit.tables._dates import say_note
from retainkit.tables._spec import Pass

_MONTH_DAYS = 31
"""A distance from the last row to `as_of` up to which nothing is asked [day]."""


def ask_about_prices(work: Pass) -> None:
    """Ask whether the amount is a price per unit; its meaning is not changed."""
    amount, name = work.numbers("amount"), work.raw["amount"].name
    quantity = work.numbers("quantity") if "quantity" in work.valid else None
    values, policy = work.raw["amount"], "the amount is what the row is worth"
    where = {"table": work.table, "column": repr(str(name))}
    if quantity is not None:
        against = (quantity < 0) & (amount > 0)
        if work.sieve.keep is not None:
            against &= work.sieve.keep
        if against.any():
            says = say_note("against_quantity", **where, rows=f"{int(against.sum()):,}")
            values = work.raw["quantity"]
            work.sieve.note("price_per_unit", against, policy=policy, values=values, says=says)
            return
    alone = quantity is not None and bool(np.all(quantity[np.isfinite(quantity)] == 1))
    if is_unit_price(name) and not alone:
        says, every = say_note("price_name", **where), np.ones(work.source.n, dtype=bool)
        work.sieve.note("price_per_unit", every, policy=policy, values=values, says=says)


def note_late_as_of(work: Pass) -> None:
    """Note that the last row lies long before the last observed day."""
    keep = work.sieve.keep
    times = np.asarray(work.valid["timestamp"]).astype("datetime64[D]")
    kept = times[~np.isnat(times) if keep is None else keep]
    if work.day is None or not len(kept):
        return
    days = np.unique(kept)
    usual = float(np.median(np.diff(days).astype(np.int64))) if len(days) > 1 else 0.0
    away = int((np.datetime64(work.day, "D") - days[-1]).astype(np.int64))
    if away > max(3.0 * usual, _MONTH_DAYS):
        says = say_note("late_as_of", table=work.table, last=str(days[-1]), days=f"{away:,}")
        policy, values = f"as_of={work.day.isoformat()}", work.raw["timestamp"]
        work.sieve.note(
            "long_before_as_of", times == days[-1], policy=policy, values=values, says=says
        )
