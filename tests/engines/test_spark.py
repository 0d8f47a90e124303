"""Spark scores like one frame; skipped where pyspark is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.engines import score_spark
from retainkit.errors import MissingDependencyError, SchemaError
from retainkit.pipeline import FittedPipeline, fit_pipeline
from retainkit.value import summarize_customers

AS_OF = "1998-06-30"


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    frame = load_cdnow_sample()
    return frame[frame["customer_id"] <= 300].astype({"timestamp": "datetime64[ns]"})


@pytest.fixture(scope="module")
def model(purchases: pd.DataFrame) -> FittedPipeline:
    return fit_pipeline(summarize_customers(purchases, as_of=AS_OF))


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra 'spark' and Java")
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield session
    session.stop()


@pytest.mark.filterwarnings("ignore")  # pyspark's own
def test_the_same_numbers_as_in_one_frame(
    spark: Any, purchases: pd.DataFrame, model: FittedPipeline
) -> None:
    rows = purchases.to_dict(orient="list")
    rows["timestamp"] = [stamp.to_pydatetime() for stamp in rows["timestamp"]]
    table = spark.createDataFrame(list(zip(*rows.values(), strict=True)), schema=list(rows))
    scored = score_spark(table, model=model, as_of=AS_OF, partitions=3).toPandas()
    whole = model.score(summarize_customers(purchases, as_of=AS_OF)).to_frame()
    assert list(scored.columns) == list(whole.columns)
    scored = scored.set_index("customer_id").loc[whole["customer_id"]]
    for name in ("tier", "stance", "stage", "rfm", "reason"):
        assert scored[name].astype(str).tolist() == whole[name].astype(str).tolist()
    numbers = ["lifetime_value", "contribution", "p_alive", "recency", "age", "score"]
    for name in numbers:
        assert scored[name].tolist() == pytest.approx(whole[name].tolist(), rel=1e-12, nan_ok=True)


@pytest.mark.filterwarnings("ignore")
def test_an_unknown_column_is_refused(spark: Any, model: FittedPipeline) -> None:
    with pytest.raises(SchemaError, match="no column 'customer_id'"):
        score_spark(spark.createDataFrame([{"id": 1}]), model=model, as_of=AS_OF)


def test_without_pyspark_the_extra_is_named(model: FittedPipeline) -> None:
    try:
        import pyspark  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError, match="pyspark") as caught:
            score_spark(None, model=model, as_of=AS_OF)
        assert "retainkit[spark]" in caught.value.fix
    else:
        pytest.skip("pyspark is installed")
