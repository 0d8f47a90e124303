"""Every supported kind of table gives the same result; lazy ones read only what is needed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit._core import frames
from retainkit.errors import AlignmentError
from retainkit.tables import (
    TransactionColumns,
    TransactionRules,
    align_customer_ids,
    split_valid_transactions,
)

pl = pytest.importorskip("polars")

COLUMNS = {
    "customer_id": [1, 2, None, 2],
    "timestamp": ["2025-01-01", "2025-01-02", "2025-01-02", "2025-01-02"],
    "amount": [1.5, 2.0, 3.0, 2.0],
    "channel": ["web", None, "shop", None],
    "note": ["x", "y", "z", "y"],
}


def to_polars(lazy: bool) -> Any:
    frame = pl.DataFrame(COLUMNS).with_columns(pl.col("channel").cast(pl.Categorical))
    return frame.lazy() if lazy else frame


def to_arrow() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


def to_duckdb() -> Any:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    return duckdb.from_arrow(to_arrow())


def to_arrow_backed() -> Any:
    pytest.importorskip("pyarrow")
    return pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow")


BACKENDS: dict[str, Callable[[], Any]] = {
    "polars": lambda: to_polars(lazy=False),
    "polars lazy": lambda: to_polars(lazy=True),
    "pyarrow": to_arrow,
    "duckdb": to_duckdb,
    "pandas on arrow": to_arrow_backed,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("duplicates", ["keep", "reject"])
def test_backends_agree(backend: str, duplicates: Any) -> None:
    rules = TransactionRules(duplicates=duplicates)
    expected, first = split_valid_transactions(pd.DataFrame(COLUMNS), rules=rules)
    valid, ledger = split_valid_transactions(BACKENDS[backend](), rules=rules)
    pd.testing.assert_frame_equal(valid, expected)
    assert ledger.counts() == first.counts()
    assert ledger.reconciles


def test_polars_needs_no_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = split_valid_transactions(pd.DataFrame(COLUMNS))
    monkeypatch.setattr(frames, "find_spec", lambda _: None)
    valid, _ = split_valid_transactions(to_polars(lazy=False))
    pd.testing.assert_frame_equal(valid, expected)


def test_polars_types_survive() -> None:
    frame = pl.DataFrame(
        {
            "customer_id": pl.Series([2**60 + 1, None], dtype=pl.Int64),
            "timestamp": pl.Series([0, 1]).cast(pl.Date),
            "amount": pl.Series([Decimal("1.10"), Decimal("2.20")]),
        }
    )
    valid, ledger = split_valid_transactions(frame)
    assert valid["customer_id"].tolist() == [2**60 + 1]
    assert valid["timestamp"].dt.strftime("%Y-%m-%d").tolist() == ["1970-01-01"]
    assert valid["amount"].tolist() == [1.1]
    assert ledger.counts() == {"missing_customer_id": 1}


def test_polars_zones_move() -> None:
    utc = pl.Series(["2025-01-01T23:30"]).str.to_datetime().dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"customer_id": [1], "amount": [1.0]}).with_columns(timestamp=utc)
    rules = TransactionRules(time_zone="Asia/Shanghai")
    valid, ledger = split_valid_transactions(frame, rules=rules)
    assert valid["timestamp"].astype(str).tolist() == ["2025-01-02 07:30:00"]
    assert [e.reason for e in ledger.entries if e.kind == "notice"] == ["converted_time_zone"]


def test_lazy_frames_read_only_the_mapped_columns() -> None:
    def explode(_: Any) -> Any:
        raise AssertionError("an unmapped column was read")

    lazy = to_polars(lazy=True).with_columns(
        note=pl.col("note").map_batches(explode, return_dtype=pl.String)
    )
    valid, _ = split_valid_transactions(lazy, columns=TransactionColumns(channel=None))
    assert len(valid) == 3


def test_arrow_gaps_and_periods_stay_exact() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": pa.array([2**60 + 1, None]), "b": pa.array([True, None])})
    read = frames.read_columns(table, ["a", "b"], table="t")
    assert read["a"].iloc[0] == 2**60 + 1
    assert str(read["b"].dtype) == "boolean"
    months = pd.DataFrame({"m": pd.period_range("2025-01", periods=2, freq="M")})
    assert frames.read_columns(months, ["m"], table="t")["m"].dt.month.tolist() == [1, 2]


def test_align_customer_ids_between_types() -> None:
    texts = pd.Index(["17850", "0017850", "x"])
    assert align_customer_ids([17850, 17850.0, 5], texts).tolist() == [0, 0, -1]
    assert align_customer_ids([np.nan, 17850.0], pd.Index([0, 17850])).tolist() == [-1, 1]
    assert align_customer_ids(["", None, " x"], texts).tolist() == [-1, -1, 2]
    with pytest.raises(AlignmentError, match="1 customers occur twice"):
        align_customer_ids([1], pd.Index(["1", "1.0"]))
