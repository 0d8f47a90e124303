"""Did the plan pay: effect per action from its hold-out, plan against actual, what to plan next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column, taken
from retainkit._core.result import ResultTable
from retainkit._core.time import parse_as_of, to_day_numbers
from retainkit.errors import SchemaError
from retainkit.policy._plan_reading import COLUMNS, learn_prices, read_trial
from retainkit.policy._plan_table import WORDS, ActionPlan
from retainkit.policy._prices import LEVEL, ActionPrice
from retainkit.typing import AsOf, FloatArray, Language


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlanEvaluation(ResultTable):
    """Hold what each action of a plan brought, by its hold-out.

    One row per action, then the parts by state and tier that could be told apart, who was tried by
    lot, and all plans against who is never treated (`group`). Planned and actual are net of cost,
    of all treated within the trial. `finding`: "pays", "loses", "not shown"; "works" and "harms"
    where the cost is not known; "too few": under 30 on a side. Effects are NaN with fewer than ten
    customers on a side, or ten with any outcome.

    Parameters
    ----------
    rows : pandas.DataFrame
        The rows.
    prices : tuple of ActionPrice
        What is known now of each priced action: earlier belief and this trial together. The next
        run takes them (`PipelineConfig.prices`).
    ends : datetime.date or None
        Last day of the trial; None where nothing was tried.
    is_over : bool
        Whether the trial was over. Before, nothing is read: `rows` is empty.
    level : float
        Coverage of the intervals.

    Examples
    --------
    >>> from retainkit.policy import PlanEvaluation
    >>> PlanEvaluation._next_step
    '.to_frame(), .summary() or .prices'
    """

    _what: ClassVar[str] = "effects"
    _next_step: ClassVar[str] = ".to_frame(), .summary() or .prices"
    _schema: ClassVar[tuple[Column, ...]] = taken("rows", *COLUMNS)

    rows: pd.DataFrame
    prices: tuple[ActionPrice, ...]
    ends: date | None
    is_over: bool
    level: float = LEVEL

    def __len__(self) -> int:
        return len(self.rows)

    def summary(self) -> pd.DataFrame:
        """Return action, effect, low, high, planned, actual and finding of the whole actions."""
        names = ["action", "effect", "low", "high", "planned", "actual", "finding"]
        return self.rows.loc[self.rows["group"] == "all", names].reset_index(drop=True)

    def describe(self, language: Language = "en") -> tuple[str, ...]:
        """Return in a sentence or two what the last plan brought.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Display language.
        """
        if self.ends is None:
            return (WORDS["nothing_tried"].text(language),)
        if not self.is_over:
            return (WORDS["running"].text(language).format(ends=self.ends),)
        whole = self.rows[self.rows["group"] == "all"]
        count = whole["finding"].value_counts()
        told = {
            "pays": count.get("pays", 0) + count.get("works", 0),
            "loses": count.get("loses", 0) + count.get("harms", 0),
            "open": count.get("not shown", 0),
            "few": count.get("too few", 0),
        }
        said = [WORDS["read"].text(language).format(**told)]
        known = whole[whole["planned"].notna() & whole["actual"].notna()]
        if len(known):
            actual = float(known["actual"].sum())
            reach = float(np.sqrt(((known["actual_high"] - known["actual"]) ** 2).sum()))
            money = (float(known["planned"].sum()), actual, actual - reach, actual + reach)
            names = ("planned", "actual", "low", "high")
            figures = {name: f"{x:,.0f}" for name, x in zip(names, money, strict=True)}
            said.append(WORDS["money"].text(language).format(**figures))
        return tuple(said)


def evaluate_plan(
    plan: ActionPlan,
    *,
    as_of: AsOf,
    horizon_days: float,
    outcomes: pd.Series[float] | None = None,
    transactions: pd.DataFrame | None = None,
    prices: Sequence[ActionPrice] = (),
    level: float = LEVEL,
) -> PlanEvaluation:
    """Read back what the actions of a plan brought, from who was left out of them by lot.

    Parameters
    ----------
    plan : ActionPlan
        The plan, as its run wrote it.
    as_of : str, date, datetime or numpy.datetime64
        Last day on which it is known what came.
    horizon_days : float
        Days ahead the plan's expected gains and values speak of [day].
    outcomes : pandas.Series, optional
        What each customer brought during the trial [money], by customer id; who is not in it
        brought nothing.
    transactions : pandas.DataFrame, optional
        Instead: `customer_id`, `timestamp`, `amount` (contribution [money]). What came after the
        day a row was raised, up to the end of the trial, counts.
    prices : sequence of ActionPrice
        What was believed of the actions before the trial.
    level : float
        Coverage of the intervals.

    Returns
    -------
    PlanEvaluation
        Empty while the trial is running: a trial that is read early shows what it wants.

    Raises
    ------
    SchemaError
        If not exactly one of `outcomes` and `transactions` is given.

    Notes
    -----
    The effect is the difference of the means of treated and held out, after what the forecast
    explains (one slope within arms and actions: Deng et al. 2013), with Welch's interval; all
    who were to be treated count as treated (intention to treat). Units drawn together are
    customers here; who is never treated is compared with the whole plan only. Between states and
    tiers an action is split only where each part can show an effect as large as its own.

    References
    ----------
    A. Deng, Y. Xu, R. Kohavi, T. Walker (2013), "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data", WSDM: 123-132.

    Examples
    --------
    >>> import retainkit as rk
    >>> plan = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-03-31").plan
    >>> found = rk.policy.evaluate_plan(plan, as_of="1998-06-30", horizon_days=365.0,
    ...     transactions=rk.load_cdnow_sample())
    >>> found.is_over, bool((found.to_frame()["finding"] == "pays").any())
    (True, False)
    """
    if (outcomes is None) == (transactions is None):
        raise SchemaError(
            "outcomes and transactions are both given or both missing",
            rule="what came is told by one of them",
            where="evaluate_plan",
        )
    rows = plan.rows[plan.rows["arm"] != "not_proven"]
    ends = rows["trial_end"].max().date() if len(rows) else None
    is_over = ends is None or parse_as_of(as_of) >= ends
    if ends is None or not is_over:
        nothing = pd.DataFrame(columns=pd.Index(COLUMNS))
        return PlanEvaluation(
            rows=nothing, prices=tuple(prices), ends=ends, is_over=is_over, level=level
        )
    if transactions is not None:
        came = _came(rows, transactions)
    else:
        came = pd.Index(rows["customer_id"]).map(outcomes).to_numpy(dtype=np.float64)
        came = np.nan_to_num(came)
    table = read_trial(rows, came, horizon_days, level)
    return PlanEvaluation(
        rows=table, prices=learn_prices(prices, table), ends=ends, is_over=True, level=level
    )


def _came(rows: pd.DataFrame, transactions: pd.DataFrame) -> FloatArray:
    """Return what each row's customer brought after it was raised, within the trial."""
    for name in ("customer_id", "timestamp", "amount"):
        if name not in transactions:
            raise SchemaError(f"no column {name!r}", rule="customer_id, timestamp, amount")
    ids = pd.Index(rows["customer_id"])
    place = ids.get_indexer(pd.Index(transactions["customer_id"]))
    known = place >= 0
    day = to_day_numbers(pd.to_datetime(transactions["timestamp"]).to_numpy()).astype(np.int64)
    raised = to_day_numbers(rows["first_raised"].to_numpy())
    start = np.maximum(raised, to_day_numbers(rows["trial_start"].to_numpy()))
    end = to_day_numbers(rows["trial_end"].to_numpy())
    who = np.where(known, place, 0)
    inside = known & (day > start[who]) & (day <= end[who])
    amount = np.nan_to_num(transactions["amount"].to_numpy(dtype=np.float64))
    found = np.bincount(who[inside], weights=amount[inside], minlength=len(rows))
    return np.asarray(found, dtype=np.float64)
