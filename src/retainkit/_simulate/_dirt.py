"""Soil a clean transactions table in known ways, to test what cleans it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError, SchemaError
from retainkit.typing import IntArray, Rate

_COLUMNS = ("customer_id", "timestamp", "amount")
_BAD_DATES = ("2024-13-45", "not a date", "31/31/2024")
_BAD_AMOUNTS = ("on request", "free", "1.2.3")


class DirtConfig(FrozenConfig):
    """How much of each dirt to add, as a share of the clean rows; no row is soiled twice.

    Attributes
    ----------
    missing_customer_id, missing_timestamp, missing_amount : float
        Share of rows that lose the field.
    unparsable_timestamp, unparsable_amount : float
        Share of rows whose field becomes text that means nothing.
    non_finite_amount : float
        Share of rows whose amount becomes infinite.
    after_as_of : float
        Share of rows moved one to a hundred days past the last day of the table.
    zero_amount : float
        Share of rows whose amount becomes zero.
    duplicate : float
        Share of rows repeated exactly, at the end of the table.
    mixed_customer_id : float
        Share of rows whose id is written another way (17850.0, " 17850 "): harmless.
    currency_text : float
        Share of rows whose amount is written with a currency sign and thousands commas: harmless.
    """

    missing_customer_id: Rate = 0.01
    missing_timestamp: Rate = 0.002
    missing_amount: Rate = 0.002
    unparsable_timestamp: Rate = 0.003
    unparsable_amount: Rate = 0.003
    non_finite_amount: Rate = 0.001
    after_as_of: Rate = 0.005
    zero_amount: Rate = 0.004
    duplicate: Rate = 0.01
    mixed_customer_id: Rate = 0.05
    currency_text: Rate = 0.05


HARMLESS = ("mixed_customer_id", "currency_text")
DEFAULT_DIRT = DirtConfig()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DirtyTransactions(ResultTable):
    """A soiled transactions table, and what was done to each row.

    Attributes
    ----------
    frame : pandas.DataFrame
        The soiled table; the three required columns are objects of mixed types.
    reason : numpy.ndarray of str
        Per row of `frame`, the field of `DirtConfig` that soiled it; empty if clean.
    currency : str
        The sign written before some amounts.
    """

    frame: pd.DataFrame
    reason: npt.NDArray[np.str_]
    currency: str

    _what: ClassVar[str] = "dirty rows"
    _next_step: ClassVar[str] = ".frame"

    def __len__(self) -> int:
        return len(self.frame)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the soiled table with the column `reason` beside it.

        The columns of `frame`, and `reason` (empty text if clean).
        """
        return self.frame.assign(reason=self.reason)

    def counts(self) -> dict[str, int]:
        """Return how many rows each dirt soiled.

        One entry per field of `DirtConfig`, in that order; 0 where none.
        """
        return {name: int((self.reason == name).sum()) for name in DirtConfig.model_fields}

    def summary(self) -> pd.DataFrame:
        """Return the counts as a table.

        One row per dirt: `reason`, `rows`, `harmless` (a reader should repair it).
        """
        counts = self.counts()
        return pd.DataFrame(
            {
                "reason": list(counts),
                "rows": list(counts.values()),
                "harmless": [name in HARMLESS for name in counts],
            }
        )


