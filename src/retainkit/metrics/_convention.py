"""What a metric means: its definition, and the settings on which published systems disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from retainkit._core.catalogue import Catalogue, read_catalogue
from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit.contracts import ContractConvention
from retainkit.contracts._read import DEFAULT_CONTRACTS
from retainkit.typing import PositiveInt

Weekday = Literal["monday", "saturday", "sunday"]


class MetricDefinition(FrozenConfig):
    """One metric as data: what a table of contents, a report or a scorecard shows.

    Parameters
    ----------
    name : str
        Name in code and in tables.
    label : Label
        Display name in English and Chinese.
    formula : Label
        Numerator / denominator in words.
    kind : {"proportion", "ratio", "count", "distribution"}
        A proportion has an interval; a distribution is measured on sorted values.
    unit : {"share", "money", "customers", "occasions"}
        Unit of the value.

    Examples
    --------
    >>> from retainkit.metrics import METRIC_DEFINITIONS
    >>> METRIC_DEFINITIONS["retention_rate"].label.zh
    '客户保持率'
    """

    name: str
    label: Label
    formula: Label
    kind: Literal["proportion", "ratio", "count", "distribution"]
    unit: Literal["share", "money", "customers", "occasions"]


def _read_definitions() -> Mapping[str, MetricDefinition]:
    rows = read_catalogue("retainkit.metrics", "metrics")
    return {name: MetricDefinition(name=name, **row) for name, row in rows.items()}


METRIC_DEFINITIONS: Mapping[str, MetricDefinition] = Catalogue(_read_definitions)
"""Every metric of `compute_metrics`, by name, in display order."""


_TRUTHS = ("at_start", "at_end", "joined", "known_before", "dormant", "bought")
_NUMBERS = ("occasions", "revenue", "amount_at_start", "amount_at_end", "closing_amount")


class OwnMetric(MetricDefinition):
    """A metric of your own, registered in `MetricConvention.own_metrics`.

    It is then computed by name, stands in the tables of a run and in its report.

    Parameters
    ----------
    name, label, formula, kind, unit
        As in `MetricDefinition`; not the name of a built-in metric, and no distribution.
    numerator : tuple of str
        What each customer adds: the product of truth values ("at_start", "at_end", "joined",
        "known_before", "dormant", "bought"; "not at_end" for the opposite) and numbers
        ("occasions", "revenue", "amount_at_start", "amount_at_end", "closing_amount").
    denominator : tuple of str
        The same below the line; empty for a count or a sum. The numerator of a proportion is
        part of its denominator: the same truth values and more.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import MetricConvention, OwnMetric, compute_metric, index_purchases
    >>> own = OwnMetric(
    ...     name="lapsed_share", kind="proportion", unit="share",
    ...     label={"en": "Lapsed share", "zh": "沉默占比"},
    ...     formula={"en": "known and dormant / known", "zh": "沉默的老客户 / 老客户"},
    ...     numerator=("known_before", "dormant"), denominator=("known_before",),
    ... )
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> compute_metric(base, "lapsed_share", convention=MetricConvention(own_metrics=(own,)))
    lapsed_share = 1,972 / 2,357 = 0.8367 (95 % jeffreys ... n = 2,357; ...)
    """

    numerator: tuple[str, ...] = Field(min_length=1)
    denominator: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_terms(self) -> Self:
        """Refuse what could not be computed, or would be called what it is not."""
        plain = {f"{no}{term}" for term in _TRUTHS for no in ("", "not ")}
        unknown = {*self.numerator, *self.denominator} - plain - {*_NUMBERS}
        problems = {
            f"{self.name!r} is a built-in metric": self.name in METRIC_DEFINITIONS,
            f"unknown terms {sorted(unknown)}": bool(unknown),
            f"a {self.kind} with denominator {self.denominator}": (self.kind == "count")
            == bool(self.denominator)
            or self.kind == "distribution",
            f"no proportion: {self.numerator} / {self.denominator}": self.kind == "proportion"
            and not {*self.denominator} <= {*self.numerator} <= plain,
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)
        return self


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
    contracts : ContractConvention
        Contracts: which count, on which day each has ended, and what it brings.
    reactivation : {"own", "new"}, default "own"
        Whether a customer who returns is their own category or counts as new.
    reactivation_in_nrr : bool, default False
        Whether revenue of returned customers enters net revenue retention.
    contraction_in_nrr : bool, default True
        Whether smaller contracts of customers who stay lower net revenue retention.
    reactivated_cohort : {"original", "new"}, default "original"
        Cohort of a customer who returned: that of the first start, or one of the return. Returned
        are buyers after a silence longer than `window_days`, and contract customers after a gap
        of `contracts.grace_days` or more.
    same_period_join_leave : {"ignore", "count_both"}, default "ignore"
        Contracts: whether customers who join and leave within one period count as new and as
        lost. Exposure always counts both.
    refunds : {"subtract", "ignore"}, default "subtract"
        Purchase data: whether negative amounts lower the revenue of their own day.
    term_change : {"separate", "contraction"}, default "separate"
        Contracts: whether a change of `term_months` is a movement of its own or part of expansion
        and contraction.
    time_zone : str, default "UTC"
        The zone in which days were cut; tables are converted when they are validated.
    week_start : {"monday", "saturday", "sunday"}, default "monday"
        First day of a calendar week in cohorts.
    month : {"calendar", "30_days"}, default "calendar"
        What "one month later" means in rolling cohorts: the same day of the next month, or 30
        days.
    interval_method : {"jeffreys", "wilson", "none"}, default "jeffreys"
        Interval of a proportion; "none" leaves out every interval.
    interval_level : float, default 0.95
        Coverage of the interval.
    bootstrap_resamples : int, default 399
        Samples behind the interval of a concentration metric; 0 = no such interval.
    bootstrap_seed : int, default 0
        Seed of these samples: the same seed gives the same interval.
    own_metrics : tuple of OwnMetric, default ()
        Metrics of your own, each under a name of its own.

    Notes
    -----
    Settings that begin with "Contracts" mean nothing for purchases and the other way round; a
    setting that needs a column the data lack leaves a note on the value.

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
    contracts: ContractConvention = DEFAULT_CONTRACTS
    reactivation: Literal["own", "new"] = "own"
    reactivation_in_nrr: bool = False
    contraction_in_nrr: bool = True
    reactivated_cohort: Literal["original", "new"] = "original"
    same_period_join_leave: Literal["ignore", "count_both"] = "ignore"
    refunds: Literal["subtract", "ignore"] = "subtract"
    term_change: Literal["separate", "contraction"] = "separate"
    time_zone: str = "UTC"
    week_start: Weekday = "monday"
    month: Literal["calendar", "30_days"] = "calendar"
    interval_method: Literal["jeffreys", "wilson", "none"] = "jeffreys"
    interval_level: float = Field(default=0.95, gt=0.0, lt=1.0)
    bootstrap_resamples: int = Field(default=399, ge=0, le=100_000)
    bootstrap_seed: int = Field(default=0, ge=0)
    own_metrics: tuple[OwnMetric, ...] = ()

    @field_validator("own_metrics")
    @classmethod
    def _check_names(cls, own: tuple[OwnMetric, ...]) -> tuple[OwnMetric, ...]:
        """Refuse two own metrics of one name."""
        names = [one.name for one in own]
        if len(set(names)) < len(names):
            msg = f"own metrics are {names}; each name once"
            raise ValueError(msg)
        return own

    def definition(self, metric: str) -> MetricDefinition:
        """Return what a metric is: one of the library's, or an own one."""
        own = {one.name: one for one in self.own_metrics}
        return own[metric] if metric in own else METRIC_DEFINITIONS[metric]

    @classmethod
    def textbook(cls) -> Self:
        """Return the textbook's convention: two snapshots, divided by the start.

        Returns
        -------
        MetricConvention
            The defaults under another name; `textbook_retention_rate` is the formula (E - N) / S.

        References
        ----------
        Gold, C. (2020). Fighting Churn with Data, sections 2.1 to 2.4.
        """
        return cls(name="textbook")

    @classmethod
    def chartmogul(cls) -> Self:
        """Return ChartMogul's published defaults.

        Returns
        -------
        MetricConvention
            Every departure is counted, over the customers of the start; a switch to a free plan
            stays active; net revenue churn takes reactivation in.

        References
        ----------
        ChartMogul Help Center: Configuring Subscription Analytics settings; Churn recognition;
        Churn rate formulas ("standard"; for "Shopify" replace `denominator` by "daily").

        Examples
        --------
        >>> from retainkit.metrics import MetricConvention
        >>> MetricConvention.chartmogul().reactivation_in_nrr
        True
        """
        return cls(
            name="chartmogul",
            counting="event",
            same_period_join_leave="count_both",
            reactivation_in_nrr=True,
            term_change="contraction",
        )

    @classmethod
    def stripe(cls) -> Self:
        """Return Stripe's published definitions.

        Returns
        -------
        MetricConvention
            Departures, also those of joiners and second ones, over the subscribers of the start
            plus the new ones; revenue leaves at cancellation; only permanent discounts and no
            metered amounts; a subscriber with nothing to pay is none.

        References
        ----------
        Stripe Docs: Billing metric definitions (analytics glossary). Stripe Support: Calculating
        subscriber churn rate in Billing; Billing analytics (discounts, delinquency).

        Examples
        --------
        >>> from retainkit.metrics import MetricConvention
        >>> MetricConvention.stripe().denominator
        'start_plus_new'
        """
        return cls(
            name="stripe",
            counting="event",
            denominator="start_plus_new",
            contracts=ContractConvention(
                recognition="cancel_requested",
                zero_value="churned",
                discounts="permanent_only",
                usage="exclude",
            ),
            same_period_join_leave="count_both",
            term_change="contraction",
            month="30_days",
        )

    @classmethod
    def baremetrics(cls) -> Self:
        """Return Baremetrics' published definitions.

        Returns
        -------
        MetricConvention
            Cancelled customers of the last 30 days, also those who joined within them, over the
            customers of 30 days ago; gone after 30 days past due. Net revenue retention is
            1 - (churned - expansion) / revenue 30 days ago: the form as published names no
            contraction. The older net revenue churn of the same form calls cancellations *and
            downgrades* churned; for that reading replace `contraction_in_nrr` by True.

        Notes
        -----
        Whether a customer who cancels and returns within the 30 days counts is not published; here
        every cancellation counts. The published quick ratio leaves reactivation out:
        ``table.quick_ratio(reactivation=False)``.

        References
        ----------
        Baremetrics Help Center: User and Revenue Churn (help.baremetrics.com, article 5380347).
        Baremetrics changelog: New metric: Net Revenue Retention; Churn update; Net MRR Churn; New
        Quick Ratio metric.

        Examples
        --------
        >>> from retainkit.metrics import MetricConvention
        >>> MetricConvention.baremetrics().contraction_in_nrr
        False
        """
        return cls(
            name="baremetrics",
            counting="event",
            same_period_join_leave="count_both",
            contracts=ContractConvention(dunning_days=30),
            contraction_in_nrr=False,
            term_change="contraction",
            month="30_days",
        )

    @classmethod
    def profitwell(cls) -> Self:
        """Return ProfitWell's published definitions.

        Returns
        -------
        MetricConvention
            Customers stay to the end of the paid cycle; who joins and leaves within a month is
            ignored; past due stays 15 days; pauses are worth 0; discounts are always
            subtracted, refunds ignored, metered amounts left out.

        References
        ----------
        Paddle Help, ProfitWell Metrics: ProfitWell vs. Stripe, vs. Recurly, vs. ReCharge; FAQ
        ("we recommend having a dunning window of at least 15 days").
        """
        return cls(
            name="profitwell",
            counting="event",
            contracts=ContractConvention(
                recognition="billing_end", dunning_days=15, paused="zero", usage="exclude"
            ),
            refunds="ignore",
            term_change="contraction",
        )

    @classmethod
    def recurly(cls) -> Self:
        """Return Recurly's published definitions.

        Returns
        -------
        MetricConvention
            Nobody has churned until the subscription expired; joiners who leave count on both
            sides; a pause is worth 0 but no churn; coupons lower revenue.

        References
        ----------
        Recurly Docs: Subscriber retention; Paddle Help: ProfitWell vs. Recurly.
        """
        return cls(
            name="recurly",
            counting="event",
            contracts=ContractConvention(paused="zero"),
            same_period_join_leave="count_both",
            term_change="contraction",
        )


DEFAULT_CONVENTION = MetricConvention()
