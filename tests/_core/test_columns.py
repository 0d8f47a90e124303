"""A frame from declared columns: where the cells come from, and how they are coded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from retainkit._core.columns import Column, list_columns, plain, recorded, taken
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable, TranslatedTable

WORDS = ("high", "low")


class Record(NamedTuple):
    name: Label | None
    heads: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Inner(ResultTable):
    """Inside."""

    amount: npt.NDArray[np.float64]

    _schema: ClassVar[tuple[Column, ...]] = plain("amount")

    def __len__(self) -> int:
        return len(self.amount)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outer(TranslatedTable):
    """Outside.

    Parameters
    ----------
    level : array
        Codes.
    """

    level: npt.NDArray[np.int8]
    pair: npt.NDArray[np.float64]
    records: tuple[Record, ...]
    inner: Inner | None = None
    extra: npt.NDArray[np.float64] | None = None

    _schema: ClassVar[tuple[Column, ...]] = (
        Column("level", categories=WORDS, ordered=True),
        Column("again", "level", "_words"),
        Column("right", "pair.1"),
        *recorded("records", "heads"),
        Column("name", "records.name.text", dtype="str"),
        Column("double", lambda t: t.pair[:, 0] * 2.0),
        *taken("inner", "amount"),
        *plain("extra"),
    )

    def __len__(self) -> int:
        return len(self.level)

    def _words(self, language: str) -> list[str]:
        return [f"{word}-{language}" for word in WORDS]


def make(**changes: Any) -> Outer:
    given: dict[str, Any] = {
        "level": np.array([1, -1], dtype=np.int8),
        "pair": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "records": (Record(Label(en="one", zh="一"), 5), Record(None, 6)),
    }
    return Outer(**{**given, **changes})


def test_cells_are_found_by_path_and_coded() -> None:
    frame = make().to_frame(language="zh")
    assert list(frame) == ["level", "again", "right", "heads", "name", "double"]
    assert frame["level"].cat.ordered
    assert not frame["again"].cat.ordered
    assert frame["level"].tolist() == ["low", np.nan]
    assert frame["again"].cat.categories.tolist() == ["high-zh", "low-zh"]
    assert frame["right"].tolist() == [2.0, 4.0]
    assert frame["heads"].tolist() == [5, 6]
    assert frame["name"].iloc[0] == "一"
    assert pd.isna(frame["name"].iloc[1])
    assert frame["double"].tolist() == [2.0, 6.0]


def test_columns_of_other_tables_come_in_where_there_is_one() -> None:
    amount = np.array([7.0, 8.0])
    frame = make(inner=Inner(amount=amount), extra=amount).to_frame()
    assert frame["amount"].tolist() == frame["extra"].tolist() == [7.0, 8.0]
    frame.loc[0, "extra"] = 0.0
    assert amount.tolist() == [7.0, 8.0]


def test_the_docstring_lists_the_columns_once_before_its_sections() -> None:
    head, names, parameters, *_ = (Outer.__doc__ or "").split("\n\n")
    assert head == "Outside."
    assert names.count("`level`") == 1
    assert parameters.startswith("Parameters\n---")
    assert list_columns("One.", plain("a")) == (
        "One.\n\nColumns of `to_frame` (see `describe_columns`): `a`."
    )


def test_a_table_without_columns_has_to_build_its_frame() -> None:
    class Bare(ResultTable):
        __slots__ = ()

    assert Bare.describe_columns().empty
    with pytest.raises(NotImplementedError):
        Bare().to_frame()


def test_no_cell_of_a_frame_is_minus_zero() -> None:
    frame = Inner(amount=np.array([-0.0, -1.5, np.nan])).to_frame()
    assert frame.to_csv(index=False).split() == ["amount", "0.0", "-1.5", '""']
