"""Score a Spark table of transactions, partitioned by customer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from retainkit._core.time import parse_as_of
from retainkit.engines._partitions import score_partition
from retainkit.errors import MissingDependencyError, SchemaError
from retainkit.pipeline import FittedPipeline
from retainkit.tables import TransactionColumns
from retainkit.typing import AsOf, Language


def score_spark(
    transactions: Any,
    *,
    model: FittedPipeline,
    as_of: AsOf,
    columns: TransactionColumns | None = None,
    partitions: int = 200,
    language: Language = "en",
) -> Any:
    """Score a Spark table of transactions with one learnt model, partition by partition.

    Parameters
    ----------
    transactions : pyspark.sql.DataFrame
        Purchases and returns; rows of a customer may lie anywhere.
    model : FittedPipeline
        What was learnt; travels to the workers as JSON.
    as_of : AsOf
        Last observed day, inclusive.
    columns : TransactionColumns, optional
        Which column plays which role.
    partitions : int, default 200
        Into how many groups of customers the table is divided; a group must fit in a worker.
    language : {"en", "zh"}, default "en"
        Language of texts.

    Returns
    -------
    pyspark.sql.DataFrame
        Lazy; the columns of `CustomerScores.to_frame` with categories as text, one row per
        customer, in no particular order. A column without values in the model's kind of data
        (for example `business_breadth` without business lines) is null.

    Raises
    ------
    MissingDependencyError
        If pyspark is not installed.
    SchemaError
        If the customer column is not in the table.

    Notes
    -----
    Customers are grouped by a hash of their id, `pmod(xxhash64(id), partitions)`, and each group
    goes through `groupBy(...).applyInPandas(...)`: a shuffle brings the rows of a customer
    together, so the numbers are those of one frame.

    Examples
    --------
    With a running session, `score_spark(spark.table("sales"), model=model, as_of="2024-12-31")`
    gives a table to write. Without pyspark the extra is named:

    >>> from retainkit.engines import score_spark
    >>> from retainkit.errors import RetainkitError
    >>> try:
    ...     score_spark(None, model=None, as_of="2024-12-31")
    ... except RetainkitError as error:
    ...     print("refused")
    refused
    """
    functions = _spark_functions()
    day = parse_as_of(as_of)
    columns = columns or TransactionColumns()
    names = list(getattr(transactions, "columns", ()))
    if columns.customer_id not in names:
        raise SchemaError(
            f"no column {columns.customer_id!r}",
            rule="transactions are a Spark table with a customer column",
            where="transactions",
            fix=f"TransactionColumns(customer_id=...); the columns are {names}",
        )
    text = model.to_json()

    def score_group(frame: pd.DataFrame) -> pd.DataFrame:
        learnt = FittedPipeline.from_json(text)
        return _to_plain(score_partition(frame[names], learnt, day, columns, language))

    row = transactions.where(f"`{columns.customer_id}` is not null").limit(1).toPandas()
    sample = _to_plain(
        score_partition(_make_usable(row, columns, day), model, day, columns, language)
    )
    group = functions.pmod(functions.xxhash64(columns.customer_id), functions.lit(partitions))
    return (
        transactions.withColumn("_group", group)
        .groupBy("_group")
        .applyInPandas(score_group, schema=_schema_of(sample))
    )


def _spark_functions() -> Any:
    try:
        from pyspark.sql import functions
    except ImportError:
        raise MissingDependencyError(
            "pyspark is not installed",
            rule="the Spark engine is optional",
            where="retainkit.engines",
            fix='python -m pip install "retainkit[spark]"',
        ) from None
    return functions


def _make_usable(row: pd.DataFrame, columns: TransactionColumns, day: date) -> pd.DataFrame:
    """Return a row that certainly can be scored: only the kinds of its results are wanted."""
    values: dict[str, Any] = {columns.timestamp: pd.Timestamp(day)}
    for name in (columns.amount, columns.profit, columns.cost):
        if name is not None and name in row:
            values[name] = 1.0
    return row.assign(**values)


def _to_plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Write categories as text and days as timestamps that Spark knows."""
    plain = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column):
            texts = column.astype(object)
            column = texts.where(texts.notna(), None)
        elif pd.api.types.is_datetime64_dtype(column):
            column = column.astype("datetime64[ns]")
        plain[name] = column
    return pd.DataFrame(plain)


def _schema_of(frame: pd.DataFrame) -> str:
    """Return the columns as Spark writes a schema."""
    return ", ".join(f"`{name}` {_kind(column)}" for name, column in frame.items())


def _kind(column: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "bigint"
    if pd.api.types.is_float_dtype(column):
        return "double"
    return "timestamp" if pd.api.types.is_datetime64_dtype(column) else "string"
