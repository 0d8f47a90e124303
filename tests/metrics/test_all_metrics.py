"""A walk over all 34 metrics of the list: formula, example, purity, interval, edge, people.

The world: forty copies of the golden month (so that ratios have intervals), CDNOW, and a base in
which nobody was there yet in March.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from retainkit._core.intervals import Interval
from retainkit.churn import cumulative_incidence
from retainkit.metrics import (
    METRIC_DEFINITIONS,
    CohortTable,
    ContractIndex,
    MetricConvention,
    MetricValue,
    Period,
    PurchaseIndex,
    RetentionCurve,
    build_cohorts,
    churn_rate,
    compute_metric,
    compute_metrics,
    customers_in_cell,
    expected_lifetime,
    explain,
    gini,
    health_score,
    incremental_rate,
    index_contracts,
    margin_multiple,
    net_promoter_score,
    net_revenue_retention,
    reactivation_rate,
    repeat_rate,
    rescale_metric,
    resurrection_latency,
    retention_curve,
    retention_rate,
    revenue_movements,
    share_of_wallet,
    simple_lifetime_value,
    wallet_allocation_rule,
)
from retainkit.tiers import TierChain, assign_tiers, compare_tiers, fit_tier_scheme, whale_curve
from retainkit.typing import FloatArray

MARCH = Period.month(2026, 3)
QUARTER = Period.quarter(1998, 1)
STRIPE, CHARTMOGUL = MetricConvention.stripe(), MetricConvention.chartmogul()
BAREMETRICS = MetricConvention.baremetrics()
DAILY = MetricConvention(denominator="daily")
EXPOSURE = MetricConvention(denominator="exposure")
COPIES = 40


class World(NamedTuple):
    contracts: ContractIndex
    nobody: ContractIndex
    purchases: PurchaseIndex


@pytest.fixture(scope="module")
def world(cdnow_base: PurchaseIndex) -> World:
    rows = [
        *[("A", "01-01", None, 100), ("B", "01-01", "03-15", 100), ("B", "03-15", None, 150)],
        *[("C", "01-01", "03-10", 100), ("C", "03-10", None, 60), ("D", "01-01", "03-20", 100)],
        *[("E", "03-05", None, 80), ("F", "03-05", "03-25", 40), ("G", "01-01", "02-01", 70)],
        *[("G", "03-12", None, 70), ("H", "01-01", "03-05", 100), ("H", "03-20", None, 100)],
        ("I", "01-01", "03-08", 100),
    ]
    frame = pd.DataFrame(
        {
            "customer_id": [f"{who}{k}" for k in range(COPIES) for who, *_ in rows],
            "start": [f"2026-{start}" for _, start, *_ in rows] * COPIES,
            "end": [end and f"2026-{end}" for *_, end, _ in rows] * COPIES,
            "amount": [float(amount) for *_, amount in rows] * COPIES,
        }
    )
    frame = frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"]))
    later = pd.DataFrame(
        {
            "customer_id": ["z"],
            "start": pd.to_datetime(["2026-05-01"]),
            "end": pd.to_datetime(pd.Series(["2026-05-20"])),
            "amount": [1.0],
        }
    )
    return World(
        index_contracts(frame, as_of="2026-03-31"),
        index_contracts(later, as_of="2026-05-31", observed_from="2026-01-01"),
        cdnow_base,
    )


class Entry(NamedTuple):
    """One metric: its public names, a value, the method of its interval or why it has none, what
    happens where nothing can be divided, and the people behind it or why there are none.
    """

    names: tuple[str, ...]
    value: Callable[[World], Any]
    interval: str
    nothing: Callable[[World], Any]
    reason: str | type[Exception]
    people: Callable[[World], tuple[float, float]] | str


def explained(
    name: str, convention: MetricConvention | None = None, *, bought: bool = False
) -> Callable[[World], tuple[float, float]]:
    def sums(w: World) -> tuple[float, float]:
        base, period = (w.purchases, QUARTER) if bought else (w.contracts, MARCH)
        why = explain(name, base, period=period, convention=convention or MetricConvention())
        assert set(why.numerator["customer_id"]) <= set(base.customer_id)
        top, bottom = why.customers[["numerator", "denominator"]].sum()
        return float(top), float(bottom)

    return sums


def moved(w: World) -> tuple[float, float]:
    frame = revenue_movements(w.contracts, periods=MARCH).to_frame()
    gain = frame["movement"].isin(["new", "reactivation", "expansion"])
    return float(frame.loc[gain, "amount"].sum()), -float(frame.loc[~gain, "amount"].sum())


def cell(column: int, **form: Any) -> tuple[Callable[[World], Any], Callable[[World], Any]]:
    """Return the value of one cohort cell, and the people behind it."""

    def value(w: World) -> MetricValue:
        frame = build_cohorts(w.contracts, **form).cells_frame()
        own = frame[frame["cohort"] == "2026-01"].iloc[column]
        interval = Interval(own["lower"], own["upper"], "jeffreys", 0.95)
        return MetricValue(
            "cell", own["rate"], own["retained"], own["eligible"], 0, interval=interval
        )

    def people(w: World) -> tuple[float, float]:
        frame = customers_in_cell(w.contracts, cohort="2026-01", column=column, **form)
        return float(frame["counted"].sum()), float(len(frame))

    return value, people


def churned(convention: MetricConvention) -> Callable[[World], MetricValue]:
    return lambda w: churn_rate(w.contracts, period=MARCH, convention=convention)


def nobody_churned(convention: MetricConvention) -> Callable[[World], MetricValue]:
    return lambda w: churn_rate(w.nobody, period=MARCH, convention=convention)


def average_curve(w: World) -> MetricValue:
    row = build_cohorts(w.contracts).summary().iloc[1]
    interval = Interval(row["lower"], row["upper"], "jeffreys", 0.95)
    return MetricValue(
        "average", row["rate"], row["retained"], row["eligible"], 0, interval=interval
    )


def curve(w: World) -> MetricValue:
    row = retention_curve(w.contracts).to_frame().iloc[1]
    interval = Interval(row["lower"], row["upper"], "log-log", 0.95)
    return MetricValue("curve", row["retention"], None, None, 0, interval=interval)


def incidence(_: World) -> MetricValue:
    table = cumulative_incidence([1, 2, 2, 3, 4, 5], cause=["x", "y", "x", None, "y", None])
    frame = table.to_frame()
    row = frame[frame["cause"] == "x"].iloc[1]
    interval = Interval(row["low"], row["high"], "log-log", 0.95)
    return MetricValue("incidence", row["incidence"], None, None, 0, interval=interval)


def tier_rates(movement: str) -> Callable[[World], MetricValue]:
    def value(_: World) -> MetricValue:
        scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
        before = assign_tiers([60.0, 55.0, 12.0, 1.0], scheme)
        table = compare_tiers(before, assign_tiers([30.0, 55.0, 60.0, 5.0], scheme)).rates()
        row = table[(table["tier"] == "key") & (table["movement"] == movement)].iloc[0]
        interval = Interval(row["lower"], row["upper"], "jeffreys", 0.95)
        top, bottom = row["customers"], row["among"]
        return MetricValue("tier rate", row["rate"], top, bottom, 2, interval=interval)

    return value


def nobody_in_a_tier(_: World) -> float:
    scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    table = compare_tiers(assign_tiers([60.0], scheme), assign_tiers([60.0], scheme)).rates()
    return float(table.loc[table["tier"] == "bad", "rate"].iloc[0])


def concentration(w: World) -> MetricValue:
    return compute_metrics(w.purchases, period=QUARTER, metrics=["gini"]).get("gini")


CHAIN = (("in", "out"), [[0.5, 0.5], [0.0, 1.0]])
ON, ON_PEOPLE = cell(1)
LATER, LATER_PEOPLE = cell(1, activity="on_or_after", convention=MetricConvention(window_days=1))
BRACKET, BRACKET_PEOPLE = cell(1, activity="bracket", brackets=((0, 0), (1, 2)))
COUNTED = "the table counts customers at risk and gone at every time"
GIVEN = "computed from figures that the caller hands over, one per customer or in sum"

ALL: dict[int, Entry] = {
    1: Entry(
        ("metrics.retention_rate",),
        lambda w: retention_rate(w.contracts, period=MARCH),
        "jeffreys",
        lambda w: retention_rate(w.nobody, period=MARCH),
        "zero_denominator",
        explained("retention_rate"),
    ),
    2: Entry(
        ("metrics.churn_rate",),
        lambda w: churn_rate(w.contracts, period=MARCH),
        "jeffreys",
        lambda w: churn_rate(w.nobody, period=MARCH),
        "zero_denominator",
        explained("churn_rate"),
    ),
    3: Entry(
        ("metrics.textbook_retention_rate",),
        lambda w: compute_metric(w.contracts, "textbook_retention_rate", period=MARCH),
        "linearised",
        lambda w: compute_metric(w.nobody, "textbook_retention_rate", period=MARCH),
        "zero_denominator",
        explained("textbook_retention_rate"),
    ),
    4: Entry(
        ("metrics.MetricConvention.stripe", "metrics.churn_rate"),
        churned(STRIPE),
        "jeffreys",
        nobody_churned(STRIPE),
        "zero_denominator",
        explained("churn_rate", STRIPE),
    ),
    5: Entry(
        ("metrics.churn_rate",),
        churned(DAILY),
        "nelson-aalen",
        nobody_churned(DAILY),
        "zero_denominator",
        "a sum of daily quotients: explain() lists who left and who was there at the start",
    ),
    6: Entry(
        ("metrics.churn_rate",),
        churned(EXPOSURE),
        "poisson",
        nobody_churned(EXPOSURE),
        "zero_denominator",
        explained("churn_rate", EXPOSURE),
    ),
    7: Entry(
        ("metrics.rescale_metric", "metrics.rescale_rate", "metrics.rescale_retention"),
        lambda w: rescale_metric(churn_rate(w.contracts, period=MARCH), to_days=365),
        "jeffreys",
        lambda w: rescale_metric(churn_rate(w.nobody, period=MARCH), to_days=365),
        "zero_denominator",
        explained("churn_rate"),
    ),
    8: Entry(
        ("metrics.gross_revenue_retention", "metrics.gross_revenue_churn"),
        lambda w: compute_metric(w.contracts, "gross_revenue_retention", period=MARCH),
        "linearised",
        lambda w: compute_metric(w.nobody, "gross_revenue_retention", period=MARCH),
        "zero_denominator",
        explained("gross_revenue_retention"),
    ),
    9: Entry(
        ("metrics.net_revenue_retention",),
        lambda w: net_revenue_retention(w.contracts, period=MARCH),
        "linearised",
        lambda w: net_revenue_retention(w.nobody, period=MARCH),
        "zero_denominator",
        explained("net_revenue_retention"),
    ),
    10: Entry(
        ("metrics.MetricConvention.chartmogul", "metrics.net_revenue_retention"),
        lambda w: net_revenue_retention(w.contracts, period=MARCH, convention=CHARTMOGUL),
        "linearised",
        lambda w: net_revenue_retention(w.nobody, period=MARCH, convention=CHARTMOGUL),
        "zero_denominator",
        explained("net_revenue_retention", CHARTMOGUL),
    ),
    11: Entry(
        ("metrics.MetricConvention.baremetrics", "metrics.net_revenue_retention"),
        lambda w: net_revenue_retention(w.contracts, period=MARCH, convention=BAREMETRICS),
        "linearised",
        lambda w: net_revenue_retention(w.nobody, period=MARCH, convention=BAREMETRICS),
        "zero_denominator",
        explained("net_revenue_retention", BAREMETRICS),
    ),
    12: Entry(
        ("metrics.revenue_movements",),
        lambda w: revenue_movements(w.contracts, periods=MARCH),
        "none: an account that closes; nothing is estimated",
        lambda w: revenue_movements(w.nobody, periods=MARCH).unexplained.item(),
        "zero",
        moved,
    ),
    13: Entry(
        ("metrics.MovementTable.quick_ratio",),
        lambda w: revenue_movements(w.contracts, periods=MARCH).quick_ratio()[0],
        "linearised",
        lambda w: revenue_movements(w.nobody, periods=MARCH).quick_ratio()[0],
        "no_losses",
        moved,
    ),
    14: Entry(
        ("metrics.build_cohorts", "metrics.customers_in_cell"),
        ON,
        "jeffreys",
        lambda w: build_cohorts(w.contracts).rates[1, 0],
        "nan",
        ON_PEOPLE,
    ),
    15: Entry(
        ("metrics.build_cohorts",),
        LATER,
        "jeffreys",
        lambda w: build_cohorts(w.contracts, activity="on_or_after").rates[1, 0],
        "nan",
        LATER_PEOPLE,
    ),
    16: Entry(
        ("metrics.build_cohorts",),
        BRACKET,
        "jeffreys",
        lambda w: build_cohorts(w.contracts, activity="bracket", brackets=((0, 0),)).rates[1, 0],
        "nan",
        BRACKET_PEOPLE,
    ),
    17: Entry(
        ("metrics.CohortTable.balanced",),
        average_curve,
        "jeffreys",
        lambda w: build_cohorts(w.nobody, clock="rolling").average[-1],
        "value",
        ON_PEOPLE,  # only January is old enough for the second column
    ),
    18: Entry(
        ("metrics.retention_curve", "metrics.RetentionCurve.from_stays"),
        curve,
        "log-log",
        lambda _: RetentionCurve.from_stays([], []).mean_lifetime(horizon_days=30),
        "zero_denominator",
        COUNTED,
    ),
    19: Entry(
        ("churn.cumulative_incidence",),
        incidence,
        "log-log",
        lambda _: cumulative_incidence([-1.0], cause=["x"]),
        ValueError,
        COUNTED,
    ),
    20: Entry(
        ("metrics.repeat_rate", "metrics.reactivation_rate", "metrics.resurrection_latency"),
        lambda w: repeat_rate(w.purchases, period=QUARTER),
        "jeffreys",
        lambda w: reactivation_rate(w.nobody, period=MARCH),
        "zero_denominator",
        explained("repeat_rate", bought=True),
    ),
    21: Entry(
        ("metrics.churn_rate", "metrics.index_purchases", "metrics.compute_metric"),
        lambda w: churn_rate(w.purchases, period=QUARTER),
        "jeffreys",
        lambda w: churn_rate(w.purchases, period=Period.quarter(1997, 1)),
        "insufficient_history",
        explained("churn_rate", bought=True),
    ),
    22: Entry(
        ("metrics.RetentionCurve.mean_lifetime", "metrics.expected_lifetime"),
        lambda w: retention_curve(w.contracts).mean_lifetime(horizon_days=90),
        "greenwood",
        lambda _: expected_lifetime(0.0),
        "no_churn",
        COUNTED,
    ),
    23: Entry(
        (
            "metrics.recurring_revenue_per_customer",
            "metrics.average_sale_price",
            "metrics.simple_lifetime_value",
        ),
        lambda w: compute_metric(w.contracts, "recurring_revenue_per_customer", period=MARCH),
        "linearised",
        lambda _: simple_lifetime_value(90.0, margin_rate=0.6, churn=0.0),
        "no_churn",
        explained("recurring_revenue_per_customer"),
    ),
    24: Entry(
        ("metrics.share_of_wallet", "metrics.mean_share_of_wallet"),
        lambda _: share_of_wallet([50.0, 10.0, 5.0], [100.0, 100.0, 20.0]),
        "linearised",
        lambda _: share_of_wallet([50.0], [0.0]),
        "category_unknown",
        GIVEN,
    ),
    25: Entry(
        ("metrics.wallet_allocation_rule", "metrics.allocate_wallet"),
        lambda _: wallet_allocation_rule([1], [3]).item(),
        "none: a rule for one customer's ranks",
        lambda _: wallet_allocation_rule([1], [0]),
        ValueError,
        GIVEN,
    ),
    26: Entry(
        ("metrics.net_promoter_score",),
        lambda _: net_promoter_score([10, 9, 8, 3]),
        "normal",
        lambda _: net_promoter_score([]),
        "zero_denominator",
        GIVEN,
    ),
    27: Entry(
        (
            "metrics.top_share",
            "metrics.headcount_for_share",
            "metrics.gini",
            "metrics.hhi",
        ),
        concentration,
        "bootstrap",
        lambda _: gini([]),
        "zero_denominator",
        explained("gini", bought=True),
    ),
    28: Entry(
        ("tiers.whale_curve",),
        lambda _: whale_curve([3.0, 1.0, -1.0]),
        "none: the whole base in order; top_share has the interval",
        lambda _: whale_curve([1.0, -1.0]).to_frame()["cumulative_share"].iloc[-1],
        "nan",
        GIVEN,
    ),
    29: Entry(
        ("metrics.margin_multiple", "metrics.retention_elasticity"),
        lambda _: margin_multiple(0.8, discount_rate=0.12),
        "none: a function of two rates",
        lambda _: margin_multiple(1.2, discount_rate=0.1),
        ValueError,
        GIVEN,
    ),
    30: Entry(
        ("tiers.compare_tiers",),
        tier_rates("retention"),
        "jeffreys",
        nobody_in_a_tier,
        "nan",
        COUNTED,
    ),
    31: Entry(
        ("tiers.fit_tier_chain", "tiers.TierChain.value"),
        lambda _: TierChain.from_matrix(*CHAIN, absorbing=("out",)).value(
            [1.0, 0.0], discount_rate=0.1
        ),
        "none: a function of the chain; its probabilities have theirs",
        lambda _: TierChain.from_matrix(*CHAIN, absorbing=("out",)).value(
            [1.0, 0.0], discount_rate=-0.1
        ),
        ValueError,
        GIVEN,
    ),
    32: Entry(
        ("tiers.compare_tiers",),
        tier_rates("demotion"),
        "jeffreys",
        nobody_in_a_tier,
        "nan",
        COUNTED,
    ),
    33: Entry(
        ("metrics.incremental_rate",),
        lambda _: incremental_rate(56, 70, control_kept=48, control=80, name="save_rate"),
        "newcombe",
        lambda _: incremental_rate(56, 70, control_kept=None, control=None, name="save_rate"),
        "no_control_group",
        GIVEN,
    ),
    34: Entry(
        ("metrics.health_score",),
        lambda _: health_score(pd.DataFrame({"use": [0.5]}), weights={"use": 1.0}),
        "none: a score of one customer's signs",
        lambda _: health_score(pd.DataFrame({"use": [np.nan]}), weights={"use": 1.0})[
            "score"
        ].item(),
        "nan",
        GIVEN,
    ),
}


def test_the_walk_goes_over_all_of_them() -> None:
    assert list(ALL) == list(range(1, 35))


FORMULAS = {
    1: "active at the start and at the end / active at the start",
    2: "active at the start and not at the end / active at the start",
    3: "(active at the end - new in the period) / active at the start",
    4: "over the subscribers of the start plus the new ones",
    5: "sum over days of departures / customers at the start of the day",
    6: "1 - exp(-departures / customer-days x days)",
    7: "1 - (1 - churn)^(to_days / from_days)",
    8: "sum of min(amount at start, at end) / amount at start",
    9: "amount at end / amount at start",
    10: "net revenue churn takes reactivation in",
    11: "1 - (churned - expansion) / revenue 30 days ago",
    12: "Opening plus movements is closing",
    13: "(new + expansion + reactivation) / (churn + contraction)",
    14: '"on": active in that unit',
    15: '"on_or_after": active in it or later',
    16: '"bracket": active in any unit of the bracket',
    17: "`retained` / `eligible`",
    18: "product-limit",
    19: "F_k(u) = sum S(u-) h_k(u)",
    20: "buyers with at least two occasions in the period / buyers in the period",
    21: "a customer is active at the end of a day if they bought within this many days",
    22: "area under the curve",
    23: "revenue per customer x margin / churn",
    24: "Sum / sum over customers whose wallet is known",
    25: "(1 - rank / (N + 1)) * 2 / N",
    26: "(ratings 9 and 10 - ratings 0 to 6) / answers",
    27: "G = sum_i (2 i - n - 1) x_(i) / (n sum x)",
    28: "Add up the value of customers from the best to the worst",
    29: "r / (1 + i - r)",
    30: "A row that nobody was in has no probabilities",
    31: "V = (I - P / (1 + d))^-1 R",
    32: "who was promoted, kept, demoted",
    33: "Rate of the treated minus rate of the held out",
    34: "weights of the known ones rescaled",
}
"""A phrase of each formula, as the documentation states it."""


@pytest.mark.parametrize("number", ALL)
def test_the_metric_states_its_formula_and_shows_an_example(number: int) -> None:
    """Examples are executed by the doctests of the package."""
    texts = [CohortTable.average.__doc__ or ""] if number == 17 else []
    for path in ALL[number].names:
        room, *names = path.split(".")
        thing = importlib.import_module(f"retainkit.{room}")
        for name in names:
            named = name in METRIC_DEFINITIONS and not hasattr(thing, name)
            thing = getattr(thing, "compute_metric" if named else name)
        assert callable(thing)
        text = thing.__doc__ or ""
        assert ">>>" in text, path
        assert "Returns\n" in text, path
        texts.append(text)
        if names[-1] in METRIC_DEFINITIONS:
            texts.append(METRIC_DEFINITIONS[names[-1]].formula.en)
    assert FORMULAS[number] in " ".join(" ".join(texts).split())


@pytest.mark.parametrize("number", ALL)
def test_the_metric_is_pure(number: int, world: World) -> None:
    """Asked twice it says the same, and what it was asked about has not changed."""
    before = [part.copy() for part in arrays(world)]
    first, second = (ALL[number].value(world) for _ in range(2))
    assert same(first, second)
    for part, copy in zip(arrays(world), before, strict=True):
        np.testing.assert_array_equal(part, copy)


def arrays(world: World) -> Iterator[FloatArray]:
    for base in world:
        for name in ("row_customer", "row_start", "row_end", "row_amount", "day", "first_day"):
            if hasattr(base, name):
                yield getattr(base, name)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, MetricValue | float):
        return bool(one == other)
    frames = (thing.to_frame() if hasattr(thing, "to_frame") else thing for thing in (one, other))
    return bool(next(frames).equals(next(frames)))


@pytest.mark.parametrize("number", ALL)
def test_the_metric_has_an_interval_or_a_reason_for_none(number: int, world: World) -> None:
    entry = ALL[number]
    found = entry.value(world)
    if entry.interval.startswith("none: "):
        assert getattr(found, "interval", None) is None
        return
    assert isinstance(found, MetricValue)
    assert found.interval is not None
    assert found.value is not None
    assert found.interval.method == entry.interval
    assert found.interval.lower <= found.value <= found.interval.upper
    assert found.interval.lower < found.interval.upper


@pytest.mark.parametrize("number", ALL)
def test_the_metric_refuses_to_divide_by_nothing(number: int, world: World) -> None:
    """No value and a reason, NaN in a table, or an error that names the figure; never a 0."""
    entry = ALL[number]
    if isinstance(entry.reason, type):
        with pytest.raises(entry.reason):
            entry.nothing(world)
        return
    found = entry.nothing(world)
    if entry.reason == "nan":
        assert np.isnan(found)
    elif entry.reason == "zero":
        assert found == 0.0  # an account of nothing closes
    elif entry.reason == "value":
        assert found == 1.0  # column 0 of the only cohort: nothing later is observed
    else:
        assert (found.value, found.reason) == (None, entry.reason)
        assert not found.computable
        assert entry.reason in repr(found)


@pytest.mark.parametrize("number", ALL)
def test_the_people_behind_the_metric_add_up_to_it(number: int, world: World) -> None:
    entry = ALL[number]
    if isinstance(entry.people, str):
        assert len(entry.people) > 20
        return
    top, bottom = entry.people(world)
    found = entry.value(world)
    if isinstance(found, MetricValue):
        assert top == pytest.approx(found.numerator, rel=1e-9)
        assert bottom == pytest.approx(found.denominator, rel=1e-9)
    else:
        bridge = found.summary().iloc[0]
        assert top == bridge[["new", "reactivation", "expansion"]].sum()
        assert bottom == bridge[["contraction", "churn"]].sum()


def test_the_other_names_of_a_line_have_their_intervals_too(world: World) -> None:
    """Every name of the table of metrics, on both kinds of base."""
    for base, period in ((world.contracts, MARCH), (world.purchases, QUARTER)):
        table = compute_metrics(base, period=period)
        for name in table.metrics:
            found = table.get(name)
            if METRIC_DEFINITIONS[name].kind == "count":
                assert found.interval is None  # heads and money counted, not estimated
            else:
                assert found.interval is not None, name
                assert found.interval.lower <= (found.value or 0.0) <= found.interval.upper
    # forty customers came back after 39 days each, forty after 15
    back = resurrection_latency(world.contracts, period=MARCH)
    assert back.interval == Interval(15.0, 39.0, "order statistics", 0.95)
    assert compute_metric(world.contracts, "average_sale_price", period=MARCH).interval is not None
    churn = churn_rate(world.contracts, period=MARCH).interval
    assert churn is not None
    stay = expected_lifetime(1 / 3, churn_interval=churn).interval
    assert stay == Interval(1 / churn.upper, 1 / churn.lower, "jeffreys", 0.95)
    worth = simple_lifetime_value(90.0, margin_rate=0.6, churn=1 / 3, churn_interval=churn)
    assert worth.interval == Interval(54 / churn.upper, 54 / churn.lower, "jeffreys", 0.95)
    none_left = Interval(0.0, 0.1, "jeffreys", 0.95)
    assert expected_lifetime(0.01, churn_interval=none_left).interval is None
