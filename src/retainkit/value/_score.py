"""score_value: judge each customer by the four criteria."""

from __future__ import annotations

from typing import Any

import numpy as np

from retainkit._core.arrays import check_shapes
from retainkit.errors import SchemaError
from retainkit.typing import BoolArray, FloatArray
from retainkit.value._catalog import ValueCriterion
from retainkit.value._kernel_score import add_parts, score_parts
from retainkit.value._scheme import (
    ValueScheme,
    historical_contribution,
    known_breadth,
    or_unknown,
)
from retainkit.value._summary import CustomerSummary
from retainkit.value._value_table import ValueTable


def score_value(
    summary: CustomerSummary,
    scheme: ValueScheme,
    *,
    future_value: FloatArray | None = None,
    background: FloatArray | None = None,
    is_business: BoolArray | None = None,
    business_breadth: FloatArray | None = None,
) -> ValueTable:
    """Judge each customer by history, breadth, future and background, and add the parts up.

    Parameters
    ----------
    summary : CustomerSummary
        Customers, counted on the basis (profit or revenue) the scheme was learnt on.
    scheme : ValueScheme
        What `fit_value_scheme` learnt.
    future_value : numpy.ndarray of float64, shape (n,), optional
        Expected future value [money] over the scheme's horizon; NaN where it is not known.
    background : numpy.ndarray of float64, shape (n,), optional
        Number (or weight) of strategic facts; NaN where not known. Counts for business customers
        only: a private person is never scored on it.
    is_business : numpy.ndarray of bool, shape (n,), optional
        Which customers are businesses; required with `background`.
    business_breadth : numpy.ndarray of float64, shape (n,), optional
        Breadth to judge instead of the number of lines, as given to `fit_value_scheme`; NaN where
        no line is known.

    Returns
    -------
    ValueTable
        One row per customer in the order of `summary`: per criterion value, threshold, pass and
        part, and their sum `score` in [0, 1]; NaN with a reason where nothing could be judged.

    Raises
    ------
    SchemaError
        If basis and scheme differ, or `background` comes without `is_business`.
    AlignmentError
        If an array does not have one value per customer.

    Notes
    -----
    With x the value and c the threshold of a criterion, s = x / (x + c) for x > 0, else 0: it
    rises with x, stays in [0, 1] and is 0.5 at the threshold, so that passing (x > c) and s > 0.5
    are the same. A criterion's part is its weight * s, the weights of the criteria that apply to
    the customer rescaled to sum to one; the score is the sum of the parts from first to last, bit
    for bit. Historical contribution is taken per year of a relation that counts at least
    `min_relation_days`: nobody's first weeks are multiplied up to a year.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from retainkit.value import fit_value_scheme, score_value, summarize_customers
    >>> rows = pd.DataFrame({
    ...     "customer_id": ["ann", "bob", "cho"], "amount": [300.0, 100.0, 50.0],
    ...     "timestamp": pd.to_datetime("2024-01-31"), "business_line": ["a", "a", "b"]})
    >>> summary = summarize_customers(rows, as_of="2024-01-31")
    >>> future = np.array([80.0, 20.0, 10.0])
    >>> scheme = fit_value_scheme(summary, future_value=future)
    >>> value = score_value(summary, scheme, future_value=future)
    >>> value.score.round(4).tolist()
    [0.5, 0.2694, 0.1883]
    >>> value.explain("bob")[["value", "threshold", "passes", "part"]].round(4)
                             value  threshold  passes    part
    criterion
    historical_contribution  100.0      300.0   False  0.0972
    business_breadth           1.0        1.0   False  0.0833
    future_potential          20.0       80.0   False  0.0889
    background                 NaN        0.0    <NA>     NaN
    """
    n = len(summary)
    check_shapes(
        n,
        future_value=future_value,
        background=background,
        is_business=is_business,
        business_breadth=business_breadth,
    )
    _require_same_basis(summary, scheme)
    if background is not None:
        background = _of_businesses(background, is_business)
    past = historical_contribution(summary, scheme.config)
    breadth = known_breadth(summary) if business_breadth is None else business_breadth
    values = (past, breadth, future_value, background)
    thresholds = tuple(map(scheme.threshold, ValueCriterion))
    weights = tuple(map(scheme.weight, ValueCriterion))
    return ValueTable(
        history=summary,
        scheme=scheme,
        future_potential=or_unknown(future_value, n),
        background=or_unknown(background, n),
        is_business=is_business,
        breadth=business_breadth,
        score=add_parts(score_parts(values, thresholds, weights), n),
    )


def _of_businesses(background: FloatArray, is_business: BoolArray | None) -> FloatArray:
    """Return the background of businesses, NaN for persons."""
    if is_business is None:
        raise SchemaError(
            "background is given without is_business",
            rule="background is judged for business customers only, never for a person",
            where="is_business",
            fix="pass one truth value per customer",
        )
    return np.where(is_business, background, np.nan)


def _require_same_basis(summary: Any, scheme: ValueScheme) -> None:
    """Raise SchemaError if one counts profit and the other revenue."""
    if summary.basis != scheme.basis:
        raise SchemaError(
            f"the summary counts {summary.basis}, the scheme was learnt on {scheme.basis}",
            rule="thresholds of profit do not judge revenue",
            where="scheme.basis",
            fix="learn the scheme on transactions with the same columns",
        )
