"""Churn, metrics, value and the run date and count every loss alike."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit import PipelineConfig, RetentionPipeline
from retainkit.churn import detect_contract_churn, list_contract_spells
from retainkit.contracts import ContractConvention, read_contract_state, read_contracts
from retainkit.errors import NotComputableError
from retainkit.forecast import fit_renewal_model, forecast_contracts
from retainkit.forecast._notes import NOTES
from retainkit.metrics import (
    MetricConvention,
    Period,
    churn_rate,
    index_contracts,
    leaky_bucket,
    revenue_movements,
)

ORIGIN = date(2026, 1, 1)
LAST = 59
"""Days from the origin to the last observed day."""

AS_OF = ORIGIN + timedelta(days=LAST)

LAW = settings(deadline=None, derandomize=True, max_examples=60)
Loss = tuple[str, int]
Row = dict[str, Any]


def day(offset: int | None) -> pd.Timestamp | None:
    return None if offset is None else pd.Timestamp(ORIGIN + timedelta(days=offset))


def table(rows: list[Row]) -> pd.DataFrame:
    """Return rows with days counted from the origin as a contracts table."""
    frame = pd.DataFrame({"customer_id": [row["who"] for row in rows], "amount": 10.0})
    for name in ("start", "end", "cancel_requested", "billing_end", "past_due_since"):
        values = pd.Series([day(row.get(name)) for row in rows], dtype="datetime64[s]")
        frame[name] = values
    frame["paid"] = [row.get("paid", True) for row in rows]
    frame["end_reason"] = pd.Series([row.get("end_reason") for row in rows], dtype="object")
    return frame


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Overlaps, returns, same-day contracts, notices and bills, some after the last day."""
    some = st.one_of(st.none(), st.integers(-3, 30))
    found = []
    for _ in range(draw(st.integers(1, 9))):
        start = draw(st.integers(0, LAST))
        row: Row = {
            "who": draw(st.sampled_from("abc")),
            "start": start,
            "paid": draw(st.booleans()),
        }
        length = draw(st.one_of(st.none(), st.integers(0, 25)))
        row["end"] = None if length is None else start + length
        for name in ("cancel_requested", "billing_end", "past_due_since"):
            after = draw(some)
            row[name] = None if after is None else start + after
        row["end_reason"] = draw(st.sampled_from([None, "moved", "paused"]))
        found.append(row)
    return found


conventions = st.builds(
    ContractConvention,
    recognition=st.sampled_from(["service_period_end", "cancel_requested", "billing_end"]),
    billing_months=st.sampled_from([None, 1]),
    grace_days=st.integers(0, 6),
    same_day=st.sampled_from(["count", "ignore"]),
    unpaid=st.sampled_from(["count", "ignore"]),
    past_due=st.sampled_from(["active", "churned"]),
    dunning_days=st.sampled_from([0, 5]),
    paused=st.sampled_from(["active", "zero", "lost"]),
)


def found_by_churn(frame: pd.DataFrame, convention: ContractConvention) -> list[Loss]:
    """Return the losses among the spells, without those still in grace."""
    spells = list_contract_spells(frame, as_of=AS_OF, config=convention).to_frame()
    lost = spells[spells["ended"]]
    judged = lost["absent_days"] >= max(convention.grace_days, 1)
    lost = lost[judged]
    when = (lost["end"] - pd.Timestamp(ORIGIN)).dt.days
    return sorted(zip(lost["customer_id"], when, strict=True))


def event_convention(convention: ContractConvention) -> MetricConvention:
    return MetricConvention(
        counting="event", same_period_join_leave="count_both", contracts=convention
    )


def found_by_metrics(frame: pd.DataFrame, convention: ContractConvention) -> list[Loss]:
    """Return the losses counted day by day, through the last observed one."""
    base = index_contracts(frame, as_of=AS_OF)
    days = [ORIGIN + timedelta(days=n) for n in range(LAST + 2)]
    periods = [Period(start=start, end=end) for start, end in itertools.pairwise(days)]
    moves = revenue_movements(base, periods=periods, convention=event_convention(convention))
    gone = moves.to_frame().query("movement == 'churn'")
    when = (pd.to_datetime(gone["period"].astype("str").str[:10]) - pd.Timestamp(ORIGIN)).dt.days
    return sorted(zip(gone["customer_id"], when, strict=True))


@pytest.mark.parametrize(
    ("recognition", "row", "expected"),
    [
        ("cancel_requested", {"end": 9, "cancel_requested": 19}, 9),  # gone before the notice
        ("cancel_requested", {"end": 19, "cancel_requested": 9}, 9),
        ("billing_end", {"end": None, "billing_end": 14}, None),  # a paid month ends nothing
        ("billing_end", {"end": 9, "billing_end": 14}, 14),
        ("billing_end", {"end": 14, "billing_end": 9}, 14),  # served beyond what was billed
        ("service_period_end", {"end": 9, "cancel_requested": 5, "billing_end": 14}, 9),
    ],
)
def test_every_room_dates_a_loss_on_the_same_day(
    recognition: str, row: Row, expected: int | None
) -> None:
    """One rule: a notice brings a loss forward, a paid period postpones it, only an end ends."""
    frame = table([{"who": "a", "start": 0, **row}])
    convention = ContractConvention.model_validate({"recognition": recognition})
    losses = [] if expected is None else [("a", expected)]
    assert found_by_churn(frame, convention) == losses
    assert found_by_metrics(frame, convention) == losses
    state = read_contract_state(frame, as_of=AS_OF, convention=convention)
    assert state.is_in("ended").tolist() == [expected is not None]


