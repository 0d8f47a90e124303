"""The room from end to end, as an application calls it: every count agrees with every other."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from retainkit.churn import (
    CauseTable,
    ChurnTable,
    SpellTable,
    attribute_causes,
    break_down_causes,
    compare_incidence,
    cover_incidence,
    cross_causes,
    cumulative_incidence,
    detect_contract_churn,
    draft_churn_plan,
    find_cause_alerts,
    fit_evidence_model,
    gather_evidence,
    label_spells,
    list_contract_spells,
    rank_causes,
    share_incidence,
    share_spells,
    summarize_causes,
)
from retainkit.errors import AlignmentError
from retainkit.metrics import ContractIndex, MetricConvention, Period, index_contracts, leaky_bucket
from retainkit.simulate import make_customer_base
from tests.churn.events import DAY_ZERO, make_events


class Run(NamedTuple):
    """One firm with contracts."""

    churn: ChurnTable
    spells: SpellTable
    causes: CauseTable
    months: list[pd.Timestamp]
    base: ContractIndex


@pytest.fixture(scope="module")
def run() -> Run:
    base = make_customer_base(4_000, seed=31)
    churn = detect_contract_churn(base.contracts, as_of=base.as_of)
    spells = list_contract_spells(base.contracts, as_of=base.as_of)
    events = gather_evidence(
        base.events,
        churn=churn,
        as_of=base.as_of,
        contracts=base.contracts,
        customers=base.customers,
        surveys=base.surveys,
    )
    ruled = attribute_causes(events, churn=churn)
    causes = fit_evidence_model(ruled).apply(ruled)
    last = pd.Timestamp(base.as_of) + pd.Timedelta(days=1)
    months = [last - pd.DateOffset(months=n) for n in range(12, -1, -1)]
    return Run(churn, spells, causes, months, index_contracts(base.contracts, as_of=base.as_of))


def month_of_loss(run: Run) -> pd.Series[str]:
    assert run.churn.effective_day is not None
    day = run.churn.effective_day[run.churn.churned].astype("datetime64[D]")
    return pd.Series(pd.to_datetime(day).strftime("%Y-%m"))


def test_losses_spells_flows_and_curves_count_the_same(run: Run) -> None:
    lost = int(run.churn.churned.sum())
    assert lost == len(run.causes) == int(run.spells.ended.sum()) > 500
    labels = label_spells(run.spells, causes=run.causes)
    assert int(labels.notna().sum()) == lost
    counts = pd.Series(labels).value_counts().reindex(labels.categories, fill_value=0)
    breakdown = summarize_causes(run.causes)
    assert counts.tolist() == breakdown.customers.tolist()
    curves = cumulative_incidence(run.spells.duration, cause=labels)
    assert curves.events.sum() == lost
    first, last = np.datetime64(int(run.spells.start_day.min()), "D"), run.months[-1].date()
    rule = MetricConvention(counting="event", same_period_join_leave="count_both")
    named = pd.Series(run.causes.cause, index=run.causes.customer_id)
    whole = Period(start=first.item(), end=last)
    flows = leaky_bucket(run.base, periods=whole, causes=named, convention=rule)
    assert flows.lost_by_cause[0, : len(counts)].tolist() == counts.tolist()
    assert flows.lost_by_cause.sum() == flows.summary()["lost"].sum() == lost
    periods = [Period(start=start.date(), end=end.date()) for start, end in pairwise(run.months)]
    by_month = leaky_bucket(run.base, periods=periods, causes=named, convention=rule).summary()
    assert by_month["opening"].tolist()[1:] == by_month["closing"].tolist()[:-1]


def test_shares_of_spells_give_the_expected_counts(run: Run) -> None:
    shares = share_spells(run.spells, causes=run.causes)
    np.testing.assert_allclose(shares.sum(axis=1), run.spells.ended.astype(float), atol=1e-12)
    expected = summarize_causes(run.causes).expected_customers
    np.testing.assert_allclose(shares.sum(axis=0), expected, atol=1e-9)
    soft = share_incidence(run.spells.duration, shares=shares)
    np.testing.assert_allclose(soft.survival + soft.incidence.sum(axis=1), 1.0, atol=1e-12)
    whole = cover_incidence(soft, draws=100)
    assert (whole["low"] <= whole["incidence"]).all()


def test_groups_add_up_and_alerts_name_their_period(run: Run) -> None:
    month = month_of_loss(run)
    value = np.arange(len(run.causes), dtype=np.float64)
    parts = break_down_causes(run.causes, by=month, value=value)
    assert list(parts) == sorted(set(month))
    whole = summarize_causes(run.causes, value=value)
    np.testing.assert_array_equal(sum(p.customers for p in parts.values()), whole.customers)
    money = np.sum([p.value for p in parts.values() if p.value is not None], axis=0)
    assert whole.value is not None
    np.testing.assert_allclose(money, whole.value)
    cross = cross_causes(run.causes, by=month, value=value)
    for name, part in parts.items():
        own = cross[cross["group"] == name]
        assert own["customers"].tolist() == part.customers.tolist()
    alerts = find_cause_alerts(list(parts.values()), names=list(parts))
    assert set(alerts["period"]) == {list(parts)[-1]}
    ranked = rank_causes(whole)
    assert ranked["loss"].sum() == len(run.causes)
    plan = draft_churn_plan(
        whole,
        at_risk=len(run.churn),
        start=date(2026, 1, 1),
        due=date(2026, 12, 31),
    )
    assert plan.to_frame()["baseline"].iloc[0] == whole.customers[[1, 2, 3, 4]].max() / len(
        run.churn
    )


def test_a_shuffled_cause_table_labels_the_same_spells(run: Run) -> None:
    """Groups compared on labelled spells; ids meet whatever their order or type."""
    half = np.where(run.spells.start_day < np.median(run.spells.start_day), "early", "late")
    labels = label_spells(run.spells, causes=run.causes)
    test = compare_incidence(run.spells.duration, cause=labels, by=half)
    assert test["p_value"].between(0.0, 1.0).all()


def test_earlier_losses_pauses_and_running_spells() -> None:
    """Only the last loss has the customer's cause; a pause is no loss; without causes: unknown."""
    contracts = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "d"],
            "start": [DAY_ZERO + pd.Timedelta(days=d) for d in (0, 50, 0, 0, 0)],
            "end": [*(DAY_ZERO + pd.Timedelta(days=d) for d in (20, 70, 30, 40)), pd.NaT],
            "end_reason": [None, None, "paused", None, None],
        }
    )
    churn = detect_contract_churn(contracts, as_of="2026-04-30")
    spells = list_contract_spells(contracts, as_of="2026-04-30")
    events = make_events(("a", 69, "relocation"), ("c", 39, "port_out"))
    causes = attribute_causes(events, churn=churn)
    labels = label_spells(spells, causes=causes).astype("object")
    assert pd.Series(labels).fillna("-").tolist() == [
        "unknown",
        "active.natural",
        "-",
        "active.competitive",
        "-",
    ]
    blind = pd.Series(label_spells(spells, causes=None).astype("object")).fillna("-")
    assert blind.tolist() == ["unknown", "unknown", "-", "unknown", "-"]
    assert share_spells(spells, causes=causes)[:, 6].tolist() == pytest.approx(
        [1.0, 0.1 / 1.1, 0.0, 0.1 / 1.1, 0.0], abs=0.02
    )


def test_groups_of_another_length_are_refused(run: Run) -> None:
    with pytest.raises(AlignmentError, match="groups of shape"):
        break_down_causes(run.causes, by=["x"])
