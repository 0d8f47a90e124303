"""Score a base that comes in partitions, each with all rows of its customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date

import numpy as np
import pandas as pd

from retainkit._core.time import parse_as_of
from retainkit.errors import NotComputableError, SchemaError
from retainkit.pipeline import CustomerFacts, FittedPipeline
from retainkit.tables import TransactionColumns, validate_transactions
from retainkit.typing import AsOf, IntoFrame, Language
from retainkit.value import decompose_profit, summarize_customers


def score_partitions(
    partitions: Iterable[IntoFrame],
    *,
    model: FittedPipeline,
    as_of: AsOf,
    columns: TransactionColumns | None = None,
    language: Language = "en",
) -> Iterator[pd.DataFrame]:
    """Score partitions of transactions one after the other with one learnt model.

    Parameters
    ----------
    partitions : iterable of pandas, Polars, PyArrow or DuckDB tables
        Transactions, partitioned by customer: a customer's rows are all in one partition.
    model : FittedPipeline
        What was learnt; read with the rules, unit and collapse of its configuration.
    as_of : AsOf
        Last observed day, inclusive; the same for all partitions.
    columns : TransactionColumns, optional
        Which column plays which role.
    language : {"en", "zh"}, default "en"
        Language of texts.

    Returns
    -------
    iterator of pandas.DataFrame
        One frame per partition that has customers: the columns of `CustomerScores.to_frame`, one
        row per customer in order of first appearance. Only one partition is in memory at a time.

    Raises
    ------
    SchemaError
        If a customer appears in two partitions: its history would be cut in two.
    InvalidTransactionsError
        If a row breaks a rule; sift the rows first with `split_valid_transactions`.
    AsOfError
        If `as_of` is not a calendar day.

    Notes
    -----
    Whether partitions share customers is checked with the ids alone, which stay in memory.
    Facts from a customers table (standing, background) are not read here.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.engines import score_partitions
    >>> purchases = rk.load_cdnow_sample()
    >>> model = rk.fit_pipeline(rk.summarize_customers(purchases, as_of="1998-06-30"))
    >>> parts = [part for _, part in purchases.groupby(purchases["customer_id"] % 4)]
    >>> scored = list(score_partitions(parts, model=model, as_of="1998-06-30"))
    >>> [len(frame) for frame in scored], sum(len(frame) for frame in scored)
    ([589, 590, 589, 589], 2357)
    """
    day = parse_as_of(as_of)
    return _score_each(partitions, model, day, columns, language)


def _score_each(
    partitions: Iterable[IntoFrame],
    model: FittedPipeline,
    day: date,
    columns: TransactionColumns | None,
    language: Language,
) -> Iterator[pd.DataFrame]:
    seen: pd.Index = pd.Index([])
    for partition in partitions:
        scored = score_partition(partition, model, day, columns, language)
        ids = pd.Index(scored["customer_id"])
        _refuse_repeated(ids, seen)
        seen = ids if not len(seen) else seen.append(ids)
        if len(scored):
            yield scored


def score_partition(
    partition: IntoFrame,
    model: FittedPipeline,
    day: date,
    columns: TransactionColumns | None,
    language: Language,
) -> pd.DataFrame:
    """Validate, summarise and score one partition."""
    config = model.config
    valid = validate_transactions(
        partition,
        columns=columns or TransactionColumns(),
        rules=config.rules.transactions,
        as_of=day,
    )
    summary = summarize_customers(valid, as_of=day, unit=config.unit, collapse=config.collapse)
    with suppress(NotComputableError):  # without profit nobody can be said to cost more
        reason = decompose_profit(valid, summary).loss_reason
        facts = CustomerFacts(customer_id=summary.customer_id, loss_reason=reason)
        return model.score(summary, facts=facts).to_frame(language=language)
    return model.score(summary).to_frame(language=language)


def _refuse_repeated(ids: pd.Index, seen: pd.Index) -> None:
    """Refuse customers who were in an earlier partition."""
    if not len(seen):
        return
    repeated = ids[np.asarray(seen.get_indexer(ids)) >= 0]
    if len(repeated):
        shown = ", ".join(repr(value) for value in repeated[:3].tolist())
        raise SchemaError(
            f"{len(repeated):,} customers are in more than one partition: {shown}",
            rule="a partition holds all rows of its customers",
            where="partitions",
            fix="partition the transactions by customer_id",
        )
