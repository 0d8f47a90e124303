"""Sift the surveys table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.errors import SchemaError
from retainkit.tables._amounts import as_column, read_numbers
from retainkit.tables._columns import SurveyColumns
from retainkit.tables._dates import read_times
from retainkit.tables._ids import read_ids
from retainkit.tables._ledger import Ledger
from retainkit.tables._read import none_if_clean
from retainkit.tables._rules import SurveyRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import Source, apply_duplicates, open_table, raise_if_rejected
from retainkit.tables._timeline import exclude_after
from retainkit.typing import AsOf, IntoFrame

_TABLE = "surveys"


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
    columns = columns or SurveyColumns()
    rules = rules or SurveyRules()
    source = open_table(frame, columns, rules)
    raw = source.roles
    sieve = Sieve(_TABLE, source.n)
    ids = read_ids(raw["customer_id"], rules, role="customer_id", table=_TABLE)
    sieve.reject_unreadable("customer_id", ids, values=raw["customer_id"])
    valid: dict[str, Any] = {"customer_id": ids.values}
    times = read_times(raw["timestamp"], rules, role="timestamp", table=_TABLE)
    sieve.reject_unreadable("timestamp", times, values=raw["timestamp"])
    valid["timestamp"] = times.values
    _read_scores(sieve, source, rules, valid)
    exclude_after(sieve, times.values, as_of)
    apply_duplicates(sieve, source, rules)
    ledger = sieve.ledger(ids.values, policy="scores within their declared scales")
    return build_frame(valid, sieve.keep), ledger


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
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per answered survey.
    columns : SurveyColumns, optional
        Which column plays which role.
    rules : SurveyRules, optional
        What happens to each kind of doubtful row. Rows left out by a policy are no error.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later answers are left out.

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
    valid, ledger = split_valid_surveys(frame, columns=columns, rules=rules, as_of=as_of)
    raise_if_rejected(_TABLE, ledger, "SurveyColumns")
    return valid


def _read_scores(sieve: Sieve, source: Source, rules: SurveyRules, valid: dict[str, Any]) -> None:
    raw = source.roles
    scales = {role: scale for role, scale in rules.scales().items() if role in raw}
    if not scales:
        raise SchemaError(
            "surveys has no score column",
            rule="at least one of " + ", ".join(rules.scales()),
            where=_TABLE,
            fix='SurveyColumns(satisfaction="...")',
        )
    answered = np.zeros(source.n, dtype=bool)
    for role, (low, high) in scales.items():
        scores = read_numbers(raw[role], rules, role=role, table=_TABLE)
        sieve.reject_unreadable(role, scores, values=raw[role], optional=True)
        outside = none_if_clean((scores.values < low) | (scores.values > high))
        policy = f"{low:g} <= {role} <= {high:g}"
        sieve.take("rejected", f"out_of_range_{role}", outside, policy=policy, values=raw[role])
        answered |= ~np.isnan(scores.values)
        valid[role] = as_column(scores, raw[role])
    policy = "a survey answers something"
    sieve.take("rejected", "no_score", ~answered, policy=policy, values=raw[next(iter(scales))])


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
