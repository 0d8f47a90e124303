"""backtest: the whole run at past days, beside plain rules, held against what came next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import pandas as pd

from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit._core.time import parse_as_of
from retainkit._pipeline._backtest_day import COLUMNS, open_past, plan_row, stand_on
from retainkit._pipeline._backtest_score import calibration_of, outcomes_of, score_backtest
from retainkit._pipeline._backtest_words import describe_backtest
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._folds import Folds, lay_folds
from retainkit._pipeline._tables import TableColumns
from retainkit.errors import RetainkitError
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
)
from retainkit.typing import AsOf, IntoFrame, Language

_FAILURES = (RetainkitError, ValueError, ArithmeticError, IndexError, KeyError)
_FOLD_COLUMNS = (
    *("cutoff", "window_days", "overlaps", "customers"),
    *("actual", "entrants", "entrants_actual", "reason"),
)


def _silent(stage: str) -> None:
    """Announce nothing."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BacktestResult(ResultTable):
    """What a run said on past days, what plain rules said, and what came.

    Parameters
    ----------
    as_of : datetime.date
        Last observed day of the data.
    horizon_days : int
        Days ahead asked for [day]; `folds` has the days ahead that could be tested.
    folds : pandas.DataFrame
        One row per past day: `cutoff`, `window_days`, `overlaps` (its window shares days with that
        of the next one), `customers`, `actual` [money] of them, `entrants` and `entrants_actual`
        (those who came only later, and their money), `reason` why it could not be tested (empty
        where it could).
    level : float
        Share of customers the intervals are to cover.
    notes : tuple of str
        What a reader must know of how it was tested.
    rows : pandas.DataFrame
        What `to_frame` returns a copy of.
    tier_labels : dict of str to Label
        Display names of the tiers.

    Examples
    --------
    >>> import retainkit as rk
    >>> tested = rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=1)
    >>> tested
    <BacktestResult: 9,428 forecasts; next: .summary(), .outcomes(), .to_frame()>
    """

    as_of: date
    horizon_days: int
    folds: pd.DataFrame
    level: float
    notes: tuple[str, ...]
    rows: pd.DataFrame
    tier_labels: dict[str, Label]

    _what: ClassVar[str] = "forecasts"
    _next_step: ClassVar[str] = ".summary(), .outcomes(), .to_frame()"

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per past day, candidate and customer.

        Returns
        -------
        pandas.DataFrame
            `cutoff`, `window_days`, `candidate`, `customer_id`; what was said: `p_active`,
            `expected_value`, `low`, `high` [money], `score` (what the candidate orders by);
            `tier`, `stance` and the other words of the run; what came: `actual_active`,
            `actual_value` [money]. NaN where a candidate says nothing.
        """
        return self.rows.copy()

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Return how well each candidate did on each past day.

        Parameters
        ----------
        by : str, optional
            A column of `to_frame()`, for example "tier": each group is judged on its own.

        Returns
        -------
        pandas.DataFrame
            As from `score_backtest`.
        """
        return score_backtest(self.rows, by=by)

    def outcomes(self, by: str = "tier") -> pd.DataFrame:
        """Return what the customers of each tier (stance, state, action) did next.

        Parameters
        ----------
        by : str, default "tier"
            A column of `to_frame()`.

        Returns
        -------
        pandas.DataFrame
            One row per cutoff and group: `customers`, `p_active` (mean forecast), `active` (share
            that was), `expected` and `actual` [money per customer], `share` of all money that
            came. Groups in their order.
        """
        return outcomes_of(self.rows, by)

    def calibration(self) -> pd.DataFrame:
        """Return forecast and frequency of being active, in ten groups by the forecast.

        Returns
        -------
        pandas.DataFrame
            One row per cutoff and group, lowest first: `customers`, `p_active` (mean), `active`
            (share that was). Empty where the run gives no probability.
        """
        return calibration_of(self.rows)

    def tier_name(self, tier: str, language: Language = "en") -> str:
        """Return the display name of a tier; any other text unchanged.

        Parameters
        ----------
        tier : str
            As in `to_frame()`.
        language : {"en", "zh"}
            Display language.

        Returns
        -------
        str
            The name.
        """
        label = self.tier_labels.get(tier)
        return tier if label is None else label.text(language)

    def describe(self, language: Language = "en") -> tuple[str, ...]:
        """Return the few sentences a manager reads.

        Parameters
        ----------
        language : {"en", "zh"}
            Display language.

        Returns
        -------
        tuple of str
            Per past day what was expected and what came; then ranking, calibration, intervals and
            tiers on the latest of them; then the notes.
        """
        return describe_backtest(self, language)