def add_dirt(
    transactions: pd.DataFrame,
    *,
    seed: int,
    config: DirtConfig = DEFAULT_DIRT,
    currency: str = "$",
) -> DirtyTransactions:
    """Soil a clean transactions table in counted ways.

    Parameters
    ----------
    transactions : pandas.DataFrame
        A clean table with `customer_id`, `timestamp` and `amount`, as `make_transactions` gives
        it; it is left as it is.
    seed : int
        Non-negative seed; the same arguments give the same rows bit for bit.
    config : DirtConfig, optional
        How much of each dirt.
    currency : str, default "$"
        The sign written before the amounts of `currency_text`.

    Returns
    -------
    DirtyTransactions
        The rows in their order, soiled, then the duplicates; `counts()` says how many rows each
        dirt soiled. No row carries two kinds of dirt, and only clean rows are repeated.

    Raises
    ------
    SchemaError
        If one of the three columns is missing.
    NotComputableError
        If the shares need more rows than there are.

    Notes
    -----
    Each kind soils `round(share * rows)` rows.

    Examples
    --------
    >>> from retainkit.simulate import add_dirt, make_transactions
    >>> clean = make_transactions(1000, seed=1)
    >>> dirty = add_dirt(clean, seed=1)
    >>> len(dirty) - len(clean) == dirty.counts()["duplicate"]
    True
    """
    missing = [name for name in _COLUMNS if name not in transactions.columns]
    if missing:
        raise SchemaError(
            f"no column {missing[0]!r}", rule="three columns are required", where="transactions"
        )
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    chosen = _choose_rows(rng, len(transactions), config=config)
    columns = {name: transactions[name].astype(object).to_numpy(copy=True) for name in _COLUMNS}
    days = pd.DatetimeIndex(transactions["timestamp"]).strftime("%Y-%m-%d")
    columns["timestamp"] = np.array(days, dtype=object)
    _soil_ids(rng, columns["customer_id"], chosen=chosen)
    _soil_timestamps(rng, columns["timestamp"], transactions["timestamp"], chosen=chosen)
    _soil_amounts(rng, columns["amount"], chosen=chosen, currency=currency)
    objects = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
    frame = transactions.reset_index(drop=True).assign(**objects)
    reason = np.full(len(frame), "", dtype=f"<U{max(map(len, DirtConfig.model_fields))}")
    for name, rows in chosen.items():
        reason[rows] = name if name != "duplicate" else ""
    again = np.concatenate([np.arange(len(frame)), chosen["duplicate"]])
    return DirtyTransactions(
        frame=frame.take(again).reset_index(drop=True),
        reason=np.append(reason, np.full(len(chosen["duplicate"]), "duplicate")),
        currency=currency,
    )


def _choose_rows(rng: np.random.Generator, rows: int, *, config: DirtConfig) -> dict[str, IntArray]:
    """Return disjoint row positions per kind of dirt."""
    sizes = {name: round(getattr(config, name) * rows) for name in DirtConfig.model_fields}
    if sum(sizes.values()) > rows:
        raise NotComputableError(
            f"the shares soil {sum(sizes.values())} of {rows} rows",
            rule="no row is soiled twice",
            fix="lower the shares of DirtConfig",
        )
    edges = np.cumsum(list(sizes.values()))
    parts = np.split(rng.permutation(rows)[: edges[-1]], edges[:-1])
    return dict(zip(sizes, parts, strict=True))


def _soil_ids(
    rng: np.random.Generator, values: npt.NDArray[Any], *, chosen: dict[str, IntArray]
) -> None:
    values[chosen["missing_customer_id"]] = None
    rows = chosen["mixed_customer_id"]
    padded = rng.random(len(rows)) < 0.5
    values[rows] = [
        f" {value} " if pad else f"{value}.0" if isinstance(value, int) else f"{value}  "
        for value, pad in zip(values[rows], padded, strict=True)
    ]


def _soil_timestamps(
    rng: np.random.Generator,
    values: npt.NDArray[Any],
    days: pd.Series[Any],
    *,
    chosen: dict[str, IntArray],
) -> None:
    values[chosen["missing_timestamp"]] = None
    rows = chosen["unparsable_timestamp"]
    values[rows] = np.array(_BAD_DATES, dtype=object)[rng.integers(len(_BAD_DATES), size=len(rows))]
    rows = chosen["after_as_of"]
    late = days.max() + pd.to_timedelta(rng.integers(1, 101, size=len(rows)), unit="D")
    values[rows] = late.strftime("%Y-%m-%d").to_numpy(dtype=object)


def _soil_amounts(
    rng: np.random.Generator,
    values: npt.NDArray[Any],
    *,
    chosen: dict[str, IntArray],
    currency: str,
) -> None:
    values[chosen["missing_amount"]] = None
    values[chosen["zero_amount"]] = 0.0
    rows = chosen["non_finite_amount"]
    values[rows] = np.where(rng.random(len(rows)) < 0.5, np.inf, -np.inf).astype(object)
    rows = chosen["unparsable_amount"]
    wrong = rng.integers(len(_BAD_AMOUNTS), size=len(rows))
    values[rows] = np.array(_BAD_AMOUNTS, dtype=object)[wrong]
    rows = chosen["currency_text"]
    values[rows] = [
        f"{'-' if value < 0 else ''}{currency}{abs(value):,.2f}" for value in values[rows]
    ]
