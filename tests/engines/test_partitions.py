"""Partitions of a base score like the whole base."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.engines import score_partitions
from retainkit.errors import AsOfError, InvalidTransactionsError, SchemaError
from retainkit.pipeline import FittedPipeline, PipelineConfig, RetentionPipeline
from retainkit.simulate import make_customer_base
from retainkit.tables import TransactionColumns
from tests.runs import run_cdnow

AS_OF = "1998-06-30"


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    return load_cdnow_sample()


@pytest.fixture(scope="module")
def model() -> FittedPipeline:
    return run_cdnow(AS_OF).model


def cut(frame: pd.DataFrame, parts: int) -> list[pd.DataFrame]:
    return [part for _, part in frame.groupby(frame["customer_id"] % parts)]


@pytest.mark.parametrize("parts", [1, 2, 40])
def test_the_same_numbers_as_in_one_frame(
    parts: int, purchases: pd.DataFrame, model: FittedPipeline
) -> None:
    whole = run_cdnow(AS_OF).scores.to_frame()
    scored = pd.concat(list(score_partitions(cut(purchases, parts), model=model, as_of=AS_OF)))
    scored = scored.set_index("customer_id").loc[whole["customer_id"]].reset_index()
    # groups of different size may sum a series in another order: equal but for the last bits
    pd.testing.assert_frame_equal(scored, whole, rtol=1e-12, atol=1e-12)


def test_profit_lines_and_names_of_columns() -> None:
    base = make_customer_base(300, seed=4)
    config = PipelineConfig(unit="month", tier_basis="contribution")
    whole = RetentionPipeline(config).run(base.transactions, as_of=base.as_of)
    columns = TransactionColumns(customer_id="who", timestamp="when")
    renamed = [
        part.rename(columns={"customer_id": "who", "timestamp": "when"})
        for part in cut(base.transactions, 3)
    ]
    scored = pd.concat(
        list(score_partitions(renamed, model=whole.model, as_of=base.as_of, columns=columns))
    ).set_index("customer_id")
    expected = whole.scores.to_frame().set_index("customer_id")
    pd.testing.assert_frame_equal(scored.loc[expected.index], expected, rtol=1e-12, atol=1e-12)


def test_one_partition_at_a_time(purchases: pd.DataFrame, model: FittedPipeline) -> None:
    taken: list[int] = []

    def stream() -> Any:
        for number, part in enumerate(cut(purchases, 3)):
            taken.append(number)
            yield part

    scored = score_partitions(stream(), model=model, as_of=AS_OF)
    assert taken == []
    next(scored)
    assert taken == [0]


def test_a_customer_in_two_partitions_is_refused(
    purchases: pd.DataFrame, model: FittedPipeline
) -> None:
    halves = [purchases.iloc[:3000], purchases.iloc[3000:]]  # by row, not by customer
    with pytest.raises(SchemaError, match="more than one partition") as caught:
        list(score_partitions(halves, model=model, as_of=AS_OF))
    assert "customer_id" in caught.value.fix


def test_other_kinds_of_frames(purchases: pd.DataFrame, model: FittedPipeline) -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    one = pd.concat(list(score_partitions(cut(purchases, 2), model=model, as_of=AS_OF)))
    parts = [polars.from_pandas(part) for part in cut(purchases, 2)]
    two = pd.concat(list(score_partitions(parts, model=model, as_of=AS_OF)))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_wrong_input_is_refused(purchases: pd.DataFrame, model: FittedPipeline) -> None:
    with pytest.raises(AsOfError):
        score_partitions([purchases], model=model, as_of="soon")
    broken = purchases.assign(customer_id=None)
    with pytest.raises(InvalidTransactionsError):
        list(score_partitions([broken], model=model, as_of=AS_OF))