@LAW
@given(rows(), conventions)
def test_rooms_agree_on_every_loss(found: list[Row], convention: ContractConvention) -> None:
    """The spells that ended, the movements of each day and the last verdict name one list."""
    frame = table(found)
    losses = found_by_churn(frame, convention)
    assert found_by_metrics(frame, convention) == losses
    churn = detect_contract_churn(frame, as_of=AS_OF, config=convention)
    last = dict(losses)
    gone = churn.to_frame().query("churned")
    for who, when in zip(gone["customer_id"], gone["effective_at"], strict=True):
        assert when == day(last[who])
    state = read_contract_state(read_contracts(frame), as_of=AS_OF, convention=convention)
    np.testing.assert_array_equal(state.is_in("ended"), churn.churned)
    np.testing.assert_array_equal(state.ended_on, churn.effective_day)


@LAW
@given(rows(), conventions, st.lists(st.integers(1, LAST), max_size=3, unique=True))
def test_every_period_counts_the_losses_in_it(
    found: list[Row], convention: ContractConvention, cuts: list[int]
) -> None:
    """Movements, the bucket and the churn rate count a customer as often as it left."""
    frame = table(found)
    losses = found_by_churn(frame, convention)
    base = index_contracts(frame, as_of=AS_OF)
    edges = [0, *sorted(cuts), LAST + 1]
    days = [ORIGIN + timedelta(days=n) for n in edges]
    periods = [Period(start=start, end=end) for start, end in itertools.pairwise(days)]
    rule = event_convention(convention)
    expected = [
        sum(start <= when < end for _, when in losses) for start, end in itertools.pairwise(edges)
    ]
    heads = revenue_movements(base, periods=periods, convention=rule).heads()
    assert heads["churn"].tolist() == expected
    bucket = leaky_bucket(base, periods=periods, convention=rule).summary()
    assert bucket["lost"].tolist() == expected
    for period, count in zip(periods, expected, strict=True):
        rate = churn_rate(base, period=period, convention=rule)
        assert rate.numerator in (None, count)
    state = read_contract_state(frame, as_of=AS_OF, convention=convention)
    there = state.is_in("running") | state.is_in("paused") | state.is_in("in_grace")
    assert heads["closing"].iloc[-1] == there.sum()


@settings(LAW, max_examples=12)
@given(rows(), conventions)
@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_the_run_tells_the_same_losses(found: list[Row], convention: ContractConvention) -> None:
    """Who is gone, since when, and whose contract brings nothing more: as the churn table says."""
    frame = table(found)
    pipeline = RetentionPipeline(
        PipelineConfig(convention=event_convention(convention), look_back=False)
    )
    try:
        result = pipeline.run(contracts=frame, as_of=AS_OF)
    except NotComputableError as error:  # trials alone, or nothing counts: there is no value
        with pytest.raises(NotComputableError, match="charged"):
            raise error from None
        return
    churn = detect_contract_churn(frame, as_of=AS_OF, config=convention).to_frame()
    view = result.customers.to_frame().set_index("customer_id").loc[churn["customer_id"]]
    gone = churn["churned"].to_numpy()
    np.testing.assert_array_equal(view["churned"].to_numpy(), gone)
    np.testing.assert_array_equal(view["state"].isin(["gone", "ended"]).to_numpy(), gone)
    since = view["state_since"].to_numpy().astype("datetime64[D]")
    effective = churn["effective_at"].to_numpy().astype("datetime64[D]")
    np.testing.assert_array_equal(since[gone], effective[gone])
    np.testing.assert_array_equal(view["expected_value"].to_numpy()[gone], 0.0)


def paid_for(found: list[Row], who: str, convention: ContractConvention) -> pd.Timestamp:
    """Return the last day paid for by a customer who is gone, contract by contract, by calendar."""
    told = []
    for row in found:
        only = table([row])
        state = read_contract_state(only, as_of=AS_OF, convention=convention.replace(grace_days=0))
        if row["who"] != who or not state.is_in("ended")[0]:
            continue  # what did not count was not paid for
        dated = pd.Timestamp(state.ended_on.astype("datetime64[D]")[0])
        days = [dated]
        if row["paid"]:
            days += [at for name in ("end", "billing_end") if (at := day(row[name])) is not None]
        if row["paid"] and row["end"] is None and row["cancel_requested"] is not None:
            start, asked = ORIGIN + timedelta(days=row["start"]), day(row["cancel_requested"])
            assert asked is not None
            step = convention.billing_months or 1
            due = pd.Timestamp(start) + pd.DateOffset(months=step)
            months = step
            while due <= asked:
                months += step
                due = pd.Timestamp(start) + pd.DateOffset(months=months)
            days.append(due - pd.Timedelta(days=1))
        told.append(max(days))
    return max(told)


