"""The surveys table: what customers answered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.tables._columns import SurveyColumns
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import SurveyRules
from retainkit.tables._spec import Observed, Pass, Role, TableSpec, repeats
from retainkit.typing import AsOf, IntoFrame


def split_valid_surveys(
    frame: IntoFrame,
    *,
    columns: SurveyColumns | None = None,
    rules: SurveyRules | None = None,
    as_of: AsOf | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split survey answers into usable ones and a ledger of all others.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per answered survey.
    columns : SurveyColumns, optional
        Which column plays which role.
    rules : SurveyRules, optional
        What happens to each kind of doubtful row.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later answers are excluded. None keeps all.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order: `customer_id`, `timestamp` (naive), and each mapped score
        as float64, NaN where the question was left open.
    ledger : Ledger
        Rows by reason; reconciles exactly with the input.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import split_valid_surveys
    >>> frame = pd.DataFrame({"customer_id": [1, 2], "timestamp": ["2025-01-31"] * 2,
    ...                       "satisfaction": [4, 9]})
    >>> split_valid_surveys(frame)[1].counts()
    {'out_of_range_satisfaction': 1}
    """
    return SURVEYS.split(frame, columns, rules, as_of)


def validate_surveys(
    frame: IntoFrame,
    *,
    columns: SurveyColumns | None = None,
    rules: SurveyRules | None = None,
    as_of: AsOf | None = None,
) -> pd.DataFrame:
    """Return survey answers in canonical form, or raise one error with every problem.

    Parameters
    ----------
    frame, columns, rules, as_of
        As in `split_valid_surveys`; rows left out by a policy are no error.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_surveys`.

    Raises
    ------
    InvalidTableError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import SurveyColumns, validate_surveys
    >>> frame = pd.DataFrame({"customer_id": [1], "timestamp": ["2025-01-31"], "nps": ["9"]})
    >>> validate_surveys(frame, columns=SurveyColumns(likelihood_to_recommend="nps"))
       customer_id  timestamp  likelihood_to_recommend
    0            1 2025-01-31                      9.0
    """
    return SURVEYS.validate(frame, columns, rules, as_of)


def _read_scores(work: Pass) -> None:
    raw, scales = work.raw, work.rules.scales()
    scored = [role for role in scales if role in raw]
    if not scored:
        raise SchemaError(
            "surveys has no score column",
            rule="at least one of " + ", ".join(scales),
            where=work.table,
            fix='SurveyColumns(satisfaction="...")',
        )
    answered = np.zeros(work.source.n, dtype=bool)
    for role in scored:
        Role(role, "number", unit="score")(work)
        (low, high), scores = scales[role], work.numbers(role)
        outside = (scores < low) | (scores > high)
        policy = f"{low:g} <= {role} <= {high:g}"
        work.sieve.take(
            "rejected", f"out_of_range_{role}", outside, policy=policy, values=raw[role]
        )
        answered |= ~np.isnan(scores)
    policy = "a survey answers something"
    work.sieve.take("rejected", "no_score", ~answered, policy=policy, values=raw[scored[0]])


SURVEYS = TableSpec(
    columns=SurveyColumns,
    rules=SurveyRules,
    policy=lambda _: "scores within their declared scales",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("timestamp", "time", filled=True),
        _read_scores,
        Observed("timestamp"),
        repeats,
    ),
)


def latest_answers(surveys: pd.DataFrame) -> pd.DataFrame:
    """Return what each customer answered last.

    Parameters
    ----------
    surveys : pandas.DataFrame
        Valid surveys (`split_valid_surveys`).

    Returns
    -------
    pandas.DataFrame
        customer_id and the scores of the latest survey, one row per customer in order of that
        survey's time; NaN where its question was left open. Of several at one time the one with
        the highest scores counts, so that the order of rows does not matter.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import latest_answers
    >>> surveys = pd.DataFrame({"customer_id": [1, 2, 1], "satisfaction": [2.0, 4.0, 5.0],
    ...     "timestamp": pd.to_datetime(["2026-01-05", "2026-02-01", "2026-03-09"])})
    >>> latest_answers(surveys)
       customer_id  satisfaction
    0            2           4.0
    1            1           5.0
    """
    scores = [name for name in surveys.columns if name not in ("customer_id", "timestamp")]
    ordered = surveys.sort_values(["timestamp", *scores], kind="stable")
    latest = ordered.drop_duplicates("customer_id", keep="last")
    return latest[["customer_id", *scores]].reset_index(drop=True)
