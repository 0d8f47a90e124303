"""What a metric means: the settings on which published systems disagree."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from retainkit._internal.config import FrozenConfig
from retainkit.errors import NotComputableError
from retainkit.typing import PositiveInt

Weekday = Literal["monday", "saturday", "sunday"]


class MetricConvention(FrozenConfig):
    """The settings without which "retention" means something else to every reader.

    The defaults are this library's own convention: compare two snapshots, divide by the
    customers of the start, keep reactivated customers apart. Every `MetricValue` carries the
    convention it was computed in.

    Parameters
    ----------
    name : str, default "retainkit"
        Name shown beside values.
    window_days : int, default 91
        Purchase data: a customer is active at the end of a day if they bought within this many
        days up to and including it [day]. 91 days are 13 whole weeks, so that every window has
        the same weekdays. Choose about three times the usual gap between purchases.
    young_customers : {"include", "exclude"}, default "include"
        Purchase data: whether customers whose first purchase is less than `window_days` before
        the period count among the active of its start. They are active by construction, so a
        growing base looks different with and without them; when included their number is noted.
    incomplete_period : {"drop", "mark"}, default "drop"
        A period that `as_of` does not cover to its end: not computable, or computed on what was
        observed with a note.
    counting : {"snapshot", "event"}, default "snapshot"
        Compare who is active at both ends, or count every departure and return in between.
    denominator : {"start", "start_plus_new", "daily", "exposure"}, default "start"
        What churn is divided by.
    churn_recognition : {"cancel_requested", "service_period_end", "billing_end"}
        Contracts: the day on which a customer has left; default "service_period_end", the `end`
        of the contract.
    past_due : {"active", "churned"}, default "active"
        Contracts: customers who have not paid yet.
    dunning_days : int, default 0
        Contracts: days after which a customer past due has left [day]; 0 = never for that reason.
    paused : {"active", "zero"}, default "active"
        Contracts: whether a pause counts as active or as zero revenue.
    reactivation : {"own", "new"}, default "own"
        Whether a customer who returns is their own category or counts as new.
    reactivation_in_nrr : bool, default False
        Whether revenue of returned customers enters net revenue retention.
    reactivated_cohort : {"original", "new"}, default "original"
        Cohort of a customer who returned.
    grace_days : int, default 0
        A gap of at most this many days is no churn [day].
    zero_value : {"active", "churned"}, default "active"
        Contracts: whether a contract over amount 0 (free plan, full discount) is active.
    same_period_join_leave : {"ignore", "count_both"}, default "ignore"
        Contracts: whether customers who join and leave within one period count as new.
    refunds : {"subtract", "ignore"}, default "subtract"
        Purchase data: whether negative amounts lower the revenue of their own day.
    discounts : {"subtract", "permanent_only", "ignore"}, default "subtract"
        Which discounts lower recurring revenue.
    usage : {"include", "exclude"}, default "include"
        Metered amounts in recurring revenue.
    term_change : {"separate", "contraction"}, default "separate"
        Whether a change of term length is kept apart from expansion and contraction.
    time_zone : str, default "UTC"
        The zone in which days were cut; tables are converted when they are validated.
    week_start : {"monday", "saturday", "sunday"}, default "monday"
        First day of a calendar week in cohorts.
    month : {"calendar", "30_days"}, default "calendar"
        What "one month later" means in cohorts.
    interval_method : {"jeffreys", "wilson", "none"}, default "jeffreys"
        Interval of a proportion.
    interval_level : float, default 0.95
        Coverage of the interval.

    Notes
    -----
    A setting that the present functions cannot honour is refused with `NotComputableError` when
    a metric is computed; it is never silently ignored.

    References
    ----------
    The list follows the published settings and definitions of subscription analytics systems
    and Gold, C. (2020), Fighting Churn with Data, ch. 2.

    Examples
    --------
    >>> from retainkit.metrics import MetricConvention
    >>> MetricConvention(window_days=365, interval_method="wilson").window_days
    365
    """

    name: str = "retainkit"
    window_days: PositiveInt = 91
    young_customers: Literal["include", "exclude"] = "include"
    incomplete_period: Literal["drop", "mark"] = "drop"
    counting: Literal["snapshot", "event"] = "snapshot"
    denominator: Literal["start", "start_plus_new", "daily", "exposure"] = "start"
    churn_recognition: Literal["cancel_requested", "service_period_end", "billing_end"] = (
        "service_period_end"
    )
    past_due: Literal["active", "churned"] = "active"
    dunning_days: int = Field(default=0, ge=0)
    paused: Literal["active", "zero"] = "active"
    reactivation: Literal["own", "new"] = "own"
    reactivation_in_nrr: bool = False
    reactivated_cohort: Literal["original", "new"] = "original"
    grace_days: int = Field(default=0, ge=0)
    zero_value: Literal["active", "churned"] = "active"
    same_period_join_leave: Literal["ignore", "count_both"] = "ignore"
    refunds: Literal["subtract", "ignore"] = "subtract"
    discounts: Literal["subtract", "permanent_only", "ignore"] = "subtract"
    usage: Literal["include", "exclude"] = "include"
    term_change: Literal["separate", "contraction"] = "separate"
    time_zone: str = "UTC"
    week_start: Weekday = "monday"
    month: Literal["calendar", "30_days"] = "calendar"
    interval_method: Literal["jeffreys", "wilson", "none"] = "jeffreys"
    interval_level: float = Field(default=0.95, gt=0.0, lt=1.0)


DEFAULT_CONVENTION = MetricConvention()

_ONLY: dict[str, Any] = {
    name: getattr(DEFAULT_CONVENTION, name)
    for name in (
        "counting",
        "denominator",
        "churn_recognition",
        "past_due",
        "dunning_days",
        "paused",
        "reactivation",
        "reactivation_in_nrr",
        "reactivated_cohort",
        "grace_days",
        "discounts",
        "usage",
        "term_change",
        "month",
    )
}
"""Settings of which the present functions honour one value."""


def refuse_unsupported(convention: MetricConvention) -> None:
    """Raise if `convention` asks for something the present functions cannot honour."""
    for name, honoured in _ONLY.items():
        chosen = getattr(convention, name)
        if chosen != honoured:
            raise NotComputableError(
                f"the convention {convention.name!r} asks for {name}={chosen!r}",
                rule=f"only {name}={honoured!r} can be computed here",
                where=f"MetricConvention.{name}",
                fix=f"convention.replace({name}={honoured!r})",
            )
