"""Result tables declare their columns once, with unit and label."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from retainkit import RetentionPipeline
from retainkit._core.columns import _vocabulary, describe_name
from retainkit._core.result import ResultTable
from retainkit.simulate import make_customer_base
from retainkit.typing import Language
from tests.contract.walk import result_types

FREE = {
    "BacktestResult": "a column per word of the run that the view carries",
    "CohortTable": "the triangle has a column per unit of time; `cells_frame` is its tidy form",
    "DirtyTransactions": "an input table and the dirt in it",
    "ModelComparison": "a column per measure, models as the index",
    "SegmentCube": "a column per dimension that was crossed",
    "SimulatedBase": "an input table and the truth behind it",
    "UpgradeFeatures": "a column per feature that was given",
}
"""Tables whose columns are not declared, and why."""

TABLES = result_types()
DECLARED = [kind for kind in TABLES if kind._schema]


def name_of(kind: type[ResultTable]) -> str:
    return kind.__name__


def tables_in(thing: object, depth: int = 4) -> Iterator[ResultTable]:
    """Give every table inside a result, however deep."""
    if isinstance(thing, ResultTable):
        yield thing
    if depth and dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from tables_in(getattr(thing, field.name), depth - 1)


def arrays_of(table: ResultTable) -> list[npt.NDArray[Any]]:
    values = [getattr(table, field.name) for field in dataclasses.fields(table)]  # type: ignore[arg-type]
    return [value for value in values if isinstance(value, np.ndarray)]


def test_a_table_declares_its_columns_or_says_why_not() -> None:
    assert {kind.__name__ for kind in TABLES if not kind._schema} == set(FREE)


@pytest.mark.parametrize("kind", DECLARED, ids=name_of)
def test_a_column_has_a_unit_and_a_label_in_both_languages(kind: type[ResultTable]) -> None:
    names = [column.name for column in kind._schema]
    assert len(set(names)) == len(names)
    for name in names:
        entry = describe_name(kind.__name__, name)
        assert {"unit", "en", "zh"} <= set(entry) <= {"unit", "en", "zh", "note"}, name
        assert all(text.strip() for text in entry.values()), name
        assert not entry["zh"].isascii(), name
    for language in get_args(Language):
        assert kind.describe_columns(language=language)["label"].is_unique
    described = kind.describe_columns(language="zh")
    assert list(described) == ["column", "unit", "label", "note"]
    assert described["column"].tolist() == names
    assert all(f"`{name}`" in (kind.__doc__ or "") for name in names)


def test_no_word_of_the_vocabulary_is_unused() -> None:
    used = set()
    for kind in DECLARED:
        own = _vocabulary().get(kind.__name__, {})
        for column in kind._schema:
            used.add((kind.__name__ if column.name in own else "every", column.name))
    assert used == {(part, name) for part, words in _vocabulary().items() for name in words}


def test_frames_have_the_declared_columns_in_their_order() -> None:
    """Columns that do not apply are left out, nothing else comes in; each frame is a copy."""
    base = make_customer_base(300, seed=5)
    result = RetentionPipeline().run(
        base.transactions,
        as_of=base.as_of,
        customers=base.customers,
        contracts=base.contracts,
        events=base.events,
        surveys=base.surveys,
        activities=base.activities,
    )
    seen = set()
    for table in tables_in(result):
        if type(table) in seen or not table._schema:
            continue
        seen.add(type(table))
        frame = table.to_frame()
        declared = [column.name for column in table._schema]
        assert list(frame) == [name for name in declared if name in frame], type(table)
        numbers = [frame[name].to_numpy() for name in frame.select_dtypes("number")]
        for one, other in product(numbers, arrays_of(table)):
            assert not np.shares_memory(one, other), type(table)
    assert len(seen) > 20