def paid_through_of(state: Any) -> dict[str, pd.Timestamp]:
    gone = state.is_in("ended")
    days = pd.to_datetime(state.paid_through[gone].astype("datetime64[D]"))
    return dict(zip(state.customer_id[gone], days, strict=True))


@pytest.mark.parametrize(
    ("row", "last_paid"),
    [
        ({"end": 40, "cancel_requested": 10}, 40),  # served, and paid, to the end told
        ({"end": None, "cancel_requested": 10}, 30),  # January is paid for: to 31 January
        ({"end": None, "cancel_requested": 31}, 58),  # charged on 1 February: to 28 February
        ({"end": 20, "cancel_requested": 10, "billing_end": 31}, 31),
        ({"end": None, "cancel_requested": 10, "paid": False}, 10),
        ({"end": 5, "cancel_requested": 10}, 5),
    ],
)
def test_a_term_is_paid_to_its_end(row: Row, last_paid: int) -> None:
    """The loss is dated on the notice; the term goes on to the day that is paid for."""
    frame = table([{"who": "a", "start": 0, **row}])
    rule = ContractConvention(recognition="cancel_requested")
    state = read_contract_state(frame, as_of=AS_OF, convention=rule)
    assert paid_through_of(state) == {"a": day(last_paid)}


@settings(LAW, max_examples=40)
@given(rows(), conventions)
def test_nobody_gone_is_paid_for_later_than_the_calendar_says(
    found: list[Row], convention: ContractConvention
) -> None:
    """The last paid day is the latest over the contracts, and never before the loss."""
    frame = table(found)
    state = read_contract_state(frame, as_of=AS_OF, convention=convention)
    assert (state.paid_through >= state.ended_on).all()
    for who, through in paid_through_of(state).items():
        assert through == paid_for(found, who, convention)


@settings(LAW, max_examples=12)
@given(rows(), conventions, st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, LAST))))
@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_a_charge_within_the_paid_term_is_no_return_and_a_purchase_after_it_is(
    found: list[Row], convention: ContractConvention, bought: list[tuple[str, int]]
) -> None:
    """With purchases beside contracts: gone by contract are those lost who did not buy since."""
    bought = [*bought, ("d", 0)]
    frame = table(found)
    purchases = pd.DataFrame(
        {
            "customer_id": [who for who, _ in bought],
            "timestamp": [pd.Timestamp(ORIGIN + timedelta(days=when)) for _, when in bought],
            "amount": 10.0,
        }
    )
    pipeline = RetentionPipeline(
        PipelineConfig(convention=event_convention(convention), look_back=False)
    )
    result = pipeline.run(purchases, contracts=frame, as_of=AS_OF)
    state = read_contract_state(frame, as_of=AS_OF, convention=convention)
    through = paid_through_of(state)
    last = purchases.groupby("customer_id")["timestamp"].max().to_dict()
    out = {who for who, paid in through.items() if last.get(who, paid) <= paid}
    told = result.customers.to_frame().set_index("customer_id")
    by_contract = told["state_reason"] == "the contract has ended"
    assert set(told.index[by_contract]) == out
    assert (told.loc[by_contract, "state"] == "gone").all()
    churn = detect_contract_churn(frame, as_of=AS_OF, config=convention).to_frame()
    since = churn.set_index("customer_id")["effective_at"]
    for who in out:
        assert told.loc[who, "state_since"] == since[who]


_BEGUN = np.arange(200) % 40 * 9
RENEWAL = fit_renewal_model(
    _BEGUN,
    np.where(np.arange(200) % 3 == 0, _BEGUN + np.arange(200) % 70, np.nan),
    as_of_day=400,
    horizon_days=30,
)


@LAW
@given(rows(), conventions)
def test_who_is_lost_brings_nothing_more(found: list[Row], convention: ContractConvention) -> None:
    """A lost customer has no charge ahead, whatever is still paid for, and the count is churn's."""
    frame = table(found)
    churn = detect_contract_churn(frame, as_of=AS_OF, config=convention)
    state = read_contract_state(frame, as_of=AS_OF, convention=convention)
    ahead = forecast_contracts(RENEWAL, state, as_of=AS_OF, horizon_days=365)
    lost = ahead.note == NOTES.index(next(note for note in NOTES if note.en == "contract ended"))
    np.testing.assert_array_equal(lost, churn.churned)
    for name in ("expected_value", "expected_value_low", "expected_value_high"):
        assert (getattr(ahead, name)[lost] == 0.0).all()
    assert (state.price[lost] == 0.0).all()
