"""ChurnPlan: cause, countermeasure, owner, target, measured effect; alerts when a share moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.intervals import normal_bounds
from retainkit._core.labels import Label
from retainkit.churn.causes._breakdown import CauseBreakdown, holm
from retainkit.churn.causes._taxonomy import CAUSES, CauseCatalog, ChurnCause, Identifier
from retainkit.errors import NotComputableError, SchemaError
from retainkit.typing import Language, Rate


class CauseAction(FrozenConfig):
    """One line of a churn plan: what is done about a cause, by whom, to what end.

    Parameters
    ----------
    id : str
        Short name in lower case, unique in the plan.
    cause : ChurnCause
        The cause it works against.
    countermeasure : Label
        What is done.
    owner : str
        Role that answers for it.
    baseline : float
        Losses to the cause per customer at risk before [share].
    target : float
        The same to be reached [share]; below the baseline.
    start, due : date
        When it begins, and when it is judged.
    """

    id: Identifier
    cause: ChurnCause
    countermeasure: Label
    owner: Identifier
    baseline: Rate
    target: Rate
    start: date
    due: date

    @model_validator(mode="after")
    def _aims_lower(self) -> Self:
        """Refuse a target that is no improvement, and a period that ends before it begins."""
        if self.target >= self.baseline:
            raise ValueError(f"{self.id!r}: target {self.target} is not below {self.baseline}")
        if self.due <= self.start:
            raise ValueError(f"{self.id!r}: due {self.due} is not after the start {self.start}")
        return self


class ChurnPlan(FrozenModel):
    """The actions against churn, as data that can be stored, compared and reviewed.

    Parameters
    ----------
    name : str
        What plan it is.
    actions : tuple of CauseAction
        Its lines; each id once.
    """

    name: Annotated[str, Field(min_length=1)]
    actions: tuple[CauseAction, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        """Refuse a plan that lists an action twice."""
        ids = [action.id for action in self.actions]
        if len(set(ids)) < len(ids):
            raise ValueError(f"plan {self.name!r} lists an action twice: {sorted(ids)}")
        return self

    def to_frame(self, *, language: Language = "en") -> pd.DataFrame:
        """Return the plan as a table.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language of the countermeasures.

        Returns
        -------
        pandas.DataFrame
            One row per action: id, cause, countermeasure, owner, baseline, target, start, due.
        """
        rows = [
            (
                a.id,
                str(a.cause),
                a.countermeasure.text(language),
                a.owner,
                a.baseline,
                a.target,
                pd.Timestamp(a.start),
                pd.Timestamp(a.due),
            )
            for a in self.actions
        ]
        names = ["id", "cause", "countermeasure", "owner", "baseline", "target", "start", "due"]
        return pd.DataFrame(rows, columns=names)


def draft_churn_plan(
    breakdown: CauseBreakdown,
    *,
    at_risk: int,
    start: date,
    due: date,
    reduction: float = 0.2,
    name: str = "churn plan",
    catalog: CauseCatalog | None = None,
) -> ChurnPlan:
    """Draft a plan: a countermeasure, owner and target for each cause the firm can prevent.

    Parameters
    ----------
    breakdown : CauseBreakdown
        The losses of the period before.
    at_risk : int
        Customers at risk in that period.
    start, due : date
        When the actions begin and are judged.
    reduction : float, default 0.2
        Share of each cause's losses to be prevented.
    name : str
        Name of the plan.
    catalog : CauseCatalog, optional
        Where countermeasures and owners come from; the breakdown's own by default.

    Returns
    -------
    ChurnPlan
        One action per controllable cause that occurred, the greatest first.

    Raises
    ------
    SchemaError
        If fewer customers were at risk than were lost, or the reduction is not in (0, 1].

    Examples
    --------
    >>> from datetime import date
    >>> import pandas as pd
    >>> from retainkit.churn import (
    ...     attribute_causes, detect_churn, draft_churn_plan, summarize_causes)
    >>> events = pd.DataFrame({"customer_id": ["a"], "kind": ["complaint"],
    ...                        "timestamp": pd.to_datetime(["2026-03-01"])})
    >>> causes = attribute_causes(events, churn=detect_churn([0.0], customer_id=["a"]))
    >>> plan = draft_churn_plan(summarize_causes(causes), at_risk=50, start=date(2026, 4, 1),
    ...                         due=date(2026, 9, 30))
    >>> plan.to_frame()[["cause", "owner", "baseline", "target"]]
              cause    owner  baseline  target
    0  active.fault  service      0.02   0.016
    """
    if at_risk < breakdown.total or not 0.0 < reduction <= 1.0:
        raise SchemaError(
            f"{at_risk} at risk, {breakdown.total} lost, reduction {reduction}",
            rule="at least as many were at risk as were lost; the reduction lies in (0, 1]",
            where="at_risk, reduction",
        )
    entries = (catalog or breakdown.catalog).causes
    order = np.argsort(-breakdown.customers, kind="stable")
    actions = []
    for code in order.tolist():
        entry, lost = entries[code], int(breakdown.customers[code])
        if lost == 0 or entry.controllable is not True:
            continue
        rate = lost / at_risk
        actions.append(
            CauseAction(
                id=entry.cause.value.replace(".", "_"),
                cause=entry.cause,
                countermeasure=entry.countermeasures[0],
                owner=entry.owner,
                baseline=rate,
                target=rate * (1.0 - reduction),
                start=start,
                due=due,
            )
        )
    return ChurnPlan(name=name, actions=tuple(actions))


def review_churn_plan(
    plan: ChurnPlan,
    *,
    treated: CauseBreakdown,
    treated_at_risk: int,
    hold_out: CauseBreakdown | None = None,
    hold_out_at_risk: int = 0,
) -> pd.DataFrame:
    """Measure what became of each action: the rate reached, and the effect against a hold-out.

    Parameters
    ----------
    plan : ChurnPlan
        The plan.
    treated : CauseBreakdown
        Losses among the customers the actions reached, in the period judged.
    treated_at_risk : int
        These customers.
    hold_out : CauseBreakdown, optional
        Losses among customers drawn by lot and left alone.
    hold_out_at_risk : int
        These customers.

    Returns
    -------
    pandas.DataFrame
        One row per action: id, cause, owner, baseline, target, rate, reached (whether the rate is
        at or under the target), effect (rate minus the hold-out's, or None without), low, high
        (95 %), basis: "hold-out", or "before and after", which proves nothing: the rate may have
        moved on its own, so no effect is given.

    Raises
    ------
    SchemaError
        If fewer customers were at risk than were lost.

    Examples
    --------
    >>> from retainkit.churn import ChurnPlan, review_churn_plan, summarize_causes
    >>> from retainkit.churn import attribute_causes, detect_churn
    >>> import pandas as pd
    >>> events = pd.DataFrame({"customer_id": [], "kind": [], "timestamp": pd.to_datetime([])})
    >>> none = attribute_causes(events, churn=detect_churn([], customer_id=[]))
    >>> len(review_churn_plan(ChurnPlan(name="empty", actions=()),
    ...                       treated=summarize_causes(none), treated_at_risk=10))
    0
    """
    pairs = [(treated, treated_at_risk)] + ([(hold_out, hold_out_at_risk)] if hold_out else [])
    if any(size < losses.total for losses, size in pairs):
        raise SchemaError(
            "fewer customers at risk than lost", rule="those at risk include those lost"
        )
    rows = []
    for action in plan.actions:
        code = CAUSES.index(action.cause)
        rate = treated.customers[code] / treated_at_risk if treated_at_risk else np.nan
        effect = low = high = np.nan
        if hold_out is not None and hold_out_at_risk and treated_at_risk:
            other = hold_out.customers[code] / hold_out_at_risk
            effect = rate - other
            error = (
                rate * (1 - rate) / treated_at_risk + other * (1 - other) / hold_out_at_risk
            ) ** 0.5
            low, high = normal_bounds(effect, error, 0.95)
        rows.append(
            (
                action.id,
                str(action.cause),
                action.owner,
                action.baseline,
                action.target,
                rate,
                bool(rate <= action.target),
                effect,
                low,
                high,
                "before and after" if hold_out is None else "hold-out",
            )
        )
    names = ["id", "cause", "owner", "baseline", "target", "rate", "reached"]
    return pd.DataFrame(rows, columns=[*names, "effect", "low", "high", "basis"])


def find_cause_alerts(
    breakdowns: Sequence[CauseBreakdown],
    *,
    names: Sequence[str] | None = None,
    level: float = 0.95,
    language: Language = "en",
) -> pd.DataFrame:
    """Find causes whose share in the last period moved beyond chance.

    Parameters
    ----------
    breakdowns : sequence of CauseBreakdown
        One per period, in order of time; the last is held against all before it together.
    names : sequence of str, optional
        Names of the periods.
    level : float, default 0.95
        Confidence level over all causes together: 1 less the chance of any false alert.
    language : {"en", "zh"}, default "en"
        Language of the countermeasure.

    Returns
    -------
    pandas.DataFrame
        One row per cause that occurs, the smallest p-value first: period, cause, customers,
        expected (at the share before), share_before, share, p_value (Fisher's exact test, both-
        sided), p_adjusted (Holm), alert, direction ("up", "down", ""), all_causes_p (one chi-square
        test of the whole mix), owner, countermeasure. `unknown` is tested too: more of it means
        that the records got worse.

    Raises
    ------
    NotComputableError
        If there are fewer than two periods.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import (
    ...     attribute_causes, detect_churn, find_cause_alerts, summarize_causes)
    >>> def month(complaints, moves):
    ...     ids = list(range(complaints + moves))
    ...     events = pd.DataFrame({"customer_id": ids, "timestamp": pd.Timestamp("2026-03-01"),
    ...                            "kind": ["complaint"] * complaints + ["relocation"] * moves})
    ...     churn = detect_churn([0.0] * len(ids), customer_id=ids)
    ...     return summarize_causes(attribute_causes(events, churn=churn))
    >>> alerts = find_cause_alerts([month(10, 90), month(12, 88), month(30, 70)])
    >>> alerts[["cause", "share", "alert", "direction"]]
                cause  share  alert direction
    0  active.natural    0.7   True      down
    1    active.fault    0.3   True        up
    """
    from scipy import stats

    if len(breakdowns) < 2:
        raise NotComputableError(
            f"{len(breakdowns)} periods", rule="a move needs a period before", where="breakdowns"
        )
    now = breakdowns[-1].customers
    before = np.sum([one.customers for one in breakdowns[:-1]], axis=0)
    n, m = int(now.sum()), int(before.sum())
    occurs = np.flatnonzero((now + before) > 0)
    tested = occurs if n and m else occurs[:0]
    p = np.array(
        [
            stats.fisher_exact(np.array([[now[c], n - now[c]], [before[c], m - before[c]]])).pvalue
            for c in tested
        ],
        dtype=np.float64,
    )
    whole = np.nan
    if len(tested) > 1:
        whole = float(stats.chi2_contingency(np.array([now[tested], before[tested]])).pvalue)
    adjusted = holm(p)
    rows: list[dict[str, Any]] = []
    for place in np.lexsort((tested, p)).tolist():
        code = int(tested[place])
        entry = breakdowns[-1].catalog.causes[code]
        old, new = before[code] / m, now[code] / n
        alert = bool(adjusted[place] <= 1.0 - level)
        rows.append(
            {
                "period": str(names[-1]) if names else "last",
                "cause": str(CAUSES[code]),
                "customers": int(now[code]),
                "expected": old * n,
                "share_before": old,
                "share": new,
                "p_value": p[place],
                "p_adjusted": adjusted[place],
                "alert": alert,
                "direction": ("up" if new > old else "down") if alert else "",
                "all_causes_p": whole,
                "owner": entry.owner,
                "countermeasure": entry.countermeasures[0].text(language),
            }
        )
    columns = ["period", "cause", "customers", "expected", "share_before", "share", "p_value"]
    columns += ["p_adjusted", "alert", "direction", "all_causes_p", "owner", "countermeasure"]
    return pd.DataFrame(rows, columns=columns)