def plan_folds(
    transactions: IntoFrame | None = None,
    *,
    as_of: AsOf,
    config: PipelineConfig | None = None,
    folds: Folds = 3,
    columns: TransactionColumns | None = None,
    contracts: IntoFrame | None = None,
    contract_columns: ContractColumns | None = None,
) -> pd.DataFrame:
    """Show on which past days `backtest` would stand, before anything is run.

    Parameters
    ----------
    transactions, as_of, config, folds, columns, contracts, contract_columns
        As in `backtest`.

    Returns
    -------
    pandas.DataFrame
        `cutoff`, `window_days`, `overlaps`, `customers` known on that day, `reason` why it cannot
        be tested (empty where it can); earliest first.

    Examples
    --------
    >>> import retainkit as rk
    >>> rk.plan_folds(rk.load_cdnow_sample(), as_of="1998-06-30")[["cutoff", "window_days"]]
           cutoff  window_days
    0  1997-05-17          273
    1  1997-07-24          273
    2  1997-09-30          273
    """
    config = PipelineConfig() if config is None else config
    frames = {"transactions": transactions, "contracts": contracts}
    past = open_past(
        frames,
        TableColumns(columns, None, contract_columns),
        config,
        parse_as_of(as_of),
        _silent,
    )
    plan = lay_folds(past.first_day, past.as_of, config.horizon_days, folds)
    return pd.DataFrame([plan_row(past, fold) for fold in plan])


def backtest(
    transactions: IntoFrame | None = None,
    *,
    as_of: AsOf,
    config: PipelineConfig | None = None,
    folds: Folds = 3,
    columns: TransactionColumns | None = None,
    customers: IntoFrame | None = None,
    customer_columns: CustomerColumns | None = None,
    contracts: IntoFrame | None = None,
    contract_columns: ContractColumns | None = None,
    events: IntoFrame | None = None,
    event_columns: EventColumns | None = None,
    surveys: IntoFrame | None = None,
    survey_columns: SurveyColumns | None = None,
    activities: IntoFrame | None = None,
    activity_columns: ActivityColumns | None = None,
    progress: Callable[[str], None] = _silent,
) -> BacktestResult:
    """Run everything at past days and hold it, beside plain rules, against what came next.

    Whether a firm should trust the run is decided here. On each past day the run sees only the
    rows up to that day, and learns all it learns from them alone.

    Parameters
    ----------
    transactions : pandas, Polars, PyArrow or DuckDB table, optional
        Purchases and returns, as for `RetentionPipeline.run`. None for contracts alone.
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive: up to here it is known what came.
    config : PipelineConfig, optional
        What the run is configured with; its horizon is how far ahead is looked.
    folds : int or sequence of days, default 3
        How many past days to stand on, or which. `plan_folds` shows them without a run.
    columns : TransactionColumns, optional
        Which column of `transactions` plays which role.
    customers, customer_columns, contracts, contract_columns, events, event_columns, surveys, \
survey_columns, activities, activity_columns : optional
        Further tables and their column names, as for `RetentionPipeline.run`. Customers and
        activities say what is known today, not since when: they are read, and no past run sees
        them (a note says so).
    progress : callable, optional
        Called with the name of each stage when it begins.

    Returns
    -------
    BacktestResult
        `.folds`, `.summary()`, `.outcomes("tier")`, `.to_frame()`. A past day that cannot be
        tested is a row of `.folds` with its reason.

    Raises
    ------
    AsOfError
        If `as_of` is not a calendar day.
    SchemaError
        If a table lacks a column or rows, or neither transactions nor contracts are given.
    NotComputableError
        If `folds` is less than 1.

    Notes
    -----
    Windows end on `as_of` and lie end to end while half a window of history is left before the
    first; where fewer than asked for fit, they overlap, at least a quarter of a window apart. A
    horizon longer than half of the history is cut to that.

    What came is counted as the run counts it: profit where the transactions carry it, else
    revenue, times `config.value.margin_rate` where one is assumed. It is not discounted, and
    neither is the forecast here. A return counts on its own day. Active is who bought within the
    window; without transactions, who was under contract at its end. The plain rules: `recency`
    (who bought last), `past_spend` (money so far, taken as it is), `recent_spend` (the money of
    the last window, expected once more).

    Examples
    --------
    >>> import retainkit as rk
    >>> tested = rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=1)
    >>> tested.summary()[["candidate", "customers", "buyers"]]
          candidate  customers  buyers
    0           run       2357     684
    1       recency       2357     684
    2    past_spend       2357     684
    3  recent_spend       2357     684
    """
    config = PipelineConfig() if config is None else config
    frames = {
        "transactions": transactions,
        "customers": customers,
        "contracts": contracts,
        "events": events,
        "surveys": surveys,
        "activities": activities,
    }
    names = TableColumns(
        columns,
        customer_columns,
        contract_columns,
        event_columns,
        survey_columns,
        activity_columns,
    )
    past = open_past(frames, names, config, parse_as_of(as_of), progress)
    told: list[dict[str, Any]] = []
    parts: list[pd.DataFrame] = []
    labels: dict[str, Label] = {}
    for fold in lay_folds(past.first_day, past.as_of, config.horizon_days, folds):
        row = plan_row(past, fold)
        if not fold.reason:
            progress(f"standing on {fold.cutoff}")
            try:
                part = stand_on(past, fold, config)
            except _FAILURES as error:
                row["reason"] = getattr(error, "wrong", None) or str(error) or type(error).__name__
            else:
                parts.append(part.rows)
                row |= part.money
                labels |= part.tier_labels
        told.append(row)
    return BacktestResult(
        as_of=past.as_of,
        horizon_days=config.horizon_days,
        folds=pd.DataFrame(told, columns=pd.Index(_FOLD_COLUMNS)),
        notes=past.notes,
        level=config.forecast.level,
        rows=pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS),
        tier_labels=labels,
    )
